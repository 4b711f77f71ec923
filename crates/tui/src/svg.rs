//! One screen as an SVG file: text that can be read and found, colours that follow the reader's
//! light or dark page, lines and blocks drawn as shapes so that they join in every font.

use crate::{Ui, draw};
use flinklab_base::text::xml as escaped;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr;

/// A cell, in units of the drawing.
const WIDE: u32 = 8;
const HIGH: u32 = 17;
/// Where letters stand in it.
const BASE: u32 = 13;
/// Around the screen.
const MARGIN: u32 = 12;
/// The colours of the page: paper and ink, light and dark.
const PAPER: (&str, &str) = ("#ffffff", "#11151c");
const INK: (&str, &str) = ("#24292f", "#d7dde5");

/// The screen of a model at that size, as an SVG.
#[must_use]
pub fn svg(ui: &Ui, columns: u16, rows: u16, title: &str) -> String {
    let mut ui = ui.clone();
    (ui.screen.columns, ui.screen.rows) = (columns, rows);
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
    let Ok(drawn) = terminal.draw(|frame| draw(&ui, frame));
    of(drawn.buffer, title)
}

/// A style as far as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ink {
    colour: Option<u8>,
    bold: bool,
    dim: bool,
    underlined: bool,
    reversed: bool,
}

fn ink(cell: &Cell) -> Ink {
    Ink {
        colour: index(cell.fg),
        bold: cell.modifier.contains(Modifier::BOLD),
        dim: cell.modifier.contains(Modifier::DIM),
        underlined: cell.modifier.contains(Modifier::UNDERLINED),
        reversed: cell.modifier.contains(Modifier::REVERSED),
    }
}

/// A buffer as an SVG.
fn of(buffer: &Buffer, title: &str) -> String {
    let area = buffer.area;
    let (columns, rows) = (u32::from(area.width), u32::from(area.height));
    let (width, height) = (columns * WIDE + 2 * MARGIN, rows * HIGH + 2 * MARGIN);
    let mut colours = BTreeSet::new();
    let mut body = String::new();
    for y in 0..area.height {
        row(buffer, y, &mut body, &mut colours);
    }
    let mut light = format!(".p{{fill:{}}}.i,.t{{fill:{}}}", PAPER.0, INK.0);
    let mut dark = format!(".p{{fill:{}}}.i,.t{{fill:{}}}", PAPER.1, INK.1);
    for colour in colours {
        let (on_light, on_dark) = shades(colour);
        let _ = write!(light, ".c{colour}{{fill:{on_light}}}");
        let _ = write!(dark, ".c{colour}{{fill:{on_dark}}}");
    }
    let title = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n<style>\
         text{{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;\
         white-space:pre}}.b{{font-weight:bold}}.d{{opacity:.65}}\
         .u{{text-decoration:underline}}{light}\
         @media(prefers-color-scheme:dark){{{dark}}}</style>\n\
         <rect class=\"p\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>\n\
         <g transform=\"translate({MARGIN} {MARGIN})\">\n{body}</g>\n</svg>\n"
    )
}

