//! Random breaks in a row on a real cluster: nothing may be left behind, and no verdict may
//! disagree with an independent look at the checkpoints on disk, taken all the time beside it.
//!
//! `FLINKLAB_REAL=1 cargo bench --bench soak`; FLINKLAB_SEED, FLINKLAB_BREAKS and FLINKLAB_MINUTES
//! set the seed, how many, and the time after which no more are begun; FLINKLAB_KEYS, separated by
//! commas, which failures; FLINKLAB_LAB which lab. In one whose job proves that its state is exact, as
//! `exactly`, every run must have said so, and a failure that is there to lose the state that it is not.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod real;

use flinklab_lab::failure::StatementName;
use jiff::{SignedDuration, Timestamp};
use real::Lab;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// A checkpoint whose metadata is written so close to a break may never have been completed.
const UNSURE: SignedDuration = SignedDuration::from_millis(1500);

/// Checkpoints of the disk: when their metadata was written, by job and id. Only ever added to.
type Written = Arc<Mutex<BTreeMap<(String, u64), Vec<Timestamp>>>>;

fn main() -> ExitCode {
    if !real::asked() {
        return ExitCode::SUCCESS;
    }
    let seed = real::number("FLINKLAB_SEED", 20_261_124);
    let breaks = real::number("FLINKLAB_BREAKS", 50);
    let limit = Duration::from_secs(60 * real::number("FLINKLAB_MINUTES", 75));
    let lab = Lab::up("flinklab-bench-soak");
    let keys = keys(&lab);
    let definition = flinklab_lab::Lab::open(&real::definition()).unwrap();
    let proves = definition.job.proves.is_some();
    println!("seed {seed}, up to {breaks} breaks of {}", keys.join(", "));
    let written: Written = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let witness = witness(
        lab.folder().join("shared/checkpoints"),
        written.clone(),
        stop.clone(),
    );
    let began = Instant::now();
    let mut dice = seed;
    let mut faults: Vec<String> = Vec::new();
    let mut verdicts: BTreeMap<String, u32> = BTreeMap::new();
    let mut done = 0;
    let mut first: Option<Shape> = None;
    for n in 1..=breaks {
        if began.elapsed() > limit {
            println!("no more after {} s", began.elapsed().as_secs());
            break;
        }
        dice = next(dice);
        let key = keys[usize::try_from(dice >> 33).unwrap() % keys.len()].clone();
        if let Err(why) = lab.healthy() {
            faults.push(format!("before {n} {key}: {why}"));
            break;
        }
        let before = lab.status()["job"]["id"].clone();
        let shape = Shape::of(&lab, &before);
        let first = first.get_or_insert_with(|| shape.clone());
        let said = lab.objects(&["break", &key]).pop().unwrap_or_default();
        let result = &said["result"];
        done += 1;
        let verdict = result["verdict"].as_str().unwrap_or("none").to_owned();
        *verdicts.entry(format!("{key} {verdict}")).or_default() += 1;
        let healed = lab.healthy();
        let after = lab.status()["job"]["id"].clone();
        let mut wrong = leftovers(&lab);
        wrong.extend(first.changed(&Shape::of(&lab, &after)));
        wrong.extend(healed.err());
        if result["verdict"] != result["expected"] || result["verdict"].is_null() {
            wrong.push(format!(
                "verdict {verdict}, not {}: {said}",
                result["expected"]
            ));
        }
        if before != after && key != "pointer-lost" {
            wrong.push(format!("the job id changed from {before} to {after}"));
        }
        if let Some(run) = lab.newest_run().filter(|run| run["run"] == result["run"]) {
            wrong.extend(contradicted(
                &run,
                before.as_str().unwrap_or(""),
                &written.lock().unwrap(),
            ));
        }
        if proves {
            wrong.extend(inexact(result, &key));
        }
        println!(
            "{n:>3} {key:<22} {verdict:<13} recovery {:>7} ms · {} s{}",
            result["recovery_ms"].to_string(),
            began.elapsed().as_secs(),
            if wrong.is_empty() { "" } else { " · WRONG" }
        );
        for why in wrong {
            println!("      {why}");
            faults.push(format!("{n} {key}: {why}"));
        }
    }
    stop.store(true, Ordering::Relaxed);
    witness.join().unwrap();
    println!(
        "\n{done} breaks in {} s, seed {seed}",
        began.elapsed().as_secs()
    );
    for (verdict, count) in verdicts {
        println!("  {count:>3} × {verdict}");
    }
    println!("{} found", faults.len());
    if done < breaks {
        println!("CUT SHORT: {done} of {breaks} breaks");
    }
    if faults.is_empty() && done == breaks {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The next number of a linear congruential row: the same seed is the same soak.
fn next(dice: u64) -> u64 {
    dice.wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407)
}

fn keys(lab: &Lab) -> Vec<String> {
    let named = std::env::var("FLINKLAB_KEYS").unwrap_or_default();
    let named: Vec<&str> = named.split(',').filter(|key| !key.is_empty()).collect();
    let all = lab.objects(&["failures"]);
    let applicable = all.iter().filter(|one| one["applicable"] == true);
    let keys = applicable.map(|one| one["key"].as_str().unwrap().to_owned());
    let keys: Vec<String> = keys
        .filter(|key| named.is_empty() || named.contains(&key.as_str()))
        .collect();
    assert!(!keys.is_empty(), "no failure to choose from");
    keys
}

/// Looks at the folder until told to stop.
fn witness(folder: PathBuf, written: Written, stop: Arc<AtomicBool>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            for (job, id, at) in metadata(&folder) {
                let mut written = written.lock().unwrap();
                let known = written.entry((job, id)).or_default();
                // An id that begins again is written again.
                if !known.contains(&at) {
                    known.push(at);
                }
            }
            thread::sleep(LOOK);
        }
    })
}

