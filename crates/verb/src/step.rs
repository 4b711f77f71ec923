//! A verb as a value: one step of a failure, written and read by its key.

use crate::{By, Effect, Facts, Hits, Until, VERBS, Verb};
use serde::de::{self, DeserializeSeed, EnumAccess, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;
use std::sync::LazyLock;

/// One act against what is hit: a verb of the list.
#[derive(Clone, Copy)]
pub struct Step(&'static dyn Verb);

impl Step {
    /// The step that does this.
    #[must_use]
    pub const fn of(verb: &'static dyn Verb) -> Self {
        Self(verb)
    }

    /// The verb with this key.
    #[must_use]
    pub fn find(key: &str) -> Option<Self> {
        VERBS.iter().copied().find(|step| step.key() == key)
    }

    /// As it is written in a lab.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.facts().key
    }

    /// What it does to what it hits.
    #[must_use]
    pub fn effect(self) -> Effect {
        self.facts().effect
    }

    /// Whether it can be done to that.
    #[must_use]
    pub fn suits(self, hits: Hits) -> bool {
        self.facts().hits.contains(&hits)
    }

    /// Whether it has an effect for as long as it is not taken back.
    #[must_use]
    pub fn lasts(self) -> bool {
        self.facts().until == Until::Undone
    }

    /// Whether we must take it back ourselves, so that it is in the journal before it is done.
    #[must_use]
    pub fn is_undone_by_us(self) -> bool {
        self.facts().until != Until::Over
    }

    /// Whether what it hits ends.
    #[must_use]
    pub fn ends(self) -> bool {
        matches!(self.effect(), Effect::Ends(_))
    }

    /// Whether what it hits ends by way of its kubelet.
    #[must_use]
    pub fn ends_by_kubelet(self) -> bool {
        self.effect() == Effect::Ends(By::Kubelet)
    }
}

impl Deref for Step {
    type Target = dyn Verb;

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Step {}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.key())
    }
}

/// All keys, for messages.
static KEYS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| VERBS.iter().map(|step| step.key()).collect());

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_enum("Step", &KEYS, Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step of a failure")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Step, A::Error> {
        let (step, rest) = data.variant_seed(Key)?;
        rest.unit_variant()?;
        Ok(step)
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Step;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Step, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key of a step")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Step, E> {
        Step::find(key).ok_or_else(|| E::unknown_variant(key, &KEYS))
    }
}

// `Facts` holds function pointers and scripts; who prints a step wants its key.
impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}
