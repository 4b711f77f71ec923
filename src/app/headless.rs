//! A command without a screen: the effects to start with, a goal, and lines. The same loop as the
//! terminal's.

use super::break_goal::{self, Breaking, Manner};
use super::print::{Printer, Style};
use super::{
    Inbox, Next, Show, break_report, doctor_report, labs, live, questions, report, reports, status,
    turn,
};
use crate::cli::{BundleCommand, Command};
use crate::fault::{Fault, Kind};
use crate::model::{
    BundleOrder, DoctorOrder, DownOrder, Effect, Ended, Event, Glyphs, Happening, Model, RunEvent,
    StepState, UpOrder,
};
use crate::world::World;
use crate::world::recording::RECORDING_ENDED;
use std::sync::Arc;
use std::time::Duration;

/// How long the first full picture may take.
pub(super) const FIRST_PICTURE: Duration = Duration::from_secs(10);
/// How long a bundle may take: some gigabytes through a slow disk.
const BUNDLE: Duration = Duration::from_secs(3600);
/// How long `up` may take to say why it gave up.
const GIVES_UP: Duration = Duration::from_secs(30);
/// How often a waiting command looks at the clock.
const TICK: Duration = Duration::from_millis(250);

/// A command that needs the world.
pub(super) async fn command(
    world: Arc<World>,
    command: &Command,
    printer: &Printer,
) -> Result<u8, Fault> {
    match command {
        Command::Up { resume, timeout } => {
            let order = UpOrder {
                resume: *resume,
                fetch: questions::before_up(&world, printer)?,
                within: Some(*timeout),
            };
            // `up` itself gives up in time and says why; this is for one that cannot even do that.
            let limit = *timeout + GIVES_UP;
            let goal = Goal::Plan { limit };
            follow(world, vec![Effect::Up(order)], goal, printer).await
        }
        Command::Doctor { fix } => {
            let effects = vec![Effect::Doctor(DoctorOrder {
                fix: *fix,
                quick: false,
            })];
            follow(world, effects, Goal::Doctor, printer).await
        }
        Command::Down { purge } => {
            let adopted = questions::before_down(&world, *purge, printer).await?;
            let goal = Goal::Plan {
                limit: Duration::from_secs(600),
            };
            let effects = vec![Effect::Down(DownOrder {
                purge: *purge,
                adopted,
            })];
            follow(world, effects, goal, printer).await
        }
        Command::Stop => {
            let goal = Goal::Plan {
                limit: Duration::from_secs(300),
            };
            follow(world, vec![Effect::Stop], goal, printer).await
        }
        Command::Bundle(command) => {
            if world.read_only {
                return Err(read_only("bundle"));
            }
            let goal = Goal::Plan { limit: BUNDLE };
            let order = match command.clone() {
                BundleCommand::Create { file } => BundleOrder::Create { file },
                BundleCommand::Load { file, to } => BundleOrder::Load { file, folder: to },
            };
            follow(world, vec![Effect::Bundle(order)], goal, printer).await
        }
        Command::Labs => labs::list(&world.addresses, printer).await,
        Command::Status { watch } => {
            let goal = if *watch {
                Goal::Forever { last: None }
            } else {
                Goal::Picture
            };
            follow(world, vec![Effect::Open, Effect::Watch], goal, printer).await
        }
        Command::Break {
            key,
            target,
            lasts,
            times,
            dry_run,
            force,
        } => {
            if world.read_only && !dry_run {
                return Err(read_only("break"));
            }
            let manner = match (dry_run, force) {
                (true, _) => Manner::DryRun,
                (false, true) => Manner::Force,
                (false, false) => Manner::Ready,
            };
            let lab = crate::world::definition(&world)?;
            let lasts = break_goal::asked(&lab, key, *lasts, manner)?;
            let goal = Breaking::new(key, manner, target.clone(), lasts, *times);
            follow(world, goal.effects(), Goal::Break(goal), printer).await
        }
        Command::Heal => follow(world, vec![Effect::Heal], Goal::Heal, printer).await,
        Command::Runs => reports::runs(&world, printer),
        Command::Report { runs, format, out } => {
            reports::report(&world, runs, (*format, out.as_deref()), printer)
        }
        Command::Kubeconfig { path } => labs::kubeconfig(&world, *path, printer),
        Command::Failures
        | Command::Replay(_)
        | Command::Try(_)
        | Command::Compare(_)
        | Command::Man
        | Command::Keys { .. }
        | Command::Completions { .. }
        | Command::Lab(_)
        | Command::KindConfig => {
            unreachable!("answered elsewhere")
        }
    }
}

pub(super) fn read_only(command: &str) -> Fault {
    Fault::wrong(
        "read-only",
        format!("`{command}` writes, and --read-only was given."),
    )
    .mend("Leave --read-only away.")
}

