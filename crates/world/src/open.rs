//! Opens the lab of an instance's name from what is written down about it: once, and again only
//! when its files have changed. Asks nobody: whether the cluster still exists is for those who act
//! on it to find out.

mod cache;

pub use cache::LabCache;
pub(crate) use cache::Stamps;

use super::World;
use super::application;
use super::disk::Place;
use super::home::{Home, NodeRecord, NodeStage, Source, State, valid_name};
use super::kube::{self as api, read_kubeconfig};
use cache::Key;
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_event::{LabFacts, LabNames, OperatorFacts, Origin, Stage};
use flinklab_lab::Lab;
use flinklab_lab::{Document, Node, Proof};
use kube::Client;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// A lab that exists on this machine, read and checked: as it was written down when it was opened.
/// Whoever changes the state of a lab opens it anew once the lab is locked.
pub struct LabHandle {
    /// Its folder.
    pub home: Home,
    /// What is written down about it.
    pub state: State,
    /// Its definition, as it was when it was applied last.
    pub lab: Lab,
    /// Made when it is first asked for.
    reader: OnceCell<Client>,
}

impl std::fmt::Debug for LabHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LabHandle")
            .field("home", &self.home)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl LabHandle {
    /// The client that only reads, by the kubeconfig that there was when the lab was opened.
    pub async fn reader(&self) -> Result<Client, Fault> {
        let made = self
            .reader
            .get_or_try_init(|| api::reading_client(&self.home));
        made.await.cloned()
    }

    /// What the rest of the program needs to know about the lab itself.
    #[must_use]
    pub fn facts(&self, origin: Origin) -> LabFacts {
        facts(&self.home, &self.state, &self.lab, origin)
    }

    /// Where its files are, as the host sees them.
    pub(crate) fn place(&self) -> Place {
        Place {
            shared: self.home.shared(),
            folders: self.lab.flink.folders.clone(),
        }
    }

    /// How far it was built, by what is written down.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let state = &self.state;
        if state.applied.is_some() {
            return Stage::Built;
        }
        let joined = |node: &NodeRecord| node.stage == NodeStage::Joined;
        let missing = match state.nodes.iter().find(|node| !joined(node)) {
            None if state.nodes.is_empty() && !state.jobs.is_empty() => return Stage::Kept,
            None if state.nodes.is_empty() => "it has no node yet".to_owned(),
            None => "its first checkpoint was not seen yet".to_owned(),
            Some(node) => format!("Kubernetes is not set up in {}", node.name),
        };
        Stage::Begun { missing }
    }
}

/// The same before everything is written down.
pub(crate) fn facts(home: &Home, state: &State, lab: &Lab, origin: Origin) -> LabFacts {
    LabFacts {
        name: home.name.clone(),
        definition: lab.name.clone(),
        id: state.id.clone(),
        origin,
        ui: state.ui(),
        kubeconfig: home.kubeconfig(),
        job: state.current_job().map(|job| job.id.clone()),
        mount: lab.flink.mount.clone(),
        namespace: lab.flink.namespace.clone(),
        calm_ms: u64::try_from(lab.polls.calm.as_millis()).unwrap_or(u64::MAX),
        operator: lab.operated().map(|operated| {
            Box::new(OperatorFacts {
                kind: operated.operator.kind().to_owned(),
                name: operated.name.clone(),
                alone: operated.operator.most_jobmanagers() == Some(1),
                says: operated.says(),
            })
        }),
        application: lab
            .application()
            .map(|application| Box::new(application::facts(&application))),
        names: Box::new(names(lab)),
        exact: lab.job.proves == Some(Proof::Exact),
        lacks: lab
            .all_failures()
            .iter()
            .filter_map(|failure| Some((failure.key.to_string(), lab.missing_for(failure)?)))
            .collect(),
    }
}

