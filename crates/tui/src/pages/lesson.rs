//! The lessons, and a step of one beside the live dashboard: what it is about, what to do, what must be
//! seen and what was.

use crate::Extent;
use crate::Ui;
use crate::keys::{Action as A, Keys, Scope, Section, key, line, own};
use crate::pages::Component;
use crate::pages::dashboard::Panel;
use crate::pages::{Page, States};
use crate::paint::{Focus, Spans, chosen, fault, fit, panel, scrolled, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use crate::{RowId, Spot};
use flinklab_event::Comeback;
use flinklab_event::{Effect, Kept};
use flinklab_lab::LessonStep;
use flinklab_lab::Sight;
use flinklab_model::{Asked, CheckResult, Is, LessonRun};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// From this width on the lesson stands at the side of the dashboard, below it the lesson is above
/// one panel.
const SIDE: u16 = 118;
/// What the dashboard needs to show more than one panel.
const DASHBOARD: u16 = 80;

/// The page.
pub(super) struct ThePage;

/// What it remembers.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The lesson that is gone through, and how far.
    pub run: Option<LessonRun>,
    /// The one that is begun once it is known, and at which step: 0 is where it was left.
    pub wanted: Option<(String, u8)>,
}

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "lesson",
    words: "lessons",
    parent: Some(Scope::Pages),
    opened_by: Some((80, key("lessons", A::Open(Page::Lesson), "L", "lessons"))),
    rows: &[
        line("do", A::Enter, "enter", "do it"),
        line("next", A::Step(1), "n right", "next step"),
        line("before", A::Step(-1), "b left", "step before"),
        line("again", A::Again, "a", "step again"),
        own("leave", "backspace", "all lessons", all_lessons).in_line(),
        key("panel-1", A::Focus(Panel::Pods), "1", "that panel"),
        key("panel-2", A::Focus(Panel::Leader), "2", "that panel"),
        key("panel-3", A::Focus(Panel::Checkpoints), "3", "that panel"),
        key("panel-4", A::Focus(Panel::Run), "4", "that panel"),
        key("panel-5", A::Focus(Panel::Log), "5", "that panel"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn acts(&self) -> bool {
        true
    }

    fn looks_at_jobs(&self, ui: &Ui) -> bool {
        let step = ui.pages.lesson.run.as_ref().and_then(LessonRun::now);
        step.is_some_and(|step| step.job.is_some())
    }

    fn offers(&self, ui: &Ui, action: A) -> bool {
        match action {
            A::Step(_) | A::Again | A::Own(_) => ui.pages.lesson.run.is_some(),
            _ => true,
        }
    }

    // the lessons; a step of one is text
    fn rows(&self, ui: &Ui) -> Option<Vec<RowId>> {
        let all = ui.model.lessons.all.iter();
        let ids = all.map(|lesson| RowId::of(&lesson.key)).collect();
        ui.pages.lesson.run.is_none().then_some(ids)
    }

    fn back(&self, ui: &mut Ui) -> bool {
        let run = ui.pages.lesson.run.as_mut();
        run.is_some_and(|run| run.asked.take().is_some())
    }

    // it is gone through in the lab as it is now
    fn goes_on(&self, picture: &mut States, live: &mut States) {
        picture.lesson = std::mem::take(&mut live.lesson);
    }

    // the chosen lesson, or what the step says
    fn enter(&self, ui: &mut Ui) -> Vec<Effect> {
        let Some(mut run) = ui.pages.lesson.run.take() else {
            let chosen = ui.model.lessons.all.get(ui.screen.spot.row);
            let Some(key) = chosen.map(|lesson| lesson.key.clone()) else {
                return Vec::new();
            };
            begin(ui, &key, None);
            return Vec::new();
        };
        let effects = act(&mut run, ui);
        let waits = run.is == Is::Waits;
        ui.pages.lesson.run = Some(run);
        match effects {
            Some(effects) => effects,
            // a step that is not seen yet is not passed over by mistake
            None if waits => {
                let next = ui.key_for(ui.screen.scope(), A::Step(1));
                let words = format!("Not all is seen yet; {next} goes on all the same.");
                ui.screen.say(ui.model.now, words);
                Vec::new()
            }
            None => go(ui, 1),
        }
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let Some(run) = &ui.pages.lesson.run else {
            return list(ui, theme, frame, area);
        };
        let (own, rest) = split(area);
        let width = usize::from(own.width.saturating_sub(2));
        let height = usize::from(own.height.saturating_sub(2));
        let all = step(ui, theme, run, width);
        let (lines, extent) = scrolled(all, height, ui.screen.spot.scroll);
        Page::Dashboard.component().draw(ui, theme, frame, rest);
        panel(
            frame,
            theme,
            own,
            (title(theme, run), place(theme, run)),
            Focus::Here,
            lines,
        );
        extent
    }
}

/// Back to the list of lessons.
fn all_lessons(ui: &mut Ui) -> Vec<Effect> {
    ui.pages.lesson.run = None;
    Vec::new()
}

/// Begins a lesson at that step, or where it was left.
fn begin(ui: &mut Ui, key: &str, from: Option<usize>) {
    let found = ui
        .model
        .lessons
        .all
        .iter()
        .find(|one| one.is_meant(key))
        .cloned();
    let Some(lesson) = found else {
        return;
    };
    let kept = ui
        .model
        .lessons
        .kept
        .get(&lesson.key)
        .copied()
        .unwrap_or_default();
    // one that was gone through begins anew
    let through = kept.done && kept.step.saturating_add(1) >= lesson.steps.len();
    let left = if through { 0 } else { kept.step };
    let step = from.unwrap_or(left);
    let run = LessonRun::new(&lesson, step, &ui.model);
    ui.pages.lesson.run = Some(run);
    ui.open(Page::Lesson);
    look_there(ui);
}

/// Asks for what the step does, or does it. None: there is nothing to do.
fn act(run: &mut LessonRun, ui: &mut Ui) -> Option<Vec<Effect>> {
    if !run.is_to_do() {
        return None;
    }
    let Some(asked) = run.asked.take() else {
        match run.would(&ui.model)? {
            Ok(asked) => run.asked = Some(asked),
            Err(why) => ui.screen.say(ui.model.now, format!("Not now: {why}.")),
        }
        return Some(Vec::new());
    };
    // the lab went on since it was asked for
    let against = match (&asked, run.would(&ui.model)?) {
        (_, Err(why)) => Some(why),
        (Asked::Break(aim), Ok(_)) => ui.model.moved_on(aim),
        (Asked::Job(_), Ok(_)) => None,
    };
    if let Some(why) = against {
        ui.screen.say(ui.model.now, format!("Not done: {why}."));
        return Some(Vec::new());
    }
    run.acted = Some(ui.model.now);
    run.touched = true;
    Some(match asked {
        Asked::Job(order) => vec![Effect::Job(order)],
        Asked::Break(aim) => match aim.target {
            Ok(target) => {
                let order = ui.model.order(&aim.failure, target);
                let effects = vec![Effect::Break(Box::new(order))];
                ui.model.ordered(&effects);
                effects
            }
            Err(_) => Vec::new(),
        },
    })
}

/// On or back. On from the last step: the list of lessons.
pub(crate) fn go(ui: &mut Ui, by: i32) -> Vec<Effect> {
    let Some(mut run) = ui.pages.lesson.run.take() else {
        return Vec::new();
    };
    if by > 0 && run.is_last() {
        let before = ui.model.lessons.kept.get(&run.lesson.key).copied();
        let mut kept = run.kept(before);
        let key = run.lesson.key.clone();
        if ui.screen.page == Page::Lesson {
            let mut all = ui.model.lessons.all.iter();
            let row = all.position(|one| one.key == key);
            ui.choose(row.unwrap_or(0));
        }
        // the next time it begins anew
        kept.step = 0;
        let words = if kept.done {
            "The lesson is over."
        } else {
            "The lesson is over; its last step was not seen to hold."
        };
        ui.screen.say(ui.model.now, words);
        ui.model.lessons.kept.insert(key.clone(), kept);
        return vec![Effect::KeepLesson { key, kept }];
    }
    let to = if by > 0 {
        run.step + 1
    } else {
        run.step.saturating_sub(1)
    };
    run.turn(to, &ui.model);
    run.touched = true;
    ui.pages.lesson.run = Some(run);
    look_there(ui);
    keep(ui)
}

/// The step from its beginning.
pub(crate) fn again(ui: &mut Ui) {
    if let Some(mut run) = ui.pages.lesson.run.take() {
        run.turn(run.step, &ui.model);
        ui.pages.lesson.run = Some(run);
        ui.screen.say(ui.model.now, "The step begins again.");
    }
}

/// Writes down how far it is. Who only looks at a step takes nothing from what is kept.
fn keep(ui: &mut Ui) -> Vec<Effect> {
    let Some(run) = ui.pages.lesson.run.as_ref().filter(|it| it.touched) else {
        return Vec::new();
    };
    let key = run.lesson.key.clone();
    let kept: Kept = run.kept(ui.model.lessons.kept.get(&key).copied());
    if ui.model.lessons.kept.insert(key.clone(), kept) == Some(kept) {
        return Vec::new();
    }
    vec![Effect::KeepLesson { key, kept }]
}

/// The panel that shows the step best has the keys.
fn look_there(ui: &mut Ui) {
    let sight = ui.pages.lesson.run.as_ref().and_then(|run| run.now());
    ui.pages.dashboard.focus = match sight.map(|step| step.panel) {
        Some(Sight::Leader) => Panel::Leader,
        Some(Sight::Checkpoints) => Panel::Checkpoints,
        Some(Sight::Break) => Panel::Run,
        Some(Sight::Log) => Panel::Log,
        Some(Sight::Pods) | None => Panel::Pods,
    };
    ui.screen.spot = Spot::default();
}

/// Looks at the lab after an event was taken in; says so where another page is open.
pub(crate) fn follow(ui: &mut Ui) -> Vec<Effect> {
    // the lab must be seen before anything is compared with it
    if let (true, Some((key, from))) = (ui.model.lab.is_some(), ui.pages.lesson.wanted.clone())
        && ui.model.lessons.all.iter().any(|lesson| lesson.key == key)
    {
        ui.pages.lesson.wanted = None;
        begin(ui, &key, usize::from(from).checked_sub(1));
        return Vec::new();
    }
    let Some(mut run) = ui.pages.lesson.run.take() else {
        return Vec::new();
    };
    let before = run.is;
    run.look(&ui.model);
    let is = run.is;
    // what was asked for holds only as long as the lab does
    if let (Some(Asked::Break(aim)), true) = (&run.asked, before == is)
        && let Some(why) = ui.model.moved_on(aim)
    {
        run.asked = None;
        ui.screen.say(ui.model.now, format!("Aim dropped: {why}."));
    }
    ui.pages.lesson.run = Some(run);
    if before == is {
        return Vec::new();
    }
    if ui.screen.page != Page::Lesson {
        let key = ui.key_for(Scope::Pages, A::Open(Page::Lesson));
        let words = match is {
            Is::Holds => format!("The lesson's step holds. {key} goes back to it."),
            Is::Misses => format!("The lesson's step has a hint. {key} shows it."),
            Is::Reads | Is::Waits => return keep(ui),
        };
        ui.screen.say(ui.model.now, words);
    }
    keep(ui)
}

/// Where the lesson stands, and where the dashboard.
fn split(area: Rect) -> (Rect, Rect) {
    if area.width >= SIDE {
        let width = (area.width - DASHBOARD).min(64);
        let own = Rect {
            x: area.right() - width,
            width,
            ..area
        };
        let rest = Rect {
            width: area.width - width,
            ..area
        };
        return (own, rest);
    }
    let height = (area.height * 3 / 5).max(6).min(area.height);
    let own = Rect { height, ..area };
    let rest = Rect {
        y: area.y + height,
        height: area.height - height,
        ..area
    };
    (own, rest)
}

fn title(theme: &Theme, run: &LessonRun) -> Spans {
    vec![theme.say(Tone::Accent, run.lesson.title.clone())]
}

fn place(theme: &Theme, run: &LessonRun) -> Spans {
    let of = run.lesson.steps.len();
    vec![theme.say(Tone::Muted, format!("step {} of {of}", run.step + 1))]
}

/// The step, most needed first: what is asked for or seen, then what is read.
fn step(ui: &Ui, theme: &Theme, run: &LessonRun, width: usize) -> Vec<Line<'static>> {
    let Some(now) = run.now() else {
        return Vec::new();
    };
    let head = format!(" {}", now.title);
    let mut lines = vec![Line::from(fit(vec![theme.say(Tone::Mark, head)], width))];
    if let Some(asked) = &run.asked {
        lines.extend(ask(ui, theme, asked, width));
        return lines;
    }
    lines.extend(sentences(
        theme,
        Tone::Plain,
        &ui.model.flinklab().advise(&now.text),
        width,
    ));
    if !now.watch.is_empty() {
        let words = format!("Watch: {}", now.watch);
        lines.extend(sentences(theme, Tone::Accent, &words, width));
    }
    lines.extend(compared(ui, theme, now, width));
    for words in todo(ui, run, now) {
        lines.extend(sentences(theme, Tone::Mark, &words, width));
    }
    lines.extend(seen(theme, run, width));
    if run.is == Is::Misses {
        if let Some(why) = &run.refused {
            lines.extend(sentences(theme, Tone::Fail, why, width));
        }
        let again = ui.key_for(Scope::Of(Page::Lesson), A::Again);
        let words = format!(
            "{} Hint: {} {again} begins the step again.",
            sign::WARN,
            ui.model.flinklab().advise(&now.hint)
        );
        lines.extend(sentences(theme, Tone::Warn, &words, width));
    }
    lines
}

