//! What can be done with the job: savepoint, stop, cancel, resume, start anew. Asked for, each says
//! what it costs; done, it shows Flink's HA data before and after beside each other.

use crate::Extent;
use crate::RowId;
use crate::Ui;
use crate::keys::{Action as A, Keys, Scope, Section, key, line, own};
use crate::pages::Component;
use crate::pages::{Page, States};
use crate::paint::{Focus, Spans, chosen, fault, fit, panel, sentences};
use crate::scroll::{moved, scroll_rows};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use flinklab_base::units;
use flinklab_event::{Effect, JobTold};
use flinklab_event::{HaData, JobAct, JobDone, JobOrder, JobsSeen, StartKind};
use flinklab_model::Jobs;
use jiff::SignedDuration;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Starts that are listed: older ones are reached by their key.
const STARTS: usize = 4;

/// The page.
pub(super) struct ThePage;

/// What it remembers.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// What was asked for and not confirmed yet.
    pub wanted: Option<JobOrder>,
    /// Which of the starts is chosen; 0 is the newest.
    pub start: usize,
    /// Its path, where it is not the newest.
    pub start_at: Option<String>,
}

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "control",
    words: "what can be done with the job",
    parent: Some(Scope::Pages),
    opened_by: Some((90, key("control", A::Open(Page::Control), "J", "savepoint, stop, resume the job"))),
    rows: &[
        line("do", A::Enter, "enter", "ask; then do it"),
        own("savepoint", "s", "savepoint", |ui| wish(ui, JobAct::Savepoint)).in_line(),
        own("stop", "S", "stop", |ui| wish(ui, JobAct::Stop)).in_line(),
        own("cancel", "C", "cancel", |ui| wish(ui, JobAct::Cancel)).in_line(),
        own("resume", "r", "resume", |ui| wish(ui, JobAct::Resume)).in_line(),
        own("resubmit", "R", "resubmit", |ui| wish(ui, JobAct::Resubmit)).in_line(),
        line("older", A::Sibling(1), "> right", "older start"),
        key("newer", A::Sibling(-1), "< left", "newer start"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn acts(&self) -> bool {
        true
    }

    fn looks_at_jobs(&self, _: &Ui) -> bool {
        true
    }

    fn closed(&self, states: &mut States) {
        states.control = State::default();
    }

    fn rows(&self, _: &Ui) -> Option<Vec<RowId>> {
        Some(
            JobAct::ALL
                .iter()
                .map(|act| RowId::of(act.word()))
                .collect(),
        )
    }

    // what was asked for belonged to another line
    fn scroll(&self, ui: &mut Ui, by: i32) {
        let rows = self.rows(ui).unwrap_or_default();
        scroll_rows(ui, &rows, by);
        ui.pages.control.wanted = None;
    }

    // asks for the chosen one, then does it
    fn enter(&self, ui: &mut Ui) -> Vec<Effect> {
        if ui.pages.control.wanted.is_some() {
            return fire(ui);
        }
        match JobAct::ALL.get(ui.screen.spot.row) {
            Some(act) => ask(ui, *act),
            None => Vec::new(),
        }
    }

    // another savepoint or checkpoint to start from
    fn sibling(&self, ui: &mut Ui, by: i32) {
        let seen = ui.model.jobs.seen.as_ref();
        let starts = seen.map_or(&[][..], |(_, seen)| &seen.starts);
        let control = &mut ui.pages.control;
        control.start = moved(control.start, by, starts.len());
        let path = starts.get(control.start).map(|start| start.path.clone());
        control.start_at = path.filter(|_| control.start > 0);
        if let Some(order) = &mut control.wanted {
            order.from = from(&ui.model.jobs, order.act, control.start);
        }
    }

    fn back(&self, ui: &mut Ui) -> bool {
        ui.pages.control.wanted.take().is_some()
    }

    fn keep(&self, ui: &mut Ui) {
        let control = &mut ui.pages.control;
        if let (Some(path), Some((_, seen))) = (&control.start_at, &ui.model.jobs.seen) {
            let start = seen.starts.iter().position(|start| start.path == *path);
            control.start = start.unwrap_or(control.start);
        }
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let width = usize::from(area.width.saturating_sub(2));
        let rule = || Line::from(theme.say(Tone::Muted, "─".repeat(width)));
        let mut lines = acts(ui, theme, width);
        lines.push(rule());
        match (&ui.model.jobs.seen, &ui.pages.control.wanted) {
            (Some((_, seen)), Some(order)) => {
                lines.extend(cost(ui, theme, seen, order, width));
            }
            (seen, _) => {
                let told = told(ui, theme, width);
                let quiet = told.is_empty();
                lines.extend(told);
                match seen {
                    Some((_, seen)) if quiet => {
                        lines.extend(ha(theme, "HA DATA NOW", &seen.ha, width));
                        lines.extend(starts(ui, theme, seen, width));
                    }
                    Some(_) => {}
                    None => {
                        let words = "Asks Flink what it runs, and looks at the files.";
                        lines.extend(sentences(theme, Tone::Muted, words, width));
                    }
                }
            }
        }
        let title = vec![theme.say(Tone::Accent, "What can be done with the job")];
        panel(
            frame,
            theme,
            area,
            (title, aside(ui, theme)),
            Focus::Here,
            lines,
        );
        Extent::new(0, 0)
    }
}

/// How old a look may be while the page is open.
const FRESH: SignedDuration = SignedDuration::from_secs(3);
/// A look that was asked for so long ago was lost: Flink's own deadlines are shorter.
const LOST: SignedDuration = SignedDuration::from_secs(20);

/// Asks for a look where the page is open and the last one is old.
pub(crate) fn look(ui: &mut Ui) -> Option<Effect> {
    if !ui.page().looks_at_jobs(ui) || ui.playback.is_some() {
        return None;
    }
    let older = |at: jiff::Timestamp, than: SignedDuration| ui.model.now.duration_since(at) >= than;
    let waits = ui.model.jobs.asked.is_some_and(|at| !older(at, LOST));
    let fresh = ui
        .model
        .jobs
        .seen
        .as_ref()
        .is_some_and(|(at, _)| !older(*at, FRESH));
    if waits || fresh || ui.model.jobs.going.is_some() {
        return None;
    }
    ui.model.jobs.asked = Some(ui.model.now);
    Some(Effect::Jobs)
}

/// A key that asks for something to be done; the same again does it.
fn wish(ui: &mut Ui, act: JobAct) -> Vec<Effect> {
    let row = JobAct::ALL.iter().position(|one| *one == act).unwrap_or(0);
    let again = ui
        .pages
        .control
        .wanted
        .as_ref()
        .is_some_and(|order| order.act == act);
    ui.choose(row);
    if again { fire(ui) } else { ask(ui, act) }
}

/// Where a resumed job starts: by its path, so that a newer one that comes meanwhile is not taken.
fn from(jobs: &Jobs, act: JobAct, start: usize) -> Option<String> {
    let (_, seen) = jobs.seen.as_ref()?;
    let start = seen.starts.get(start).filter(|_| act == JobAct::Resume)?;
    Some(start.path.clone())
}

fn ask(ui: &mut Ui, act: JobAct) -> Vec<Effect> {
    if let Some(why) = ui.model.against_job(act) {
        ui.pages.control.wanted = None;
        ui.screen.say(ui.model.now, format!("Not now: {why}."));
        return Vec::new();
    }
    let from = from(&ui.model.jobs, act, ui.pages.control.start);
    ui.pages.control.wanted = Some(JobOrder { act, from });
    Vec::new()
}

fn fire(ui: &mut Ui) -> Vec<Effect> {
    let Some(order) = ui.pages.control.wanted.take() else {
        return Vec::new();
    };
    // The lab went on since it was asked for.
    if let Some(why) = ui.model.against_job(order.act) {
        ui.screen.say(ui.model.now, format!("Not done: {why}."));
        return Vec::new();
    }
    vec![Effect::Job(order)]
}

/// Says what came of it, whatever page is open.
pub(crate) fn say(ui: &mut Ui, told: &JobTold) {
    let words = match told {
        JobTold::Done(done) => {
            let job = units::short(&done.job, units::JOB);
            match (done.order.act, &done.savepoint) {
                (JobAct::Savepoint, _) => format!("The savepoint of job {job} is written."),
                (JobAct::Resume | JobAct::Resubmit, _) => format!("Job {job} runs."),
                (JobAct::Stop | JobAct::Cancel, _) => format!("Job {job} is {}.", done.state),
            }
        }
        JobTold::Refused(fault) => format!("{} {}", fault.what, fault.why),
        JobTold::Begun(_) | JobTold::Now(_) => return,
    };
    ui.screen.say(ui.model.now, words);
}

fn aside(ui: &Ui, theme: &Theme) -> Spans {
    let Some((at, seen)) = &ui.model.jobs.seen else {
        return Vec::new();
    };
    let job = units::short(seen.current.as_deref().unwrap_or("none"), units::JOB);
    let state = match (&seen.silent, seen.state()) {
        (Some(_), _) if seen.rests() => "ended with its cluster",
        (Some(_), _) => "state not known",
        (None, Some(state)) => state,
        (None, None) => "not known to Flink",
    };
    let age = words::age_at(ui.model.now, *at);
    vec![theme.say(Tone::Muted, format!("job {job} {state}, seen {age} ago"))]
}

fn acts(ui: &Ui, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let rows = JobAct::ALL.iter().enumerate().map(|(row, act)| {
        let against = ui
            .model
            .jobs
            .seen
            .as_ref()
            .and_then(|(_, seen)| seen.against(*act));
        let tone = if against.is_some() {
            Tone::Muted
        } else {
            Tone::Plain
        };
        let key = ui.key_named(Page::Control, act.word());
        let line = Line::from(fit(
            vec![
                theme.say(Tone::Accent, format!(" {key} ")),
                theme.say(tone, format!("{:<10}", act.word())),
                theme.say(tone, act.title()),
                theme.say(
                    Tone::Muted,
                    against.map_or_else(String::new, |why| format!(" · not now: {why}")),
                ),
            ],
            width,
        ));
        if row == ui.screen.spot.row {
            chosen(&line, width)
        } else {
            line
        }
    });
    rows.collect()
}

/// What it costs, what there is now, and how it is done.
fn cost(
    ui: &Ui,
    theme: &Theme,
    seen: &JobsSeen,
    order: &JobOrder,
    width: usize,
) -> Vec<Line<'static>> {
    let head = format!(
        " {} asked for: {}, {}",
        sign::BREAK,
        order.act,
        order.act.title()
    );
    let mut lines = vec![Line::from(fit(vec![theme.say(Tone::Mark, head)], width))];
    for words in seen.costs(order, ui.model.now) {
        let tone = if words.starts_with("Lost: ") && !words.starts_with("Lost: no") {
            Tone::Warn
        } else {
            Tone::Plain
        };
        lines.extend(sentences(theme, tone, &words, width));
    }
    let again = ui.key_named(Page::Control, order.act.word());
    let mut how = vec![
        theme.say(Tone::Mark, format!(" {again} or enter does it")),
        theme.say(Tone::Muted, " · esc takes it back"),
    ];
    if order.act == JobAct::Resume && seen.starts.len() > 1 {
        how.push(theme.say(Tone::Muted, " · > starts from an older one"));
    }
    lines.push(Line::from(fit(how, width)));
    lines.push(Line::default());
    match order.act {
        JobAct::Resume => lines.extend(starts(ui, theme, seen, width)),
        _ => lines.extend(ha(theme, "HA DATA NOW", &seen.ha, width)),
    }
    lines
}

