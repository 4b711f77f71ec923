//! Text in the columns of a terminal: a wide letter takes two, one that joins the one before it
//! none. What is measured, cut, padded and wrapped for a screen or lines is so by these.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns of a text.
#[must_use]
pub fn of(text: &str) -> usize {
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// The beginning of a text that fits, in whole letters.
#[must_use]
pub fn head(text: &str, width: usize) -> &str {
    let mut used = 0;
    let fits = text.graphemes(true).take_while(|letter| {
        used += letter.width();
        used <= width
    });
    &text[..fits.map(str::len).sum()]
}

/// The end of a text that fits, in whole letters.
#[must_use]
pub fn tail(text: &str, width: usize) -> &str {
    let mut used = 0;
    let fits = text.graphemes(true).rev().take_while(|letter| {
        used += letter.width();
        used <= width
    });
    &text[text.len() - fits.map(str::len).sum::<usize>()..]
}

/// The widest of some texts.
pub fn widest<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    texts.into_iter().map(of).max().unwrap_or(0)
}

/// A text that fits, cut at its end.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if of(text) <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(1) else {
        return String::new();
    };
    format!("{}…", head(text, room))
}

/// A name that fits, shortened in its middle: the tail behind the last dash is what differs.
#[must_use]
pub fn middle(name: &str, width: usize) -> String {
    if of(name) <= width {
        return name.to_owned();
    }
    if width < 3 {
        return tail(name, width).to_owned();
    }
    let differs = name.rfind('-').map_or(0, |at| of(&name[at..]));
    let differs = if differs == 0 || differs > width - 2 {
        width / 2
    } else {
        differs
    };
    format!(
        "{}…{}",
        head(name, width - 1 - differs),
        tail(name, differs)
    )
}

/// A text on the left of that many columns; a longer one stays whole.
#[must_use]
pub fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(of(text))))
}

/// A text on the right of that many columns; a longer one stays whole.
#[must_use]
pub fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(of(text))))
}

/// Lines of at most that many columns, broken between words, and in words that are longer.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for mut word in text.split_whitespace() {
        if !line.is_empty() && of(&line) + 1 + of(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        while of(word) > width {
            let (head, rest) = word.split_at(first(word, width));
            lines.push(head.to_owned());
            word = rest;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The same with words whole, also those that are longer: a path or a command stays one to copy.
#[must_use]
pub fn wrap_words(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(last) if of(last) + 1 + of(word) <= width => {
                last.push(' ');
                last.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Bytes of what fits; at least a letter, also where it is wider than the room.
fn first(word: &str, width: usize) -> usize {
    match head(word, width).len() {
        0 => word.graphemes(true).next().map_or(0, str::len),
        fits => fits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_are_cut_and_wrapped_within_their_width() {
        assert_eq!(cut("leader", 6), "leader");
        assert_eq!(cut("leaders", 6), "leade…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("👨‍👩‍👧👨‍👩‍👧", 3), "👨‍👩‍👧…", "a family is one letter");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("abcdefgh ij", 6), ["abcdef", "gh ij"]);
        assert_eq!(wrap("日本語日本 語", 4), ["日本", "語日", "本", "語"]);
        assert_eq!(wrap("日", 1), ["日"], "wider than the room");
        assert_eq!(wrap(" ", 3), Vec::<String>::new());
        assert_eq!(wrap_words("/a/long/path is", 3), ["/a/long/path", "is"]);
    }

    #[test]
    fn names_keep_their_tails() {
        let name = "flinklab-jobmanager-7f9c6d5b8-abcde";
        assert_eq!(middle(name, 40), name);
        assert_eq!(middle(name, 18), "flinklab-jo…-abcde");
        assert_eq!(middle(name, 9), "fl…-abcde");
        assert_eq!(middle(name, 2), "de");
        assert_eq!(middle("", 0), "");
        assert_eq!(middle("日本語-名前", 8), "日…-名前");
    }

    #[test]
    fn words_stand_on_their_side() {
        assert_eq!(left("日本", 6), "日本  ");
        assert_eq!(right("日本", 6), "  日本");
        assert_eq!(left("long", 2), "long");
        assert_eq!(widest(["ab", "日本", ""]), 4);
    }

    fn letters() -> impl Strategy<Value = String> {
        "[a-z 日本語é👍🏽👨‍👩‍👧\u{301}-]{0,40}"
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_room(text in letters(), width in 0_usize..20) {
            prop_assert!(of(&cut(&text, width)) <= width);
            prop_assert!(of(&middle(&text, width)) <= width, "{:?}", middle(&text, width));
            prop_assert!(of(&left(&text, width)) >= width);
            let widest = text.graphemes(true).map(UnicodeWidthStr::width).max();
            for line in wrap(&text, width) {
                prop_assert!(of(&line) <= width.max(widest.unwrap_or(1)), "{line:?}");
            }
        }

        #[test]
        fn wrapping_loses_nothing(text in letters(), width in 1_usize..20) {
            let plain = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(plain(&wrap(&text, width).concat()), plain(&text));
            prop_assert_eq!(plain(&wrap_words(&text, width).join(" ")), plain(&text));
        }
    }
}
