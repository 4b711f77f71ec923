//! Gives a job its state back whose checkpoint pointers were deleted: the map as it was, the leader
//! stopped once, and a look at what was restored then. Where the checkpoint that the copy points
//! to is gone by now, the job is started anew from the newest one that is kept.

use super::LOOK;
use crate::World;
use crate::disk;
use crate::disk::Place;
use crate::gate::Ours;
use crate::ha;
use crate::journal::Act;
use crate::kube::{CALL, within};
use crate::open::{LabHandle, must_open};
use crate::submit;
use crate::submit::{Answer, Rest};
use bytes::Bytes;
use flinklab_base::advice;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::MapChange;
use http::Method;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use std::time::Duration;

/// How long JobManagers may take to answer after one was stopped.
const ANSWERS: Duration = Duration::from_secs(60);
/// How long a JobManager that was asked to stop may still write.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How long the next leader may take to restore the job.
const RESTORES: Duration = Duration::from_secs(90);

pub(super) async fn put_back(
    world: &World,
    opened: &LabHandle,
    ours: &Ours,
    act: &Act,
) -> Result<Timestamp, Fault> {
    let Act::Pointers {
        name,
        map,
        job,
        checkpoint,
    } = act
    else {
        unreachable!("it is asked for pointers only");
    };
    let maps: Api<ConfigMap> = Api::namespaced(ours.client(), ours.namespace());
    let (lab, client) = (&opened.lab, ours.client());
    let doing = format!("Putting the config map {name} back");
    let found = within(CALL, &doing, maps.get_opt(name)).await?;
    // A run that was stopped between the journal and the deletion lost nothing.
    if found
        .as_ref()
        .is_some_and(|found| same_or_newer(found, map))
    {
        return Ok(clock::now());
    }
    // A JobManager that finds pointers to a file that is gone ends itself, again and again.
    if !leads_somewhere(&lab.flink.cluster_id, (name, map), &opened.place(), job) {
        tracing::warn!("what the copied pointers of job {job} name is gone");
        let at = clock::now();
        if found.as_ref().is_some_and(|found| holds(found, map)) {
            within(CALL, &doing, maps.delete(name, &DeleteParams::default())).await?;
        }
        let rest = submit::answering(&client, lab, RESTORES, |_| {}).await?;
        anew(world, ours, &rest, (job, *checkpoint)).await?;
        return Ok(at);
    }
    let at = clock::now();
    write(&maps, name, map).await?;
    crate::breaking::stop_leader(opened, ours).await?;
    // What the old leader still wrote on its way out belongs to the history that lost its state.
    // The next one leads no sooner than a second after that.
    for _ in 0..2 {
        write(&maps, name, map).await?;
        clock::sleep(LAST_WORDS).await;
    }
    let rest = submit::answering(&client, lab, ANSWERS, |_| {}).await?;
    let until = Instant::now() + RESTORES;
    let mut last = "no answer of Flink".to_owned();
    while Instant::now() < until {
        let path = format!("/jobs/{job}/checkpoints");
        match rest.get(&path, CALL).await {
            Answer::Good(told) => {
                let restored = &told["latest"]["restored"];
                match restored["id"].as_u64() {
                    Some(id) if id == *checkpoint => return Ok(at),
                    Some(id) => last = format!("checkpoint {id} was restored, not {checkpoint}"),
                    None => last = "no checkpoint was restored".to_owned(),
                }
            }
            other => last = other.to_string(),
        }
        clock::sleep(LOOK).await;
    }
    // Its file is gone: what is kept in the checkpoints' folder is the next best.
    tracing::warn!(%last, "the copied pointers did not bring the state back");
    anew(world, ours, &rest, (job, *checkpoint)).await?;
    Ok(at)
}

/// Whether the newest pointer of a copied map names a file that is there. One that names none holds
/// its checkpoint itself.
fn leads_somewhere(
    cluster_id: &str,
    (name, copy): (&str, &Value),
    place: &Place,
    job: &str,
) -> bool {
    let map = ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        data: serde_json::from_value(copy["data"].clone()).ok(),
        ..ConfigMap::default()
    };
    let newest = match ha::decode(cluster_id, &map) {
        Some(MapChange::Job(map)) => map.pointers.into_iter().next_back(),
        _ => None,
    };
    let path = newest.and_then(|pointer| pointer.path);
    let name = path.as_deref().and_then(|path| path.rsplit('/').next());
    name.is_none_or(|name| {
        disk::look(place, job).is_ok_and(|seen| seen.ha_files.iter().any(|file| file == name))
    })
}

