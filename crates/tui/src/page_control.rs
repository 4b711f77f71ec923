//! What can be done with the job: savepoint, stop, cancel, resume, start anew. Asked for, each says
//! what it costs; done, it shows Flink's HA data before and after beside each other.

use crate::paint::{Keys, Spans, chosen, fault, fit, panel, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::words;
use flinklab_base::units;
use flinklab_event::{HaData, JobAct, JobDone, JobOrder, JobsSeen, StartKind};
use flinklab_model::Model;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Starts that are listed: older ones are reached by their key.
const STARTS: usize = 4;

/// Draws the page.
pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) {
    let width = usize::from(area.width.saturating_sub(2));
    let rule = || Line::from(theme.say(Tone::Muted, "─".repeat(width)));
    let mut lines = acts(model, theme, width);
    lines.push(rule());
    match (&model.jobs.seen, &model.screen.wanted) {
        (Some((_, seen)), Some(order)) => {
            lines.extend(cost(model, theme, seen, order, width));
        }
        (seen, _) => {
            let told = told(model, theme, width);
            let quiet = told.is_empty();
            lines.extend(told);
            match seen {
                Some((_, seen)) if quiet => {
                    lines.extend(ha(theme, "HA DATA NOW", &seen.ha, width));
                    lines.extend(starts(model, theme, seen, width));
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
        (title, aside(model, theme)),
        Keys::Here,
        lines,
    );
}

fn aside(model: &Model, theme: &Theme) -> Spans {
    let Some((at, seen)) = &model.jobs.seen else {
        return Vec::new();
    };
    let job = units::short(seen.current.as_deref().unwrap_or("none"), units::JOB);
    let state = match (&seen.silent, seen.state()) {
        (Some(_), _) => "state not known",
        (None, Some(state)) => state,
        (None, None) => "not known to Flink",
    };
    let age = words::age_at(model.now, *at);
    vec![theme.say(Tone::Muted, format!("job {job} {state}, seen {age} ago"))]
}

fn acts(model: &Model, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let rows = JobAct::ALL.iter().enumerate().map(|(row, act)| {
        let against = model
            .jobs
            .seen
            .as_ref()
            .and_then(|(_, seen)| seen.against(*act));
        let tone = if against.is_some() {
            Tone::Muted
        } else {
            Tone::Plain
        };
        let key = model.key_for(
            flinklab_model::Scope::Control,
            flinklab_model::Action::Job(*act),
        );
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
        match row == model.screen.row {
            true => chosen(&line, width),
            false => line,
        }
    });
    rows.collect()
}

/// What it costs, what there is now, and how it is done.
fn cost(
    model: &Model,
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
    for words in seen.costs(order, model.now) {
        let tone = match words.starts_with("Lost: ") && !words.starts_with("Lost: no") {
            true => Tone::Warn,
            false => Tone::Plain,
        };
        lines.extend(sentences(theme, tone, &words, width));
    }
    let again = model.key_for(
        flinklab_model::Scope::Control,
        flinklab_model::Action::Job(order.act),
    );
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
        JobAct::Resume => lines.extend(starts(model, theme, seen, width)),
        _ => lines.extend(ha(theme, "HA DATA NOW", &seen.ha, width)),
    }
    lines
}

/// What goes on, or what came of the last order.
fn told(model: &Model, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    if let Some((since, order, now)) = &model.jobs.going {
        let age = words::age_at(model.now, *since);
        let head = format!(" {} {} goes on, {age}", sign::NOW, order.act);
        let mut lines = vec![Line::from(theme.say(Tone::Busy, head))];
        lines.extend(sentences(theme, Tone::Plain, now, width));
        return lines;
    }
    match &model.jobs.ended {
        None => Vec::new(),
        Some((_, Err(trouble))) => fault(theme, trouble, &model.flinklab(), width),
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

fn starts(model: &Model, theme: &Theme, seen: &JobsSeen, width: usize) -> Vec<Line<'static>> {
    if seen.starts.is_empty() {
        let words = "Nothing is kept that a new job could start from.";
        return sentences(theme, Tone::Muted, words, width);
    }
    let count = seen.starts.len();
    let head = format!("   A NEW JOB CAN START FROM, {count} IN ALL");
    let mut lines = vec![Line::from(theme.say(Tone::Muted, head))];
    let skip = model.screen.start.saturating_sub(STARTS - 1);
    let shown = seen.starts.iter().enumerate().skip(skip).take(STARTS);
    for (at, start) in shown {
        let kind = match start.kind {
            StartKind::Savepoint => "savepoint",
            StartKind::Checkpoint => "checkpoint",
        };
        let age = words::age_at(model.now, start.at);
        let sign = if at == model.screen.start {
            sign::NOW
        } else {
            " "
        };
        let words = format!(
            " {sign} {kind:<11}{:<32} of job {}, {age} old",
            start.name(),
            units::short(&start.job, units::JOB)
        );
        let tone = if at == model.screen.start {
            Tone::Accent
        } else {
            Tone::Plain
        };
        lines.push(Line::from(fit(vec![theme.say(tone, words)], width)));
    }
    lines
}
