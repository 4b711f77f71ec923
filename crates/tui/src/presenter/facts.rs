//! The few facts beside the figure: who leads, the lease, the job, the checkpoint, the verdict.

use super::result;
use crate::Ui;
use crate::paint::{Spans, bar};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use flinklab_lab::failure::Verdict;

/// How wide the lease is drawn.
const LEASE: usize = 18;

/// What the room should know besides: without ids, without stamps.
pub(super) fn facts(ui: &Ui, theme: &Theme) -> Vec<Spans> {
    let fact = |name: &str, mut rest: Spans| {
        rest.insert(0, theme.say(Tone::Muted, format!("{name:<12}")));
        rest
    };
    let leader = match ui
        .model
        .cluster
        .leader()
        .filter(|_| ui.model.cluster.lease_fresh(ui.model.now))
    {
        Some(pod) => vec![theme.say(
            Tone::Leader,
            format!("{} {}", sign::LEADER, words::tag(Some(pod.role), &pod.name)),
        )],
        None => vec![theme.say(Tone::Warn, format!("{} nobody", sign::WARN))],
    };
    let epoch = ui.model.cluster.epoch().map_or(0, |epoch| epoch.number);
    let lease = match (
        ui.model.cluster.lock(),
        ui.model.cluster.lease_age(ui.model.now),
    ) {
        (Some(lock), Some(age)) if lock.seconds > 0.0 => {
            let left = (1.0 - age / lock.seconds).clamp(0.0, 1.0);
            let tone = if left > 0.5 { Tone::Ok } else { Tone::Warn };
            let mut spans = bar(theme, tone, left, LEASE);
            if left <= 0.0 {
                spans = vec![theme.say(Tone::Warn, format!("{} ran out", sign::WARN))];
            }
            spans
        }
        _ => vec![theme.say(Tone::Muted, "not seen")],
    };
    let ours = ui.model.lab.as_ref().and_then(|lab| lab.job.as_deref());
    let job = match ui.model.job.row(ours) {
        Some(row) if row.all_run() => vec![theme.say(
            Tone::Ok,
            format!(
                "{} {}/{} tasks run",
                sign::OK,
                row.tasks.running,
                row.tasks.total
            ),
        )],
        Some(row) => vec![theme.say(
            Tone::Warn,
            format!(
                "{} {}/{} {}",
                sign::WARN,
                row.tasks.running,
                row.tasks.total,
                row.state
            ),
        )],
        None => vec![theme.say(Tone::Muted, "not seen")],
    };
    let checkpoint = ui
        .model
        .newest_completed()
        .map_or_else(|| "none yet".to_owned(), |(id, _)| format!("#{id}"));
    let mut facts = vec![
        fact("LEADER", leader),
        fact("EPOCH", vec![theme.say(Tone::Plain, epoch.to_string())]),
        fact("LEASE", lease),
        fact("JOB", job),
        fact("CHECKPOINT", vec![theme.say(Tone::Plain, checkpoint)]),
    ];
    if let (Some(run), None) = (result(ui), ui.model.run()) {
        let (tone, mark) = match run.verdict {
            Verdict::Pass => (Tone::Ok, sign::OK),
            Verdict::Fail => (Tone::Fail, sign::FAIL),
            Verdict::Unknown | Verdict::Inconclusive => (Tone::Warn, sign::UNKNOWN),
        };
        let meant = if run.verdict == run.expected && run.verdict == Verdict::Fail {
            ", as it should"
        } else {
            ""
        };
        let words = format!("{mark} {}{meant}", run.verdict);
        facts.push(fact("VERDICT", vec![theme.say(tone, words)]));
    }
    facts
}
