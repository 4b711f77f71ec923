//! A bundle's file: what was written is read, what was left is gone on with, and nothing that is
//! damaged is taken.

#![allow(clippy::unwrap_used)]

use super::super::file::{PIECE, Packed, checksum};
use super::super::writing::Writer;
use super::Reader;
use futures::StreamExt;
use proptest::prelude::*;
use std::future::Future;
use std::path::{Path, PathBuf};

fn lab() -> Vec<(String, String)> {
    vec![
        ("lab.yaml".to_owned(), "name: own\n".to_owned()),
        ("kind.yaml".to_owned(), "kind: Cluster\n".to_owned()),
    ]
}

fn wanted() -> Vec<(String, String)> {
    let one = |name: &str| {
        (
            name.to_owned(),
            format!("sha256:{}", checksum(name.as_bytes())),
        )
    };
    vec![one("node:1"), one("flink:2")]
}

/// What a piece of an image is in these tests.
fn content(image: usize, piece: usize) -> Vec<u8> {
    vec![b'a' + u8::try_from(image * 8 + piece).unwrap(); 700 + piece]
}

fn packed(image: usize) -> Packed {
    let (image, id) = wanted()[image].clone();
    Packed {
        image,
        id,
        architecture: "amd64".to_owned(),
        pieces: Vec::new(),
    }
}

/// Writes the images that are not in it yet; how many those were.
fn write(path: &Path, until: usize) -> usize {
    let mut writer = Writer::open(path, ("own", &lab()), &wanted()).unwrap();
    let kept = writer.images();
    for n in kept..until {
        let mut one = packed(n);
        for piece in 0..2 {
            writer.piece(&mut one, &content(n, piece)).unwrap();
        }
        writer.image(one).unwrap();
    }
    if until == wanted().len() {
        writer.finish().unwrap();
    }
    until - kept
}

fn whole(folder: &Path) -> PathBuf {
    let path = folder.join("b");
    write(&path, 2);
    path
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

fn read(path: &Path) -> Result<Reader, flinklab_base::fault::Fault> {
    wait(Reader::open(path, |_, _| {}))
}

#[test]
fn what_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut reader = read(&whole(folder.path())).unwrap();
    assert_eq!(reader.files().unwrap(), lab());
    assert_eq!(reader.contents.images.len(), 2);
    assert_eq!(reader.size(1), 700 + 701);
    let pieces = wait(reader.pieces(1).unwrap().collect::<Vec<_>>());
    let pieces: Vec<Vec<u8>> = pieces
        .into_iter()
        .map(|one| one.unwrap().to_vec())
        .collect();
    assert_eq!(pieces, [content(1, 0), content(1, 1)]);
    assert!(
        PIECE.is_multiple_of(512),
        "pieces of full length need no filling"
    );
}

#[test]
fn what_an_interrupted_run_left_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b");
    assert_eq!(write(&path, 1), 1);
    let half = std::fs::metadata(&path).unwrap().len();
    // it was killed within a piece of the next image
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(&[7; 1000]);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(write(&path, 2), 1, "the first is there");
    assert!(std::fs::metadata(&path).unwrap().len() > half);
    assert_eq!(read(&path).unwrap().contents.images.len(), 2);
    // an image that Docker has another version of meanwhile is not kept
    let mut other = wanted();
    other[0].1 = "sha256:other".to_owned();
    let writer = Writer::open(&path, ("own", &lab()), &other).unwrap();
    assert_eq!(writer.images(), 0);
}

#[test]
fn a_bundle_is_written_through_no_link_and_over_nobodys_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("b"), folder.path().join("other"));
    std::fs::write(&other, "theirs").unwrap();
    let refused = || match Writer::open(&path, ("own", &lab()), &wanted()) {
        Ok(_) => panic!("it was opened"),
        Err(fault) => {
            assert_eq!(std::fs::read_to_string(&other).unwrap(), "theirs");
            fault
        }
    };
    std::os::unix::fs::symlink(&other, &path).unwrap();
    assert_eq!(refused().code, "bundle-unwritable");
    std::fs::remove_file(&path).unwrap();
    // another name of the same file
    std::fs::hard_link(&other, &path).unwrap();
    assert_eq!(refused().code, "bundle-unwritable");
    std::fs::remove_file(&path).unwrap();
    // a file of the person's own that happens to be called so
    std::fs::write(&path, "x".repeat(2000)).unwrap();
    assert_eq!(refused().code, "bundle-part-foreign");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 2000);
}

#[test]
fn what_is_no_bundle_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b");
    assert_eq!(read(&path).unwrap_err().code, "bundle-unreadable");
    std::fs::write(&path, "hello").unwrap();
    assert_eq!(read(&path).unwrap_err().code, "not-a-bundle");
    std::fs::write(&path, "").unwrap();
    assert_eq!(read(&path).unwrap_err().code, "not-a-bundle");
}

#[test]
fn a_changed_byte_is_refused_with_the_name_of_its_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = whole(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let inside = content(1, 1);
    let at = bytes
        .windows(600)
        .position(|part| part == &inside[..600])
        .unwrap();
    bytes[at + 100] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let fault = read(&path).unwrap_err();
    assert_eq!(fault.code, "bundle-damaged");
    assert!(
        fault.why.contains("part 2 of 2 of flink:2"),
        "{}",
        fault.why
    );
}

/// All that a bundle gives.
fn everything(mut reader: Reader) -> (Vec<(String, String)>, Vec<Vec<u8>>) {
    let files = reader.files().unwrap();
    let mut all = Vec::new();
    for image in 0..reader.contents.images.len() {
        let pieces = wait(reader.pieces(image).unwrap().collect::<Vec<_>>());
        all.extend(pieces.into_iter().map(|one| one.unwrap().to_vec()));
    }
    (files, all)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Wherever one byte is changed, or the file is cut, it is refused. A tar has a few bytes that say
    /// nothing, such as what follows a header's checksum: what is read then is what was written.
    #[test]
    fn nothing_that_is_damaged_is_taken(at in any::<prop::sample::Index>(), bit in 0..8u8, cut in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = whole(folder.path());
        let mut bytes = std::fs::read(&path).unwrap();
        // a tar ends with two blocks of nothing
        let at = at.index(bytes.len() - 1024);
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        std::fs::write(&path, bytes).unwrap();
        if let Ok(reader) = read(&path) {
            prop_assert!(!cut);
            let untouched = tempfile::tempdir().unwrap();
            prop_assert_eq!(everything(reader), everything(read(&whole(untouched.path())).unwrap()));
        }
    }
}
