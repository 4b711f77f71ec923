//! The lessons, and a step of one beside the live dashboard: what it is about, what to do, what must be
//! seen and what was.

use crate::paint::{Keys, Spans, chosen, fault, fit, panel, scrolled, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::{dashboard, words};
use flinklab_event::Comeback;
use flinklab_lab::LessonStep;
use flinklab_model::{Action, Asked, Course, Extent, Is, Model, Scope, Told};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// From this width on the lesson stands at the side of the dashboard, below it the lesson is above
/// one panel.
const SIDE: u16 = 118;
/// What the dashboard needs to show more than one panel.
const DASHBOARD: u16 = 80;

/// Draws the page.
pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
    let Some(course) = &model.lessons.course else {
        return list(model, theme, frame, area);
    };
    let (own, rest) = split(area);
    let width = usize::from(own.width.saturating_sub(2));
    let height = usize::from(own.height.saturating_sub(2));
    let all = step(model, theme, course, width);
    let (lines, extent) = scrolled(all, height, model.screen.scroll);
    dashboard::draw(model, theme, frame, rest);
    panel(
        frame,
        theme,
        own,
        (title(theme, course), place(theme, course)),
        Keys::Here,
        lines,
    );
    extent
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

fn title(theme: &Theme, course: &Course) -> Spans {
    vec![theme.say(Tone::Accent, course.lesson.title.clone())]
}

fn place(theme: &Theme, course: &Course) -> Spans {
    let of = course.lesson.steps.len();
    vec![theme.say(Tone::Muted, format!("step {} of {of}", course.step + 1))]
}

/// The step, most needed first: what is asked for or seen, then what is read.
fn step(model: &Model, theme: &Theme, course: &Course, width: usize) -> Vec<Line<'static>> {
    let Some(now) = course.now() else {
        return Vec::new();
    };
    let head = format!(" {}", now.title);
    let mut lines = vec![Line::from(fit(vec![theme.say(Tone::Mark, head)], width))];
    if let Some(asked) = &course.asked {
        lines.extend(ask(model, theme, asked, width));
        return lines;
    }
    lines.extend(sentences(
        theme,
        Tone::Plain,
        &model.flinklab().advise(&now.text),
        width,
    ));
    if !now.watch.is_empty() {
        let words = format!("Watch: {}", now.watch);
        lines.extend(sentences(theme, Tone::Accent, &words, width));
    }
    lines.extend(compared(model, theme, now, width));
    for words in todo(model, course, now) {
        lines.extend(sentences(theme, Tone::Mark, &words, width));
    }
    lines.extend(seen(theme, course, width));
    if course.is == Is::Misses {
        if let Some(why) = &course.refused {
            lines.extend(sentences(theme, Tone::Fail, why, width));
        }
        let again = model.key_for(Scope::Lesson, Action::Again);
        let words = format!(
            "{} Hint: {} {again} begins the step again.",
            sign::WARN,
            model.flinklab().advise(&now.hint)
        );
        lines.extend(sentences(theme, Tone::Warn, &words, width));
    }
    lines
}

/// What to press.
pub(super) fn todo(model: &Model, course: &Course, now: &LessonStep) -> Vec<String> {
    let enter = model.key_for(Scope::Lesson, Action::Enter);
    let next = model.key_for(Scope::Lesson, Action::Step(1));
    let mut all = Vec::new();
    if let Some(name) = &now.key {
        let mut rows = model.screen.keys.of(Scope::Pages);
        let found = rows.find(|(binding, _)| binding.name == name);
        if let Some((binding, [key, ..])) = found {
            all.push(format!("{} shows {}.", words::key(*key), binding.words));
        }
    }
    if course.is_to_do() {
        let what = match (&now.breaks, now.job) {
            (Some(key), _) => format!("{enter} aims {key}, and says what it would hit."),
            (None, Some(_)) => format!("{enter} says what it costs; the job is still untouched."),
            (None, None) => String::new(),
        };
        all.push(what);
    } else if matches!(course.is, Is::Holds | Is::Reads) {
        all.push(match course.is_last() {
            true => format!("{next} ends the lesson."),
            false => format!("{next} goes on."),
        });
    }
    all
}

