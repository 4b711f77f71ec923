//! What Docker and the kernel below it mean for a node.

use super::{Engine, EngineKind, Facts, Finding, Grade, Place, Who, fine, gib};
use jiff::SignedDuration;

/// kind's advice, from its list of known issues.
const INSTANCES: u64 = 512;
const WATCHES: u64 = 524_288;
/// Open files that flinklab itself may need: streams, watches, logs.
const FILES: u64 = 1024;
/// Seconds. Clocks that differ by less are taken for the same, as the runs themselves do.
const CLOCKS_AGREE: f64 = 1.0;

pub(super) fn of_engine(engine: &Engine, facts: &Facts) -> Vec<Finding> {
    let mut all = vec![kind(engine)];
    match engine.place {
        Place::Here => all.push(fine("docker-place", "Docker's place", "on this machine")),
        Place::Virtual => {
            let shared = ["/Users/", "/Volumes/", "/private/", "/tmp/", "/home/"]
                .iter()
                .any(|folder| facts.home.path.starts_with(folder));
            let words = "in a virtual machine: another kernel than this machine's";
            let one = fine("docker-place", "Docker's place", words);
            all.push(if shared {
                one
            } else {
                one.grade(Grade::Warning)
                    .because(
                        "the lab's folder is mounted into the node, so Docker's machine must see \
 it",
                    )
                    .hinted(
                        Who::You,
                        format!(
                            "Share {} with {}, or set FLINKLAB_HOME to a folder that is shared.",
                            facts.home.path,
                            engine.kind.shares()
                        ),
                    )
            });
        }
        Place::Elsewhere => all.push(
            fine(
                "docker-remote",
                "Docker's place",
                format!("{} is another machine", engine.host),
            )
            .grade(Grade::Blocker)
            .because(
                "the lab's folder and its ports on 127.0.0.1 would be on that machine, not here",
            )
            .hinted(
                Who::You,
                "Use a local Docker (`docker context use default`), or run flinklab over there.",
            ),
        ),
    }
    all.extend(of_cgroup(engine, facts));
    if engine.snap {
        all.push(
            fine(
                "docker-snap",
                "Docker from snap",
                "it sees only what is below your home folder",
            )
            .grade(Grade::Warning)
            .because("a lab's folder elsewhere would be empty in the node")
            .hinted(Who::You, "Keep FLINKLAB_HOME below your home folder."),
        );
    }
    let memory = fine(
        "memory",
        "Memory",
        format!(
            "{} for Docker; the lab needs about {}",
            gib(engine.memory),
            gib(facts.need.memory)
        ),
    );
    all.push(match engine.memory {
        have if have >= facts.need.memory => memory,
        have => memory
            .grade(if have * 10 < facts.need.memory * 6 { Grade::Blocker } else { Grade::Warning })
            .because("JobManagers and TaskManagers would be killed by the kernel")
            .hinted(
                Who::You,
                format!(
                    "Give Docker more memory{}, or lower the memory sizes and replicas in a lab of your own.",
                    engine.kind.size()
                ),
            ),
    });
    let cpus = fine("cpus", "CPUs", engine.cpus.to_string());
    all.push(match engine.cpus {
        0 | 1 => cpus
            .grade(Grade::Warning)
            .because("everything starts at once; with one CPU, time limits may be missed")
            .hinted(
                Who::You,
                format!("Give Docker two CPUs{}.", engine.kind.size()),
            ),
        _ => cpus,
    });
    if let Some(free) = engine.disk_free {
        let disk = fine(
            "docker-disk",
            "Disk of Docker",
            format!(
                "{} free; the lab needs about {}",
                gib(free),
                gib(facts.need.disk)
            ),
        );
        all.push(match free {
            free if free >= 2 * facts.need.disk => disk,
            free => disk
                .grade(if free < facts.need.disk_to_come / 2 {
                    Grade::Blocker
                } else {
                    Grade::Warning
                })
                .because("images are unpacked once more in the node, and a full disk breaks etcd")
                .hinted(
                    Who::You,
                    "Make room, for example with `docker system prune`.",
                ),
        });
    }
    if engine.log_driver == "none" {
        all.push(
            fine(
                "docker-logs",
                "Docker's log driver",
                "`none`: logs cannot be read back",
            )
            .grade(Grade::Warning)
            .because("that a node has booted is read from its log")
            .hinted(
                Who::Root,
                "Set `\"log-driver\": \"json-file\"` in Docker's daemon.json.",
            ),
        );
    }
    if ["btrfs", "zfs", "f2fs", "bcachefs"].contains(&engine.filesystem.as_str()) {
        all.push(
            fine(
                "docker-filesystem",
                "Docker's file system",
                engine.filesystem.clone(),
            )
            .grade(Grade::Warning)
            .because("the kubelet may not find the device below it (`failed to get rootfs info`)")
            .hinted(
                Who::You,
                "If the node fails so, add extraMounts for the device in kind.yaml.",
            ),
        );
    }
    all
}

