//! The lock in the HA config map: an annotation with five fields, and one data key per leading
//! component.

use super::Version;
use crate::api::{Key, Store, complete, kinds};
use crate::pace::Dice;
use flinklab_base::clock;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

const ANNOTATION: &str = "control-plane.alpha.kubernetes.io/leader";

/// The annotation's content.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lock {
    pub(super) holder: String,
    pub(super) lease: Duration,
    pub(super) acquired: Timestamp,
    pub(super) renewed: Timestamp,
    pub(super) transitions: u64,
}

impl Lock {
    pub(super) fn read(store: &Store, map: &Key) -> Option<Self> {
        let text = store.get(map)?["metadata"]["annotations"][ANNOTATION].as_str()?;
        let value: Value = serde_json::from_str(text).ok()?;
        let at = |field: &str| value[field].as_str().and_then(|text| text.parse().ok());
        Some(Self {
            holder: value["holderIdentity"].as_str()?.to_owned(),
            lease: parse_duration(&value["leaseDuration"])?,
            acquired: at("acquireTime")?,
            renewed: at("renewTime")?,
            transitions: value["leaderTransitions"].as_u64()?,
        })
    }

    /// Writes it, making the map if it is not there.
    pub(super) fn write(
        &self,
        store: &mut Store,
        map: &Key,
        (version, app): (&Version, &str),
        dice: &Dice,
    ) {
        let text = format!(
            "{{\"holderIdentity\":\"{}\",\"leaseDuration\":{},\"acquireTime\":\"{}\",\"renewTime\":\"{}\",\"leaderTransitions\":{}}}",
            self.holder,
            duration(version, self.lease),
            micros(self.acquired),
            micros(self.renewed),
            self.transitions
        );
        let map_is_new = store.get(map).is_none();
        if map_is_new {
            let mut object = labelled(version, app);
            object["metadata"]["annotations"] = json!({ANNOTATION: text});
            complete(map, &mut object, dice.uuid(), clock::now());
            store.put(map.clone(), object);
        } else {
            store.edit(map, |object| {
                object["metadata"]["annotations"][ANNOTATION] = json!(text)
            });
        }
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let lease = jiff::SignedDuration::try_from(self.lease).unwrap_or_default();
        self.holder.is_empty() || now > self.renewed + lease
    }
}

/// An empty map as Flink labels its own.
pub(super) fn labelled(version: &Version, app: &str) -> Value {
    let mut labels = json!({"app": app, "type": "flink-native-kubernetes"});
    if !version.is_2() {
        labels["configmap-type"] = json!("high-availability");
    }
    json!({"metadata": {"labels": labels}, "data": {}})
}

/// Sets or, with none, removes a key of a map's data.
pub(super) fn set(store: &mut Store, map: &Key, key: &str, value: Option<String>) {
    store.edit(map, |object| match value {
        Some(value) => object["data"][key] = json!(value),
        None => {
            if let Some(data) = object["data"].as_object_mut() {
                data.remove(key);
            }
        }
    });
}

pub(super) fn map_key(namespace: &str, name: &str) -> Key {
    Key::new(kinds::of("configmaps"), namespace, name)
}

pub(super) fn micros(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// A duration below a minute as JSON: a text as Java writes it since 2.0 (`"PT15S"`, `"PT0.3S"`), a
/// number of seconds before.
fn duration(version: &Version, of: Duration) -> String {
    if !version.is_2() {
        return format!("{:.9}", of.as_secs_f64());
    }
    let text = format!("{:.3}", of.as_secs_f64());
    format!(
        "\"PT{}S\"",
        text.trim_end_matches('0').trim_end_matches('.')
    )
}

fn parse_duration(value: &Value) -> Option<Duration> {
    let seconds = match value.as_str() {
        Some(text) => text.strip_prefix("PT")?.strip_suffix('S')?.parse().ok()?,
        None => value.as_f64()?,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn version(image: &str) -> Version {
        let mut lab = flinklab_lab::Lab::open("default").unwrap();
        lab.job.image = format!("flink:{image}");
        Version::of(&lab)
    }

    #[test]
    fn leases_are_written_as_each_version_does() {
        let (new, old) = (version("2.2.1"), version("1.15.2"));
        for (of, shown, before) in [
            (15_000, "\"PT15S\"", "15.000000000"),
            (300, "\"PT0.3S\"", "0.300000000"),
        ] {
            let lease = Duration::from_millis(of);
            assert_eq!(duration(&new, lease), shown);
            assert_eq!(duration(&old, lease), before);
            for text in [shown, before] {
                let value = serde_json::from_str(text).unwrap();
                assert_eq!(parse_duration(&value), Some(lease));
            }
        }
    }

    #[test]
    fn a_lock_is_read_as_it_was_written() {
        let map = map_key("flink", "lab-cluster-config-map");
        let now: Timestamp = "2026-11-22T06:01:39.028547Z".parse().unwrap();
        let lock = Lock {
            holder: "7d4ec5ba".to_owned(),
            lease: Duration::from_secs(15),
            acquired: now,
            renewed: now,
            transitions: 3,
        };
        for (version, lease, labels) in [
            (version("2.2.1"), "\"PT15S\"", 2),
            (version("1.20.5"), "15.000000000", 3),
        ] {
            let mut store = Store::default();
            lock.write(&mut store, &map, (&version, "lab"), &Dice::new(1));
            assert_eq!(Lock::read(&store, &map), Some(lock.clone()));
            let metadata = &store.get(&map).unwrap()["metadata"];
            assert_eq!(
                metadata["annotations"][ANNOTATION],
                format!(
                    "{{\"holderIdentity\":\"7d4ec5ba\",\"leaseDuration\":{lease},\
                     \"acquireTime\":\"2026-11-22T06:01:39.028547Z\",\
                     \"renewTime\":\"2026-11-22T06:01:39.028547Z\",\"leaderTransitions\":3}}"
                )
            );
            assert_eq!(metadata["labels"].as_object().unwrap().len(), labels);
        }
        assert!(!lock.is_over(now));
        assert!(lock.is_over(now + jiff::SignedDuration::from_secs(16)));
    }
}
