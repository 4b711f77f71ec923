//! The terminal for what needs no loop with a world: keys, sizes and signals come in, pages are
//! drawn. Dropping it gives the terminal back.

use super::inbox::{Inbox, signals};
use super::{terminal::Terminal, tui};
use flinklab_base::fault::Fault;
use flinklab_event::Event;
use flinklab_tui::{Drawn, Ui};

/// An open terminal with its input.
pub(super) struct Stage {
    terminal: Terminal,
    /// Its tasks are aborted when it is dropped.
    inbox: Inbox,
}

impl Stage {
    pub(super) fn open() -> Result<Self, Fault> {
        let terminal = Terminal::open().map_err(tui::no_terminal)?;
        let mut inbox = Inbox::new();
        inbox.spawn(tui::keys(inbox.events.clone(), inbox.stop.clone()));
        inbox.spawn(tui::job_control(inbox.events.clone(), inbox.stop.clone()));
        inbox.spawn(signals(inbox.events.clone(), inbox.stop.clone()));
        Ok(Self { terminal, inbox })
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (u16, u16) {
        crossterm::terminal::size().unwrap_or((80, 24))
    }

    pub(super) fn show(&mut self, ui: &Ui) -> Result<Option<Drawn>, Fault> {
        self.terminal.show(ui).map_err(tui::no_terminal)
    }

    /// The shell has the terminal until it lets this process go on.
    pub(super) fn step_aside(&mut self) {
        self.terminal.step_aside();
    }

    /// The shell let it go on: the terminal is ours again.
    pub(super) fn back(&mut self) -> Result<(), Fault> {
        self.terminal.back().map_err(tui::no_terminal)
    }

    /// The next key, size or signal. A terminal that is gone is an interruption.
    pub(super) async fn next(&mut self) -> Event {
        match self.inbox.queue.recv().await {
            Some(happening) => happening.event,
            None => Event::Signal(flinklab_event::Signal::Hangup),
        }
    }
}