/// What would be done, before it is.
fn ask(model: &Model, theme: &Theme, asked: &Asked, width: usize) -> Vec<Line<'static>> {
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
                for command in model.commands(&aim.failure, target) {
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
            if let Some((_, known)) = &model.jobs.seen {
                for words in known.costs(order, model.now) {
                    lines.extend(sentences(theme, Tone::Plain, &words, width));
                }
            }
        }
    }
    let enter = model.key_for(Scope::Lesson, Action::Enter);
    let words = format!("{enter} again does it · esc takes it back");
    lines.extend(sentences(theme, Tone::Mark, &words, width));
    lines
}

/// What must be seen, and what was.
fn seen(theme: &Theme, course: &Course, width: usize) -> Vec<Line<'static>> {
    // before it is begun there is nothing to see
    if course.is_to_do() {
        return Vec::new();
    }
    let rows = course.told.iter().flat_map(|told| {
        let (tone, sign) = mark(told, course.is);
        let words = format!("{sign} {}: {}", told.what, told.evidence);
        sentences(theme, tone, &words, width)
    });
    rows.collect()
}

/// How a part of a check looks.
pub(super) fn mark(told: &Told, is: Is) -> (Tone, &'static str) {
    match (told.seen, is) {
        (Some(true), _) => (Tone::Ok, sign::OK),
        (Some(false), _) => (Tone::Fail, sign::FAIL),
        (None, Is::Misses) => (Tone::Warn, sign::UNKNOWN),
        (None, _) => (Tone::Busy, sign::NOW),
    }
}

/// The newest runs of failures beside each other.
fn compared(model: &Model, theme: &Theme, now: &LessonStep, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (name, took, verdict) in side_by_side(model, now) {
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
pub(super) fn side_by_side(model: &Model, now: &LessonStep) -> Vec<(String, String, String)> {
    let rows = now.compare.iter().map(|key| {
        let newest = model.history().rev().find(|run| run.failure == *key);
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
fn list(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines = Vec::new();
    if let Some(trouble) = &model.lessons.wrong {
        lines.extend(fault(theme, trouble, &model.flinklab(), width));
    } else if model.lessons.all.is_empty() {
        let words = "The lessons of this lab are not known yet: it is still being opened.";
        lines.extend(sentences(theme, Tone::Muted, words, width));
    }
    for (row, lesson) in model.lessons.all.iter().enumerate() {
        let kept = model
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
        let aside = match (kept.step, lacking(model, lesson)) {
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
        lines.push(match row == model.screen.row {
            true => chosen(&line, width),
            false => line,
        });
    }
    if let Some(lesson) = model.lessons.all.get(model.screen.row) {
        lines.push(Line::from(theme.say(Tone::Muted, "─".repeat(width))));
        lines.push(Line::from(
            theme.say(Tone::Accent, format!(" {}", lesson.title)),
        ));
        lines.extend(sentences(theme, Tone::Plain, &lesson.see, width));
        for (n, step) in lesson.steps.iter().enumerate() {
            let words = format!("   {} {}", n + 1, step.title);
            lines.push(Line::from(fit(vec![theme.say(Tone::Muted, words)], width)));
        }
        let enter = model.key_for(Scope::Lesson, Action::Enter);
        let words = format!("{enter} begins it. Nothing is broken before you say so twice.");
        lines.extend(sentences(theme, Tone::Mark, &words, width));
    }
    let title = vec![theme.say(Tone::Accent, "Lessons")];
    let done = model.lessons.all.iter().filter(|lesson| {
        let kept = model.lessons.kept.get(&lesson.key);
        kept.is_some_and(|kept| kept.done)
    });
    let words = format!(
        "{} of {} gone through",
        done.count(),
        model.lessons.all.len()
    );
    let aside = vec![theme.say(Tone::Muted, words)];
    panel(frame, theme, area, (title, aside), Keys::Here, lines);
    let height = usize::from(area.height.saturating_sub(2));
    Extent::new(model.lessons.all.len(), height)
}

/// Why this lab cannot have a lesson.
fn lacking(model: &Model, lesson: &flinklab_lab::Lesson) -> Option<String> {
    let lab = model.lab.as_ref()?;
    let mut keys = lesson.failures();
    keys.find_map(|key| lab.lacks_for(key)).map(str::to_owned)
}
