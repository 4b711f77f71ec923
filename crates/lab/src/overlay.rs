//! A lab that is another one with a few changes: `base` in its `lab.yaml`, and what differs. The
//! base's files are written anew with the changes in place, so that all that follows reads a whole
//! lab; each line remembers where it came from, so that a mistake is shown where a person wrote it.

mod configuration;
mod edit;
mod replace;

use super::check;
use super::mistake::{Mistake, did_you_mean, listed};
use super::options::version::Version;
use super::options::{self, known};
use super::yaml::{self, At, Node, Value};
use edit::{Book, Edit};
use flinklab_base::fault::Fault;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

/// How many labs may stand on each other. More are a circle.
const MOST_BASES: usize = 4;
/// Words of `lab.yaml` that only an overlay has.
const OWN: [&str; 4] = ["base", "image", "options", "replicas"];
/// Words that take the place of the base's.
const WHOLE: [&str; 10] = [
    "name", "about", "images", "apply", "flink", "roles", "job", "polls", "first", "failures",
];
/// More pods of a role than fit a laptop are a slip of the finger.
const MOST_REPLICAS: u32 = 9;

/// Where the lines of each file came from.
pub(super) struct Origins(BTreeMap<String, Vec<Origin>>);

/// Where a line was written. A column where the line was put together from two files.
#[derive(Debug, Clone)]
struct Origin {
    file: Rc<str>,
    line: usize,
    column: Option<usize>,
}

/// A line with its origin.
#[derive(Debug, Clone)]
struct Line {
    text: String,
    from: Origin,
}

type Files = BTreeMap<String, Vec<Line>>;

impl Origins {
    /// A mistake in a file that was put together, shown where a person wrote it.
    pub(super) fn placed(&self, mut fault: Fault) -> Fault {
        if let Some(place) = &mut fault.place
            && let Some(lines) = self.0.get(&place.file)
            && let Some(origin) = lines.get(place.line.saturating_sub(1)).or(lines.last())
        {
            place.file = origin.file.to_string();
            if place.line > 0 {
                place.line = origin.line;
                place.column = origin.column.unwrap_or(place.column);
            }
        }
        fault
    }
}

/// A lab's files with its base's beneath. A lab without a base stays as it is.
pub(super) fn resolve(
    files: Vec<(String, String)>,
    folder: &str,
) -> Result<(Vec<(String, String)>, Origins), Fault> {
    if over(&files).is_none() {
        return Ok((files, Origins(BTreeMap::new())));
    }
    let (made, _) = layered(files, folder, 0)?;
    let origins = made.iter().map(|(name, lines)| {
        let from = lines.iter().map(|line| line.from.clone()).collect();
        (format!("{folder}{name}"), from)
    });
    let origins = Origins(origins.collect());
    let files = made.into_iter().map(|(name, lines)| {
        let text: String = lines
            .iter()
            .map(|line| format!("{}\n", line.text))
            .collect();
        (name, text)
    });
    Ok((files.collect(), origins))
}

/// The tree of an overlay's `lab.yaml`; none where it has no base, or cannot be read at all.
fn over(files: &[(String, String)]) -> Option<Node> {
    let (_, text) = files.iter().find(|(name, _)| name == "lab.yaml")?;
    let root = yaml::read(text).ok()?.into_iter().next()?;
    root.get("base").is_some().then_some(root)
}

fn lines(text: &str, shown: &str) -> Vec<Line> {
    let file: Rc<str> = shown.into();
    let line = |(index, text): (usize, &str)| Line {
        text: text.to_owned(),
        from: Origin {
            file: file.clone(),
            line: index + 1,
            column: None,
        },
    };
    text.lines().enumerate().map(line).collect()
}

/// The files of a lab upon its bases, and its name.
fn layered(
    files: Vec<(String, String)>,
    folder: &str,
    depth: usize,
) -> Result<(Files, String), Fault> {
    let Some(root) = over(&files) else {
        let name = of_lab(&files).unwrap_or_default();
        let all = files.iter().map(|(file, text)| {
            let shown = format!("{folder}{file}");
            (file.clone(), lines(text, &shown))
        });
        return Ok((all.collect(), name));
    };
    let shown = format!("{folder}lab.yaml");
    let fault = |mistake: Mistake| mistake.fault("lab-invalid", &shown);
    words(&root).map_err(fault)?;
    let base = root.get("base").expect("an overlay has a base");
    let (below, below_folder) = found(base, folder).map_err(fault)?;
    if depth >= MOST_BASES {
        return Err(fault(
            Mistake::at(base.at, "The labs stand on each other in a circle.")
                .why(format!("more than {MOST_BASES} of them follow from here")),
        ));
    }
    let (mut made, base_name) = layered(below, &below_folder, depth + 1)?;
    let name = root.get("name").and_then(Node::text).unwrap_or_default();
    let own = files.iter().find(|(file, _)| file == "lab.yaml");
    let own = lines(own.map_or("", |(_, text)| text), &shown);
    let image = image_of(&made);
    for (file, text) in files.iter().filter(|(file, _)| file != "lab.yaml") {
        made.insert(file.clone(), lines(text, &format!("{folder}{file}")));
    }
    let mut book = Book {
        files: made,
        shown: shown.as_str().into(),
        name: name.to_owned(),
        base: base_name,
        version: None,
    };
    book.merge(&root, own).map_err(fault)?;
    if let (Some(node), Some(old)) = (root.get("image"), image) {
        book.image(&old, node);
    }
    let image = image_of(&book.files);
    book.version = image.as_deref().and_then(Version::of_image);
    for edit in edits(&root, book.version).map_err(fault)? {
        book.edit(&edit).map_err(fault)?;
    }
    Ok((book.files, name.to_owned()))
}

