//! Changes to the files of a base, as lines: comments and all that is not changed stay as they are,
//! so that what comes out reads like a lab that a person wrote. What comes out is read again before
//! it counts: a change that would tear the base is a mistake of the overlay, told there.

use super::configuration::{Found, Wanted, all_same, configuration, written};
use super::{Files, Line, Origin, replace};
use crate::definition::RoleLabels;
use crate::jars::is_jar;
use crate::mistake::Mistake;
use crate::options::version::Version;
use crate::yaml;
use crate::yaml::{At, Node, Style, Value};
use std::rc::Rc;

/// A change inside manifests.
pub(super) enum Edit {
    /// An option of Flink is set.
    Option { key: String, value: String, at: At },
    /// So many pods of a role.
    Replicas { role: String, number: u32, at: At },
}

/// The files of the base on their way to those of the lab.
pub(super) struct Book {
    pub(super) files: Files,
    /// The overlay's `lab.yaml`, as the user names it.
    pub(super) shown: Rc<str>,
    /// The overlay.
    pub(super) name: String,
    /// What it stands on.
    pub(super) base: String,
    /// The version of Flink that its image says.
    pub(super) version: Option<Version>,
}

/// The first document of a file.
pub(super) fn tree(lines: &[Line]) -> Option<Node> {
    yaml::read(&text(lines)).ok()?.into_iter().next()
}

pub(super) fn text(lines: &[Line]) -> String {
    lines
        .iter()
        .map(|line| format!("{}\n", line.text))
        .collect()
}

/// One entry of the top level of a file, as line numbers from 0.
struct Block {
    key: String,
    /// Where it begins, with the comments above it.
    head: usize,
    first: usize,
    /// The line after its last.
    end: usize,
}

fn blocks(root: &Node, lines: &[Line]) -> Result<Vec<Block>, Mistake> {
    let Value::Map(entries) = &root.value else {
        return Ok(Vec::new());
    };
    let mut all: Vec<Block> = Vec::new();
    for (index, (key, _)) in entries.iter().enumerate() {
        let first = key.at.line - 1;
        if key.at.column != 1 || all.last().is_some_and(|before| before.first == first) {
            return Err(Mistake::at(
                key.at,
                "Each word of a lab with a base begins a line of its own.",
            )
            .why("its lines take the place of the base's"));
        }
        let mut end = entries
            .get(index + 1)
            .map_or(lines.len(), |(next, _)| next.at.line - 1);
        let is_aside = |line: &Line| line.text.trim().is_empty() || line.text.starts_with('#');
        while end > first + 1 && is_aside(&lines[end - 1]) {
            end -= 1;
        }
        all.push(Block {
            key: key.text().unwrap_or_default().to_owned(),
            head: all.last().map_or(first, |before| before.end),
            first,
            end,
        });
    }
    Ok(all)
}

impl Book {
    /// The overlay's words of `lab.yaml` in place of the base's.
    pub(super) fn merge(&mut self, root: &Node, own: Vec<Line>) -> Result<(), Mistake> {
        let mine = blocks(root, &own)?;
        let base = self.files.remove("lab.yaml").unwrap_or_default();
        let torn = || {
            let at = root.get("base").map_or(root.at, |base| base.at);
            Mistake::at(at, "The base's lab.yaml cannot be changed word by word.")
                .why("its words do not stand on lines of their own, or use each other's anchors")
        };
        let theirs = tree(&base).map_or_else(|| Ok(Vec::new()), |root| blocks(&root, &base));
        let theirs = theirs.map_err(|_| torn())?;
        let is_kept = |block: &&Block| !super::OWN.contains(&block.key.as_str());
        let start = |blocks: &[Block]| blocks.first().map_or(0, |block| block.first);
        let mut made: Vec<Line> = own[..start(&mine)].to_vec();
        made.extend_from_slice(&base[..start(&theirs)]);
        for block in &theirs {
            match mine.iter().filter(is_kept).find(|one| one.key == block.key) {
                Some(one) => {
                    let aside = if one.head < one.first {
                        &own[one.head..one.first]
                    } else {
                        &base[block.head..block.first]
                    };
                    made.extend_from_slice(aside);
                    made.extend_from_slice(&own[one.first..one.end]);
                }
                None => made.extend_from_slice(&base[block.head..block.end]),
            }
        }
        for one in mine.iter().filter(is_kept) {
            if theirs.iter().all(|block| block.key != one.key) {
                made.extend_from_slice(&own[one.head..one.end]);
            }
        }
        if yaml::read(&text(&made)).is_err() && yaml::read(&text(&base)).is_ok() {
            return Err(torn());
        }
        self.files.insert("lab.yaml".to_owned(), made);
        Ok(())
    }

