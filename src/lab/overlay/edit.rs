//! Changes to the files of a base, as lines: comments and all that is not changed stay as they are,
//! so that what comes out reads like a lab that a person wrote.

use super::{Files, Line, Origin};
use crate::lab::definition::RoleLabels;
use crate::lab::jars::is_jar;
use crate::lab::mistake::Mistake;
use crate::lab::options;
use crate::lab::yaml::{self, At, Node, Style, Value};
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
}

/// The first document of a file.
pub(super) fn tree(lines: &[Line]) -> Option<Node> {
    yaml::read(&text(lines)).ok()?.into_iter().next()
}

fn text(lines: &[Line]) -> String {
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
        let theirs = tree(&base).map_or_else(|| Ok(Vec::new()), |root| blocks(&root, &base))?;
        let is_kept = |block: &&Block| !super::OWN.contains(&block.key.as_str());
        let start = |blocks: &[Block]| blocks.first().map_or(0, |block| block.first);
        let mut made: Vec<Line> = own[..start(&mine)].to_vec();
        made.extend_from_slice(&base[..start(&theirs)]);
        for block in &theirs {
            match mine.iter().filter(is_kept).find(|one| one.key == block.key) {
                Some(one) => {
                    let aside = match one.head < one.first {
                        true => &own[one.head..one.first],
                        false => &base[block.head..block.first],
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
                line.text = line.text.replace(old, &text);
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
        let from = self.origin(at);
        let mut set = false;
        let mut without: Vec<(String, usize, usize, String)> = Vec::new();
        let names: Vec<String> = self.manifests();
        for name in names {
            let lines = &self.files[&name];
            let Ok(documents) = yaml::read(&text(lines)) else {
                continue;
            };
            let maps = documents
                .iter()
                .filter(|document| document.get("kind").and_then(Node::text) == Some("ConfigMap"));
            // From the last to the first: a line more moves only what is below it.
            let mut changes: Vec<(usize, usize, String, String)> = Vec::new();
            for map in maps {
                let Ok(Some(found)) = options::of(map) else {
                    continue;
                };
                let Value::Scalar {
                    style: Style::Literal,
                    text,
                } = &found.text.value
                else {
                    return Err(Mistake::at(
                        at,
                        format!("`{}` of {name} is no block of text.", found.file),
                    )
                    .why("an option can be changed in a text that begins with `|`"));
                };
                let value = written(found.file, value).ok_or_else(|| {
                    Mistake::at(at, format!("`{}` cannot hold this value.", found.file))
                        .why("from a `#` on, Flink takes the line for a comment")
                })?;
                match found.options.get(key) {
                    Some((old, place)) => {
                        changes.push((place.line - 1, place.column - 1, old.clone(), value));
                    }
                    None => {
                        let last = found.text.at.line - 1 + text.trim_end().lines().count();
                        without.push((name.clone(), last, found.text.at.column - 1, value));
                    }
                }
            }
            changes.sort_by_key(|(line, ..)| std::cmp::Reverse(*line));
            let (own, base) = (self.name.clone(), self.base.clone());
            let lines = self.files.get_mut(&name).expect("a file of the book");
            for (line, column, old, value) in changes {
                let before: String = lines[line].text.chars().take(column).collect();
                let indent: String = before.chars().take_while(|c| *c == ' ').collect();
                lines[line] = Line {
                    text: format!("{before}{value}"),
                    from: from.clone(),
                };
                let said = format!("{indent}# {own} changes this: {base} has {old}.");
                lines.insert(
                    line,
                    Line {
                        text: said,
                        from: from.clone(),
                    },
                );
                set = true;
            }
        }
        if set {
            return Ok(());
        }
        if without.is_empty() {
            return Err(
                Mistake::at(at, "The base has no configuration of Flink's to change.")
                    .why("no config map of it holds a `config.yaml` or `flink-conf.yaml`"),
            );
        }
        without.sort_by_key(|(_, line, ..)| std::cmp::Reverse(*line));
        for (name, line, indent, value) in without {
            let space = " ".repeat(indent);
            let added = format!("{space}# Added by {}:", self.name);
            let lines = self.files.get_mut(&name).expect("a file of the book");
            let follows = lines[..line].iter().rev().any(|above| above.text == added)
                && lines[line - 1].from.file == self.shown;
            lines.insert(
                line,
                Line {
                    text: format!("{space}{key}: {value}"),
                    from: from.clone(),
                },
            );
            if !follows {
                lines.insert(
                    line,
                    Line {
                        text: added,
                        from: from.clone(),
                    },
                );
            }
        }
        Ok(())
    }

    /// So many pods of the workload that makes a role's.
    fn replicas(&mut self, role: &str, number: u32, at: At) -> Result<(), Mistake> {
        let from = self.origin(at);
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
            let lines = self.files.get_mut(&name).expect("a file of the book");
            let Ok(documents) = yaml::read(&text(lines)) else {
                continue;
            };
            for document in &documents {
                let of = |key: &str| {
                    document
                        .find("spec.template.metadata.labels")?
                        .get(key)?
                        .text()
                };
                if !labels.matches(of) {
                    continue;
                }
                let Some(replicas) = document.find("spec.replicas") else {
                    continue;
                };
                let line = replicas.at.line - 1;
                let before: String = lines[line]
                    .text
                    .chars()
                    .take(replicas.at.column - 1)
                    .collect();
                lines[line] = Line {
                    text: format!("{before}{number}"),
                    from,
                };
                return Ok(());
            }
        }
        Err(Mistake::at(
            at,
            format!("No manifest of the base says `replicas` of a {role}."),
        )
        .why(format!("pods of that role have the labels `{selector}`")))
    }

    fn manifests(&self) -> Vec<String> {
        let names = self.files.keys();
        let other =
            |name: &&String| !["lab.yaml", "kind.yaml"].contains(&name.as_str()) && !is_jar(name);
        names.filter(other).cloned().collect()
    }
}

/// A value as the file takes it; none where it cannot. YAML takes any text in quotes.
fn written(file: &str, value: &str) -> Option<String> {
    if file == options::FILES[0] {
        return (!value.contains('#')).then(|| value.to_owned());
    }
    let line = format!("option: {value}");
    let read = yaml::read(&line)
        .ok()
        .and_then(|documents| documents.into_iter().next());
    let same = read.as_ref().and_then(|root| root.get("option")?.text()) == Some(value);
    match same {
        true => Some(value.to_owned()),
        false => serde_json::to_string(value).ok(),
    }
}

/// Whether a line names an image, and not one of which that name is only the beginning.
fn named(line: &str, image: &str) -> bool {
    line.match_indices(image).any(|(at, _)| {
        let next = line[at + image.len()..].chars().next();
        next.is_none_or(|c| !c.is_ascii_alphanumeric() && !"-._@/".contains(c))
    })
}
