//! What keys can mean, and where. Which key means what is one table, in `bindings`; a page never
//! handles a key. What a person rebound in the settings is in `keymap`.

use super::{Elsewhere, Page, Panel};
use flinklab_event::JobAct;

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Leave.
    Quit,
    /// Give the terminal to the shell for a while.
    Suspend,
    /// One page back.
    Back,
    /// Show the failures.
    Failures,
    /// Aim the failure of that digit, or fire it if it is aimed. 0 turns the list's page.
    Digit(u8),
    /// Fire what is aimed; aim what is chosen.
    Fire,
    /// Show or hide help.
    Help,
    /// Give a panel the keys.
    Focus(Panel),
    /// Next panel.
    NextPanel,
    /// Previous panel.
    PreviousPanel,
    /// Build or finish the lab.
    Up,
    /// Take back everything that is applied.
    Heal,
    /// Scroll or choose, in rows.
    Move(i32),
    /// Scroll or choose, in pages.
    Page(i32),
    /// To the newest.
    End,
    /// To the oldest.
    Start,
    /// Open the newest run.
    Timeline,
    /// An older run (negative) or a newer one.
    Run(i32),
    /// Open a page, or leave it where it is open already.
    Open(Page),
    /// Open what is chosen.
    Enter,
    /// Another one of the same kind: pod, job, run.
    Sibling(i32),
    /// To the left (negative) or right in long lines.
    Side(i32),
    /// Which log lines: Flink's, those about high availability, all.
    LogLines,
    /// Only lines with these words.
    Filter,
    /// Look for words.
    Find,
    /// The next place with them, or the one before.
    FindNext(i32),
    /// Put a mark of one's own into the log.
    Mark,
    /// The log of the container before the last restart.
    Previous,
    /// The log of the chosen pod.
    PodLog,
    /// Everything that can be done or opened, by a few letters.
    Palette,
    /// The chosen thing to the clipboard.
    Copy,
    /// Flink's address, told and copied.
    Address,
    /// Hold the picture still, or let it go on.
    Pause,
    /// The next theme.
    Theme,
    /// Take what was typed.
    Accept,
    /// Take the last letter back.
    Erase,
    /// Earlier runs of the same failure beside the one that is shown, or not.
    Overlay,
    /// One-key mode on or off: a digit fires at once.
    Arm,
    /// Say what firing would do, and do nothing.
    DryRun,
    /// Look for all that stands in the way of a lab.
    Doctor,
    /// Look at something that needs no lab.
    Visit(Elsewhere),
    /// Ask for something to be done with the job; the same again does it.
    Job(JobAct),
    /// The lessons, or the one that is gone through.
    Lessons,
    /// The next step of the lesson, or the one before.
    Step(i32),
    /// The step of the lesson from its beginning.
    Again,
    /// Leave the lesson for the list of lessons.
    Leave,
    /// One idea a screen, for a room, or the pages again.
    Present,
    /// Show the room nothing, or go on.
    Blank,
    /// White or dark, for the light in the room.
    Light,
}

/// Where a key has its meaning. Most scopes inherit from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// On every page.
    Everywhere,
    /// On every page of a lab.
    Pages,
    /// On the welcome page.
    Welcome,
    /// While `up` or `down` goes on.
    Plan,
    /// On the dashboard.
    Dashboard,
    /// In the list of failures.
    Failures,
    /// On the page of one run.
    Run,
    /// On the page of one pod.
    Pod,
    /// On the page of the job.
    Job,
    /// On the page of the checkpoints.
    Checkpoints,
    /// On the page of epochs and restarts.
    History,
    /// On the page of the log.
    Log,
    /// On the page of commands.
    Commands,
    /// On the page of what can be done with the job.
    Control,
    /// On the page of lessons.
    Lesson,
    /// In front of a class.
    Present,
    /// On the help page.
    Help,
    /// While something is typed: letters are letters.
    Typing,
}

impl Scope {
    /// All scopes, in the order in which help shows them.
    pub const ALL: [Self; 18] = [
        Self::Dashboard,
        Self::Pod,
        Self::Job,
        Self::Checkpoints,
        Self::History,
        Self::Log,
        Self::Commands,
        Self::Control,
        Self::Lesson,
        Self::Present,
        Self::Failures,
        Self::Run,
        Self::Pages,
        Self::Everywhere,
        Self::Typing,
        Self::Welcome,
        Self::Plan,
        Self::Help,
    ];

    /// The scope whose keys also count here.
    #[must_use]
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::Everywhere | Self::Typing => None,
            Self::Pages
            | Self::Welcome
            | Self::Plan
            | Self::Failures
            | Self::Present
            | Self::Help => Some(Self::Everywhere),
            Self::Dashboard
            | Self::Run
            | Self::Pod
            | Self::Job
            | Self::Checkpoints
            | Self::History
            | Self::Log
            | Self::Commands
            | Self::Control
            | Self::Lesson => Some(Self::Pages),
        }
    }

    /// As the settings name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Everywhere => "everywhere",
            Self::Pages => "pages",
            Self::Welcome => "welcome",
            Self::Plan => "plan",
            Self::Dashboard => "dashboard",
            Self::Failures => "failures",
            Self::Run => "timeline",
            Self::Pod => "pod",
            Self::Job => "job",
            Self::Checkpoints => "checkpoints",
            Self::History => "history",
            Self::Log => "log",
            Self::Commands => "commands",
            Self::Control => "control",
            Self::Lesson => "lesson",
            Self::Present => "presenter",
            Self::Help => "help",
            Self::Typing => "typing",
        }
    }

    /// Whether keys of one scope count in the other.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        let within = |inner: Self, outer: Self| {
            let mut place = Some(inner);
            while let Some(here) = place {
                if here == outer {
                    return true;
                }
                place = here.parent();
            }
            false
        };
        within(self, other) || within(other, self)
    }
}

/// An action in a scope, with its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// Where.
    pub scope: Scope,
    /// As the settings name it; once in a scope.
    pub name: &'static str,
    /// What it does.
    pub action: Action,
    /// Its keys, unless the settings say otherwise, with blanks between them.
    pub keys: &'static str,
    /// What it does in a few words. Neighbours in the table with the same words are shown as one.
    pub words: &'static str,
    /// Whether the key line has it.
    pub in_line: bool,
}