fn metadata(folder: &Path) -> Vec<(String, u64, Timestamp)> {
    let mut found = Vec::new();
    let entries = |path: &Path| -> Vec<PathBuf> {
        let read = std::fs::read_dir(path);
        read.map(|all| all.filter_map(|entry| Some(entry.ok()?.path())).collect())
            .unwrap_or_default()
    };
    for job in entries(folder) {
        for checkpoint in entries(&job) {
            let id = || {
                let name = checkpoint.file_name()?.to_str()?;
                name.strip_prefix("chk-")?.parse().ok()
            };
            let at = || {
                let modified = std::fs::metadata(checkpoint.join("_metadata"))
                    .ok()?
                    .modified()
                    .ok()?;
                Timestamp::try_from(modified).ok()
            };
            if let (Some(id), Some(at)) = (id(), at()) {
                let job = job.file_name().unwrap_or_default().to_string_lossy();
                found.push((job.into_owned(), id, at));
            }
        }
    }
    found
}

/// What failures change and must put back as it was: the replicas of each workload, and the mode
/// of the folder of the job's checkpoints.
#[derive(Debug, Clone, PartialEq)]
struct Shape {
    replicas: String,
    mode: u32,
}

impl Shape {
    fn of(lab: &Lab, job: &Value) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let kubectl = "kubectl --kubeconfig /etc/kubernetes/admin.conf -n flink";
        let fields = "{range .items[*]}{.kind}/{.metadata.name}={.spec.replicas} {end}";
        let replicas = lab.in_node(&format!(
            "{kubectl} get deployments,statefulsets -o jsonpath='{fields}'"
        ));
        let folder = lab.folder().join("shared/checkpoints");
        let folder = folder.join(job.as_str().unwrap_or_default());
        Self {
            replicas: replicas.trim().to_owned(),
            mode: std::fs::metadata(folder).map_or(0, |data| data.permissions().mode() & 0o7777),
        }
    }

    fn changed(&self, now: &Self) -> Option<String> {
        (self != now).then(|| format!("not as it was: {now:?}, and was {self:?}"))
    }
}

