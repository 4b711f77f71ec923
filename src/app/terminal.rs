//! The terminal while it is ours: taken, drawn on in one go, stepped aside from, and always given
//! back. Knows neither keys nor when to draw.

use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{cursor, event, execute, queue, terminal};
use flinklab_tui::{Drawn, Ui};
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use rustix::process::{Signal, getpid, kill_process};
use std::cell::RefCell;
use std::io::{self, Write, stdout};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the terminal is ours now. A panic asks, wherever it happens.
static OURS: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours. Dropping it gives it back.
pub(super) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Gathered>>,
    bytes: Gathered,
    shown: Option<Buffer>,
}

impl Terminal {
    /// Takes the terminal: raw keys, another screen, no cursor.
    pub(super) fn open() -> io::Result<Self> {
        take()?;
        let bytes = Gathered::default();
        match ratatui::Terminal::new(CrosstermBackend::new(bytes.clone())) {
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

    /// Draws the page; writes in one go, within a synchronized update, and nothing at all where
    /// the picture is the same or the terminal is not ours. Says how much of what scrolls it is.
    pub(super) fn show(&mut self, ui: &Ui) -> io::Result<Option<Drawn>> {
        if !OURS.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let mut measured = None;
        let drawn = self
            .inner
            .draw(|frame| measured = flinklab_tui::measure(ui, frame))?;
        let same = self.shown.as_ref() == Some(drawn.buffer);
        if !same {
            self.shown = Some(drawn.buffer.clone());
        }
        let bytes = self.bytes.0.take();
        if same {
            return Ok(measured);
        }
        let mut picture = Vec::with_capacity(bytes.len() + 16);
        queue!(picture, BeginSynchronizedUpdate)?;
        picture.extend(bytes);
        queue!(picture, EndSynchronizedUpdate)?;
        let mut out = stdout().lock();
        out.write_all(&picture)?;
        out.flush()?;
        Ok(measured)
    }

    /// Gives the terminal to the shell and stops this process, as every program does at ctrl-z.
    /// Goes on here when the shell continues it; `back` follows by the signal.
    pub(super) fn step_aside(&mut self) {
        give_back();
        let _ = kill_process(getpid(), Signal::STOP);
    }

    /// Takes the terminal again after the process was continued. Whoever stopped it, the shell had
    /// the terminal meanwhile: everything is set and drawn anew.
    pub(super) fn back(&mut self) -> io::Result<()> {
        // Raw mode is remembered by the library; what the shell made of it since is not.
        let _ = terminal::disable_raw_mode();
        take()?;
        execute!(stdout(), terminal::Clear(terminal::ClearType::All))?;
        // Its own way to forget the picture asks the terminal where the cursor is, and waits.
        self.inner = ratatui::Terminal::new(CrosstermBackend::new(self.bytes.clone()))?;
        self.shown = None;
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

fn take() -> io::Result<()> {
    terminal::enable_raw_mode()?;
    OURS.store(true, Ordering::SeqCst);
    let taken = execute!(
        stdout(),
        EnterAlternateScreen,
        event::EnableBracketedPaste,
        cursor::Hide
    );
    if taken.is_err() {
        give_back();
    }
    taken
}

/// Gives the terminal back; a second time does nothing.
pub(super) fn give_back() {
    if OURS.swap(false, Ordering::SeqCst) {
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

/// Hands a text to the terminal's clipboard (OSC 52), on a key press only. What it was taken from
/// is clean, and base64 besides.
pub(super) fn copy(text: &str) -> io::Result<()> {
    execute!(
        stdout(),
        crossterm::clipboard::CopyToClipboard::to_clipboard_from(text)
    )
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
