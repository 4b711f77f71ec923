//! The terminal UI: keys, sizes and the shell's job control turned into events, the model drawn.
//! Decides when to draw, not what.

use super::terminal::Terminal;
use super::{Inbox, Next, Preferences, Show, turn};
use crate::cli::PanicIn;
use crossterm::event::{Event as Input, EventStream, KeyEvent, KeyEventKind, KeyModifiers};
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::{
    Effect, Event, Happening, Key, KeyCode, Link, MapChange, PhaseName, Signal, Source,
};
use flinklab_model::{Elsewhere, Ended, Model, Word};
use flinklab_tui::{Page, Present, Ui};
use flinklab_world::{Events, World, beat};
use futures::StreamExt;
use jiff::SignedDuration;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// No more than 60 pictures a second.
const FRAME: Duration = Duration::from_millis(16);
/// While nothing moves but ages. What comes all the time and changes little is drawn with them: most
/// of what an idle dashboard costs is drawing.
const CALM: Duration = Duration::from_secs(1);
/// So long after the world's beat they are drawn: what was asked for with the beat is in the picture.
const ANSWERED: Duration = Duration::from_millis(120);
/// While a lease runs out, a run goes on or a step works.
const LIVELY: Duration = Duration::from_millis(250);
const LATEST: Duration = Duration::from_secs(2); // between two ticks while events come all the time
/// A leader renews every 5 s; a lease older than this is worth watching.
const LEASE_LIVELY_AT: f64 = 7.0;
/// A lease that ran out long ago does not move any more.
const LEASE_OVER_FOR: f64 = 5.0;

/// Every change is drawn at once for this long after a failover: the first checkpoint is waited for.
const NEWS: SignedDuration = SignedDuration::from_secs(30);

/// How a session begins.
pub(super) struct Begin {
    /// A test wants to see what becomes of the terminal.
    pub(super) panics: Option<PanicIn>,
    /// A lesson, and its step; 0 is where it was left.
    pub(super) lesson: Option<(String, u8)>,
    /// For a room.
    pub(super) present: bool,
}

/// Opens the terminal and shows the lab until the person or a signal ends it.
pub(super) async fn session(
    world: Arc<World>,
    preferences: Preferences,
    begin: Begin,
) -> Result<(u8, Option<Elsewhere>), Fault> {
    let model = Model {
        called: world.called.clone(),
        origin: world.origin,
        calm: world.refresh.calm,
        ..Model::default()
    };
    let mut ui = Ui {
        model,
        ..Ui::default()
    };
    ui.screen.looks = preferences.looks;
    ui.screen.keys = preferences.keys;
    ui.model.logs.limits = preferences.log;
    let Begin {
        panics,
        lesson,
        present,
    } = begin;
    ui.screen.present = present.then(Present::default);
    if let Some((words, from)) = lesson {
        // a wrong name or step is told before the terminal is taken
        let lesson = flinklab_world::lessons::meant_from(&world, &words, from)?;
        ui.pages.lesson.wanted = Some((lesson.key, from));
    }
    let mut inbox = Inbox::new();
    inbox.spawn(keys(inbox.events.clone(), inbox.stop.clone()));
    inbox.spawn(job_control(inbox.events.clone(), inbox.stop.clone()));
    if panics == Some(PanicIn::Task) {
        inbox.spawn(async { panic!("a task panics on purpose") });
    }
    let mut screen = Screen {
        terminal: Terminal::open().map_err(no_terminal)?,
        drawn: None,
        due: None,
        copied: 0,
        suspend_requests: 0,
        panics,
    };
    if let Ok((columns, rows)) = crossterm::terminal::size() {
        (ui.screen.columns, ui.screen.rows) = (columns, rows);
    }
    // What a killed process left is taken back first. The watch waits for a lab that is built
    // later, here or in another terminal.
    let mut first = vec![Effect::Open, Effect::Watch];
    if !world.read_only {
        first.push(Effect::Serve);
        first.insert(0, Effect::Mend);
    }
    // the first picture comes before anything is asked of the network
    screen.terminal.show(&ui).map_err(no_terminal)?;
    let ended = turn(world, &mut ui, first, inbox, &mut screen).await;
    drop(screen);
    let elsewhere = match ui.model.ended {
        Some(Ended::Elsewhere(place)) => Some(place),
        _ => None,
    };
    ended.map(|()| (0, elsewhere))
}

pub(super) fn no_terminal(error: io::Error) -> Fault {
    Fault::unable("no-terminal", "The terminal cannot be used.")
        .why(error)
        .hint("Use --plain for lines instead of a screen.")
}

