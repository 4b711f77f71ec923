//! The newest break: its phases as they are reached, then its verdict. The panel; the page with
//! everything is `timeline`.

use crate::Ui;
use crate::paint::{Spans, fit, sentences, sides};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use crate::words::Stage;
use flinklab_event::{Phase, PhaseName, RunResult, Statement};
use flinklab_lab::failure::{Failure, Leadership, Restore, Verdict};
use flinklab_model::Run;
use jiff::{SignedDuration, Timestamp};
use ratatui::text::{Line, Span};

/// Every break that is known, with the moment it was sent, oldest first.
pub(super) fn breaks(ui: &Ui) -> Vec<(Timestamp, String)> {
    let mut all: Vec<(Timestamp, String)> = ui
        .model
        .history()
        .map(|run| (run.at, run.failure.clone()))
        .collect();
    if let Some(run) = ui.model.run()
        && let Some(sent) = sent(run)
    {
        all.push((sent, run.order.failure.key.to_string()));
    }
    all
}

/// When a run was sent.
pub(super) fn sent(run: &Run) -> Option<Timestamp> {
    run.seen
        .phases
        .iter()
        .find(|phase| phase.name == PhaseName::Sent)
        .map(|phase| phase.at)
}

/// The phases that a failure should bring, in the order of a person's reading.
pub(super) fn expected(failure: &Failure) -> Vec<PhaseName> {
    awaited(failure, None)
}

/// The same of a run, whose target may sleep before it is asked to stop.
pub(super) fn expected_of(run: &Run) -> Vec<PhaseName> {
    awaited(&run.order.failure, run.sleeps())
}

fn awaited(failure: &Failure, sleeps: Option<SignedDuration>) -> Vec<PhaseName> {
    let mut names = vec![PhaseName::Sent];
    if sleeps.is_some() {
        names.push(PhaseName::Signalled);
    }
    // A process that is stopped, cut off or disarmed lives on.
    if failure.steps.iter().any(|step| step.ends()) {
        names.push(PhaseName::ProcessGone);
    }
    if failure.expect.leadership == Leadership::NewEpoch {
        names.extend([
            PhaseName::LeaseOver,
            PhaseName::NewEpoch,
            PhaseName::RestAnswers,
        ]);
    }
    if failure.expect.restore == Restore::Newest {
        names.extend([PhaseName::JobRecovered, PhaseName::TasksRunning]);
    }
    names.push(PhaseName::NextCheckpoint);
    if failure.lasts.is_some() {
        names.push(PhaseName::Undone);
    }
    names
}

/// Expected phases, and others that were seen all the same.
pub(super) fn listed(expected: &[PhaseName], seen: &[Phase]) -> Vec<(PhaseName, Option<Phase>)> {
    let mut names = expected.to_vec();
    for phase in seen {
        if !names.contains(&phase.name) {
            names.push(phase.name);
        }
    }
    let mut all: Vec<(PhaseName, Option<Phase>)> = names
        .into_iter()
        .map(|name| (name, seen.iter().find(|phase| phase.name == name).cloned()))
        .collect();
    // seen ones by time; what is awaited comes after them in its usual order
    all.sort_by_key(|(name, seen)| (seen.as_ref().map_or(i64::MAX, |phase| phase.ms), *name));
    all
}

/// The lines of the panel.
pub(super) fn lines(ui: &Ui, theme: &Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    if let Some(run) = ui.model.run() {
        return going(ui, theme, run, width, height);
    }
    match ui.model.history().next_back() {
        Some(result) => over(theme, result, width, height),
        None => nothing(ui, theme, width),
    }
}

fn nothing(ui: &Ui, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let words =
        "Nothing was broken yet. x lists what can be: a digit aims there, the same digit fires.";
    let mut lines = sentences(theme, Tone::Muted, words, width);
    for (n, failure) in ui.model.failures.iter().take(3).enumerate() {
        lines.push(Line::from(fit(
            vec![
                theme.say(Tone::Accent, format!("x{} ", n + 1)),
                theme.say(Tone::Plain, format!("{:<13}", failure.key)),
                theme.say(Tone::Muted, failure.title.to_string()),
            ],
            width,
        )));
    }
    lines
}

