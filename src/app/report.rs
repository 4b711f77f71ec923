//! The JSON shapes promised to scripts and the texts that people read, apart from the model so
//! that its inside may change freely.

use flinklab_base::advice;
use flinklab_base::advice::Invocation;
use flinklab_base::columns::wrap_words;
use flinklab_base::shell;
use flinklab_base::units;
use flinklab_event::{ActiveFailure, Done, StepChange, StepState, Target};
use flinklab_lab::Lab;
use flinklab_lab::failure::Failure;
use flinklab_tui::{Keymap, Scope};
use serde_json::{Value, json};

/// `{"step":{…}}`
pub(super) fn step(change: &StepChange) -> Value {
    let mut step = json!({
        "name": change.name, "title": change.title, "state": change.state,
        "n": change.n, "of": change.of,
    });
    if !change.detail.is_empty() {
        step["detail"] = json!(change.detail);
    }
    if let Some(seconds) = change.seconds {
        step["seconds"] = json!(round(seconds));
    }
    json!({ "step": step })
}

/// One line for a step that is over; what is going on is for terminals.
pub(super) fn step_line(change: &StepChange) -> Option<String> {
    let mark = match change.state {
        StepState::Waiting | StepState::Running => return None,
        StepState::Done => "ok  ",
        StepState::Failed => "FAIL",
    };
    let seconds = change.seconds.unwrap_or_default();
    Some(format!(
        "{mark} {n:>2}/{of} {title:<29} {seconds:>6.1}s  {detail}",
        n = change.n,
        of = change.of,
        title = change.title,
        detail = change.detail,
    ))
}

/// `{"result":{…}}` of `up`, `stop` and `down`.
pub(super) fn done(done: &Done, called: &Invocation) -> Value {
    match done {
        Done::Up {
            seconds,
            checkpoint,
            changed,
            kubeconfig,
            ui,
            notes,
        } => json!({"result": {
            "command": "up", "outcome": "ready", "seconds": round(*seconds), "changed": changed,
            "checkpoint": {"id": checkpoint}, "kubeconfig": kubeconfig, "ui": ui,
            "notes": notes.iter().map(|note| called.advise(note)).collect::<Vec<_>>(),
        }}),
        Done::Stop { seconds, stopped } => json!({"result": {
            "command": "stop", "outcome": "stopped", "seconds": round(*seconds),
            "changed": !stopped.is_empty(), "stopped": stopped,
        }}),
        Done::Bundled {
            seconds,
            file,
            bytes,
            lab,
            images,
        } => json!({"result": {
            "command": "bundle create", "outcome": "written", "seconds": round(*seconds),
            "file": file, "bytes": bytes, "lab": lab, "images": images,
        }}),
        Done::Unbundled {
            seconds,
            loaded,
            there,
            lab,
            folder,
        } => json!({"result": {
            "command": "bundle load", "outcome": "loaded", "seconds": round(*seconds),
            "changed": !loaded.is_empty(), "loaded": loaded, "there": there, "lab": lab,
            "folder": folder,
        }}),
        Done::Down {
            seconds,
            removed,
            kept,
        } => json!({"result": {
            "command": "down", "outcome": "gone", "seconds": round(*seconds),
            "removed": removed, "kept": kept,
        }}),
    }
}

/// The end of a plan in sentences.
pub(super) fn done_text(done: &Done, called: &Invocation, namespace: &str) -> String {
    match done {
        Done::Up {
            seconds,
            checkpoint,
            changed,
            kubeconfig,
            ui,
            notes,
        } => {
            let mut text = String::new();
            for note in notes {
                text.push_str(&format!("note  {}\n", called.advise(note)));
            }
            let how = if *changed {
                "The lab is ready"
            } else {
                "The lab was ready already"
            };
            text.push_str(&format!(
                "{how} after {seconds:.1} s: checkpoint {checkpoint} is completed, pointed to and on disk.\n\n  \
                 Flink UI    {ui}\n  kubectl     kubectl --kubeconfig {} -n {namespace} get pods\n  \
                 watch it    {}\n  break it    {}\n",
                shell::word(kubeconfig),
                called.command(""),
                called.command("break jm-crash")
            ));
            text
        }
        Done::Stop { seconds, stopped } => {
            if stopped.is_empty() {
                called.advise(&advice!(
                    "The cluster was stopped already. `flinklab up` starts it again.\n"
                ))
            } else {
                called.advise(&advice!(
            "The cluster is stopped after {seconds:.1} s; its data is kept. `flinklab up` starts it again.\n"
        ))
            }
        }
        Done::Bundled {
            seconds,
            file,
            bytes,
            images,
            ..
        } => called.advise(&advice!(
            "{file} holds all that `flinklab up` needs ({n} images, {size}), written and read \
             back in {seconds:.1} s.\nOn the other machine: `flinklab bundle load {file}`.\n",
            n = images.len(),
            size = units::bytes(*bytes),
        )),
        Done::Unbundled {
            seconds,
            loaded,
            lab,
            folder,
            ..
        } => {
            let up = match (folder, lab.as_str()) {
                (Some(folder), _) => called.command(&format!("up --lab {}", shell::word(folder))),
                (None, "default") => called.command("up"),
                (None, lab) => called.command(&format!("up --lab {}", shell::word(lab))),
            };
            let how = if loaded.is_empty() {
                "Docker had all of it already"
            } else {
                "Docker has all of it"
            };
            format!("{how} after {seconds:.1} s. Without any network now: `{up}`.\n")
        }
        Done::Down {
            seconds,
            removed,
            kept,
        } => {
            let mut text = String::new();
            for (title, list) in [("removed", removed), ("kept", kept)] {
                for one in list {
                    text.push_str(&format!("{title:<8} {one}\n"));
                }
            }
            text.push_str(&format!("The lab is gone after {seconds:.1} s.\n"));
            text
        }
    }
}

