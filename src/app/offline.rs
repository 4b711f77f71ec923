//! Commands that follow nothing: they print what the program knows, or read files.

use super::print::{Printer, Style};
use super::{Environment, Preferences, labs, manual, report};
use crate::cli::{Cli, Command};
use clap::CommandFactory;
use flinklab_base::advice;
use flinklab_base::fault::{Fault, Kind};
use flinklab_lab::Lab;
use flinklab_world::World;

/// Commands that follow nothing have nothing to record.
pub(super) fn refuse_recording(cli: &Cli) -> Result<(), Fault> {
    let command = match &cli.command {
        Some(
            Command::Labs
            | Command::Runs
            | Command::Report { .. }
            | Command::Kubeconfig { .. }
            | Command::Failures
            | Command::Keys { .. }
            | Command::Man
            | Command::Completions { .. }
            | Command::KindConfig
            | Command::Lab(_)
            | Command::Replay(_),
        ) => cli.global.record.as_ref(),
        None
        | Some(
            Command::Up { .. }
            | Command::Status { .. }
            | Command::Break { .. }
            | Command::Doctor { .. }
            | Command::Stop
            | Command::Job(_)
            | Command::Lesson(_)
            | Command::Notes
            | Command::Bundle(_)
            | Command::Heal
            | Command::Try(_)
            | Command::Compare(_)
            | Command::Down { .. },
        ) => None,
    };
    match command {
        None => Ok(()),
        Some(_) => Err(Fault::wrong(
            "nothing-to-record",
            "This command follows nothing that could be recorded.",
        )
        .hint(advice!(
            "Leave --record away, or give it to `flinklab`, `up`, `status` or `break`."
        ))),
    }
}

/// Commands that need no Docker. None: it is another one.
pub(super) fn without_world(
    cli: &Cli,
    environment: &Environment,
    printer: &Printer,
) -> Result<Option<u8>, Fault> {
    match &cli.command {
        Some(Command::Failures) => {
            let lab = asked_or_recorded(cli, environment)?;
            match printer.style {
                Style::Json => report::failures(&lab)
                    .iter()
                    .for_each(|one| printer.object(one)),
                Style::Text => printer.text(&report::failures_text(&lab, &printer.called)),
            }
        }
        Some(Command::Keys { markdown }) => {
            let addresses = environment.addresses(&cli.global)?;
            let preferences = Preferences::read(&cli.global, environment, &addresses)?;
            printer.text(&report::keys(&preferences.keys, *markdown))
        }
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "flinklab", &mut script);
            printer.text(&String::from_utf8_lossy(&script));
        }
        Some(Command::Man) => {
            let page = manual::page().map_err(|error| {
                Fault::new(Kind::Bug, "no-man", "Cannot write the page.").why(error)
            })?;
            printer.text(&page);
        }
        Some(Command::KindConfig) => {
            let lab = asked_or_recorded(cli, environment)?;
            let addresses = environment.addresses(&cli.global)?;
            let shared = if cli.global.read_only {
                addresses.home.join(&cli.global.name).join("shared")
            } else {
                flinklab_world::shared_folder(&addresses, &cli.global.name)?
            };
            printer.text(&flinklab_lab::kind_config(&lab, &shared));
        }
        Some(Command::Lab(command)) => {
            let addresses = environment.addresses(&cli.global)?;
            return labs::definition(&addresses, command, printer).map(Some);
        }
        _ => return Ok(None),
    }
    Ok(Some(0))
}

/// The definition that `--lab` names, else the one that the instance was built from.
fn asked_or_recorded(cli: &Cli, environment: &Environment) -> Result<Lab, Fault> {
    let addresses = environment.addresses(&cli.global)?;
    if let Some(asked) = &cli.global.lab {
        return flinklab_world::manifests::open(&addresses, asked);
    }
    flinklab_world::definition(&World::new(addresses, cli.global.name.clone(), None, true))
}
