//! What keys can mean, and where: the sections of the table of keys. A page brings its own; here are
//! those that belong to no page. What a person rebound in the settings is in `keymap`.

use crate::Ui;
use crate::pages::Page;
use crate::pages::dashboard::Panel;
use crate::{present, typing};
use flinklab_event::Effect;
use flinklab_model::Elsewhere;

/// What a key means: what several pages know, or what one page does alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Leave.
    Quit,
    /// Give the terminal to the shell for a while.
    Suspend,
    /// One page back.
    Back,
    /// Show or hide help.
    Help,
    /// Give a panel the keys.
    Focus(Panel),
    /// The next part of the page, or the one before.
    Part(i32),
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
    /// Open a page, or leave it where it is open already.
    Open(Page),
    /// Open what is chosen.
    Enter,
    /// Another one of the same kind: pod, job, run.
    Sibling(i32),
    /// Which log lines: Flink's, those about high availability, all.
    LogLines,
    /// Look for words.
    Find,
    /// The next place with them, or the one before.
    FindNext(i32),
    /// The log of the container before the last restart.
    Previous,
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
    /// One-key mode on or off: a digit fires at once.
    Arm,
    /// Look for all that stands in the way of a lab.
    Doctor,
    /// Look at something that needs no lab.
    Visit(Elsewhere),
    /// The next step of the lesson, or the one before.
    Step(i32),
    /// The step of the lesson from its beginning.
    Again,
    /// One idea a screen, for a room, or the pages again.
    Present,
    /// Show the room nothing, or go on.
    Blank,
    /// White or dark, for the light in the room.
    Light,
    /// What only the page that is open does.
    Own(Own),
}

/// What only one page does.
#[derive(Debug, Clone, Copy)]
pub struct Own {
    /// As the settings name it; once on a page.
    pub name: &'static str,
    /// Does it.
    pub run: fn(&mut Ui) -> Vec<Effect>,
}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Own {}

/// Where a key has its meaning. Most scopes inherit from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// On every page.
    Everywhere,
    /// On every page of a lab.
    Pages,
    /// On one page.
    Of(Page),
    /// In front of a class.
    Present,
    /// While something is typed: letters are letters.
    Typing,
}

/// The keys of a scope.
#[derive(Debug)]
pub struct Section {
    /// As the settings name it.
    pub name: &'static str,
    /// As help calls it.
    pub words: &'static str,
    /// The scope whose keys also count here.
    pub parent: Option<Scope>,
    /// The key that leads here from every page of a lab, if one does, and its rank among those: help
    /// and the key line list the lower ones first.
    pub opened_by: Option<(u8, Row)>,
    /// In the order of help and key line.
    pub rows: &'static [Row],
}

/// An action with its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// As the settings name it; once in a scope.
    pub name: &'static str,
    /// What it does.
    pub action: Action,
    /// Its keys, unless the settings say otherwise, with blanks between them.
    pub keys: &'static str,
    /// What it does in a few words. Neighbours with the same words are shown as one.
    pub words: &'static str,
    /// Whether the key line has it.
    pub in_line: bool,
    /// Whether the palette leaves it out: it moves, or is pressed twice.
    pub by_key: bool,
}

/// A row in its scope.
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
    /// What it does in a few words. Neighbours with the same words are shown as one.
    pub words: &'static str,
    /// Whether the key line has it.
    pub in_line: bool,
    /// Whether the palette leaves it out: it moves, or is pressed twice.
    pub by_key: bool,
}

/// The keys of a page.
pub(crate) enum Keys {
    /// Its own.
    Own(&'static Section),
    /// Those of another page.
    Of(Page),
}

/// An action that help names.
pub(super) const fn key(
    name: &'static str,
    action: Action,
    keys: &'static str,
    words: &'static str,
) -> Row {
    Row {
        name,
        action,
        keys,
        words,
        in_line: false,
        by_key: false,
    }
}

/// An action that the key line names too.
pub(super) const fn line(
    name: &'static str,
    action: Action,
    keys: &'static str,
    words: &'static str,
) -> Row {
    Row {
        in_line: true,
        ..key(name, action, keys, words)
    }
}

/// What only one page does.
pub(super) const fn own(
    name: &'static str,
    keys: &'static str,
    words: &'static str,
    run: fn(&mut Ui) -> Vec<Effect>,
) -> Row {
    key(name, Action::Own(Own { name, run }), keys, words)
}

impl Row {
    /// The key line names it too.
    pub(super) const fn in_line(self) -> Self {
        Self {
            in_line: true,
            ..self
        }
    }

