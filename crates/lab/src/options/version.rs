//! Versions of Flink, as far as options differ by them, and which file each of them reads.

use std::fmt;

/// The legacy file, read up to 1.20.
pub(crate) const LEGACY: &str = "flink-conf.yaml";
/// The file in standard YAML, read from 1.19 on.
pub(crate) const STANDARD: &str = "config.yaml";

/// A version without its patch: options change with minor versions only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    pub(crate) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// 1.15 of `1.15.2` and `v1_15`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim_start_matches('v').split(['.', '_', '-']);
        let mut next = || parts.next()?.parse().ok();
        Some(Self::new(next()?, next()?))
    }

    /// Of an image whose name or tag shows that it is Flink's own, such as
    /// `flink:2.2.1-scala_2.12-java17`. Any other image may count versions of its own.
    pub(crate) fn of_image(image: &str) -> Option<Self> {
        Self::parse(flinks_tag(image)?)
    }

    /// Major and minor.
    pub(crate) fn numbers(self) -> (u32, u32) {
        (self.major, self.minor)
    }

    /// Whether it reads `config.yaml`.
    pub(crate) fn reads_standard(self) -> bool {
        self >= Self::new(1, 19)
    }

    /// Whether it reads `flink-conf.yaml`.
    pub(crate) fn reads_legacy(self) -> bool {
        self < Self::new(2, 0)
    }

    /// Whether a time may be written as `PT2S`.
    pub(crate) fn takes_iso_times(self) -> bool {
        self >= Self::new(2, 1)
    }

    /// Whether a text such as `[a, b]` is a list.
    pub(crate) fn takes_flow_lists(self) -> bool {
        self.reads_standard()
    }
}

/// The tag of an image that is Flink's own.
pub(crate) fn flinks_tag(image: &str) -> Option<&str> {
    let last = image.split('@').next()?.rsplit('/').next()?;
    let (name, tag) = last.split_once(':')?;
    let is_flink = name == "flink" || tag.contains("-scala_") || tag.contains("-java");
    is_flink.then_some(tag)
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Which file counts where these are there. A version that reads both takes the legacy one first.
/// Of an unknown version the newer file is believed.
pub(crate) fn counting(
    version: Option<Version>,
    there: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    let order: &[&'static str] = match version {
        Some(version) if !version.reads_standard() => &[LEGACY],
        Some(version) if version.reads_legacy() => &[LEGACY, STANDARD],
        Some(_) => &[STANDARD],
        None => &[STANDARD, LEGACY],
    };
    order.iter().copied().find(|file| there(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_image_of_flinks_own_says_a_version() {
        let of = |image: &str| Version::of_image(image).map(|version| version.to_string());
        for (image, version) in [
            ("flink:2.2.1-scala_2.12-java17", "2.2"),
            ("apache/flink:1.15.2", "1.15"),
            ("localhost:5000/mirror/flink:2.3", "2.3"),
            ("acme/flink-s3:1.20.1-scala_2.12-java11@sha256:0", "1.20"),
        ] {
            assert_eq!(of(image).as_deref(), Some(version), "{image}");
        }
        for image in [
            "flink",
            "flink:latest",
            "flink@sha256:0",
            "flink:java17",
            "acme/orders:2.1.0",
            "localhost:5000/orders",
        ] {
            assert_eq!(of(image), None, "{image}");
        }
    }

    #[test]
    fn each_version_reads_its_own_file() {
        let of = |version: Option<Version>, files: &[&str]| {
            counting(version, |file| files.contains(&file))
        };
        let both = [LEGACY, STANDARD];
        for (minor, expected) in [(18, LEGACY), (19, LEGACY), (20, LEGACY)] {
            assert_eq!(of(Some(Version::new(1, minor)), &both), Some(expected));
        }
        assert_eq!(of(Some(Version::new(2, 0)), &both), Some(STANDARD));
        assert_eq!(of(Some(Version::new(1, 18)), &[STANDARD]), None);
        assert_eq!(of(Some(Version::new(1, 19)), &[STANDARD]), Some(STANDARD));
        assert_eq!(of(Some(Version::new(2, 0)), &[LEGACY]), None);
        assert_eq!(of(None, &[LEGACY]), Some(LEGACY));
    }
}
