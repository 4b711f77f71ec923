//! `job`: looks first, says what an order costs, asks, and tells what came of it with Flink's HA data
//! before and after. What can be done is decided in `model`, and done in `world`.

use super::lines::Goal;
use super::print::{Printer, Style};
use super::{headless, questions};
use crate::cli::JobCommand;
use flinklab_base::advice;
use flinklab_base::advice::Invocation;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use flinklab_base::units;
use flinklab_event::{Effect, HaData, JobAct, JobDone, JobOrder, JobTold, JobsSeen, StartKind};
use flinklab_world::World;
use flinklab_world::jobs;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// How long an order may take in all: an election, a savepoint, a new job.
const LIMIT: Duration = Duration::from_secs(420);

/// Runs the command.
pub(super) async fn command(
    world: Arc<World>,
    command: &JobCommand,
    printer: &Printer,
) -> Result<u8, Fault> {
    let order = |act| JobOrder { act, from: None };
    let mut order = match command {
        JobCommand::List => {
            let seen = jobs::look(&world).await?;
            match printer.style {
                Style::Json => objects(&seen).iter().for_each(|one| printer.object(one)),
                Style::Text => printer.text(&listed(&seen, &printer.called)),
            }
            return Ok(0);
        }
        JobCommand::Savepoint => order(JobAct::Savepoint),
        JobCommand::Stop => order(JobAct::Stop),
        JobCommand::Cancel => order(JobAct::Cancel),
        JobCommand::Resume { from } => JobOrder {
            act: JobAct::Resume,
            from: from.clone(),
        },
        JobCommand::Resubmit => order(JobAct::Resubmit),
    };
    if world.read_only {
        return Err(headless::read_only("job"));
    }
    let seen = jobs::look(&world).await?;
    if let Some(why) = seen.against(order.act) {
        return Err(Fault::unable(
            "not-now",
            format!("`job {}` cannot be done now.", order.act),
        )
        .why(why)
        .hint(advice!(
            "`flinklab job list` shows the jobs and what they can start from."
        )));
    }
    if order.act == JobAct::Resume {
        // What was agreed to is what is started from, also if something newer comes meanwhile.
        order.from = Some(seen.start(order.from.as_deref())?.path.clone());
    }
    confirm(&seen, &order, printer)?;
    let goal = Goal::Job { limit: LIMIT };
    headless::follow(world, vec![Effect::Job(order)], goal, printer).await
}

/// Says what it costs, and asks unless that is nothing.
fn confirm(seen: &JobsSeen, order: &JobOrder, printer: &Printer) -> Result<(), Fault> {
    let costs = seen.costs(order, clock::now());
    if printer.style == Style::Text {
        printer.line(&format!("{}: {}.", order.act, order.act.title()));
        costs
            .iter()
            .for_each(|words| printer.line(&format!("  {words}")));
        if order.act.needs_a_job() {
            printer.text(&ha_text("HA data now", &seen.ha));
        }
    }
    if order.act == JobAct::Savepoint {
        return Ok(());
    }
    let nobody = format!(
        "`job {}` must ask first and there is nobody to ask. Nothing was done.",
        order.act
    );
    questions::agreed(printer, "Do it?", "Nothing was done.", &nobody, || {
        costs.join(" ")
    })
}

/// A line while somebody waits, or the end.
pub(super) fn told(told: &JobTold, printer: &Printer) -> Option<Result<u8, Fault>> {
    match told {
        JobTold::Begun(_) => None,
        JobTold::Now(words) => {
            if printer.style == Style::Text {
                printer.line(&format!("..   {words}"));
            }
            None
        }
        JobTold::Done(done) => {
            match printer.style {
                Style::Json => printer.object(&object(done)),
                Style::Text => printer.text(&text(done, &printer.called)),
            }
            Some(Ok(0))
        }
        JobTold::Refused(fault) => Some(Err(fault.clone())),
    }
}

fn ha_object(ha: &HaData) -> Value {
    json!({
        "job": ha.job, "plan": ha.plan, "map": ha.map, "pointers": ha.pointers,
        "counter": ha.counter, "files": ha.files, "checkpoints": ha.checkpoints,
        "savepoints": ha.savepoints,
    })
}

/// `{"result":{…}}`
fn object(done: &JobDone) -> Value {
    json!({"result": {
        "command": format!("job {}", done.order.act), "job": done.job, "state": done.state,
        "savepoint": done.savepoint, "restored": done.restored,
        "seconds": units::to_the_tenth(done.seconds),
        "before": ha_object(&done.before), "after": ha_object(&done.after),
    }})
}