/// Whether a map holds a pointer of the copy.
fn holds(found: &ConfigMap, copy: &Value) -> bool {
    let data = found.data.iter().flatten();
    let mut pointers = data.filter(|(key, _)| key.starts_with(ha::CHECKPOINT));
    pointers.any(|(key, value)| copy["data"][key].as_str() == Some(value))
}

/// Writes the map as it was: what is not in the copy is taken out.
async fn write(maps: &Api<ConfigMap>, name: &str, copy: &Value) -> Result<(), Fault> {
    let doing = format!("Putting the config map {name} back");
    match within(CALL, &doing, maps.get_opt(name)).await? {
        Some(found) => {
            let mut data: serde_json::Map<String, Value> = found
                .data
                .unwrap_or_default()
                .into_keys()
                .map(|key| (key, Value::Null))
                .collect();
            if let Some(copy) = copy["data"].as_object() {
                data.extend(copy.clone());
            }
            let patch = Patch::Merge(json!({"data": data}));
            let how = PatchParams::default();
            within(CALL, &doing, maps.patch(name, &how, &patch))
                .await
                .map(drop)
        }
        None => {
            let fresh = json!({
                "metadata": {"name": name, "labels": copy["metadata"]["labels"],
                    "annotations": copy["metadata"]["annotations"]},
                "data": copy["data"],
            });
            let fresh: ConfigMap = serde_json::from_value(fresh).map_err(|error| {
                Fault::unable(
                    "journal-unreadable",
                    "The copy of the config map is broken.",
                )
                .why(error)
            })?;
            let how = PostParams::default();
            within(CALL, &doing, maps.create(&how, &fresh))
                .await
                .map(drop)
        }
    }
}

/// Cancels the job that began from nothing and starts another one, under an id of its own, from the
/// newest checkpoint that the lost one left.
async fn anew(
    world: &World,
    ours: &Ours,
    rest: &Rest,
    (job, wanted): (&str, u64),
) -> Result<(), Fault> {
    // As it is now: a new job is written into it.
    let opened = must_open(world)?;
    let place = opened.place();
    let lost = || {
        Fault::unable(
            "state-lost",
            format!("No complete checkpoint of job {job} is left."),
        )
        .mend(advice!(
            "Run `flinklab down` and `flinklab up`: the job starts from nothing then."
        ))
    };
    let kept = disk::look(&place, job).map_err(|error| lost().why(error))?;
    // Above it lies only what the job did after it had lost its state.
    let whole = |one: &&flinklab_event::DiskCheckpoint| one.complete && one.id <= wanted;
    let newest = kept.checkpoints.iter().rev().find(whole);
    let newest = newest.ok_or_else(lost)?.id;
    let flink = &opened.lab.flink;
    let mount = flink.mount.trim_end_matches('/');
    let from = format!(
        "file:{mount}/{}/{job}/chk-{newest}",
        flink.folders.checkpoints
    );
    let docker = world.docker().await?;
    let plan = &opened.lab.job;
    let id = &opened.state.id;
    let jar = submit::jar(&docker, id, &opened.lab).await?;
    let path = format!("/jobs/{job}?mode=cancel");
    let cancelled = rest
        .send(Method::PATCH, &path, "application/json", Bytes::new(), CALL)
        .await;
    tracing::info!(?cancelled, "the job that began from nothing is cancelled");
    // Written down before it exists: an interrupted submission is repeated under the same id.
    let mut state = opened.state.clone();
    let record = state.new_job(Some(from), clock::now())?;
    ours.home().write_state(&state)?;
    submit::submit(rest, plan, &record, &jar).await
}

/// The map still points to what the copy points to, or to what came after it.
fn same_or_newer(found: &ConfigMap, copy: &Value) -> bool {
    let counter = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok());
    let now = counter(
        found
            .data
            .as_ref()
            .and_then(|data| data.get("counter"))
            .map(String::as_str),
    );
    now >= counter(copy["data"]["counter"].as_str())
        && found.metadata.uid.as_deref() == copy["metadata"]["uid"].as_str()
}
