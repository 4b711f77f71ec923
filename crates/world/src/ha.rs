//! Flink's HA config maps, decoded: lock, leader addresses, jobs, checkpoint pointers, for Flink
//! 1.15 to 2.3. Reads them, never writes them; a value that cannot be read is left out.

use super::clean;
use base64::Engine;
use flinklab_event::{ClusterMap, JobMap, LeaderKey, Lock, MapChange, Plan, Pointer};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const LOCK: &str = "control-plane.alpha.kubernetes.io/leader";
const LEADER: &str = "org.apache.flink.k8s.leader.";
pub(super) const CHECKPOINT: &str = "checkpointID-";
/// Keys of what would be recovered: up to 1.20, 2.x, and beside it since 2.3, where a job that
/// was submitted over REST is an application of the same id.
const JOBS: [&str; 3] = ["jobGraph-", "executionPlan-", "application-"];
const CLUSTER_SUFFIX: &str = "-cluster-config-map";
const SUFFIX: &str = "-config-map";
/// The mark of a Java string record, and the longest path that is believed.
const TC_STRING: u8 = 0x74;
const PATH: usize = 4096;
/// A pointer is below 1 kB; a value above this is not one.
const VALUE: usize = 1 << 20;

/// The selector of the HA maps of a cluster. `configmap-type` is gone since 2.0.
#[must_use]
pub fn selector(cluster_id: &str) -> String {
    format!("app={cluster_id},type=flink-native-kubernetes")
}

/// What a map says. None: it is not one of the cluster's HA maps.
#[must_use]
pub fn decode(cluster_id: &str, map: &ConfigMap) -> Option<MapChange> {
    let name = map.metadata.name.as_deref()?;
    let of = name.strip_prefix(cluster_id)?;
    if of == CLUSTER_SUFFIX {
        return Some(MapChange::Cluster(cluster_map(name, map)));
    }
    let job = of.strip_prefix('-')?.strip_suffix(SUFFIX)?;
    is_id(job).then(|| MapChange::Job(job_map(name, job, map)))
}

fn cluster_map(name: &str, map: &ConfigMap) -> ClusterMap {
    let none = BTreeMap::new();
    let data = map.data.as_ref().unwrap_or(&none);
    let annotations = map.metadata.annotations.as_ref().unwrap_or(&none);
    ClusterMap {
        name: name.to_owned(),
        version: map.metadata.resource_version.clone().unwrap_or_default(),
        lock: annotations.get(LOCK).and_then(|text| lock(text)),
        leaders: data
            .iter()
            .filter_map(|(key, value)| leader(key, value))
            .collect(),
        jobs: data
            .keys()
            .filter_map(|key| job_of(key))
            .collect::<BTreeSet<String>>()
            .into_iter()
            .collect(),
        plans: data
            .iter()
            .filter_map(|(key, value)| {
                let handle = handle(value);
                Some(Plan {
                    key: key.clone(),
                    job: job_of(key)?,
                    path: handle.as_ref().and_then(|handle| handle.path.clone()),
                    deleting: handle.is_some_and(|handle| handle.deleting),
                })
            })
            .collect(),
        owner: map.metadata.owner_references.as_ref().and_then(|all| {
            let owner = all.first()?;
            Some(clean::message(&format!("{} {}", owner.kind, owner.name)))
        }),
    }
}

fn job_of(key: &str) -> Option<String> {
    let id = JOBS.iter().find_map(|prefix| key.strip_prefix(prefix))?;
    is_id(id).then(|| id.to_owned())
}

fn is_id(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
}

/// The annotation's JSON. Not client-go's format.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotation {
    holder_identity: Option<String>,
    lease_duration: LeaseDuration,
    acquire_time: Timestamp,
    renew_time: Timestamp,
    #[serde(default)]
    leader_transitions: u64,
}

/// A number up to 1.20, ISO 8601 since 2.0.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum LeaseDuration {
    Seconds(f64),
    Iso(jiff::SignedDuration),
}

fn lock(text: &str) -> Option<Lock> {
    let read: Annotation = serde_json::from_str(text).ok()?;
    let seconds = match read.lease_duration {
        LeaseDuration::Seconds(seconds) => seconds,
        LeaseDuration::Iso(duration) => duration.as_secs_f64(),
    };
    (seconds.is_finite() && seconds >= 0.0).then(|| Lock {
        holder: clean::message(&read.holder_identity.unwrap_or_default()),
        seconds,
        acquired: read.acquire_time,
        renewed: read.renew_time,
        transitions: read.leader_transitions,
    })
}

