//! The terminal: opened and always given back, keys and sizes turned into events, the model drawn.
//! Decides when to draw, not what.

use super::{Next, Show, Surroundings, queue, turn};
use crate::cli::Global;
use crate::fault::Fault;
use crate::model::{
    Colours, Effect, Event, Glyphs, Happening, Key, KeyCode, Link, Looks, Model, Page, PhaseName,
    Source,
};
use crate::view;
use crate::world::{Events, World};
use crossterm::event::{Event as Input, EventStream, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{cursor, event, execute, queue, terminal};
use futures::StreamExt;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use std::cell::RefCell;
use std::io::{self, Write, stdout};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// No more than 60 pictures a second.
const FRAME: Duration = Duration::from_millis(16);
/// While nothing moves but ages.
const CALM: Duration = Duration::from_secs(1);
/// While a lease runs out, a run goes on or a step works.
const LIVELY: Duration = Duration::from_millis(250);
/// A leader renews every 5 s; a lease older than this is worth watching.
const LEASE_LIVELY_AT: f64 = 7.0;
/// A lease that ran out long ago does not move any more.
const LEASE_OVER_FOR: f64 = 5.0;

/// Opens the terminal and shows the lab until the person or a signal ends it.
pub(super) async fn session(
    world: Arc<World>,
    global: &Global,
    surroundings: &Surroundings,
) -> Result<u8, Fault> {
    let mut model = Model::default();
    model.screen.looks = looks(global, surroundings);
    let terminal = Terminal::open().map_err(no_terminal)?;
    let (events, queue) = queue();
    let mut input = JoinSet::new();
    input.spawn(keys(events.clone()));
    let mut screen = Screen {
        terminal,
        drawn: None,
        due: false,
        copied: 0,
    };
    if let Ok((columns, rows)) = terminal::size() {
        (model.screen.columns, model.screen.rows) = (columns, rows);
    }
    // What a killed process left is taken back first. The watch waits for a lab that is built
    // later, here or in another terminal.
    let mut first = vec![Effect::Open, Effect::Watch];
    if !world.read_only {
        first.insert(0, Effect::Mend);
    }
    // the first picture comes before anything is asked of the network
    screen.terminal.show(&model).map_err(no_terminal)?;
    let ended = turn(world, &mut model, first, (events, queue), &mut screen).await;
    drop(screen);
    ended.map(|()| 0)
}

fn no_terminal(error: io::Error) -> Fault {
    Fault::unable("no-terminal", "The terminal cannot be used.")
        .why(error)
        .mend("Use --plain for lines instead of a screen.")
}

/// What this terminal can show.
fn looks(global: &Global, surroundings: &Surroundings) -> Looks {
    let colours = if global.no_color || !surroundings.colours || surroundings.dumb {
        Colours::None
    } else if surroundings.many_colours {
        Colours::Many
    } else {
        Colours::Sixteen
    };
    let glyphs = if global.ascii || surroundings.dumb {
        Glyphs::Ascii
    } else {
        Glyphs::Unicode
    };
    Looks {
        theme: crate::model::ThemeName::default(),
        colours,
        glyphs,
        zone: jiff::tz::TimeZone::system(),
    }
}

/// The printer of the loop.
struct Screen {
    terminal: Terminal,
    /// When it was drawn last.
    drawn: Option<Instant>,
    /// Whether something happened since.
    due: bool,
    /// The number of what was copied last.
    copied: u32,
}

impl Show for Screen {
    fn show(&mut self, model: &Model, _batch: &[Happening]) -> Next {
        self.due = true;
        if let Some((number, text)) = &model.screen.copied
            && *number != self.copied
        {
            self.copied = *number;
            let _ = copy(text);
        }
        if self.drawn.is_none_or(|at| at.elapsed() >= FRAME) {
            // a terminal that is gone ends the program by SIGHUP or at the next key
            let _ = self.terminal.show(model);
            self.drawn = Some(Instant::now());
            self.due = false;
        }
        Next::Go
    }

    fn patience(&self, model: &Model) -> Option<Duration> {
        match self.drawn {
            Some(at) if self.due => Some(FRAME.saturating_sub(at.elapsed())),
            _ => Some(next_tick(model)),
        }
    }
}

/// Hands a text to the terminal's clipboard (OSC 52), on a key press only. What it was taken from
/// is clean, and base64 besides.
fn copy(text: &str) -> io::Result<()> {
    execute!(
        stdout(),
        crossterm::clipboard::CopyToClipboard::to_clipboard_from(text)
    )
}

/// How long until something on the screen moves by itself.
fn next_tick(model: &Model) -> Duration {
    let plan_works =
        model.screen.page == Page::Plan && model.plan.started.is_some() && !model.plan.over();
    let run_works = model.run.as_ref().is_some_and(|run| {
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

/// Whether the terminal is ours now; the panic hook asks.
static OPEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours. Dropping it gives it back.
struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Gathered>>,
    bytes: Gathered,
    shown: Option<Buffer>,
}

impl Terminal {
    /// Takes the terminal: raw keys, another screen, no cursor.
    fn open() -> io::Result<Self> {
        give_back_on_panic();
        terminal::enable_raw_mode()?;
        OPEN.store(true, Ordering::SeqCst);
        let opened = execute!(
            stdout(),
            EnterAlternateScreen,
            event::EnableBracketedPaste,
            cursor::Hide
        );
        let bytes = Gathered::default();
        let inner =
            opened.and_then(|()| ratatui::Terminal::new(CrosstermBackend::new(bytes.clone())));
        match inner {
            Ok(inner) => Ok(Self {
                inner,
                bytes,
                shown: None,
            }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Draws the model; writes in one go, within a synchronized update, and nothing at all where
    /// the picture is the same.
    fn show(&mut self, model: &Model) -> io::Result<()> {
        let drawn = self.inner.draw(|frame| view::draw(model, frame))?;
        let same = self.shown.as_ref() == Some(drawn.buffer);
        if !same {
            self.shown = Some(drawn.buffer.clone());
        }
        let bytes = self.bytes.0.take();
        if same {
            return Ok(());
        }
        let mut picture = Vec::with_capacity(bytes.len() + 16);
        queue!(picture, BeginSynchronizedUpdate)?;
        picture.extend(bytes);
        queue!(picture, EndSynchronizedUpdate)?;
        let mut out = stdout().lock();
        out.write_all(&picture)?;
        out.flush()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back; a second time does nothing.
fn give_back() {
    if OPEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(
            stdout(),
            EndSynchronizedUpdate,
            event::DisableBracketedPaste,
            LeaveAlternateScreen,
            cursor::Show
        );
        let _ = terminal::disable_raw_mode();
    }
}

/// A panic of the loop gives the terminal back before it speaks. One of a task does not end the
/// program: it becomes an event, and must not write over the screen.
fn give_back_on_panic() {
    let ours = std::thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == ours {
            give_back();
        }
        if !OPEN.load(Ordering::SeqCst) {
            before(panic);
        }
    }));
}

/// Bytes of one picture, gathered so that they can be written in one go or not at all.
#[derive(Debug, Clone, Default)]
struct Gathered(Rc<RefCell<Vec<u8>>>);

impl Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keys and sizes as events, until the terminal ends.
async fn keys(events: Events) {
    let mut input = EventStream::new();
    while let Some(Ok(input)) = input.next().await {
        let event = match input {
            Input::Key(pressed) => key(pressed).map(Event::Key),
            Input::Resize(columns, rows) => Some(Event::Resize { columns, rows }),
            Input::FocusGained | Input::FocusLost | Input::Mouse(_) | Input::Paste(_) => None,
        };
        if let Some(event) = event {
            events.send(event).await;
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
    use crate::model::{ClusterMap, Lock, MapChange, update};
    use jiff::{Timestamp, ToSpan};

    fn lease_renewed(seconds_ago: i64) -> Model {
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
        let mut model = Model::default();
        let link = Link::Live { since: now };
        for event in [
            Event::Link {
                source: Source::Api,
                link,
            },
            Event::Map(MapChange::Cluster(map)),
        ] {
            update(&mut model, &Happening { at: now, event });
        }
        model
    }

    #[test]
    fn the_lease_bar_moves_faster_once_a_renewal_is_late() {
        assert_eq!(next_tick(&lease_renewed(2)), CALM);
        assert_eq!(next_tick(&lease_renewed(6)), CALM);
        assert_eq!(next_tick(&lease_renewed(7)), LIVELY);
        assert_eq!(next_tick(&lease_renewed(16)), LIVELY);
        assert_eq!(next_tick(&lease_renewed(60)), CALM);
        assert_eq!(next_tick(&Model::default()), CALM);
    }
}
