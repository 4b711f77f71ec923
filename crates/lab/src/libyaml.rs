//! What Go's YAML readers, ports of libyaml, refuse or read otherwise than a reader of YAML 1.2: for
//! texts that kind reads, so that the same file cannot mean something else to it.

use super::mistake::Mistake;
use super::yaml::{At, Dialect, Node, Reader};
use serde::Deserialize;

/// The first document of a text, and where another one begins.
pub(super) struct First {
    pub(super) root: Node,
    pub(super) more: Option<At>,
}

/// The first document as kind reads it, which reads no further. What its reader, a port of libyaml,
/// refuses is refused.
pub(super) fn first(text: &str, dialect: Dialect) -> Result<First, Mistake> {
    let mut reader = Reader::new(text, dialect)?;
    let Some((root, begins)) = reader.document()? else {
        return Ok(First {
            root: Node::empty(),
            more: None,
        });
    };
    if let Some(version) = begins.version.filter(|version| *version != (1, 1)) {
        let (major, minor) = version;
        let line = text.lines().position(|line| line.starts_with("%YAML"));
        let at = At {
            line: line.map_or(begins.at.line, |line| line + 1),
            column: 1,
        };
        return Err(
            Mistake::at(at, format!("kind cannot read YAML {major}.{minor}."))
                .why("it knows version 1.1 only")
                .hint("Remove the `%YAML` line."),
        );
    }
    let mut documents = serde_yaml::Deserializer::from_str(text);
    if let Some(Err(error)) = documents.next().map(serde::de::IgnoredAny::deserialize) {
        return Err(refused(text, &error));
    }
    let more = reader.more();
    Ok(First { root, more })
}

/// What libyaml says, at its place.
fn refused(text: &str, error: &serde_yaml::Error) -> Mistake {
    let at = error
        .location()
        .map_or(At { line: 1, column: 1 }, |location| At {
            line: location.line(),
            column: location.column(),
        });
    let line = text.lines().nth(at.line - 1).unwrap_or_default();
    match line.chars().nth(at.column - 1) {
        Some('\t') => {
            Mistake::at(at, "A tab stands where YAML wants spaces.").hint("Remove the tab.")
        }
        _ => Mistake::at(at, "kind cannot read the line.").why(error),
    }
}

/// Go's readers end a line at characters that YAML 1.2 takes for ordinary ones.
pub(super) fn check_breaks(text: &str) -> Result<(), Mistake> {
    for (index, line) in text.lines().enumerate() {
        let breaks = |letter: char| matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}');
        if let Some((column, letter)) = line.chars().enumerate().find(|(_, one)| breaks(*one)) {
            let at = At {
                line: index + 1,
                column: column + 1,
            };
            let code = u32::from(letter);
            return Err(Mistake::at(
                at,
                format!("The line holds the character U+{code:04X}, a line separator."),
            )
            .why("kind and kubectl begin a new line there, other readers do not")
            .hint("Remove it."));
        }
    }
    Ok(())
}

/// Whether nothing stands behind a place.
pub(super) fn is_end(text: &str, at: At) -> bool {
    let mut lines = text.split('\n').skip(at.line - 1);
    let behind = lines.next().unwrap_or_default().chars().skip(at.column - 1);
    behind.count() == 0 && lines.next().is_none()
}

/// Where `\/` stands in a text in double quotes, from its first quote to its last.
pub(super) fn escaped_slash(text: &str, from: At, to: At) -> Option<At> {
    let lines = text.split('\n').enumerate();
    for (index, line) in lines.skip(from.line - 1).take(to.line + 1 - from.line) {
        if !line.contains("\\/") {
            continue;
        }
        let line_number = index + 1;
        let mut letters = line.chars().enumerate().filter(|(column, _)| {
            (line_number > from.line || *column + 1 > from.column)
                && (line_number < to.line || *column + 1 < to.column)
        });
        while let Some((column, letter)) = letters.next() {
            if letter == '\\' && letters.next().is_some_and(|(_, next)| next == '/') {
                return Some(At {
                    line: line_number,
                    column: column + 1,
                });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match first(text, Dialect::Kind) {
            Ok(_) => "fine".to_owned(),
            Err(mistake) => format!("{}:{} {}", mistake.at.line, mistake.at.column, mistake.what),
        }
    }

    #[test]
    fn what_kind_cannot_read_is_refused() {
        const TAB: &str = "A tab stands where YAML wants spaces.";
        assert_eq!(told("a: 1\n\t\nb: 2\n"), format!("2:1 {TAB}"));
        assert_eq!(told("a:\n-\tb\n"), format!("2:2 {TAB}"));
        assert_eq!(told("a: 1\n\t# c\nb: 2\n"), format!("2:1 {TAB}"));
        assert_eq!(
            told("%YAML 1.2\n---\na: 1\n"),
            "1:1 kind cannot read YAML 1.2."
        );
        assert_eq!(
            told("a: 1 # b\u{85}c\n"),
            "1:9 The line holds the character U+0085, a line separator."
        );
        assert_eq!(
            told("a: \"b\\/c\"\n"),
            "1:6 A backslash in double quotes stands before a letter that it cannot."
        );
        for text in [
            "a: \"b\\\\/c\"\n",
            "a: 'b\\/c'\n",
            "%YAML 1.1\n---\na: 1\n",
            "a: 1\t# c\n",
            "a:\t1\n",
            "a: [\t1]\n",
            "a: |\n  b\tc\n",
        ] {
            assert_eq!(told(text), "fine", "{text:?}");
        }
    }

    #[test]
    fn a_block_ends_as_the_text_does() {
        let word = |text: &str| {
            let root = first(text, Dialect::Kind).expect("YAML").root;
            root.get("a").and_then(Node::text).map(str::to_owned)
        };
        assert_eq!(word("a: |\n  b"), Some("b".to_owned()));
        assert_eq!(word("a: |\n  b\n"), Some("b\n".to_owned()));
        assert_eq!(word("a: >\n  b\n  c"), Some("b c".to_owned()));
        assert_eq!(word("a: |-\n  b"), Some("b".to_owned()));
        assert_eq!(word("a: |\n  b\nc: d"), Some("b\n".to_owned()));
    }

    #[test]
    fn only_the_first_document_counts() {
        let found = first("# c\n---\na: 1\n---\n[\n", Dialect::Kind).expect("YAML");
        assert_eq!(found.root.get("a").and_then(Node::text), Some("1"));
        assert_eq!(found.more.map(|at| at.line), Some(4));
        let empty = first("---\n---\na: 1\n", Dialect::Kind).expect("YAML");
        assert!(empty.root.is_null());
    }
}
