//! What is on the screen: page, focus, aim, and which looks the terminal can show. Not what it
//! looks like.

use super::palette::Act;
use super::{Drawn, Keymap, Looks, Present, RowId, Scope, Scroll, Spot};
use flinklab_event::{JobOrder, Note, Target};
use flinklab_lab::failure::Failure;
use jiff::Timestamp;
use std::sync::Arc;

/// How long a notice stays in the key line.
const NOTICE_SECONDS: f64 = 8.0;

/// What is on the screen.
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// The pages before it, where Back goes, as they were left.
    pub trail: Vec<(Page, Spot)>,
    /// Which panel has the keys.
    pub focus: Panel,
    /// The failure aimed at, if the palette is open and a digit was pressed.
    pub aim: Option<Aim>,
    /// Why the aim was dropped, or what else to say in the key line.
    pub notice: Option<(Timestamp, String)>,
    /// The log line, by its number, that the log is scrolled back to; none: it follows.
    pub log_line: Option<u64>,
    /// Which log lines are shown.
    pub log_shown: LogShown,
    /// Only lines of this pod, by name.
    pub log_pod: Option<String>,
    /// Only lines with these words.
    pub log_filter: String,
    /// How many columns long lines are moved to the left.
    pub log_side: usize,
    /// Marks of one's own in the log, oldest first.
    pub marks: Vec<Timestamp>,
    /// Whether the chosen line or exception is shown whole.
    pub whole: Whole,
    /// The row chosen in the focused panel or list.
    pub row: usize,
    /// What that row is about, where the list may change.
    pub chosen: Option<RowId>,
    /// How far the page's text is scrolled.
    pub scroll: Scroll,
    /// What was drawn last of what scrolls.
    pub drawn: Option<Drawn>,
    /// Which pod the page of a pod is about, by uid.
    pub pod: Option<String>,
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
    pub asides: u64,
    /// Which run the run page shows: 0 is the newest, which may still go on.
    pub run_back: usize,
    /// Its name, where it is not the newest.
    pub run_shown: Option<String>,
    /// Whether earlier runs of the same failure are shown beside it.
    pub beside: Beside,
    /// Until when digits fire at once.
    pub armed: Option<Timestamp>,
    /// What was asked for on the page of the job's control and not confirmed yet.
    pub wanted: Option<JobOrder>,
    /// Which of the starts is chosen there; 0 is the newest.
    pub start: usize,
    /// Its path, where it is not the newest.
    pub start_at: Option<String>,
    /// What the room sees, in front of a class.
    pub present: Option<Present>,
    /// What the one who speaks was told last.
    pub noted: Option<Box<Note>>,
}

/// What is shown beside a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Beside {
    /// Nothing.
    #[default]
    Nothing,
    /// Earlier runs of the same failure.
    Earlier,
}

/// Which log lines are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogShown {
    /// What Flink says, with the chatter of checkpoints in one line.
    #[default]
    Flink,
    /// Those that speak about high availability, and errors.
    Highlights,
    /// Also what programs print.
    All,
}

/// Pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    /// There is no lab.
    Welcome,
    /// `up` or `down` goes on.
    Plan,
    /// Everything at a glance.
    #[default]
    Dashboard,
    /// The failures, over the dashboard.
    Failures,
    /// Keys, over the dashboard.
    Help,
    /// A run's phases and statements.
    Run,
    /// One pod: description, conditions, events, its log before the restart.
    Pod,
    /// The job: vertices and exceptions.
    Job,
    /// Every checkpoint as its three witnesses see it.
    Checkpoints,
    /// Epochs, restarts and all else that happened.
    History,
    /// The merged log.
    Log,
    /// The commands that equal what we did.
    Commands,
    /// What stands in the way of a lab.
    Doctor,
    /// What can be done with the job: savepoint, stop, cancel, resume.
    Control,
    /// The lessons, or a step of one beside the dashboard.
    Lesson,
}

