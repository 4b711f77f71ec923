//! How serde walks the lists, maps and enums of a tree. Each error gets its place and its part of
//! the path here, on its way up.

use super::decode::{Reader, Rules};
use super::wrong::{Reason, Wrong};
use super::yaml::Node;
use serde::de::{
    self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::StrDeserializer,
};

pub(super) struct Items<'a> {
    pub(super) of: Reader<'a>,
    pub(super) items: &'a [Node],
    pub(super) next: usize,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        let Some(node) = self.items.get(self.next) else {
            return Ok(None);
        };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Reader { node, ..self.of })
            .map(Some)
            .map_err(|wrong| wrong.or_at(node.at).below(format!("[{index}]")))
    }
}

pub(super) struct Entries<'a> {
    pub(super) of: Reader<'a>,
    pub(super) entries: &'a [(Node, Node)],
    pub(super) next: usize,
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        let Some((key, _)) = self.entries.get(self.next) else {
            return Ok(None);
        };
        seed.deserialize(Reader {
            node: key,
            ..self.of
        })
        .map(Some)
        .map_err(|wrong| wrong.or_at(key.at))
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let (key, node) = &self.entries[self.next];
        self.next += 1;
        seed.deserialize(Reader { node, ..self.of })
            .map_err(|wrong| {
                wrong
                    .or_at(node.at)
                    .below(key.text().unwrap_or_default().to_owned())
            })
    }
}

/// `word`, or `word: content` as the only entry of a map.
pub(super) struct Variant<'a> {
    pub(super) word: &'a str,
    pub(super) content: Option<&'a Node>,
    pub(super) rules: Rules,
}

impl<'a> EnumAccess<'a> for Variant<'a> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let word: StrDeserializer<'_, Wrong> = de::IntoDeserializer::into_deserializer(self.word);
        Ok((seed.deserialize(word)?, self))
    }
}

impl<'a> Variant<'a> {
    fn content(&self) -> Result<Reader<'a>, Wrong> {
        let node = self.content.ok_or_else(|| {
            de::Error::custom(format!("`{}` needs a value: write `{0}: …`", self.word))
        })?;
        Ok(Reader {
            node,
            rules: self.rules,
        })
    }
}

impl<'a> VariantAccess<'a> for Variant<'a> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        match self.content {
            Some(node) if !node.is_null() => Err(Wrong::new(
                Reason::Other(format!("`{}` takes no value", self.word)),
                node.at,
            )),
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Result<T::Value, Wrong> {
        seed.deserialize(self.content()?)
            .map_err(|wrong| wrong.below(self.word.to_owned()))
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        de::Deserializer::deserialize_seq(self.content()?, visitor)
            .map_err(|wrong| wrong.below(self.word.to_owned()))
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        de::Deserializer::deserialize_map(self.content()?, visitor)
            .map_err(|wrong| wrong.below(self.word.to_owned()))
    }
}
