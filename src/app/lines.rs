//! What a command without a screen prints while it goes on, and when it has seen enough.

use super::break_goal::Breaking;
use super::lesson_goal::Auto;
use super::print::{Printer, Style};
use super::{Next, Show, break_report, doctor_report, jobs, live, notes, report, status};
use flinklab_base::advice;
use flinklab_base::clock::Instant;
use flinklab_base::fault::{Fault, Kind};
use flinklab_event::{EffectKind, Event, Happening, RunEvent, StepState};
use flinklab_model::{Ended, Model, Wait};
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

/// How long the first full picture may take.
pub(super) const FIRST_PICTURE: Duration = Duration::from_secs(10);
/// How often a waiting command looks at the clock.
const TICK: Duration = Duration::from_millis(250);

/// When enough was seen.
pub(super) enum Goal {
    /// A plan ended.
    Plan { limit: Duration },
    /// The first full picture, or as much of it as came in time.
    Picture,
    /// The doctor has looked.
    Doctor,
    /// A signal; remembers what was printed last.
    Forever { last: Option<String> },
    /// What was applied is taken back.
    Heal,
    /// A run, or several, were judged.
    Break(Box<Breaking>),
    /// Something was done with the job.
    Job { limit: Duration },
    /// A lesson came to its end.
    Lesson(Box<Auto>),
    /// The terminal that shows the lab is gone.
    Notes,
}

/// Prints lines and knows the goal.
pub(super) struct Lines {
    goal: Goal,
    printer: Printer,
    began: Instant,
    outcome: Option<Result<u8, Fault>>,
    /// What the lines so far said of each step.
    told: live::StepLines,
    /// The steps on a terminal.
    block: live::Block,
    /// Which wait of which run was told last: each is told once.
    waits: Option<(String, Discriminant<Wait>)>,
}

impl Lines {
    pub(super) fn new(goal: Goal, printer: &Printer) -> Self {
        Self {
            goal,
            printer: printer.clone(),
            began: Instant::now(),
            outcome: None,
            told: live::StepLines::default(),
            block: live::Block::default(),
            waits: None,
        }
    }

    /// What a run waits for, once that begins.
    fn tell_wait(&mut self, model: &Model) {
        let run = model.run().filter(|run| self.goal.watches(&run.order.run));
        let Some((run, wait)) = run.and_then(|run| Some((run, run.awaits(model.now)?))) else {
            return;
        };
        let now = (run.order.run.clone(), discriminant(&wait));
        if self.waits.as_ref() == Some(&now) {
            return;
        }
        match self.printer.style {
            Style::Json => {
                if let Some(object) = break_report::waiting(run, &wait) {
                    self.printer.object(&object);
                }
            }
            Style::Text => self.printer.line(&break_report::waiting_line(&wait)),
        }
        self.waits = Some(now);
    }

    /// What the command came to, if it came to anything.
    pub(super) fn outcome(self) -> Option<Result<u8, Fault>> {
        self.outcome
    }
}

impl Goal {
    /// Whether what happens to that run is told while it happens. Of another process's run, only that
    /// it begins or is broken off.
    fn tells(&self, event: &RunEvent) -> bool {
        match self {
            Self::Break(breaking) => breaking.tells(event),
            _ => true,
        }
    }

    /// Whether what that run waits for is told.
    fn watches(&self, run: &str) -> bool {
        match self {
            Self::Break(breaking) => breaking.watches(run),
            Self::Lesson(_) => true,
            _ => false,
        }
    }

    /// Whether it cannot be reached where this effect failed.
    fn needs(&self, effect: &EffectKind) -> bool {
        use EffectKind::{
            Bundle, Doctor, Down, Heal, Job, Jobs, Listen, Mend, Open, Stop, Up, Watch,
        };
        // Of an event that does not name its effect, the worst is thought.
        if *effect == EffectKind::Unknown {
            return true;
        }
        match self {
            Self::Plan { .. } => matches!(effect, Up | Stop | Bundle | Down),
            Self::Picture | Self::Forever { .. } => matches!(effect, Open | Watch),
            Self::Doctor => matches!(effect, Doctor),
            Self::Heal => matches!(effect, Heal),
            Self::Break(breaking) => {
                matches!(effect, Mend | Open | Watch) || breaking.is_order(effect)
            }
            Self::Job { .. } => matches!(effect, Job | Jobs | Open),
            Self::Lesson(lesson) => {
                matches!(effect, Mend | Open | Watch | Job | Jobs) || lesson.is_order(effect)
            }
            Self::Notes => matches!(effect, Listen),
        }
    }
}

impl Show for Lines {
    type Of = Model;

