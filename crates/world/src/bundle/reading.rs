//! A bundle is used only after every byte of it was held against its checksum.

use super::file::{
    CONTENTS, Contents, Entry, FORMAT, SEAL, WORDS, bytes, checksum, damaged, entries, json,
    packed_name, piece_name,
};
use bytes::Bytes;
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_lab::file_text;
use futures::stream::{Stream, unfold};
use serde::Deserialize;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A bundle that was read whole: every byte of it is what it was when it was made.
pub(super) struct Reader {
    file: File,
    path: PathBuf,
    pub(super) contents: Contents,
    entries: Vec<Entry>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .field("contents", &self.contents)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Reads all of it. `told` hears how many bytes were read, and of how many.
    pub(super) async fn open(path: &Path, mut told: impl FnMut(u64, u64)) -> Result<Self, Fault> {
        let unreadable = |error: std::io::Error| {
            Fault::wrong(
                "bundle-unreadable",
                format!("Cannot read {}.", path.display()),
            )
            .why(error)
            .hint(advice!(
                "Name a file that `flinklab bundle create FILE` has made."
            ))
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let (entries, whole) = entries(&mut file).map_err(unreadable)?;
        if entries
            .first()
            .is_none_or(|entry| !entry.name.starts_with("lab/"))
        {
            return Err(Fault::wrong(
                "not-a-bundle",
                format!("{} is no bundle of flinklab.", path.display()),
            )
            .why("it does not begin with a lab's files")
            .hint(advice!(
                "Name a file that `flinklab bundle create FILE` has made."
            )));
        }
        whole.map_err(|what| damaged(path, &what))?;
        let contents = contents(&mut file, path, &entries)?;
        let expected = expected(&contents);
        let same = entries.len() == expected.len() + 2;
        if !same
            || !entries
                .iter()
                .zip(&expected)
                .all(|(one, (name, ..))| one.name == *name)
        {
            return Err(damaged(
                path,
                "its entries are not those that it should have",
            ));
        }
        for (entry, (name, sum, words)) in entries.iter().zip(&expected) {
            let read = bytes(&mut file, entry)
                .map_err(|error| damaged(path, &format!("{name} ({words}): {error}")))?;
            if sum.as_ref().is_some_and(|sum| checksum(&read) != *sum) {
                let what = format!("{name} ({words}) is not what it was when the bundle was made");
                return Err(damaged(path, &what));
            }
            told(entry.end(), length);
            // Somebody may want to stop it.
            tokio::task::yield_now().await;
        }
        Ok(Self {
            file,
            path: path.to_path_buf(),
            contents,
            entries,
        })
    }

    /// The lab's files.
    pub(super) fn files(&mut self) -> Result<Vec<(String, String)>, Fault> {
        let mut files = Vec::new();
        for (name, _) in self.contents.files.clone() {
            let text = self.named(&format!("lab/{name}"))?;
            let text = file_text(&name, &text)
                .ok_or_else(|| damaged(&self.path, &format!("lab/{name} is no text")))?;
            files.push((name, text));
        }
        Ok(files)
    }

    /// The pieces of an image, each held against its checksum again: much may happen to a file.
    pub(super) fn pieces(
        &self,
        image: usize,
    ) -> Result<impl Stream<Item = Result<Bytes, String>> + Send + 'static, Fault> {
        let path = self.path.clone();
        let packed = self.contents.images.get(image);
        let packed = packed.ok_or_else(|| damaged(&path, "an image of it is missing"))?;
        let file = File::open(&path).map_err(|error| damaged(&path, &error.to_string()))?;
        let mut pieces = Vec::new();
        for (n, sum) in packed.pieces.iter().enumerate() {
            pieces.push((self.entry(&piece_name(image, n))?.clone(), sum.clone()));
        }
        Ok(unfold(
            (file, pieces.into_iter()),
            |(mut file, mut pieces)| async move {
                let (entry, sum) = pieces.next()?;
                let read = match bytes(&mut file, &entry) {
                    Ok(read) if checksum(&read) == sum => Ok(Bytes::from(read)),
                    Ok(_) => Err(format!("{} was changed meanwhile", entry.name)),
                    Err(error) => Err(format!("{}: {error}", entry.name)),
                };
                Some((read, (file, pieces)))
            },
        ))
    }

