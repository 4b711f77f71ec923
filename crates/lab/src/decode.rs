//! The serde side of `yaml`: a tree to Rust types, with errors that say what, where and which
//! words are allowed. Strings take any scalar literally, as kind does; numbers and booleans are
//! strict. Knows no field of any file.

use super::access::{Entries, Items, Variant};
use super::mistake::Mistake;
use super::scalar::{self, Plain, Words};
use super::wrong::{Reason, Wrong, one_of};
use super::yaml::{Node, Style, Value};
use serde::de::{self, Visitor};

/// Whose rules a file follows where YAML readers differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Ours: nothing is left empty, booleans are `true` and `false`.
    Strict,
    /// kind's: an empty value is the zero of its type, and scalars are converted to it as Go's
    /// yaml.v3 does: `yes` is a boolean, `0777` a number to base 8, and 1.5 becomes 1.
    Kind,
}

/// A tree as `T`.
pub(super) fn decode<T: de::DeserializeOwned>(node: &Node, rules: Rules) -> Result<T, Mistake> {
    T::deserialize(Reader { node, rules }).map_err(|wrong| wrong.mistake(node))
}

#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) node: &'a Node,
    pub(super) rules: Rules,
}

impl<'a> Reader<'a> {
    fn not(self, wanted: &str) -> Wrong {
        let found = match &self.node.value {
            _ if self.node.is_null() => "empty".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
            Value::Scalar {
                text,
                style: Style::Plain,
            } => format!("`{text}`"),
            Value::Scalar { text, .. } => format!("the text `{text}`"),
        };
        Wrong::new(Reason::Type(found, wanted.to_owned()), self.node.at)
    }

    /// kind reads an empty value as if it were not there.
    fn is_zero(self) -> bool {
        self.rules == Rules::Kind && self.node.is_null()
    }

    /// A whole number of at most that size.
    fn whole(self, least: i64, most: i64) -> Result<i64, Wrong> {
        if self.is_zero() {
            return Ok(0);
        }
        let wanted = || format!("a whole number from {least} to {most}");
        let Value::Scalar {
            text,
            style: Style::Plain,
        } = &self.node.value
        else {
            return Err(self.not(&wanted()));
        };
        let number = match (self.rules, self.resolved(text)) {
            (_, Plain::Whole(number)) => Some(number),
            // What is out of range stays so, and what is no number becomes 0 only in Rust.
            #[expect(clippy::cast_possible_truncation, reason = "kind cuts it off as well")]
            (Rules::Kind, Plain::Broken(number)) if !number.is_nan() => Some(number as i64),
            _ => None,
        };
        // To kind, a port of -1 is one that Docker picks.
        let is_any_port = |number: i64| {
            self.rules == Rules::Kind && number == -1 && (least, most) == (0, i64::from(u16::MAX))
        };
        match number {
            Some(number) if (least..=most).contains(&number) => Ok(number),
            Some(number) if is_any_port(number) => Ok(0),
            _ => Err(self.not(&wanted())),
        }
    }

    /// A scalar without quotes by the rules of this file.
    fn resolved(self, text: &str) -> Plain {
        match self.rules {
            Rules::Strict => scalar::plain(text),
            Rules::Kind => scalar::go(text, Words::Two),
        }
    }

    fn visit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::Scalar {
                text,
                style: Style::Plain,
            } => match self.resolved(text) {
                Plain::Null => visitor.visit_unit(),
                Plain::Truth(truth) => visitor.visit_bool(truth),
                Plain::Whole(number) => visitor.visit_i64(number),
                Plain::Huge(number) => visitor.visit_u64(number),
                Plain::Broken(number) => visitor.visit_f64(number),
                Plain::Text => visitor.visit_borrowed_str(text),
            },
            Value::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(Items {
                of: self,
                items,
                next: 0,
            }),
            Value::Map(entries) => visitor.visit_map(Entries {
                of: self,
                entries,
                next: 0,
            }),
        }
    }
}

macro_rules! whole_numbers {
    ($($name:ident $visit:ident $type:ty, $least:expr, $most:expr;)*) => {$(
        fn $name<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
            let number = self.whole($least, $most)?;
            let number = <$type>::try_from(number).expect("within the bounds just checked");
            visitor.$visit(number).map_err(|wrong: Wrong| wrong.or_at(self.node.at))
        }
    )*};
}