/// What the lab calls things, by its definition.
fn names(lab: &Lab) -> LabNames {
    let role = &lab.roles.jobmanager;
    let scales = |one: &&Document| matches!(one.kind.as_str(), "Deployment" | "StatefulSet");
    let own = lab.documents().filter(scales).cloned();
    let mut own = own.filter(|document| document.runs(role));
    let operated = lab.operated().map(|operated| operated.workloads());
    let workload = own.next().or_else(|| operated?.into_iter().next());
    let mut documents = lab.documents();
    let patches = documents.find(|document| document.lets_patch_config_maps());
    let shared = lab.cluster.nodes.iter().find_map(Node::shared_path);
    LabNames {
        jobmanager: role.container.clone(),
        taskmanager: lab.roles.taskmanager.container.clone(),
        workload: workload.map_or_else(String::new, |one| {
            format!("{}/{}", one.kind.to_lowercase(), one.name)
        }),
        role: patches.map_or_else(String::new, |one| one.name.clone()),
        cluster: lab.flink.cluster_id.clone(),
        checkpoints: shared.map_or_else(String::new, |shared| {
            format!("{shared}/{}", lab.flink.folders.checkpoints)
        }),
    }
}

/// The lab of this instance, if there is one: read anew only when its files have changed. Another
/// `--lab` than the recorded one is refused.
pub fn open(world: &World) -> Result<Option<Arc<LabHandle>>, Fault> {
    valid_name(&world.name)?;
    let home = Home::of(&world.addresses, &world.name);
    // The stamps first: a file that changes while it is read is read again.
    let key = Key {
        folder: home.folder.clone(),
        refresh: world.refresh,
        files: Stamps::of(&home),
    };
    let Some(handle) = world.opened.get(key, || read(world, home))? else {
        return Ok(None);
    };
    if let Some(asked) = &world.lab {
        same_definition(&handle.state, asked)?;
    }
    Ok(Some(handle))
}

/// The same from its files.
fn read(world: &World, home: Home) -> Result<Option<LabHandle>, Fault> {
    let Some(state) = home.read_state()? else {
        return Ok(None);
    };
    // Before its files: the wrong lab is told first.
    if let Some(asked) = &world.lab {
        same_definition(&state, asked)?;
    }
    let shown = match &state.definition.source {
        Source::BuiltIn(_) => String::new(),
        Source::Folder(folder) => format!("{}/", folder.display()),
    };
    let mut lab = Lab::built(state.definition.files.clone(), &shown)?;
    let wanted = world.refresh;
    lab.polls.calm = wanted.calm.unwrap_or(lab.polls.calm);
    lab.polls.trouble = wanted.trouble.unwrap_or(lab.polls.trouble);
    let reader = OnceCell::new();
    Ok(Some(LabHandle {
        home,
        state,
        lab,
        reader,
    }))
}

/// The same for commands that need one.
pub fn must_open(world: &World) -> Result<Arc<LabHandle>, Fault> {
    open(world)?.ok_or_else(|| no_lab(&world.name))
}

/// There is no lab of that name.
#[must_use]
pub fn no_lab(name: &str) -> Fault {
    Fault::unable(
        "no-lab",
        format!("There is no lab `{name}` on this machine."),
    )
    .hint(advice!("Run `flinklab up` to build one."))
}

/// Path and contents of the lab's kubeconfig.
pub fn kubeconfig(world: &World) -> Result<(PathBuf, String), Fault> {
    let opened = must_open(world)?;
    let text = read_kubeconfig(&opened.home)?;
    Ok((opened.home.kubeconfig(), text))
}

/// Where a definition named on the command line comes from.
pub(crate) fn source_of(asked: &str) -> Source {
    if flinklab_lab::built_in_names().any(|name| name == asked) {
        Source::BuiltIn(asked.to_owned())
    } else {
        Source::Folder(absolute(Path::new(asked)))
    }
}