    /// How long an image is.
    pub(super) fn size(&self, image: usize) -> u64 {
        let front = format!("images/{image}/");
        let pieces = self.entries.iter();
        let pieces = pieces.filter(|entry| entry.name.starts_with(&front));
        pieces.map(|entry| entry.size).sum()
    }

    fn named(&mut self, name: &str) -> Result<Vec<u8>, Fault> {
        let entry = self.entry(name)?.clone();
        bytes(&mut self.file, &entry)
            .map_err(|error| damaged(&self.path, &format!("{name}: {error}")))
    }

    fn entry(&self, name: &str) -> Result<&Entry, Fault> {
        let found = self.entries.iter().find(|entry| entry.name == name);
        found.ok_or_else(|| damaged(&self.path, &format!("{name} is missing")))
    }
}

/// What the bundle says that it holds, which its last entry vouches for.
fn contents(file: &mut File, path: &Path, entries: &[Entry]) -> Result<Contents, Fault> {
    let damaged = |what: String| damaged(path, &what);
    let [.., words, seal] = entries else {
        return Err(damaged(format!("{CONTENTS} is missing")));
    };
    if words.name != CONTENTS || seal.name != SEAL || words.size > WORDS || seal.size > WORDS {
        return Err(damaged(format!("{CONTENTS} is missing at its end")));
    }
    let text = bytes(file, words).map_err(|error| damaged(format!("{CONTENTS}: {error}")))?;
    let sum = bytes(file, seal).map_err(|error| damaged(format!("{SEAL}: {error}")))?;
    if sum != checksum(&text).as_bytes() {
        let what = format!("{CONTENTS} is not what it was when the bundle was made");
        return Err(damaged(what));
    }
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let version: Version =
        serde_json::from_slice(&text).map_err(|error| damaged(format!("{CONTENTS}: {error}")))?;
    if version.format != FORMAT {
        return Err(Fault::wrong(
            "bundle-format",
            format!("{} is of a newer flinklab.", path.display()),
        )
        .why(format!(
            "its format is {}, and this flinklab reads {FORMAT}",
            version.format
        ))
        .hint("Load it with the flinklab that came with it, or a newer one."));
    }
    let contents: Contents =
        serde_json::from_slice(&text).map_err(|error| damaged(format!("{CONTENTS}: {error}")))?;
    // A name is a file's in the lab's folder or among its lessons, and nothing else.
    let below = format!("{}/", flinklab_lab::LESSONS);
    let plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "..";
    match contents
        .files
        .iter()
        .find(|(name, _)| !plain(name.strip_prefix(&below).unwrap_or(name)))
    {
        Some((name, _)) => Err(damaged(format!("`{name}` is no name of a lab's file"))),
        None => Ok(contents),
    }
}

/// The entries that there must be before the last two: name, checksum, and what it is in words.
fn expected(contents: &Contents) -> Vec<(String, Option<String>, String)> {
    let files = contents.files.iter().map(|(name, sum)| {
        let words = format!("a file of the lab `{}`", contents.lab);
        (format!("lab/{name}"), Some(sum.clone()), words)
    });
    let images = contents.images.iter().enumerate().flat_map(|(n, packed)| {
        let of = packed.pieces.len();
        let pieces = packed.pieces.iter().enumerate().map(move |(piece, sum)| {
            let words = format!("part {} of {of} of {}", piece + 1, packed.image);
            (piece_name(n, piece), Some(sum.clone()), words)
        });
        let sum = json(packed).ok().map(|words| checksum(&words));
        let own = (packed_name(n), sum, format!("the list of {}", packed.image));
        pieces.chain([own])
    });
    files.chain(images).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
