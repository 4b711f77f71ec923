//! What can be broken. A digit aims and shows the truth: what would be hit, with which command,
//! whether the lab is ready for it, and what should be seen. The same digit fires.

use crate::Extent;
use crate::RowId;
use crate::Ui;
use crate::keys::{Action as A, Keys, Scope, Section, key, line, own};
use crate::pages::Component;
use crate::pages::dashboard::Panel;
use crate::pages::{Page, States};
use crate::paint::{Focus, Spans, fit, panel, sentences};
use crate::scroll::{moved, scroll_rows};
use crate::theme::{Theme, Tone, sign};
use crate::{paint, words};
use flinklab_event::Effect;
use flinklab_lab::failure::{Failure, Hits, Leadership, Restore, Verdict};
use flinklab_model::Aim;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The page.
pub(super) struct ThePage;

/// What it remembers.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The failure aimed at, if a digit was pressed.
    pub aim: Option<Aim>,
}

/// Failures on one page of the list: one for each digit but 0.
pub const FAILURES_A_PAGE: usize = 9;

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "failures",
    words: "list of failures",
    parent: Some(Scope::Everywhere),
    opened_by: Some((10, line("failures", A::Open(Page::Failures), "x", "failures"))),
    rows: &[
        own("aim-1", "1", "aim; again: fire", |ui| digit(ui, 1)).by_key(),
        own("aim-2", "2", "aim; again: fire", |ui| digit(ui, 2)).by_key(),
        own("aim-3", "3", "aim; again: fire", |ui| digit(ui, 3)).by_key(),
        own("aim-4", "4", "aim; again: fire", |ui| digit(ui, 4)).by_key(),
        own("aim-5", "5", "aim; again: fire", |ui| digit(ui, 5)).by_key(),
        own("aim-6", "6", "aim; again: fire", |ui| digit(ui, 6)).by_key(),
        own("aim-7", "7", "aim; again: fire", |ui| digit(ui, 7)).by_key(),
        own("aim-8", "8", "aim; again: fire", |ui| digit(ui, 8)).by_key(),
        own("aim-9", "9", "aim; again: fire", |ui| digit(ui, 9)).by_key(),
        own("more", "0", "more failures", turn_list).by_key(),
        own("fire", "enter", "aim the chosen; then fire", chosen).in_line().by_key(),
        own("dry-run", "D", "dry run", dry_run).in_line(),
        line("arm", A::Arm, "!", "arm one-key mode"),
        key("next", A::Part(1), "tab", "next failure"),
        key("before", A::Part(-1), "shift-tab", "failure before"),
        key("close", A::Back, "x", "close"),
        key("heal", A::Heal, "U", "take back what is broken"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn acts(&self) -> bool {
        true
    }

    fn closed(&self, states: &mut States) {
        states.failures.aim = None;
    }

    fn rows(&self, ui: &Ui) -> Option<Vec<RowId>> {
        let all = ui.model.failures.iter();
        Some(all.map(|failure| RowId::of(&failure.key)).collect())
    }

    // the aim belonged to another line
    fn scroll(&self, ui: &mut Ui, by: i32) {
        let rows = self.rows(ui).unwrap_or_default();
        scroll_rows(ui, &rows, by);
        ui.pages.failures.aim = None;
    }

    fn step(&self, ui: &mut Ui, by: i32) {
        let row = moved(ui.screen.spot.row, by, ui.model.failures.len());
        ui.choose(row);
        if ui.pages.failures.aim.is_some() {
            aim(ui, row);
        }
    }

    fn back(&self, ui: &mut Ui) -> bool {
        ui.pages.failures.aim.take().is_some()
    }

    // what is aimed at is what is there now
    fn goes_on(&self, picture: &mut States, live: &mut States) {
        picture.failures.aim = live.failures.aim.take();
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let width = usize::from(area.width.saturating_sub(2));
        let height = usize::from(area.height.saturating_sub(2));
        let rule = || Line::from(theme.say(Tone::Muted, "─".repeat(width)));
        let mut lines = Vec::new();
        match &ui.pages.failures.aim {
            _ if ui.model.failures.is_empty() => {
                let words = "The failures of this lab are not known yet: it is still being opened.";
                lines.extend(sentences(theme, Tone::Muted, words, width));
            }
            None => {
                let mut list = list(ui, theme, width);
                // on the smallest screen the rows above give way to the chosen one
                let chosen = 1 + ui.screen.spot.row % FAILURES_A_PAGE;
                list.drain(1..(chosen + 2).saturating_sub(height).max(1));
                lines.extend(list);
                lines.push(rule());
                lines.extend(story(ui, theme, width));
            }
            Some(aim) => {
                let mut truth = truth(ui, theme, aim, width);
                let list = list(ui, theme, width);
                // the truth and how to fire are never cut: the list gives way
                if list.len() + 2 + truth.len() <= height {
                    lines.extend(list);
                    lines.push(rule());
                }
                truth.truncate(height.saturating_sub(1));
                lines.extend(truth);
                lines.push(Line::from(fit(how_to_fire(theme, aim), width)));
                lines.push(Line::default());
                lines.extend(sentences(theme, Tone::Muted, &aim.failure.story, width));
            }
        }
        let title = vec![theme.say(Tone::Accent, "What to break")];
        let aside = match ui.screen.armed_for(ui.model.now) {
            Some(left) => {
                let words = format!(
                    "ARMED: a digit fires at once · {} left",
                    words::age(left.as_secs_f64())
                );
                vec![theme.say(Tone::Mark, words)]
            }
            None => vec![theme.say(Tone::Muted, "a digit aims, the same digit fires")],
        };
        panel(frame, theme, area, (title, aside), Focus::Here, lines);
        Extent::new(ui.model.failures.len(), FAILURES_A_PAGE)
    }
}

/// Turns to the next failures.
fn turn_list(ui: &mut Ui) -> Vec<Effect> {
    let pages = ui.model.failures.len().div_ceil(FAILURES_A_PAGE).max(1);
    let page = (ui.screen.spot.row / FAILURES_A_PAGE + 1) % pages;
    ui.choose(page * FAILURES_A_PAGE);
    ui.pages.failures.aim = None;
    Vec::new()
}

/// The first press aims at a pinned target, the second fires.
fn digit(ui: &mut Ui, digit: u8) -> Vec<Effect> {
    let page = ui.screen.spot.row / FAILURES_A_PAGE;
    let chosen = page * FAILURES_A_PAGE + usize::from(digit) - 1;
    let same = ui
        .pages
        .failures
        .aim
        .as_ref()
        .is_some_and(|aim| aim.digit == digit);
    if same {
        return fire(ui);
    }
    if chosen < ui.model.failures.len() {
        aim(ui, chosen);
    }
    Vec::new()
}

fn chosen(ui: &mut Ui) -> Vec<Effect> {
    if ui.pages.failures.aim.is_some() {
        return fire(ui);
    }
    aim(ui, ui.screen.spot.row);
    Vec::new()
}

/// Aims a failure at whom it would hit now.
pub(crate) fn aim(ui: &mut Ui, chosen: usize) {
    let Some(failure) = ui.model.failures.get(chosen).cloned() else {
        return;
    };
    if ui.screen.page == Page::Failures {
        ui.choose(chosen);
    }
    // digits begin anew on each page of the list
    let digit = u8::try_from(chosen % FAILURES_A_PAGE + 1).unwrap_or(0);
    let aim = ui.model.aim(&failure);
    ui.pages.failures.aim = Some(Aim { digit, ..aim });
}

/// What is aimed at is pinned: if that pod or its role is gone, the aim is dropped and says so,
/// never silently turned to another pod.
pub(crate) fn keep_aim(ui: &mut Ui) {
    let Some(aim) = &ui.pages.failures.aim else {
        return;
    };
    let fresh = ui.model.aim(&aim.failure);
    let why = match (ui.model.moved_on(aim), &aim.target, &fresh.target) {
        (Some(why), _, _) => Some(why),
        (None, Ok(pinned), Ok(now)) if pinned.uid != now.uid => {
            Some(format!("it would hit {} now", now.pod))
        }
        _ => None,
    };
    if let Some(why) = why {
        ui.pages.failures.aim = None;
        ui.screen.say(ui.model.now, format!("Aim dropped: {why}."));
        return;
    }
    if let Some(aim) = &mut ui.pages.failures.aim {
        aim.target = fresh.target;
        aim.against = fresh.against;
    }
}

/// Fires what is aimed, unless something speaks against it.
pub(crate) fn fire(ui: &mut Ui) -> Vec<Effect> {
    let now = ui.model.now;
    let Some(aim) = ui.pages.failures.aim.clone() else {
        return Vec::new();
    };
    let target = match aim.target {
        Ok(target) if aim.against.is_empty() => target,
        Ok(_) => {
            let words = format!("Not fired: {}.", aim.against.join("; "));
            ui.screen.say(now, words);
            return Vec::new();
        }
        Err(why) => {
            ui.screen.say(now, format!("Not fired: {why}."));
            return Vec::new();
        }
    };
    ui.turn(Page::Dashboard);
    ui.pages.dashboard.focus = Panel::Run;
    let order = ui.model.order(&aim.failure, target);
    let effects = vec![Effect::Break(Box::new(order))];
    ui.model.ordered(&effects);
    effects
}

/// Says what firing would do.
fn dry_run(ui: &mut Ui) -> Vec<Effect> {
    if ui.pages.failures.aim.is_none() {
        aim(ui, ui.screen.spot.row);
    }
    let Some(aimed) = &ui.pages.failures.aim else {
        return Vec::new();
    };
    let commands = match &aimed.target {
        Ok(target) => ui.model.commands(&aimed.failure, target).join("; "),
        Err(_) => String::new(),
    };
    let words = match (&aimed.target, aimed.against.is_empty()) {
        (Err(why), _) => format!("Dry run: it would hit nobody: {why}. Nothing was sent."),
        (Ok(target), true) => format!(
            "Dry run: it would hit {} now, with {commands}. Nothing was sent.",
            target.pod
        ),
        (Ok(target), false) => format!(
            "Dry run: it would hit {}, but {}. Nothing was sent.",
            target.pod,
            aimed.against.join("; ")
        ),
    };
    ui.screen.say(ui.model.now, words);
    Vec::new()
}

fn how_to_fire(theme: &Theme, aim: &Aim) -> Spans {
    vec![
        theme.say(Tone::Mark, format!(" {} or enter fires", aim.digit)),
        theme.say(
            Tone::Muted,
            " · D dry run · tab aims the next · esc takes the aim back",
        ),
    ]
}

fn list(ui: &Ui, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let (key, target) = if width < 76 { (14, 17) } else { (22, 26) };
    let head = format!(
        "   {:<key$}{:<target$}{}",
        "FAILURE", "HITS", "YOU SHOULD SEE"
    );
    let mut lines = vec![Line::from(theme.say(Tone::Muted, words::cut(&head, width)))];
    let page = ui.screen.spot.row / FAILURES_A_PAGE;
    let shown = ui
        .model
        .failures
        .iter()
        .enumerate()
        .skip(page * FAILURES_A_PAGE)
        .take(FAILURES_A_PAGE);
    for (row, failure) in shown {
        let chosen = row == ui.screen.spot.row;
        let line = Line::from(fit(
            vec![
                theme.say(Tone::Accent, format!(" {} ", row % FAILURES_A_PAGE + 1)),
                theme.say(
                    Tone::Plain,
                    words::left(&words::cut(&failure.key, key - 1), key),
                ),
                theme.say(
                    Tone::Muted,
                    words::left(&words::cut(&hits(ui, failure), target - 1), target),
                ),
                theme.say(Tone::Plain, in_short(failure)),
            ],
            width,
        ));
        lines.push(if chosen {
            paint::chosen(&line, width)
        } else {
            line
        });
    }
    let more = ui.model.failures.len().saturating_sub(FAILURES_A_PAGE);
    if more > 0 {
        let words = if page == 0 {
            format!(" 0 {more} more")
        } else {
            " 0 next page".to_owned()
        };
        lines.push(Line::from(theme.say(Tone::Muted, words)));
    }
    lines
}

/// Whom it would hit now.
fn hits(ui: &Ui, failure: &Failure) -> String {
    let lab = ui.model.lab.as_ref();
    if lab.is_some_and(|lab| lab.lacks_for(&failure.key).is_some()) {
        return "not in this lab".to_owned();
    }
    let Ok(target) = ui.model.aim(failure).target else {
        return match failure.hits {
            Hits::Leader => "nobody leads now",
            Hits::Standby => "nobody stands by",
            Hits::BusyTaskManager => "no busy TaskManager",
            Hits::AllJobmanagers => "no JobManager",
            Hits::ApiServer | Hits::Role | Hits::CheckpointFolder => "not known now",
            Hits::Worker => "no worker apart",
        }
        .to_owned();
    };
    let tag = words::tag(Some(target.role), &target.pod);
    match failure.hits {
        Hits::Leader => format!("{} {tag} leads", sign::LEADER),
        Hits::Standby => format!("  {tag} stands by"),
        Hits::BusyTaskManager => format!("  {tag} runs tasks"),
        Hits::AllJobmanagers => format!("{} {tag} and {} more", sign::LEADER, target.also.len()),
        Hits::ApiServer => "  the API server".to_owned(),
        Hits::Role => "  the JobManagers' Role".to_owned(),
        Hits::CheckpointFolder => "  the checkpoint folder".to_owned(),
        Hits::Worker => format!("  the node of {tag}"),
    }
}

/// What should be seen, in a few words.
fn in_short(failure: &Failure) -> String {
    let leadership = match failure.expect.leadership {
        Leadership::NewEpoch => "new epoch",
        Leadership::Stays => "same epoch",
        Leadership::MayMove => "any epoch",
    };
    let restore = match failure.expect.restore {
        Restore::Newest => "job restored",
        Restore::None => "job untouched",
        Restore::IfMoved => "job kept",
    };
    let verdict = match failure.expect.verdict() {
        Verdict::Pass => String::new(),
        other => format!(", {other}"),
    };
    format!("{leadership}, {restore}{verdict}")
}

/// The chosen one, told to a learner.
fn story(ui: &Ui, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let Some(failure) = ui.model.failures.get(ui.screen.spot.row) else {
        return Vec::new();
    };
    let mut lines = vec![Line::from(
        theme.say(Tone::Accent, format!(" {}", failure.title)),
    )];
    lines.extend(sentences(theme, Tone::Plain, &failure.story, width));
    lines.extend(sentences(theme, Tone::Muted, &failure.teaches, width));
    lines
}

/// The truth lines of an aim.
fn truth(ui: &Ui, theme: &Theme, aim: &Aim, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let head = vec![
        theme.say(
            Tone::Mark,
            format!(" {} aimed: {}", sign::BREAK, aim.failure.key),
        ),
        theme.say(Tone::Plain, format!(", {}", aim.failure.title)),
    ];
    lines.push(Line::from(fit(head, width)));
    match &aim.target {
        Err(why) => {
            lines.extend(fact(
                theme,
                Tone::Fail,
                "hits",
                &format!("nobody: {why}"),
                width,
            ));
            return lines;
        }
        Ok(target) => {
            let all = std::iter::once(target).chain(&target.also);
            let pods: Vec<String> = all
                .map(|target| format!("{} ({})", target.pod, target.reason))
                .collect();
            let words = match &target.object {
                Some(object) => format!("{object}, while {}", pods.join(" and ")),
                None => pods.join(" and "),
            };
            lines.extend(fact(theme, Tone::Leader, "hits", &words, width));
            let words = format!("uid {}", target.uid);
            lines.extend(fact(theme, Tone::Muted, "", &words, width));
            for command in ui.model.commands(&aim.failure, target) {
                lines.extend(fact(theme, Tone::Plain, "does", &command, width));
            }
        }
    }
    if aim.against.is_empty() {
        let newest = ui.model.newest_completed().map_or_else(
            || "nothing speaks against it".to_owned(),
            |(id, since)| {
                let age = since.map_or_else(String::new, |at| {
                    format!(", {} old", words::age_at(ui.model.now, at))
                });
                format!("all tasks run, newest checkpoint #{id}{age}")
            },
        );
        lines.extend(fact(
            theme,
            Tone::Ok,
            "ready",
            &format!("{} {newest}", sign::OK),
            width,
        ));
    } else {
        let words = format!("{} {}", sign::FAIL, aim.against.join("; "));
        lines.extend(fact(theme, Tone::Fail, "ready", &words, width));
    }
    lines.extend(fact(
        theme,
        Tone::Plain,
        "expect",
        &expectation(ui, &aim.failure),
        width,
    ));
    lines
}

fn fact(theme: &Theme, tone: Tone, name: &str, text: &str, width: usize) -> Vec<Line<'static>> {
    let wrapped = words::wrap(text, width.saturating_sub(9));
    let lines = wrapped.into_iter().enumerate().map(|(n, line)| {
        let head = if n == 0 { name } else { "" };
        Line::from(vec![
            theme.say(Tone::Muted, format!(" {head:<7}")),
            theme.say(tone, line),
        ])
    });
    lines.collect()
}

/// What must be seen for the verdict.
fn expectation(ui: &Ui, failure: &Failure) -> String {
    let leadership = match failure.expect.leadership {
        Leadership::NewEpoch => "a new epoch",
        Leadership::Stays => "the same epoch",
        Leadership::MayMove => "the same epoch or one new one",
    };
    let restore = match (failure.expect.restore, ui.model.newest_completed()) {
        (Restore::Newest, Some((id, _))) => format!("restored from #{id} or newer"),
        (Restore::Newest, None) => "restored from the newest checkpoint".to_owned(),
        (Restore::None, _) => "the job not touched".to_owned(),
        (Restore::IfMoved, _) => "the job restored only by a new epoch".to_owned(),
    };
    let verdict = match failure.expect.verdict() {
        Verdict::Pass => String::new(),
        other => format!("; the verdict should be {other}"),
    };
    format!(
        "{leadership}, {restore}, all tasks running within {}s{verdict}",
        failure.expect.within.0
    )
}
