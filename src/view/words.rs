//! How durations, ages, bytes, moments and names are written, everywhere alike. A page that
//! formats one by itself is a mistake.

use crate::failure::{Role, Verdict};
use crate::model::{Key, KeyCode, Model, PhaseName, Run, Source, StatementName, in_one_unit};
use crate::view::theme::{Tone, sign};
use jiff::{Timestamp, tz::TimeZone};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a text.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// How old something is, in one unit: `4s`, `19m`, `5h`, `3d`.
pub(super) fn age(seconds: f64) -> String {
    let (count, unit) = in_one_unit(seconds);
    format!("{count}{}", &unit[..1])
}

/// How old something is at a moment.
pub(super) fn age_at(now: Timestamp, then: Timestamp) -> String {
    age(since(now, then))
}

/// Seconds from then to now; never negative, clocks differ.
pub(super) fn since(now: Timestamp, then: Timestamp) -> f64 {
    now.duration_since(then).as_secs_f64().max(0.0)
}

/// How long something took: `72ms`, `9.8s`, `1m12s`.
#[expect(clippy::cast_precision_loss)] // milliseconds of a lab fit a float
pub(super) fn took(ms: i64) -> String {
    match ms {
        ms if ms < 1000 => format!("{ms}ms"),
        ms if ms < 60_000 => format!("{:.1}s", ms as f64 / 1000.0),
        ms => format!("{}m{:02}s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// How long something took, in seconds of one decimal where it is short.
#[expect(clippy::cast_possible_truncation)] // seconds of a lab fit
pub(super) fn took_seconds(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1}s");
    }
    took((seconds * 1000.0) as i64)
}

/// Milliseconds as seconds with all of them: `15.104`.
pub(super) fn exact(ms: i64) -> String {
    format!(
        "{}{}.{:03}",
        if ms < 0 { "-" } else { "" },
        ms.abs() / 1000,
        ms.abs() % 1000
    )
}

/// Bytes in the unit that reads best: `8.1 KB`.
#[expect(clippy::cast_precision_loss)] // one decimal is shown
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1000.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 10.0 {
        format!("{value:.1} {}", UNITS[unit])
    } else {
        format!("{value:.0} {}", UNITS[unit])
    }
}

/// A moment on the person's clock.
pub(super) fn clock(zone: &TimeZone, at: Timestamp) -> String {
    zone.to_datetime(at).strftime("%H:%M:%S").to_string()
}

/// A moment on the person's clock, with milliseconds.
pub(super) fn clock_ms(zone: &TimeZone, at: Timestamp) -> String {
    zone.to_datetime(at).strftime("%H:%M:%S%.3f").to_string()
}

/// A text that fits, cut at its end.
pub(super) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let wide = letter.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        kept.push(letter);
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// A pod's name that fits, shortened in the middle: the tail is what differs.
pub(super) fn pod(name: &str, width: usize) -> String {
    let length = name.chars().count();
    if length <= width {
        return name.to_owned();
    }
    if width < 3 {
        return name.chars().skip(length - width).collect();
    }
    let tail = name.rfind('-').map_or(0, |at| name[at..].chars().count());
    let tail = if tail == 0 || tail > width - 2 {
        width / 2
    } else {
        tail
    };
    let head: String = name.chars().take(width - 1 - tail).collect();
    let end: String = name.chars().skip(length - tail).collect();
    format!("{head}…{end}")
}

/// The few columns that tell pods apart where a role is known: `jm-abcde`.
pub(super) fn tag(role: Option<Role>, name: &str) -> String {
    let tail = name.rsplit('-').next().unwrap_or(name);
    match role {
        Some(role) => format!("{}-{}", short_role(role).to_lowercase(), cut(tail, 5)),
        None => pod(name, 8),
    }
}

/// An id's first digits.
pub(super) fn id(id: &str) -> String {
    id.chars().take(8).collect()
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

/// Lines of at most that many columns, broken between words.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        if !line.is_empty() && columns(&line) + 1 + columns(&word) > width {
            lines.push(std::mem::take(&mut line));
        }
        while columns(&word) > width {
            let head: String = word.chars().take(width).collect();
            word = word.chars().skip(width).collect();
            lines.push(head);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
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
    Some(match columns(&words) <= width {
        true => words,
        false => format!("{short} waits: SIGTERM in {left:.0}s"),
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
    fn names_keep_their_tails() {
        let name = "flinklab-jobmanager-7f9c6d5b8-abcde";
        assert_eq!(pod(name, 40), name);
        assert_eq!(pod(name, 18), "flinklab-jo…-abcde");
        assert_eq!(pod(name, 9), "fl…-abcde");
        assert_eq!(pod(name, 2), "de");
        assert_eq!(pod("", 0), "");
        for width in 0..50 {
            assert!(columns(&pod(name, width)) <= width);
        }
    }

    #[test]
    fn durations_have_one_unit() {
        assert_eq!(age(4.9), "4s");
        assert_eq!(age(119.0), "1m");
        assert_eq!(age(-3.0), "0s");
        assert_eq!(took(72), "72ms");
        assert_eq!(took(9_840), "9.8s");
        assert_eq!(took(72_000), "1m12s");
        assert_eq!(exact(15_104), "15.104");
        assert_eq!(exact(-40), "-0.040");
        assert_eq!(bytes(8_338), "8.3 KB");
    }

    #[test]
    fn texts_are_cut_and_wrapped_within_their_width() {
        assert_eq!(cut("leader", 6), "leader");
        assert_eq!(cut("leaders", 6), "leade…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
    }

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
