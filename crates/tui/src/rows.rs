//! Which row is chosen, by what it is about: lists grow and shrink while somebody reads them, and a
//! key must mean the row that was looked at.

use crate::{Page, Scroll, Typing, Ui};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a row is about, as a number: the same as long as the row is about the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId(u64);

impl RowId {
    /// That of a row about this.
    #[must_use]
    pub fn of(about: &(impl Hash + ?Sized)) -> Self {
        let mut hasher = DefaultHasher::new();
        about.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// Where a page is looked at: what is chosen on it, and how far it is scrolled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spot {
    /// The row.
    pub row: usize,
    /// What it is about, where the list may change.
    pub chosen: Option<RowId>,
    /// How far.
    pub scroll: Scroll,
}

impl Ui {
    /// Chooses a row of the list. The first of one that grows at its head is whatever is newest.
    pub(super) fn choose(&mut self, row: usize) {
        let page = self.page();
        let rows = match row {
            0 if page.newest_first() => None,
            _ => page.rows(self),
        };
        self.screen.spot.row = row;
        self.screen.spot.chosen = rows.and_then(|rows| rows.get(row).copied());
    }

    /// After keys and events: what pages remember follows what is known, and rows are where what
    /// they are about is.
    pub(super) fn settle(&mut self) {
        for page in Page::ALL {
            page.component().keep(self);
        }
        self.keep_row();
        self.keep_entry();
    }

    /// Follows what is chosen to where it is after the list changed. What is gone leaves its place
    /// to the next one.
    fn keep_row(&mut self) {
        let page = self.page();
        let row = self.screen.spot.row;
        let Some(chosen) = self.screen.spot.chosen else {
            if !page.newest_first() {
                self.choose(row);
            }
            return;
        };
        let rows = page.rows(self).unwrap_or_default();
        match rows.iter().position(|id| *id == chosen) {
            Some(row) => self.screen.spot.row = row,
            None => self.choose(row.min(rows.len().saturating_sub(1))),
        }
    }

    fn keep_entry(&mut self) {
        if let (Some(Typing::Palette), Some(act)) = (self.screen.typing, &self.screen.palette_entry)
        {
            let row = self.palette().iter().position(|entry| entry.act == *act);
            self.screen.palette_row = row.unwrap_or(self.screen.palette_row);
        }
    }
}
