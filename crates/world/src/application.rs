//! A job that is a part of its cluster: which one it is, by what the cluster itself says; how its
//! JobManagers are started for a history, and how they are kept from starting another one when
//! theirs has ended. What decides that a history begins is `up` and `jobs`.

use super::apply::{Applied, Applier, Origin};
use super::gate::Ours;
use super::home::JobRecord;
use super::kube::{self as api, CALL};
use super::members;
use super::submit::{Answer, Rest};
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::{ApplicationFacts, is_over};
use flinklab_lab::failure::Role;
use flinklab_lab::{Application, Beginning, Document, Lab};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use std::time::Duration;

/// Between two looks at pods that are to go.
const LOOK: Duration = Duration::from_millis(200);
/// Longer than any grace period that a lab's pods have.
const LEAVES: Duration = Duration::from_secs(180);
/// How long one JobManager may take to say what it runs.
const QUICK: Duration = Duration::from_secs(3);

/// What the rest of the program needs to know of it.
#[must_use]
pub(crate) fn facts(application: &Application) -> ApplicationFacts {
    let kind = application.kind.as_deref().unwrap_or_default();
    ApplicationFacts {
        workload: if kind.is_empty() {
            String::new()
        } else {
            format!("{}/{}", kind.to_lowercase(), application.name)
        },
        comes_back: application.comes_back(),
        cannot_start: application.cannot_start(),
    }
}

/// The job that the cluster runs or will recover: the one that is known, if it is among them. Asks
/// the HA config map first, which outlives a JobManager, then REST.
pub(crate) async fn job(
    client: &Client,
    lab: &Lab,
    rest: &Rest,
    known: Option<&str>,
) -> Result<Option<String>, Fault> {
    let planned = plans(client, lab).await?;
    if let Some(found) = among(planned, known) {
        return Ok(Some(found));
    }
    let Answer::Good(jobs) = rest.get("/jobs/overview", QUICK).await else {
        return Ok(None);
    };
    let rows = jobs["jobs"].as_array().into_iter().flatten();
    let lives = rows.filter(|row| row["state"].as_str().is_some_and(|state| !is_over(state)));
    let ids = lives.filter_map(|row| row["jid"].as_str().map(str::to_owned));
    Ok(among(ids.filter(|id| is_id(id)).collect(), known))
}

/// The jobs whose plans the HA config map holds: the next leader brings them back.
async fn plans(client: &Client, lab: &Lab) -> Result<Vec<String>, Fault> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &lab.flink.namespace);
    let doing = "Reading Flink's HA config map";
    let map = api::within(CALL, doing, maps.get_opt(&lab.cluster_map())).await?;
    let keys = map.and_then(|map| map.data).unwrap_or_default().into_keys();
    let ids = keys.filter_map(|key| {
        let id = key.strip_prefix("executionPlan-");
        let id = id.or_else(|| key.strip_prefix("jobGraph-"))?;
        is_id(id).then(|| id.to_owned())
    });
    Ok(ids.collect())
}

/// Flink's ids are 32 hex digits. A config map may hold anything.
fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn among(ids: Vec<String>, known: Option<&str>) -> Option<String> {
    let own = ids.iter().find(|id| Some(id.as_str()) == known).cloned();
    own.or_else(|| ids.into_iter().next())
}

/// Whether no JobManager is wanted: their workload is at zero, or not there.
pub(crate) async fn at_zero(client: &Client, lab: &Lab) -> Result<bool, Fault> {
    Ok(match wanted(client, lab).await? {
        Wanted::Nothing | Wanted::Zero => true,
        Wanted::Some | Wanted::Unknown => false,
    })
}

/// What the cluster has of the JobManagers' workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It is not there.
    Nothing,
    /// It is there, and no JobManager is wanted.
    Zero,
    /// JobManagers are wanted.
    Some,
    /// The lab's files do not say which it is.
    Unknown,
}

/// Looks at the JobManagers' workload.
pub(crate) async fn wanted(client: &Client, lab: &Lab) -> Result<Wanted, Fault> {
    let Some(document) = workload(lab) else {
        return Ok(Wanted::Unknown);
    };
    let objects = objects(client, lab, document);
    let doing = format!("Asking for {} {}", document.kind, document.name);
    let found = api::within(CALL, &doing, objects.get_opt(&document.name)).await?;
    Ok(match found {
        None => Wanted::Nothing,
        Some(found) if found.data["spec"]["replicas"] == 0 => Wanted::Zero,
        Some(_) => Wanted::Some,
    })
}