/// The printer of the loop.
struct Screen {
    terminal: Terminal,
    /// When it was drawn last.
    drawn: Option<Instant>,
    /// What happened since, if anything did.
    due: Option<Due>,
    /// The number of what was copied last.
    copied: u32,
    /// How often it stepped aside so far.
    suspend_requests: u64,
    /// A test wants to see what becomes of the terminal.
    panics: Option<PanicIn>,
}

impl Show for Screen {
    type Of = Ui;

    fn show(&mut self, ui: &Ui, batch: &[Happening]) -> Next {
        self.due = self.due.max(Some(due(ui, batch)));
        if let Some((number, text)) = &ui.screen.copied
            && *number != self.copied
        {
            self.copied = *number;
            let _ = super::terminal::copy(text);
        }
        let key = |one: &Happening| matches!(one.event, Event::Key(_));
        if self.panics == Some(PanicIn::Loop) && batch.iter().any(key) {
            panic!("the loop panics on purpose");
        }
        let resumed = |one: &Happening| one.event == Event::Signal(Signal::Resume);
        if batch.iter().any(resumed) {
            // A terminal that cannot be taken again is gone: the next key or SIGHUP says so.
            let _ = self.terminal.back();
            self.drawn = None;
        }
        if ui.screen.suspend_requests > self.suspend_requests {
            self.suspend_requests = ui.screen.suspend_requests;
            self.terminal.step_aside();
            return Next::Go;
        }
        let due = self.due.unwrap_or(Due::Now);
        if self.drawn.is_none_or(|at| due.at(at) <= Instant::now()) {
            (self.drawn, self.due) = (Some(Instant::now()), None);
            // a terminal that is gone ends the program by SIGHUP or at the next key
            if let Ok(Some(drawn)) = self.terminal.show(ui) {
                return Next::Drawn(drawn);
            }
        }
        Next::Go
    }

    fn next_tick(&self, ui: &Ui, last: Instant) -> Instant {
        let now = Instant::now();
        let due = match (self.drawn, self.due, next_tick(ui)) {
            (Some(drawn), Some(due), _) => due.at(drawn),
            (_, None, CALM) => Due::Soon.at(now),
            (_, _, tick) => now + tick,
        };
        due.min(last + LATEST)
    }

    /// The shell has its terminal before the last tasks have cleaned up.
    fn over(&mut self) {
        super::terminal::give_back();
    }
}

/// How soon what happened is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// With the ages.
    Soon,
    /// In the next frame.
    Now,
}

impl Due {
    /// When the picture after one that was drawn then is drawn.
    fn at(self, drawn: Instant) -> Instant {
        match self {
            Self::Soon => {
                let from = drawn - ANSWERED;
                beat::after(from, CALM) + ANSWERED
            }
            Self::Now => drawn + FRAME,
        }
    }
}

/// While all is well and nobody reads along, samples, log lines and the pointers of the next
/// checkpoint are routine. Time that passes is where it is not watched: ages are whole seconds.
fn due(ui: &Ui, batch: &[Happening]) -> Due {
    let calm = ui.model.health().word == Word::Healthy
        && ui.screen.page == Page::Dashboard
        && !came_back_lately(&ui.model)
        && next_tick(ui) == CALM;
    let routine = |event: &Event| {
        matches!(
            event,
            Event::Tick
                | Event::Log(_)
                | Event::Flink(_)
                | Event::Disk(_)
                | Event::Map(MapChange::Job(_))
        )
    };
    if calm && batch.iter().all(|one| routine(&one.event)) {
        Due::Soon
    } else {
        Due::Now
    }
}

/// Whether somebody began to lead, or the job was restored, a moment ago.
fn came_back_lately(model: &Model) -> bool {
    let led = model.cluster.epoch().map(|epoch| epoch.began);
    let restored = model.job.restores.last().map(|restored| restored.at);
    let last = led.max(restored);
    last.is_some_and(|at| model.now.duration_since(at) < NEWS)
}

/// How long until something on the screen moves by itself.
fn next_tick(ui: &Ui) -> Duration {
    let model = &ui.model;
    let plan_works =
        ui.screen.page == Page::Plan && model.plan.started.is_some() && !model.plan.over();
    let run_works = model.run().is_some_and(|run| {
        !run.seen
            .phases
            .iter()
            .any(|phase| phase.name == PhaseName::NextCheckpoint)
    });
    let blind = matches!(
        model.links.get(&Source::Api),
        Some(Link::Lost { .. }) | None
    );
    let lease_moves = !blind
        && model.cluster.lock().is_some_and(|lock| {
            let age = model.cluster.lease_age(model.now).unwrap_or(0.0);
            age >= LEASE_LIVELY_AT && age < lock.seconds + LEASE_OVER_FOR
        });
    if plan_works || run_works || lease_moves {
        LIVELY
    } else {
        CALM
    }
}

