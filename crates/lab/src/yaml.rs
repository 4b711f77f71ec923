//! YAML text to a tree in which every word knows its line and column. All files of a lab are read
//! through it, so that a mistake found late (by serde, or between two files) can still be shown
//! where it stands. Gives no meaning to words: that is `decode` and `manifest`.

use super::libyaml;
use super::merge_keys;
use super::mistake::{Mistake, reworded};
use super::scalar::{self, Plain, Words};
use granit_parser::{Event, Marker, Parser, ScalarStyle, StrInput, Tag};
use std::collections::BTreeMap;

/// No lab needs more words; an alias bomb makes more.
const MOST_NODES: usize = 200_000;

/// A position in a file. Lines and columns count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// One value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) at: At,
    /// The place behind its last character; of a block scalar, that of the next line.
    pub(super) end: At,
    pub(super) value: Value,
}

/// What stands there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Scalar {
        text: String,
        style: Style,
    },
    List(Vec<Node>),
    /// In the order of the file; keys are scalars and unique.
    Map(Vec<(Node, Node)>),
}

/// How a scalar is written decides whether it may be anything but a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// May be a number, a boolean or null.
    Plain,
    /// Always a string.
    Quoted,
    /// `|`: always a string, and its lines are the lines of the file.
    Literal,
}

/// Whose YAML a text is, where its readers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// YAML 1.2 and no merge keys: our own files.
    Core,
    /// Go's yaml.v3, with which kind reads its configuration.
    Kind,
    /// Go's yaml.v2, with which kubectl reads manifests and kind reads patches.
    Kubectl,
}

/// All documents of a text; one that holds only comments is left out.
pub(super) fn read(text: &str) -> Result<Vec<Node>, Mistake> {
    read_as(text, Dialect::Core)
}

/// The same in another dialect.
pub(super) fn read_as(text: &str, dialect: Dialect) -> Result<Vec<Node>, Mistake> {
    let mut reader = Reader::new(text, dialect)?;
    let mut documents = Vec::new();
    while let Some((node, _)) = reader.document()? {
        if !node.is_null() {
            documents.push(node);
        }
    }
    Ok(documents)
}

/// Where a document begins and the version that its `%YAML` line names.
pub(super) struct Begins {
    pub(super) at: At,
    pub(super) version: Option<(u32, u32)>,
}

impl Node {
    /// A plain scalar that means nothing at all.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, style: Style::Plain }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The text of a scalar, literally.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key and its value.
    pub(super) fn entry(&self, key: &str) -> Option<(&Self, &Self)> {
        match &self.value {
            Value::Map(entries) => entries
                .iter()
                .find(|(name, _)| name.text() == Some(key))
                .map(|(name, value)| (name, value)),
            Value::Scalar { .. } | Value::List(_) => None,
        }
    }

    /// The items of a list; of anything else, none.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Scalar { .. } | Value::Map(_) => &[],
        }
    }

    /// What a path such as `nodes[0].extraMounts[1].hostPath` names, and the text if it is one.
    pub(super) fn find(&self, path: &str) -> Option<&Self> {
        steps(path).try_fold(self, |node, step| node.step(step))
    }

    /// Where a path stands; where it ends early, where it does.
    pub(super) fn place(&self, path: &str) -> At {
        let mut node = self;
        for step in steps(path) {
            match node.step(step) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.at
    }

    /// A place in the text of this scalar as a place of the file: exact for a literal text (`|`),
    /// of which each line is a line of the file, else the scalar's own.
    pub(super) fn inside(&self, at: At) -> At {
        match &self.value {
            Value::Scalar {
                style: Style::Literal,
                ..
            } => At {
                line: self.at.line + at.line - 1,
                column: self.at.column + at.column - 1,
            },
            _ => self.at,
        }
    }

    /// Moves every place that many lines down.
    pub(super) fn move_down(&mut self, lines: usize) {
        self.at.line += lines;
        self.end.line += lines;
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.move_down(lines)),
            Value::Map(entries) => {
                for (key, value) in entries {
                    key.move_down(lines);
                    value.move_down(lines);
                }
            }
            Value::Scalar { .. } => {}
        }
    }

    /// Drops the items of lists that are empty, as kind does.
    pub(super) fn drop_empty_items(&mut self) {
        match &mut self.value {
            Value::List(items) => {
                items.retain(|item| !item.is_null());
                items.iter_mut().for_each(Self::drop_empty_items);
            }
            Value::Map(entries) => entries
                .iter_mut()
                .for_each(|(_, value)| value.drop_empty_items()),
            Value::Scalar { .. } => {}
        }
    }

    /// Nothing at the beginning of a file.
    pub(super) fn empty() -> Self {
        let at = At { line: 1, column: 1 };
        Self {
            at,
            end: at,
            value: Value::Scalar {
                text: String::new(),
                style: Style::Plain,
            },
        }
    }

    fn step(&self, step: &str) -> Option<&Self> {
        match step.parse::<usize>() {
            Ok(index) if !self.items().is_empty() => self.items().get(index),
            _ => self.get(step),
        }
    }
}

fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']']).filter(|step| !step.is_empty())
}

pub(super) struct Reader<'a> {
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
    dialect: Dialect,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Result<Self, Mistake> {
        if dialect != Dialect::Core {
            libyaml::check_breaks(text)?;
        }
        let options = granit_parser::options! { emit_comments: false };
        Ok(Self {
            text,
            events: Parser::new_from_str_with_options(text, options),
            dialect,
            anchors: BTreeMap::new(),
            nodes: 0,
        })
    }

    /// The next document; none where there is no other.
    pub(super) fn document(&mut self) -> Result<Option<(Node, Begins)>, Mistake> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(None),
                (Event::DocumentStart(_, version), place) => {
                    let begins = Begins {
                        at: place[0],
                        version: version.map(|version| (version.major, version.minor)),
                    };
                    let (event, place) = self.next()?;
                    let node = self.node(event, place)?;
                    loop {
                        if let (Event::DocumentEnd, _) = self.next()? {
                            return Ok(Some((node, begins)));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Where something follows the documents that were read.
    pub(super) fn more(&mut self) -> Option<At> {
        match self.next() {
            Ok((Event::StreamEnd, _)) => None,
            Ok((_, place)) => Some(place[0]),
            Err(mistake) => Some(mistake.at),
        }
    }

    /// The next event, and from where to where it stands.
    fn next(&mut self) -> Result<(Event<'a>, [At; 2]), Mistake> {
        let at = |mark: Marker| At {
            line: mark.line(),
            column: mark.col() + 1,
        };
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, [at(span.start), at(span.end)])),
            Some(Err(error)) => Err(reworded(&error)),
            None => Ok((Event::StreamEnd, [At { line: 1, column: 1 }; 2])),
        }
    }

    fn node(&mut self, event: Event<'a>, [at, mut end]: [At; 2]) -> Result<Node, Mistake> {
        self.count(1, at)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let text = self.as_go_reads(text.into_owned(), style, [at, end])?;
                let style = match (style, told(tag.as_deref(), at)?) {
                    (_, Some("str")) => Style::Quoted,
                    (_, Some(tag)) => tagged(tag, &text, at)?,
                    (ScalarStyle::Plain, _) => Style::Plain,
                    (ScalarStyle::Literal, _) => Style::Literal,
                    _ => Style::Quoted,
                };
                (Value::Scalar { text, style }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                told(tag.as_deref(), at)?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, place) => {
                            end = place[1];
                            break (Value::List(items), anchor);
                        }
                        (event, place) => items.push(self.node(event, place)?),
                    }
                }
            }
            Event::MappingStart(_, anchor, tag) => {
                told(tag.as_deref(), at)?;
                let mut entries = merge_keys::Entries::new(self.dialect);
                loop {
                    match self.next()? {
                        (Event::MappingEnd, place) => {
                            end = place[1];
                            break (Value::Map(entries.done()), anchor);
                        }
                        (event, place) => {
                            let key = self.node(event, place)?;
                            let (event, place) = self.next()?;
                            let is_alias = matches!(event, Event::Alias(_));
                            let value = self.node(event, place)?;
                            entries.add(key, value, is_alias)?;
                        }
                    }
                }
            }
            Event::Alias(id) => {
                // Shown where it is used, so that a mistake names the line that brought it in.
                let mut node =
                    self.anchors.get(&id).cloned().ok_or_else(|| {
                        Mistake::at(at, "An alias stands inside of what it names.")
                    })?;
                self.count(size(&node), at)?;
                (node.at, node.end) = (at, end);
                return Ok(node);
            }
            _ => return Err(Mistake::at(at, "A value is missing here.")),
        };
        let node = Node { at, end, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// A scalar's text where Go's readers differ: a block at the end of a text that does not end
    /// its last line does not end in a new line, and `\/` is no escape.
    fn as_go_reads(
        &self,
        text: String,
        style: ScalarStyle,
        [at, end]: [At; 2],
    ) -> Result<String, Mistake> {
        if self.dialect == Dialect::Core {
            return Ok(text);
        }
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded
                if !self.text.ends_with('\n') && libyaml::is_end(self.text, end) =>
            {
                Ok(text.strip_suffix('\n').map_or(text.clone(), str::to_owned))
            }
            ScalarStyle::DoubleQuoted => match libyaml::escaped_slash(self.text, at, end) {
                Some(at) => Err(Mistake::at(
                    at,
                    "A backslash in double quotes stands before a letter that it cannot.",
                )
                .hint("Write `/` alone.")),
                None => Ok(text),
            },
            _ => Ok(text),
        }
    }

    fn count(&mut self, nodes: usize, at: At) -> Result<(), Mistake> {
        self.nodes += nodes;
        if self.nodes > MOST_NODES {
            return Err(Mistake::at(
                at,
                "The file grows too large with its aliases.",
            ));
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar { .. } => 0,
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|(_, value)| 1 + size(value)).sum(),
    }
}

