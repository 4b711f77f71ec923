//! The statement about restarts: what was hit started again as it should, nothing else did, and the
//! slots are back.

use super::super::Run;
use super::{Finding, Word, unknown};
use flinklab_event::{Pod, Target};
use flinklab_lab::failure::{Restarts, Role, Verdict};
use flinklab_verb::Effect;
use jiff::{SignedDuration, Timestamp};

/// With this code Flink halts a JobManager that cannot go on, and with this one that cannot begin.
const GAVE_UP: i32 = 239;
const NOT_BEGUN: i32 = 1;
/// How long after its manifest is back an API server may take until it answers.
const RETURNS: SignedDuration = SignedDuration::from_secs(20);

impl Run {
    pub(super) fn restarts(&self, word: Word, now: Timestamp) -> Finding {
        if self.seen.sent.is_none() {
            return unknown("nothing was sent");
        }
        if self.before.pods.is_empty() {
            return unknown("the pods of before are not known");
        }
        let expected = self.order.failure.expect.restarts;
        let hit: Vec<&Target> = std::iter::once(&self.order.target)
            .chain(&self.order.target.also)
            .filter(|_| expected != Restarts::None)
            .collect();
        let is_hit = |pod: &Pod| hit.iter().any(|target| target.uid == pod.uid);
        let mut words = Vec::new();
        for before in self.before.pods.iter().filter(|pod| !is_hit(pod)) {
            match self.seen.pods.get(&before.uid) {
                None => {
                    return (
                        Verdict::Fail,
                        format!("{} was not hit, but is gone", before.name),
                    );
                }
                Some(pod) if pod.restarts > before.restarts && self.gave_up(pod) => {
                    let times = match pod.restarts - before.restarts {
                        1 => String::new(),
                        times => format!(" {times} times"),
                    };
                    let code = pod.last_exit.as_ref().map_or(GAVE_UP, |(code, ..)| *code);
                    words.push(format!(
                        "{} ended itself{times} (exit {code}), for it could not reach the API server",
                        pod.name
                    ));
                }
                Some(pod) if pod.restarts > before.restarts => {
                    let words = format!("{} was not hit, but restarted", pod.name);
                    return (Verdict::Fail, words);
                }
                Some(_) => {}
            }
        }
        let mut open = Vec::new();
        for target in &hit {
            match expected {
                Restarts::None => {}
                Restarts::Target => match self.restarted(target) {
                    Ok((Verdict::Unknown, why)) => open.push(why),
                    Ok((_, said)) => words.push(said),
                    Err(why) => return (Verdict::Fail, why),
                },
                Restarts::Replaced if self.seen.pods.contains_key(&target.uid) => {
                    open.push(format!("{} is still there", target.pod));
                }
                Restarts::Replaced => words.push(format!("{} was replaced", target.pod)),
                Restarts::MayBeReplaced => words.push(self.kept_or_replaced(target)),
            }
        }
        let count = self.seen.pods.values().filter(|pod| pod.ready).count();
        if count < self.before.pods.len() {
            open.push(format!(
                "{count} of {} pods are ready",
                self.before.pods.len()
            ));
        }
        let mut unseen = Vec::new();
        match self.slots_missing() {
            Some(Ok(missing)) => open.push(missing),
            Some(Err(silence)) => unseen.push(silence),
            None => {}
        }
        // A watch that is lost does not tell of restarts; the list after it tells of all of them.
        if self.seen.blind.is_some() || self.seen.pods_unlisted {
            unseen.push("the watch of pods is lost".to_owned());
        }
        if self.over().is_none() {
            unseen.push("it is not over yet".to_owned());
        }
        // What was seen otherwise is FAIL in the end; what was not seen at all never is.
        let seen = unseen.is_empty() && !self.silent(now);
        let all = open.iter().chain(&unseen).map(String::as_str);
        let all = all.collect::<Vec<_>>().join("; ");
        match (all.is_empty(), word) {
            (true, _) => {
                if words.is_empty() {
                    words.push("no container and no pod was restarted".to_owned());
                }
                words.extend(self.echo());
                words.extend(self.slots_back());
                (Verdict::Pass, words.join("; "))
            }
            (false, Word::Last) if seen => (Verdict::Fail, all),
            (false, _) => unknown(all),
        }
    }

