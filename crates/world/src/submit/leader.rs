//! Who leads, as far as the HA config map tells a pod, and what can be said where JobManagers
//! answer although nobody is written down there.

use super::rest::{Answer, Rest};
use super::{LOOK, QUICK};
use crate::{clean, ha};
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::MapChange;
use flinklab_lab::Lab;
use flinklab_lab::failure::Role;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ListParams;
use kube::{Api, Client};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// How long an answer and the map may contradict each other: a JobManager knows its leader from
/// before while the map changes.
const CERTAIN: Duration = Duration::from_secs(5);
/// Config maps that are asked for, to name those of other clusters.
const MAPS: u32 = 500;
const CLUSTER_MAP: &str = "-cluster-config-map";
/// The options that say whether leaders are elected, and where they are written down.
const HA: [&str; 2] = ["high-availability.type", "high-availability"];
const CLUSTER_ID: &str = "kubernetes.cluster-id";

/// Who leads, as far as the HA config map tells a pod.
pub(super) enum Leader {
    /// The pod whose address stands in the dispatcher's key.
    Pod(String),
    /// The only JobManager of the lab, under the name of a Service.
    Alone,
    /// One of several, under a name that is no pod's.
    Shared(String),
    /// No config map of that name exists.
    NoMap(String),
    /// The map may not be read.
    Forbidden(String),
    /// Nobody yet: why.
    Nobody(String),
}

impl fmt::Display for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(pod) => write!(f, "{pod} leads"),
            Self::Alone => f.write_str("the only JobManager leads"),
            Self::Shared(host) => write!(
                f,
                "the leader calls itself {host}, which is no pod's address"
            ),
            Self::NoMap(name) => write!(f, "JobManagers answer, but there is no config map {name}"),
            Self::Forbidden(why) | Self::Nobody(why) => f.write_str(why),
        }
    }
}

/// Looks at the map. `running`: JobManagers with their addresses.
pub(super) async fn leader(
    client: &Client,
    lab: &Lab,
    running: &BTreeMap<String, String>,
) -> Leader {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &lab.flink.namespace);
    let name = lab.cluster_map();
    let map = match tokio::time::timeout(QUICK, maps.get_opt(&name)).await {
        Ok(Ok(Some(map))) => map,
        Ok(Ok(None)) => return Leader::NoMap(name),
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
            return Leader::Forbidden(clean::message(&status.message));
        }
        Ok(Err(error)) => {
            let why = crate::kube::describe(&error);
            return Leader::Nobody(format!("the config map {name} cannot be read: {why}"));
        }
        Err(_) => return Leader::Nobody(format!("the config map {name} was not read in time")),
    };
    let none = || Leader::Nobody(format!("the config map {name} names no leader"));
    let Some(MapChange::Cluster(map)) = ha::decode(&lab.flink.cluster_id, &map) else {
        return none();
    };
    let held = map.lock.is_some_and(|lock| !lock.holder.is_empty());
    let Some(key) = map.leaders.get("dispatcher").filter(|_| held) else {
        return none();
    };
    let host = &key.host;
    // A pod of a StatefulSet may be called by its name in a Service's domain.
    let is_of = |pod: &String, address: &String| {
        host == address || host.split('.').next() == Some(pod.as_str())
    };
    let pod = running.iter().find(|(pod, address)| is_of(pod, address));
    match pod {
        Some((pod, _)) => Leader::Pod(pod.clone()),
        // The address of a pod that is gone, until its successor writes its own.
        None if host.parse::<IpAddr>().is_ok() => Leader::Nobody(format!(
            "the config map {name} names {host}, the address of no JobManager that runs"
        )),
        None if lab.replicas(Role::JobManager) > 1 => Leader::Shared(host.clone()),
        None => Leader::Alone,
    }
}

/// JobManagers answer as if somebody led, and the map says otherwise. For a moment that is usual,
/// for longer it is certain that waiting changes nothing.
#[derive(Default)]
pub(super) struct Contradiction {
    since: Option<Instant>,
}

