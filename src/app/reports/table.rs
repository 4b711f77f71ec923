//! Rows and columns, written as a terminal, Markdown or a browser wants them.

use flinklab_base::columns;
use flinklab_base::text::{markdown, xml as escaped};
use flinklab_lab::failure::Verdict;

/// On which side a column's words stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// How a cell is marked where there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Seen as expected.
    Good,
    /// Seen to be otherwise.
    Bad,
    /// Not seen.
    Open,
    /// A FAIL that is meant: nothing is wrong.
    Meant,
}

impl Mark {
    /// A verdict by itself.
    pub(super) const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Fail => Self::Bad,
            Verdict::Unknown | Verdict::Inconclusive => Self::Open,
        }
    }

    /// A run's verdict, held against the one that it should have.
    pub(super) fn against(verdict: Verdict, expected: Verdict) -> Self {
        match (Self::of(verdict), verdict == expected) {
            (Self::Bad, true) => Self::Meant,
            (Self::Good, false) => Self::Bad,
            (mark, _) => mark,
        }
    }

    /// Its class in a page.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "pass",
            Self::Bad => "fail",
            Self::Open => "open",
            Self::Meant => "meant",
        }
    }

    /// Its sign beside the words, for those who see no colours.
    pub(super) const fn sign(self) -> char {
        match self {
            Self::Good | Self::Meant => '✓',
            Self::Bad => '✗',
            Self::Open => '?',
        }
    }
}

/// A cell: parts of text, one after the other, each with its mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell(Vec<(String, Option<Mark>)>);

impl Cell {
    pub(super) fn marked(text: impl Into<String>, mark: Mark) -> Self {
        Self(vec![(text.into(), Some(mark))])
    }

    /// Several, with a comma between them.
    pub(super) fn listed(parts: Vec<(String, Mark)>) -> Self {
        let mut cell = Vec::new();
        for (text, mark) in parts {
            if !cell.is_empty() {
                cell.push((", ".to_owned(), None));
            }
            cell.push((text, Some(mark)));
        }
        Self(cell)
    }

    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(text, _)| text.as_str()).collect()
    }

    /// What is not as it should be stands out.
    fn markdown(&self) -> String {
        let parts = self.0.iter().map(|(text, mark)| match mark {
            Some(Mark::Bad | Mark::Open) => format!("**{}**", markdown(text)),
            Some(Mark::Good | Mark::Meant) | None => markdown(text),
        });
        parts.collect()
    }

    fn html(&self) -> String {
        let parts = self.0.iter().map(|(text, mark)| match mark {
            Some(mark) => format!(
                "<span class=\"{}\">{} {}</span>",
                mark.class(),
                mark.sign(),
                escaped(text)
            ),
            None => escaped(text),
        });
        parts.collect()
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self(vec![(text, None)])
    }
}

/// Rows under named columns.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) columns: Vec<(String, Side)>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(columns: &[(&str, Side)]) -> Self {
        Self {
            columns: columns
                .iter()
                .map(|(name, side)| ((*name).to_owned(), *side))
                .collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<Cell>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Columns as wide as their widest cell.
    pub(super) fn text(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(Cell::text).collect())
            .collect();
        let width = |n: usize| {
            let cells = rows.iter().filter_map(|row| row.get(n));
            let name = self.columns[n].0.as_str();
            columns::widest(cells.map(String::as_str).chain([name]))
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &[String]| {
            let mut line = String::new();
            for (n, cell) in cells.iter().enumerate() {
                let room = widths.get(n).copied().unwrap_or(0);
                let gap = if n == 0 { "" } else { "  " };
                line.push_str(gap);
                line.push_str(&match self.columns.get(n).map(|(_, side)| side) {
                    Some(Side::Right) => columns::right(cell, room),
                    Some(Side::Left) | None => columns::left(cell, room),
                });
            }
            format!("{}\n", line.trim_end())
        };
        let head: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let mut text = line(&head);
        for row in &rows {
            text.push_str(&line(row));
        }
        text
    }

    pub(super) fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(
            self.columns
                .iter()
                .map(|(name, _)| markdown(name))
                .collect(),
        );
        text.push_str(&line(
            self.columns
                .iter()
                .map(|(_, side)| match side {
                    Side::Left => "---".to_owned(),
                    Side::Right => "---:".to_owned(),
                })
                .collect(),
        ));
        for row in &self.rows {
            text.push_str(&line(row.iter().map(Cell::markdown).collect()));
        }
        text
    }

    pub(super) fn html(&self) -> String {
        let class = |n: usize| match self.columns.get(n).map(|(_, side)| side) {
            Some(Side::Right) => " class=\"figure\"",
            Some(Side::Left) | None => "",
        };
        let mut text = String::from("<div class=\"wide\"><table><thead><tr>");
        for (n, (name, _)) in self.columns.iter().enumerate() {
            text.push_str(&format!(
                "<th scope=\"col\"{}>{}</th>",
                class(n),
                escaped(name)
            ));
        }
        text.push_str("</tr></thead><tbody>\n");
        for row in &self.rows {
            text.push_str("<tr>");
            for (n, cell) in row.iter().enumerate() {
                text.push_str(&format!("<td{}>{}</td>", class(n), cell.html()));
            }
            text.push_str("</tr>\n");
        }
        text.push_str("</tbody></table></div>\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_whatever_their_letters() {
        let mut table = Table::new(&[("名前", Side::Left), ("n", Side::Right)]);
        table.row(vec!["日本語".to_owned(), "1".to_owned()]);
        table.row(vec!["abc".to_owned(), "百".to_owned()]);
        assert_eq!(table.text(), "名前     n\n日本語   1\nabc     百\n");
    }
}
