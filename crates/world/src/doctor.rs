//! Finds out what may stand in the way of a lab: asks Docker, reads what the kernel and the file
//! systems say, looks at the lab that runs. Changes nothing, but for what `--fix` was asked for.
//! What the facts mean is decided beside the model.

mod machine;
mod rights;

pub(crate) use machine::free;

use super::docker::{CALL, Docker, call, wants_login, words};
use super::home::Source;
use super::open::open;
use super::{Events, World, images};
use bollard::models::{SystemInfo, SystemVersion};
use bollard::query_parameters::ListContainersOptionsBuilder;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use flinklab_event::{
    DoctorOrder, Engine, EngineKind, Event, Facts, Finding, Grade, ImageUse, Need, Place, PortUse,
    Who, findings, flink_options,
};
use flinklab_lab::Lab;
use jiff::{SignedDuration, Timestamp};
use std::net::TcpListener;
use std::time::Duration;

/// How long a registry may take to say whether it has an image.
const REGISTRY: Duration = Duration::from_secs(10);

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Only what this machine knows at once: before every `up`.
    Quick,
    /// Registries and the lab that runs, too.
    Full,
}

/// Looks at everything, mends what was asked for and is safe, and looks again.
pub async fn run(world: &World, order: &DoctorOrder, events: &Events) {
    let event = match examined(world, order).await {
        Ok((findings, fixed, need)) => Event::Examined {
            findings,
            fixed,
            need: Some(need),
        },
        Err(fault) => return events.failed(fault).await,
    };
    events.send(event).await;
}

async fn examined(
    world: &World,
    order: &DoctorOrder,
) -> Result<(Vec<Finding>, Vec<String>, Need), Fault> {
    if order.fix && world.read_only {
        return Err(
            Fault::wrong("read-only", "Nothing is mended with --read-only.")
                .hint("Leave --read-only or --fix away."),
        );
    }
    let lab = definition(world)?;
    let docker = world.docker().await;
    let depth = if order.quick {
        Depth::Quick
    } else {
        Depth::Full
    };
    let mut facts = facts(world, &docker, &lab, depth).await;
    if order.fix {
        let (done, failed) = fix(world, docker.as_ref().ok(), &facts).await;
        if !done.is_empty() {
            facts = self::facts(world, &docker, &lab, Depth::Full).await;
        }
        let mut all = findings(&facts);
        all.extend(failed.iter().map(not_mended));
        return Ok((all, done, facts.need));
    }
    Ok((findings(&facts), Vec::new(), facts.need))
}

/// Before anything is made: the first blocker ends an `up`. Else how many warnings there are.
pub(super) async fn before_up(world: &World, docker: &Docker, lab: &Lab) -> Result<usize, Fault> {
    let docker = Ok(docker.clone());
    let all = findings(&Box::pin(facts(world, &docker, lab, Depth::Quick)).await);
    let blocker = all.iter().find(|finding| finding.grade == Grade::Blocker);
    if let Some(found) = blocker {
        let mut fault = Fault::unable(
            "doctor-blocker",
            format!("{}: {}.", found.title, found.found.trim_end_matches('.')),
        )
        .why(world.called.advise(&found.why))
        .hint(found.hint.clone());
        fault.code = found.topic.clone().into();
        return Err(fault);
    }
    let warnings = all.iter().filter(|finding| finding.grade == Grade::Warning);
    // An image that is not here yet is no trouble for `up`: it says itself what it pulls.
    Ok(warnings
        .filter(|finding| finding.topic != "image-absent")
        .count())
}

/// The lab that the instance has, else the one that is asked for.
fn definition(world: &World) -> Result<Lab, Fault> {
    match open(world)? {
        Some(opened) => match &opened.state.definition.source {
            Source::Folder(folder) if folder.is_dir() => {
                let kept = super::manifests::folder(&world.addresses);
                Lab::read_with(folder, Some(&kept))
            }
            _ => Ok(opened.lab.clone()),
        },
        None => world.definition_of(world.lab.as_deref().unwrap_or("default")),
    }
}

