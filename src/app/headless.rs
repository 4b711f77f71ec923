//! A command without a screen: the effects to start with, a goal, and lines. The same loop as the
//! terminal's.

use super::break_goal::{self, Breaking, Manner};
use super::lines::{Goal, Lines};
use super::print::Printer;
use super::{Inbox, jobs, labs, lessons, live, questions, reports, turn};
use crate::cli::{BundleCommand, Command};
use flinklab_base::fault::Fault;
use flinklab_event::{BundleOrder, DoctorOrder, DownOrder, Effect, UpOrder};
use flinklab_model::Model;
use flinklab_world::World;
use flinklab_world::recording::RECORDING_ENDED;
use std::sync::Arc;
use std::time::Duration;

/// How long a bundle may take: some gigabytes through a slow disk.
const BUNDLE: Duration = Duration::from_secs(3600);
/// How long `up` may take, beside the first checkpoint.
pub(super) const UP: Duration = Duration::from_secs(900);
/// How long `up` may take to say why it gave up.
const GIVES_UP: Duration = Duration::from_secs(30);

/// A command that needs the world.
pub(super) async fn command(
    world: Arc<World>,
    command: &Command,
    printer: &Printer,
) -> Result<u8, Fault> {
    match command {
        Command::Up { resume, timeout } => {
            let timeout = timeout.unwrap_or_else(|| usual_up(&world));
            let order = UpOrder {
                resume: *resume,
                fetch: questions::before_up(&world, printer)?,
                within: Some(timeout),
            };
            // `up` itself gives up in time and says why; this is for one that cannot even do that.
            let limit = timeout + GIVES_UP;
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
        Command::Notes => follow(world, vec![Effect::Listen], Goal::Notes, printer).await,
        Command::Lesson(asked) => lessons::command(world, asked, printer).await,
        Command::Job(command) => jobs::command(world, command, printer).await,
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
            let lab = flinklab_world::definition(&world)?;
            let lasts = break_goal::asked(&lab, key, *lasts, manner)?;
            let goal = Breaking::new(key, manner, target.clone(), lasts, *times);
            follow(world, goal.effects(), Goal::Break(Box::new(goal)), printer).await
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

/// How long `up` may take where nobody says: the first checkpoint comes when the lab's interval says.
fn usual_up(world: &World) -> Duration {
    let lab = flinklab_world::definition(world).ok();
    let checkpointing = lab.and_then(|lab| lab.checkpointing());
    let every = checkpointing.and_then(|it| it.every()).unwrap_or_default();
    UP + every.unsigned_abs()
}

pub(super) fn read_only(command: &str) -> Fault {
    Fault::wrong(
        "read-only",
        format!("`{command}` writes, and --read-only was given."),
    )
    .hint("Leave --read-only away.")
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
        called: world.called.clone(),
        origin: world.origin,
        calm: world.refresh.calm,
        ..Model::default()
    };
    let mut lines = Lines::new(goal, printer);
    let ended = turn(world, &mut model, effects, Inbox::new(), &mut lines).await;
    let (outcome, besides) = with_recording(lines.outcome(), ended, writes);
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
