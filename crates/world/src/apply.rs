//! Server-side apply of plain manifests: each object goes in as it stands in its file, with strict
//! fields, and what the API server refuses is told with file, line and field. Decides neither the
//! order of files nor when they may go in.

mod place;
mod rollout;

pub use rollout::{left, rollout, wants_rollout};

use super::kube::{self as api, CALL};
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_lab::Document;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::GroupVersion;
use kube::discovery::{ApiGroup, Scope, pinned_group};
use kube::{Api, Client, Error};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Who we are in `managedFields`.
const MANAGER: &str = "flinklab";
/// How long an object may be refused for reasons that pass while a server comes up.
const SETTLE: Duration = Duration::from_secs(15);
/// How long it may give no answer at all: a machine that is overloaded, not a refusal.
const SILENT: Duration = Duration::from_secs(90);
/// Between two tries.
const RETRY: Duration = Duration::from_millis(200);
/// kubectl's, for objects that name no namespace.
const DEFAULT_NAMESPACE: &str = "default";

/// Applies objects one after another, remembering what the server knows.
pub struct Applier {
    client: Client,
    groups: BTreeMap<String, ApiGroup>,
    /// Stands before file names in messages.
    folder: String,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// `Deployment flink-jobmanager`.
    pub object: String,
    /// Whether the cluster changed.
    pub change: Change,
}

/// Whether the cluster changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Created,
    /// It was there and is different now.
    Changed,
    /// It was so already.
    Same,
}

/// A manifest file as it is named in messages, with its text to find lines in.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Applier {
    /// With a client that may write: `Ours` or `Claiming` hand it out.
    #[must_use]
    pub fn new(client: Client, folder: &str) -> Self {
        Self {
            client,
            groups: BTreeMap::new(),
            folder: folder.to_owned(),
        }
    }

    /// Applies one object. Waits out what passes while an API server comes up.
    pub async fn apply(&mut self, from: Origin<'_>, document: &Document) -> Result<Applied, Fault> {
        let (until, silent) = (Instant::now() + SETTLE, Instant::now() + SILENT);
        loop {
            let refused = match tokio::time::timeout(CALL, self.once(document)).await {
                Ok(Ok(applied)) => return Ok(applied),
                Ok(Err(error)) => error,
                Err(_) if Instant::now() < silent => continue,
                Err(_) => {
                    return Err(Fault::unable(
                        "api-silent",
                        format!("Applying {} {}: no answer.", document.kind, document.name),
                    )
                    .hint("Run the command again."));
                }
            };
            let settled = match &refused {
                Refused::Answer(error) => field_of(error).is_some() || !api::passing(error),
                // A CRD of the same lab may have been applied a moment ago.
                Refused::UnknownKind => false,
            };
            if settled || Instant::now() >= until {
                return Err(self.fault(from, document, &refused));
            }
            if matches!(refused, Refused::UnknownKind) {
                self.groups.remove(&document.api_version);
            }
            clock::sleep(RETRY).await;
        }
    }

    async fn once(&mut self, document: &Document) -> Result<Applied, Refused> {
        let api = self.api_of(document).await?;
        let before = api.get_opt(&document.name).await?;
        let params = PatchParams::apply(MANAGER).force().validation_strict();
        let after = api
            .patch(&document.name, &params, &Patch::Apply(&document.object))
            .await?;
        let change = match before {
            None => Change::Created,
            Some(before) if meant(&before) == meant(&after) => Change::Same,
            Some(_) => Change::Changed,
        };
        Ok(Applied {
            object: format!("{} {}", document.kind, document.name),
            change,
        })
    }

    /// Whether the cluster has the object.
    pub async fn has(&mut self, document: &Document) -> Result<bool, Fault> {
        let look = async {
            let api = self.api_of(document).await?;
            Ok::<_, Refused>(api.get_opt(&document.name).await?.is_some())
        };
        match tokio::time::timeout(CALL, look).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(Refused::UnknownKind)) => Ok(false),
            Ok(Err(Refused::Answer(error))) => Err(api::fault(
                &format!("Looking for {} {}", document.kind, document.name),
                &error,
            )),
            Err(_) => Ok(false),
        }
    }

    async fn api_of(&mut self, document: &Document) -> Result<Api<DynamicObject>, Refused> {
        if !self.groups.contains_key(&document.api_version) {
            let version: GroupVersion = document
                .api_version
                .parse()
                .map_err(|_| Refused::UnknownKind)?;
            let group = match pinned_group(&self.client, &version).await {
                Ok(group) => group,
                Err(error) if api::status(&error) == Some(404) => return Err(Refused::UnknownKind),
                Err(error @ Error::Discovery(_)) => {
                    tracing::debug!(%error, "discovery");
                    return Err(Refused::UnknownKind);
                }
                Err(error) => return Err(Refused::Answer(error)),
            };
            self.groups.insert(document.api_version.clone(), group);
        }
        let (resource, capabilities) = self
            .groups
            .get(&document.api_version)
            .and_then(|group| group.recommended_kind(&document.kind))
            .ok_or(Refused::UnknownKind)?;
        Ok(match capabilities.scope {
            Scope::Cluster => Api::all_with(self.client.clone(), &resource),
            Scope::Namespaced => {
                let namespace = document.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
                Api::namespaced_with(self.client.clone(), namespace, &resource)
            }
        })
    }

    fn fault(&self, from: Origin<'_>, document: &Document, refused: &Refused) -> Fault {
        let file = format!("{}{}", self.folder, from.file);
        let object = format!("{} `{}`", document.kind, document.name);
        let error = match refused {
            Refused::UnknownKind => {
                return Fault::wrong(
                    "manifest-refused",
                    format!("This Kubernetes has no {} in {}.", document.kind, document.api_version),
                )
                .at(file, document.line, 0)
                .why(format!("the file asks for {object}"))
                .hint(advice!("Mend the file, or add the CRD to the lab, and run `flinklab up` again; the cluster is kept."));
            }
            Refused::Answer(error) => error,
        };
        match (field_of(error), api::status(error)) {
            (Some(field), _) => {
                let (line, column) = place::find(from.text, document.line, &field);
                Fault::wrong(
                    "manifest-refused",
                    format!("The API server refuses the field `{field}` of {object}."),
                )
                .at(file, line, column)
                .why(api::describe(error))
                .hint(advice!(
                    "Mend the file and run `flinklab up` again; the cluster is kept."
                ))
            }
            (None, Some(400 | 404 | 405 | 415 | 422)) => Fault::wrong(
                "manifest-refused",
                format!("The API server refuses {object}."),
            )
            .at(file, document.line, 0)
            .why(api::describe(error))
            .hint(advice!(
                "Mend the file and run `flinklab up` again; the cluster is kept."
            )),
            _ => api::fault(&format!("Applying {object}"), error),
        }
    }
}

