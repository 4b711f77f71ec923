//! What can be broken. A digit aims and shows the truth: what would be hit, with which command,
//! whether the lab is ready for it, and what should be seen. The same digit fires.

use crate::paint::{Keys, Spans, fit, panel, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::{paint, words};
use flinklab_lab::failure::{Failure, Hits, Leadership, Restore, Verdict};
use flinklab_model::{Aim, Extent, FAILURES_A_PAGE, Model};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the page.
pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
    let width = usize::from(area.width.saturating_sub(2));
    let height = usize::from(area.height.saturating_sub(2));
    let rule = || Line::from(theme.say(Tone::Muted, "─".repeat(width)));
    let mut lines = Vec::new();
    match &model.screen.aim {
        _ if model.failures.is_empty() => {
            let words = "The failures of this lab are not known yet: it is still being opened.";
            lines.extend(sentences(theme, Tone::Muted, words, width));
        }
        None => {
            let mut list = list(model, theme, width);
            // on the smallest screen the rows above give way to the chosen one
            let chosen = 1 + model.screen.row % FAILURES_A_PAGE;
            list.drain(1..(chosen + 2).saturating_sub(height).max(1));
            lines.extend(list);
            lines.push(rule());
            lines.extend(story(model, theme, width));
        }
        Some(aim) => {
            let mut truth = truth(model, theme, aim, width);
            let list = list(model, theme, width);
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
    let aside = match model.screen.armed_for(model.now) {
        Some(left) => {
            let words = format!(
                "ARMED: a digit fires at once · {} left",
                words::age(left.as_secs_f64())
            );
            vec![theme.say(Tone::Mark, words)]
        }
        None => vec![theme.say(Tone::Muted, "a digit aims, the same digit fires")],
    };
    panel(frame, theme, area, (title, aside), Keys::Here, lines);
    Extent::new(model.failures.len(), FAILURES_A_PAGE)
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

fn list(model: &Model, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let (key, target) = if width < 76 { (14, 17) } else { (22, 26) };
    let head = format!(
        "   {:<key$}{:<target$}{}",
        "FAILURE", "HITS", "YOU SHOULD SEE"
    );
    let mut lines = vec![Line::from(theme.say(Tone::Muted, words::cut(&head, width)))];
    let page = model.screen.row / FAILURES_A_PAGE;
    let shown = model
        .failures
        .iter()
        .enumerate()
        .skip(page * FAILURES_A_PAGE)
        .take(FAILURES_A_PAGE);
    for (row, failure) in shown {
        let chosen = row == model.screen.row;
        let line = Line::from(fit(
            vec![
                theme.say(Tone::Accent, format!(" {} ", row % FAILURES_A_PAGE + 1)),
                theme.say(
                    Tone::Plain,
                    words::left(&words::cut(&failure.key, key - 1), key),
                ),
                theme.say(
                    Tone::Muted,
                    words::left(&words::cut(&hits(model, failure), target - 1), target),
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
    let more = model.failures.len().saturating_sub(FAILURES_A_PAGE);
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
fn hits(model: &Model, failure: &Failure) -> String {
    let lab = model.lab.as_ref();
    if lab.is_some_and(|lab| lab.lacks_for(&failure.key).is_some()) {
        return "not in this lab".to_owned();
    }
    let Ok(target) = model.aim(failure).target else {
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
fn story(model: &Model, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let Some(failure) = model.failures.get(model.screen.row) else {
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
fn truth(model: &Model, theme: &Theme, aim: &Aim, width: usize) -> Vec<Line<'static>> {
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
            for command in model.commands(&aim.failure, target) {
                lines.extend(fact(theme, Tone::Plain, "does", &command, width));
            }
        }
    }
    if aim.against.is_empty() {
        let newest = model.newest_completed().map_or_else(
            || "nothing speaks against it".to_owned(),
            |(id, since)| {
                let age = since.map_or_else(String::new, |at| {
                    format!(", {} old", words::age_at(model.now, at))
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
        &expectation(model, &aim.failure),
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
fn expectation(model: &Model, failure: &Failure) -> String {
    let leadership = match failure.expect.leadership {
        Leadership::NewEpoch => "a new epoch",
        Leadership::Stays => "the same epoch",
        Leadership::MayMove => "the same epoch or one new one",
    };
    let restore = match (failure.expect.restore, model.newest_completed()) {
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
