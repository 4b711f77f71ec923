//! Whole seconds, written as a person writes them: `35s`, `1m 30s`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u32);

impl Seconds {
    /// In milliseconds, as phases are.
    #[must_use]
    pub fn ms(self) -> i64 {
        i64::from(self.0) * 1000
    }

    /// As a span of time.
    #[must_use]
    pub const fn span(self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(self.0 as i64)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{}s", self.0))
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let read = text.parse::<jiff::SignedDuration>().ok();
        read.filter(|span| span.subsec_nanos() == 0)
            .and_then(|span| u32::try_from(span.as_secs()).ok())
            .map(Self)
            .ok_or_else(|| {
                serde::de::Error::custom(format!(
                    "`{text}` is no time in whole seconds; write it like `35s` or `1m 30s`"
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn they_are_written_with_a_unit() {
        let read = |text: &str| serde_json::from_str::<Seconds>(text);
        assert_eq!(read(r#""35s""#).unwrap(), Seconds(35));
        assert_eq!(read(r#""1m 30s""#).unwrap(), Seconds(90));
        for wrong in [r#""35""#, r#""-3s""#, r#""1500ms""#, r#""soon""#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(serde_json::to_string(&Seconds(35)).unwrap(), r#""35s""#);
    }
}
