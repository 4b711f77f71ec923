//! Text from outside, made harmless: for a terminal, a browser, a Markdown page, a line of JSON.
//! One list says which characters never get there.
//!
//! Left out are all that steer a terminal, turn text around, or hide in it. That takes joiners and
//! variation selectors with it, which have an honest use, too: terminals disagree about how wide
//! what they join is, so that frames break, and two names that differ only in one look the same. A
//! family of emoji becomes its members, a red heart a plain one; letters of every script, accents
//! and wide characters stay.

use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character could steer a terminal, reorder its neighbours, or hide.
#[must_use]
pub const fn harms(c: char) -> bool {
    matches!(c,
        // control characters
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // of the writing direction
        | '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // ends of lines and paragraphs
        | '\u{2028}'..='\u{2029}'
        // of no width: soft hyphen, joiners, selectors, invisible operators, byte order mark
        | '\u{ad}' | '\u{34f}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        // blank without being a blank
        | '\u{115f}'..='\u{1160}' | '\u{3164}' | '\u{ffa0}'
        // marks of annotations, tags, and what is no character at all
        | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

fn harms_in_lines(c: char) -> bool {
    harms(c) && c != '\n' && c != '\t'
}

/// Whether a text of lines has nothing that harms.
#[must_use]
pub fn is_harmless(text: &str) -> bool {
    !text.contains(harms_in_lines)
}

/// A text of lines without what harms.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if is_harmless(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().filter(|c| !harms_in_lines(*c)).collect())
    }
}

/// Text as it may stand in HTML and XML, between tags and in quotes.
#[must_use]
pub fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter if harms_in_lines(letter) => {}
            letter => safe.push(letter),
        }
    }
    safe
}

/// Text as it may stand in a line or a cell of Markdown: no markup, no HTML, no link.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text.char_indices();
    while let Some((at, letter)) = rest.next() {
        let link = |scheme: &str| text[at..].starts_with(scheme);
        match letter {
            '\n' | '\t' => safe.push(' '),
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' => safe.extend(['\\', letter]),
            // readers make links of addresses, too
            ':' if link("://") => safe.push_str("\\:"),
            'w' | 'W' if is_www(&text[at..]) => {
                safe.push_str(&text[at..at + 3]);
                safe.push_str("\\.");
                rest.nth(2);
            }
            letter if harms(letter) => {}
            letter => safe.push(letter),
        }
    }
    safe
}

fn is_www(text: &str) -> bool {
    text.get(..4)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("www."))
}

/// A sentence of Markdown, in which what stands between backticks is code.
#[must_use]
pub fn markdown_sentence(text: &str) -> String {
    coded(text, markdown, |code| match code {
        // two in a row would begin something else
        "" => "\\`\\`".to_owned(),
        code => format!("`{}`", harmless(code).replace('\n', " ")),
    })
}

/// Lines as a block of Markdown that is shown as it is.
#[must_use]
pub fn markdown_block(lines: &[String]) -> String {
    let mut block = String::from("\n```\n");
    for line in lines {
        // nothing in it may end it
        let line = line.chars().filter(|c| !harms(*c) && *c != '`');
        block.extend(line.chain(['\n']));
    }
    block + "```\n"
}

/// A sentence of HTML, in which what stands between backticks is code.
#[must_use]
pub fn html_sentence(text: &str) -> String {
    coded(text, xml, |code| format!("<code>{}</code>", xml(code)))
}

fn coded(text: &str, plain: fn(&str) -> String, code: fn(&str) -> String) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // one of them is alone: it means itself
        return plain(text);
    }
    let parts = parts.iter().enumerate();
    parts
        .map(|(at, part)| if at % 2 == 0 { plain(part) } else { code(part) })
        .collect()
}

/// A value as one line of JSON: what harms is written as an escape, so that nothing of it is lost.
#[must_use]
pub fn json(value: &Value) -> String {
    let text = value.to_string();
    if !text.contains(harms) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if harms(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(letter);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// What must get nowhere, a character of each kind.
    const EVIL: &str = "\u{0}\u{7}\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\
                        \u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{206f}\
                        \u{3164}\u{fe0f}\u{feff}\u{fff9}\u{ffff}\u{e0001}\u{e0041}\u{e007f}";

    #[test]
    fn what_is_written_somewhere_stays_and_what_hides_does_not() {
        assert!(EVIL.chars().all(harms));
        let honest = "a ä ß é e\u{301} 日本語 العربية עברית हिन्दी ไทย ★✓…→▁█ 👩 ❤ 🇨🇭 \u{a0}";
        assert!(!honest.contains(harms));
        assert_eq!(harmless(&format!("a{EVIL}b\n\tc")), "ab\n\tc");
        assert!(matches!(harmless(honest), Cow::Borrowed(_)));
    }

    #[test]
    fn a_page_gets_text_and_no_markup() {
        assert_eq!(
            xml("<a b=\"c\" d='e'>&\u{202e}"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;"
        );
        assert_eq!(
            html_sentence("run `a<b` now"),
            "run <code>a&lt;b</code> now"
        );
        assert_eq!(html_sentence("one ` alone"), "one ` alone");
    }

    #[test]
    fn markdown_gets_text_and_no_markup() {
        for (text, safe) in [
            ("a|b\nc", "a\\|b c"),
            ("<img src=x>", "&lt;img src=x>"),
            ("[x](javascript:y)", "\\[x\\](javascript:y)"),
            ("`code` *b* _i_ ~s~", "\\`code\\` \\*b\\* \\_i\\_ \\~s\\~"),
            ("a\\|b", "a\\\\\\|b"),
            ("&lt;", "&amp;lt;"),
            (
                "at https://a.b and www.a.b",
                "at https\\://a.b and www\\.a.b",
            ),
            ("wwä www", "wwä www"),
            ("a\u{202e}b", "ab"),
        ] {
            assert_eq!(markdown(text), safe);
        }
        assert_eq!(markdown_sentence("run `a|b` *now*"), "run `a|b` \\*now\\*");
        assert_eq!(markdown_sentence("a `` <b>"), "a \\`\\` &lt;b>");
    }

    proptest! {
        #[test]
        fn nothing_harmful_gets_through(text in any::<String>(), evil in any::<prop::sample::Index>()) {
            let evil = EVIL.chars().nth(evil.index(EVIL.chars().count())).unwrap_or('\u{1b}');
            let text = format!("{text}{evil}{text}");
            prop_assert!(is_harmless(&harmless(&text)) && is_harmless(&xml(&text)));
            prop_assert!(!markdown(&text).contains(harms));
            prop_assert!(!markdown(&text).replace("\\|", "").contains(['|', '<']));
            let value = json!({ "a": text });
            let line = json(&value);
            prop_assert!(!line.contains(harms));
            prop_assert_eq!(serde_json::from_str::<Value>(&line).ok(), Some(value));
        }
    }
}