fn going(ui: &Ui, theme: &Theme, run: &Run, width: usize, height: usize) -> Vec<Line<'static>> {
    let passed = sent(run).map(|at| words::since(ui.model.now, at));
    let clock = passed.map_or_else(|| "sending".to_owned(), |s| format!("T+{s:.1}s"));
    let mut lines = vec![sides(
        vec![
            theme.say(
                Tone::Mark,
                format!(" {} {}", sign::BREAK, run.order.failure.key),
            ),
            theme.say(
                Tone::Muted,
                format!(
                    " on {}",
                    words::tag(Some(run.order.target.role), &run.order.target.pod)
                ),
            ),
        ],
        vec![theme.say(Tone::Mark, format!("{clock} "))],
        width,
    )];
    let phases = listed(&expected_of(run), &run.seen.phases);
    lines.extend(table(
        theme,
        &phases,
        passed,
        width,
        height.saturating_sub(3),
    ));
    let last = match &run.seen.fault {
        Some(fault) => vec![theme.say(Tone::Fail, format!(" {} {}", sign::FAIL, fault.what))],
        None => {
            let words = words::sleep(&ui.model, run, width.saturating_sub(3))
                .or_else(|| waits(ui, theme, run));
            let words = words.unwrap_or_else(|| {
                let left = words::since(run.deadline(), ui.model.now);
                format!("watching, at most {} more", words::age(left))
            });
            vec![theme.say(Tone::Busy, format!(" {} {words}", sign::NOW))]
        }
    };
    lines.push(Line::from(fit(last, width)));
    let room = height.saturating_sub(lines.len());
    lines.extend(statements(
        theme,
        &run.so_far(ui.model.now),
        Stage::Going,
        width,
        room,
    ));
    lines
}

/// What is waited for beside the budget, and until when.
fn waits(ui: &Ui, theme: &Theme, run: &Run) -> Option<String> {
    let waits = run.awaits(ui.model.now)?;
    Some(waits.words(|at| words::clock(&theme.zone, at)))
}

/// Phases in one column with words, or in two with short ones.
fn table(
    theme: &Theme,
    phases: &[(PhaseName, Option<Phase>)],
    passed: Option<f64>,
    width: usize,
    height: usize,
) -> Vec<Line<'static>> {
    let next = phases.iter().position(|(_, seen)| seen.is_none());
    let entry = |n: usize, (name, seen): &(PhaseName, Option<Phase>), room: usize| -> Spans {
        let (short, long) = words::phase(*name);
        let label = if room > 26 { long } else { short };
        let (tone, sign, value) = match (seen, next == Some(n), passed) {
            (Some(phase), _, _) => (Tone::Ok, sign::OK, words::took(phase.ms)),
            // seen by nobody so far: how long it has been awaited stands in the first line
            (None, true, Some(_)) => (Tone::Busy, sign::NOW, "…".to_owned()),
            (None, _, _) => (Tone::Muted, sign::WAITS, String::new()),
        };
        let label_tone = if seen.is_some() {
            Tone::Plain
        } else {
            Tone::Muted
        };
        let label_room = room.saturating_sub(9);
        vec![
            theme.say(tone, format!(" {sign} ")),
            theme.say(
                label_tone,
                words::left(&words::cut(label, label_room), label_room),
            ),
            theme.say(tone, format!("{value:>5} ")),
        ]
    };
    let all: Vec<(usize, &(PhaseName, Option<Phase>))> = phases.iter().enumerate().collect();
    if phases.len() <= height || width < 30 {
        let room = width.min(44);
        return all
            .into_iter()
            .take(height)
            .map(|(n, phase)| Line::from(entry(n, phase, room)))
            .collect();
    }
    let half = phases.len().div_ceil(2);
    (0..half.min(height))
        .map(|row| {
            let mut spans = entry(row, &phases[row], width / 2);
            if let Some(phase) = phases.get(row + half) {
                spans.extend(entry(row + half, phase, width / 2));
            }
            Line::from(spans)
        })
        .collect()
}

fn over(theme: &Theme, result: &RunResult, width: usize, height: usize) -> Vec<Line<'static>> {
    let mut lines = vec![sides(
        vec![
            theme.say(Tone::Mark, format!(" {} {}", sign::BREAK, result.failure)),
            theme.say(
                Tone::Muted,
                format!(
                    " on {}",
                    words::tag(Some(result.target.role), &result.target.pod)
                ),
            ),
        ],
        vec![theme.say(
            Tone::Muted,
            format!("{} ", words::clock(&theme.zone, result.at)),
        )],
        width,
    )];
    let phases = listed(&[], &result.phases);
    lines.extend(table(theme, &phases, None, width, height.saturating_sub(3)));
    lines.push(Line::from(fit(verdict_line(theme, result), width)));
    let room = height.saturating_sub(lines.len());
    lines.extend(statements(
        theme,
        &result.statements,
        Stage::Over,
        width,
        room,
    ));
    lines
}

