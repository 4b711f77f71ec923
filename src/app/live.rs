//! The steps of a plan as they go: one block that is drawn over on a terminal, elsewhere one line
//! a change. What is said is in the model; this only lays it out.

use super::Next;
use super::print::{Printer, Style};
use super::report::{self, step_line};
use flinklab_base::advice;
use flinklab_base::fault::{Fault, Kind};
use flinklab_base::text::harmless;
use flinklab_event::{StepChange, StepState};
use flinklab_model::{Model, Plan, Step};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// What the lines so far said of each step that is going on.
#[derive(Debug, Default)]
pub(super) struct StepLines(BTreeMap<usize, String>);

impl StepLines {
    /// The line for a change. None: only its figures changed, or there is nothing to say yet.
    pub(super) fn line(&mut self, change: &StepChange) -> Option<String> {
        if change.state != StepState::Running {
            self.0.remove(&change.n);
            return step_line(change);
        }
        let words = without_figures(&change.detail);
        if words.is_empty() || self.0.get(&change.n) == Some(&words) {
            return None;
        }
        self.0.insert(change.n, words);
        Some(format!(
            "..   {n:>2}/{of} {title:<29}          {detail}",
            n = change.n,
            of = change.of,
            title = change.title,
            detail = change.detail,
        ))
    }
}

/// Figures go with their units: `312 of 736 MB, 45 MB/s` comes and goes as one.
fn without_figures(detail: &str) -> String {
    let words = detail.split_whitespace();
    let plain = words.filter(|word| {
        !word.chars().any(|letter| letter.is_ascii_digit())
            && !matches!(word.trim_end_matches(','), "of" | "MB" | "MB/s")
    });
    plain.collect::<Vec<_>>().join(" ")
}

/// The block on the terminal.
#[derive(Debug, Default)]
pub(super) struct Block {
    drawn: Vec<String>,
}

impl Block {
    /// Draws the block over the one before, where something changed.
    pub(super) fn draw(&mut self, printer: &Printer, model: &Model) {
        let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
        let room = usize::from(rows).saturating_sub(2).max(3);
        let lines = lines(&model.plan, model.now, printer.ascii, room);
        let lines: Vec<String> = lines
            .iter()
            .map(|line| {
                cut(
                    &harmless(line),
                    usize::from(columns).saturating_sub(1),
                    printer.ascii,
                )
            })
            .collect();
        if lines.is_empty() || lines == self.drawn {
            return;
        }
        let mut out = String::new();
        if !self.drawn.is_empty() {
            // Up to the block's first line; what is below goes.
            out.push_str(&format!("\u{1b}[{}A\r\u{1b}[J", self.drawn.len()));
        }
        for line in &lines {
            out.push_str(line);
            out.push('\n');
        }
        printer.draw(&out);
        self.drawn = lines;
    }
}

/// A line a step, and one for the whole.
fn lines(plan: &Plan, now: Timestamp, ascii: bool, room: usize) -> Vec<String> {
    if plan.steps.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<String> = plan
        .steps
        .iter()
        .filter(|step| !step.title.is_empty())
        .map(|step| one(step, now, ascii))
        .collect();
    // A block that is higher than the terminal could not be drawn over: what goes on stays.
    let extra = lines.len().saturating_sub(room);
    lines.drain(..extra);
    if !plan.over() {
        let done = plan
            .steps
            .iter()
            .filter(|step| step.state == StepState::Done);
        let mut foot = format!("{} of {} steps", done.count(), plan.steps.len());
        if let Some(started) = plan.started {
            foot.push_str(&format!(
                ", {:.0} s",
                now.duration_since(started).as_secs_f64().max(0.0)
            ));
        }
        if let Some(left) = plan.remaining(now) {
            foot.push_str(&format!(", {left}"));
        }
        lines.push(foot);
    }
    lines
}

fn one(step: &Step, now: Timestamp, ascii: bool) -> String {
    let mark = match (step.state, ascii) {
        (StepState::Waiting, true) => "-",
        (StepState::Waiting, false) => "·",
        (StepState::Running, true) => ">",
        (StepState::Running, false) => "▸",
        (StepState::Done, true) => "+",
        (StepState::Done, false) => "✓",
        (StepState::Failed, true) => "x",
        (StepState::Failed, false) => "✗",
    };
    let running = step.began.filter(|_| step.state == StepState::Running);
    let seconds = step
        .seconds
        .or_else(|| running.map(|began| now.duration_since(began).as_secs_f64().max(0.0)));
    let seconds = seconds.map_or_else(String::new, |seconds| format!("{seconds:.1}s"));
    format!(
        "{mark} {n} {title:<29} {seconds:>7}  {detail}",
        n = step.n,
        title = step.title,
        detail = step.detail
    )
    .trim_end()
    .to_owned()
}

