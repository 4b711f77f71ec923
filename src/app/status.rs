//! What `status` says: the JSON object that scripts rely on, and the same for a person. Both are
//! made from the model alone.

use flinklab_base::advice;
use flinklab_base::fault::Fault;
use flinklab_base::units::{lasted, lasted_to_the_tenth, since, to_the_tenth};
use flinklab_event::{Link, NodeSeen, NodeState, Pod, Source, Via};
use flinklab_model::{HaFiles, Health, Lack, Model, Witness, Word};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fmt::Write;

/// Whether the first full picture is there: every source answered or is known to be away, and a lab
/// that looks good was looked at for long enough to be called healthy.
pub(super) fn complete(model: &Model) -> bool {
    if model.lab.is_none() {
        return false;
    }
    let lost = |source| matches!(model.links.get(&source), Some(Link::Lost { .. }));
    // Without a JobManager there is neither a map nor a REST to wait for.
    let ended = model.cluster.listed && model.ended_with_its_job().is_some();
    let api = lost(Source::Api) || (model.cluster.listed && (ended || model.cluster.map.is_some()));
    let job = model.lab.as_ref().is_some_and(|lab| lab.job.is_some());
    let rest = ended
        || lost(Source::Flink)
        || (model.job.good.is_some() && (!job || model.job.told.is_some()));
    let disk = lost(Source::Disk) || !job || model.job.disk.is_some();
    // Where the server is away, only Docker knows whether its node is stopped.
    let docker = !lost(Source::Api) || model.links.contains_key(&Source::Docker);
    docker && api && rest && disk && model.health().word != Word::Settling
}

/// Whether anything of the running lab was seen. The files are there without a cluster too.
pub(super) fn saw_anything(model: &Model) -> bool {
    model.cluster.listed || model.job.good.is_some()
}

/// Why nothing was.
pub(super) fn saw_nothing(model: &Model) -> Fault {
    let name = &model.name;
    let stopped = |node: &&NodeSeen| node.state == NodeState::Stopped;
    if let Some(node) = model.nodes.values().find(stopped) {
        let seconds = model.now.duration_since(node.since).as_secs();
        return Fault::unable("lab-stopped", format!("The lab `{name}` is stopped."))
            .why(format!("{} stopped {seconds} s ago", node.name))
            .hint(advice!(
                "Run `flinklab up`: it starts the lab again, and the job goes on from its newest \
                 checkpoint."
            ));
    }
    if let Some(why) = model.stage.unfinished() {
        return Fault::unable(
            "lab-unfinished",
            format!("Nothing of the lab `{name}` runs."),
        )
        .why(why)
        .hint(advice!("Run `flinklab up`: it builds what is missing."));
    }
    let why = match model.links.get(&Source::Api) {
        Some(Link::Lost { why, .. }) => why.clone(),
        _ => "no source has answered in time".to_owned(),
    };
    Fault::unable(
        "cluster-unreachable",
        format!("Nothing of the lab `{name}` could be seen."),
    )
    .why(why)
    .hint(advice!(
        "Run `flinklab up`: it starts what is stopped and builds what is gone."
    ))
}

/// One sample as scripts see it.
pub(super) fn object(model: &Model) -> Value {
    let lab = model.lab.as_ref();
    let health = model.health();
    let now = model.now;
    json!({
        "name": lab.map_or(&model.name, |lab| &lab.name),
        "lab": lab.map(|lab| &lab.definition),
        "origin": lab.map_or(model.origin, |lab| lab.origin),
        "at": now,
        "healthy": health.word == Word::Healthy,
        "health": {"word": health.word.text(), "reason": health.reason},
        "ui": lab.and_then(|lab| lab.ui.as_ref()),
        "kubeconfig": lab.map(|lab| &lab.kubeconfig),
        "leader": leader(model),
        "pods": model.cluster.listed_pods().into_iter().map(|one| pod(model, one)).collect::<Vec<_>>(),
        "job": job(model),
        "checkpoint": checkpoint(model),
        "ha": ha(model),
        "broken": model.active_failures,
        "sources": sources(model),
    })
}

fn leader(model: &Model) -> Value {
    let (Some(lock), Some(epoch)) = (model.cluster.lock(), model.cluster.epoch()) else {
        return Value::Null;
    };
    let leader = model.cluster.leader().filter(|pod| leads(model, pod));
    json!({
        "pod": leader.map(|pod| &pod.name),
        "epoch": epoch.id,
        "since": epoch.began,
        "lease": {
            "seconds": lock.seconds,
            "age": model.cluster.lease_age(model.now).map(to_the_tenth),
            "held": !lock.holder.is_empty(),
        },
    })
}