/// What a failure may not leave.
fn leftovers(lab: &Lab) -> Vec<String> {
    let mut left = Vec::new();
    let mut look = |what: &str, script: &str, good: &dyn Fn(&str) -> bool| {
        let said = lab.in_node(script);
        if !good(said.trim()) {
            left.push(format!("{what}: {}", said.trim()));
        }
    };
    look(
        "iptables rules of ours are left",
        "iptables-save | grep -i flinklab; true",
        &str::is_empty,
    );
    look(
        "a stopped process is left",
        "grep -l '^State:.T' /proc/[0-9]*/status 2>/dev/null; true",
        &str::is_empty,
    );
    look(
        "the API server's manifest is away",
        "ls /etc/kubernetes/manifests/kube-apiserver.yaml",
        &|said| said.ends_with("kube-apiserver.yaml"),
    );
    let kubectl = "kubectl --kubeconfig /etc/kubernetes/admin.conf -n flink";
    look(
        "a workload is scaled down",
        &format!(
            "{kubectl} get deployments,statefulsets -o jsonpath='{{.items[*].spec.replicas}}'"
        ),
        &|said| !said.is_empty() && said.split_whitespace().all(|count| count != "0"),
    );
    look(
        "the Role lacks `patch`",
        &format!("{kubectl} get roles -o jsonpath='{{.items[*].rules[*].verbs}}'"),
        &|said| said.contains("patch"),
    );
    let journal = std::fs::read_dir(lab.folder().join("journal"));
    let open: Vec<PathBuf> = journal
        .map(|all| all.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    if !open.is_empty() {
        left.push(format!("the journal is not empty: {open:?}"));
    }
    left
}

/// What is wrong about the statement on exactness: every run has it, decided, and as it should be.
fn inexact(result: &Value, key: &str) -> Option<String> {
    let failure = flinklab_lab::failure::find(key);
    let fails = failure.is_some_and(|it| it.expect.fails.contains(&StatementName::Exact));
    let wanted = if fails { "FAIL" } else { "PASS" };
    let mut all = result["statements"].as_array().into_iter().flatten();
    let Some(exact) = all.find(|one| one["name"] == "exact") else {
        return Some("the run has no statement `exact`".to_owned());
    };
    println!("      exact: {}", exact["evidence"].as_str().unwrap_or(""));
    (exact["verdict"] != wanted).then(|| format!("`exact` is not {wanted}: {exact}"))
}

/// What the disk says against the verdicts on state.
fn contradicted(
    run: &Value,
    job: &str,
    written: &BTreeMap<(String, u64), Vec<Timestamp>>,
) -> Vec<String> {
    let statement = |name: &str| {
        let all = run["statements"].as_array().unwrap();
        let found = all.iter().find(|one| one["name"] == name);
        found.map_or("none", |one| one["verdict"].as_str().unwrap_or("none"))
    };
    let sent: Timestamp = run["at"].as_str().unwrap().parse().unwrap();
    let own: Vec<(u64, Timestamp)> = written
        .iter()
        .filter(|((of, _), _)| of == job)
        .flat_map(|((_, id), all)| all.iter().map(|at| (*id, *at)))
        .collect();
    let sure = own
        .iter()
        .filter(|(_, at)| *at < sent - UNSURE)
        .map(|(id, _)| *id)
        .max();
    let restores = run["record"]["restores"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut wrong = Vec::new();
    let older = restores
        .iter()
        .filter_map(|restored| restored[0].as_u64())
        .find(|id| sure.is_some_and(|sure| *id < sure));
    match (statement("restored"), older) {
        ("PASS", Some(id)) => wrong.push(format!(
            "`restored` is PASS, but {id} was restored and {} was on disk before",
            sure.unwrap_or(0)
        )),
        ("FAIL", None) if !restores.is_empty() => {
            wrong.push(
                "`restored` is FAIL, but nothing older than the disk's newest was restored"
                    .to_owned(),
            );
        }
        _ => {}
    }
    // Ids by the time at which they were written.
    let mut later: Vec<(Timestamp, u64)> = own
        .iter()
        .filter(|(_, at)| *at > sent)
        .map(|(id, at)| (*at, *id))
        .collect();
    later.sort_unstable();
    let fell = later.windows(2).any(|pair| pair[1].1 < pair[0].1)
        || later
            .first()
            .is_some_and(|(_, id)| sure.is_some_and(|sure| *id < sure));
    match (statement("ids-grow"), fell) {
        ("PASS", true) => {
            wrong.push("`ids-grow` is PASS, but on disk a lower id came later".to_owned())
        }
        ("FAIL", false) => wrong.push("`ids-grow` is FAIL, but on disk ids only grew".to_owned()),
        _ => {}
    }
    wrong
}