/// `<session id>,<address>` under a component's key. 1.15 has a job's bare id as component.
fn leader(key: &str, value: &str) -> Option<(String, LeaderKey)> {
    let component = key.strip_prefix(LEADER)?;
    let (epoch, address) = value.split_once(',')?;
    if epoch.is_empty() {
        return None;
    }
    let component = if is_id(component) {
        format!("job-{component}")
    } else {
        clean::message(component)
    };
    let key = LeaderKey {
        epoch: clean::message(epoch),
        address: clean::message(address),
        host: clean::message(host(address).unwrap_or_default()),
    };
    Some((component, key))
}

/// The host in `http://<host>:8081` or `pekko.tcp://flink@<host>:6123/user/…`.
pub(super) fn host(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let authority = rest.split('/').next()?;
    let place = authority
        .rsplit_once('@')
        .map_or(authority, |(_, place)| place);
    match place.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => place.split(':').next(),
    }
}

fn job_map(name: &str, job: &str, map: &ConfigMap) -> JobMap {
    let none = BTreeMap::new();
    let data = map.data.as_ref().unwrap_or(&none);
    let mut pointers: Vec<Pointer> = data
        .iter()
        .filter_map(|(key, value)| {
            let id = key.strip_prefix(CHECKPOINT)?.parse().ok()?;
            let handle = handle(value);
            Some(Pointer {
                id,
                path: handle.as_ref().and_then(|handle| handle.path.clone()),
                deleting: handle.is_some_and(|handle| handle.deleting),
            })
        })
        .collect();
    pointers.sort_by_key(|pointer| pointer.id);
    JobMap {
        name: name.to_owned(),
        job: job.to_owned(),
        counter: data
            .get("counter")
            .and_then(|text| text.trim().parse().ok()),
        pointers,
    }
}

/// What matters in a serialized `StateHandleWithDeleteMarker`.
#[derive(Debug, PartialEq, Eq)]
struct Handle {
    path: Option<String>,
    deleting: bool,
}