    /// Whether a JobManager that was cut off from the API server ended for that reason: Flink 1.15
    /// does so where later versions step down and live on. Started again before the API server is
    /// back, it cannot begin and ends once more.
    fn gave_up(&self, pod: &Pod) -> bool {
        let own = &self.order.target;
        let was_aimed_at = std::iter::once(own)
            .chain(&own.also)
            .any(|one| one.uid == pod.uid);
        let mut steps = self.order.failure.steps.iter();
        let cut_off = steps.any(|step| match step.effect() {
            Effect::CutsOff => was_aimed_at,
            Effect::StopsServer => true,
            Effect::Ends(_) | Effect::Freezes | Effect::StopsNode | Effect::Spares => false,
        });
        let while_away = |at: Timestamp| {
            let from = self.seen.sent.as_ref().map(|sent| sent.at);
            let back = self.seen.undone.as_ref().map(|undone| undone.at);
            let until = back.and_then(|back| back.checked_add(RETURNS).ok());
            from.is_some_and(|from| at > from) && until.is_none_or(|until| at < until)
        };
        let ended = match pod.last_exit {
            Some((GAVE_UP, ..)) => true,
            Some((NOT_BEGUN, _, at)) => at.is_some_and(while_away),
            _ => false,
        };
        cut_off && pod.role == Role::JobManager && ended
    }

    /// Whether REST, which tells of slots, said nothing at the end.
    fn silent(&self, now: Timestamp) -> bool {
        self.recent_look(now).is_none()
    }

    /// What became of a container that was hit.
    fn restarted(&self, target: &Target) -> Result<Finding, String> {
        let name = &target.pod;
        let before = self.before.pods.iter().find(|pod| pod.uid == target.uid);
        // Who made it makes another one: the JobManager, of TaskManagers that it starts on demand.
        let for_good = before.is_some_and(|pod| pod.detail.ends_for_good);
        let Some(pod) = self.seen.pods.get(&target.uid) else {
            return if for_good {
                Ok((
                    Verdict::Pass,
                    format!("{name}, which is never restarted, was replaced"),
                ))
            } else {
                Err(format!(
                    "the pod {name} is gone, only its container was hit"
                ))
            };
        };
        if for_good {
            return Ok(unknown(format!("{name} is still there")));
        }
        let before = before.map_or(0, |pod| pod.restarts);
        match pod.restarts.saturating_sub(before) {
            0 => Ok(unknown(format!("{name} was not seen restarting"))),
            1 if pod.ready => Ok((Verdict::Pass, format!("{name} restarted once"))),
            1 => Ok(unknown(format!("{name} restarted and is not ready"))),
            more => Err(format!("{name} restarted {more} times")),
        }
    }

    /// Whether Kubernetes gave up the node of a pod before it came back.
    fn kept_or_replaced(&self, target: &Target) -> String {
        let name = &target.pod;
        match self.seen.pods.get(&target.uid) {
            None => format!("{name} was replaced: Kubernetes gave its node up"),
            Some(pod) if pod.deleting.is_some() => {
                format!("{name} is being replaced: Kubernetes gave its node up")
            }
            Some(_) => format!("{name} stayed: its node came back in time"),
        }
    }

    /// A thawed leader may disturb the new one's job once more.
    fn echo(&self) -> Option<String> {
        let undone = self.seen.undone.as_ref()?.at;
        let echoes = self
            .restores()
            .filter(|restored| restored.at > undone)
            .count();
        (echoes > 0).then(|| match echoes {
            1 => "the job restarted once more after the undo (echo)".to_owned(),
            more => format!("the job restarted {more} times more after the undo (echo)"),
        })
    }

    /// How many slots are missing, or that nobody saw them since all was over: TaskManagers that are
    /// not missed yet have theirs, and so they have in an old answer.
    fn slots_missing(&self) -> Option<Result<String, String>> {
        let before = self.before.slots?;
        match self.slots_in_the_end() {
            Some(slots) if slots >= before => None,
            Some(slots) => Some(Ok(format!("{slots} of {before} slots are back"))),
            None => Some(Err("the slots were not seen since".to_owned())),
        }
    }

    fn slots_in_the_end(&self) -> Option<u32> {
        let (over, (next, _)) = (self.over()?, self.next_checkpoint()?);
        let mut newest_first = self.seen.looks.iter().rev();
        newest_first.find_map(|look| {
            look.slots
                .filter(|_| look.asked >= over && look.knows_of(next))
        })
    }

    fn slots_back(&self) -> Option<String> {
        let (slots, before) = (self.slots_in_the_end()?, self.before.slots?);
        Some(format!("{slots} of {before} slots"))
    }
}