fn of_lab(files: &[(String, String)]) -> Option<String> {
    let (_, text) = files.iter().find(|(name, _)| name == "lab.yaml")?;
    let root = yaml::read(text).ok()?.into_iter().next()?;
    Some(root.get("name")?.text()?.to_owned())
}

/// The image that the base's job and pods are of.
fn image_of(made: &Files) -> Option<String> {
    let root = edit::tree(made.get("lab.yaml")?)?;
    Some(root.find("job.image")?.text()?.to_owned())
}

/// The files of the lab that `base` names: one compiled in, or a folder beside this one.
fn found(base: &Node, folder: &str) -> Result<(Vec<(String, String)>, String), Mistake> {
    let Some(name) = base.text().filter(|text| !text.is_empty()) else {
        return Err(Mistake::at(
            base.at,
            "`base` must be the name or folder of a lab.",
        ));
    };
    if let Some(files) = super::built_in(name) {
        return Ok((files, format!("{name}/")));
    }
    let path = Path::new(folder).join(name);
    if !folder.is_empty() && path.is_dir() {
        let shown = format!("{}/", path.display().to_string().trim_end_matches('/'));
        return match check::read_files(&path) {
            Ok(files) => Ok((files, shown)),
            Err(fault) => Err(Mistake::at(base.at, fault.what).why(fault.why)),
        };
    }
    let near = did_you_mean(name, super::built_in_names());
    Err(Mistake::at(
        base.at,
        format!("There is no built-in lab and no folder `{name}` to stand on."),
    )
    .why("a folder is looked for from the lab's own folder")
    .hint(if near.is_empty() {
        format!("Built in: {}.", listed(super::built_in_names()))
    } else {
        near
    }))
}

/// Words that an overlay may have, and what they may be.
fn words(root: &Node) -> Result<(), Mistake> {
    let Value::Map(entries) = &root.value else {
        return Ok(());
    };
    for (key, value) in entries {
        let word = key.text().unwrap_or_default();
        let known = || OWN.into_iter().chain(WHOLE);
        if !known().any(|known| known == word) {
            return Err(Mistake::at(key.at, format!("Unknown word `{word}`."))
                .why(format!(
                    "known in a lab that has a `base`: {}",
                    listed(known())
                ))
                .hint(did_you_mean(word, known())));
        }
        let is_right = match word {
            "image" => value.text().is_some_and(|text| !text.is_empty()),
            "options" | "replicas" => matches!(value.value, Value::Map(_)),
            _ => true,
        };
        if !is_right {
            let wanted = match word {
                "image" => "the name of an image",
                "options" => "Flink's options with their values",
                _ => "roles with their numbers",
            };
            return Err(Mistake::at(value.at, format!("`{word}` must be {wanted}.")));
        }
    }
    match root.get("name") {
        Some(_) => Ok(()),
        None => Err(Mistake::at(root.at, "`name` is missing.")
            .why("a lab upon another one is a lab of its own")),
    }
}

/// What is changed inside the base's manifests, in the order of the file.
fn edits(root: &Node, version: Option<Version>) -> Result<Vec<Edit>, Mistake> {
    let mut all = Vec::new();
    let entries = |word: &str| match root.get(word).map(|node| &node.value) {
        Some(Value::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    for (key, value) in entries("options") {
        let name = key.text().unwrap_or_default();
        let objection = |at: At, wrong: known::Objection| {
            Mistake::at(at, wrong.what).why(wrong.why).hint(wrong.hint)
        };
        let Some(text) = value.text() else {
            return Err(
                Mistake::at(value.at, format!("`{name}` must be one value."))
                    .why("options are written with their whole names here, such as `rest.port`"),
            );
        };
        if value.is_null() || text.contains('\n') {
            return Err(Mistake::at(
                value.at,
                format!("`{name}` must be one value on its line."),
            ));
        }
        known::name(name, version).map_err(|wrong| objection(key.at, wrong))?;
        let text = options::canonical(value);
        known::value(name, &text, version).map_err(|wrong| objection(value.at, wrong))?;
        all.push(Edit::Option {
            key: name.to_owned(),
            value: text,
            at: value.at,
        });
    }
    for (key, value) in entries("replicas") {
        let role = key.text().unwrap_or_default();
        if !["jobmanager", "taskmanager"].contains(&role) {
            return Err(
                Mistake::at(key.at, format!("Unknown word `{role}` in `replicas`."))
                    .why("known there: `jobmanager` and `taskmanager`")
                    .hint(did_you_mean(role, ["jobmanager", "taskmanager"])),
            );
        }
        let number = value.text().and_then(|text| text.parse::<u32>().ok());
        let Some(number) = number.filter(|number| (1..=MOST_REPLICAS).contains(number)) else {
            return Err(Mistake::at(
                value.at,
                format!("`replicas.{role}` must be a number from 1 to {MOST_REPLICAS}."),
            ));
        };
        all.push(Edit::Replicas {
            role: role.to_owned(),
            number,
            at: value.at,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
