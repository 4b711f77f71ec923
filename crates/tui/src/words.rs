//! How moments, keys, phases and verdicts are written, everywhere alike. A page that
//! formats one by itself is a mistake.

use crate::theme::{Tone, sign};
use flinklab_event::{Key, KeyCode, PhaseName, Source};
use flinklab_lab::failure::{Role, StatementName, Verdict};
use flinklab_model::{Model, Run};
use jiff::{Timestamp, tz::TimeZone};

pub(super) use flinklab_base::columns::{cut, left, middle as pod, of as columns, wrap};
pub(super) use flinklab_base::units::{age, age_at, bytes, exact, since, took, took_seconds};

/// A moment on the person's clock.
pub(super) fn clock(zone: &TimeZone, at: Timestamp) -> String {
    zone.to_datetime(at).strftime("%H:%M:%S").to_string()
}

/// A moment on the person's clock, with milliseconds.
pub(super) fn clock_ms(zone: &TimeZone, at: Timestamp) -> String {
    zone.to_datetime(at).strftime("%H:%M:%S%.3f").to_string()
}

/// The few columns that tell pods apart where a role is known: `jm-abcde`.
pub(super) fn tag(role: Option<Role>, name: &str) -> String {
    let tail = name.rsplit('-').next().unwrap_or(name);
    match role {
        Some(role) => format!("{}-{}", short_role(role).to_lowercase(), cut(tail, 5)),
        None => pod(name, 8),
    }
}

/// A key as it is shown: arrows as arrows.
pub(super) fn key(key: Key) -> String {
    match (key.ctrl, key.code) {
        (false, KeyCode::Left) => "←".to_owned(),
        (false, KeyCode::Right) => "→".to_owned(),
        (false, KeyCode::Up) => "↑".to_owned(),
        (false, KeyCode::Down) => "↓".to_owned(),
        _ => key.to_string(),
    }
}

/// A role in two letters.
pub(super) fn short_role(role: Role) -> &'static str {
    match role {
        Role::JobManager => "JM",
        Role::TaskManager => "TM",
    }
}

/// How a verdict looks.
pub(super) fn verdict(verdict: Verdict) -> (Tone, &'static str) {
    match verdict {
        Verdict::Pass => (Tone::Ok, sign::OK),
        Verdict::Fail => (Tone::Fail, sign::FAIL),
        Verdict::Unknown | Verdict::Inconclusive => (Tone::Warn, sign::UNKNOWN),
    }
}

/// Whether a run goes on: what is not seen yet may still be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It goes on.
    Going,
    /// It is over.
    Over,
}

/// How the verdict of a statement looks.
pub(super) fn holds(verdict: Verdict, stage: Stage) -> (Tone, &'static str, &'static str) {
    match (verdict, stage) {
        (Verdict::Pass, _) => (Tone::Ok, sign::OK, "PASS"),
        (Verdict::Fail, _) => (Tone::Fail, sign::FAIL, "FAIL"),
        (Verdict::Unknown | Verdict::Inconclusive, Stage::Going) => {
            (Tone::Muted, sign::WAITS, "open")
        }
        (Verdict::Unknown | Verdict::Inconclusive, Stage::Over) => {
            (Tone::Warn, sign::UNKNOWN, "UNKNOWN")
        }
    }
}

/// A phase in at most six columns, and in words.
pub(super) fn phase(name: PhaseName) -> (&'static str, &'static str) {
    match name {
        PhaseName::Sent => ("sent", "failure sent"),
        PhaseName::Signalled => ("TERM", "SIGTERM"),
        PhaseName::ProcessGone => ("gone", "process gone"),
        PhaseName::LeaseOver => ("lease", "lease over"),
        PhaseName::NewEpoch => ("epoch", "new epoch"),
        PhaseName::RestAnswers => ("REST", "REST answers"),
        PhaseName::JobRecovered => ("job", "job restored"),
        PhaseName::TasksRunning => ("tasks", "all tasks run"),
        PhaseName::NextCheckpoint => ("ckpt", "next checkpoint"),
        PhaseName::Undone => ("undone", "failure undone"),
    }
}

/// While the target sleeps before it gets SIGTERM: who lets it, and for how long; in a panel that is
/// too narrow for the sentence, in fewer words.
pub(super) fn sleep(model: &Model, run: &Run, width: usize) -> Option<String> {
    let whole = run.sleeps()?;
    let sent = run.seen.sent.as_ref()?.at;
    let left = whole.as_secs_f64() - since(model.now, sent);
    if left <= 0.0 || run.seen.gone.is_some() {
        return None;
    }
    let operator = model.lab.as_ref().and_then(|lab| lab.operator.as_ref());
    let (who, short) = match operator {
        Some(_) => ("the operator", "operator"),
        None => ("the pod's preStop hook", "preStop"),
    };
    let whole = whole.as_secs();
    let words = format!("{who} waits {whole} s before SIGTERM, {left:.0} s more");
    Some(if columns(&words) <= width {
        words
    } else {
        format!("{short} waits: SIGTERM in {left:.0}s")
    })
}

/// A statement in words.
pub(super) fn statement(name: StatementName) -> &'static str {
    match name {
        StatementName::Hit => "the failure hit",
        StatementName::Leadership => "leadership",
        StatementName::OneLeader => "one leader",
        StatementName::SameJob => "same job",
        StatementName::Restored => "restored",
        StatementName::IdsGrow => "ids only grow",
        StatementName::Pointer => "pointer",
        StatementName::Restarts => "restarts",
        StatementName::InTime => "in time",
        StatementName::Exact => "exact",
    }
}

/// A source as a person calls it.
pub(super) fn source(source: Source) -> &'static str {
    match source {
        Source::Docker => "Docker",
        Source::Api => "API server",
        Source::Flink => "Flink REST",
        Source::Disk => "files",
    }
}

/// The parts of a line of Flink's log: level, class without its package, message. Other lines
/// are all message.
pub(super) fn log_parts(text: &str) -> (Option<&str>, Option<&str>, &str) {
    let parts = || {
        let (head, message) = text.split_once(" - ")?;
        let mut head = head.split_whitespace();
        let (date, _time) = (head.next()?, head.next()?);
        if date.len() != 10 || date.as_bytes().get(4) != Some(&b'-') {
            return None;
        }
        let (level, class) = (head.next()?, head.next()?);
        Some((level, class.rsplit('.').next().unwrap_or(class), message))
    };
    match parts() {
        Some((level, class, message)) => (Some(level), Some(class), message),
        None => (None, None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_flink_comes_apart() {
        let line = "2024-05-01 16:06:08,187 INFO  org.apache.flink.runtime.Coordinator        \
                    [] - Completed checkpoint 107 - fine";
        assert_eq!(
            log_parts(line),
            (
                Some("INFO"),
                Some("Coordinator"),
                "Completed checkpoint 107 - fine"
            )
        );
        assert_eq!(
            log_parts("\tat x.y.Z - what"),
            (None, None, "\tat x.y.Z - what")
        );
    }
}
