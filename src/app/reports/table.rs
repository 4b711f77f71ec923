//! Rows and columns, written as a terminal, Markdown or a browser wants them.

use flinklab_base::columns;
use flinklab_base::text::{markdown, xml as escaped};

/// On which side a column's words stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// Rows under named columns.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) columns: Vec<(String, Side)>,
    pub(super) rows: Vec<Vec<String>>,
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

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Columns as wide as their widest cell.
    pub(super) fn text(&self) -> String {
        let width = |n: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(n));
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
        for row in &self.rows {
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
            text.push_str(&line(row.iter().map(|cell| markdown(cell)).collect()));
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
                let verdict = match cell.as_str() {
                    "PASS" => "<span class=\"pass\">✓ PASS</span>",
                    "FAIL" => "<span class=\"fail\">✗ FAIL</span>",
                    "UNKNOWN" => "<span class=\"open\">? UNKNOWN</span>",
                    "INCONCLUSIVE" => "<span class=\"open\">? INCONCLUSIVE</span>",
                    _ => "",
                };
                let cell = match verdict {
                    "" => escaped(cell),
                    sign => sign.to_owned(),
                };
                text.push_str(&format!("<td{}>{cell}</td>", class(n)));
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
