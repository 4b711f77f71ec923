//! What a room sees: a large figure, a few facts, one idea in a sentence, and which keys were pressed.
//! On white by default, as most rooms are bright; without ids and stamps. 80x24 is the size it is
//! made for.

mod facts;

use crate::Ui;
use crate::pages::lesson as page;
use crate::paint::{fit, sides};
use crate::theme::{Theme, Tone, sign};
use crate::{Panel, Present, since_sent};
use crate::{digits, words};
use flinklab_event::{Comeback, Origin, RunResult};
use flinklab_model::{Asked, Is, LessonRun};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};

/// Where the facts begin.
const FACTS: usize = 42;

/// Draws the whole screen.
pub(super) fn draw(ui: &Ui, theme: &Theme, present: &Present, frame: &mut Frame) {
    let area = frame.area();
    let theme = &theme.for_room(present.dark);
    if let Some(paper) = theme.paper(present.dark) {
        frame.buffer_mut().set_style(area, paper);
    }
    if present.blank {
        return;
    }
    let width = usize::from(area.width);
    let at = |row: u16| Rect {
        y: area.y + row,
        height: 1,
        ..area
    };
    frame.render_widget(head(ui, theme, width), at(0));
    let mut row = 2;
    let title = title(ui);
    let title = Line::from(fit(
        vec![theme.say(Tone::Mark, format!("  {title}"))],
        width,
    ));
    frame.render_widget(title, at(row));
    row += 2;
    let side = side_by_side(ui);
    let middle = if side.is_empty() {
        figure_and_facts(ui, theme, width)
    } else {
        compared(theme, &side, width)
    };
    for line in middle {
        if row + 3 >= area.height {
            break;
        }
        frame.render_widget(line, at(row));
        row += 1;
    }
    row += 1;
    let room = area.height.saturating_sub(row + 2);
    for line in idea(ui, theme, width, usize::from(room)) {
        frame.render_widget(line, at(row));
        row += 1;
    }
    frame.render_widget(foot(ui, theme, present, width), at(area.height - 1));
}

/// Which lesson and step; never without what it is of.
fn head(ui: &Ui, theme: &Theme, width: usize) -> Line<'static> {
    let left = match &ui.pages.lesson.run {
        Some(lesson_run) => format!("  {}", lesson_run.lesson.title),
        None => "  Flink high availability".to_owned(),
    };
    let origin = match ui
        .model
        .lab
        .as_ref()
        .map_or(ui.model.origin, |lab| lab.origin)
    {
        Origin::Real => "",
        Origin::Simulated => "SIMULATED  ",
        Origin::Recorded => "RECORDED  ",
    };
    let step = ui
        .pages
        .lesson
        .run
        .as_ref()
        .map_or_else(String::new, |lesson_run| {
            format!(
                "step {} of {}  ",
                lesson_run.step + 1,
                lesson_run.lesson.steps.len()
            )
        });
    let right = vec![theme.say(Tone::Mark, origin), theme.say(Tone::Muted, step)];
    sides(vec![theme.say(Tone::Muted, left)], right, width)
}

fn title(ui: &Ui) -> String {
    let lesson_run = ui.pages.lesson.run.as_ref();
    let step = lesson_run.and_then(LessonRun::now);
    let of_run = ui
        .model
        .run()
        .map(|run| run.order.failure.title.to_string());
    step.map(|step| step.title.clone())
        .or(of_run)
        .unwrap_or_else(|| "The lab".to_owned())
}

/// The run that the room waits for or has just seen.
fn result(ui: &Ui) -> Option<&RunResult> {
    match &ui.pages.lesson.run {
        Some(lesson_run) => lesson_run.run(&ui.model),
        None => ui.model.finished.last(),
    }
}

