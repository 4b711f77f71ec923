//! `labs`, `lab export`, `lab check` and `kubeconfig`: what they print.

use super::print::{Printer, Style};
use crate::cli::LabCommand;
use flinklab_base::advice;
use flinklab_base::advice::Invocation;
use flinklab_base::clock;
use flinklab_base::columns;
use flinklab_base::fault::Fault;
use flinklab_base::shell;
use flinklab_lab::support::Support;
use flinklab_lab::{Lab, folder_in_words};
use flinklab_world::labs::{Known, LabStatus, Listed};
use flinklab_world::{Addresses, World};
use serde_json::{Value, json};

/// Lists the labs of this machine.
pub(super) async fn list(addresses: &Addresses, printer: &Printer) -> Result<u8, Fault> {
    let (listed, no_docker) = flinklab_world::labs::list(addresses).await?;
    match printer.style {
        Style::Json => listed
            .iter()
            .for_each(|one| printer.object(&object(one, no_docker.as_ref(), &printer.called))),
        Style::Text => printer.text(&table(
            &listed,
            no_docker.as_ref(),
            addresses,
            &printer.called,
        )),
    }
    Ok(0)
}

fn object(listed: &Listed, no_docker: Option<&Fault>, called: &Invocation) -> Value {
    let mut object = json!({"name": listed.name, "folder": listed.folder});
    match &listed.known {
        Ok(known) => {
            object["lab"] = json!(known.definition);
            object["cluster"] = json!(known.cluster.word());
            object["nodes"] = json!(known.nodes);
            object["ui"] = json!(known.ui);
            object["made"] = json!(known.made);
            if let (LabStatus::Unknown, Some(fault)) = (known.cluster, no_docker) {
                object["error"] = super::print::fault_object(fault, called)["error"].clone();
            }
        }
        Err(fault) => {
            object["cluster"] = json!(LabStatus::Unknown.word());
            object["error"] = super::print::fault_object(fault, called)["error"].clone();
        }
    }
    object
}

fn table(
    listed: &[Listed],
    no_docker: Option<&Fault>,
    addresses: &Addresses,
    called: &Invocation,
) -> String {
    if listed.is_empty() {
        return called.advise(&advice!(
            "There is no lab below {}. `flinklab up` builds one.\n",
            addresses.home.display()
        ));
    }
    let width = |of: fn(&Listed) -> usize, title: usize| {
        listed.iter().map(of).max().unwrap_or_default().max(title)
    };
    let name = width(|one| columns::of(&one.name), 4);
    let definition = width(
        |one| {
            one.known
                .as_ref()
                .map_or(1, |known| columns::of(&known.definition))
        },
        3,
    );
    let mut text = format!(
        "{:name$}  {:definition$}  {:8}  NODES  FLINK UI\n",
        "NAME", "LAB", "CLUSTER"
    );
    for one in listed {
        match &one.known {
            Ok(known) => text.push_str(&format!(
                "{:name$}  {:definition$}  {:8}  {:>5}  {}\n",
                one.name,
                known.definition,
                known.cluster.word(),
                known.nodes.len(),
                known.ui.as_deref().unwrap_or("-"),
            )),
            Err(fault) => text.push_str(&format!(
                "{:name$}  {:definition$}  {:8}  {:>5}  {}\n",
                one.name, "?", "unknown", "?", fault.what
            )),
        }
    }
    for one in listed {
        let called = Invocation {
            name: one.name.clone(),
            lab: None,
            home: called.home.clone(),
        };
        if let Ok(known) = &one.known
            && let Some(hint) = hint(&called, known)
        {
            text.push_str(&format!("{hint}\n"));
        }
    }
    if let Some(fault) = no_docker {
        text.push_str(&format!("Docker could not be asked: {}\n", fault.what));
    }
    text
}

/// What a person would want to do about it.
fn hint(called: &Invocation, known: &Known) -> Option<String> {
    let does = match known.cluster {
        LabStatus::Stopped => "starts it again",
        LabStatus::Partly => "brings it back",
        LabStatus::Removed => "builds it again; somebody removed its cluster",
        LabStatus::None | LabStatus::Running | LabStatus::Unknown => return None,
    };
    Some(called.advise(&advice!("`flinklab up` {does}.")))
}

