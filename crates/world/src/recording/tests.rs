//! Recordings as files: written, gone on with, cut, and as long as one may be.

#![allow(clippy::unwrap_used)]

use super::*;
use flinklab_event::{Event, Origin};
use std::fs;

fn tape(path: &Path) -> Tape {
    let began = "2026-11-24T21:00:00Z".parse().unwrap();
    Tape::create(
        path,
        &Header::new(began, None, Origin::Real),
        Private::default(),
    )
    .unwrap()
}

fn recorded(path: &Path, ticks: i64) -> Tape {
    let mut tape = tape(path);
    let began: Timestamp = "2026-11-24T21:00:00Z".parse().unwrap();
    for n in 0..ticks {
        let at = began + SignedDuration::from_millis(n * 250);
        tape.take(&Happening {
            at,
            event: Event::Tick,
        })
        .unwrap();
    }
    tape
}

#[test]
fn plain_and_compressed_files_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.flinklab", "a.flinklab.gz"] {
        let path = folder.path().join(name);
        recorded(&path, 100).close().unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.starts_with(b"{"), name.ends_with("flinklab"));
        let read = of_bytes(name, &bytes).unwrap();
        assert_eq!((read.happenings.len(), read.cut), (100, None));
    }
}

#[test]
fn a_recording_goes_on_after_something_else_was_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.flinklab", "a.flinklab.gz"] {
        let path = folder.path().join(name);
        recorded(&path, 10).close().unwrap();
        let began: Timestamp = "2026-11-24T21:00:00Z".parse().unwrap();
        let mut tape = Tape::go_on(&path, began, Private::default()).unwrap();
        let at = began + SignedDuration::from_secs(60);
        let event = Event::Tick;
        tape.take(&Happening { at, event }).unwrap();
        tape.close().unwrap();
        let read = of_bytes(name, &fs::read(&path).unwrap()).unwrap();
        assert_eq!((read.happenings.len(), read.length()), (11, 60_000_000));
        assert_eq!(read.remarks(), Vec::<String>::new());
    }
}

#[test]
fn a_killed_program_leaves_what_is_older_than_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.flinklab.gz");
    // 25 s of ticks, never closed
    std::mem::forget(recorded(&path, 100));
    let read = of_bytes("a", &fs::read(&path).unwrap()).unwrap();
    assert!(read.happenings.len() >= 95, "{}", read.happenings.len());
    assert!(read.cut.is_some());
}

#[test]
fn a_recording_never_replaces_a_file_and_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "mine").unwrap();
    let header = Header::new(Timestamp::UNIX_EPOCH, None, Origin::Real);
    let fault = Tape::create(&path, &header, Private::default()).unwrap_err();
    assert_eq!(fault.code, "recording-unwritable");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.path().join("b");
        tape(&path).close().unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_picture_is_written_through_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let (out, other) = (folder.path().join("a.svg"), folder.path().join("other"));
    fs::write(&other, "theirs").unwrap();
    for laid in ["a.svg.new", "a.svg"] {
        let laid = folder.path().join(laid);
        std::os::unix::fs::symlink(&other, &laid).unwrap();
        let written = write_picture(&out, "<svg/>");
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
        assert_eq!(written.is_err(), laid == out, "{written:?}");
        fs::remove_file(&laid).unwrap();
        let _ = fs::remove_file(&out);
    }
}

#[test]
fn what_can_be_written_can_be_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.flinklab.gz");
    let mut tape = recorded(&path, 3);
    let at = "2026-11-24T21:00:09Z".parse().unwrap();
    let event = Event::NoLab {
        name: "x ".repeat(1000),
    };
    let long = Happening { at, event };
    tape.size.bytes = LARGEST - 500;
    let fault = tape.take(&long).unwrap_err();
    assert_eq!(fault.code, RECORDING_ENDED);
    tape.close().unwrap();
    let read = of_bytes("a", &fs::read(&path).unwrap()).unwrap();
    assert_eq!((read.happenings.len(), read.cut), (3, None));
}

#[test]
fn a_recording_that_goes_on_counts_what_it_has_before_compression() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.flinklab", "a.flinklab.gz"] {
        let path = folder.path().join(name);
        let tape = recorded(&path, 1000);
        let size = tape.size;
        tape.close().unwrap();
        let began = "2026-11-24T21:00:00Z".parse().unwrap();
        let tape = Tape::go_on(&path, began, Private::default()).unwrap();
        assert_eq!(tape.size, size, "{name}");
        assert_eq!(size.lines, 1001);
    }
}

/// Nothing makes the program hold more of a file than a line of it.
#[test]
fn a_line_without_an_end_is_passed_over_and_what_follows_is_read() {
    let header = Header::new(Timestamp::UNIX_EPOCH, None, Origin::Real).line();
    let endless = io::repeat(b'x').take(3 * LONGEST_LINE as u64);
    let after: &[u8] = b"\n{\"us\":5,\"event\":\"tick\"}\n";
    let file = BufReader::new(header.as_bytes().chain(endless).chain(after));
    let Ok(read) = whole("a", file) else {
        panic!("it is a recording")
    };
    assert_eq!(read.happenings.len(), 1);
    assert!(
        read.remarks()[0].starts_with("1 line was"),
        "{:?}",
        read.remarks()
    );
}
