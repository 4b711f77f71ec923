//! Deletes the config map with the job's checkpoint pointers. Its undo puts the map back as it was and
//! stops the leader once; where the checkpoint that the copy points to is gone by then, the job is
//! started anew from the newest one that is kept.

use crate::{
    Act, CONFIG_MAP, Cluster, ClusterUndo, Effect, Facts, Hits, Injection, Scene, Step, Stored,
    Task, UndoKind, UndoneBy, Until, Verb,
};
use flinklab_base::clock::{self, Instant};
use flinklab_base::fault::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The config map with the job's checkpoint pointers deleted.
pub const DELETE_POINTERS: Step = Step::of(&DeletePointers);

struct DeletePointers;

static FACTS: Facts = Facts {
    key: "delete-pointers",
    hits: &[Hits::Leader, Hits::AllJobmanagers],
    effect: Effect::Spares,
    until: Until::Judged,
    undone: UndoneBy {
        sentence: "the config map is put back and the leader stopped once",
        words: "map put back, leader stopped",
        slow: true,
    },
    undos: &[UndoKind::in_cluster::<Pointers>()],
    scripts: &[],
};

/// What the keys of a job's config map begin with that name a checkpoint.
const CHECKPOINT: &str = "checkpointID-";
/// How often another version of the map is copied anew.
const TRIES: usize = 10;
/// How long JobManagers may take to answer after one was stopped.
const ANSWERS: Duration = Duration::from_secs(60);
/// How long a JobManager that was asked to stop may still write.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How long the next leader may take to restore the job.
const RESTORES: Duration = Duration::from_secs(90);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(500);

impl Verb for DeletePointers {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn command(&self, scene: &Scene) -> String {
        let Scene { cluster, job, .. } = scene;
        scene.kubectl(&format!("delete configmap {cluster}-{job}-config-map"))
    }

    fn apply<'a>(&'a self, on: &'a mut dyn Injection) -> Task<'a, ()> {
        Box::pin(async move {
            let job = on.job()?.to_owned();
            let name = on.cluster().job_map(&job);
            // The copy is what is deleted: another version in between is copied anew.
            let mut tries = 0;
            loop {
                let doing = "Copying the job's config map";
                let map = on.cluster().get(&CONFIG_MAP, &name, doing).await?;
                let map = map.ok_or_else(|| {
                    Fault::unable("no-pointer", format!("There is no config map {name}."))
                })?;
                let keys = map["data"].as_object().into_iter().flat_map(Map::keys);
                let newest = keys
                    .filter_map(|key| key.strip_prefix(CHECKPOINT)?.parse::<u64>().ok())
                    .max();
                let Some(checkpoint) = newest else {
                    let what = format!("{name} holds no pointer.");
                    return Err(Fault::unable("no-pointer", what));
                };
                let meta = &map["metadata"];
                let undo = Act::in_cluster(Pointers {
                    name: name.clone(),
                    map: json!({"metadata": {"uid": meta["uid"], "labels": meta["labels"],
                        "annotations": meta["annotations"]}, "data": map["data"]}),
                    job: job.clone(),
                    checkpoint,
                });
                on.journal(format!("the pointers of job {job} are deleted"), vec![undo])?;
                let (at, began) = (clock::now(), Instant::now());
                let doing = "Deleting the job's config map";
                let deleted = on.cluster().delete(&CONFIG_MAP, &name, map, doing).await;
                match deleted {
                    Ok(()) if on.is_last() => {
                        on.sent(at, began, "our clock, before the DELETE").await;
                        on.hit(Ok(format!("the config map {name} is deleted")))
                            .await;
                        return Ok(());
                    }
                    Ok(()) => return Ok(()),
                    Err(_) if tries < TRIES => tries += 1,
                    Err(fault) => return Err(fault),
                }
            }
        })
    }
}

/// The job's config map as it was, then the leader stopped once.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pointers {
    /// Its name, in the lab's namespace.
    pub name: String,
    /// The whole map.
    pub map: Value,
    /// The job.
    pub job: String,
    /// The newest checkpoint that it points to.
    pub checkpoint: u64,
}

impl Stored for Pointers {
    const DO: &'static str = "pointers";
    const WRITTEN: &'static str =
        r#"{"do":"pointers","name":"m","map":{"data":{"counter":"3"}},"job":"j","checkpoint":3}"#;
}