/// What to press.
pub(super) fn todo(ui: &Ui, run: &LessonRun, now: &LessonStep) -> Vec<String> {
    let enter = ui.key_for(Scope::Of(Page::Lesson), A::Enter);
    let next = ui.key_for(Scope::Of(Page::Lesson), A::Step(1));
    let mut all = Vec::new();
    if let Some(name) = &now.key {
        let mut rows = ui.screen.keys.of(Scope::Pages);
        let found = rows.find(|(binding, _)| binding.name == name);
        if let Some((binding, [key, ..])) = found {
            all.push(format!("{} shows {}.", words::key(*key), binding.words));
        }
    }
    if run.is_to_do() {
        let what = match (&now.breaks, now.job) {
            (Some(key), _) => format!("{enter} aims {key}, and says what it would hit."),
            (None, Some(_)) => format!("{enter} says what it costs; the job is still untouched."),
            (None, None) => String::new(),
        };
        all.push(what);
    } else if matches!(run.is, Is::Holds | Is::Reads) {
        all.push(if run.is_last() {
            format!("{next} ends the lesson.")
        } else {
            format!("{next} goes on.")
        });
    }
    all
}

/// What would be done, before it is.
fn ask(ui: &Ui, theme: &Theme, asked: &Asked, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    match asked {
        Asked::Break(aim) => {
            let words = format!(
                "{} aimed: {}, {}",
                sign::BREAK,
                aim.failure.key,
                aim.failure.title
            );
            lines.extend(sentences(theme, Tone::Mark, &words, width));
            if let Ok(target) = &aim.target {
                let what = target.object.as_deref().unwrap_or(&target.pod);
                let words = format!("It hits {what} ({}).", target.reason);
                lines.extend(sentences(theme, Tone::Leader, &words, width));
                for command in ui.model.commands(&aim.failure, target) {
                    lines.extend(sentences(theme, Tone::Muted, &command, width));
                }
            }
            if let Some(lasts) = aim.failure.lasts {
                let words = format!("It is taken back after {lasts}.");
                lines.extend(sentences(theme, Tone::Plain, &words, width));
            }
        }
        Asked::Job(order) => {
            let words = format!(
                "{} asked for: {}, {}",
                sign::BREAK,
                order.act,
                order.act.title()
            );
            lines.extend(sentences(theme, Tone::Mark, &words, width));
            if let Some((_, known)) = &ui.model.jobs.seen {
                for words in known.costs(order, ui.model.now) {
                    lines.extend(sentences(theme, Tone::Plain, &words, width));
                }
            }
        }
    }
    let enter = ui.key_for(Scope::Of(Page::Lesson), A::Enter);
    let words = format!("{enter} again does it · esc takes it back");
    lines.extend(sentences(theme, Tone::Mark, &words, width));
    lines
}