    /// Another image in the place of the base's, wherever it is named.
    pub(super) fn image(&mut self, old: &str, new: &Node) {
        let text = new.text().unwrap_or_default().to_owned();
        let from = self.origin(new.at);
        for (name, lines) in &mut self.files {
            if name == "kind.yaml" {
                continue;
            }
            for line in lines.iter_mut().filter(|line| named(&line.text, old)) {
                line.text = renamed(&line.text, old, &text);
                line.from = from.clone();
            }
        }
    }

    fn origin(&self, at: At) -> Origin {
        Origin {
            file: self.shown.clone(),
            line: at.line,
            column: Some(at.column),
        }
    }

    pub(super) fn edit(&mut self, edit: &Edit) -> Result<(), Mistake> {
        match edit {
            Edit::Option { key, value, at } => self.option(key, value, *at),
            Edit::Replicas { role, number, at } => self.replicas(role, *number, *at),
        }
    }

    /// Sets an option where the base sets it, else adds it to every configuration of Flink's.
    fn option(&mut self, key: &str, value: &str, at: At) -> Result<(), Mistake> {
        let wanted = Wanted { key, value, at };
        let mut set = false;
        let mut lacking = Vec::new();
        for name in self.manifests() {
            let documents = self.documents(&name);
            // from the last to the first: a line more moves only what is below it
            for (index, document) in documents.iter().enumerate().rev() {
                let Some(found) = configuration(document, (&name, self.version), at)? else {
                    continue;
                };
                if found.options.contains_key(key) || found.place(key).is_some() {
                    self.set(&name, (&documents, index), &found, &wanted)?;
                    set = true;
                } else {
                    lacking.push((name.clone(), index));
                }
            }
        }
        if set {
            return Ok(());
        }
        if lacking.is_empty() {
            return Err(
                Mistake::at(at, "The base has no configuration of Flink's to change.")
                    .why("no config map of it holds a `config.yaml` or `flink-conf.yaml`"),
            );
        }
        for (name, index) in lacking {
            let documents = self.documents(&name);
            if let Some(found) = configuration(&documents[index], (&name, self.version), at)? {
                self.add(&name, (&documents, index), &found, &wanted)?;
            }
        }
        Ok(())
    }

    /// Another value where the base has one, with a word about the old one above it.
    fn set(
        &mut self,
        name: &str,
        (documents, index): (&[Node], usize),
        found: &Found,
        wanted: &Wanted,
    ) -> Result<(), Mistake> {
        let inner = found.inner();
        let inner: Vec<&str> = inner.lines().collect();
        let old = match found.options.get(wanted.key) {
            Some((old, _)) => old.split_whitespace().collect::<Vec<_>>().join(" "),
            None => "a list".to_owned(),
        };
        let said = format!("# {} changes this: {} has {old}.", self.name, self.base);
        let from = self.origin(wanted.at);
        for with in written(found.file, wanted)? {
            let Some(change) = found.change(&inner, wanted.key, &with) else {
                continue;
            };
            // inside of a text or a list over several lines a comment may have no place
            for said in [Some(&said), None] {
                let indent: String = change.text.chars().take_while(|c| *c == ' ').collect();
                let said = said.map(|said| format!("{indent}{said}"));
                let texts = said.into_iter().chain([change.text.clone()]);
                let made = found.with(&self.files[name], change.lines.clone(), texts, &from);
                if found.comes_out(&made, (documents, index), wanted) {
                    self.files.insert(name.to_owned(), made);
                    return Ok(());
                }
            }
        }
        Err(self.unable(name, wanted))
    }

    /// One option more, at the end.
    fn add(
        &mut self,
        name: &str,
        (documents, index): (&[Node], usize),
        found: &Found,
        wanted: &Wanted,
    ) -> Result<(), Mistake> {
        let said = format!("# Added by {}:", self.name);
        let from = self.origin(wanted.at);
        let lines = &self.files[name];
        let end = found.inner().trim_end().lines().count();
        let last = found.at.line - 1 + end;
        let block = format!("{}{said}", " ".repeat(found.at.column - 1));
        let follows = lines[..last].iter().rev().any(|above| above.text == block)
            && lines[last - 1].from.file == self.shown;
        for with in written(found.file, wanted)? {
            let texts = (!follows).then(|| said.clone()).into_iter();
            let texts = texts.chain([format!("{}: {with}", wanted.key)]);
            let made = found.with(lines, end..end, texts, &from);
            if found.comes_out(&made, (documents, index), wanted) {
                self.files.insert(name.to_owned(), made);
                return Ok(());
            }
        }
        Err(self.unable(name, wanted))
    }

