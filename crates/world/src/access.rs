//! The lab's live cluster as a verb reaches it: objects of its namespace, its leader, its Flink. All
//! of it through what is proven to be this lab's.

use crate::World;
use crate::application;
use crate::breaking::stop_leader;
use crate::disk::{self, Named};
use crate::gate::Ours;
use crate::ha;
use crate::kube::{CALL, within};
use crate::open::{LabHandle, must_open};
use crate::submit::{self, Answer, Rest};
use bytes::Bytes;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use flinklab_event::{DiskCheckpoint, MapChange};
use flinklab_lab::failure::Role;
use flinklab_verb::{CONFIG_MAP, Cluster, Flink, Kind, Task};
use futures::future::BoxFuture;
use http::Method;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{
    DeleteParams, GetParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions,
};
use kube::core::Request;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// The lab's cluster, proven.
#[derive(Clone, Copy)]
pub(crate) struct LiveCluster<'a> {
    pub(crate) world: &'a World,
    pub(crate) opened: &'a LabHandle,
    pub(crate) ours: &'a Ours,
}

impl LiveCluster<'_> {
    fn request(&self, kind: &Kind) -> Request {
        Request::new(kind.path(self.ours.namespace()))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        doing: &str,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T, Fault> {
        let client = self.ours.client();
        let answer = async {
            let request = request.map_err(kube::Error::BuildRequest)?;
            client.request(request).await
        };
        within(CALL, doing, answer).await
    }

    async fn found(&self, kind: &Kind, name: &str, doing: &str) -> Result<Option<Value>, Fault> {
        let client = self.ours.client();
        let request = self.request(kind).get(name, &GetParams::default());
        let answer = async {
            let request = request.map_err(kube::Error::BuildRequest)?;
            match client.request(request).await {
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
                answer => answer.map(Some),
            }
        };
        within(CALL, doing, answer).await
    }
}

impl Cluster for LiveCluster<'_> {
    fn namespace(&self) -> &str {
        self.ours.namespace()
    }

    fn job_map(&self, job: &str) -> String {
        self.opened.lab.job_map(job)
    }

    fn makes_jobmanagers(&self, kind: &Kind, workload: &Value) -> bool {
        let (lab, members) = (&self.opened.lab, self.opened.lab.members());
        let labels = &workload["spec"]["template"]["metadata"]["labels"];
        let name = workload["metadata"]["name"].as_str().unwrap_or_default();
        let made = members.makes(Role::JobManager, kind.name, name);
        !labels.is_null()
            && lab.roles.jobmanager.matches(|key| labels[key].as_str())
            && (made || !members.knows(Role::JobManager))
    }

    fn get<'a>(&'a self, kind: &'a Kind, name: &'a str, doing: &'a str) -> Task<'a, Option<Value>> {
        Box::pin(self.found(kind, name, doing))
    }

    fn list<'a>(&'a self, kind: &'a Kind, doing: &'a str) -> Task<'a, Vec<Value>> {
        Box::pin(async move {
            let request = self.request(kind).list(&ListParams::default());
            let mut answer: Value = self.ask(doing, request).await?;
            Ok(match answer["items"].take() {
                Value::Array(items) => items,
                _ => Vec::new(),
            })
        })
    }

    fn create<'a>(&'a self, kind: &'a Kind, object: Value, doing: &'a str) -> Task<'a, Value> {
        Box::pin(async move {
            let body = object.to_string().into_bytes();
            let request = self.request(kind).create(&PostParams::default(), body);
            self.ask(doing, request).await
        })
    }

    fn patch<'a>(
        &'a self,
        kind: &'a Kind,
        name: &'a str,
        patch: Value,
        doing: &'a str,
    ) -> Task<'a, ()> {
        Box::pin(async move {
            let (how, patch) = (PatchParams::default(), Patch::Merge(patch));
            let request = self.request(kind).patch(name, &how, &patch);
            self.ask::<Value>(doing, request).await.map(drop)
        })
    }

    fn delete<'a>(
        &'a self,
        kind: &'a Kind,
        name: &'a str,
        seen: Value,
        doing: &'a str,
    ) -> Task<'a, ()> {
        Box::pin(async move {
            let of = |field: &str| seen["metadata"][field].as_str().map(str::to_owned);
            let (uid, resource_version) = (of("uid"), of("resourceVersion"));
            let only = Preconditions {
                uid,
                resource_version,
            };
            let how = DeleteParams {
                preconditions: (!seen.is_null()).then_some(only),
                ..DeleteParams::default()
            };
            let request = self.request(kind).delete(name, &how);
            self.ask::<Value>(doing, request).await.map(drop)
        })
    }

    fn lock(&self) -> Task<'_, Option<String>> {
        Box::pin(async {
            let name = self.opened.lab.cluster_map();
            let map = self.found(&CONFIG_MAP, &name, "Asking for the lock").await;
            Ok(map?.and_then(|map| {
                let lock = map["metadata"]["annotations"][ha::LOCK].as_str()?;
                Some(lock.to_owned())
            }))
        })
    }

    fn stop_leader(&self) -> Task<'_, ()> {
        Box::pin(stop_leader(self.opened, self.ours))
    }

    fn has_file_of(&self, map: &str, data: &Value) -> Result<bool, Fault> {
        let copy = ConfigMap {
            metadata: ObjectMeta {
                name: Some(map.to_owned()),
                ..ObjectMeta::default()
            },
            data: serde_json::from_value(data.clone()).ok(),
            ..ConfigMap::default()
        };
        let newest = match ha::decode(&self.opened.lab.flink.cluster_id, &copy) {
            Some(MapChange::Job(map)) => map.pointers.into_iter().next_back(),
            _ => None,
        };
        let path = newest.and_then(|pointer| pointer.path);
        let name = path.as_deref().and_then(|path| path.rsplit('/').next());
        name.map_or(Ok(true), |name| {
            disk::has_ha_file(&self.opened.place(), name)
        })
    }

    fn flink(&self, within: Duration) -> Task<'_, Box<dyn Flink + '_>> {
        Box::pin(async move {
            let client = self.ours.client();
            let rest = submit::answering(&client, &self.opened.lab, within, |_| {}).await?;
            Ok(Box::new(LiveFlink { of: self, rest }) as Box<dyn Flink>)
        })
    }
}

