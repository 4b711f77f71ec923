//! A bundle is written under another name until it is whole, and what an interrupted run left of it
//! is gone on with.

use super::file::{
    CONTENTS, Contents, FORMAT, Packed, SEAL, bytes, checksum, entries, json, packed_name,
    piece_name,
};
use crate::files;
use flinklab_base::fault::Fault;
use flinklab_lab::file_bytes;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes of a header of a tar.
const BLOCK: u64 = 512;

/// A bundle that is being written, under another name until it is whole.
pub(super) struct Writer {
    path: PathBuf,
    tar: tar::Builder<File>,
    contents: Contents,
}

impl Writer {
    /// Begins a bundle, or goes on with what an interrupted run left there: the images of it that
    /// are whole and still wanted, `wanted` being names and Docker's ids in their order.
    pub(super) fn open(
        path: &Path,
        lab: (&str, &[(String, String)]),
        wanted: &[(String, String)],
    ) -> Result<Self, Fault> {
        let cannot = |error: std::io::Error| cannot_write(path, &error);
        let mut files = Vec::new();
        for (name, text) in lab.1 {
            let garbled = || std::io::Error::other(format!("the lab's {name} is garbled"));
            let bytes = file_bytes(name, text).ok_or_else(|| cannot(garbled()))?;
            files.push((name.clone(), bytes));
        }
        let mut file = files::own(path).map_err(cannot)?;
        if file.try_lock().is_err() {
            return Err(Fault::unable(
                "bundle-busy",
                format!("Another flinklab writes {} right now.", path.display()),
            )
            .hint("Wait until it is done, or name another file."));
        }
        if !is_begun(&mut file).map_err(cannot)? {
            let what = format!("{} is no bundle that was begun.", path.display());
            return Err(Fault::wrong("bundle-part-foreign", what)
                .why("a file of yours is not written over")
                .hint("Move it away, or name another file for the bundle."));
        }
        let mut contents = Contents {
            format: FORMAT,
            made_by: format!("flinklab {}", env!("CARGO_PKG_VERSION")),
            lab: lab.0.to_owned(),
            files: files
                .iter()
                .map(|(name, bytes)| (name.clone(), checksum(bytes)))
                .collect(),
            images: Vec::new(),
        };
        let end = left(&mut file, &mut contents, wanted).map_err(cannot)?;
        file.set_len(end).map_err(cannot)?;
        file.seek(SeekFrom::Start(end)).map_err(cannot)?;
        let mut writer = Self {
            path: path.to_path_buf(),
            tar: tar::Builder::new(file),
            contents,
        };
        if end == 0 {
            for (name, bytes) in &files {
                writer.add(&format!("lab/{name}"), bytes)?;
            }
        }
        Ok(writer)
    }

    /// Images that are in it already.
    pub(super) fn images(&self) -> usize {
        self.contents.images.len()
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        let added = self.tar.append_data(&mut header, name, bytes);
        added.map_err(|error| cannot_write(&self.path, &error))
    }

    /// The next piece of the next image.
    pub(super) fn piece(&mut self, packed: &mut Packed, bytes: &[u8]) -> Result<(), Fault> {
        self.add(&piece_name(self.images(), packed.pieces.len()), bytes)?;
        packed.pieces.push(checksum(bytes));
        Ok(())
    }

    /// The image is whole.
    pub(super) fn image(&mut self, packed: Packed) -> Result<(), Fault> {
        self.add(&packed_name(self.images()), &json(&packed)?)?;
        self.contents.images.push(packed);
        Ok(())
    }

    /// The bundle is whole; how many bytes it has.
    pub(super) fn finish(mut self) -> Result<u64, Fault> {
        let contents = json(&self.contents)?;
        self.add(CONTENTS, &contents)?;
        self.add(SEAL, checksum(&contents).as_bytes())?;
        let path = self.path;
        let cannot = |error: std::io::Error| cannot_write(&path, &error);
        let file = self.tar.into_inner().map_err(cannot)?;
        file.sync_all().map_err(cannot)?;
        Ok(file.metadata().map_err(cannot)?.len())
    }
}

/// Whether a file is empty or begins as a bundle does: anything else is somebody's.
fn is_begun(file: &mut File) -> std::io::Result<bool> {
    let mut head = Vec::new();
    file.take(BLOCK).read_to_end(&mut head)?;
    let magic = head.get(257..262).is_none_or(|magic| magic == b"ustar");
    Ok(head.is_empty() || head.starts_with(b"lab/") && magic)
}

/// Takes in what an interrupted run left: where the part of it ends that is gone on with.
fn left(
    file: &mut File,
    contents: &mut Contents,
    wanted: &[(String, String)],
) -> std::io::Result<u64> {
    let (entries, _) = entries(file)?;
    let mut entries = entries.into_iter();
    let mut end = 0;
    for (name, sum) in &contents.files {
        let Some(entry) = entries
            .next()
            .filter(|entry| entry.name == format!("lab/{name}"))
        else {
            return Ok(0);
        };
        if checksum(&bytes(file, &entry)?) != *sum {
            return Ok(0);
        }
        end = entry.end();
    }
    for (n, (image, id)) in wanted.iter().enumerate() {
        let (mut pieces, mut packed) = (Vec::new(), None);
        for entry in entries.by_ref() {
            if entry.name == packed_name(n) {
                let words = bytes(file, &entry)?;
                let known = serde_json::from_slice::<Packed>(&words).ok();
                packed = known.map(|packed| (packed, entry.end()));
                break;
            } else {
                pieces.push(checksum(&bytes(file, &entry)?))
            }
        }
        match packed {
            Some((packed, until))
                if (&packed.image, &packed.id) == (image, id) && packed.pieces == pieces =>
            {
                contents.images.push(packed);
                end = until;
            }
            _ => break,
        }
    }
    Ok(end)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Fault {
    Fault::unable(
        "bundle-unwritable",
        format!("Cannot write {}.", path.display()),
    )
    .why(error)
    .hint(
        "Name a file in a folder that you may write, with room for it. What was written is \
             kept: the same command goes on with it.",
    )
}