async fn facts(world: &World, docker: &Result<Docker, Fault>, lab: &Lab, depth: Depth) -> Facts {
    let kernel = machine::kernel();
    let mut facts = Facts {
        docker: Err(Fault::unable("docker-unreachable", "Docker was not asked.")),
        home: machine::home(&world.addresses.home),
        ports: Vec::new(),
        images: Vec::new(),
        proxies: super::docker::proxies(&world.addresses),
        need: Need::of(lab),
        support: lab.support(today()),
        options: flink_options(lab),
        job_checkpoints: lab
            .job
            .arguments
            .iter()
            .any(|argument| argument.to_lowercase().contains("checkpoint")),
        checkpoints: (lab.notes(), lab.pointless()),
        mount: lab.flink.mount.clone(),
        patch: None,
        clusters: 0,
        kernel,
    };
    let docker = match docker {
        Ok(docker) => docker,
        Err(fault) => {
            facts.docker = Err(fault.clone());
            return facts;
        }
    };
    facts.docker = engine(docker, &facts.kernel.version).await;
    facts.ports = ports(docker, lab, &world.name).await;
    for (name, node) in wanted(lab) {
        facts.images.push(image(docker, &name, node, depth).await);
    }
    let there = docker.containers_of(&world.name).await.unwrap_or_default();
    let expected = super::node::names(&lab.cluster, &world.name);
    let made = there.iter().filter(|found| expected.contains(&found.name));
    facts.need = facts.need.with_made(made.count());
    let others = docker.all_nodes().await.unwrap_or_default();
    let others = others.iter().filter(|found| {
        found.state == "running"
            && found.labels.get(super::docker::CLUSTER_LABEL) != Some(&world.name)
    });
    facts.clusters = others.count();
    if depth == Depth::Full {
        facts.patch = rights::patch(world, lab).await;
    }
    facts
}