/// One row: neighbours of one style together.
fn row(buffer: &Buffer, y: u16, body: &mut String, colours: &mut BTreeSet<u8>) {
    let top = u32::from(y) * HIGH;
    let mut x = 0;
    while x < buffer.area.width {
        let style = ink(&buffer[(x, y)]);
        let from = x;
        let mut text = String::new();
        let mut shapes = String::new();
        while x < buffer.area.width && ink(&buffer[(x, y)]) == style {
            let symbol = buffer[(x, y)].symbol();
            match shape(symbol, u32::from(x) * WIDE, top) {
                Some(drawn) => {
                    shapes.push_str(&drawn);
                    text.push(' ');
                }
                None => text.push_str(symbol),
            }
            let wide = u16::try_from(symbol.width().max(1)).unwrap_or(1);
            x = x.saturating_add(wide);
        }
        let (left, cells) = (u32::from(from) * WIDE, u32::from(x - from));
        let mut class = match (style.reversed, style.colour) {
            (true, _) => "p".to_owned(),
            (false, Some(colour)) => {
                colours.insert(colour);
                format!("c{colour}")
            }
            (false, None) => "i".to_owned(),
        };
        if style.reversed {
            let paint = style.colour.map_or("i".to_owned(), |colour| {
                colours.insert(colour);
                format!("c{colour}")
            });
            let _ = writeln!(
                body,
                "<rect class=\"{paint}\" x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{HIGH}\"/>",
                cells * WIDE
            );
        }
        if !shapes.is_empty() {
            let dim = if style.dim { " d" } else { "" };
            let _ = writeln!(body, "<path class=\"{class}{dim}\" d=\"{shapes}\"/>");
        }
        for (on, word) in [
            (style.bold, " b"),
            (style.dim, " d"),
            (style.underlined, " u"),
        ] {
            if on {
                class.push_str(word);
            }
        }
        words(&text, &class, left, top, body);
    }
}

/// The words of a stretch, each in its own place: no font can push the next one away.
fn words(text: &str, class: &str, left: u32, top: u32, body: &mut String) {
    let mut at = 0;
    // two blanks part words: a sentence stays one text
    for piece in text.split("  ") {
        let trimmed = piece.trim();
        let lead = piece.len() - piece.trim_start().len();
        let wide = cells(piece);
        if !trimmed.is_empty() {
            let x = left + (at + u32::try_from(lead).unwrap_or(0)) * WIDE;
            let length = cells(trimmed) * WIDE;
            let _ = writeln!(
                body,
                "<text class=\"{class}\" x=\"{x}\" y=\"{}\" textLength=\"{length}\">{}</text>",
                top + BASE,
                escaped(trimmed)
            );
        }
        at += wide + 2;
    }
}

fn cells(text: &str) -> u32 {
    u32::try_from(text.width()).unwrap_or(0)
}

/// Lines and blocks as a path; none for letters.
fn shape(symbol: &str, x: u32, y: u32) -> Option<String> {
    let letter = symbol.chars().next()?;
    let (right, bottom) = (x + WIDE, y + HIGH);
    let (mid, half) = (x + WIDE / 2, y + HIGH / 2);
    let part = |x: u32, y: u32, w: u32, h: u32| format!("M{x} {y}h{w}v{h}h-{w}z");
    // arms of a line: left, right, up, down; thick ones are two wide
    let arms = |left: bool, to_right: bool, up: bool, down: bool, thick: u32| {
        let mut path = String::new();
        if left || to_right {
            let (from, to) = (
                if left { x } else { mid },
                if to_right { right } else { mid + thick },
            );
            path.push_str(&part(from, half, to - from, thick));
        }
        if up || down {
            let (from, to) = (
                if up { y } else { half },
                if down { bottom } else { half + thick },
            );
            path.push_str(&part(mid, from, thick, to - from));
        }
        path
    };
    let eighths = |n: u32| {
        let high = (HIGH * n).div_ceil(8);
        part(x, bottom - high, WIDE, high)
    };
    Some(match letter {
        '─' => arms(true, true, false, false, 1),
        '━' => arms(true, true, false, false, 2),
        '│' => arms(false, false, true, true, 1),
        '┌' | '╭' => arms(false, true, false, true, 1),
        '┐' | '╮' => arms(true, false, false, true, 1),
        '└' | '╰' => arms(false, true, true, false, 1),
        '┘' | '╯' => arms(true, false, true, false, 1),
        '├' => arms(false, true, true, true, 1),
        '┤' => arms(true, false, true, true, 1),
        '┬' => arms(true, true, false, true, 1),
        '┴' => arms(true, true, true, false, 1),
        '┼' => arms(true, true, true, true, 1),
        '╎' | '┆' | '┊' => (0..3).map(|n| part(mid, y + 1 + n * 6, 1, 3)).collect(),
        '█' => part(x, y, WIDE, HIGH),
        '▁'..='▇' => eighths(u32::from(letter) - u32::from('▁') + 1),
        '▀' => part(x, y, WIDE, HIGH / 2),
        '▌' => part(x, y, WIDE / 2, HIGH),
        '▐' => part(mid, y, WIDE / 2, HIGH),
        '▏' => part(x, y, 1, HIGH),
        '░' | '▒' | '▓' => {
            let step = if letter == '░' { 4 } else { 2 };
            let dots = (0..HIGH).step_by(4).enumerate().flat_map(|(n, down)| {
                let shift = if n % 2 == 0 { 0 } else { 2 };
                (shift..WIDE)
                    .step_by(step)
                    .map(move |across| (across, down))
            });
            dots.map(|(across, down)| part(x + across, y + down, 1, 1))
                .collect()
        }
        _ => return None,
    })
}

