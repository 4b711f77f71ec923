//! A JobManager that brings its job along: under which id and from where its `main()` starts it, and
//! how the process ends with its job. As seen on Flink 2.3.0 in a Deployment on a real cluster.

use super::job::JobMaster;
use super::taskmanager::line;
use super::{checkpoints, configured, job, lock, plan};
use crate::api::kinds;
use crate::cluster::Process;
use flinklab_base::clock::Instant;

/// The process's exit codes: its job was cancelled or has finished; its application has failed.
const WELL: i32 = 0;
const FAILED: i32 = 163;
/// Seconds until the program has compiled its plan and submitted it.
const MAIN: (f64, f64) = (0.8, 1.9);
/// Seconds from the end of the job to the removal of the HA data, and to the end of the process.
const CLOSES: (f64, f64) = (0.3, 0.9);
/// How long a result that nobody has fetched keeps the cluster up.
const UNFETCHED: f64 = 300.0;
/// The results of jobs stay where they are.
const KEEPS_RESULTS: &str = "job-result-store.delete-on-commit";
const HA_CLUSTER_ID: &str = "high-availability.cluster-id";
const APPLICATION: &str = "client.deployment.application.PackagedProgramApplication";
const ENTRYPOINT: &str = "runtime.entrypoint.ClusterEntrypoint";

/// The job that a JobManager brings along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Application {
    id: String,
    from: Option<String>,
}

/// What this process was started for; none where it takes jobs.
pub(super) fn of(process: &Process) -> Option<Application> {
    let words = {
        let state = process.cluster.hold();
        let pod = kinds::of("pods");
        let pod = state.store.read(pod, &process.namespace, &process.pod)?;
        configured::words(&pod["spec"]["containers"][0])
    };
    let options = configured::of(process);
    let id = options
        .get(HA_CLUSTER_ID)
        .map_or("/default", String::as_str);
    parse(&words, id)
}

/// The name of the process's class.
pub(super) fn entrypoint(process: &Process) -> &'static str {
    match of(process) {
        Some(_) => "StandaloneApplicationClusterEntryPoint",
        None => "StandaloneSessionClusterEntrypoint",
    }
}

fn parse(words: &[String], cluster: &str) -> Option<Application> {
    let is_entry = |word: &String| {
        let name = word.rsplit('/').next().unwrap_or(word);
        name == "standalone-job" || name == "standalone-job.sh"
    };
    let at = words.iter().position(is_entry)?;
    let value = |names: [&str; 2]| {
        let found = words[at..]
            .iter()
            .position(|word| names.contains(&word.as_str()))?;
        words.get(at + found + 1).cloned()
    };
    Some(Application {
        id: value(["--job-id", "-jid"]).unwrap_or_else(|| id_of(cluster)),
        from: value(["--fromSavepoint", "-s"]),
    })
}

/// The id that Flink makes of the cluster's: the same for ever.
fn id_of(cluster: &str) -> String {
    let hash = cluster.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    format!("{:016x}{:016x}", i64::from(hash), 0)
}

impl Application {
    /// Runs the program's `main()` in a leader that has recovered its plans. Each new leader does, and
    /// goes on with the job of that id if it finds one.
    pub(super) async fn main(
        &self,
        process: &Process,
        session: &str,
        plans: Vec<(String, Option<String>)>,
    ) {
        let id = &self.id;
        process.say(line(
            "INFO",
            "runtime.dispatcher.StandaloneDispatcher",
            &format!("Submitting application ({id})."),
        ));
        process.say(line(
            "INFO",
            "client.ClientUtils",
            "Starting program (detached: true)",
        ));
        process.about(MAIN.0, MAIN.1).await;
        if let Some(result) = result(process, id)
            && result.exists()
        {
            process.say(line(
                "ERROR",
                APPLICATION,
                "Application failed unexpectedly.",
            ));
            process.say("Caused by: org.apache.flink.runtime.client.DuplicateJobSubmissionException: Job has already been submitted.");
            process.about(CLOSES.0, CLOSES.1).await;
            leave(process, session, FAILED);
            return;
        }
        let abandoned = !plans.is_empty() && plans.iter().all(|(known, _)| known != id);
        if abandoned {
            // Seen on 2.3.0: a program that does not submit what was recovered fails, and all with it.
            process.say(line(
                "WARN",
                APPLICATION,
                "Application failed unexpectedly:",
            ));
            process.say(format!(
                "Caused by: java.lang.IllegalArgumentException: Base job ID {id} is not found in the recovered jobs."
            ));
            process.about(CLOSES.0, CLOSES.1).await;
            leave(process, session, FAILED);
            return;
        }
        let planned = plans.into_iter().find(|(known, _)| known == id);
        let from = match planned {
            Some((_, from)) => from,
            None => {
                if let Err(why) = plan::keep(process, id, self.from.as_deref()) {
                    process.say(line("ERROR", APPLICATION, &why));
                    leave(process, session, FAILED);
                    return;
                }
                self.from.clone()
            }
        };
        let submitted = format!("Job {id} is submitted.");
        let executor = "client.deployment.application.executors.EmbeddedExecutor";
        process.say(line("INFO", executor, &submitted));
        job::begin(process, session, id, from);
    }
}