    fn show(&mut self, model: &Model, batch: &[Happening]) -> Next {
        let mut failed = None;
        for happening in batch {
            let needed = match &happening.event {
                Event::Failed { effect, .. } => self.goal.needs(effect),
                _ => false,
            };
            match &happening.event {
                Event::Step(change) if change.state != StepState::Waiting => {
                    match self.printer.style {
                        Style::Json => self.printer.object(&report::step(change)),
                        // A terminal has one block for all steps.
                        Style::Text if self.printer.live => {}
                        Style::Text => {
                            if let Some(line) = self.told.line(change) {
                                self.printer.line(&line);
                            }
                        }
                    }
                }
                Event::Examined {
                    findings, fixed, ..
                } => {
                    let seen = doctor_report::print(&self.printer, findings, fixed);
                    self.outcome = Some(seen);
                    return Next::Stop;
                }
                Event::Note(note) => notes::tell(note, &self.printer),
                Event::Silence => {
                    self.outcome = Some(Ok(0));
                    return Next::Stop;
                }
                Event::Job(told) if matches!(self.goal, Goal::Job { .. }) => {
                    if let Some(outcome) = jobs::told(told, &self.printer) {
                        self.outcome = Some(outcome);
                        return Next::Stop;
                    }
                }
                Event::Run(event)
                    if self.printer.style == Style::Text && self.goal.tells(event) =>
                {
                    if let Some(line) = break_report::live_line(&event.kind) {
                        self.printer.line(&line);
                    }
                }
                Event::Unrecorded(fault) => {
                    self.printer
                        .warning(&format!("{} ({})", fault.what, fault.why));
                }
                Event::Crashed(text) => {
                    self.outcome = Some(Err(Fault::new(
                        Kind::Bug,
                        "bug",
                        "A part of flinklab crashed.",
                    )
                    .why(text)
                    .hint("This is a bug of flinklab: please report it with flinklab.log.")));
                    return Next::Stop;
                }
                Event::NoLab { name } if !matches!(self.goal, Goal::Plan { .. }) => {
                    self.outcome = Some(Err(no_lab(name)));
                    return Next::Stop;
                }
                Event::Failed { effect, fault } => match &mut self.goal {
                    // The run goes on: what it broke is taken back before the command ends.
                    Goal::Break(breaking) if breaking.is_kept_by(effect) => {
                        breaking.not_kept(fault);
                    }
                    Goal::Lesson(auto) if needed && matches!(effect, EffectKind::Save { .. }) => {
                        auto.not_kept(fault);
                    }
                    // One step of it, with its hint.
                    Goal::Lesson(auto) if needed => auto.failed(fault, &self.printer),
                    goal if needed => {
                        // An undo that failed takes nothing from what was judged before.
                        if let Goal::Break(breaking) = goal {
                            breaking.tell(model, &self.printer);
                        }
                        failed = Some(fault.clone());
                    }
                    _ => {
                        let words = format!("{} {}", fault.what, fault.why);
                        self.printer.warning(words.trim_end());
                    }
                },
                _ => {}
            }
        }
        self.tell_wait(model);
        if matches!(self.goal, Goal::Plan { .. }) && self.printer.live {
            self.block.draw(&self.printer, model);
        }
        if let Some(fault) = failed {
            self.outcome = Some(Err(fault));
            return Next::Stop;
        }
        if let Some(Ended::Interrupted) = model.ended {
            return Next::Stop;
        }
        match &mut self.goal {
            Goal::Plan { limit } => live::over(
                model,
                &self.printer,
                self.began.elapsed(),
                *limit,
                &mut self.outcome,
            ),
            Goal::Doctor | Goal::Notes => Next::Go,
            Goal::Job { limit } if self.began.elapsed() > *limit => {
                self.outcome = Some(Err(too_late(*limit)));
                Next::Stop
            }
            Goal::Job { .. } => Next::Go,
            Goal::Picture => {
                if status::complete(model) || self.began.elapsed() > FIRST_PICTURE {
                    self.outcome = Some(print_status(model, &self.printer));
                    Next::Stop
                } else {
                    Next::Go
                }
            }
            Goal::Forever { last } => {
                if status::complete(model) || self.began.elapsed() > FIRST_PICTURE {
                    let text = match self.printer.style {
                        Style::Json => status::object(model).to_string(),
                        Style::Text => status::text(model, self.printer.ascii),
                    };
                    if last.as_ref() != Some(&text) {
                        self.printer.line(&text);
                        *last = Some(text);
                    }
                }
                Next::Go
            }
            Goal::Heal => match &model.healed {
                Some(undone) => {
                    match self.printer.style {
                        Style::Json => self.printer.object(&report::healed(undone)),
                        Style::Text => self.printer.text(&report::healed_text(undone)),
                    }
                    self.outcome = Some(Ok(0));
                    Next::Stop
                }
                None => Next::Go,
            },
            Goal::Break(breaking) => breaking.look(model, &self.printer, &mut self.outcome),
            Goal::Lesson(auto) => auto.look(model, &self.printer, &mut self.outcome),
        }
    }

    fn next_tick(&self, _model: &Model, last: Instant) -> Instant {
        last + TICK
    }
}

fn too_late(limit: Duration) -> Fault {
    let what = format!("It took longer than {} s.", limit.as_secs());
    Fault::unable("timeout", what).hint(advice!("`flinklab job list` shows how far it is."))
}

fn no_lab(name: &str) -> Fault {
    Fault::unable("no-lab", format!("There is no lab named `{name}`."))
        .hint(advice!("Run `flinklab up` to build it."))
}

fn print_status(model: &Model, printer: &Printer) -> Result<u8, Fault> {
    match printer.style {
        Style::Json => printer.object(&status::object(model)),
        Style::Text => printer.text(&status::text(model, printer.ascii)),
    }
    if status::saw_anything(model) {
        Ok(0)
    } else {
        Err(status::saw_nothing(model))
    }
}
