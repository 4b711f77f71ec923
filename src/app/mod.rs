//! The loop: events in, one update each, effects out, one picture at the most a frame. The
//! terminal and the headless commands are two printers behind it; nothing else differs.

mod break_goal;
mod break_report;
mod compare;
mod crash;
mod doctor_report;
mod environment;
mod headless;
mod inbox;
mod jobs;
mod labs;
mod lesson_goal;
mod lessons;
mod lines;
mod live;
mod logging;
mod manual;
mod notes;
mod offline;
mod preferences;
mod print;
mod questions;
mod record;
mod replay;
mod report;
mod reports;
mod show;
mod stage;
mod status;
mod story;
mod terminal;
mod r#try;
mod tui;

pub use environment::Environment;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use inbox::{BATCH, Inbox, interrupted, now, signals};
use preferences::Preferences;
use show::{Next, Show, State};

use crate::cli::{Cli, Command, Global};
use clap::Parser;
use flinklab_base::fault::{Fault, Kind};
use flinklab_event::{Effect, Event};
use flinklab_model::{Clocks, Elsewhere, Ended};
use flinklab_world::World;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

/// How long cancelled tasks may take to clean up before the program ends without them.
const FAREWELL: Duration = Duration::from_secs(5);

/// Runs one command to its end; the number is the exit code.
#[must_use]
pub fn run(cli: &Cli, environment: &Environment) -> u8 {
    let printer = print::Printer::new(&cli.global, environment);
    // A panic of the loop unwinds to here, and gives the terminal back on its way.
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| start(cli, environment, &printer)));
    for crash in crash::untold() {
        printer.crash(&crash);
    }
    match outcome.unwrap_or_else(|payload| Err(bug(&crash::message(payload.as_ref())))) {
        Ok(code) => code,
        Err(fault) => {
            printer.fault(&fault);
            fault.kind.code()
        }
    }
}

fn no_clock(why: String) -> Fault {
    Fault::wrong("clock-wrong", "FLINKLAB_CLOCK cannot be read.")
        .why(why)
        .hint("Unset it: it is there for flinklab's own tests.")
}

/// What is said of a panic.
fn bug(why: &str) -> Fault {
    Fault::new(
        Kind::Bug,
        "bug",
        "flinklab crashed; this is a bug of flinklab.",
    )
    .why(why)
    .hint("Nothing in the lab was removed: run the command again. Please report the text above.")
}

fn start(cli: &Cli, environment: &Environment, printer: &print::Printer) -> Result<u8, Fault> {
    if let Some(text) = &environment.clock {
        clock::set(text.parse().map_err(no_clock)?);
    }
    offline::refuse_recording(cli)?;
    if let Some(code) = offline::without_world(cli, environment, printer)? {
        return Ok(code);
    }
    if let Some(Command::Try(asked)) = &cli.command {
        return r#try::run(cli, asked, environment);
    }
    if let Some(Command::Compare(asked)) = &cli.command {
        return compare::run(cli, asked, environment, printer);
    }
    // one recording for all that is seen here, whatever else is looked at between
    let mut record_since = None;
    loop {
        let world = world(cli, environment, record_since)?;
        let before = clock::now();
        let (code, elsewhere) = with_world(cli, world, environment, printer)?;
        record_since.get_or_insert(before);
        let visit = match elsewhere {
            None => return Ok(code),
            Some(Elsewhere::Demo) => ["flinklab", "replay", "--demo"].as_slice(),
            Some(Elsewhere::Try) => ["flinklab", "try"].as_slice(),
        };
        // what was said about looks and lab holds there, too; then back to the welcome page
        let mut visit = Cli::parse_from(visit);
        visit.global = Global {
            record: None,
            ..cli.global.clone()
        };
        start(&visit, environment, printer)?;
    }
}

/// Everything that a command is carried out with.
fn world(
    cli: &Cli,
    environment: &Environment,
    record_since: Option<jiff::Timestamp>,
) -> Result<(Arc<World>, Preferences), Fault> {
    let addresses = environment.addresses(&cli.global)?;
    let private = environment.private(&addresses, cli.global.lab.as_deref());
    let preferences = Preferences::read(&cli.global, environment, &addresses)?;
    let world = World {
        refresh: preferences.refresh,
        record: cli.global.record.clone(),
        record_since,
        private,
        origin: environment.origin,
        called: environment.called(&cli.global),
        ..World::new(
            addresses,
            cli.global.name.clone(),
            cli.global.lab.clone(),
            cli.global.read_only,
        )
    };
    Ok((Arc::new(world), preferences))
}