struct LiveFlink<'a> {
    of: &'a LiveCluster<'a>,
    rest: Rest,
}

impl Flink for LiveFlink<'_> {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, String>> {
        Box::pin(async move {
            match self.rest.get(path, CALL).await {
                Answer::Good(answer) => Ok(answer),
                other => Err(other.to_string()),
            }
        })
    }

    fn start_anew<'a>(&'a self, job: &'a str, checkpoint: u64) -> Task<'a, ()> {
        tracing::warn!(job, "the copied pointers do not bring the state back");
        Box::pin(anew(
            self.of.world,
            self.of.ours,
            &self.rest,
            job,
            checkpoint,
        ))
    }
}

/// Cancels the job that began from nothing and starts another one, under an id of its own, from the
/// newest checkpoint that the lost one left.
async fn anew(
    world: &World,
    ours: &Ours,
    rest: &Rest,
    job: &str,
    wanted: u64,
) -> Result<(), Fault> {
    // As it is now: a new job is written into it.
    let opened = must_open(world)?;
    let place = opened.place();
    let lost = || {
        Fault::unable(
            "state-lost",
            format!("No complete checkpoint of job {job} is left."),
        )
        .hint(advice!(
            "Run `flinklab down` and `flinklab up`: the job starts from nothing then."
        ))
    };
    let named = Named {
        checkpoints: [wanted].into(),
        ..Named::default()
    };
    let kept = disk::look(&place, job, &named).map_err(|error| lost().why(error))?;
    // Above it lies only what the job did after it had lost its state.
    let whole = |one: &&DiskCheckpoint| one.complete && one.id <= wanted;
    let newest = kept.checkpoints.iter().rev().find(whole);
    let newest = newest.ok_or_else(lost)?.id;
    let flink = &opened.lab.flink;
    let mount = flink.mount.trim_end_matches('/');
    let from = format!(
        "file:{mount}/{}/{job}/chk-{newest}",
        flink.folders.checkpoints
    );
    let lab = &opened.lab;
    let jar = match lab.application() {
        Some(_) => None,
        None => {
            let docker = world.docker().await?;
            Some(submit::jar(&docker, &opened.state.id, lab).await?)
        }
    };
    let path = format!("/jobs/{job}?mode=cancel");
    let cancelled = rest
        .send(Method::PATCH, &path, "application/json", Bytes::new(), CALL)
        .await;
    tracing::info!(?cancelled, "the job that began from nothing is cancelled");
    if jar.is_none() {
        // Its cluster ends with it, and would begin again.
        application::rest(ours, lab, job, |_| {}).await?;
    }
    // Written down before it exists: an interrupted submission is repeated under the same id.
    let mut state = opened.state.clone();
    let record = state.new_job(Some(from), clock::now())?;
    ours.home().write_state(&state)?;
    match jar {
        Some(jar) => submit::submit(rest, &lab.job, &record, &jar).await,
        None => application::begin(ours, lab, &record).await.map(drop),
    }
}
