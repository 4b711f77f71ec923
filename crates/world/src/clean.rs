//! Makes text from outside harmless on a screen: no control characters, no escape sequences, no
//! characters that move others or have no width of their own. Knows nothing about what it says.

use flinklab_base::text;

/// Characters of one line that are kept: a screen is never wider, a stack trace has line ends.
pub const LINE: usize = 2000;
/// Characters of an error or a message that are kept.
pub const MESSAGE: usize = 400;
/// Marks on one character that are kept: scripts need up to two, a prank uses dozens.
const MARKS: usize = 2;
/// Columns between tab stops.
const TAB: usize = 4;

/// One line of a log: escape sequences are dropped, tabs become blanks, other control characters
/// become `·`, and a line that is too long is cut.
#[must_use]
pub fn line(text: &str) -> String {
    inert(text, LINE)
}

/// A message in one line: as `line`, with line ends as blanks, and shorter.
#[must_use]
pub fn message(text: &str) -> String {
    let joined: Vec<&str> = text.split_whitespace().collect();
    inert(&joined.join(" "), MESSAGE)
}

fn inert(text: &str, limit: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(limit * 4));
    let mut kept = 0;
    let mut marks = 0;
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        if kept >= limit {
            clean.push('…');
            break;
        }
        let shown = match next {
            '\u{1b}' => {
                skip_sequence(&mut rest);
                continue;
            }
            // The eight-bit form of ESC [, which some terminals obey.
            '\u{9b}' => {
                skip_control(&mut rest);
                continue;
            }
            '\t' => {
                for _ in 0..TAB - kept % TAB {
                    clean.push(' ');
                    kept += 1;
                }
                continue;
            }
            '\r' | '\n' => continue,
            c if c.is_control() => '·',
            c if text::harms(c) => continue,
            c => c,
        };
        match unicode_width::UnicodeWidthChar::width(shown) {
            // A mark on the character before; on nothing it would stick to the panel's frame.
            Some(0) if kept > 0 && marks < MARKS => marks += 1,
            Some(0) => continue,
            _ => {
                marks = 0;
                kept += 1;
            }
        }
        clean.push(shown);
    }
    clean
}

/// After an ESC: a control sequence, a string that runs to its end mark, or a short one.
fn skip_sequence(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.peek().copied() {
        Some('[') => {
            rest.next();
            skip_control(rest);
        }
        // A title, a link, a clipboard: up to BEL or ESC \.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            while let Some(c) = rest.next() {
                if c == '\u{7}' || c == '\u{9c}' {
                    break;
                }
                if c == '\u{1b}' {
                    rest.next_if_eq(&'\\');
                    break;
                }
            }
        }
        Some(' '..='/') => {
            while rest.next_if(|c| (' '..='/').contains(c)).is_some() {}
            rest.next_if(|c| ('0'..='~').contains(c));
        }
        Some('0'..='~') => {
            rest.next();
        }
        _ => {}
    }
}

/// Parameters up to the final letter.
fn skip_control(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while rest.next_if(|c| (' '..='?').contains(c)).is_some() {}
    rest.next_if(|c| ('@'..='~').contains(c));
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn escape_sequences_leave_no_trace() {
        assert_eq!(line("\u{1b}[31mred\u{1b}[0m"), "red");
        assert_eq!(line("a\u{1b}[2J\u{1b}[1;1Hb"), "ab");
        assert_eq!(
            line("\u{1b}]0;title\u{7}x\u{1b}]8;;http://x\u{1b}\\y"),
            "xy"
        );
        assert_eq!(line("\u{1b}]52;c;c2VjcmV0\u{9c}z"), "z");
        assert_eq!(line("\u{1b}(Bq\u{1b}cq\u{9b}5nq"), "qqq");
        assert_eq!(line("unfinished \u{1b}[12"), "unfinished ");
    }

    #[test]
    fn control_characters_are_inert_and_every_line_is_one() {
        assert_eq!(line("a\u{8}\u{0}\u{7f}\u{85}b\r"), "a····b");
        assert_eq!(line("a\tb"), "a   b");
        assert_eq!(message("one\n\ttwo\r\n"), "one two");
    }

    #[test]
    fn nothing_turns_the_text_around_or_hides_in_it() {
        assert_eq!(line("abc\u{202e}def\u{2066}g\u{200b}h\u{feff}"), "abcdefgh");
        assert_eq!(
            line("\u{301}\u{301}a\u{301}\u{301}\u{301}\u{301}"),
            "a\u{301}\u{301}"
        );
    }

    #[test]
    fn a_line_has_an_end() {
        let long = line(&"x".repeat(100_000));
        assert_eq!(long.chars().count(), LINE + 1);
        assert!(long.ends_with('…'));
        assert_eq!(message(&"y".repeat(10_000)).chars().count(), MESSAGE + 1);
    }

    #[test]
    fn the_width_of_the_whole_is_the_width_of_its_characters() {
        for text in [
            "a\u{301}b",
            "日本語",
            "👩\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}",
            "🇨🇭",
        ] {
            let clean = line(text);
            let chars: usize = clean
                .chars()
                .map(|c| unicode_width::UnicodeWidthChar::width(c).unwrap_or(9))
                .sum();
            assert!(clean.width() <= chars, "{text}");
        }
    }
}