impl ClusterUndo for Pointers {
    fn command(&self, kubectl: &dyn Fn(&str) -> String, namespace: &str) -> String {
        // The map is too long to type: it is the copy that the journal held.
        kubectl(&format!(
            "patch -n {namespace} configmap {} --type=merge --patch-file COPY",
            self.name
        ))
    }

    fn undo<'a>(&'a self, cluster: &'a dyn Cluster) -> Task<'a, Timestamp> {
        Box::pin(self.put_back(cluster))
    }
}

impl Pointers {
    async fn put_back(&self, cluster: &dyn Cluster) -> Result<Timestamp, Fault> {
        let Self { name, job, .. } = self;
        let found = cluster.get(&CONFIG_MAP, name, &self.doing()).await?;
        // A run that was stopped between the journal and the deletion lost nothing.
        if found.as_ref().is_some_and(|found| self.is_in(found)) {
            return Ok(clock::now());
        }
        // A JobManager that finds pointers to a file that is gone ends itself, again and again.
        if !cluster.has_file_of(name, &self.map["data"])? {
            let at = clock::now();
            if found.as_ref().is_some_and(|found| self.shares_with(found)) {
                let doing = self.doing();
                cluster
                    .delete(&CONFIG_MAP, name, Value::Null, &doing)
                    .await?;
            }
            let flink = cluster.flink(RESTORES).await?;
            flink.start_anew(job, self.checkpoint).await?;
            return Ok(at);
        }
        let at = clock::now();
        self.write(cluster).await?;
        cluster.stop_leader().await?;
        // What the old leader still wrote on its way out belongs to the history that lost its state.
        // The next one leads no sooner than a second after that.
        for _ in 0..2 {
            self.write(cluster).await?;
            clock::sleep(LAST_WORDS).await;
        }
        let flink = cluster.flink(ANSWERS).await?;
        let until = Instant::now() + RESTORES;
        while Instant::now() < until {
            let answer = flink.get(&format!("/jobs/{job}/checkpoints")).await;
            let restored = answer.map(|told| told["latest"]["restored"]["id"].as_u64());
            if restored == Ok(Some(self.checkpoint)) {
                return Ok(at);
            }
            clock::sleep(LOOK).await;
        }
        // Its file is gone: what is kept in the checkpoints' folder is the next best.
        flink.start_anew(job, self.checkpoint).await?;
        Ok(at)
    }

    fn doing(&self) -> String {
        format!("Putting the config map {} back", self.name)
    }

    /// Whether a map still points to what the copy points to, or to what came after it.
    fn is_in(&self, found: &Value) -> bool {
        let counter = |map: &Value| map["data"]["counter"].as_str()?.parse::<u64>().ok();
        counter(found) >= counter(&self.map)
            && found["metadata"]["uid"] == self.map["metadata"]["uid"]
    }

    /// Whether a map holds a pointer of the copy.
    fn shares_with(&self, found: &Value) -> bool {
        let data = found["data"].as_object().into_iter().flatten();
        let mut pointers = data.filter(|(key, _)| key.starts_with(CHECKPOINT));
        pointers.any(|(key, value)| self.map["data"][key] == *value)
    }

    /// Writes the map as it was: what is not in the copy is taken out.
    async fn write(&self, cluster: &dyn Cluster) -> Result<(), Fault> {
        let (doing, copy) = (self.doing(), &self.map);
        match cluster.get(&CONFIG_MAP, &self.name, &doing).await? {
            Some(found) => {
                let keys = found["data"].as_object().into_iter().flat_map(Map::keys);
                let mut data: Map<String, Value> =
                    keys.map(|key| (key.clone(), Value::Null)).collect();
                data.extend(copy["data"].as_object().cloned().unwrap_or_default());
                let patch = json!({"data": data});
                cluster.patch(&CONFIG_MAP, &self.name, patch, &doing).await
            }
            None => {
                let fresh = json!({
                    "apiVersion": CONFIG_MAP.api, "kind": CONFIG_MAP.name,
                    "metadata": {"name": self.name, "labels": copy["metadata"]["labels"],
                        "annotations": copy["metadata"]["annotations"]},
                    "data": copy["data"],
                });
                cluster.create(&CONFIG_MAP, fresh, &doing).await.map(drop)
            }
        }
    }
}