/// Colours by their number in the table of 256; others are left to the page.
fn index(colour: Color) -> Option<u8> {
    Some(match colour {
        Color::Indexed(n) => n,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Rgb(r, g, b) => {
            let level = |part: u8| u8::try_from(u32::from(part) * 5 / 255).unwrap_or(5);
            16 + 36 * level(r) + 6 * level(g) + level(b)
        }
        Color::Reset | Color::Black => return None,
    })
}

/// A colour of the table on a light and on a dark page. On paper it is made dark enough to read.
fn shades(colour: u8) -> (String, String) {
    const OLD: [(u8, u8, u8); 16] = [
        (0, 0, 0),
        (205, 49, 49),
        (13, 188, 121),
        (229, 229, 16),
        (36, 114, 200),
        (188, 63, 188),
        (17, 168, 205),
        (204, 204, 204),
        (118, 118, 118),
        (241, 76, 76),
        (35, 209, 139),
        (245, 245, 67),
        (59, 142, 234),
        (214, 112, 214),
        (41, 184, 219),
        (229, 229, 229),
    ];
    let (r, g, b) = match colour {
        0..16 => OLD[usize::from(colour)],
        16..232 => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let n = colour - 16;
            (level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        _ => {
            let grey = 8 + 10 * (colour - 232);
            (grey, grey, grey)
        }
    };
    let hex = |(r, g, b): (u8, u8, u8)| format!("#{r:02x}{g:02x}{b:02x}");
    let mut paper = (r, g, b);
    while contrast_to_white(paper) < 4.5 {
        let darker = |part: u8| u8::try_from(u32::from(part) * 15 / 16).unwrap_or(0);
        paper = (darker(paper.0), darker(paper.1), darker(paper.2));
    }
    (hex(paper), hex((r, g, b)))
}

/// As the accessibility guidelines define it.
fn contrast_to_white((r, g, b): (u8, u8, u8)) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.03928 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    };
    1.05 / (0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_can_be_read_on_paper() {
        for colour in 0..=255 {
            let (light, _) = shades(colour);
            let part = |at: usize| u8::from_str_radix(&light[at..at + 2], 16).unwrap_or(255);
            let contrast = contrast_to_white((part(1), part(3), part(5)));
            assert!(contrast >= 4.5, "{colour}: {light} {contrast}");
        }
    }

    #[test]
    fn a_screen_is_one_file_without_anything_from_elsewhere() {
        let picture = svg(&Ui::default(), 80, 24, "a <screen> & more");
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
        assert!(picture.contains("a &lt;screen&gt; &amp; more"));
        assert!(picture.contains("prefers-color-scheme:dark"));
        for foreign in ["href", "<script", "<image", "@import", "url("] {
            assert!(!picture.contains(foreign), "{foreign}");
        }
        assert!(picture.contains("<path class="), "frames are shapes");
    }

    #[test]
    fn lines_of_neighbours_join() {
        let (one, two) = (shape("─", 0, 0), shape("┐", WIDE, 0));
        assert_eq!(one.as_deref(), Some("M0 8h8v1h-8z"));
        assert_eq!(two.as_deref(), Some("M8 8h5v1h-5zM12 8h1v9h-1z"));
        assert_eq!(shape("a", 0, 0), None);
    }
}
