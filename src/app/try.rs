//! `try`: the same program against a simulated lab. Three servers on loopback and a throw-away
//! folder come into being, the command is told their addresses, and all of it is gone at the end.

use super::inbox::Interruptible;
use super::print::{Printer, Style};
use super::{Environment, Inbox, Next, Show, compare, questions, start, turn};
use crate::cli::{Cli, Command, LogLevel, Trying};
use clap::Parser;
use flinklab_base::clock::Instant;
use flinklab_base::fault::{Fault, Kind};
use flinklab_event::{Effect, Event, Happening, Origin, UpOrder};
use flinklab_lab::Lab;
use flinklab_model::Model;
use flinklab_sim::{Options, Sim};
use flinklab_world::temp_home::TempHome;
use flinklab_world::{World, manifests};
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How fast the lab comes into being before it is shown.
const HASTE: f64 = 20.0;
/// It is there within a second or two; a machine that needs longer than this cannot run it.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks whether it is there.
const LOOK: Duration = Duration::from_millis(250);

/// Runs a command against a simulated lab of its own.
pub(super) fn run(cli: &Cli, asked: &Trying, environment: &Environment) -> Result<u8, Fault> {
    let inner = match command(cli, asked) {
        Ok(inner) => inner,
        Err(error) => {
            // clap's own words, as for any command
            let code = u8::try_from(error.exit_code()).unwrap_or(Kind::Wrong.code());
            let _ = error.print();
            return Ok(code);
        }
    };
    if let Some(Command::Try(_) | Command::Replay(_)) = inner.command {
        return Err(Fault::wrong(
            "no-try",
            "That has nothing to do with a lab, simulated or not.",
        )
        .hint("Leave `try` away."));
    }
    let folder = TempHome::new(&environment.temporary)?;
    let runtime = Runtime::new()
        .map_err(|error| Fault::new(Kind::Bug, "no-runtime", "Cannot start.").why(error))?;
    let asked_lab = inner.global.lab.as_deref().unwrap_or("default");
    let lab = with_manifests(asked_lab, &inner, environment, &folder, &runtime)?;
    let seed = match asked.seed {
        Some(seed) => seed,
        None => getrandom::u64().unwrap_or(1),
    };
    let options = Options {
        seed,
        others: compare::labs_of(&inner)?,
        ..Options::new(lab)
    };
    let sim = runtime.block_on(Sim::start(options)).map_err(|error| {
        Fault::unable("no-simulation", "Cannot open a port on 127.0.0.1.").why(error)
    })?;
    let mut inner = inner;
    inner.global.home = Some(folder.path().to_owned());
    let environment = Environment {
        docker_host: Some(sim.docker_host()),
        docker_context: None,
        docker_config: None,
        proxies: Vec::new(),
        origin: Origin::Simulated,
        // the folder of the simulated lab is gone before anybody could read it there
        crashes: environment
            .addresses(&cli.global)
            .ok()
            .map(|addresses| addresses.home),
        ..environment.clone()
    };
    let printer = &Printer::new(&inner.global, &environment);
    if inner.command.is_some() && printer.style == Style::Text {
        printer.line("SIMULATED: no Docker, no cluster, and nothing of it stays.");
    }
    let code = if prepares(&inner) {
        sim.set_speed(HASTE);
        // Nobody listens between the loop that builds and the one that the command has.
        let mut signals = runtime.block_on(async { Interruptible::begin() });
        let ready = prepare(&inner, &environment, &runtime);
        sim.set_speed(asked.speed);
        let begins = ready.and_then(|()| match inner.command {
            Some(Command::Break { .. }) => runtime.block_on(signals.wait(sim.some_moment())),
            _ => signals.check(),
        });
        begins.and_then(|()| start(&inner, &environment, printer))
    } else {
        sim.set_speed(asked.speed);
        start(&inner, &environment, printer)
    };
    let _inside = runtime.enter();
    drop(sim);
    code
}

