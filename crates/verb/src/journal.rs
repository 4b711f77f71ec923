//! What takes a verb back, as it is kept in the journal: plain data, so that any later process can
//! carry it out. Every undo may be done twice, and may find that there is nothing left to do.

use crate::{Cluster, NodeAccess, Task, VERBS};
use jiff::Timestamp;
use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// The field of an act that names what it does.
const DO: &str = "do";

/// An undo that can be written to the journal. Its fields and its name never change: a later version
/// reads what an earlier one left.
pub trait Stored: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its name there.
    const DO: &'static str;

    /// One as it is written there, on one line. Every later version must read it.
    const WRITTEN: &'static str;
}

/// An undo that is done in a node, which needs Docker alone.
pub trait NodeUndo: Send + Sync {
    /// The node's name.
    fn node(&self) -> &str;

    /// The command that a person would type.
    fn command(&self) -> String;

    /// Whether Docker itself does it: nothing runs in the node, which may stand still until then.
    fn is_by_docker(&self) -> bool {
        false
    }

    /// Does it; when it did.
    fn undo<'a>(&'a self, node: &'a dyn NodeAccess) -> Task<'a, Timestamp>;
}

/// An undo that goes through the API server.
pub trait ClusterUndo: Send + Sync {
    /// The command that a person would type, in the lab's namespace.
    fn command(&self, kubectl: &dyn Fn(&str) -> String, namespace: &str) -> String;

    /// Does it; when it did.
    fn undo<'a>(&'a self, cluster: &'a dyn Cluster) -> Task<'a, Timestamp>;
}

/// An undo, by what it needs.
pub enum Undo {
    /// Docker alone.
    Node(Box<dyn NodeUndo>),
    /// The API server.
    Cluster(Box<dyn ClusterUndo>),
}

/// A kind of undo: its name in the journal, and how it is read.
pub struct UndoKind {
    name: &'static str,
    written: &'static str,
    read: fn(Value) -> Result<Undo, serde_json::Error>,
}

impl UndoKind {
    /// One that is done in a node.
    #[must_use]
    pub const fn in_node<T: Stored + NodeUndo>() -> Self {
        Self {
            name: T::DO,
            written: T::WRITTEN,
            read: |data| serde_json::from_value::<T>(data).map(|undo| Undo::Node(Box::new(undo))),
        }
    }

    /// One that goes through the API server.
    #[must_use]
    pub const fn in_cluster<T: Stored + ClusterUndo>() -> Self {
        Self {
            name: T::DO,
            written: T::WRITTEN,
            read: |data| {
                serde_json::from_value::<T>(data).map(|undo| Undo::Cluster(Box::new(undo)))
            },
        }
    }

    /// Its name in the journal.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// One as it is written there.
    #[must_use]
    pub const fn written(&self) -> &'static str {
        self.written
    }
}

/// One undo of a journal's entry.
#[derive(Clone)]
pub struct Act {
    name: &'static str,
    data: Value,
    undo: Arc<Undo>,
}

impl Act {
    /// An undo that is done in a node.
    #[must_use]
    pub fn in_node<T: Stored + NodeUndo>(undo: T) -> Self {
        Self {
            name: T::DO,
            data: data(&undo),
            undo: Arc::new(Undo::Node(Box::new(undo))),
        }
    }

    /// An undo that goes through the API server.
    #[must_use]
    pub fn in_cluster<T: Stored + ClusterUndo>(undo: T) -> Self {
        Self {
            name: T::DO,
            data: data(&undo),
            undo: Arc::new(Undo::Cluster(Box::new(undo))),
        }
    }

    /// What it does.
    #[must_use]
    pub fn undo(&self) -> &Undo {
        &self.undo
    }

    /// The node that it is done in; none where it goes through the API server.
    #[must_use]
    pub fn node(&self) -> Option<&str> {
        match &*self.undo {
            Undo::Node(undo) => Some(undo.node()),
            Undo::Cluster(_) => None,
        }
    }

    /// Whether Docker itself does it, with nothing that runs in a node.
    #[must_use]
    pub fn is_by_docker(&self) -> bool {
        match &*self.undo {
            Undo::Node(undo) => undo.is_by_docker(),
            Undo::Cluster(_) => false,
        }
    }

    /// What it does as a command that a person would type, in the lab's namespace.
    #[must_use]
    pub fn command(&self, kubectl: impl Fn(&str) -> String, namespace: &str) -> String {
        match &*self.undo {
            Undo::Node(undo) => undo.command(),
            Undo::Cluster(undo) => undo.command(&kubectl, namespace),
        }
    }
}

fn data<T: Stored>(undo: &T) -> Value {
    serde_json::to_value(undo).expect("an undo is a struct of texts, numbers and JSON")
}

impl PartialEq for Act {
    fn eq(&self, other: &Self) -> bool {
        (self.name, &self.data) == (other.name, &other.data)
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.data)
    }
}

impl Serialize for Act {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut all = Map::new();
        all.insert(DO.to_owned(), self.name.into());
        if let Value::Object(data) = &self.data {
            all.extend(data.clone());
        }
        all.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Act {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut all = Map::deserialize(from)?;
        let name = all.shift_remove(DO);
        let name = name.as_ref().and_then(Value::as_str);
        let name = name.ok_or_else(|| de::Error::missing_field(DO))?;
        let kind = VERBS
            .iter()
            .flat_map(|step| step.facts().undos)
            .find(|kind| kind.name == name)
            .ok_or_else(|| de::Error::custom(format!("nothing is taken back by `{name}`")))?;
        let data = Value::Object(all);
        let undo = (kind.read)(data.clone()).map_err(de::Error::custom)?;
        Ok(Self {
            name: kind.name,
            data,
            undo: Arc::new(undo),
        })
    }
}