fn text(done: &JobDone, called: &Invocation) -> String {
    let mut text = format!(
        "job {} is {}, after {:.1} s\n",
        done.job, done.state, done.seconds
    );
    for (name, path) in [
        ("written", &done.savepoint),
        ("started from", &done.restored),
    ] {
        if let Some(path) = path {
            let _ = writeln!(text, "{name} {path}");
        }
    }
    let (before, after) = (
        units::short(&done.before.job, units::JOB),
        units::short(&done.after.job, units::JOB),
    );
    let _ = writeln!(
        text,
        "{:<13}{:<28}after, {after}",
        "HA data",
        format!("before, {before}")
    );
    for (name, was, is) in done.before.beside(&done.after) {
        let _ = writeln!(text, "{name:<13}{was:<28}{is}");
    }
    if matches!(done.order.act, JobAct::Stop | JobAct::Cancel) {
        let advice = advice!("`flinklab job resume` starts a new job from what is kept.\n");
        text.push_str(&called.advise(&advice));
    }
    text
}

fn ha_text(title: &str, ha: &HaData) -> String {
    let mut text = format!("  {title}, job {}\n", units::short(&ha.job, units::JOB));
    for (name, _, is) in ha.beside(ha) {
        let _ = writeln!(text, "    {name:<13}{is}");
    }
    text
}

/// One object a job, one for the HA data, one a start.
fn objects(seen: &JobsSeen) -> Vec<Value> {
    let jobs = seen.jobs.iter().map(|job| {
        let current = seen.current.as_ref() == Some(&job.id);
        json!({"job": {"id": job.id, "when": job.when, "from": job.from, "state": job.state,
            "current": current}})
    });
    let starts = seen.starts.iter().map(|start| {
        json!({"start": {"kind": start.kind, "path": start.path, "job": start.job, "at": start.at}})
    });
    let ha = seen
        .current
        .iter()
        .map(|_| json!({"ha": ha_object(&seen.ha)}));
    let mut all: Vec<Value> = jobs.chain(ha).chain(starts).collect();
    if let Some(why) = &seen.silent {
        all.push(json!({"silent": why}));
    }
    all
}

fn listed(seen: &JobsSeen, called: &Invocation) -> String {
    let mut text = String::new();
    match (&seen.application, &seen.silent) {
        (Some(one), _) if seen.rests() => {
            let workload = &one.facts.workload;
            let _ = writeln!(text, "No JobManager is wanted: {workload} is at zero.");
        }
        (_, Some(why)) => {
            let _ = writeln!(text, "Flink does not tell what it runs: {why}");
        }
        (_, None) => {}
    }
    if seen.jobs.is_empty() {
        let advice = advice!("No job was submitted yet. `flinklab up` does it.\n");
        text.push_str(&called.advise(&advice));
    } else {
        let _ = writeln!(
            text,
            "{:<34}{:<12}{:<22}started from",
            "job", "state", "written down"
        );
    }
    for job in &seen.jobs {
        let state = match (&job.state, &seen.silent) {
            (Some(state), _) => state.clone(),
            (None, Some(_)) if seen.rests() => "ended".to_owned(),
            (None, Some(_)) => "?".to_owned(),
            (None, None) => "not known".to_owned(),
        };
        let from = job.from.as_deref().unwrap_or("nothing");
        let _ = writeln!(
            text,
            "{:<34}{state:<12}{:<22}{}",
            job.id,
            job.when.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            from.rsplit('/').next().unwrap_or(from)
        );
    }
    if seen.current.is_some() {
        text.push_str(&ha_text("HA data", &seen.ha));
    }
    if !seen.starts.is_empty() {
        text.push_str("a new job can start from, the newest first\n");
    }
    for start in &seen.starts {
        let kind = match start.kind {
            StartKind::Savepoint => "savepoint",
            StartKind::Checkpoint => "checkpoint",
        };
        let _ = writeln!(
            text,
            "  {kind:<12}{:<22}{}",
            start.at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            start.path
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_a_stop_is_said_of_the_same_lab() {
        let done = JobDone {
            order: JobOrder {
                act: JobAct::Stop,
                from: None,
            },
            job: "c506".to_owned(),
            state: "FINISHED".to_owned(),
            savepoint: None,
            restored: None,
            seconds: 2.0,
            before: HaData::default(),
            after: HaData::default(),
        };
        let text = text(&done, &Invocation::named("mine"));
        assert!(text.contains("`flinklab job resume --name mine`"), "{text}");
    }
}