    /// The palette leaves it out.
    pub(super) const fn by_key(self) -> Self {
        Self {
            by_key: true,
            ..self
        }
    }
}

impl Page {
    /// Whose keys count.
    #[must_use]
    pub fn scope(self) -> Scope {
        match self.component().keys() {
            Keys::Own(_) => Scope::Of(self),
            Keys::Of(other) => Scope::Of(other),
        }
    }
}

impl Scope {
    /// All scopes, in the order in which help shows them: those that belong to no page stand where
    /// they are met.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for page in Page::ALL {
            match page {
                Page::Failures => all.push(Self::Present),
                Page::Welcome => all.extend([Self::Pages, Self::Everywhere, Self::Typing]),
                _ => {}
            }
            if let Keys::Own(_) = page.component().keys() {
                all.push(Self::Of(*page));
            }
        }
        all
    }

    /// Its keys.
    #[must_use]
    pub fn section(self) -> &'static Section {
        match self {
            Self::Everywhere => &EVERYWHERE,
            Self::Pages => &PAGES,
            Self::Present => &present::KEYS,
            Self::Typing => &typing::KEYS,
            Self::Of(page) => match page.component().keys() {
                Keys::Own(section) => section,
                Keys::Of(other) => Self::Of(other).section(),
            },
        }
    }

    /// The scope whose keys also count here.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.section().parent
    }

    /// As the settings name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.section().name
    }

    /// Itself, and the scopes whose keys count here too, the nearest first.
    pub fn chain(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |scope| scope.parent())
    }

    /// Whether keys of one scope count in the other.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.chain().any(|scope| scope == other) || other.chain().any(|scope| scope == self)
    }
}

/// All keys as they are unless the settings say otherwise, in the order in which help shows them.
pub fn bindings() -> impl Iterator<Item = Binding> {
    Scope::all().into_iter().flat_map(|scope| {
        let mut rows = scope.section().rows.to_vec();
        if scope == Scope::Pages {
            rows = with_openers(&rows);
        }
        rows.into_iter().map(move |row| Binding {
            scope,
            name: row.name,
            action: row.action,
            keys: row.keys,
            words: row.words,
            in_line: row.in_line,
            by_key: row.by_key,
        })
    })
}

/// The keys of every page of a lab, after those that open pages.
fn with_openers(rows: &[Row]) -> Vec<Row> {
    let scopes = Scope::all().into_iter();
    let mut openers: Vec<(u8, Row)> = scopes
        .filter_map(|scope| scope.section().opened_by)
        .collect();
    openers.sort_by_key(|(rank, _)| *rank);
    let openers = openers.into_iter().map(|(_, row)| row);
    openers.chain(rows.iter().copied()).collect()
}

use Action as A;

/// On every page of a lab, besides the keys that open pages.
#[rustfmt::skip] // a table
static PAGES: Section = Section {
    name: "pages",
    words: "on every page of a lab",
    parent: Some(Scope::Everywhere),
    opened_by: None,
    rows: &[
        key("address", A::Address, "w", "address of Flink's UI"),
        key("copy", A::Copy, "y", "copy what is chosen"),
        key("pause", A::Pause, "space", "hold the picture still"),
        key("heal", A::Heal, "U", "take back what is broken"),
    ],
};

/// On every page.
#[rustfmt::skip] // a table
static EVERYWHERE: Section = Section {
    name: "everywhere",
    words: "everywhere",
    parent: None,
    opened_by: None,
    rows: &[
        line("back", A::Back, "esc", "back"),
        key("down", A::Move(1), "j down", "down, up").by_key(),
        key("up", A::Move(-1), "k up", "down, up").by_key(),
        key("page-down", A::Page(1), "pgdn ctrl-d", "page down, up").by_key(),
        key("page-up", A::Page(-1), "pgup ctrl-u", "page down, up").by_key(),
        key("first", A::Start, "g home", "first, oldest"),
        key("last", A::End, "G end", "last, newest"),
        key("theme", A::Theme, "T", "next theme"),
        line("palette", A::Palette, ": ctrl-p", "palette").by_key(),
        line("help", A::Help, "?", "help"),
        key("suspend", A::Suspend, "ctrl-z", "to the shell; fg comes back"),
        line("quit", A::Quit, "q ctrl-c", "quit"),
    ],
};
