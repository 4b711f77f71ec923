//! `lesson`: the list, one as text, or one that is run without a screen. In a terminal, one is gone
//! through beside the dashboard: that is `tui`'s.

use super::headless;
use super::lesson_goal::Auto;
use super::lines::Goal;
use super::print::{Printer, Style};
use crate::cli::Lessons;
use flinklab_base::advice;
use flinklab_base::advice::Invocation;
use flinklab_base::columns;
use flinklab_base::columns::wrap_words;
use flinklab_base::fault::Fault;
use flinklab_event::Kept;
use flinklab_lab::Lesson;
use flinklab_world::{World, lessons};
use serde_json::json;
use std::fmt::Write as _;
use std::sync::Arc;

/// How wide a lesson is told.
const WIDTH: usize = 96;

/// Runs the command where there is no terminal for it.
pub(super) async fn command(
    world: Arc<World>,
    asked: &Lessons,
    printer: &Printer,
) -> Result<u8, Fault> {
    let Some(name) = &asked.name else {
        return list(&world, printer);
    };
    let from = asked.from.unwrap_or(1);
    let lesson = lessons::meant_from(&world, name, from)?;
    let from = usize::from(from) - 1;
    if !asked.auto {
        match printer.style {
            Style::Json => printer.object(&json!({ "lesson": settled(lesson, &printer.called) })),
            Style::Text => printer.text(&told(&lesson, &printer.called)),
        }
        return Ok(0);
    }
    applicable(&world, &lesson).map_err(|why| {
        let what = format!("This lab cannot have the lesson `{}`.", lesson.key);
        Fault::wrong("not-applicable", what).why(why)
    })?;
    if world.read_only {
        return Err(headless::read_only("lesson --auto"));
    }
    let goal = Goal::Lesson(Box::new(Auto::new(lesson, from)));
    headless::follow(world, Auto::effects(), goal, printer).await
}

/// Why this lab cannot have a lesson, if it cannot.
fn applicable(world: &World, lesson: &Lesson) -> Result<(), String> {
    let lab = flinklab_world::definition(world).map_err(|fault| fault.to_string())?;
    let all = lab.all_failures();
    for key in lesson.failures() {
        let failure = all.iter().find(|failure| failure.key == key);
        if let Some(why) = failure.and_then(|failure| lab.missing_for(failure)) {
            return Err(format!("{key}: {why}"));
        }
    }
    Ok(())
}

fn list(world: &World, printer: &Printer) -> Result<u8, Fault> {
    let all = lessons::all(world)?;
    let kept = lessons::kept(world);
    let mut text = String::new();
    for lesson in &all {
        let Kept { step, done } = kept.get(&lesson.key).copied().unwrap_or_default();
        let lacks = applicable(world, lesson).err();
        match printer.style {
            Style::Json => printer.object(&json!({"lesson": {
                "key": lesson.key, "title": lesson.title, "see": lesson.see,
                "minutes": lesson.minutes, "steps": lesson.steps.len(), "step": step + 1,
                "done": done, "applicable": lacks.is_none(), "reason": lacks,
            }})),
            Style::Text => {
                let state = match (&lacks, done, step) {
                    (Some(why), ..) => format!("not in this lab: {why}"),
                    (None, _, 1..) => format!("goes on at step {}", step + 1),
                    (None, true, _) => "gone through".to_owned(),
                    (None, false, _) => format!("{} min", lesson.minutes),
                };
                let (key, title) = (
                    columns::left(&lesson.key, 18),
                    columns::left(&lesson.title, 46),
                );
                let _ = writeln!(text, "{key} {title} {state}");
            }
        }
    }
    if printer.style == Style::Text {
        text.push_str(&printer.called.advise(&advice!(
            "\n`flinklab lesson NAME` goes through one beside the live dashboard; with --auto it runs by \
             itself.\n"
        )));
        printer.text(&text);
    }
    Ok(0)
}

/// A lesson whose commands name the lab.
fn settled(mut lesson: Lesson, called: &Invocation) -> Lesson {
    for step in &mut lesson.steps {
        step.text = called.settled(&step.text);
        step.hint = called.settled(&step.hint);
    }
    lesson
}

/// A lesson to read.
fn told(lesson: &Lesson, called: &Invocation) -> String {
    let mut text = format!("{}: {}\n", lesson.key, lesson.title);
    let mut say = |words: &str, margin: &str| {
        for line in wrap_words(words, WIDTH - margin.len()) {
            let _ = writeln!(text, "{margin}{line}");
        }
    };
    say(&lesson.see, "");
    for (n, step) in lesson.steps.iter().enumerate() {
        say(&format!("{}. {}", n + 1, step.title), "");
        say(&called.advise(&step.text), "   ");
        if let Some(key) = &step.breaks {
            say(
                &format!("Do: {}", called.command(&format!("break {key}"))),
                "   ",
            );
        }
        if let Some(deed) = step.job {
            let act = flinklab_model::act(deed);
            say(
                &format!("Do: {}", called.command(&format!("job {act}"))),
                "   ",
            );
        }
        if !step.watch.is_empty() {
            say(&format!("Watch: {}", step.watch), "   ");
        }
    }
    text
}
