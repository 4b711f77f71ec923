//! What stands in the way of a lab on this machine: facts in, findings out. Each finding says what
//! was found, why it matters, how to fix it and who must do it. Asks nobody and changes nothing.

mod engine;
mod facts;
mod flink;
#[cfg(test)]
mod tests;

pub use facts::{Engine, EngineKind, Facts, HomeFacts, ImageUse, Kernel, Need, Place, PortUse};
pub use flink::options as flink_options;

use flinklab_base::advice;
use flinklab_base::advice::Advice;
use flinklab_lab::support::{Product, Support};
use serde::{Deserialize, Serialize};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Kebab-case: a script may match it.
    pub topic: String,
    /// As a person reads it.
    pub title: String,
    /// How bad it is.
    pub grade: Grade,
    /// What was found.
    pub found: String,
    /// Why it matters; empty where all is well.
    pub why: Advice,
    /// How to fix it; empty where all is well.
    #[serde(alias = "mend")] // as recordings of older versions say it
    pub hint: Advice,
    /// Who must do that.
    pub who: Option<Who>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Fine,
    /// A lab may work.
    Warning,
    /// No lab can work.
    Blocker,
}

/// Who can fix something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// The person who runs flinklab.
    You,
    /// Somebody with root's rights on this machine.
    Root,
    /// `flinklab doctor --fix`.
    Doctor,
}

const GIB: u64 = 1 << 30;
/// What the facts mean, in the order in which a person would look.
#[must_use]
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    match &facts.docker {
        Err(fault) => all.push(Finding {
            topic: fault.code.to_string(),
            title: "Docker".to_owned(),
            grade: Grade::Blocker,
            found: fault.what.clone(),
            why: fault.why.clone().into(),
            hint: fault.hint.clone(),
            who: Some(Who::You),
        }),
        Ok(engine) => {
            all.push(fine(
                "docker",
                "Docker",
                format!("{} at {}, API {}", engine.version, engine.host, engine.api),
            ));
            all.extend(engine::of_engine(engine, facts));
        }
    }
    all.extend(engine::of_kernel(facts));
    all.extend(facts.ports.iter().map(port));
    if facts.ports.is_empty() {
        let words = "all are picked from the free ones on 127.0.0.1";
        all.push(fine("ports", "Ports", words));
    }
    all.extend(facts.images.iter().map(|image| image_of(image, facts)));
    all.extend(facts.support.iter().map(supported));
    all.extend(proxies(&facts.proxies));
    all.extend(home(facts));
    all.extend(flink::findings(facts));
    all
}

pub(super) fn fine(topic: &str, title: &str, found: impl Into<String>) -> Finding {
    Finding {
        topic: topic.to_owned(),
        title: title.to_owned(),
        grade: Grade::Fine,
        found: found.into(),
        why: Advice::default(),
        hint: Advice::default(),
        who: None,
    }
}

impl Finding {
    fn grade(mut self, grade: Grade) -> Self {
        self.grade = grade;
        self
    }

    fn because(mut self, why: impl Into<Advice>) -> Self {
        self.why = why.into();
        self
    }

    fn hinted(mut self, who: Who, hint: impl Into<Advice>) -> Self {
        self.who = Some(who);
        self.hint = hint.into();
        self
    }
}

fn port(port: &PortUse) -> Finding {
    let named = format!("127.0.0.1:{} ({})", port.port, port.wanted_by);
    match &port.taken_by {
        None => fine("ports", "Ports", format!("{named} is free")),
        Some(other) => fine("port-taken", "Ports", format!("{named} is used by {other}"))
            .grade(Grade::Blocker)
            .because("the node publishes it")
            .hinted(
                Who::You,
                "Stop what uses it, or change the port in kind.yaml (0 picks a free one).",
            ),
    }
}

fn image_of(image: &ImageUse, facts: &Facts) -> Finding {
    let title = if image.node { "Node image" } else { "Image" };
    let wanted = facts
        .docker
        .as_ref()
        .map(|engine| engine.architecture.as_str());
    match (&image.architecture, &image.registry) {
        (Some(has), _) if wanted.is_ok_and(|wanted| !same_processor(wanted, has)) => fine(
            "image-architecture",
            title,
            format!("{} is for {has}, Docker runs {}", image.name, wanted.unwrap_or_default()),
        )
        .grade(Grade::Blocker)
        .because("its programs cannot run here")
        .hinted(Who::You, format!("Remove it (`docker rmi {}`), so that the right one is pulled.", image.name)),
        (Some(_), _) => fine("image", title, format!("{} is there", image.name)),
        (None, Some(Err(why))) => fine(
            "image-missing",
            title,
            format!("{} is neither here nor to be had", image.name),
        )
        .grade(Grade::Blocker)
        .because(why.clone())
        .hinted(
            Who::You,
            image.login.clone().unwrap_or_else(|| {
                "Look at the name and the network, `docker login` if it is private, or bring it with `docker load`.".to_owned()
            }),
        ),
        (None, registry) => fine(
            "image-absent",
            title,
            match registry {
                Some(_) => format!("{} is not here; its registry has it", image.name),
                None => format!("{} is not here", image.name),
            },
        )
        .grade(Grade::Warning)
        .because(advice!("`flinklab up` pulls it first, which takes minutes and a network"))
        .hinted(Who::Doctor, advice!("`flinklab doctor --fix` pulls it, or `docker pull {}`.", image.name)),
    }
}