/// The statements as far as there is room: a line each, or all in a few lines, or their number.
fn statements(
    theme: &Theme,
    all: &[Statement],
    stage: Stage,
    width: usize,
    room: usize,
) -> Vec<Line<'static>> {
    let spans = |statement: &Statement, evidence: &str| {
        let (tone, sign, _) = words::holds(statement.verdict, stage);
        fit(
            vec![
                theme.say(tone, format!("   {sign} ")),
                theme.say(Tone::Plain, words::statement(statement.name)),
                theme.say(Tone::Muted, evidence.to_owned()),
            ],
            width,
        )
    };
    if room >= all.len() {
        return all
            .iter()
            .map(|it| Line::from(spans(it, &format!(": {}", it.evidence))))
            .collect();
    }
    let wide = |spans: &Spans| spans.iter().map(Span::width).sum::<usize>();
    let mut lines: Vec<Spans> = Vec::new();
    for statement in all {
        let next = spans(statement, "");
        match lines.last_mut() {
            Some(line) if wide(line) + wide(&next) <= width => line.extend(next),
            _ => lines.push(next),
        }
    }
    if lines.len() > room {
        let good = all.iter().filter(|it| it.verdict == Verdict::Pass).count();
        let words = format!("   {good} of {} statements hold", all.len());
        return vec![Line::from(theme.say(Tone::Muted, words)); room.min(1)];
    }
    lines.into_iter().map(Line::from).collect()
}

/// The verdict, how long it took, and what stood in its way.
pub(super) fn verdict_line(theme: &Theme, result: &RunResult) -> Spans {
    let (tone, sign) = words::verdict(result.verdict);
    let mut spans = vec![theme.say(tone, format!(" {sign} {}", result.verdict))];
    if result.verdict != result.expected {
        spans.push(theme.say(Tone::Warn, format!(" (expected {})", result.expected)));
    } else if result.expected != Verdict::Pass {
        spans.push(theme.say(Tone::Muted, " as expected"));
    }
    let not = result
        .statements
        .iter()
        .find(|it| it.verdict != Verdict::Pass);
    match (not, result.recovery_ms) {
        (Some(statement), _) => {
            spans.push(theme.say(
                Tone::Plain,
                format!(" {}", words::statement(statement.name)),
            ));
            spans.push(theme.say(Tone::Muted, format!(": {}", statement.evidence)));
        }
        (None, Some(ms)) => {
            spans.push(theme.say(Tone::Plain, format!(" recovered in {}", words::took(ms))));
        }
        (None, None) => spans.push(theme.say(Tone::Plain, " the job never stopped")),
    }
    spans
}

/// Finished runs, the newest first.
pub(super) fn past(ui: &Ui, theme: &Theme, width: usize, height: usize) -> Vec<Line<'static>> {
    if ui.model.history().next().is_none() {
        return sentences(theme, Tone::Muted, "No finished run yet.", width);
    }
    let runs = ui.model.history().rev().take(height);
    runs.map(|result| {
        let (tone, sign) = words::verdict(result.verdict);
        let took = result
            .recovery_ms
            .map_or_else(|| "–".to_owned(), words::took);
        Line::from(fit(
            vec![
                theme.say(
                    Tone::Muted,
                    format!(" {} ", words::clock(&theme.zone, result.at)),
                ),
                theme.say(Tone::Plain, format!("{:<14}", result.failure)),
                theme.say(tone, format!("{sign} {:<13}", result.verdict)),
                Span::raw(format!("{took:>7}")),
            ],
            width,
        ))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_lab::failure::find;

    #[test]
    fn only_what_is_ended_is_awaited_gone_and_only_what_stays_applied_undone() {
        let of = |key: &str| expected(find(key).unwrap());
        for (key, gone, undone) in [
            ("jm-crash", true, false),
            ("jm-freeze", false, true),
            ("api-outage", false, true),
            ("scale-to-zero", true, true),
        ] {
            assert_eq!(of(key).contains(&PhaseName::ProcessGone), gone, "{key}");
            assert_eq!(of(key).contains(&PhaseName::Undone), undone, "{key}");
        }
    }
}