/// What goes on, or what came of the last order.
fn told(ui: &Ui, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    if let Some((since, order, now)) = &ui.model.jobs.going {
        let age = words::age_at(ui.model.now, *since);
        let head = format!(" {} {} goes on, {age}", sign::NOW, order.act);
        let mut lines = vec![Line::from(theme.say(Tone::Busy, head))];
        lines.extend(sentences(theme, Tone::Plain, now, width));
        return lines;
    }
    match &ui.model.jobs.ended {
        None => Vec::new(),
        Some((_, Err(trouble))) => fault(theme, trouble, &ui.model.flinklab(), width),
        Some((_, Ok(done))) => came_of(theme, done, width),
    }
}

fn came_of(theme: &Theme, done: &JobDone, width: usize) -> Vec<Line<'static>> {
    let head = format!(
        " {} {}: job {} is {}, after {:.1} s",
        sign::OK,
        done.order.act,
        units::short(&done.job, units::JOB),
        done.state,
        done.seconds
    );
    let mut lines = vec![Line::from(fit(vec![theme.say(Tone::Ok, head)], width))];
    let facts = [
        ("written", &done.savepoint),
        ("started from", &done.restored),
    ];
    for (name, path) in facts {
        if let Some(path) = path {
            lines.extend(sentences(
                theme,
                Tone::Plain,
                &format!("{name} {path}"),
                width,
            ));
        }
    }
    let (before, after) = (
        units::short(&done.before.job, units::JOB),
        units::short(&done.after.job, units::JOB),
    );
    let head = format!(
        "   {:<13}{:<28}{}",
        "HA DATA",
        format!("BEFORE, {before}"),
        format_args!("AFTER, {after}")
    );
    lines.push(Line::from(theme.say(Tone::Muted, words::cut(&head, width))));
    for (name, was, is) in done.before.beside(&done.after) {
        let tone = if was == is { Tone::Muted } else { Tone::Accent };
        lines.push(Line::from(fit(
            vec![
                theme.say(Tone::Muted, format!("   {name:<13}")),
                theme.say(Tone::Plain, format!("{:<28}", words::cut(&was, 27))),
                theme.say(tone, is),
            ],
            width,
        )));
    }
    lines
}