/// One command with its world; where the person wants to look instead, if anywhere.
fn with_world(
    cli: &Cli,
    (world, preferences): (Arc<World>, Preferences),
    environment: &Environment,
    printer: &print::Printer,
) -> Result<(u8, Option<Elsewhere>), Fault> {
    let mut kept = world.addresses.clone();
    if let Some(home) = &environment.crashes {
        kept.home.clone_from(home);
    }
    crash::watch(kept, world.name.clone());
    let left = world.clone();
    logging::start(&world, cli.global.log_level);
    let runtime = runtime()?;
    let screen = environment.terminal && !cli.global.plain && !cli.global.json;
    let ended = runtime.block_on(async {
        let code = match &cli.command {
            None if screen => {
                #[cfg(debug_assertions)]
                let panics = cli.global.panic_in;
                #[cfg(not(debug_assertions))]
                let panics = None;
                let begin = tui::Begin {
                    panics,
                    lesson: None,
                    present: cli.global.present,
                };
                return tui::session(world, preferences, begin).await;
            }
            Some(Command::Lesson(asked)) if screen && asked.name.is_some() && !asked.auto => {
                let begin = tui::Begin {
                    panics: None,
                    lesson: asked.name.clone().zip(asked.from.or(Some(0))),
                    present: cli.global.present,
                };
                return tui::session(world, preferences, begin).await;
            }
            Some(Command::Replay(asked)) => {
                replay::replay(cli, asked, (&world, preferences), environment, printer).await
            }
            None => headless::command(world, &Command::Status { watch: false }, printer).await,
            Some(command) => headless::command(world, command, printer).await,
        };
        code.map(|code| (code, None))
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    if matches!(cli.command, None | Some(Command::Break { .. })) {
        say_left(&left, printer);
    }
    ended
}

/// One thread for the loop and one for the world: nothing here computes for long, and waking more
/// of them costs an idle dashboard more than all that it does.
fn runtime() -> Result<tokio::runtime::Runtime, Fault> {
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    let runtime = threads
        .worker_threads(1)
        // Unoptimised, the futures of a whole `up` do not fit into the usual 2 MiB.
        .thread_stack_size(8 << 20)
        .enable_all()
        .build();
    runtime.map_err(|error| Fault::new(Kind::Bug, "no-runtime", "Cannot start.").why(error))
}

/// What this program applied and could not take back, and what nobody else will: said last of all.
fn say_left(world: &World, printer: &print::Printer) {
    let own = std::process::id();
    for left in flinklab_world::heal::standing(world).unwrap_or_default() {
        if left.owner.is_none_or(|owner| owner == own) {
            let (failure, what) = (&left.failure, &left.what);
            let words = advice!("{failure} is still applied: {what}. Run `flinklab heal`.");
            printer.warning(&printer.called.advise(&words));
        }
    }
}

/// The loop. Returns when the printer has seen enough or the model ended.
async fn turn<S: Show>(
    world: Arc<World>,
    state: &mut S::Of,
    first: Vec<Effect>,
    mut inbox: Inbox,
    show: &mut S,
) -> Result<(), Fault> {
    let mut tapes = record::Recorders::open(world.clone(), state.size())?;
    let mut batch = Vec::with_capacity(BATCH);
    inbox.spawn(signals(inbox.events.clone(), inbox.stop.clone()));
    let mut wanted = first;
    let mut ticked = Instant::now();
    let counting = Instant::now();
    let look = || {
        let (before, told, after) = (counting.elapsed(), clock::now(), counting.elapsed());
        (told, (before, after))
    };
    let (told, counted) = look();
    let mut clocks = Clocks::new(told, counted);
    loop {
        // What only sets something is done here and now, so in the order in which it is wanted.
        for effect in wanted.drain(..).filter_map(|effect| world.set(effect)) {
            let (events, stop) = (inbox.events.clone(), inbox.stop.clone());
            inbox.spawn(flinklab_world::perform(world.clone(), effect, events, stop));
        }
        batch.clear();
        if !inbox
            .next(&mut batch, Some(show.next_tick(state, ticked)))
            .await
        {
            break;
        }
        if batch.is_empty() {
            continue;
        }
        if batch.iter().any(|one| one.event == Event::Tick) {
            ticked = Instant::now();
        }
        let (told, counted) = look();
        if let Some(from) = clocks.look(told, counted) {
            batch.push(now(Event::Jumped { from, to: told }));
        }
        tapes.take_all(&mut batch);
        for happening in &batch {
            wanted.extend(state.update(happening));
        }
        match show.show(state, &batch) {
            Next::Go => {}
            Next::Drawn(drawn) => state.drawn(drawn),
            Next::Ask(more) => {
                state.model().ordered(&more);
                wanted.extend(more);
            }
            Next::Stop => break,
        }
        tapes.ordered(&wanted);
        if state.model().ended.is_some() {
            break;
        }
    }
    // Tasks that hold something in the lab (a timed failure, a container of one file) put it
    // back when they are cancelled, so they get a moment and a listener.
    show.over();
    inbox.stop.cancel();
    let _ = tokio::time::timeout(FAREWELL, async {
        loop {
            tokio::select! {
                ended = inbox.tasks.join_next() => if ended.is_none() { break },
                Some(late) = inbox.queue.recv() => {
                    tapes.take(&late);
                    // Nothing more is asked of the world, but what it says still counts.
                    state.update(&late);
                }
            }
        }
    })
    .await;
    let trouble = tapes.close();
    match &state.model().ended {
        Some(Ended::Failed(fault)) => Err(fault.clone()),
        Some(Ended::Interrupted) => Err(interrupted()),
        // what was asked for is not all there
        Some(Ended::Quit | Ended::Elsewhere(_)) | None => trouble.map_or(Ok(()), Err),
    }
}
