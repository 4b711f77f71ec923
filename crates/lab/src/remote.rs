//! Manifests that a lab takes from elsewhere: an address, and the SHA-256 of what is to be there.
//! Says where they are looked for and whether a text is the one that is meant; fetches nothing.

use flinklab_base::fault::Place;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// No manifest is longer. The longest known, an operator's with all of its definitions, has 2 MiB.
pub const LONGEST: u64 = 16 * 1024 * 1024;
/// Hex digits of a SHA-256.
const DIGITS: usize = 64;

/// One manifest that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The name that lab.yaml gives it.
    pub file: String,
    /// Where it is.
    pub url: String,
    /// The SHA-256 of its bytes, hex.
    pub sha256: String,
    /// Where lab.yaml says the address.
    pub at_url: Option<Place>,
    /// Where it says the sum.
    pub at_sum: Option<Place>,
}

impl Remote {
    /// Its file in the folder of those that were fetched.
    #[must_use]
    pub fn kept_in(&self, folder: &Path) -> PathBuf {
        file(folder, &self.sha256)
    }
}

/// A manifest of that sum in the folder of those that were fetched.
pub(super) fn file(folder: &Path, sha256: &str) -> PathBuf {
    folder.join(format!("{sha256}.yaml"))
}

/// The manifest of that sum, if it was fetched and is whole.
pub(super) fn kept(folder: &Path, sha256: &str) -> Option<String> {
    let path = file(folder, sha256);
    let length = std::fs::metadata(&path).ok()?.len();
    let text = std::fs::read_to_string(&path)
        .ok()
        .filter(|_| length <= LONGEST)?;
    (sum(text.as_bytes()) == sha256).then_some(text)
}

/// The SHA-256 of some bytes, hex.
#[must_use]
pub fn sum(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is wrong with an address; none if it may be asked. On this machine nobody stands between,
/// so plain http is good enough there.
pub(super) fn unfit(url: &str) -> Option<&'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Some("it is no address");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty()
        || url
            .chars()
            .any(|one| one.is_whitespace() || flinklab_base::text::harms(one))
    {
        return Some("it names no host");
    }
    if authority.contains('@') {
        return Some("a name or password does not belong into a file");
    }
    match scheme {
        "https" => None,
        "http" if is_loopback(authority) => None,
        _ => Some("only https is asked, and http on this machine itself"),
    }
}

/// Whether an authority names this machine.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whether a text is a SHA-256 as `sha256sum` prints it.
pub(super) fn is_sum(text: &str) -> bool {
    text.len() == DIGITS
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Whether a redirect from a lab's address may be followed to another one.
#[must_use]
pub fn may_ask(url: &str) -> bool {
    unfit(url).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for url in [
            "https://example.org/a.yaml",
            "https://example.org:8443/a.yaml?x=1",
            "http://127.0.0.1:8080/a.yaml",
            "http://localhost/a.yaml",
            "http://[::1]:80/a.yaml",
        ] {
            assert!(may_ask(url), "{url}");
        }
        for url in [
            "http://example.org/a.yaml",
            "http://127.0.0.1.example.org/a.yaml",
            "https://me:secret@example.org/a.yaml",
            "ftp://example.org/a.yaml",
            "file:///etc/passwd",
            "https://",
            "https:// example.org",
            "a.yaml",
        ] {
            assert!(!may_ask(url), "{url}");
        }
    }

    #[test]
    fn a_sum_is_what_sha256sum_prints() {
        let sha256 = sum(b"kind: List\n");
        assert!(is_sum(&sha256));
        for wrong in [&sha256.to_uppercase(), &sha256[1..], "", "sha256:abc"] {
            assert!(!is_sum(wrong), "{wrong}");
        }
    }
}
