//! What facts mean: every finding is provoked once.

#![allow(clippy::unwrap_used)]

use super::*;
use flinklab_base::fault::Fault;
use flinklab_lab::Lab;

fn well() -> Facts {
    let lab = Lab::open("default").unwrap();
    Facts {
        docker: Ok(Engine {
            host: "unix:///var/run/docker.sock".to_owned(),
            version: "28.0.4".to_owned(),
            api: "1.48".to_owned(),
            place: Place::Here,
            cpus: 4,
            memory: 16 << 30,
            cgroup: 2,
            rootless: false,
            limits: true,
            snap: false,
            kind: EngineKind::Engine,
            architecture: "x86_64".to_owned(),
            disk_free: Some(50 << 30),
            log_driver: "json-file".to_owned(),
            filesystem: "extfs".to_owned(),
            behind: Some(jiff::SignedDuration::ZERO),
        }),
        kernel: Kernel {
            version: "6.8.0".to_owned(),
            inotify_instances: Some(1024),
            inotify_watches: Some(1_000_000),
            files: Some(4096),
        },
        home: HomeFacts {
            path: "/home/u/labs".to_owned(),
            writable: Ok(()),
            filesystem: "ext4".to_owned(),
            free: Some(50 << 30),
            temporary: false,
        },
        ports: vec![PortUse {
            port: 8081,
            wanted_by: "kind.yaml".to_owned(),
            taken_by: None,
        }],
        images: vec![ImageUse {
            name: "kindest/node:v1.34.0".to_owned(),
            node: true,
            architecture: Some("amd64".to_owned()),
            registry: None,
            login: None,
        }],
        proxies: Vec::new(),
        need: Need::of(&lab),
        support: lab.support(jiff::civil::date(2026, 12, 1)),
        options: flink::options(&lab),
        job_checkpoints: false,
        checkpoints: Default::default(),
        mount: lab.flink.mount.clone(),
        patch: Some(true),
        clusters: 0,
    }
}

/// Changes one fact; the one finding that is not fine any more.
fn changed(how: impl FnOnce(&mut Facts)) -> Finding {
    let mut facts = well();
    how(&mut facts);
    let mut bad: Vec<Finding> = findings(&facts)
        .into_iter()
        .filter(|finding| finding.grade != Grade::Fine)
        .collect();
    assert_eq!(bad.len(), 1, "{bad:#?}");
    let one = bad.remove(0);
    assert!(
        !one.why.is_empty() && !one.hint.is_empty() && one.who.is_some(),
        "{one:#?}"
    );
    one
}

fn engine(how: impl FnOnce(&mut Engine)) -> Finding {
    changed(|facts| how(facts.docker.as_mut().unwrap()))
}

fn is(finding: &Finding, topic: &str, grade: Grade) {
    assert_eq!(
        (finding.topic.as_str(), finding.grade),
        (topic, grade),
        "{finding:#?}"
    );
}

#[test]
fn the_default_lab_on_a_good_machine_has_nothing_to_complain_about() {
    let all = findings(&well());
    assert!(
        all.iter().all(|finding| finding.grade == Grade::Fine),
        "{all:#?}"
    );
    assert_eq!(well().need.kubernetes, Some((1, 37)));
    let need = well().need.memory;
    assert!((4 << 30..5 << 30).contains(&need), "{}", gib(need));
}

#[test]
fn each_trouble_of_docker_is_one_finding() {
    let gone = changed(|facts| {
        facts.docker = Err(Fault::unable("docker-unreachable", "no")
            .why("refused")
            .hint("start it"));
    });
    is(&gone, "docker-unreachable", Grade::Blocker);
    is(
        &engine(|engine| engine.place = Place::Elsewhere),
        "docker-remote",
        Grade::Blocker,
    );
    is(
        &engine(|engine| engine.memory = 4 << 30),
        "memory",
        Grade::Warning,
    );
    is(
        &engine(|engine| engine.memory = 2 << 30),
        "memory",
        Grade::Blocker,
    );
    is(&engine(|engine| engine.cpus = 1), "cpus", Grade::Warning);
    is(
        &engine(|engine| engine.disk_free = Some(4 << 30)),
        "docker-disk",
        Grade::Warning,
    );
    is(
        &engine(|engine| engine.disk_free = Some(1 << 30)),
        "docker-disk",
        Grade::Blocker,
    );
    // A lab that is stopped has taken its disk already.
    is(
        &changed(|facts| {
            facts.need = facts.need.clone().with_made(1);
            if let Ok(engine) = &mut facts.docker {
                engine.disk_free = Some(1 << 30);
            }
        }),
        "docker-disk",
        Grade::Warning,
    );
    is(
        &engine(|engine| engine.snap = true),
        "docker-snap",
        Grade::Warning,
    );
    is(
        &engine(|engine| engine.log_driver = "none".to_owned()),
        "docker-logs",
        Grade::Warning,
    );
    is(
        &engine(|engine| engine.filesystem = "btrfs".to_owned()),
        "docker-filesystem",
        Grade::Warning,
    );
    let apart = |ms| {
        let behind = Some(jiff::SignedDuration::from_millis(ms));
        engine(|engine| engine.behind = behind)
    };
    is(&apart(2_500), "docker-clock", Grade::Warning);
    is(&apart(-2_500), "docker-clock", Grade::Warning);
    let rootless = engine(|engine| {
        engine.rootless = true;
        engine.limits = false;
    });
    is(&rootless, "docker-rootless", Grade::Blocker);
    let virtual_one = changed(|facts| {
        facts.docker.as_mut().unwrap().place = Place::Virtual;
        facts.home.path = "/opt/labs".to_owned();
    });
    is(&virtual_one, "docker-place", Grade::Warning);
}