    /// What cannot be done line by line is said where it was asked for, not where it would go wrong.
    fn unable(&self, name: &str, wanted: &Wanted) -> Mistake {
        Mistake::at(
            wanted.at,
            format!(
                "`{}` cannot be changed in `{name}` of {}.",
                wanted.key, self.base
            ),
        )
        .why("it is written there in a way that a change of single lines would tear")
        .hint(format!(
            "Put a `{name}` of your own beside this file: it takes the place of the base's."
        ))
    }

    /// So many pods of the workload that makes a role's.
    fn replicas(&mut self, role: &str, number: u32, at: At) -> Result<(), Mistake> {
        let lab = self.files.get("lab.yaml").and_then(|lines| tree(lines));
        let selector = lab
            .as_ref()
            .and_then(|root| root.find(&format!("roles.{role}.selector"))?.text())
            .unwrap_or_default();
        let labels = RoleLabels {
            selector: selector.to_owned(),
            container: String::new(),
        };
        for name in self.manifests() {
            let documents = self.documents(&name);
            for (index, document) in documents.iter().enumerate() {
                let of = |key: &str| {
                    document
                        .find("spec.template.metadata.labels")?
                        .get(key)?
                        .text()
                };
                let place = replace::path(document, &["spec", "replicas"]);
                if let (true, Some(place)) = (labels.matches(of), place) {
                    return self.number(&name, (&documents, index), &place, (number, at));
                }
            }
        }
        Err(Mistake::at(
            at,
            format!("No manifest of the base says `replicas` of a {role}."),
        )
        .why(format!("pods of that role have the labels `{selector}`")))
    }

    /// A number at a place of a document.
    fn number(
        &mut self,
        name: &str,
        (documents, index): (&[Node], usize),
        place: &[usize],
        (number, at): (u32, At),
    ) -> Result<(), Mistake> {
        let number = number.to_string();
        let lines = &self.files[name];
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let mut wanted = documents.to_vec();
        let change = replace::entry(&documents[index], place)
            .and_then(|(key, value)| replace::replaced(&texts, key, value, &number));
        if let (Some(change), Some((_, value))) =
            (change, replace::entry_mut(&mut wanted[index], place))
        {
            value.value = Value::Scalar {
                text: number.clone(),
                style: Style::Plain,
            };
            let mut made = lines.clone();
            let line = Line {
                text: change.text,
                from: self.origin(at),
            };
            made.splice(change.lines, [line]);
            if yaml::read(&text(&made)).is_ok_and(|after| all_same(&after, &wanted)) {
                self.files.insert(name.to_owned(), made);
                return Ok(());
            }
        }
        let (key, value) = ("replicas", number.as_str());
        Err(self.unable(name, &Wanted { key, value, at }))
    }

    /// The documents of a manifest; of one that cannot be read, none: that is told elsewhere.
    fn documents(&self, name: &str) -> Vec<Node> {
        yaml::read(&text(&self.files[name])).unwrap_or_default()
    }

    fn manifests(&self) -> Vec<String> {
        let names = self.files.keys();
        let other =
            |name: &&String| !["lab.yaml", "kind.yaml"].contains(&name.as_str()) && !is_jar(name);
        names.filter(other).cloned().collect()
    }
}

/// Where a line names an image, and not one of which that name is only the beginning.
fn places<'a>(line: &'a str, image: &'a str) -> impl Iterator<Item = usize> {
    let alone = move |at: &usize| {
        let next = line[at + image.len()..].chars().next();
        next.is_none_or(|c| !c.is_ascii_alphanumeric() && !"-._@/".contains(c))
    };
    line.match_indices(image).map(|(at, _)| at).filter(alone)
}

fn named(line: &str, image: &str) -> bool {
    places(line, image).next().is_some()
}

fn renamed(line: &str, image: &str, new: &str) -> String {
    let mut made = String::new();
    let mut copied = 0;
    for at in places(line, image) {
        made.push_str(&line[copied..at]);
        made.push_str(new);
        copied = at + image.len();
    }
    made.push_str(&line[copied..]);
    made
}

#[cfg(test)]
mod tests;
