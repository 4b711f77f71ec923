//! The one kind of file of a lab that is no text: a jar of its own. The files of a lab are texts
//! everywhere, in lab.json, in a bundle and in the hash, so a jar is Base64 there. Only here is known
//! which files that are, how they read, and what a jar looks like from outside.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// How a jar begins: it is a zip.
const HEAD: &[u8] = b"PK\x03\x04";

/// Whether a file of that name is a jar.
pub(super) fn is_jar(name: &str) -> bool {
    name.ends_with(".jar")
}

/// A file of a lab as it stands in a folder. None: it is a jar whose text is no Base64.
#[must_use]
pub fn file_bytes<'a>(name: &str, text: &'a str) -> Option<Cow<'a, [u8]>> {
    if is_jar(name) {
        STANDARD.decode(text.trim_end()).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(text.as_bytes()))
    }
}

/// A file as a lab holds it. None: it is neither a jar nor text.
#[must_use]
pub fn file_text(name: &str, bytes: &[u8]) -> Option<String> {
    if is_jar(name) {
        Some(format!("{}\n", STANDARD.encode(bytes)))
    } else {
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }
}

/// What is wrong with a jar that should hold that class, in words; none if nothing is.
pub(super) fn wrong(bytes: &[u8], class: &str) -> Option<Wrong> {
    if !bytes.starts_with(HEAD) {
        return Some(Wrong::NoJar);
    }
    // Names of entries are not compressed.
    let entry = format!("{}.class", class.replace('.', "/"));
    let mut found = bytes.windows(entry.len());
    if found.any(|window| window == entry.as_bytes()) {
        None
    } else {
        Some(Wrong::NoClass(entry))
    }
}

/// What may be wrong with a jar.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is something else.
    NoJar,
    /// It has no such entry.
    NoClass(String),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_jar_is_the_same_after_it_was_text_and_a_text_stays_one() {
        let jar = b"PK\x03\x04\x00\xff a/B.class \xfe".as_slice();
        let text = file_text("x.jar", jar).unwrap();
        assert_eq!(file_bytes("x.jar", &text).unwrap(), jar);
        assert_eq!(file_text("x.yaml", b"a: 1\n").unwrap(), "a: 1\n");
        assert_eq!(
            file_bytes("x.yaml", "a: 1\n").unwrap(),
            b"a: 1\n".as_slice()
        );
        assert_eq!(file_text("x.yaml", b"\xff"), None);
        assert_eq!(file_bytes("x.jar", "no Base64!"), None);
    }

    #[test]
    fn what_is_no_jar_or_lacks_the_class_is_told() {
        let jar = b"PK\x03\x04..a/B.class..".as_slice();
        assert_eq!(wrong(jar, "a.B"), None);
        assert_eq!(
            wrong(jar, "a.C"),
            Some(Wrong::NoClass("a/C.class".to_owned()))
        );
        assert_eq!(wrong(b"<html>", "a.B"), Some(Wrong::NoJar));
    }
}
