//! Which definition `up` builds, and what changed in it since it was applied last. A changed
//! cluster is named and refused while the old one exists; changed manifests are named and applied.

use crate::home::{Home, Source, State};
use crate::open::{open, source_of};
use crate::{World, lessons, manifests};
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_base::shell;
use flinklab_lab::Lab;
use jiff::Timestamp;
use std::path::Path;

/// The lab to build.
#[derive(Debug)]
pub(super) struct Plan {
    /// Its definition, read again from where it came from.
    pub(super) lab: Lab,
    /// What is written down about it.
    pub(super) state: State,
    /// Manifest files that say something else than when they were applied last.
    pub(super) changed: Vec<String>,
    /// Stands before file names in messages.
    pub(super) folder: String,
    /// Sentences worth saying.
    pub(super) notes: Vec<String>,
}

/// The definition that `--lab` names or that is recorded.
pub(super) fn plan(world: &World, now: Timestamp) -> Result<Plan, Fault> {
    let Some(opened) = open(world)? else {
        let asked = world.lab.as_deref().unwrap_or("default");
        let lab = world.definition_of(asked)?;
        // a lab is read whole before anything is started
        lessons::of_lab(&lab, asked)?;
        let source = source_of(asked);
        let folder = shown(&source);
        let state = State::new(&world.name, &lab, source, now)?;
        let notes = lab.unread_words().into_iter().collect();
        return Ok(Plan {
            lab,
            state,
            changed: Vec::new(),
            folder,
            notes,
        });
    };
    let (recorded, state) = (opened.lab.clone(), opened.state.clone());
    let mut notes = Vec::new();
    let lab = match &state.definition.source {
        Source::BuiltIn(name) => Lab::open(name)?,
        Source::Folder(folder) if folder.is_dir() => {
            let kept = manifests::folder(&world.addresses);
            let lab = Lab::read_with(folder, Some(&kept))?;
            lessons::of_lab(&lab, &folder.display().to_string())?;
            lab
        }
        Source::Folder(folder) => {
            notes.push(format!(
                "The folder {} is gone; the lab is built as it was recorded.",
                folder.display()
            ));
            recorded.clone()
        }
    };
    if lab.cluster != recorded.cluster && !state.nodes.is_empty() {
        return Err(cluster_changed(&opened.home, &state, &recorded, &lab));
    }
    // A new cluster is no change of an old one.
    let changed = if state.nodes.is_empty() {
        Vec::new()
    } else {
        changed_files(&recorded, &lab)
    };
    if !state.nodes.is_empty() {
        notes.extend(dropped(&recorded, &lab, &opened.home.kubeconfig()));
    }
    notes.extend(lab.unread_words());
    let folder = shown(&state.definition.source);
    Ok(Plan {
        lab,
        state,
        changed,
        folder,
        notes,
    })
}

fn shown(source: &Source) -> String {
    match source {
        Source::BuiltIn(_) => String::new(),
        Source::Folder(folder) => format!("{}/", folder.display()),
    }
}

fn cluster_changed(home: &Home, state: &State, before: &Lab, now: &Lab) -> Fault {
    let images = |lab: &Lab| -> Vec<String> {
        lab.cluster
            .nodes
            .iter()
            .map(|node| node.image.clone())
            .collect()
    };
    let why = if images(before) == images(now) {
        "kind.yaml says something else than when the cluster was made".to_owned()
    } else {
        format!(
            "the nodes were made from {}, kind.yaml now says {}",
            images(before).join(", "),
            images(now).join(", ")
        )
    };
    Fault::wrong(
        "cluster-changed",
        format!(
            "The cluster `{}` cannot become what kind.yaml says.",
            home.name
        ),
    )
    .at(
        format!("{}kind.yaml", shown(&state.definition.source)),
        0,
        0,
    )
    .why(why)
    .hint(advice!(
        "Run `flinklab down`, then `flinklab up`; the data is kept."
    ))
}

/// Files of `apply` whose text differs.
fn changed_files(before: &Lab, now: &Lab) -> Vec<String> {
    let text = |lab: &Lab, file: &str| {
        let found = lab.files.iter().find(|(name, _)| name == file);
        found.map(|(_, text)| text.clone())
    };
    now.apply
        .iter()
        .map(|apply| apply.file.clone())
        .filter(|file| text(before, file) != text(now, file))
        .collect()
}

/// Objects that were applied and are in no file any more. As with `kubectl apply`, they stay: what
/// removes them is said and left to the person.
fn dropped(before: &Lab, now: &Lab, kubeconfig: &Path) -> Vec<String> {
    let objects = |lab: &Lab| -> Vec<(String, String, Option<String>)> {
        lab.documents()
            .map(|one| (one.kind.clone(), one.name.clone(), one.namespace.clone()))
            .collect()
    };
    let kept = objects(now);
    objects(before)
        .into_iter()
        .filter(|object| !kept.contains(object))
        .map(|(kind, name, namespace)| {
            let place = namespace.map_or_else(String::new, |space| format!(" -n {space}"));
            format!(
                "{kind} {name} is in no file of the lab any more; it stays in the cluster. \
                 Remove it: `kubectl --kubeconfig {} delete {} {name}{place}`.",
                shell::quoted(&kubeconfig.to_string_lossy()),
                kind.to_lowercase()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_base::advice::Invocation;

    fn changed(file: &str, from: &str, to: &str) -> Lab {
        let mut files = Lab::open("default").unwrap().files;
        let text = files.iter_mut().find(|(name, _)| name == file).unwrap();
        text.1 = text.1.replace(from, to);
        Lab::from_files(files, "").unwrap()
    }

    #[test]
    fn a_changed_manifest_is_named() {
        let before = Lab::open("default").unwrap();
        let now = changed("50-jobmanagers.yaml", "replicas: 2", "replicas: 3");
        assert_eq!(changed_files(&before, &now), ["50-jobmanagers.yaml"]);
        assert!(changed_files(&before, &before).is_empty());
    }

    #[test]
    fn an_object_that_left_the_files_is_named_with_what_removes_it() {
        let before = Lab::open("default").unwrap();
        let now = changed("50-jobmanagers.yaml", "name: flink-rest", "name: rest");
        assert_eq!(
            dropped(&before, &now, Path::new("/a b/kubeconfig")),
            [
                "Service flink-rest is in no file of the lab any more; it stays in the cluster. \
                 Remove it: `kubectl --kubeconfig '/a b/kubeconfig' delete service flink-rest -n \
                 flink`."
            ]
        );
        assert!(dropped(&before, &before, Path::new("k")).is_empty());
    }

    #[test]
    fn a_changed_node_image_is_named_with_the_way_out() {
        let before = Lab::open("default").unwrap();
        let now = changed("kind.yaml", "kindest/node:v1.37.0", "kindest/node:v1.36.4");
        let source = Source::BuiltIn("default".to_owned());
        let state = State::new("t", &before, source, Timestamp::UNIX_EPOCH).unwrap();
        let home = Home {
            folder: "/nowhere".into(),
            name: "t".to_owned(),
        };
        let fault = cluster_changed(&home, &state, &before, &now);
        assert!(
            fault.why.contains("v1.37.0") && fault.why.contains("v1.36.4"),
            "{fault}"
        );
        let hint = Invocation::named("t").advise(&fault.hint);
        assert!(hint.contains("flinklab down --name t"), "{hint}");
    }
}