fn pod(model: &Model, pod: &Pod) -> Value {
    json!({
        "name": pod.name,
        "role": pod.role,
        "leader": leads(model, pod),
        "ready": pod.ready,
        "restarts": pod.restarts,
        "phase": pod.phase,
        "waiting": pod.waiting.as_ref().map(|(reason, _)| reason),
        "deleting": pod.deleting.is_some(),
    })
}

/// Whoever let its lease run out does not lead, whatever was seen last.
fn leads(model: &Model, pod: &Pod) -> bool {
    let holds = model.cluster.lease_fresh(model.now);
    holds
        && model
            .cluster
            .leader()
            .is_some_and(|leader| leader.uid == pod.uid)
}

fn job(model: &Model) -> Value {
    let ours = model.lab.as_ref().and_then(|lab| lab.job.as_deref());
    let Some(id) = ours else { return Value::Null };
    let row = model.job.row(ours);
    json!({
        "id": id,
        "mode": if model.brings_its_job() { "application" } else { "session" },
        "name": row.map(|row| &row.name),
        "state": row.map(|row| &row.state),
        "tasks": row.map(|row| json!({"running": row.tasks.running, "total": row.tasks.total})),
        "age": model.job.good.as_ref().map(|(at, _)| seconds(model.now, *at)),
    })
}

fn checkpoint(model: &Model) -> Value {
    let seen = model.witnesses();
    let one = |witness: Witness| {
        witness
            .id
            .map(|id| json!({"id": id, "current": witness.current}))
    };
    json!({
        "rest": one(seen.rest),
        "pointer": one(seen.pointer),
        "disk": one(seen.disk),
        "agree": model.agree(),
        "age": model.newest_at().map(|at| seconds(model.now, at)),
        "interval": to_the_tenth(model.checkpoint_interval().as_secs_f64()),
    })
}

/// What the next leader needs: whether its files are looked for, and what is missing.
fn ha(model: &Model) -> Value {
    let one = |lack: &Lack| {
        json!({
            "component": lack.component,
            "key": lack.key,
            "file": lack.file,
            "what": lack.what,
            "means": lack.means,
        })
    };
    let missing: Vec<Value> = model.lacks().into_iter().map(one).collect();
    json!({"files": model.ha_files() == HaFiles::Seen, "missing": missing})
}

fn sources(model: &Model) -> Value {
    let mut all = json!({});
    for (source, link) in &model.links {
        let name = serde_json::to_value(source).unwrap_or_default();
        let link = match link {
            Link::Live { since } => json!({"live": true, "since": since}),
            Link::Lost { since, why } => json!({"live": false, "since": since, "why": why}),
        };
        all[name.as_str().unwrap_or_default()] = link;
    }
    all
}

/// The same for a person.
pub(super) fn text(model: &Model, ascii: bool) -> String {
    let mut text = String::new();
    let Health { word, reason } = model.health();
    let name = model.lab.as_ref().map_or(&model.name, |lab| &lab.name);
    let _ = write!(text, "{name}  {}", word.text());
    if !reason.is_empty() {
        let _ = write!(text, " ({reason})");
    }
    text.push('\n');
    if let Some(lab) = &model.lab {
        let origin = serde_json::to_value(lab.origin).unwrap_or_default();
        let _ = writeln!(
            text,
            "lab {}, {}, Flink UI {}",
            lab.definition,
            origin.as_str().unwrap_or_default(),
            lab.ui.as_deref().unwrap_or("not published")
        );
    }
    for one in &model.active_failures {
        let hint = match one.owner {
            Some(pid) => advice!("process {pid} takes it back; `flinklab heal` does it now"),
            None => advice!("nobody takes it back: run `flinklab heal`"),
        };
        let hint = model.flinklab().advise(&hint);
        let _ = writeln!(text, "broken      {}: {} ({hint})", one.failure, one.what);
    }
    text.push('\n');
    pods_text(model, ascii, &mut text);
    leader_text(model, &mut text);
    job_text(model, &mut text);
    checkpoint_text(model, &mut text);
    for lack in model.lacks() {
        let _ = writeln!(text, "HA data     {}: {}", lack.what, lack.means);
    }
    for (source, link) in &model.links {
        if let Link::Lost { since, why } = link {
            let age = seconds(model.now, *since);
            let _ = writeln!(
                text,
                "{:<12}lost for {age:.0} s: {why}",
                source_name(*source)
            );
        }
    }
    text
}