impl Contradiction {
    /// What is certain by now, while a JobManager answers well.
    pub(super) async fn of(
        &mut self,
        leader: &Leader,
        lab: &Lab,
        rest: &Rest,
        client: &Client,
    ) -> Option<Fault> {
        match leader {
            Leader::Pod(_) | Leader::Alone | Leader::Nobody(_) => {
                self.since = None;
                return None;
            }
            Leader::Forbidden(why) => {
                let map = lab.cluster_map();
                return Some(
                    Fault::unable("ha-forbidden", format!("The config map {map} may not be read."))
                        .why(why)
                        .hint("Who leads stands there: give the account of the kubeconfig the right to `get` and `list` config maps."),
                );
            }
            Leader::Shared(_) | Leader::NoMap(_) => {}
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() + LOOK < CERTAIN {
            return None;
        }
        Some(match leader {
            Leader::Shared(host) => shared(host, lab.replicas(Role::JobManager)),
            _ => elsewhere(lab, &options(rest).await, &maps(client, lab).await),
        })
    }
}

/// Several JobManagers under one name.
fn shared(host: &str, replicas: u64) -> Fault {
    Fault::unable(
        "address-shared",
        format!("{replicas} JobManagers call themselves `{host}`."),
    )
    .why("that is the address of no pod, so nobody can tell which of them leads")
    .hint("Give each its own: the arguments `-D` and `jobmanager.rpc.address=$(POD_IP)`, with POD_IP from `status.podIP`.")
}

/// Nobody is written down in the map that was looked at: by what the JobManager says of itself and
/// which maps there are.
fn elsewhere(lab: &Lab, options: &BTreeMap<String, String>, maps: &[String]) -> Fault {
    let (ours, map) = (&lab.flink.cluster_id, lab.cluster_map());
    let others = match maps {
        [] => "there is no other of the kind".to_owned(),
        [one] => format!("there is {one}"),
        several => format!("there are {}", several.join(" and ")),
    };
    let kind = HA.iter().find_map(|name| options.get(*name));
    let is_off = kind
        .is_none_or(|kind| ["", "none", "default"].contains(&kind.trim().to_lowercase().as_str()));
    let id = options.get(CLUSTER_ID);
    if !options.is_empty() && is_off {
        let said = match kind {
            Some(kind) => format!("`high-availability.type` is `{kind}`"),
            None => "`high-availability.type` is not set".to_owned(),
        };
        return Fault::unable("ha-off", "Flink runs without high availability.")
            .why(format!("its JobManager says: {said}; so nobody is elected, and there is no config map {map}"))
            .hint("Set `high-availability.type: kubernetes` where the JobManagers read it: config map, FLINK_PROPERTIES or arguments.");
    }
    match id {
        Some(id) if id != ours => Fault::unable(
            "cluster-id-differs",
            format!("Flink elects its leader as `{id}`, not as `{ours}`."),
        )
        .why(format!(
            "`kubernetes.cluster-id` of the JobManagers is `{id}`; the config map {map} does not exist, {others}"
        ))
        .hint(format!(
            "Set `kubernetes.cluster-id: {ours}` where the JobManagers read it, or write `cluster-id: {id}` in lab.yaml."
        )),
        _ => Fault::unable(
            "leader-unknown",
            "JobManagers answer, but nobody is written down as the leader.",
        )
        .why(format!("the config map {map} does not exist; {others}"))
        .hint("The JobManagers' `kubernetes.cluster-id`, `kubernetes.namespace` and `high-availability.type` decide where it is written."),
    }
}

/// The options that a JobManager runs with, as it tells them.
async fn options(rest: &Rest) -> BTreeMap<String, String> {
    let Answer::Good(told) = rest.get("/jobmanager/config", QUICK).await else {
        return BTreeMap::new();
    };
    let rows = told.as_array().into_iter().flatten();
    let rows = rows.filter_map(|row| {
        let value = clean::message(row["value"].as_str()?);
        Some((row["key"].as_str()?.to_owned(), value))
    });
    rows.collect()
}

/// The cluster maps of the namespace that somebody leads by.
async fn maps(client: &Client, lab: &Lab) -> Vec<String> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &lab.flink.namespace);
    let all = ListParams::default().limit(MAPS);
    let Ok(Ok(list)) = tokio::time::timeout(QUICK, maps.list_metadata(&all)).await else {
        return Vec::new();
    };
    let names = list.items.into_iter().filter_map(|map| {
        let annotations = map.metadata.annotations.as_ref()?;
        annotations.get(ha::LOCK)?;
        map.metadata.name.filter(|name| name.ends_with(CLUSTER_MAP))
    });
    names.map(|name| clean::message(&name)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn where_a_leader_is_written_down_instead_is_told() {
        let lab = Lab::open("default").unwrap();
        let told = |options: &[(&str, &str)], maps: &[&str]| {
            let options = options
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            let maps: Vec<String> = maps.iter().map(|map| (*map).to_owned()).collect();
            let fault = elsewhere(&lab, &options.collect(), &maps);
            (fault.code.to_string(), format!("{fault}"))
        };
        let on = ("high-availability.type", "kubernetes");
        let (code, said) = told(
            &[on, ("kubernetes.cluster-id", "other")],
            &["other-cluster-config-map"],
        );
        assert_eq!(code, "cluster-id-differs");
        assert!(
            said.contains(
                "flinklab-cluster-config-map does not exist, there is other-cluster-config-map"
            ),
            "{said}"
        );
        for off in [
            &[("kubernetes.cluster-id", "flinklab")][..],
            &[("high-availability", "NONE")],
        ] {
            assert_eq!(told(off, &[]).0, "ha-off");
        }
        // Nothing was said: nothing is claimed of the options.
        let (code, said) = told(&[], &["a-cluster-config-map", "b-cluster-config-map"]);
        assert_eq!(code, "leader-unknown");
        assert!(
            said.contains("there are a-cluster-config-map and b-cluster-config-map"),
            "{said}"
        );
    }
}
