//! What is on the screen whatever page is open: its size, the page, what is chosen and typed, and
//! which looks the terminal can show. Not what it looks like; what one page remembers is in its file.

use crate::palette::Act;
use crate::{Drawn, Keymap, Looks, Page, Present, Spot, Typing};
use flinklab_event::Note;
use jiff::Timestamp;
use std::sync::Arc;

/// How long a notice stays in the key line.
const NOTICE_SECONDS: f64 = 8.0;

/// What is on the screen.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    /// The terminal's size.
    pub columns: u16,
    /// The terminal's size.
    pub rows: u16,
    /// What the terminal can show.
    pub looks: Looks,
    /// Which key does what.
    pub keys: Arc<Keymap>,
    /// Which page.
    pub page: Page,
    /// Where on it.
    pub spot: Spot,
    /// The pages before it, where Back goes, as they were left.
    pub trail: Vec<(Page, Spot)>,
    /// What else to say in the key line.
    pub notice: Option<(Timestamp, String)>,
    /// What was drawn last of what scrolls.
    pub drawn: Option<Drawn>,
    /// What is typed now, if something is.
    pub typing: Option<Typing>,
    /// What was typed so far.
    pub typed: String,
    /// The words that are looked for.
    pub find: String,
    /// The row chosen in the palette.
    pub palette_row: usize,
    /// What that row does; none where it is the best one.
    pub palette_entry: Option<Act>,
    /// What was copied last, with its number: the terminal copies what is new.
    pub copied: Option<(u32, String)>,
    /// While the picture is held still: how much happened since.
    pub paused: Option<u64>,
    /// Whether quit was pressed once while something goes on that it would stop.
    pub leaving: bool,
    /// How often the terminal was to be given to the shell for a while.
    pub suspend_requests: u64,
    /// Until when digits fire at once.
    pub armed: Option<Timestamp>,
    /// What the room sees, in front of a class.
    pub present: Option<Present>,
    /// What the one who speaks was told last.
    pub noted: Option<Box<Note>>,
}

impl Screen {
    /// How long digits still fire at once.
    #[must_use]
    pub fn armed_for(&self, now: Timestamp) -> Option<jiff::SignedDuration> {
        let left = self.armed?.duration_since(now);
        left.is_positive().then_some(left)
    }

    /// Says something in the key line for a while.
    pub(super) fn say(&mut self, at: Timestamp, words: impl Into<String>) {
        self.notice = Some((at, words.into()));
    }

    /// What the key line says besides keys.
    #[must_use]
    pub fn notice(&self, now: Timestamp) -> Option<&str> {
        let (at, words) = self.notice.as_ref()?;
        (now.duration_since(*at).as_secs_f64() < NOTICE_SECONDS).then_some(words)
    }
}
