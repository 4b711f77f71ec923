//! What an order costs before it is given, why it cannot be given now, and what there was beside
//! what there is: sentences out of the data of `jobs`.

use super::{HaData, JobAct, JobOrder, JobsSeen, Retention};
use flinklab_base::units;
use jiff::Timestamp;

impl JobsSeen {
    /// Why it cannot be done now, if it cannot.
    #[must_use]
    pub fn against(&self, act: JobAct) -> Option<String> {
        if let Some(why) = self.against_an_application(act) {
            return Some(why);
        }
        if let Some(why) = self.silent.as_ref().filter(|_| !self.rests()) {
            return Some(format!("Flink does not tell what it runs: {why}"));
        }
        let job = units::short(self.current.as_deref().unwrap_or("none"), units::JOB);
        match (act.needs_a_job(), self.lives()) {
            (true, false) => Some(match self.state() {
                Some(state) => format!("the job {job} is {state}"),
                None => format!("Flink knows no job {job}"),
            }),
            (false, true) => Some(format!(
                "the job {job} is {}: stop or cancel it first",
                self.state().unwrap_or("coming back")
            )),
            _ if act == JobAct::Resume && self.starts.is_empty() => {
                Some("there is no savepoint and no retained checkpoint".to_owned())
            }
            _ => None,
        }
    }

    /// Whether nothing of the job's cluster runs because nothing of it is wanted.
    #[must_use]
    pub fn rests(&self) -> bool {
        self.application.as_ref().is_some_and(|seen| seen.at_zero)
    }

    /// What cannot be done with a job that is a part of its cluster, though it could be asked for.
    fn against_an_application(&self, act: JobAct) -> Option<String> {
        let facts = &self.application.as_ref()?.facts;
        let why = facts.cannot_start.as_ref()?;
        match act {
            JobAct::Savepoint => None,
            JobAct::Stop | JobAct::Cancel => Some(format!(
                "the JobManagers end with their job, and who starts them again runs it from nothing; \
                 flinklab cannot keep them from it: {why}"
            )),
            JobAct::Resume | JobAct::Resubmit => Some(format!(
                "the JobManagers bring their job along, and nothing can be submitted to them: {why}"
            )),
        }
    }

    /// What an order does to the cluster that the job is a part of.
    fn costs_of_the_cluster(&self, act: JobAct) -> Option<String> {
        let workload = &self.application.as_ref()?.facts.workload;
        match act {
            JobAct::Savepoint => None,
            JobAct::Stop | JobAct::Cancel => Some(format!(
                "The cluster ends with its job: the JobManagers remove their HA config maps, and their \
                 processes end. {workload} is scaled to zero then, or it would start them again, from \
                 nothing."
            )),
            JobAct::Resume => Some(format!(
                "{workload} starts the JobManagers again, with `--fromSavepoint` and the new id."
            )),
            JobAct::Resubmit => Some(format!(
                "{workload} starts the JobManagers again, with the new id."
            )),
        }
    }

    /// What is lost and what is kept, a sentence each, before it is done.
    #[must_use]
    pub fn costs(&self, order: &JobOrder, now: Timestamp) -> Vec<String> {
        let mut costs = self.costs_of_the_job(order, now);
        costs.extend(self.costs_of_the_cluster(order.act));
        costs
    }

