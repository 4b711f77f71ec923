//! The file of a bundle: an ordinary tar of the lab's files, the images in pieces, and at the end
//! what all of it must be.

use flinklab_base::advice;
use flinklab_base::fault::{Fault, Kind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// How much of an image is one entry.
pub(super) const PIECE: usize = 16 << 20;
/// The shape that this version writes and reads.
pub(super) const FORMAT: u32 = 1;
pub(super) const CONTENTS: &str = "bundle.json";
pub(super) const SEAL: &str = "bundle.json.sha256";
/// Nothing that a bundle describes itself with is longer.
pub(super) const WORDS: u64 = 4 << 20;
const BLOCK: u64 = 512;

/// What a bundle holds, and what each part of it must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Contents {
    pub(super) format: u32,
    /// The program that wrote it.
    pub(super) made_by: String,
    /// The lab's name.
    pub(super) lab: String,
    /// The lab's files in their order, with the checksum of each.
    pub(super) files: Vec<(String, String)>,
    pub(super) images: Vec<Packed>,
}

/// An image as it lies in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Packed {
    /// Its name, with the tag.
    pub(super) image: String,
    /// Docker's id of it.
    pub(super) id: String,
    /// The machines that it is made for, in Docker's words.
    pub(super) architecture: String,
    /// Checksums of its pieces, in their order.
    pub(super) pieces: Vec<String>,
}

/// Where something lies in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl Entry {
    /// The first byte after it.
    pub(super) fn end(&self) -> u64 {
        self.offset + self.size.div_ceil(BLOCK) * BLOCK
    }
}

pub(super) fn checksum(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is wrong with a bundle, and where.
pub(super) fn damaged(path: &Path, what: &str) -> Fault {
    Fault::wrong(
        "bundle-damaged",
        format!("The bundle {} is damaged: nothing of it was loaded.", path.display()),
    )
    .why(what)
    .hint(advice!("Copy the file again from where it was made, or make it again with `flinklab bundle create FILE`."))
}

/// The entries from the front of a file up to the first that is none, and whether the file ends
/// there as a tar ends.
pub(super) fn entries(file: &mut File) -> std::io::Result<(Vec<Entry>, Result<(), String>)> {
    file.seek(SeekFrom::Start(0))?;
    let length = file.metadata()?.len();
    let mut found: Vec<Entry> = Vec::new();
    let mut archive = tar::Archive::new(&*file);
    for entry in archive.entries_with_seek()? {
        let at = found.last().map_or(0, Entry::end);
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return Ok((found, Err(format!("at byte {at}: {error}")))),
        };
        let one = Entry {
            name: String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
            offset: entry.raw_file_position(),
            size: entry.size(),
        };
        if one.end() > length {
            return Ok((found, Err(format!("it ends within {}", one.name))));
        }
        found.push(one);
    }
    let end = found.last().map_or(0, Entry::end);
    let rest = length.saturating_sub(end);
    let whole = if rest >= 2 * BLOCK {
        Ok(())
    } else {
        Err(format!("it ends after byte {length}, too early"))
    };
    Ok((found, whole))
}

/// The bytes of an entry. What fills its last block must be nothing.
pub(super) fn bytes(file: &mut File, entry: &Entry) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(entry.offset))?;
    let mut bytes = vec![0; usize::try_from(entry.size).map_err(std::io::Error::other)?];
    file.read_exact(&mut bytes)?;
    let mut filling = Vec::new();
    let fills = entry.end() - entry.offset - entry.size;
    file.take(fills).read_to_end(&mut filling)?;
    if filling.iter().all(|byte| *byte == 0) {
        Ok(bytes)
    } else {
        Err(std::io::Error::other(
            "what fills up its last block is changed",
        ))
    }
}

pub(super) fn piece_name(image: usize, piece: usize) -> String {
    format!("images/{image}/{piece:05}")
}

pub(super) fn packed_name(image: usize) -> String {
    format!("images/{image}.json")
}

pub(super) fn json(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec_pretty(value).map_err(|error| {
        let what = "The contents of a bundle cannot be written down.";
        Fault::new(Kind::Bug, "bundle-contents", what).why(error)
    })
}