/// The day that it is in UTC.
fn today() -> jiff::civil::Date {
    clock::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

async fn engine(docker: &Docker, kernel: &str) -> Result<Engine, Fault> {
    // Refuses what no node can be made with.
    docker.daemon().await?;
    let asked = clock::now();
    let info = call(CALL, "Asking Docker about itself", docker.api().info()).await?;
    let answered = clock::now();
    let version = call(CALL, "Asking Docker's version", docker.api().version()).await?;
    let security = info.security_options.clone().unwrap_or_default();
    let place = place(docker.host(), &info, kernel);
    let root = info.docker_root_dir.clone().unwrap_or_default();
    let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
    let here = place == Place::Here;
    Ok(Engine {
        host: docker.host().to_owned(),
        version: info.server_version.clone().unwrap_or_default(),
        api: version.api_version.clone().unwrap_or_default(),
        place,
        cpus: number(info.ncpu).unwrap_or_default(),
        memory: number(info.mem_total).unwrap_or_default(),
        cgroup: match info.cgroup_version {
            Some(version) if version.to_string() == "1" => 1,
            _ => 2,
        },
        rootless: security
            .iter()
            .any(|option| option.contains("name=rootless")),
        kind: kind(docker.host(), &info, &version),
        limits: info.memory_limit != Some(false)
            && info.pids_limit != Some(false)
            && info.cpu_shares != Some(false),
        snap: root.starts_with("/var/snap"),
        architecture: info.architecture.unwrap_or_default(),
        disk_free: machine::free(root.as_ref()).filter(|_| here),
        log_driver: info.logging_driver.unwrap_or_default(),
        filesystem: if here {
            machine::filesystem(root.as_ref())
        } else {
            String::new()
        },
        behind: behind(info.system_time.as_deref(), asked, answered),
    })
}

/// By how much a clock is behind that showed this between a question and its answer.
fn behind(shown: Option<&str>, asked: Timestamp, answered: Timestamp) -> Option<SignedDuration> {
    let shown: Timestamp = shown?.parse().ok()?;
    Some(shown.clamp(asked, answered).duration_since(shown))
}

/// Which engine it is, from what it calls itself, its machine and its socket.
fn kind(host: &str, info: &SystemInfo, version: &SystemVersion) -> EngineKind {
    let platform = version
        .platform
        .as_ref()
        .map(|platform| platform.name.clone());
    let parts = version.components.iter().flatten();
    let words: Vec<String> = [info.operating_system.clone(), info.name.clone(), platform]
        .into_iter()
        .flatten()
        .chain(parts.map(|part| part.name.clone()))
        .chain([host.to_owned()])
        .map(|words| words.to_lowercase())
        .collect();
    let says = |word: &str| words.iter().any(|words| words.contains(word));
    // The most specific first: Rancher Desktop and Colima run Docker's own engine.
    if says("podman") {
        EngineKind::Podman
    } else if says("orbstack") {
        EngineKind::OrbStack
    } else if says("rancher-desktop") || says("rancher desktop") || says("/.rd/") {
        EngineKind::Rancher
    } else if says("colima") {
        EngineKind::Colima
    } else if says("docker desktop") || says("docker-desktop") || says("/.docker/desktop/") {
        EngineKind::Desktop
    } else {
        EngineKind::Engine
    }
}

fn place(host: &str, info: &SystemInfo, kernel: &str) -> Place {
    let over = host.strip_prefix("tcp://").or(host.strip_prefix("http://"));
    let local = over.is_none_or(|address| {
        ["127.", "localhost", "[::1]"]
            .iter()
            .any(|own| address.starts_with(own))
    });
    match (local, info.kernel_version.as_deref() == Some(kernel)) {
        (false, _) => Place::Elsewhere,
        (true, true) => Place::Here,
        (true, false) => Place::Virtual,
    }
}

/// Ports that kind.yaml names, and who has them.
async fn ports(docker: &Docker, lab: &Lab, name: &str) -> Vec<PortUse> {
    let named = lab
        .cluster
        .nodes
        .iter()
        .enumerate()
        .flat_map(|(index, node)| {
            let mappings = node.extra_port_mappings.iter().enumerate();
            mappings.map(move |(n, mapping)| {
                let place = format!("nodes[{index}].extraPortMappings[{n}] in kind.yaml");
                (mapping.host_port, place)
            })
        });
    let server = lab.cluster.networking.api_server_port;
    let wanted: Vec<(u16, String)> = named
        .chain([(server, "networking.apiServerPort in kind.yaml".to_owned())])
        .filter(|(port, _)| *port != 0)
        .collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let options = ListContainersOptionsBuilder::new().all(false).build();
    let listed = call(
        CALL,
        "Listing containers",
        docker.api().list_containers(Some(options)),
    );
    let listed = listed.await.unwrap_or_default();
    let holder = |port: u16| {
        let has = listed.iter().find(|one| {
            let ports = one.ports.iter().flatten();
            ports
                .into_iter()
                .any(|published| published.public_port == Some(port))
        })?;
        let own = has.labels.as_ref()?.get(super::docker::CLUSTER_LABEL);
        let named = has
            .names
            .iter()
            .flatten()
            .next()
            .cloned()
            .unwrap_or_default();
        Some((
            own.is_some_and(|own| own == name),
            named.trim_start_matches('/').to_owned(),
        ))
    };
    wanted
        .into_iter()
        .map(|(port, wanted_by)| {
            let taken_by = match holder(port) {
                Some((true, _)) => None,
                Some((false, other)) => Some(format!("the container {other}")),
                None => in_use(port).then(|| "another program on this machine".to_owned()),
            };
            PortUse {
                port,
                wanted_by,
                taken_by,
            }
        })
        .collect()
}

/// Whether somebody listens there. A port that we may not listen on ourselves is Docker's to try.
fn in_use(port: u16) -> bool {
    let tried = TcpListener::bind(("127.0.0.1", port));
    tried.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

/// Images with whether nodes are made of them, each once.
fn wanted(lab: &Lab) -> Vec<(String, bool)> {
    let nodes = lab
        .cluster
        .nodes
        .iter()
        .map(|node| (node.image.clone(), true));
    let pods = lab
        .images
        .iter()
        .chain([&lab.job.image])
        .map(|name| (name.clone(), false));
    let mut all: Vec<(String, bool)> = Vec::new();
    for (name, node) in nodes.chain(pods) {
        if !all.iter().any(|(known, _)| *known == name) {
            all.push((name, node));
        }
    }
    all
}

async fn image(docker: &Docker, name: &str, node: bool, depth: Depth) -> ImageUse {
    let found = images::find(docker, name).await.ok().flatten();
    let mut hint = None;
    let registry = match (&found, depth) {
        (None, Depth::Full) => {
            let login = docker.login(name).await;
            let credentials = login.credentials.clone();
            let asked = docker.api().inspect_registry_image(name, credentials);
            let said = match tokio::time::timeout(REGISTRY, asked).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(words(&error)),
                Err(_) => Err(format!(
                    "its registry does not answer within {} s",
                    REGISTRY.as_secs()
                )),
            };
            let refused = said.as_ref().err().filter(|why| wants_login(why));
            hint = refused.map(|_| login.hint());
            Some(said)
        }
        _ => None,
    };
    ImageUse {
        name: name.to_owned(),
        node,
        architecture: found.map(|image| image.architecture),
        registry,
        login: hint,
    }
}

/// What is safe: a folder of our own, and images that somebody would have to pull anyway.
async fn fix(world: &World, docker: Option<&Docker>, facts: &Facts) -> (Vec<String>, Vec<Fault>) {
    let (mut fixed, mut failed) = (Vec::new(), Vec::new());
    if !world.addresses.home.exists() && machine::make(&world.addresses.home) {
        fixed.push(format!(
            "made the folder {}",
            world.addresses.home.display()
        ));
    }
    let Some(docker) = docker else {
        return (fixed, failed);
    };
    for image in facts
        .images
        .iter()
        .filter(|image| image.architecture.is_none())
    {
        match images::ensure(docker, &image.name, |_| {}).await {
            Ok(_) => fixed.push(format!("pulled {}", image.name)),
            Err(fault) => failed.push(fault),
        }
    }
    (fixed, failed)
}

/// What `--fix` tried and could not do.
fn not_mended(fault: &Fault) -> Finding {
    Finding {
        topic: fault.code.to_string(),
        title: "Not mended".to_owned(),
        grade: Grade::Warning,
        found: fault.what.clone(),
        why: fault.why.clone().into(),
        hint: fault.hint.clone(),
        who: Some(Who::You),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_told_from_a_virtual_one() {
        let info = |kernel: &str| SystemInfo {
            kernel_version: Some(kernel.to_owned()),
            ..SystemInfo::default()
        };
        assert_eq!(place("unix:///x", &info("6.1"), "6.1"), Place::Here);
        assert_eq!(place("unix:///x", &info("6.6"), "6.1"), Place::Virtual);
        assert_eq!(
            place("tcp://10.0.0.7:2375", &info("6.1"), "6.1"),
            Place::Elsewhere
        );
        assert_eq!(
            place("tcp://127.0.0.1:2375", &info("6.1"), "6.1"),
            Place::Here
        );
    }

    #[test]
    fn an_engine_is_known_by_what_it_calls_itself_or_by_its_socket() {
        let info = |system: &str, name: &str| SystemInfo {
            operating_system: Some(system.to_owned()),
            name: Some(name.to_owned()),
            ..SystemInfo::default()
        };
        let version = |platform: &str, component: &str| -> SystemVersion {
            serde_json::from_value(serde_json::json!({"Platform": {"Name": platform},
                "Components": [{"Name": component, "Version": "1", "Details": {}}]}))
            .unwrap()
        };
        let docker = version("Docker Engine - Community", "Engine");
        for (host, info, version, expected) in [
            (
                "unix:///var/run/docker.sock",
                info("Debian GNU/Linux 13", "pc"),
                &docker,
                EngineKind::Engine,
            ),
            (
                "unix:///var/run/docker.sock",
                info("Docker Desktop", "docker-desktop"),
                &docker,
                EngineKind::Desktop,
            ),
            (
                "unix:///var/run/docker.sock",
                info("OrbStack", "orbstack"),
                &docker,
                EngineKind::OrbStack,
            ),
            (
                "unix:///Users/u/.colima/default/docker.sock",
                info("Ubuntu 24.04", "colima"),
                &docker,
                EngineKind::Colima,
            ),
            (
                "unix:///Users/u/.rd/docker.sock",
                info("Alpine Linux v3.22", "lima-rancher-desktop"),
                &docker,
                EngineKind::Rancher,
            ),
            (
                "unix:///run/podman/podman.sock",
                info("fedora", "pc"),
                &version("linux/amd64/fedora-43", "Podman Engine"),
                EngineKind::Podman,
            ),
            (
                "unix:///var/run/docker.sock",
                info("fedora", "pc"),
                &version("linux/amd64/fedora-43", "Podman Engine"),
                EngineKind::Podman,
            ),
        ] {
            assert_eq!(kind(host, &info, version), expected, "{host} {info:?}");
        }
    }

    #[test]
    fn an_image_is_wanted_once() {
        let lab = Lab::open("default").unwrap();
        assert_eq!(wanted(&lab).len(), 2);
        assert!(wanted(&lab)[0].1);
    }
}
