//! Kubernetes' error answers, worded as the API server words them.

use super::kinds::Kind;
use super::store::Key;
use crate::serve;
use crate::serve::Reply;
use serde_json::{Value, json};

/// A `Status` object that says what went wrong.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Value,
}

impl Status {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Value::Null,
        }
    }

    pub(crate) fn not_found(key: &Key) -> Self {
        let what = key.kind.qualified();
        Self {
            details: json!({"name": key.name, "kind": key.kind.plural, "group": key.kind.group}),
            ..Self::new(
                404,
                "NotFound",
                format!("{what} \"{}\" not found", key.name),
            )
        }
    }

    pub(crate) fn no_resource() -> Self {
        Self {
            details: json!({}),
            ..Self::new(
                404,
                "NotFound",
                "the server could not find the requested resource",
            )
        }
    }

    pub(crate) fn exists(key: &Key) -> Self {
        let what = key.kind.qualified();
        Self {
            details: json!({"name": key.name, "kind": key.kind.plural, "group": key.kind.group}),
            ..Self::new(
                409,
                "AlreadyExists",
                format!("{what} \"{}\" already exists", key.name),
            )
        }
    }

    /// A write that says an older resourceVersion.
    pub(crate) fn stale(key: &Key) -> Self {
        Self {
            details: json!({"name": key.name, "kind": key.kind.plural}),
            ..Self::new(
                409,
                "Conflict",
                format!(
                    "Operation cannot be fulfilled on {} \"{}\": the object has been modified; \
                     please apply your changes to the latest version and try again",
                    key.kind.qualified(),
                    key.name
                ),
            )
        }
    }

    /// A delete whose precondition names another uid.
    pub(crate) fn other_uid(key: &Key, wanted: &str, is: &str) -> Self {
        Self {
            details: json!({"name": key.name, "kind": key.kind.kind}),
            ..Self::new(
                409,
                "Conflict",
                format!(
                    "Operation cannot be fulfilled on {} \"{}\": the UID in the precondition \
                     ({wanted}) does not match the UID in record ({is}). The object might have \
                     been deleted and then recreated",
                    key.kind.kind, key.name
                ),
            )
        }
    }

    /// An apply without force that would change fields of other managers.
    pub(crate) fn apply_conflict(conflicts: &[(String, String)]) -> Self {
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|(manager, field)| {
                json!({"reason": "FieldManagerConflict",
                    "message": format!("conflict with \"{manager}\""), "field": field})
            })
            .collect();
        let fields: Vec<&str> = conflicts.iter().map(|(_, field)| field.as_str()).collect();
        let s = if conflicts.len() == 1 { "" } else { "s" };
        let manager = conflicts.first().map_or("", |(manager, _)| manager);
        Self {
            details: json!({"causes": causes}),
            ..Self::new(
                409,
                "Conflict",
                format!(
                    "Apply failed with {} conflict{s}: conflict{s} with \"{manager}\": {}",
                    conflicts.len(),
                    fields.join(", ")
                ),
            )
        }
    }

    pub(crate) fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(
            410,
            "Expired",
            format!("too old resource version: {asked} ({oldest})"),
        )
    }

    pub(crate) fn invalid(kind: &Kind, name: &str, why: &str) -> Self {
        Self::new(
            422,
            "Invalid",
            format!("{}.{} \"{name}\" is invalid: {why}", kind.kind, kind.group),
        )
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// The pod proxy could not reach its pod.
    pub(crate) fn unreachable(why: &str) -> Self {
        Self::new(
            503,
            "ServiceUnavailable",
            format!("error trying to reach service: {why}"),
        )
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut value = json!({"kind": "Status", "apiVersion": "v1", "metadata": {},
            "status": "Failure", "message": self.message, "reason": self.reason});
        if !self.details.is_null() {
            value["details"] = self.details.clone();
        }
        value["code"] = json!(self.code);
        value
    }

    pub(crate) fn reply(&self) -> Reply {
        serve::json(self.code, &self.to_json())
    }
}