/// Reads a Java-serialized state handle without Java: the path is the last string in it that has
/// a scheme, the delete mark the one boolean of the outer class.
fn handle(value: &str) -> Option<Handle> {
    if value.len() > VALUE {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(value.trim())
        .ok()?;
    bytes
        .starts_with(&[0xac, 0xed, 0x00, 0x05])
        .then(|| Handle {
            path: last_path(&bytes),
            deleting: marked(&bytes).unwrap_or(false),
        })
}

fn last_path(bytes: &[u8]) -> Option<String> {
    (0..bytes.len().saturating_sub(3)).rev().find_map(|at| {
        let [TC_STRING, high, low, ..] = bytes[at..] else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let text = bytes
            .get(at + 3..at + 3 + length)
            .filter(|_| length <= PATH)?;
        let text = std::str::from_utf8(text).ok()?;
        let (scheme, rest) = text.split_once(':')?;
        let plausible = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
            && rest.starts_with('/');
        plausible.then(|| clean::line(text))
    })
}

/// The first object's class has two fields, `markedForDeletion` and `inner`; its data begin after
/// the class description's end: end of block `x`, no super class `p`, then the boolean.
fn marked(bytes: &[u8]) -> Option<bool> {
    const FIELD: &[u8] = b"markedForDeletion";
    const END: &[u8] = b"RetrievableStateHandle;xp";
    find(bytes, FIELD)?;
    let at = find(bytes, END)? + END.len();
    bytes.get(at).map(|byte| *byte != 0)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use k8s_openapi::List;

    const FIXTURES: [(&str, &str); 4] = [
        (
            "1.15.2",
            include_str!("../../../tests/fixtures/flink-1.15.2/configmaps.json"),
        ),
        (
            "1.20.5",
            include_str!("../../../tests/fixtures/flink-1.20.5/configmaps.json"),
        ),
        (
            "2.2.1",
            include_str!("../../../tests/fixtures/flink-2.2.1/configmaps.json"),
        ),
        (
            "2.3.0",
            include_str!("../../../tests/fixtures/flink-2.3.0/configmaps.json"),
        ),
    ];

    fn maps(text: &str) -> Vec<ConfigMap> {
        serde_json::from_str::<List<ConfigMap>>(text).unwrap().items
    }

    #[test]
    fn every_band_has_the_same_meaning() {
        for (version, text) in FIXTURES {
            let seen: Vec<MapChange> = maps(text)
                .iter()
                .filter_map(|map| decode("lab", map))
                .collect();
            let [MapChange::Cluster(cluster), MapChange::Job(job)] = seen.as_slice() else {
                panic!("{version}: {seen:?}");
            };
            let lock = cluster.lock.as_ref().unwrap();
            assert_eq!(lock.seconds, 15.0, "{version}");
            assert_eq!(lock.holder.len(), 36, "{version}");
            assert!(lock.renewed > lock.acquired, "{version}");
            assert_eq!(cluster.jobs, std::slice::from_ref(&job.job), "{version}");
            let [plan] = cluster.plans.as_slice() else {
                panic!("{version}: {:?}", cluster.plans);
            };
            let prefix = match version {
                "1.15.2" | "1.20.5" => ("jobGraph-", "submittedJobGraph"),
                _ => ("executionPlan-", "submittedExecutionPlan"),
            };
            assert!(plan.key.starts_with(prefix.0) && !plan.deleting);
            assert!(plan.file().unwrap().starts_with(prefix.1), "{plan:?}");
            let components: Vec<&str> = cluster.leaders.keys().map(String::as_str).collect();
            let expected = format!("job-{}", job.job);
            assert_eq!(
                components,
                ["dispatcher", &expected, "resourcemanager", "restserver"]
            );
            let dispatcher = &cluster.leaders["dispatcher"];
            assert!(
                cluster
                    .leaders
                    .values()
                    .all(|key| key.epoch == dispatcher.epoch)
            );
            assert!(
                cluster
                    .leaders
                    .values()
                    .all(|key| key.host == "10.244.0.11"),
                "{version}"
            );
            let newest = job.pointers.last().unwrap();
            assert_eq!(job.counter, Some(newest.id + 1), "{version}");
            let path = newest.path.as_deref().unwrap();
            assert!(
                path.starts_with("file:/flink-shared/ha/default/completedCheckpoint"),
                "{path}"
            );
            assert!(
                job.pointers.iter().all(|pointer| !pointer.deleting),
                "{version}"
            );
        }
    }

    #[test]
    fn other_maps_are_not_taken_for_ha_maps() {
        for name in [
            "flink-config",
            "lab-config-map",
            "lab-cluster",
            "lab2-cluster-config-map",
        ] {
            let mut map = ConfigMap::default();
            map.metadata.name = Some(name.into());
            assert_eq!(decode("lab", &map), None, "{name}");
        }
    }

    #[test]
    fn a_released_lock_has_no_holder() {
        let text = r#"{"holderIdentity":"","leaseDuration":"PT1S","acquireTime":"2026-11-22T06:01:39.028547Z","renewTime":"2026-11-22T06:01:54.108397Z","leaderTransitions":3}"#;
        let lock = lock(text).unwrap();
        assert_eq!(
            (lock.holder.as_str(), lock.seconds, lock.transitions),
            ("", 1.0, 3)
        );
    }

    #[test]
    fn hosts_are_found_in_every_kind_of_address() {
        for (address, expected) in [
            ("http://0.0.0.0:8081", "0.0.0.0"),
            (
                "akka.tcp://flink@10.244.0.7:6123/user/rpc/dispatcher_1",
                "10.244.0.7",
            ),
            (
                "pekko.ssl.tcp://flink@lab-jobmanager:6123/user/rpc/dispatcher_1",
                "lab-jobmanager",
            ),
            (
                "pekko.tcp://flink@[fd00::7]:6123/user/rpc/dispatcher_1",
                "fd00::7",
            ),
            ("nonsense", ""),
        ] {
            assert_eq!(host(address).unwrap_or_default(), expected, "{address}");
        }
    }

    #[test]
    fn a_broken_pointer_is_a_pointer_without_a_path() {
        let mut map = maps(FIXTURES[2].1).remove(1);
        let key = "checkpointID-0000000000000000004";
        let good = map.data.as_ref().unwrap()[key].clone();
        let mut bytes = base64::engine::general_purpose::STANDARD
            .decode(&good)
            .unwrap();
        let mark = find(&bytes, b"RetrievableStateHandle;xp").unwrap() + 25;
        bytes[mark] = 1;
        let marked = base64::engine::general_purpose::STANDARD.encode(&bytes);
        for (value, path, deleting) in [
            (marked.as_str(), true, true),
            (&good[..400], false, false),
            ("not base64!", false, false),
            ("", false, false),
        ] {
            map.data.as_mut().unwrap().insert(key.into(), value.into());
            let Some(MapChange::Job(job)) = decode("lab", &map) else {
                panic!()
            };
            assert_eq!(job.pointers[0].path.is_some(), path, "{value}");
            assert_eq!(job.pointers[0].deleting, deleting, "{value}");
        }
    }
}