/// Keys and sizes as events, until the terminal ends, and the program with it.
pub(super) async fn keys(events: Events, stop: CancellationToken) {
    let mut input = EventStream::new();
    loop {
        let read = tokio::select! {
            () = stop.cancelled() => return,
            read = input.next() => read,
        };
        let event = match read {
            Some(Ok(Input::Key(pressed))) => key(pressed).map(Event::Key),
            Some(Ok(Input::Resize(columns, rows))) => Some(Event::Resize { columns, rows }),
            Some(Ok(Input::FocusGained | Input::FocusLost | Input::Mouse(_) | Input::Paste(_))) => {
                None
            }
            Some(Err(_)) | None => {
                events.send(Event::Signal(Signal::Hangup)).await;
                return;
            }
        };
        if let Some(event) = event {
            events.send(event).await;
        }
    }
}

/// What a shell does with a program: stops it and lets it go on. Only here: a command without a
/// screen is stopped as the operating system does it.
pub(super) async fn job_control(events: Events, stop: CancellationToken) {
    use rustix::process::Signal as Theirs;
    use tokio::signal::unix::{SignalKind, signal};
    let of = |theirs: Theirs| signal(SignalKind::from_raw(theirs.as_raw()));
    let (Ok(mut suspend), Ok(mut resume)) = (of(Theirs::TSTP), of(Theirs::CONT)) else {
        return;
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = suspend.recv() => events.send(Event::Signal(Signal::Suspend)).await,
            _ = resume.recv() => {
                events.send(Event::Signal(Signal::Resume)).await;
                // Nobody told us about a size that changed meanwhile.
                if let Ok((columns, rows)) = crossterm::terminal::size() {
                    events.send(Event::Resize { columns, rows }).await;
                }
            }
        }
    }
}

/// A key as the model knows it; none for keys that mean nothing anywhere.
fn key(pressed: KeyEvent) -> Option<Key> {
    use crossterm::event::KeyCode as Theirs;
    if pressed.kind == KeyEventKind::Release {
        return None;
    }
    let code = match pressed.code {
        Theirs::Char(letter) => KeyCode::Char(letter),
        Theirs::Enter => KeyCode::Enter,
        Theirs::Esc => KeyCode::Esc,
        Theirs::BackTab => KeyCode::BackTab,
        Theirs::Tab if pressed.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        Theirs::Tab => KeyCode::Tab,
        Theirs::Backspace => KeyCode::Backspace,
        Theirs::Up => KeyCode::Up,
        Theirs::Down => KeyCode::Down,
        Theirs::Left => KeyCode::Left,
        Theirs::Right => KeyCode::Right,
        Theirs::PageUp => KeyCode::PageUp,
        Theirs::PageDown => KeyCode::PageDown,
        Theirs::Home => KeyCode::Home,
        Theirs::End => KeyCode::End,
        _ => return None,
    };
    if pressed.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    Some(Key {
        code,
        ctrl: pressed.modifiers.contains(KeyModifiers::CONTROL),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flinklab_event::{ClusterMap, Lock, MapChange, Restored};
    use jiff::{Timestamp, ToSpan};

    fn lease_renewed(seconds_ago: i64) -> Ui {
        let now: Timestamp = "2026-01-01T12:00:00Z".parse().expect("a moment");
        let lock = Lock {
            holder: "a".to_owned(),
            seconds: 15.0,
            acquired: now,
            renewed: now - seconds_ago.seconds(),
            transitions: 0,
        };
        let map = ClusterMap {
            lock: Some(lock),
            ..ClusterMap::default()
        };
        let mut ui = Ui::default();
        let link = Link::Live { since: now };
        for event in [
            Event::Link {
                source: Source::Api,
                link,
            },
            Event::Map(MapChange::Cluster(map)),
        ] {
            ui.update(&Happening { at: now, event });
        }
        ui
    }

    #[test]
    fn the_lease_bar_moves_faster_once_a_renewal_is_late() {
        assert_eq!(next_tick(&lease_renewed(2)), CALM);
        assert_eq!(next_tick(&lease_renewed(6)), CALM);
        assert_eq!(next_tick(&lease_renewed(7)), LIVELY);
        assert_eq!(next_tick(&lease_renewed(16)), LIVELY);
        assert_eq!(next_tick(&lease_renewed(60)), CALM);
        assert_eq!(next_tick(&Ui::default()), CALM);
    }

    #[test]
    fn after_a_restore_nothing_is_routine_for_a_while() {
        let mut ui = lease_renewed(2);
        ui.model.job.restores.push(Restored {
            id: 7,
            at: ui.model.now - 29.seconds(),
            savepoint: false,
            path: None,
        });
        assert!(came_back_lately(&ui.model));
        ui.model.now += 2.seconds();
        assert!(!came_back_lately(&ui.model));
    }
}
