//! What Flink in the pods of one role is configured with: the file of a config map, the variable
//! `FLINK_PROPERTIES` that the image's entry point adds to a file that it may write, and the
//! arguments, which win. Knows no option's meaning.

use super::pods::Pods;
use super::{Object, Source, Whole, Wrong, versions};
use crate::options::{self, Options};
use crate::yaml::{At, Node};
use flinklab_base::fault::Fault;
use std::collections::BTreeMap;

/// What sets the JobManager's address where no configuration does.
const ADDRESS_VARIABLE: &str = "JOB_MANAGER_RPC_ADDRESS";
const PROPERTIES: &str = "FLINK_PROPERTIES";
pub(super) const ADDRESS: &str = "jobmanager.rpc.address";

/// An option's value, and where that stands.
#[derive(Clone)]
pub(super) struct Setting<'a> {
    pub(super) value: String,
    pub(super) source: &'a Source,
    pub(super) at: At,
}

/// Options by name.
pub(super) type Settings<'a> = BTreeMap<String, Setting<'a>>;

/// What is known of a role's configuration.
pub(super) struct Configured<'a> {
    pub(super) settings: Settings<'a>,
    /// Where the configuration begins: the place to name for an option that is missing. None where
    /// options may come from elsewhere too, such as a file of the image.
    pub(super) complete: Option<(&'a Source, At)>,
}

/// Options that all stand in one file.
pub(super) fn placed<'a>(source: &'a Source, options: Options) -> Settings<'a> {
    let settings = options.into_iter().map(|(key, (value, at))| {
        let setting = Setting { value, source, at };
        (key, setting)
    });
    settings.collect()
}

/// What the pods of a role get, the later source over the earlier.
pub(super) fn of<'a>(whole: &'a Whole<'a>, pods: &Pods<'a>) -> Result<Configured<'a>, Fault> {
    let source = pods.object.source;
    let version = versions::of(whole, pods);
    let mut settings = Settings::new();
    let mut complete = None;
    let mut has_file = false;
    for (volume, map) in maps(whole, pods) {
        let name = volume.get("name").and_then(Node::text);
        let found = options::of(map.node, version)
            .map_err(|mistake| mistake.fault(map.source.code, &map.source.file))?;
        let Some(found) = found.filter(|_| is_mounted(pods, name)) else {
            continue;
        };
        has_file = true;
        let is_whole =
            volume.find("configMap.name").is_some() && volume.find("configMap.items").is_none();
        complete = is_whole.then_some((map.source, found.text.at));
        settings.extend(placed(map.source, found.options));
    }
    // A config map is mounted read-only: then the entry point cannot add to the file.
    if !has_file {
        settings.extend(placed(source, of_environment(pods)));
    }
    settings.extend(placed(source, of_arguments(pods)));
    Ok(Configured { settings, complete })
}

/// The config maps of a pod's volumes that manifests make, each with its volume.
fn maps<'a>(
    whole: &'a Whole<'a>,
    pods: &Pods<'a>,
) -> impl Iterator<Item = (&'a Node, &'a Object<'a>)> {
    let volumes = pods.spec.get("volumes").map_or(&[][..], Node::items);
    let namespace = pods.object.document.namespace.clone();
    let named = volumes.iter().flat_map(|volume| {
        let sources = volume.find("projected.sources");
        let sources = sources.map_or(&[][..], Node::items).iter();
        let own = std::iter::once(volume).chain(sources);
        own.filter_map(move |one| Some((volume, one.find("configMap.name")?.text()?)))
    });
    named.filter_map(move |(volume, name)| {
        let mut all = whole.objects.iter();
        let map = all.find(|object| {
            let document = object.document;
            document.kind == "ConfigMap" && document.name == name && document.namespace == namespace
        })?;
        Some((volume, map))
    })
}

fn is_mounted(pods: &Pods<'_>, volume: Option<&str>) -> bool {
    let mounts = pods.container.get("volumeMounts");
    let mut mounts = mounts.map_or(&[][..], Node::items).iter();
    mounts.any(|mount| mount.get("name").and_then(Node::text) == volume)
}

/// What variables of the container set, as the image's entry point writes them down.
fn of_environment(pods: &Pods<'_>) -> Options {
    let mut options = Options::new();
    let variables = pods.container.get("env").map_or(&[][..], Node::items);
    let value = |name: &str| {
        let mut named = variables.iter();
        let found = named.find(|one| one.get("name").and_then(Node::text) == Some(name))?;
        found.get("value")
    };
    if let Some(node) = value(ADDRESS_VARIABLE) {
        let text = node.text().unwrap_or_default().to_owned();
        options.insert(ADDRESS.to_owned(), (text, node.at));
    }
    if let Some(node) = value(PROPERTIES) {
        for (index, line) in node.text().unwrap_or_default().lines().enumerate() {
            let Some((key, text)) = line.split_once(": ") else {
                continue;
            };
            let lead = key.len() - key.trim_start().len();
            let at = At {
                line: index + 1,
                column: lead + 1,
            };
            let value = (text.trim().to_owned(), node.inside(at));
            options.insert(key.trim().to_owned(), value);
        }
    }
    options
}

/// `-D name=value`, `-Dname=value` and the host that may follow `jobmanager`.
fn of_arguments(pods: &Pods<'_>) -> Options {
    let mut options = Options::new();
    let words = arguments(pods.container);
    let mut before = "";
    for (word, at) in &words {
        let set = match word.strip_prefix("-D") {
            Some("") => None,
            Some(set) => Some(set),
            None => (before == "-D").then_some(*word),
        };
        if let Some((key, value)) = set.and_then(|set| set.split_once('=')) {
            options.insert(key.trim().to_owned(), (value.to_owned(), *at));
        }
        let is_host = match before {
            "jobmanager" => !word.starts_with('-'),
            before => before == "--host",
        };
        if is_host {
            options.insert(ADDRESS.to_owned(), ((*word).to_owned(), *at));
        }
        before = word;
    }
    options
}

/// The words that a container is started with; those of a script in one argument, each by itself,
/// without its comments.
pub(super) fn arguments(container: &Node) -> Vec<(&str, At)> {
    let lists = ["command", "args"].into_iter();
    let items = lists
        .filter_map(|key| container.get(key))
        .flat_map(Node::items);
    let words = items.filter_map(|item| Some((item.text()?, item.at)));
    let words = words.flat_map(|(text, at)| {
        let lines = text.lines().flat_map(|line| {
            let words = line.split_whitespace();
            words.take_while(|word| !word.starts_with('#'))
        });
        lines.map(move |word| (word.trim_matches(['\'', '"']), at))
    });
    words.collect()
}

impl<'a> Setting<'a> {
    /// A mistake at its value.
    pub(super) fn wrong(&self, what: impl Into<String>) -> Wrong<'a> {
        self.source.here(self.at, what)
    }
}