/// The catalogue as this lab has it, one object a failure.
pub(super) fn failures(lab: &Lab) -> Vec<Value> {
    lab.all_failures()
        .iter()
        .map(|failure| {
            let missing = lab.missing_for(failure);
            let mut object = json!({
                "key": failure.key, "title": failure.title, "story": failure.story,
                "teaches": failure.teaches, "hits": failure.hits, "steps": failure.steps,
                "applicable": missing.is_none(), "expected": failure.expect.verdict(),
                "within": failure.expect.within.0, "for": failure.lasts.map(|lasts| lasts.0),
                "undo": failure.undone_by().map(|by| by.words).collect::<Vec<_>>(),
                "needs": failure.needs, "expect": failure.expect,
            });
            if let Some(reason) = missing {
                object["reason"] = json!(reason);
            }
            object
        })
        .collect()
}

/// The catalogue as a person reads it.
pub(super) fn failures_text(lab: &Lab, called: &Invocation) -> String {
    let mut text = String::new();
    for failure in lab.all_failures() {
        text.push_str(&format!("{:<12} {}", failure.key, failure.title));
        if let Some(reason) = lab.missing_for(&failure) {
            text.push_str(&format!(" (not in this lab: {reason})"));
        }
        text.push('\n');
        for line in wrap_words(&failure.story, 80) {
            text.push_str(&format!("             {line}\n"));
        }
        let undo: Vec<&str> = failure.undone_by().map(|by| by.sentence).collect();
        let then = match failure.lasts {
            Some(lasts) => format!("After {lasts}"),
            None => "Then".to_owned(),
        };
        let after = format!(
            "{then} {}. Expected: {}.",
            undo.join(", then "),
            failure.expect.verdict()
        );
        for line in wrap_words(&after, 80) {
            text.push_str(&format!("             {line}\n"));
        }
        text.push_str(&format!("             → {}\n\n", failure.teaches));
    }
    text.push_str(&format!(
        "Break with one of them: {}\n",
        called.command("break KEY")
    ));
    text
}

/// `{"result":{…}}` of `heal`.
pub(super) fn healed(undone: &[ActiveFailure]) -> Value {
    json!({"result": {"command": "heal", "outcome": "healed", "undone": undone}})
}

/// The same for a person.
pub(super) fn healed_text(undone: &[ActiveFailure]) -> String {
    if undone.is_empty() {
        return "Nothing was broken.\n".to_owned();
    }
    let lines = undone.iter().map(|one| {
        let since = one.since.strftime("%H:%M:%S");
        format!(
            "taken back  {}: {} (since {since} UTC)\n",
            one.failure, one.what
        )
    });
    lines.collect()
}

/// The table of keys.
pub(super) fn keys(keymap: &Keymap, markdown: bool) -> String {
    let mut text = String::new();
    if markdown {
        text.push_str("| where | name | keys | what it does |\n| --- | --- | --- | --- |\n");
    }
    for scope in Scope::all() {
        for (binding, keys) in keymap.of(scope) {
            let (place, name, words) = (scope.name(), binding.name, binding.words);
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            if markdown {
                let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
                let keys = keys.join(" ");
                text.push_str(&format!("| {place} | {name} | {keys} | {words} |\n"));
            } else {
                let keys = keys.join(" ");
                text.push_str(&format!("{place:<12} {name:<14} {keys:<16} {words}\n"));
            }
        }
    }
    text
}

/// What would happen, for scripts.
pub(super) fn dry_run(
    failure: &Failure,
    target: Result<&Target, &String>,
    commands: &[String],
    against: &[String],
) -> Value {
    json!({"result": {
        "command": "break", "outcome": "dry-run", "failure": failure.key,
        "target": target.ok(), "no_target": target.err(),
        "ready": target.is_ok() && against.is_empty(), "against": against,
        "steps": failure.steps, "expected": failure.expect.verdict(),
        "commands": commands,
        "for": failure.lasts.map(|lasts| lasts.0),
        "undo": failure.undone_by().map(|by| by.words).collect::<Vec<_>>(),
    }})
}

/// What would happen, for a person.
pub(super) fn dry_run_text(
    failure: &Failure,
    target: Result<&Target, &String>,
    commands: &[String],
    against: &[String],
) -> String {
    let mut text = format!(
        "{}: {} (dry run, nothing is written)\n",
        failure.key, failure.title
    );
    match target {
        Ok(target) => {
            if let Some(object) = &target.object {
                text.push_str(&format!("  hits    {object}\n"));
            }
            let by = if target.object.is_some() {
                "while"
            } else {
                "hits"
            };
            for pod in std::iter::once(target).chain(&target.also) {
                text.push_str(&format!(
                    "  {by:<7} {} {} ({})\n  uid     {}\n",
                    pod.role, pod.pod, pod.reason, pod.uid
                ));
            }
            for command in commands {
                text.push_str(&format!("  does    {command}\n"));
            }
        }
        Err(why) => text.push_str(&format!("  hits    nothing: {why}\n")),
    }
    if let Some(lasts) = failure.lasts {
        text.push_str(&format!("  for     {lasts}\n"));
    }
    let undo: Vec<&str> = failure.undone_by().map(|by| by.sentence).collect();
    text.push_str(&format!("  then    {}\n", undo.join(", then ")));
    if against.is_empty() {
        text.push_str("  ready   yes\n");
    }
    for reason in against {
        text.push_str(&format!("  not yet {reason}\n"));
    }
    for line in wrap_words(&failure.story, 90) {
        text.push_str(&format!("  story   {line}\n"));
    }
    text
}

/// Breaks a text into lines of at most `width` characters.
fn round(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}