fn ha(theme: &Theme, title: &str, ha: &HaData, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(theme.say(Tone::Muted, format!("   {title}")))];
    for (name, _, is) in ha.beside(ha) {
        lines.push(Line::from(fit(
            vec![
                theme.say(Tone::Muted, format!("   {name:<13}")),
                theme.say(Tone::Plain, is),
            ],
            width,
        )));
    }
    lines
}

fn starts(ui: &Ui, theme: &Theme, seen: &JobsSeen, width: usize) -> Vec<Line<'static>> {
    if seen.starts.is_empty() {
        let words = "Nothing is kept that a new job could start from.";
        return sentences(theme, Tone::Muted, words, width);
    }
    let count = seen.starts.len();
    let head = format!("   A NEW JOB CAN START FROM, {count} IN ALL");
    let mut lines = vec![Line::from(theme.say(Tone::Muted, head))];
    let skip = ui.pages.control.start.saturating_sub(STARTS - 1);
    let shown = seen.starts.iter().enumerate().skip(skip).take(STARTS);
    for (at, start) in shown {
        let kind = match start.kind {
            StartKind::Savepoint => "savepoint",
            StartKind::Checkpoint => "checkpoint",
        };
        let age = words::age_at(ui.model.now, start.at);
        let sign = if at == ui.pages.control.start {
            sign::NOW
        } else {
            " "
        };
        let words = format!(
            " {sign} {kind:<11}{:<32} of job {}, {age} old",
            start.name(),
            units::short(&start.job, units::JOB)
        );
        let tone = if at == ui.pages.control.start {
            Tone::Accent
        } else {
            Tone::Plain
        };
        lines.push(Line::from(fit(vec![theme.say(tone, words)], width)));
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_event::{Event, HaData, Happening, JobsSeen, Key, KeyCode, KnownJob};
    use jiff::Timestamp;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn key(ui: &mut Ui, seconds: i64, letter: char) -> Vec<Effect> {
        let event = Event::Key(Key {
            code: KeyCode::Char(letter),
            ctrl: false,
        });
        ui.update(&Happening {
            at: at(seconds),
            event,
        })
    }

    fn seen(ui: &mut Ui, seconds: i64, state: &str) -> Vec<Effect> {
        let job = KnownJob {
            id: "c506b6c2".to_owned(),
            when: at(0),
            from: None,
            state: Some(state.to_owned()),
        };
        let seen = JobsSeen {
            current: Some(job.id.clone()),
            jobs: vec![job],
            ha: HaData::default(),
            ..JobsSeen::default()
        };
        let event = Event::Jobs(Box::new(seen));
        ui.update(&Happening {
            at: at(seconds),
            event,
        })
    }

    #[test]
    fn the_page_looks_when_it_is_opened_and_again_when_the_look_is_old() {
        let mut ui = Ui::default();
        assert_eq!(key(&mut ui, 1, 'J'), vec![Effect::Jobs]);
        assert_eq!(seen(&mut ui, 2, "RUNNING"), vec![]);
        let tick = |ui: &mut Ui, seconds| {
            ui.update(&Happening {
                at: at(seconds),
                event: Event::Tick,
            })
        };
        assert_eq!(tick(&mut ui, 3), vec![]);
        assert_eq!(tick(&mut ui, 6), vec![Effect::Jobs]);
        assert_eq!(tick(&mut ui, 12), vec![], "the answer is on its way");
        assert_eq!(tick(&mut ui, 30), vec![Effect::Jobs], "it was lost");
    }

    #[test]
    fn nothing_is_done_at_the_first_press_and_not_when_the_lab_went_on() {
        let mut ui = Ui::default();
        key(&mut ui, 1, 'J');
        seen(&mut ui, 2, "RUNNING");
        assert_eq!(key(&mut ui, 3, 'C'), vec![]);
        assert_eq!(
            ui.pages.control.wanted.as_ref().unwrap().act,
            JobAct::Cancel
        );
        // somebody else stopped it
        seen(&mut ui, 4, "FINISHED");
        assert_eq!(key(&mut ui, 4, 'C'), vec![]);
        assert!(ui.screen.notice(at(4)).unwrap().contains("is FINISHED"));
        seen(&mut ui, 5, "RUNNING");
        key(&mut ui, 5, 'S');
        // another key asks for another thing, it does not fire
        assert_eq!(key(&mut ui, 5, 's'), vec![]);
        let order = JobOrder {
            act: JobAct::Savepoint,
            from: None,
        };
        assert_eq!(key(&mut ui, 5, 's'), vec![Effect::Job(order)]);
    }
}