/// Why an object did not go in.
enum Refused {
    Answer(Error),
    UnknownKind,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Answer(error)
    }
}

/// The field that the server complains about.
fn field_of(error: &Error) -> Option<String> {
    let Error::Api(status) = error else {
        return None;
    };
    let message = &status.message;
    // Server-side apply: `.spec.replica: field not declared in schema`.
    if let Some(end) = message.find(": field not declared in schema") {
        let start = message[..end]
            .rfind([' ', '\n', '\t'])
            .map_or(0, |at| at + 1);
        return Some(message[start..end].trim_start_matches('.').to_owned());
    }
    // Strict decoding: `unknown field "spec.replica"`.
    for words in ["unknown field \"", "duplicate field \""] {
        if let Some(at) = message.find(words) {
            let rest = &message[at + words.len()..];
            return rest.split('"').next().map(str::to_owned);
        }
    }
    // Wrong type under server-side apply: `.spec.replicas: expected numeric (int or float), got string`.
    if let Some(at) = message.find(": expected ") {
        let start = message[..at]
            .rfind([' ', '\n', '\t'])
            .map_or(0, |at| at + 1);
        let field = &message[start..at];
        if field.starts_with('.') {
            return Some(field.trim_start_matches('.').to_owned());
        }
    }
    let details = status.details.as_ref()?;
    let cause = details
        .causes
        .iter()
        .find(|cause| !cause.field.is_empty())?;
    (status.code == 422).then(|| cause.field.clone())
}

/// An object without what the server writes by itself.
fn meant(object: &DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.remove("status");
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(key);
        }
    }
    value
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use kube::core::Status;

    fn error(code: u16, message: &str) -> Error {
        Error::Api(Box::new(Status {
            code,
            message: message.to_owned(),
            ..Status::default()
        }))
    }

    #[test]
    fn the_refused_field_is_found_in_every_wording() {
        let typed = "failed to create typed patch object (flink/x; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema";
        assert_eq!(field_of(&error(500, typed)).unwrap(), "spec.replica");
        let list = "failed to create typed patch object (a/b; v1, Kind=C): errors:\n  .spec.containers[name=\"main\"].imagee: field not declared in schema\n";
        assert_eq!(
            field_of(&error(500, list)).unwrap(),
            "spec.containers[name=\"main\"].imagee"
        );
        let strict = "strict decoding error: unknown field \"spec.foo\"";
        assert_eq!(field_of(&error(400, strict)).unwrap(), "spec.foo");
        let kind = "failed to create typed patch object (a/b; apps/v1, Kind=D): .spec.replicas: expected numeric (int or float), got string";
        assert_eq!(field_of(&error(500, kind)).unwrap(), "spec.replicas");
        assert_eq!(field_of(&error(403, "forbidden")), None);
    }

    #[test]
    fn what_the_server_writes_by_itself_is_no_change() {
        let object = |version: &str, replicas: u32| -> DynamicObject {
            serde_json::from_value(serde_json::json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "x", "resourceVersion": version},
                "spec": {"replicas": replicas}, "status": {"observedGeneration": version.len()},
            }))
            .unwrap()
        };
        assert_eq!(meant(&object("1", 2)), meant(&object("22", 2)));
        assert_ne!(meant(&object("1", 2)), meant(&object("1", 3)));
    }
}