impl Page {
    /// Whether it says something where there is no lab.
    #[must_use]
    pub const fn needs_no_lab(self) -> bool {
        matches!(self, Self::Welcome | Self::Plan | Self::Doctor)
    }

    /// Whose keys count.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            // what can be done about a lab that is not there can be done here, too
            Self::Welcome | Self::Doctor => Scope::Welcome,
            Self::Plan => Scope::Plan,
            Self::Dashboard => Scope::Dashboard,
            Self::Failures => Scope::Failures,
            Self::Help => Scope::Help,
            Self::Run => Scope::Run,
            Self::Pod => Scope::Pod,
            Self::Job => Scope::Job,
            Self::Checkpoints => Scope::Checkpoints,
            Self::History => Scope::History,
            Self::Log => Scope::Log,
            Self::Commands => Scope::Commands,
            Self::Control => Scope::Control,
            Self::Lesson => Scope::Lesson,
        }
    }
}

/// What is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// Words to look for.
    Find,
    /// Words that log lines must have.
    Filter,
    /// A few letters of what to do or open.
    Palette,
}

/// Whether a long thing is shown whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whole {
    /// In one line.
    #[default]
    No,
    /// All of it.
    Yes,
}

/// Panels of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Panel {
    /// Pods.
    #[default]
    Pods,
    /// Leader and lease.
    Leader,
    /// Checkpoints.
    Checkpoints,
    /// The newest run.
    Run,
    /// Log.
    Log,
}

impl Panel {
    /// All panels, in order of their digits.
    pub const ALL: [Self; 5] = [
        Self::Pods,
        Self::Leader,
        Self::Checkpoints,
        Self::Run,
        Self::Log,
    ];

    /// Its digit.
    #[must_use]
    pub const fn digit(self) -> u8 {
        self as u8 + 1
    }

    /// The panel that many steps on, round and round.
    #[must_use]
    pub fn step(self, by: i32) -> Self {
        let all = Self::ALL;
        let at = i32::from(self.digit()) - 1 + by;
        // rem_euclid of a positive length is within the array
        all[usize::try_from(at.rem_euclid(5)).unwrap_or(0)]
    }
}

/// A failure aimed at a target, not fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Aim {
    /// Its digit.
    pub digit: u8,
    /// The failure.
    pub failure: Failure,
    /// Whom it would hit; why nobody, otherwise.
    pub target: Result<Target, String>,
    /// What speaks against firing now; empty when the lab is ready.
    pub against: Vec<String>,
}

impl Screen {
    /// Opens a page over the present one; Back leads here again.
    pub(super) fn open(&mut self, page: Page) {
        if self.page == page {
            return;
        }
        let spot = Spot {
            row: self.row,
            chosen: self.chosen.clone(),
            scroll: self.scroll,
        };
        let before = (self.page, spot);
        // a page that is open below is gone back to, not stacked
        let known = self.trail.iter().position(|(known, _)| *known == page);
        match known {
            Some(at) => self.trail.truncate(at),
            None => self.trail.push(before),
        }
        let trail = std::mem::take(&mut self.trail);
        self.turn(page);
        self.trail = trail;
    }

    /// Back to the page before, with what was chosen there; false where there is none.
    pub(super) fn go_back(&mut self) -> bool {
        let Some((page, spot)) = self.trail.pop() else {
            return false;
        };
        let trail = std::mem::take(&mut self.trail);
        self.turn(page);
        self.trail = trail;
        (self.row, self.chosen, self.scroll) = (spot.row, spot.chosen, spot.scroll);
        true
    }

    /// Shows a page; what was chosen on the one before is forgotten, and the way back.
    pub(super) fn turn(&mut self, page: Page) {
        self.page = page;
        (self.row, self.chosen, self.scroll) = (0, None, Scroll::default());
        self.aim = None;
        (self.wanted, self.start, self.start_at) = (None, 0, None);
        self.whole = Whole::No;
        self.typing = None;
        self.find.clear();
        self.trail.clear();
    }

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