/// A line that fits into so many columns, with a sign where some of it did not.
fn cut(line: &str, columns: usize, ascii: bool) -> String {
    if line.width() <= columns {
        return line.to_owned();
    }
    let sign = if ascii { "..." } else { "…" };
    let room = columns.saturating_sub(sign.width());
    flinklab_base::columns::head(line, room)
        .trim_end()
        .to_owned()
        + sign
}

/// Whether a plan came to its end, or to the end of patience; prints what came of it.
pub(super) fn over(
    model: &Model,
    printer: &Printer,
    elapsed: Duration,
    limit: Duration,
    outcome: &mut Option<Result<u8, Fault>>,
) -> Next {
    if let Some(done) = &model.plan.done {
        match printer.style {
            Style::Json => printer.object(&report::done(done, &printer.called)),
            Style::Text => {
                let lab = model.lab.as_ref();
                let namespace = lab.map_or("flink", |lab| lab.namespace.as_str());
                printer.text(&report::done_text(done, &printer.called, namespace));
            }
        }
        *outcome = Some(Ok(0));
        return Next::Stop;
    }
    if elapsed > limit {
        *outcome = Some(Err(too_long(&model.plan, limit)));
        return Next::Stop;
    }
    Next::Go
}

/// What a person can do about a command that was interrupted.
pub(super) fn way_on(fault: Fault, command: Option<&str>) -> Fault {
    match (fault.kind, command) {
        (Kind::Interrupted, Some("up")) => fault.hint(advice!(
            "What was made is kept. Go on: `flinklab up` does what is missing. Remove: `flinklab \
             down` keeps the data, `flinklab down --purge` does not."
        )),
        (Kind::Interrupted, Some("down")) => fault.hint(advice!(
            "Run `flinklab down` again; `flinklab up` builds what is missing."
        )),
        (Kind::Interrupted, Some("bundle")) => {
            fault.hint("Run the command again: what is whole is not done twice.")
        }
        (Kind::Interrupted, Some("stop")) => fault.hint(advice!(
            "Run `flinklab stop` again; `flinklab up` starts what is stopped."
        )),
        _ => fault,
    }
}

fn too_long(plan: &Plan, limit: Duration) -> Fault {
    let waiting: Vec<String> = plan
        .steps
        .iter()
        .filter(|step| step.state == StepState::Running)
        .map(|step| format!("{}: {}", step.title, step.detail))
        .collect();
    Fault::unable(
        "timeout",
        format!("It took longer than {} s.", limit.as_secs()),
    )
    .why(waiting.join("\n"))
    .hint("All that was made is kept: run the same command again, or give more --timeout.")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn change(detail: &str, state: StepState) -> StepChange {
        StepChange {
            name: "images".to_owned(),
            title: "Images in the node".to_owned(),
            n: 6,
            of: 9,
            state,
            detail: detail.to_owned(),
            seconds: None,
        }
    }

    #[test]
    fn a_line_a_change_and_none_for_figures() {
        let mut told = StepLines::default();
        let running = |detail: &str| change(detail, StepState::Running);
        assert_eq!(told.line(&running("")), None);
        assert!(told.line(&running("streams flink: 12 of 736 MB")).is_some());
        assert_eq!(
            told.line(&running("streams flink: 99 of 736 MB, 45 MB/s")),
            None
        );
        assert!(told.line(&running("unpacks flink")).is_some());
        assert!(told.line(&change("flink", StepState::Done)).is_some());
    }

    #[test]
    fn the_block_fits_its_terminal() {
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        let step = |n: usize, state: StepState| Step {
            name: format!("s{n}"),
            title: format!("Step {n}"),
            n,
            state,
            detail: "waits for 日本".to_owned(),
            began: Some(at(10)),
            seconds: None,
        };
        let plan = Plan {
            started: Some(at(10)),
            steps: vec![step(1, StepState::Done), step(2, StepState::Running)],
            ..Plan::default()
        };
        let all = lines(&plan, at(14), false, 20);
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(
            all[1].starts_with("▸ 2 Step 2") && all[1].contains("4.0s"),
            "{all:?}"
        );
        assert_eq!(all[2], "1 of 2 steps, 4 s");
        assert_eq!(
            lines(&plan, at(14), true, 1).len(),
            2,
            "the step that goes on, and the foot"
        );
        assert_eq!(cut("日本語", 6, false), "日本語");
        assert_eq!(cut("日本語", 5, false), "日本…");
        assert_eq!(cut("2 warnings", 6, true), "2 w...");
    }
}
