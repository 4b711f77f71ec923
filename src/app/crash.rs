//! A panic is a bug of ours: its text is kept in a file at once, and told once the terminal is
//! given back. One of a task does not end the terminal UI, and must not write over its screen.

use super::terminal;
pub(super) use flinklab_world::crash::message;
use flinklab_world::{Addresses, crash};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Panics remembered. The first ones tell the cause; a task that panics again and again does not
/// fill the memory.
const REMEMBERED: usize = 5;

/// A panic that was not told yet.
#[derive(Debug, Clone)]
pub(super) struct Crash {
    /// Where, what, and the way there as far as it is known.
    pub(super) text: String,
    /// The file that has it; why there is none, otherwise.
    pub(super) kept: Result<PathBuf, String>,
}

/// Not told yet. The hook of the process has no other way to hand something on.
static UNTOLD: Mutex<Vec<Crash>> = Mutex::new(Vec::new());

/// Keeps every panic of this process from now on. The caller's thread is the loop's.
pub(super) fn watch(addresses: Addresses, name: String) {
    let ours = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == ours {
            terminal::give_back();
        }
        let text = told(panic);
        let kept = crash::keep(&addresses, &name, &text).map_err(|error| error.to_string());
        let mut untold = UNTOLD.lock().unwrap_or_else(PoisonError::into_inner);
        if untold.len() < REMEMBERED {
            untold.push(Crash { text, kept });
        }
    }));
}

/// What was not told yet.
pub(super) fn untold() -> Vec<Crash> {
    let mut untold = UNTOLD.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut untold)
}

fn told(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let place = panic.location().map_or_else(
        || "an unknown place".to_owned(),
        |at| format!("{}:{}:{}", at.file(), at.line(), at.column()),
    );
    let what = message(panic.payload());
    let mut text = format!("thread `{thread}` panicked at {place}:\n{what}");
    // Only where RUST_BACKTRACE asks for it.
    let way = Backtrace::capture();
    if way.status() == BacktraceStatus::Captured {
        text.push_str(&format!("\n{way}"));
    }
    text
}