/// Whether a version's own project still fixes it, and whether flinklab was tried with it.
fn supported(version: &Support) -> Finding {
    let topic = match version.product {
        Product::Kubernetes => "kubernetes-support",
        Product::Flink => "flink-support",
    };
    let one = fine(topic, "Support", version.found());
    if version.state.is_fine() {
        return one;
    }
    one.grade(Grade::Warning)
        .because(version.why())
        .hinted(Who::You, version.hint())
}

/// Docker and images call the same processors by different names.
fn same_processor(one: &str, other: &str) -> bool {
    let usual = |name: &str| match name {
        "x86_64" | "amd64" => "amd64".to_owned(),
        "aarch64" | "arm64" | "arm64/v8" => "arm64".to_owned(),
        other => other.to_owned(),
    };
    one.is_empty() || other.is_empty() || usual(one) == usual(other)
}

fn proxies(proxies: &[(String, String)]) -> Vec<Finding> {
    let mut all = Vec::new();
    for (name, value) in proxies.iter().filter(|(name, _)| name != "NO_PROXY") {
        // A proxy's address may hold a password: only what follows it is shown.
        let shown = value.rsplit('@').next().unwrap_or_default();
        let shown = shown
            .trim_start_matches("http://")
            .trim_start_matches("https://");
        let one = fine(
            "proxy",
            "Proxy",
            format!("{name} is {shown}; nodes get it, without the cluster's own addresses"),
        );
        let local = ["localhost", "127.", "[::1]"]
            .iter()
            .any(|own| shown.starts_with(own));
        all.push(if local {
            one.grade(Grade::Warning)
                .because("in a node that address is the node itself, so its pulls fail")
                .hinted(
                    Who::You,
                    "Use the proxy's address as other machines see it, or unset the variable.",
                )
        } else {
            one
        });
    }
    all
}

fn home(facts: &Facts) -> Vec<Finding> {
    let home = &facts.home;
    let mut all = Vec::new();
    match &home.writable {
        Ok(()) => all.push(fine(
            "home",
            "Lab folder",
            format!("{} can be written", home.path),
        )),
        Err(why) => all.push(
            fine(
                "home-unwritable",
                "Lab folder",
                format!("{} cannot be written.", home.path),
            )
            .grade(Grade::Blocker)
            .because(why.clone())
            .hinted(
                Who::You,
                "Set FLINKLAB_HOME to a folder that you may write to.",
            ),
        ),
    }
    let remote = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "fuse.sshfs",
        "afs",
    ];
    if remote.contains(&home.filesystem.as_str()) {
        all.push(
            fine(
                "home-remote",
                "Lab folder",
                format!("on {}, not on a local disk", home.filesystem),
            )
            .grade(Grade::Warning)
            .because("Flink's user 9999 cannot own files there, and locks may not hold")
            .hinted(Who::You, "Set FLINKLAB_HOME to a folder on a local disk."),
        );
    }
    if home.temporary {
        all.push(
            fine(
                "home-temporary",
                "Lab folder",
                "below the system's folder for temporary files",
            )
            .grade(Grade::Warning)
            .because("checkpoints are gone when the system cleans up there")
            .hinted(Who::You, "Set FLINKLAB_HOME to another folder."),
        );
    }
    if let Some(free) = home.free {
        let one = fine(
            "home-disk",
            "Disk of the lab folder",
            format!("{} free", gib(free)),
        );
        all.push(match free {
            free if free >= GIB => one,
            free => one
                .grade(if free < 64 << 20 {
                    Grade::Blocker
                } else {
                    Grade::Warning
                })
                .because("checkpoints, runs and the log are written there")
                .hinted(
                    Who::You,
                    "Make room, or set FLINKLAB_HOME to a folder on another disk.",
                ),
        });
    }
    all
}

/// `4.4 GiB`, `120 MiB`.
#[expect(clippy::cast_precision_loss)] // one digit
pub(super) fn gib(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= GIB => format!("{:.1} GiB", bytes as f64 / GIB as f64),
        bytes => format!("{} MiB", bytes >> 20),
    }
}