/// The lab with what it takes from elsewhere: what the person's own labs have fetched is as good
/// here, and what is fetched now goes with the folder.
fn with_manifests(
    asked: &str,
    inner: &Cli,
    environment: &Environment,
    folder: &TempHome,
    runtime: &Runtime,
) -> Result<Lab, Fault> {
    let own = environment.addresses(&inner.global)?;
    let mut thrown = own.clone();
    thrown.home = folder.path().to_owned();
    manifests::take_over(&own, &thrown, asked)?;
    let wanted = manifests::wanted_by(&thrown, asked)?;
    if questions::may_fetch(&wanted, &Printer::new(&inner.global, environment))? {
        runtime.block_on(manifests::fetch(&thrown, &wanted))?;
    }
    manifests::open(&thrown, asked)
}

/// The command behind `try`, with what was said before it.
fn command(cli: &Cli, asked: &Trying) -> Result<Cli, clap::Error> {
    let words = std::iter::once(OsString::from("flinklab")).chain(asked.command.iter().cloned());
    let mut inner = Cli::try_parse_from(words)?;
    let (outer, global) = (&cli.global, &mut inner.global);
    global.json |= outer.json;
    global.plain |= outer.plain;
    global.ascii |= outer.ascii;
    global.no_color |= outer.no_color;
    global.read_only |= outer.read_only;
    global.yes |= outer.yes;
    global.present |= outer.present;
    global.lab = global.lab.take().or_else(|| outer.lab.clone());
    global.theme = global.theme.take().or_else(|| outer.theme.clone());
    global.config = global.config.take().or_else(|| outer.config.clone());
    if global.log_level == LogLevel::Info {
        global.log_level = outer.log_level;
    }
    #[cfg(debug_assertions)]
    {
        global.panic_in = global.panic_in.or(outer.panic_in);
    }
    global.record = global.record.take().or_else(|| outer.record.clone());
    if global.name == "flinklab" {
        global.name.clone_from(&outer.name);
    }
    Ok(inner)
}

/// Whether the command finds a lab that is there already.
fn prepares(cli: &Cli) -> bool {
    !matches!(cli.command, Some(Command::Up { .. } | Command::Compare(_)))
}

/// Builds the lab before anybody looks.
fn prepare(cli: &Cli, environment: &Environment, runtime: &Runtime) -> Result<(), Fault> {
    let world = Arc::new(World {
        origin: Origin::Simulated,
        called: environment.called(&cli.global),
        ..World::new(
            environment.addresses(&cli.global)?,
            cli.global.name.clone(),
            cli.global.lab.clone(),
            false,
        )
    });
    let mut model = Model::default();
    let mut quiet = Quiet {
        began: Instant::now(),
        fault: None,
    };
    let effects = vec![Effect::Up(UpOrder::default())];
    runtime.block_on(turn(world, &mut model, effects, Inbox::new(), &mut quiet))?;
    quiet.fault.map_or(Ok(()), Err)
}

/// Shows nothing and waits for the end.
struct Quiet {
    began: Instant,
    fault: Option<Fault>,
}

impl Show for Quiet {
    type Of = Model;

    fn show(&mut self, model: &Model, batch: &[Happening]) -> Next {
        for happening in batch {
            match &happening.event {
                Event::Failed { fault, .. } => self.fault = Some(fault.clone()),
                Event::Crashed(text) => {
                    let what = "A part of flinklab crashed.";
                    self.fault = Some(Fault::new(Kind::Bug, "bug", what).why(text));
                }
                _ => {}
            }
        }
        if self.began.elapsed() > PATIENCE {
            let what = "The simulated lab did not come into being.";
            self.fault = Some(Fault::unable("no-simulation", what));
        }
        if self.fault.is_some() || model.plan.done.is_some() {
            Next::Stop
        } else {
            Next::Go
        }
    }

    fn next_tick(&self, _model: &Model, last: Instant) -> Instant {
        last + LOOK
    }
}