/// The one number, and what it counts.
fn figure(ui: &Ui) -> (String, String) {
    if let Some(sent) = since_sent(ui) {
        let seconds = words::since(ui.model.now, sent).floor();
        return (format!("{seconds:.0}"), "seconds since it broke".to_owned());
    }
    if let Some(run) = result(ui) {
        let (number, caption) = match run.comeback() {
            Comeback::After(ms) => (
                format!("{:.1}", ms as f64 / 1e3),
                "seconds until all tasks ran",
            ),
            Comeback::NeverStopped => ("0".to_owned(), "seconds: the job never stopped"),
            Comeback::NotSeen => ("-".to_owned(), "no recovery was seen"),
        };
        return (number, caption.to_owned());
    }
    match ui.pages.dashboard.focus {
        Panel::Leader => match (
            ui.model.cluster.lock(),
            ui.model.cluster.lease_age(ui.model.now),
        ) {
            (Some(lock), Some(age)) => {
                let left = (lock.seconds - age).max(0.0).ceil();
                (format!("{left:.0}"), "seconds of the lease left".to_owned())
            }
            _ => ("-".to_owned(), "the lease is not seen".to_owned()),
        },
        Panel::Checkpoints => match ui.model.job.newest() {
            Some(row) => (row.id.to_string(), "newest checkpoint".to_owned()),
            None => ("-".to_owned(), "no checkpoint yet".to_owned()),
        },
        Panel::Pods | Panel::Run | Panel::Log => {
            let ours = ui.model.lab.as_ref().and_then(|lab| lab.job.as_deref());
            match ui.model.job.row(ours) {
                Some(row) => (
                    format!("{}/{}", row.tasks.running, row.tasks.total),
                    "tasks run".to_owned(),
                ),
                None => ("-".to_owned(), "the job is not seen".to_owned()),
            }
        }
    }
}

fn figure_and_facts(ui: &Ui, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let (number, caption) = figure(ui);
    let mut large = digits::rows(&number);
    large.push(String::new());
    let tone = match result(ui) {
        Some(_) if ui.model.run().is_none() => Tone::Ok,
        _ => Tone::Accent,
    };
    let mut left: Vec<Span<'static>> = large
        .into_iter()
        .map(|row| theme.say(tone, format!("     {row}")))
        .collect();
    left.push(theme.say(Tone::Plain, format!("     {caption}")));
    let facts = facts::facts(ui, theme);
    let rows = left.into_iter().enumerate().map(|(n, figure)| {
        let wide = FACTS.min(width);
        let mut spans = fit(vec![figure], wide);
        let used: usize = spans.iter().map(Span::width).sum();
        spans.push(Span::raw(" ".repeat(wide.saturating_sub(used))));
        spans.extend(facts.get(n).cloned().unwrap_or_default());
        Line::from(fit(spans, width))
    });
    rows.collect()
}

/// Failures whose runs the step lays side by side.
fn side_by_side(ui: &Ui) -> Vec<(String, String, String)> {
    let step = ui.pages.lesson.run.as_ref().and_then(LessonRun::now);
    step.map_or_else(Vec::new, |step| page::side_by_side(ui, step))
}

fn compared(theme: &Theme, side: &[(String, String, String)], width: usize) -> Vec<Line<'static>> {
    let each = (width.saturating_sub(4) / side.len().max(1)).max(8);
    let column = |text: &str| {
        let text = words::cut(text, each.saturating_sub(1));
        let pad = each.saturating_sub(words::columns(&text));
        format!("{text}{}", " ".repeat(pad))
    };
    let line = |tone: Tone, cells: Vec<String>| {
        let text: String = cells.iter().map(|cell| column(cell)).collect();
        Line::from(theme.say(tone, format!("    {text}")))
    };
    let large: Vec<Vec<String>> = side
        .iter()
        .map(|(_, took, _)| match took.strip_suffix('s') {
            Some(seconds) => digits::rows(seconds),
            None => digits::rows("-"),
        })
        .collect();
    let mut lines = vec![line(
        Tone::Accent,
        side.iter().map(|(name, ..)| name.clone()).collect(),
    )];
    lines.push(Line::default());
    for row in 0..digits::ROWS {
        lines.push(line(
            Tone::Ok,
            large.iter().map(|rows| rows[row].clone()).collect(),
        ));
    }
    lines.push(Line::default());
    let captions = side
        .iter()
        .map(|(_, took, verdict)| match took.strip_suffix('s') {
            Some(_) => format!("seconds, {verdict}"),
            None => took.clone(),
        });
    lines.push(line(Tone::Plain, captions.collect()));
    lines
}