/// The part of an explicit tag that says something. Only those of YAML's core schema mean the same
/// to every reader.
fn told(tag: Option<&Tag>, at: At) -> Result<Option<&str>, Mistake> {
    match tag.map(|tag| (tag, tag.core_suffix())) {
        None => Ok(None),
        Some((_, Some(core @ ("str" | "int" | "bool" | "float" | "null")))) => Ok(Some(core)),
        Some((_, Some("map" | "seq"))) => Ok(None),
        Some((tag, _)) => Err(Mistake::at(
            at,
            format!("The tag `{}` is not supported.", tag.original()),
        )
        .hint("Leave the tag out.")),
    }
}

/// A scalar with a tag is what the tag says, in quotes or not, if it can be that.
fn tagged(tag: &str, text: &str, at: At) -> Result<Style, Mistake> {
    let fits = match (tag, scalar::go(text, Words::Two)) {
        ("int" | "float", Plain::Whole(_) | Plain::Huge(_))
        | ("float", Plain::Broken(_))
        | ("bool", Plain::Truth(_))
        | ("null", Plain::Null) => true,
        (tag, _) => matches!(tag, "map" | "seq"),
    };
    if fits {
        return Ok(Style::Plain);
    }
    Err(
        Mistake::at(at, format!("`{text}` cannot be read as `!!{tag}`."))
            .hint("Leave the tag out."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        let mistake = read(text).expect_err(text);
        format!("{}:{} {}", mistake.at.line, mistake.at.column, mistake.what)
    }

    #[test]
    fn every_word_knows_its_place() {
        let text = "a: 1\nb:\n  - {c: d}\n  - |\n    one\n    two\ne: &x [f]\ng: *x\n";
        let tree = &read(text).expect("YAML")[0];
        let place = |path: &str| (tree.place(path).line, tree.place(path).column);
        assert_eq!(place("a"), (1, 4));
        assert_eq!(place("b"), (3, 3));
        assert_eq!(place("b[0].c"), (3, 9));
        assert_eq!(
            place("b[1]"),
            (5, 5),
            "a literal text begins with its first line"
        );
        assert_eq!(
            place("b[7].c"),
            (3, 3),
            "what is not there is where it would be"
        );
        assert_eq!(place("g"), (8, 4), "an alias is where it is used");
        assert_eq!(tree.find("g[0]").and_then(Node::text), Some("f"));
    }

    #[test]
    fn documents_of_comments_alone_are_none() {
        let all = read("# head\n---\na: b # c\n...\n---\n# nothing\n---\ne: f\n").expect("YAML");
        let lines: Vec<usize> = all.iter().map(|node| node.at.line).collect();
        assert_eq!(lines, [3, 8]);
    }

    #[test]
    fn usual_mistakes_are_told_in_usual_words() {
        assert_eq!(wrong("a: 1\na: 2\n"), "2:1 The key `a` is there twice.");
        assert_eq!(
            wrong("a: &x {b: c}\nd:\n  <<: *x\n"),
            "3:3 The merge key `<<` is not supported."
        );
        assert_eq!(
            wrong("a:\n\tb: c\n"),
            "2:2 A tab stands where YAML wants spaces."
        );
        assert_eq!(wrong("a: b: c\n"), "1:5 A `:` stands where no key can be.");
        assert_eq!(
            wrong("a:\n  b: c\n d: e\n"),
            "3:2 The line does not fit to those above it."
        );
        assert_eq!(wrong("a: \"b\n"), "1:4 A quoted text has no closing quote.");
        assert_eq!(wrong("a: [b\n"), "1:4 A `[` is not closed.");
        assert_eq!(wrong("a: @b\n"), "1:4 A text cannot begin with `@`.");
        assert_eq!(
            wrong("a: *b\n"),
            "1:4 The alias names an anchor that is not there."
        );
        assert_eq!(wrong("a: !b c\n"), "1:7 The tag `!b` is not supported.");
        assert_eq!(wrong("a: !!int b\n"), "1:10 `b` cannot be read as `!!int`.");
        assert_eq!(
            wrong("? [a]\n: b\n"),
            "1:3 A key must be a word, not a list or a map."
        );
    }

    #[test]
    fn an_alias_bomb_ends_early() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(wrong(&text).ends_with("The file grows too large with its aliases."));
    }
}
