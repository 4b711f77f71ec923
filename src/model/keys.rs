//! The one table of keys. Help, key line, palette and documentation read it; a page never handles a
//! key. What a person rebound in the settings is in `keymap`.

use super::{Elsewhere, Page, Panel};

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
    /// On the help page.
    Help,
    /// While something is typed: letters are letters.
    Typing,
}

impl Scope {
    /// All scopes, in the order in which help shows them.
    pub const ALL: [Self; 15] = [
        Self::Dashboard,
        Self::Pod,
        Self::Job,
        Self::Checkpoints,
        Self::History,
        Self::Log,
        Self::Commands,
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
            Self::Pages | Self::Welcome | Self::Plan | Self::Failures | Self::Help => {
                Some(Self::Everywhere)
            }
            Self::Dashboard
            | Self::Run
            | Self::Pod
            | Self::Job
            | Self::Checkpoints
            | Self::History
            | Self::Log
            | Self::Commands => Some(Self::Pages),
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

/// An action that help names.
const fn key(
    scope: Scope,
    name: &'static str,
    action: Action,
    keys: &'static str,
    words: &'static str,
) -> Binding {
    Binding {
        scope,
        name,
        action,
        keys,
        words,
        in_line: false,
    }
}

/// An action that the key line names too.
const fn line(
    scope: Scope,
    name: &'static str,
    action: Action,
    keys: &'static str,
    words: &'static str,
) -> Binding {
    Binding {
        in_line: true,
        ..key(scope, name, action, keys, words)
    }
}

use Action as A;
use Scope as S;

/// All keys. Within a scope the order is that of help and key line.
#[rustfmt::skip] // a table
pub const BINDINGS: &[Binding] = &[
    line(S::Dashboard, "open", A::Enter, "enter", "open"),
    key(S::Dashboard, "next-panel", A::NextPanel, "tab", "panel"),
    key(S::Dashboard, "panel-before", A::PreviousPanel, "shift-tab", "panel before"),
    key(S::Dashboard, "panel-1", A::Focus(Panel::Pods), "1", "that panel"),
    key(S::Dashboard, "panel-2", A::Focus(Panel::Leader), "2", "that panel"),
    key(S::Dashboard, "panel-3", A::Focus(Panel::Checkpoints), "3", "that panel"),
    key(S::Dashboard, "panel-4", A::Focus(Panel::Run), "4", "that panel"),
    key(S::Dashboard, "panel-5", A::Focus(Panel::Log), "5", "that panel"),
    key(S::Dashboard, "log-lines", A::LogLines, "v", "which log lines"),
    key(S::Dashboard, "find", A::Find, "/", "find in the log"),
    key(S::Dashboard, "previous-log", A::Previous, "p", "log before the restart"),
    key(S::Dashboard, "finish", A::Up, "u", "finish the lab"),
    line(S::Pod, "previous-log", A::Previous, "p", "log before the restart"),
    line(S::Pod, "log", A::PodLog, "enter", "its log"),
    line(S::Pod, "next", A::Sibling(1), "> right", "next pod"),
    key(S::Pod, "before", A::Sibling(-1), "< left", "pod before"),
    line(S::Pod, "find", A::Find, "/", "find"),
    line(S::Job, "whole", A::Enter, "enter", "whole exception"),
    line(S::Job, "find", A::Find, "/", "find"),
    key(S::Job, "find-next", A::FindNext(1), "n", "next found"),
    key(S::Job, "find-before", A::FindNext(-1), "N", "found before"),
    line(S::Checkpoints, "find", A::Find, "/", "find"),
    key(S::Checkpoints, "find-next", A::FindNext(1), "n", "next found"),
    key(S::Checkpoints, "find-before", A::FindNext(-1), "N", "found before"),
    line(S::History, "open", A::Enter, "enter", "open"),
    line(S::History, "find", A::Find, "/", "find"),
    key(S::History, "find-next", A::FindNext(1), "n", "next found"),
    key(S::History, "find-before", A::FindNext(-1), "N", "found before"),
    line(S::Log, "find", A::Find, "/", "find"),
    line(S::Log, "filter", A::Filter, "&", "filter"),
    line(S::Log, "lines", A::LogLines, "v", "which lines"),
    line(S::Log, "pod", A::Sibling(1), ">", "one pod"),
    key(S::Log, "pod-before", A::Sibling(-1), "<", "pod before"),
    line(S::Log, "mark", A::Mark, "m", "mark"),
    key(S::Log, "whole", A::Enter, "enter", "whole line"),
    key(S::Log, "find-next", A::FindNext(1), "n", "next found"),
    key(S::Log, "find-before", A::FindNext(-1), "N", "found before"),
    key(S::Log, "right", A::Side(8), "right", "along the line"),
    key(S::Log, "left", A::Side(-8), "left", "along the line"),
    key(S::Commands, "find", A::Find, "/", "find"),
    key(S::Commands, "find-next", A::FindNext(1), "n", "next found"),
    key(S::Commands, "find-before", A::FindNext(-1), "N", "found before"),
    key(S::Failures, "aim-1", A::Digit(1), "1", "aim; again: fire"),
    key(S::Failures, "aim-2", A::Digit(2), "2", "aim; again: fire"),
    key(S::Failures, "aim-3", A::Digit(3), "3", "aim; again: fire"),
    key(S::Failures, "aim-4", A::Digit(4), "4", "aim; again: fire"),
    key(S::Failures, "aim-5", A::Digit(5), "5", "aim; again: fire"),
    key(S::Failures, "aim-6", A::Digit(6), "6", "aim; again: fire"),
    key(S::Failures, "aim-7", A::Digit(7), "7", "aim; again: fire"),
    key(S::Failures, "aim-8", A::Digit(8), "8", "aim; again: fire"),
    key(S::Failures, "aim-9", A::Digit(9), "9", "aim; again: fire"),
    key(S::Failures, "more", A::Digit(0), "0", "more failures"),
    line(S::Failures, "fire", A::Fire, "enter", "aim the chosen; then fire"),
    line(S::Failures, "dry-run", A::DryRun, "D", "dry run"),
    line(S::Failures, "arm", A::Arm, "!", "arm one-key mode"),
    key(S::Failures, "next", A::NextPanel, "tab", "next failure"),
    key(S::Failures, "before", A::PreviousPanel, "shift-tab", "failure before"),
    key(S::Failures, "close", A::Back, "x", "close"),
    line(S::Run, "older", A::Run(-1), "left", "older run"),
    line(S::Run, "newer", A::Run(1), "right", "newer run"),
    line(S::Run, "overlay", A::Overlay, "o", "earlier runs"),
    key(S::Dashboard, "arm", A::Arm, "!", "arm: digits fire"),
    line(S::Pages, "failures", A::Failures, "x", "failures"),
    line(S::Pages, "log", A::Open(Page::Log), "l", "log"),
    line(S::Pages, "checkpoints", A::Open(Page::Checkpoints), "c", "checkpoints"),
    line(S::Pages, "timeline", A::Timeline, "t", "timeline"),
    line(S::Pages, "history", A::Open(Page::History), "h", "history"),
    line(S::Pages, "job", A::Open(Page::Job), "f", "Flink job"),
    key(S::Pages, "pod", A::Open(Page::Pod), "d", "describe the pod"),
    key(S::Pages, "commands", A::Open(Page::Commands), "@", "commands behind it all"),
    key(S::Pages, "address", A::Address, "w", "address of Flink's UI"),
    key(S::Pages, "copy", A::Copy, "y", "copy what is chosen"),
    key(S::Pages, "pause", A::Pause, "space", "hold the picture still"),
    key(S::Pages, "heal", A::Heal, "U", "take back what is broken"),
    key(S::Failures, "heal", A::Heal, "U", "take back what is broken"),
    line(S::Welcome, "up", A::Up, "u enter", "build the lab"),
    line(S::Welcome, "try", A::Visit(Elsewhere::Try), "t", "simulated lab"),
    line(S::Welcome, "demo", A::Visit(Elsewhere::Demo), "d", "demo"),
    line(S::Welcome, "doctor", A::Doctor, "D", "doctor"),
    line(S::Plan, "up", A::Up, "u", "try again"),
    key(S::Plan, "close", A::Back, "enter", "back"),
    line(S::Help, "find", A::Find, "/", "find"),
    line(S::Everywhere, "back", A::Back, "esc", "back"),
    key(S::Everywhere, "down", A::Move(1), "j down", "down, up"),
    key(S::Everywhere, "up", A::Move(-1), "k up", "down, up"),
    key(S::Everywhere, "page-down", A::Page(1), "pgdn ctrl-d", "page down, up"),
    key(S::Everywhere, "page-up", A::Page(-1), "pgup ctrl-u", "page down, up"),
    key(S::Everywhere, "first", A::Start, "g home", "first, oldest"),
    key(S::Everywhere, "last", A::End, "G end", "last, newest"),
    key(S::Everywhere, "theme", A::Theme, "T", "next theme"),
    line(S::Everywhere, "palette", A::Palette, ": ctrl-p", "palette"),
    line(S::Everywhere, "help", A::Help, "?", "help"),
    key(S::Everywhere, "suspend", A::Suspend, "ctrl-z", "to the shell; fg comes back"),
    line(S::Everywhere, "quit", A::Quit, "q ctrl-c", "quit"),
    line(S::Typing, "take", A::Accept, "enter", "take"),
    line(S::Typing, "leave", A::Back, "esc", "leave"),
    key(S::Typing, "erase", A::Erase, "backspace", "last letter back"),
    key(S::Typing, "down", A::Move(1), "down tab ctrl-n", "down, up"),
    key(S::Typing, "up", A::Move(-1), "up shift-tab", "down, up"),
    key(S::Typing, "page-down", A::Page(1), "pgdn", "page down, up"),
    key(S::Typing, "page-up", A::Page(-1), "pgup", "page down, up"),
    key(S::Typing, "close", A::Palette, "ctrl-p", "close the palette"),
    key(S::Typing, "quit", A::Quit, "ctrl-c", "quit"),
];