/// What must be seen, and what was.
fn seen(theme: &Theme, run: &LessonRun, width: usize) -> Vec<Line<'static>> {
    // before it is begun there is nothing to see
    if run.is_to_do() {
        return Vec::new();
    }
    let rows = run.told.iter().flat_map(|told| {
        let (tone, sign) = mark(told, run.is);
        let words = format!("{sign} {}: {}", told.what, told.evidence);
        sentences(theme, tone, &words, width)
    });
    rows.collect()
}

/// How a part of a check looks.
pub(crate) fn mark(told: &CheckResult, is: Is) -> (Tone, &'static str) {
    match (told.seen, is) {
        (Some(true), _) => (Tone::Ok, sign::OK),
        (Some(false), _) => (Tone::Fail, sign::FAIL),
        (None, Is::Misses) => (Tone::Warn, sign::UNKNOWN),
        (None, _) => (Tone::Busy, sign::NOW),
    }
}

/// The newest runs of failures beside each other.
fn compared(ui: &Ui, theme: &Theme, now: &LessonStep, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (name, took, verdict) in side_by_side(ui, now) {
        lines.push(Line::from(fit(
            vec![
                theme.say(Tone::Plain, format!(" {name:<16}")),
                theme.say(Tone::Accent, format!("{took:>9}")),
                theme.say(Tone::Muted, format!("  {verdict}")),
            ],
            width,
        )));
    }
    lines
}