/// `lab export` and `lab check`.
pub(super) fn definition(
    addresses: &Addresses,
    command: &LabCommand,
    printer: &Printer,
) -> Result<u8, Fault> {
    match command {
        LabCommand::Export { name, folder } => {
            let (lab, taught) = flinklab_world::export::definition(addresses, name)?;
            let mut files = flinklab_world::export::write(&lab, folder)?;
            files.extend(flinklab_world::export::lessons(&taught, folder)?);
            let shown = folder_in_words(folder);
            match printer.style {
                Style::Json => printer.object(&json!({"result": {
                    "command": "lab export", "outcome": "written", "lab": lab.name, "folder": shown, "files": files,
                }})),
                Style::Text => printer.text(&format!(
                    "Wrote {} files of the lab `{}` to {shown}. Change them, then:\n\n  {}\n  {}\n",
                    files.len(),
                    lab.name,
                    printer.called.command(&format!("lab check {}", shell::word(&shown))),
                    printer.called.command(&format!("up --lab {} --name NAME", shell::word(&shown)))
                )),
            }
        }
        LabCommand::Check { folder } => {
            // A built-in one by its name, as `--lab` takes it.
            let lab = flinklab_world::manifests::open(addresses, &folder.to_string_lossy())?;
            let lessons = flinklab_world::lessons::of_lab(&lab, &folder.to_string_lossy())?;
            match printer.style {
                Style::Json => printer.object(&json!({"result": {
                    "command": "lab check", "outcome": "sound", "lab": lab.name, "hash": lab.hash,
                    "nodes": lab.cluster.nodes.len(), "unlisted": lab.unlisted, "unread": lab.unread,
                    "files": lab.apply.len() + 2 + usize::from(lab.job.own_jar().is_some()),
                    "lessons": lessons.len(),
                    "notes": notes(&lab),
                    "support": lab.support(today()).iter().map(support).collect::<Vec<_>>(),
                    "operator": lab.operated().map(|operated| json!({
                        "kind": operated.operator.kind(), "name": operated.name, "says": operated.says(),
                    })),
                }})),
                Style::Text => printer.text(&checked(&lab, lessons.len())),
            }
        }
    }
    Ok(0)
}

/// What is no mistake, and should be known.
fn notes(lab: &Lab) -> Vec<String> {
    let versions = lab.support(today()).into_iter();
    let versions = versions.filter(|version| !version.state.is_fine());
    let versions = versions.map(|version| version.to_string()).collect();
    [lab.notes(), lab.pointless(), versions].concat()
}

/// The day that it is in UTC.
fn today() -> jiff::civil::Date {
    clock::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

fn support(version: &Support) -> Value {
    json!({
        "product": version.product, "minor": version.minor, "state": version.state.word(),
        "ends": version.state.ends().map(|day| day.to_string()),
        "looked_up": flinklab_lab::support::looked_up(),
    })
}

fn checked(lab: &Lab, lessons: usize) -> String {
    let objects: usize = lab
        .manifests
        .iter()
        .map(|manifest| manifest.documents.len())
        .sum();
    let about = if lab.about.is_empty() {
        String::new()
    } else {
        format!(" ({})", lab.about)
    };
    let mut text = format!(
        "The lab `{}`{about} is sound: {} node{}, {objects} objects in {} manifests, images {}.\n",
        lab.name,
        lab.cluster.nodes.len(),
        if lab.cluster.nodes.len() == 1 {
            ""
        } else {
            "s"
        },
        lab.manifests.len(),
        lab.images.join(", ")
    );
    text.push_str(&match lessons {
        1 => "1 lesson goes with it.\n".to_owned(),
        _ => format!("{lessons} lessons go with it.\n"),
    });
    for sentence in lab.operated().map(|one| one.says()).unwrap_or_default() {
        text.push_str(&format!("{sentence}\n"));
    }
    if let Some(words) = lab.unread_words() {
        text.push_str(&format!("{words}\n"));
    }
    for note in notes(lab) {
        text.push_str(&format!("Note: {note}\n"));
    }
    if !lab.unlisted.is_empty() {
        text.push_str(&format!(
            "Not used, as `apply` in lab.yaml does not list it: {}\n",
            lab.unlisted.join(", ")
        ));
    }
    text
}

/// `flinklab kubeconfig`: its text, or where it is.
pub(super) fn kubeconfig(world: &World, path: bool, printer: &Printer) -> Result<u8, Fault> {
    let file = flinklab_world::kubeconfig_file(world)?;
    if path {
        printer.line(&file.display().to_string());
        return Ok(0);
    }
    let text = std::fs::read_to_string(&file).map_err(|error| {
        Fault::unable(
            "kubeconfig-unreadable",
            format!("Cannot read {}.", file.display()),
        )
        .why(error)
        .hint(advice!("Run `flinklab up`: it writes the file again."))
    })?;
    printer.text(&text);
    Ok(0)
}