fn pods_text(model: &Model, ascii: bool, text: &mut String) {
    let pods = model.cluster.listed_pods();
    match (pods.is_empty(), model.cluster.listed) {
        (true, true) => text.push_str("no pods\n"),
        (true, false) => text.push_str("pods        not seen yet\n"),
        (false, _) => {}
    }
    let width = pods.iter().map(|pod| pod.name.len()).max().unwrap_or(0);
    let star = if ascii { '*' } else { '★' };
    for pod in pods {
        let mark = if leads(model, pod) { star } else { ' ' };
        let role = serde_json::to_value(pod.role).unwrap_or_default();
        let state = match (&pod.waiting, pod.deleting, pod.ready) {
            (_, Some(_), _) => "terminating",
            (Some((reason, _)), None, _) => reason,
            (None, None, true) => "ready",
            (None, None, false) => "not ready",
        };
        let restarts = match pod.restarts {
            0 => String::new(),
            1 => "1 restart".to_owned(),
            many => format!("{many} restarts"),
        };
        let line = format!(
            "{mark} {:<width$}  {:<12} {state:<12} {restarts}",
            pod.name,
            role.as_str().unwrap_or_default(),
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push('\n');
}

fn leader_text(model: &Model, text: &mut String) {
    let Some(lock) = model.cluster.lock() else {
        text.push_str(match model.cluster.map {
            Some(_) => "leader      none elected yet\n",
            None => "leader      not seen yet\n",
        });
        return;
    };
    let lost = matches!(model.links.get(&Source::Api), Some(Link::Lost { .. }));
    let pod = match (model.cluster.leader(), lock.holder.is_empty()) {
        (_, true) if lost => "none when seen last".to_owned(),
        (_, true) => "none, the lock was released".to_owned(),
        (Some(pod), false) if lost => format!("{} when seen last", pod.name),
        (Some(pod), false) if leads(model, pod) => pod.name.clone(),
        (Some(pod), false) => format!("none, the lease of {} ran out", pod.name),
        (None, false) => "address not known yet".to_owned(),
    };
    let epoch = model.cluster.epoch().map_or("?", |epoch| epoch.id.as_str());
    let age = model.cluster.lease_age(model.now).unwrap_or_default();
    let over = if age > lock.seconds { ", over" } else { "" };
    let _ = writeln!(text, "leader      {pod}");
    let _ = writeln!(text, "epoch       {epoch}");
    let _ = writeln!(
        text,
        "lease       renewed {} ago, lasts {} s{over}",
        lasted_to_the_tenth(age),
        lock.seconds
    );
}

fn job_text(model: &Model, text: &mut String) {
    let Some(id) = model.lab.as_ref().and_then(|lab| lab.job.as_deref()) else {
        text.push_str(if model.brings_its_job() {
            "job         none found yet\n"
        } else {
            "job         none submitted yet\n"
        });
        return;
    };
    let Some(row) = model.job.row(Some(id)) else {
        let listed = match model.job.good {
            Some(_) => "not listed by Flink",
            None => "not seen yet",
        };
        let _ = writeln!(text, "job         {id}: {listed}");
        return;
    };
    let age = model
        .job
        .good
        .as_ref()
        .map_or(0.0, |(at, _)| seconds(model.now, *at));
    let old = if age > 3.0 {
        format!(", seen {} ago", lasted(age))
    } else {
        String::new()
    };
    let second = model
        .job
        .good
        .as_ref()
        .is_some_and(|(_, sample)| sample.via == Via::NodePort);
    let way = if second {
        ", seen through the NodePort"
    } else {
        ""
    };
    let _ = writeln!(text, "job         {id} {}{old}{way}", row.state);
    let _ = writeln!(
        text,
        "tasks       {} of {} running",
        row.tasks.running, row.tasks.total
    );
}

fn checkpoint_text(model: &Model, text: &mut String) {
    let seen = model.witnesses();
    let one = |witness: Witness| match (witness.id, witness.current) {
        (Some(id), true) => id.to_string(),
        (Some(id), false) => format!("{id} (old)"),
        (None, true) => "none".to_owned(),
        (None, false) => "not seen".to_owned(),
    };
    let age = model.newest_at().map_or(String::new(), |at| {
        format!(
            ", completed {} ago",
            lasted_to_the_tenth(seconds(model.now, at))
        )
    });
    let differ = if model.agree() {
        ""
    } else {
        ", and they differ"
    };
    let _ = writeln!(
        text,
        "checkpoint  REST {}, pointer {}, disk {}{differ}{age}",
        one(seen.rest),
        one(seen.pointer),
        one(seen.disk)
    );
}

fn source_name(source: Source) -> &'static str {
    match source {
        Source::Docker => "Docker",
        Source::Api => "API server",
        Source::Flink => "Flink REST",
        Source::Disk => "files",
    }
}

fn seconds(now: Timestamp, then: Timestamp) -> f64 {
    to_the_tenth(since(now, then))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_seen_yet_is_not_told_as_missing() {
        let mut model = Model::default();
        let said = text(&model, false);
        assert!(said.contains("pods        not seen yet"), "{said}");
        assert!(said.contains("leader      not seen yet"), "{said}");
        model.cluster.listed = true;
        assert!(text(&model, false).contains("no pods"));
    }
}
