//! How far pages are scrolled. How long a page is, only the view knows, which wraps its lines: what
//! was drawn of it is given back, so that no key leads past the end and counts there
//! unseen.

use crate::{Page, RowId, Typing, Ui};

/// Rows of a page up or down before anything was drawn.
const PAGE_ROWS: usize = 10;

/// How far a text is scrolled, from its top or from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scroll {
    /// So many rows are above the first in sight.
    Top(usize),
    /// So many rows are below the last in sight.
    End(usize),
}

impl Default for Scroll {
    fn default() -> Self {
        Self::Top(0)
    }
}

impl Scroll {
    /// The first row in sight, of so many where so many fit.
    #[must_use]
    pub const fn first(self, rows: usize, height: usize) -> usize {
        let last = rows.saturating_sub(height);
        match self {
            Self::Top(above) if above > last => last,
            Self::Top(above) => above,
            Self::End(below) => last.saturating_sub(below),
        }
    }

    /// Moved by rows; as far as the text goes, where that is known.
    fn moved(self, by: i32, extent: Option<Extent>) -> Self {
        let rows = usize::try_from(by.unsigned_abs()).unwrap_or(usize::MAX);
        match (by, self, extent) {
            (i32::MIN, ..) => Self::Top(0),
            (i32::MAX, ..) => Self::End(0),
            (by, at, Some(extent)) => {
                let last = extent.rows.saturating_sub(extent.height);
                let first = at.first(extent.rows, extent.height);
                Self::Top(if by < 0 {
                    first.saturating_sub(rows)
                } else {
                    first.saturating_add(rows).min(last)
                })
            }
            (..0, Self::Top(above), None) => Self::Top(above.saturating_sub(rows)),
            (_, Self::Top(above), None) => Self::Top(above.saturating_add(rows)),
            (..0, Self::End(below), None) => Self::End(below.saturating_add(rows)),
            (_, Self::End(below), None) => Self::End(below.saturating_sub(rows)),
        }
    }
}

/// How much of what scrolls was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// All rows there are.
    pub rows: usize,
    /// Rows that fit.
    pub height: usize,
    /// Rows that a page up or down moves by.
    pub page: usize,
}

impl Extent {
    /// Of so many rows so many fit.
    #[must_use]
    pub fn new(rows: usize, height: usize) -> Self {
        Self {
            rows,
            height,
            page: height.max(1),
        }
    }
}

/// What the keys that scroll move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    page: Page,
    part: usize,
    palette: bool,
}

/// What was drawn of an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// Which one.
    pub area: Area,
    /// How much of it.
    pub extent: Extent,
}

impl Ui {
    /// What the keys that scroll move now.
    #[must_use]
    pub fn area(&self) -> Area {
        Area {
            page: self.screen.page,
            part: self.page().scrolled_part(self),
            palette: self.screen.typing == Some(Typing::Palette),
        }
    }

    /// Takes in what was drawn of it.
    pub fn drawn(&mut self, drawn: Drawn) {
        let screen = match &mut self.held {
            Some(held) => &mut held.picture.screen,
            None => &mut self.screen,
        };
        screen.drawn = Some(drawn);
    }

    /// How much of it was drawn; none: it was not drawn yet.
    fn extent(&self) -> Option<Extent> {
        let drawn = self.screen.drawn.filter(|drawn| drawn.area == self.area());
        drawn.map(|drawn| drawn.extent)
    }

    /// Rows of a page up or down.
    pub(super) fn page_rows(&self) -> i32 {
        let rows = self.extent().map_or(PAGE_ROWS, |extent| extent.page);
        i32::try_from(rows).unwrap_or(i32::MAX).max(1)
    }
}

/// Scrolls the page's text.
pub(super) fn scroll_text(ui: &mut Ui, by: i32) {
    ui.screen.spot.scroll = ui.screen.spot.scroll.moved(by, ui.extent());
}

/// Chooses another one of the page's rows.
pub(super) fn scroll_rows(ui: &mut Ui, rows: &[RowId], by: i32) {
    let row = moved(ui.screen.spot.row, by, rows.len());
    ui.choose(row);
}

/// A place in a list of so many, moved and kept inside.
pub(super) fn moved(place: usize, by: i32, count: usize) -> usize {
    let last = i64::try_from(count.saturating_sub(1)).unwrap_or(i64::MAX);
    let place = i64::try_from(place).unwrap_or(last);
    usize::try_from((place + i64::from(by)).clamp(0, last)).unwrap_or(0)
}

/// The place so many steps on among so many, round and round; none where there is none.
pub(super) fn round(place: usize, by: i32, count: usize) -> Option<usize> {
    let count = i64::try_from(count).ok().filter(|count| *count > 0)?;
    let place = i64::try_from(place).ok()?;
    usize::try_from((place + i64::from(by)).rem_euclid(count)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_end_one_row_up_is_one_row() {
        let extent = Extent::new(30, 10);
        for known in [None, Some(extent)] {
            let end = Scroll::default().moved(i32::MAX, known);
            assert_eq!(end.first(30, 10), 20);
            assert_eq!(end.moved(-1, known).first(30, 10), 19);
            assert_eq!(end.moved(-1, known).moved(1, known).first(30, 10), 20);
            assert_eq!(end.moved(-40, known).first(30, 10), 0);
        }
    }

    #[test]
    fn what_is_past_the_end_does_not_count() {
        let extent = Some(Extent::new(30, 10));
        let past = Scroll::Top(500);
        assert_eq!(past.moved(-1, extent), Scroll::Top(19));
        assert_eq!(Scroll::Top(0).moved(500, extent), Scroll::Top(20));
        let short = Some(Extent::new(3, 10));
        assert_eq!(Scroll::Top(0).moved(1, short), Scroll::Top(0));
    }
}