/// Takes the JobManagers away and waits until they are gone: an application that has ended is not
/// started again. Removes what one of them may have begun anew meanwhile.
pub(crate) async fn rest(
    ours: &Ours,
    lab: &Lab,
    job: &str,
    mut tell: impl FnMut(&str),
) -> Result<(), Fault> {
    let Some(document) = workload(lab) else {
        return Ok(());
    };
    let client = ours.client();
    let objects = objects(&client, lab, document);
    let doing = format!("Scaling {} to 0", document.name);
    let patch = Patch::Merge(json!({"spec": {"replicas": 0}}));
    let params = PatchParams::default();
    let call = objects.patch(&document.name, &params, &patch);
    api::within(CALL, &doing, call).await?;
    tell("waits until the JobManagers are gone");
    let pods: Api<Pod> = Api::namespaced(client.clone(), &lab.flink.namespace);
    let only = ListParams::default().labels(&lab.roles.jobmanager.selector);
    let members = lab.members();
    let until = Instant::now() + LEAVES;
    loop {
        let doing = "Asking for the JobManagers";
        let listed = api::within(CALL, doing, pods.list(&only)).await?;
        let mut own = listed.items.iter();
        let left = own.find(|pod| members::role(&members, pod) == Some(Role::JobManager));
        let Some(left) = left else { break };
        if Instant::now() > until {
            let name = left.metadata.name.as_deref().unwrap_or_default();
            return Err(Fault::unable(
                "late",
                format!(
                    "The JobManagers were not gone within {} s.",
                    LEAVES.as_secs()
                ),
            )
            .why(format!("{name} is still there")));
        }
        clock::sleep(LOOK).await;
    }
    forget(&client, lab, job).await
}

/// Removes the HA config maps of a job that has ended, which its cluster removes itself unless it was
/// ended at a moment when it had begun again.
async fn forget(client: &Client, lab: &Lab, job: &str) -> Result<(), Fault> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &lab.flink.namespace);
    for name in [lab.cluster_map(), lab.job_map(job)] {
        let removed = async {
            match maps
                .delete(&name, &kube::api::DeleteParams::default())
                .await
            {
                Err(error) if api::status(&error) == Some(404) => Ok(()),
                answer => answer.map(drop),
            }
        };
        api::within(CALL, &format!("Removing {name}"), removed).await?;
    }
    Ok(())
}

/// Applies the JobManagers' workload as it begins a history that is written down.
pub(crate) async fn begin(
    ours: &Ours,
    lab: &Lab,
    record: &JobRecord,
) -> Result<Option<Applied>, Fault> {
    let Some(application) = lab.application() else {
        return Ok(None);
    };
    let mut applier = Applier::new(ours.client(), "");
    for manifest in &lab.manifests {
        for document in &manifest.documents {
            let Some(begun) = application.begun(document, beginning(record)) else {
                continue;
            };
            let mut files = lab.files.iter();
            let text = files.find(|(name, _)| *name == manifest.file);
            let origin = Origin {
                file: &manifest.file,
                text: text.map(|(_, text)| text.as_str()).unwrap_or_default(),
            };
            return applier.apply(origin, &begun).await.map(Some);
        }
    }
    Ok(None)
}

/// Where a history begins that is written down.
pub(crate) fn beginning(record: &JobRecord) -> Beginning<'_> {
    Beginning {
        job: &record.id,
        from: record.from.as_deref(),
    }
}

/// The workload of the JobManagers, as the lab's files have it.
fn workload(lab: &Lab) -> Option<&Document> {
    let application = lab.application()?;
    lab.documents().find(|document| {
        application.kind.as_ref() == Some(&document.kind) && document.name == application.name
    })
}

fn objects(client: &Client, lab: &Lab, document: &Document) -> Api<DynamicObject> {
    let (group, version) = document
        .api_version
        .split_once('/')
        .unwrap_or(("", &document.api_version));
    let kind = GroupVersionKind::gvk(group, version, &document.kind);
    let resource = ApiResource::from_gvk(&kind);
    Api::namespaced_with(client.clone(), &lab.flink.namespace, &resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_job_counts_while_it_is_there_and_else_the_one_that_is() {
        let (old, new) = ("07e0".to_owned(), "c0de".to_owned());
        let both = || vec![new.clone(), old.clone()];
        assert_eq!(among(both(), Some("07e0")), Some(old.clone()));
        assert_eq!(among(both(), None), Some(new.clone()));
        assert_eq!(among(vec![new.clone()], Some("07e0")), Some(new.clone()));
        assert_eq!(among(Vec::new(), Some("07e0")), None);
        assert!(is_id("07e0ded58f8336e6f67ab576b0c6ae27") && !is_id("07e0"));
    }
}