    fn costs_of_the_job(&self, order: &JobOrder, now: Timestamp) -> Vec<String> {
        let job = units::short(self.current.as_deref().unwrap_or("none"), units::JOB);
        let removed = format!(
            "Lost: Flink's HA data of job {job}: its plan, and its config map with {}. It cannot \
             come back under this id.",
            many(self.ha.pointers.len(), "checkpoint pointer")
        );
        let ids = list(&self.ha.checkpoints);
        match order.act {
            JobAct::Savepoint => vec![
                "Lost: nothing. The job goes on.".to_owned(),
                "Kept: the savepoint, until a person removes it. It never becomes the HA pointer: \
                 a failure is still answered from a checkpoint."
                    .to_owned(),
            ],
            JobAct::Stop => vec![
                removed,
                if self.ha.checkpoints.is_empty() {
                    "Lost: the checkpoints of this job: a job that finished needs none.".to_owned()
                } else {
                    format!(
                        "Lost: its checkpoints {ids}: a job that finished needs none, even where \
                     cancelling would retain them."
                    )
                },
                "Kept: all of its state, in the savepoint that is written first.".to_owned(),
            ],
            JobAct::Cancel => vec![
                removed,
                match (self.retention, self.ha.checkpoints.is_empty()) {
                    (Retention::Kept, false) => format!(
                        "Lost: what it did since its newest checkpoint. Kept: checkpoints {ids} \
                         (RETAIN_ON_CANCELLATION)."
                    ),
                    (Retention::Kept, true) => {
                        "Lost: all of its state: it has no checkpoint yet.".to_owned()
                    }
                    (Retention::Removed, _) => format!(
                        "Lost: all of its state: its checkpoints {ids} are not retained on \
                         cancellation."
                    ),
                    (Retention::Unknown, _) => format!(
                        "Lost: what it did since its newest checkpoint; and checkpoints {ids}, unless \
                         they are retained on cancellation, which Flink did not tell."
                    ),
                },
                match self.ha.savepoints.len() {
                    0 => "No savepoint of it is there: stop writes one first.".to_owned(),
                    count => format!("Kept: {} of it.", many(count, "savepoint")),
                },
            ],
            JobAct::Resume => match self.start(order.from.as_deref()) {
                Ok(start) => vec![
                    format!(
                        "A new job with a new id starts from {} of job {}, {} old.",
                        start.name(),
                        units::short(&start.job, units::JOB),
                        units::lasted(units::since(now, start.at))
                    ),
                    "Lost: what that job did after it. Kept: the file it starts from.".to_owned(),
                    "Its HA data begins anew under the new id.".to_owned(),
                ],
                Err(fault) => vec![fault.what],
            },
            JobAct::Resubmit => vec![
                "A new job with a new id starts from nothing.".to_owned(),
                "Lost: no file. But nothing of what earlier jobs had computed is in the new one."
                    .to_owned(),
                match self.starts.len() {
                    0 => "There is nothing kept that it could start from.".to_owned(),
                    count => format!(
                        "Kept: {} that resume could start from.",
                        many(count, "savepoint or checkpoint")
                    ),
                },
            ],
        }
    }
}

impl HaData {
    /// The rows of a table of what there was and what there is: name, before, after.
    #[must_use]
    pub fn beside(&self, after: &Self) -> Vec<(&'static str, String, String)> {
        type Told = fn(&HaData) -> String;
        let rows: [(&str, Told); 6] = [
            ("plan", |ha| yes(ha.plan)),
            ("config map", |ha| match (ha.map, ha.counter) {
                (true, Some(next)) => format!("there, next id {next}"),
                (there, _) => yes(there),
            }),
            ("pointers", |ha| list(&ha.pointers)),
            ("HA files", |ha| ha.files.to_string()),
            ("checkpoints", |ha| list(&ha.checkpoints)),
            ("savepoints", |ha| match ha.savepoints.len() {
                0 => "none".to_owned(),
                count => count.to_string(),
            }),
        ];
        let rows = rows.into_iter();
        rows.map(|(name, of)| (name, of(self), of(after))).collect()
    }
}

fn yes(there: bool) -> String {
    if there { "there" } else { "gone" }.to_owned()
}

fn many(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn list(ids: &[u64]) -> String {
    match ids {
        [] => "none".to_owned(),
        ids => ids
            .iter()
            .map(|id| format!("#{id}"))
            .collect::<Vec<_>>()
            .join(" "),
    }
}