/// Which engine answers, and what is another there for a lab.
fn kind(engine: &Engine) -> Finding {
    let (name, differs) = match engine.kind {
        EngineKind::Engine => ("Docker Engine", ""),
        EngineKind::Desktop => (
            "Docker Desktop",
            ": nodes get its machine's memory, and see the folders that it shares",
        ),
        EngineKind::Podman => ("Podman", ", which answers in Docker's place"),
        EngineKind::Colima => (
            "Colima",
            ": its machine has 2 CPUs and 2 GiB of memory if it was not told more, and sees your \
             home folder only",
        ),
        EngineKind::OrbStack => (
            "OrbStack",
            ": its machine takes memory as it needs it, and sees all folders",
        ),
        EngineKind::Rancher => (
            "Rancher Desktop",
            ": its machine sees your home folder only",
        ),
    };
    let one = fine(
        "docker-engine",
        "Docker's engine",
        format!("{name}{differs}"),
    );
    if engine.kind != EngineKind::Podman {
        return one;
    }
    one.grade(Grade::Warning)
        .because(
            "flinklab was not tried with it; a node needs its processes to run as root, which \
             Podman's usual set-up does not allow",
        )
        .hinted(
            Who::You,
            "Use Docker if you can. Else let it run as root: `sudo systemctl enable --now \
             podman.socket` and DOCKER_HOST=unix:///run/podman/podman.sock, or `podman machine set \
             --rootful`.",
        )
}

impl EngineKind {
    /// Where a person gives it more memory and CPUs, behind a sentence.
    fn size(self) -> &'static str {
        match self {
            Self::Engine => "",
            Self::Desktop => " (Settings, Resources)",
            Self::Podman => " (`podman machine set --memory 8192 --cpus 4`)",
            Self::Colima => " (`colima stop`, then `colima start --cpu 4 --memory 8`)",
            Self::OrbStack => " (Settings, System)",
            Self::Rancher => " (Preferences, Virtual Machine)",
        }
    }

    /// Where a person shares a folder with it.
    fn shares(self) -> &'static str {
        match self {
            Self::Engine => "Docker's machine",
            Self::Desktop => "Docker Desktop (Settings, Resources, File sharing)",
            Self::Podman => "Podman (`podman machine init --volume`)",
            Self::Colima => "Colima (`mounts` in `colima start --edit`)",
            Self::OrbStack => "OrbStack",
            Self::Rancher => "Rancher Desktop (Preferences, Virtual Machine, Volumes)",
        }
    }
}

