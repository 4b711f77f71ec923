//! What one Flink process is configured with: the lab's file, what the environment adds to a file
//! that is not mounted read-only, and the arguments, which win.

use crate::api::kinds;
use crate::cluster::{Process, State};
use serde_json::Value;
use std::collections::BTreeMap;

/// Files of Flink's configuration in a config map.
const FILES: [&str; 2] = ["flink-conf.yaml", "config.yaml"];
const PROPERTIES: &str = "FLINK_PROPERTIES";
const ADDRESS: &str = "jobmanager.rpc.address";

/// Options by name.
pub(crate) type Options = BTreeMap<String, String>;

/// How a JobManager's high availability is set up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Election {
    /// By Kubernetes, under this cluster id.
    As(String),
    /// There is none: it leads by itself.
    None,
    /// The process cannot start: the exception.
    Broken(String),
}

/// The options of a running process.
pub(super) fn of(process: &Process) -> Options {
    let state = process.cluster.hold();
    let namespace = &process.namespace;
    let pod = state.store.read(kinds::of("pods"), namespace, &process.pod);
    let file = process.cluster.lab.flink_options();
    pod.map_or_else(Options::new, |pod| of_pod(&state, namespace, pod, file))
}

/// The options of a pod's first container, upon those of the lab's file.
pub(crate) fn of_pod(state: &State, namespace: &str, pod: &Value, file: Options) -> Options {
    let container = &pod["spec"]["containers"][0];
    let mut options = file;
    if !has_file(state, namespace, pod) {
        for text in properties(state, namespace, container) {
            let lines = text.lines().filter_map(|line| line.split_once(": "));
            options.extend(lines.map(|(key, value)| (trimmed(key), trimmed(value))));
        }
    }
    let words = words(container);
    for (n, word) in words.iter().enumerate() {
        let before = n.checked_sub(1).map(|n| words[n].as_str());
        let set = match (word.strip_prefix("-D"), before) {
            (Some(set), _) => set,
            (None, Some("-D")) => word,
            (None, Some("--host")) => {
                options.insert(ADDRESS.to_owned(), trimmed(word));
                continue;
            }
            _ => continue,
        };
        if let Some((key, value)) = set.split_once('=') {
            options.insert(trimmed(key), trimmed(value));
        }
    }
    options
}

/// The words that a container is started with.
pub(super) fn words(container: &Value) -> Vec<String> {
    let lists = [&container["command"], &container["args"]];
    let words = lists.into_iter().filter_map(Value::as_array).flatten();
    let words = words.filter_map(Value::as_str);
    let words = words.flat_map(str::split_whitespace);
    words.map(str::to_owned).collect()
}

fn trimmed(text: &str) -> String {
    text.trim().trim_matches(['\'', '"']).to_owned()
}

/// Whether a config map with Flink's file is mounted: read-only, so that nothing is added to it.
fn has_file(state: &State, namespace: &str, pod: &Value) -> bool {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let mut names = volumes.filter_map(|volume| volume["configMap"]["name"].as_str());
    names.any(|name| {
        let map = state.store.read(kinds::of("configmaps"), namespace, name);
        map.is_some_and(|map| FILES.iter().any(|file| map["data"][*file].is_string()))
    })
}

/// The texts of FLINK_PROPERTIES, from the variables and from config maps of them.
fn properties(state: &State, namespace: &str, container: &Value) -> Vec<String> {
    let from = container["envFrom"].as_array().into_iter().flatten();
    let maps = from.filter_map(|from| {
        let name = from["configMapRef"]["name"].as_str()?;
        let map = state.store.read(kinds::of("configmaps"), namespace, name)?;
        map["data"][PROPERTIES].as_str().map(str::to_owned)
    });
    let own = container["env"].as_array().into_iter().flatten();
    let own = own.filter(|one| one["name"] == PROPERTIES);
    let own = own.filter_map(|one| one["value"].as_str().map(str::to_owned));
    maps.chain(own).collect()
}

/// What the options say of high availability.
pub(super) fn election(options: &Options) -> Election {
    const FACTORY: &str =
        "org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory";
    let names = ["high-availability.type", "high-availability"];
    let kind = names.iter().find_map(|name| options.get(*name));
    let kind = kind.map_or("none", String::as_str);
    match kind.to_lowercase().as_str() {
        "none" | "default" | "" => Election::None,
        _ if kind.eq_ignore_ascii_case("kubernetes") || kind == FACTORY => {
            match options.get("kubernetes.cluster-id") {
                Some(id) => Election::As(id.clone()),
                None => Election::Broken(
                    "java.lang.IllegalArgumentException: Configuration option 'kubernetes.cluster-id' is not set.".to_owned(),
                ),
            }
        }
        _ => Election::Broken(format!("java.lang.ClassNotFoundException: {kind}")),
    }
}

/// Whether REST takes jobs.
pub(super) fn takes_jobs(options: &Options) -> bool {
    let set = options.get("web.submit.enable");
    !set.is_some_and(|set| set.eq_ignore_ascii_case("false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_election_is_what_the_options_say() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            election(&pairs.collect())
        };
        let id = ("kubernetes.cluster-id", "a");
        let on = ("high-availability.type", "kubernetes");
        assert_eq!(of(&[on, id]), Election::As("a".to_owned()));
        assert_eq!(of(&[id]), Election::None);
        assert_eq!(of(&[("high-availability", "NONE"), id]), Election::None);
        assert!(matches!(of(&[on]), Election::Broken(_)));
        let misspelt = ("high-availability.type", "kuberentes");
        assert!(
            matches!(of(&[misspelt, id]), Election::Broken(why) if why.ends_with("kuberentes"))
        );
    }
}