fn same_definition(state: &State, asked: &str) -> Result<(), Fault> {
    let recorded = &state.definition.source;
    if *recorded == source_of(asked) {
        return Ok(());
    }
    let shown = match recorded {
        Source::BuiltIn(name) => name.clone(),
        Source::Folder(folder) => folder.display().to_string(),
    };
    Err(Fault::wrong(
        "other-lab",
        format!("The instance `{}` was made from another lab.", state.name),
    )
    .why(format!("it is `{shown}`, asked for was `{asked}`"))
    .hint(advice!(
        "Use another --name for the other lab, or run `flinklab down --purge` first."
    )))
}

fn absolute(folder: &Path) -> PathBuf {
    std::fs::canonicalize(folder)
        .or_else(|_| std::path::absolute(folder))
        .unwrap_or_else(|_| folder.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Addresses;

    fn world(folder: &Path, lab: Option<&str>) -> World {
        let addresses = Addresses::new(folder.join("data"), folder.join("config"));
        World::new(addresses, "t".to_owned(), lab.map(str::to_owned), false)
    }

    fn made(world: &World) {
        let home = Home::of(&world.addresses, &world.name);
        home.create().unwrap();
        let lab = Lab::open("default").unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        let state = State::new(&world.name, &lab, source_of("default"), now).unwrap();
        home.write_state(&state).unwrap();
    }

    #[test]
    fn later_commands_need_only_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let world = world(folder.path(), None);
        assert!(open(&world).unwrap().is_none());
        assert_eq!(must_open(&world).unwrap_err().code, "no-lab");
        made(&world);
        let opened = open(&world).unwrap().unwrap();
        assert_eq!(opened.lab.hash, opened.state.hash);
        assert_eq!(opened.facts(Origin::Real).definition, "default");
    }

    fn reads(world: &World) -> u64 {
        world.opened.reads()
    }

    #[test]
    fn a_lab_is_read_once_and_again_only_when_its_files_have_changed() {
        let folder = tempfile::tempdir().unwrap();
        let world = world(folder.path(), None);
        made(&world);
        let first = must_open(&world).unwrap();
        for _ in 0..5 {
            assert!(Arc::ptr_eq(&first, &must_open(&world).unwrap()));
        }
        assert_eq!(reads(&world), 1, "nothing changed");

        // a new job is written down: of the same length, within the same moment
        let mut state = first.state.clone();
        let job = state.new_job(None, jiff::Timestamp::UNIX_EPOCH).unwrap();
        first.home.write_state(&state).unwrap();
        let second = must_open(&world).unwrap();
        assert_eq!(second.state.jobs.last().unwrap().id, job.id);
        assert!(
            first.state.jobs.is_empty(),
            "what was opened stays as it was"
        );
        second.home.write_state(&second.state).unwrap();
        must_open(&world).unwrap();
        assert_eq!(reads(&world), 3, "replaced by the same text");

        // a client goes by the kubeconfig
        std::fs::write(first.home.kubeconfig(), "a: b").unwrap();
        must_open(&world).unwrap();
        must_open(&world).unwrap();
        assert_eq!(reads(&world), 4);

        std::fs::remove_file(first.home.state_file()).unwrap();
        assert!(open(&world).unwrap().is_none());
        assert_eq!(must_open(&world).unwrap_err().code, "no-lab");
    }

    #[test]
    fn what_cannot_be_read_is_told_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let world = world(folder.path(), None);
        made(&world);
        let home = must_open(&world).unwrap().home.clone();
        std::fs::write(home.state_file(), "{").unwrap();
        for _ in 0..2 {
            assert_eq!(open(&world).unwrap_err().code, "state-broken");
        }
    }

    #[test]
    fn another_lab_for_the_same_name_is_a_wrong_argument() {
        let folder = tempfile::tempdir().unwrap();
        made(&world(folder.path(), None));
        assert!(open(&world(folder.path(), Some("default"))).is_ok());
        let fault = open(&world(folder.path(), Some("elsewhere"))).unwrap_err();
        assert_eq!((fault.code.as_ref(), fault.kind.code()), ("other-lab", 2));
    }
}