fn of_cgroup(engine: &Engine, facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    let version = facts.need.kubernetes;
    let named = version.map_or("the node image".to_owned(), |(major, minor)| {
        format!("Kubernetes {major}.{minor}")
    });
    let cgroup = fine(
        "cgroup",
        "Control groups",
        format!("version {}, for {named}", engine.cgroup),
    );
    all.push(match (engine.cgroup, version) {
        (1, Some(version)) if version >= (1, 35) => cgroup
            .grade(Grade::Warning)
            .because("from 1.35 on the kubelet refuses version 1 unless it is told not to, and nobody tests that")
            .hinted(
                Who::Root,
                "Boot with version 2 (systemd.unified_cgroup_hierarchy=1), or use a node image up to v1.34.",
            ),
        _ => cgroup,
    });
    if let Some(behind) = engine.behind {
        all.push(clocks(behind));
    }
    if engine.rootless {
        let one = fine("docker-rootless", "Rootless Docker", "in use");
        let hint = "Put `[Service]` and `Delegate=yes` into \
                    /etc/systemd/system/user@.service.d/delegate.conf, reload systemd, log in again.";
        all.push(match (engine.cgroup, engine.limits) {
            (1, _) => one
                .grade(Grade::Blocker)
                .because("a node in a rootless Docker needs control groups of version 2")
                .hinted(
                    Who::Root,
                    "Boot with version 2, or use a Docker that runs as root.",
                ),
            (_, false) => one
                .grade(Grade::Blocker)
                .because("it may not limit memory, processes and CPU, which the kubelet needs")
                .hinted(Who::Root, hint),
            _ => one,
        });
    }
    if engine.cgroup == 1 && facts.kernel.version.contains("microsoft") {
        all.push(
            fine("wsl-cgroup", "WSL", "control groups of version 1")
                .grade(Grade::Blocker)
                .because("the kubelet cannot make its group there")
                .hinted(
                    Who::You,
                    "Write `kernelCommandLine = cgroup_no_v1=all` below [wsl2] in .wslconfig, then `wsl --shutdown`.",
                ),
        );
    }
    all
}

/// Recovery times compare stamps of this machine with those of the node, which has Docker's clock.
fn clocks(behind: SignedDuration) -> Finding {
    let title = "Docker's clock";
    let apart = behind.as_secs_f64();
    if apart.abs() < CLOCKS_AGREE {
        return fine("docker-clock", title, "agrees with this machine's");
    }
    let way = if apart > 0.0 { "behind" } else { "ahead of" };
    let found = format!("{:.1} s {way} this machine's", apart.abs());
    fine("docker-clock", title, found)
        .grade(Grade::Warning)
        .because("leases and recovery are timed by the clocks of both: flinklab corrects for it, and is less exact")
        .hinted(
            Who::You,
            "Let both keep time by NTP; a Docker in a virtual machine is set right by starting it again.",
        )
}

/// Limits of this kernel. They matter where Docker runs on it. Never a blocker: a node that has
/// really failed with them says so in its boot log.
pub(super) fn of_kernel(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    let here = matches!(&facts.docker, Ok(engine) if engine.place == Place::Here);
    if let (true, Some(instances), Some(watches)) = (
        here,
        facts.kernel.inotify_instances,
        facts.kernel.inotify_watches,
    ) {
        let one = fine(
            "inotify",
            "inotify",
            format!("{instances} instances, {watches} watches for each user"),
        );
        all.push(if instances >= INSTANCES && watches >= WATCHES {
            one
        } else {
            one
        .grade(Grade::Warning)
        .because(match facts.clusters {
            0 => "a node may fail with \"too many open files\"; further clusters surely"
.to_owned(),
            more => format!(
                "{more} other kind node{} run here: one more may fail with \"too many \
 open files\"",
                if more == 1 { "" } else { "s" }
            ),
        })
        .hinted(
            Who::Root,
            format!(
                "sudo sysctl fs.inotify.max_user_instances={} fs.inotify.max_user_watches={}",
                instances.max(INSTANCES),
                watches.max(WATCHES),
            ),
        )
        });
    }
    if let Some(files) = facts.kernel.files {
        let one = fine(
            "open-files",
            "Open files",
            format!("{files} for this program"),
        );
        all.push(if files >= FILES {
            one
        } else {
            one.grade(Grade::Warning)
                .because("logs of all pods are followed at once")
                .hinted(Who::You, format!("ulimit -n {FILES}"))
        });
    }
    all
}