/// The cluster ends with its job, once nobody is left who waits for what came of an order.
pub(super) async fn close(master: &JobMaster) {
    let process = &master.process;
    if of(process).is_none() {
        return;
    }
    let state = master.with_quietly(|job| job.state);
    let code = match state {
        Some("CANCELED" | "FINISHED") => WELL,
        Some("FAILED") => FAILED,
        Some(_) | None => return,
    };
    let until = Instant::now() + process.cluster.context.pace.seconds(UNFETCHED);
    while master.with_quietly(|job| job.is_waited_for()) == Some(true) && Instant::now() < until {
        process.nap(0.1).await;
    }
    process.say(line(
        "INFO",
        ENTRYPOINT,
        &format!(
            "Shutting StandaloneApplicationClusterEntryPoint down with application status {}. Diagnostics null.",
            state.unwrap_or_default()
        ),
    ));
    process.about(CLOSES.0, CLOSES.1).await;
    keep_result(process, &master.id);
    leave(process, &master.session, code);
}

/// Removes all HA data of the cluster, and has the process end.
fn leave(process: &Process, session: &str, code: i32) {
    let lab = &process.cluster.lab;
    process.say(line(
        "INFO",
        "kubernetes.highavailability.KubernetesLeaderElectionHaServices",
        "Clean up all data for KubernetesLeaderElectionHaServices.",
    ));
    if let Ok(folder) = checkpoints::on_disk(process, &lab.flink.folders.ha) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let _ = std::fs::remove_file(entry.path());
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let own = format!("{}-", lab.flink.cluster_id);
    let cluster = lock::map_key(&lab.flink.namespace, &lab.cluster_map());
    process.act(|state| {
        let maps = state
            .store
            .keys(kinds::of("configmaps"), &lab.flink.namespace);
        let is_ha = |name: &str| name.starts_with(&own) && name.ends_with("-config-map");
        let maps = maps.map(|(key, _)| key.clone());
        let maps: Vec<_> = maps
            .filter(|key| is_ha(&key.name) || *key == cluster)
            .collect();
        for map in maps {
            state.store.remove(&map);
        }
        if let Some(leading) = state.flink.leading(&process.id, session) {
            let _ = leading.closes.set(code);
        }
        state.beats += 1;
    });
}

/// Where the result of a job is kept; none where it is removed once it counts.
fn result(process: &Process, job: &str) -> Option<std::path::PathBuf> {
    let kept = configured::of(process).remove(KEEPS_RESULTS)?;
    if !kept.eq_ignore_ascii_case("false") {
        return None;
    }
    let ha = &process.cluster.lab.flink.folders.ha;
    let (above, cluster) = ha.rsplit_once('/').unwrap_or(("", ha));
    let below = format!("{above}/job-result-store/{cluster}/{job}.json");
    checkpoints::on_disk(process, below.trim_start_matches('/')).ok()
}

fn keep_result(process: &Process, job: &str) {
    let Some(path) = result(process, job) else {
        return;
    };
    if let Some(folder) = path.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
    let _ = std::fs::write(path, "{\"version\":1}\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_is_what_the_arguments_say_and_else_what_flink_makes_of_the_cluster() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parse(&words("jobmanager -D a=b"), "flinklab"), None);
        // As seen on a real cluster.
        let own = parse(&words("standalone-job --jars x"), "flinklab");
        let id = own.map(|own| own.id);
        assert_eq!(id.as_deref(), Some("000000006e46182d0000000000000000"));
        let told = parse(
            &words("standalone-job --job-id 07e0 --fromSavepoint file:/a/chk-7 --rps 10"),
            "flinklab",
        );
        let from = Some("file:/a/chk-7".to_owned());
        let id = "07e0".to_owned();
        assert_eq!(told, Some(Application { id, from }));
    }
}