/// The one idea of this moment, in a few sentences.
fn idea(ui: &Ui, theme: &Theme, width: usize, room: usize) -> Vec<Line<'static>> {
    let wide = width.saturating_sub(6);
    let wrapped = |tone: Tone, text: &str| {
        let lines = words::wrap(text, wide).into_iter();
        let lines = lines.map(|line| Line::from(theme.say(tone, format!("  {line}"))));
        lines.collect::<Vec<_>>()
    };
    let Some(lesson_run) = &ui.pages.lesson.run else {
        return wrapped(
            Tone::Plain,
            "Two JobManagers, one leader, one job. What if one of them goes?",
        );
    };
    let Some(step) = lesson_run.now() else {
        return Vec::new();
    };
    let mut lines = match (&lesson_run.asked, lesson_run.is) {
        (Some(Asked::Break(aim)), _) => {
            let what = match &aim.target {
                Ok(target) => match &target.object {
                    Some(object) => object.clone(),
                    None => words::tag(Some(target.role), &target.pod),
                },
                Err(why) => why.clone(),
            };
            wrapped(
                Tone::Mark,
                &format!("Now: {}. It hits {what}.", aim.failure.title),
            )
        }
        (Some(Asked::Job(order)), _) => {
            let mut lines = wrapped(Tone::Mark, &format!("Now: {}.", order.act.title()));
            if let Some((_, seen)) = &ui.model.jobs.seen {
                let costs = seen.costs(order, ui.model.now);
                lines.extend(costs.iter().flat_map(|words| wrapped(Tone::Plain, words)));
            }
            lines
        }
        (None, Is::Misses) => {
            let mut lines = wrapped(
                Tone::Warn,
                &format!("{} {}", sign::WARN, ui.model.flinklab().advise(&step.hint)),
            );
            if let Some(why) = &lesson_run.refused {
                lines.extend(wrapped(Tone::Plain, why));
            }
            lines
        }
        (None, Is::Waits) if !lesson_run.is_to_do() && lesson_run.acted.is_some() => {
            wrapped(Tone::Plain, &step.watch)
        }
        (None, Is::Holds) if lesson_run.acted.is_some() => {
            let seen = lesson_run.told.iter();
            seen.flat_map(|told| {
                let (tone, mark) = page::mark(told, lesson_run.is);
                wrapped(tone, &format!("{mark} {}", told.what))
            })
            .collect()
        }
        (None, _) => wrapped(Tone::Plain, &ui.model.flinklab().advise(&step.text)),
    };
    if lines.len() > room {
        // nothing is cut without a sign
        lines.truncate(room);
        if let Some(last) = lines.last_mut() {
            let text = words::cut(&format!("{last} …"), wide);
            *last = Line::from(theme.say(Tone::Plain, text));
        }
    }
    lines
}

/// The next key, and those that were pressed.
fn foot(ui: &Ui, theme: &Theme, present: &Present, width: usize) -> Line<'static> {
    let left = match ui.screen.notice(ui.model.now) {
        Some(notice) => vec![theme.say(Tone::Mark, format!("  {notice}"))],
        None => vec![theme.say(Tone::Accent, format!("  {}", ui.press()))],
    };
    let keys: Vec<&str> = present.keys.iter().map(String::as_str).collect();
    let right = if keys.is_empty() {
        Vec::new()
    } else {
        vec![theme.say(Tone::Muted, format!("keys pressed: {}  ", keys.join(" ")))]
    };
    sides(left, right, width)
}

impl Theme {
    /// White with dark letters, or what a dark room needs.
    fn for_room(&self, dark: bool) -> Self {
        if !self.has_many() {
            return self.clone();
        }
        self.named(if dark {
            crate::ThemeName::Contrast
        } else {
            crate::ThemeName::Light
        })
    }

    /// The paper under it. The one place that sets a background: the room's light is known, the
    /// terminal's is not. Without colours it stays the terminal's.
    fn paper(&self, dark: bool) -> Option<Style> {
        let (ink, paper) = if dark {
            (Color::Indexed(231), Color::Indexed(16))
        } else {
            (Color::Indexed(16), Color::Indexed(231))
        };
        self.has_many().then(|| Style::new().fg(ink).bg(paper))
    }
}