/// Carries effects out until a goal is reached, and prints.
pub(super) async fn follow(
    world: Arc<World>,
    effects: Vec<Effect>,
    goal: Goal,
    printer: &Printer,
) -> Result<u8, Fault> {
    let writes = match effects.first() {
        Some(Effect::Up(_)) => Some("up"),
        Some(Effect::Down(_)) => Some("down"),
        Some(Effect::Stop) => Some("stop"),
        Some(Effect::Bundle(_)) => Some("bundle"),
        Some(Effect::Heal) => Some("heal"),
        _ => None,
    };
    if let Some(command) = writes.filter(|_| world.read_only) {
        return Err(read_only(command));
    }
    let mut model = Model {
        name: world.name.clone(),
        origin: world.origin,
        calm: world.refresh.calm,
        ..Model::default()
    };
    if printer.ascii {
        model.screen.looks.glyphs = Glyphs::Ascii;
    }
    let mut lines = Lines {
        goal,
        printer: printer.clone(),
        began: std::time::Instant::now(),
        outcome: None,
        told: live::Told::default(),
        block: live::Block::default(),
    };
    let ended = turn(world, &mut model, effects, Inbox::new(), &mut lines).await;
    let (outcome, besides) = with_recording(lines.outcome, ended, writes);
    if let Some(fault) = besides {
        printer.warning(&format!("{} {}", fault.what, fault.why));
    }
    outcome
}

/// What a command came to, and what is said besides: a recording that ended early makes a success
/// a failure, and is not hidden by another failure.
fn with_recording(
    outcome: Option<Result<u8, Fault>>,
    ended: Result<(), Fault>,
    writes: Option<&str>,
) -> (Result<u8, Fault>, Option<Fault>) {
    match (outcome, ended) {
        (None, ended) => (
            ended
                .map(|()| 0)
                .map_err(|fault| live::way_on(fault, writes)),
            None,
        ),
        (Some(Ok(0)), Err(fault)) if fault.code == RECORDING_ENDED => (Err(fault), None),
        (Some(outcome), Err(fault)) if fault.code == RECORDING_ENDED => (outcome, Some(fault)),
        (Some(outcome), _) => (outcome, None),
    }
}

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
    Break(Breaking),
}

/// Prints lines and knows the goal.
struct Lines {
    goal: Goal,
    printer: Printer,
    began: std::time::Instant,
    outcome: Option<Result<u8, Fault>>,
    /// What the lines so far said of each step.
    told: live::Told,
    /// The steps on a terminal.
    block: live::Block,
}

impl Goal {
    fn is_brief(&self) -> bool {
        matches!(self, Self::Break(breaking) if breaking.is_brief())
    }
}

impl Show for Lines {
    fn show(&mut self, model: &Model, batch: &[Happening]) -> Next {
        let mut failed = None;
        for happening in batch {
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
                Event::Run(event) if self.printer.style == Style::Text && !self.goal.is_brief() => {
                    if let Some(line) = break_report::live_line(event) {
                        self.printer.line(&line);
                    }
                    let undone = matches!(event, RunEvent::Undone { .. });
                    let waits = model.run.as_ref().filter(|_| undone);
                    if let Some(waits) = waits.and_then(|run| run.waits_for(model.now)) {
                        self.printer.line(&waits);
                    }
                }
                Event::Crashed(text) => {
                    self.outcome = Some(Err(Fault::new(
                        Kind::Bug,
                        "bug",
                        "A part of flinklab crashed.",
                    )
                    .why(text)
                    .mend("This is a bug of flinklab: please report it with flinklab.log.")));
                    return Next::Stop;
                }
                Event::NoLab { name } if !matches!(self.goal, Goal::Plan { .. }) => {
                    self.outcome = Some(Err(no_lab(name)));
                    return Next::Stop;
                }
                Event::Failed(fault) => {
                    // An undo that failed takes nothing from what was judged before.
                    if let Goal::Break(breaking) = &self.goal {
                        breaking.tell(model, &self.printer);
                    }
                    failed = Some(fault.clone());
                }
                _ => {}
            }
        }
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
            Goal::Doctor => Next::Go,
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
                        Style::Text => status::text(model),
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
        }
    }

    fn patience(&self, _model: &Model) -> Option<Duration> {
        Some(TICK)
    }
}

fn no_lab(name: &str) -> Fault {
    Fault::unable("no-lab", format!("There is no lab named `{name}`.")).mend(match name {
        "flinklab" => "Run `flinklab up` to build it.".to_owned(),
        other => format!("Run `flinklab up --name {other}` to build it."),
    })
}

fn print_status(model: &Model, printer: &Printer) -> Result<u8, Fault> {
    match printer.style {
        Style::Json => printer.object(&status::object(model)),
        Style::Text => printer.advice(&status::text(model)),
    }
    if status::saw_anything(model) {
        Ok(0)
    } else {
        Err(status::saw_nothing(model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_that_ended_early_is_told_and_makes_a_success_a_failure() {
        let ended = || Err(Fault::unable(RECORDING_ENDED, "It ends here."));
        let (outcome, besides) = with_recording(Some(Ok(0)), ended(), None);
        assert!(outcome.is_err() && besides.is_none());
        let (outcome, besides) = with_recording(Some(Ok(1)), ended(), None);
        assert_eq!(outcome.ok(), Some(1));
        assert!(besides.is_some());
        let (outcome, besides) =
            with_recording(Some(Ok(0)), Err(super::super::interrupted()), None);
        assert!(outcome.is_ok() && besides.is_none());
    }
}