#[test]
fn an_old_version_and_one_that_was_not_tried_are_warnings() {
    let stood = |node: &str, flink: &str| {
        changed(|facts| {
            let mut lab = Lab::open("default").unwrap();
            lab.cluster.nodes[0].image = format!("kindest/node:{node}");
            lab.job.image = format!("flink:{flink}");
            facts.support = lab.support(jiff::civil::date(2026, 12, 1));
        })
    };
    is(
        &stood("v1.34.0", "2.3.0"),
        "kubernetes-support",
        Grade::Warning,
    );
    is(&stood("v1.37.0", "2.4.0"), "flink-support", Grade::Warning);
    let old = stood("v1.37.0", "1.15.2");
    is(&old, "flink-support", Grade::Warning);
    assert_eq!(
        old.found,
        "Flink 1.15 has been out of support since 2023-10-24 or earlier"
    );
}

#[test]
fn cgroup_version_one_matters_from_kubernetes_1_35_on() {
    let old = changed(|facts| {
        facts.docker.as_mut().unwrap().cgroup = 1;
        facts.need.kubernetes = Some((1, 35));
    });
    is(&old, "cgroup", Grade::Warning);
    let mut fine = well();
    fine.docker.as_mut().unwrap().cgroup = 1;
    fine.need.kubernetes = Some((1, 34));
    assert!(
        findings(&fine)
            .iter()
            .all(|finding| finding.grade == Grade::Fine)
    );
}

#[test]
fn limits_of_the_kernel_are_warnings_and_only_where_docker_runs_on_it() {
    let low = changed(|facts| facts.kernel.inotify_instances = Some(128));
    is(&low, "inotify", Grade::Warning);
    assert_eq!(low.who, Some(Who::Root));
    is(
        &changed(|facts| facts.kernel.files = Some(256)),
        "open-files",
        Grade::Warning,
    );
    let mut elsewhere = well();
    elsewhere.kernel.inotify_instances = Some(1);
    elsewhere.docker.as_mut().unwrap().place = Place::Virtual;
    assert!(
        findings(&elsewhere)
            .iter()
            .all(|finding| finding.topic != "inotify")
    );
}

#[test]
fn ports_images_proxies_and_the_folder() {
    let port = changed(|facts| facts.ports[0].taken_by = Some("container web".to_owned()));
    is(&port, "port-taken", Grade::Blocker);
    assert!(
        port.found.contains("8081") && port.found.contains("web"),
        "{port:?}"
    );
    is(
        &changed(|facts| facts.images[0].architecture = None),
        "image-absent",
        Grade::Warning,
    );
    let gone = changed(|facts| {
        facts.images[0].architecture = None;
        facts.images[0].registry = Some(Err("manifest unknown".to_owned()));
    });
    is(&gone, "image-missing", Grade::Blocker);
    let other = changed(|facts| facts.images[0].architecture = Some("arm64".to_owned()));
    is(&other, "image-architecture", Grade::Blocker);
    let proxy = changed(|facts| {
        let value = "http://user:secret@127.0.0.1:3128".to_owned();
        facts.proxies = vec![("HTTPS_PROXY".to_owned(), value)];
    });
    is(&proxy, "proxy", Grade::Warning);
    assert!(!proxy.found.contains("secret"), "{proxy:?}");
    is(
        &changed(|facts| facts.home.writable = Err("read-only".to_owned())),
        "home-unwritable",
        Grade::Blocker,
    );
    is(
        &changed(|facts| facts.home.filesystem = "nfs4".to_owned()),
        "home-remote",
        Grade::Warning,
    );
    is(
        &changed(|facts| facts.home.temporary = true),
        "home-temporary",
        Grade::Warning,
    );
    is(
        &changed(|facts| facts.home.free = Some(1 << 20)),
        "home-disk",
        Grade::Blocker,
    );
}

#[test]
fn flinks_options_and_rights() {
    let set = |key: &'static str, value: Option<&'static str>| {
        changed(move |facts| {
            facts.options.retain(|(name, _)| name != key);
            if let Some(value) = value {
                facts.options.push((key.to_owned(), value.to_owned()));
            }
        })
    };
    for found in [
        set("execution.checkpointing.interval", Some("60")),
        set("taskmanager.memory.process.size", Some("900")),
        set("high-availability.type", None),
        set("high-availability.storageDir", None),
        set("high-availability.storageDir", Some("file:///tmp/ha")),
        set(
            "high-availability.storageDir",
            Some("file:///flink-shared-other/ha"),
        ),
        set("kubernetes.cluster-id", None),
    ] {
        is(&found, "flink-options", Grade::Warning);
    }
    is(
        &changed(|facts| facts.patch = Some(false)),
        "flink-patch",
        Grade::Warning,
    );
    let mut s3 = well();
    s3.options
        .retain(|(name, _)| name != "high-availability.storageDir");
    s3.options.push((
        "high-availability.storageDir".to_owned(),
        "s3://bucket/ha".to_owned(),
    ));
    assert!(
        findings(&s3)
            .iter()
            .all(|finding| finding.grade == Grade::Fine)
    );
    assert_eq!(flink::bytes("800m"), Some(800 << 20));
    assert_eq!(flink::bytes("1 GB"), Some(1 << 30));
    assert_eq!(flink::bytes("x"), None);
}