impl<'a> de::Deserializer<'a> for Reader<'a> {
    type Error = Wrong;

    whole_numbers! {
        deserialize_u8 visit_u8 u8, 0, i64::from(u8::MAX);
        deserialize_u16 visit_u16 u16, 0, i64::from(u16::MAX);
        deserialize_u32 visit_u32 u32, 0, i64::from(u32::MAX);
        deserialize_u64 visit_u64 u64, 0, i64::MAX;
        deserialize_i8 visit_i8 i8, i64::from(i8::MIN), i64::from(i8::MAX);
        deserialize_i16 visit_i16 i16, i64::from(i16::MIN), i64::from(i16::MAX);
        deserialize_i32 visit_i32 i32, i64::from(i32::MIN), i64::from(i32::MAX);
        deserialize_i64 visit_i64 i64, i64::MIN, i64::MAX;
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let truth = match &self.node.value {
            _ if self.is_zero() => Some(false),
            Value::Scalar { text, style } => match self.resolved(text) {
                Plain::Truth(truth) if *style == Style::Plain => Some(truth),
                // Even in quotes: only the text decides.
                _ if self.rules == Rules::Kind => scalar::old_truth(text),
                _ => None,
            },
            Value::List(_) | Value::Map(_) => None,
        };
        visitor.visit_bool(truth.ok_or_else(|| self.not("`true` or `false`"))?)
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.node.text().map(scalar::plain) {
            #[expect(clippy::cast_precision_loss, reason = "a person's number")]
            Some(Plain::Whole(number)) => visitor.visit_f64(number as f64),
            Some(Plain::Broken(number)) => visitor.visit_f64(number),
            _ => Err(self.not("a number")),
        }
    }

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.node.text() {
            Some(_) if self.is_zero() => visitor.visit_borrowed_str(""),
            Some(text) if !self.node.is_null() => visitor
                .visit_borrowed_str(text)
                .map_err(|wrong: Wrong| wrong.or_at(self.node.at)),
            _ => Err(self.not("a text")),
        }
    }

    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.node.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let items = match &self.node.value {
            Value::List(items) => items.as_slice(),
            _ if self.is_zero() => &[],
            _ => return Err(self.not("a list")),
        };
        visitor
            .visit_seq(Items {
                of: self,
                items,
                next: 0,
            })
            .map_err(|wrong: Wrong| wrong.or_at(self.node.at))
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let entries = match &self.node.value {
            Value::Map(entries) => entries.as_slice(),
            _ if self.is_zero() => &[],
            _ => return Err(self.not("a map")),
        };
        visitor
            .visit_map(Entries {
                of: self,
                entries,
                next: 0,
            })
            .map_err(|wrong: Wrong| self.placed(wrong))
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        allowed: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let (word, at, content) = match &self.node.value {
            Value::Map(entries) => match entries.as_slice() {
                [(key, value)] => (key.text(), key.at, Some(value)),
                _ => (None, self.node.at, None),
            },
            _ if self.node.is_null() => (None, self.node.at, None),
            _ => (self.node.text(), self.node.at, None),
        };
        let word = word.ok_or_else(|| self.not(&one_of(allowed)))?;
        visitor
            .visit_enum(Variant {
                word,
                content,
                rules: self.rules,
            })
            .map_err(|wrong: Wrong| wrong.or_at(at))
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.node.is_null() {
            visitor.visit_unit()
        } else {
            Err(self.not("empty"))
        }
    }

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.visit(visitor).map_err(|wrong| self.placed(wrong))
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'a>> char bytes byte_buf unit_struct tuple_struct
    }
}

impl Reader<'_> {
    /// serde buffers what it reads by a tag, and an error in it comes without a place: then the
    /// word itself is looked for among the keys and values of the map.
    fn placed(self, wrong: Wrong) -> Wrong {
        let (Reason::UnknownField(word, _) | Reason::UnknownVariant(word, _)) = &wrong.reason
        else {
            return wrong.or_at(self.node.at);
        };
        let at = match &self.node.value {
            Value::Map(entries) => entries
                .iter()
                .flat_map(|(key, value)| [key, value])
                .find(|node| node.text() == Some(word))
                .map_or(self.node.at, |node| node.at),
            Value::Scalar { .. } | Value::List(_) => self.node.at,
        };
        wrong.or_at(at)
    }
}