/// Failure, time until all tasks ran again, verdict.
pub(crate) fn side_by_side(ui: &Ui, now: &LessonStep) -> Vec<(String, String, String)> {
    let rows = now.compare.iter().map(|key| {
        let newest = ui.model.history().rev().find(|run| run.failure == *key);
        let (took, verdict) = match newest {
            None => ("not run".to_owned(), String::new()),
            Some(run) => {
                let took = match run.comeback() {
                    Comeback::After(ms) => words::took_seconds(ms as f64 / 1e3),
                    Comeback::NeverStopped => "untouched".to_owned(),
                    Comeback::NotSeen => "not back".to_owned(),
                };
                (took, run.verdict.to_string())
            }
        };
        (key.clone(), took, verdict)
    });
    rows.collect()
}

/// All lessons.
fn list(ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines = Vec::new();
    if let Some(trouble) = &ui.model.lessons.wrong {
        lines.extend(fault(theme, trouble, &ui.model.flinklab(), width));
    } else if ui.model.lessons.all.is_empty() {
        let words = "The lessons of this lab are not known yet: it is still being opened.";
        lines.extend(sentences(theme, Tone::Muted, words, width));
    }
    for (row, lesson) in ui.model.lessons.all.iter().enumerate() {
        let kept = ui
            .model
            .lessons
            .kept
            .get(&lesson.key)
            .copied()
            .unwrap_or_default();
        let (tone, sign) = match (kept.done, kept.step) {
            (true, _) => (Tone::Ok, sign::OK),
            (false, 0) => (Tone::Muted, sign::WAITS),
            (false, _) => (Tone::Busy, sign::NOW),
        };
        let aside = match (kept.step, lacking(ui, lesson)) {
            (_, Some(why)) => format!("not here: {why}"),
            (0, None) => format!("about {} min", lesson.minutes),
            (step, None) => format!("goes on at step {}", step.saturating_add(1)),
        };
        let name = width.saturating_sub(36).clamp(20, 60);
        let line = Line::from(fit(
            vec![
                theme.say(tone, format!(" {sign} ")),
                theme.say(
                    Tone::Plain,
                    format!("{} ", words::left(&words::cut(&lesson.title, name), name)),
                ),
                theme.say(Tone::Muted, aside),
            ],
            width,
        ));
        lines.push(if row == ui.screen.spot.row {
            chosen(&line, width)
        } else {
            line
        });
    }
    if let Some(lesson) = ui.model.lessons.all.get(ui.screen.spot.row) {
        lines.push(Line::from(theme.say(Tone::Muted, "─".repeat(width))));
        lines.push(Line::from(
            theme.say(Tone::Accent, format!(" {}", lesson.title)),
        ));
        lines.extend(sentences(theme, Tone::Plain, &lesson.see, width));
        for (n, step) in lesson.steps.iter().enumerate() {
            let words = format!("   {} {}", n + 1, step.title);
            lines.push(Line::from(fit(vec![theme.say(Tone::Muted, words)], width)));
        }
        let enter = ui.key_for(Scope::Of(Page::Lesson), A::Enter);
        let words = format!("{enter} begins it. Nothing is broken before you say so twice.");
        lines.extend(sentences(theme, Tone::Mark, &words, width));
    }
    let title = vec![theme.say(Tone::Accent, "Lessons")];
    let done = ui.model.lessons.all.iter().filter(|lesson| {
        let kept = ui.model.lessons.kept.get(&lesson.key);
        kept.is_some_and(|kept| kept.done)
    });
    let words = format!(
        "{} of {} gone through",
        done.count(),
        ui.model.lessons.all.len()
    );
    let aside = vec![theme.say(Tone::Muted, words)];
    panel(frame, theme, area, (title, aside), Focus::Here, lines);
    let height = usize::from(area.height.saturating_sub(2));
    Extent::new(ui.model.lessons.all.len(), height)
}

/// Why this lab cannot have a lesson.
fn lacking(ui: &Ui, lesson: &flinklab_lab::Lesson) -> Option<String> {
    let lab = ui.model.lab.as_ref()?;
    let mut keys = lesson.failures();
    keys.find_map(|key| lab.lacks_for(key)).map(str::to_owned)
}

#[cfg(test)]
mod tests;
