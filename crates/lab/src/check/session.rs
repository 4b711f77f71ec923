//! What `up` needs of the lab's Flink: high availability by Kubernetes, JobManagers with addresses
//! of their own, slots for the lab's job, and where that is submitted, a session that takes jobs
//! over REST. Says only what the files prove; what an image brings along is found by `up`.

use super::configured::{ADDRESS, Configured, Setting, arguments};
use super::pods::Pods;
use super::{Whole, mode};
use crate::application::{Entry, started_by};
use crate::definition::Mode;
use crate::mistake::did_you_mean;
use crate::options::version::Version;
use crate::options::words::{self, HA, HA_CLASS};
use flinklab_base::fault::Fault;

const STORAGE: &str = "high-availability.storageDir";
const CLUSTER_ID: &str = "kubernetes.cluster-id";
const SLOTS: &str = "taskmanager.numberOfTaskSlots";

/// Why a JobManager must not have a job of its own.
pub(super) const SESSION: &str =
    "`up` submits the job of lab.yaml over REST, which only a session cluster takes";

/// The JobManagers of one workload.
pub(super) fn jobmanagers(
    whole: &Whole<'_>,
    pods: &Pods<'_>,
    version: Option<Version>,
    configured: &Configured<'_>,
) -> Result<(), Fault> {
    let mode = brought_by(whole, pods)?;
    if pods.object.document.replicas() == 0 {
        return pods
            .object
            .source
            .here(
                pods.object.node.place("spec.replicas"),
                "There would be no JobManager: `replicas` is 0.",
            )
            .hint("Write 1, or more for standbys.")
            .done();
    }
    high_availability(version, configured)?;
    match mode {
        Mode::Session => takes_jobs(configured)?,
        Mode::Application => mode::parallelism(whole, configured)?,
    }
    own_addresses(pods.object.document.replicas(), configured)
}

/// The TaskManagers of one workload look for the leader where JobManagers are elected.
pub(super) fn taskmanagers(
    version: Option<Version>,
    configured: &Configured<'_>,
) -> Result<(), Fault> {
    let (names, hint) = turned_on(version);
    let set = names
        .iter()
        .find_map(|name| Some((*name, configured.settings.get(*name)?)));
    let Some((name, setting)) = set else {
        return Ok(());
    };
    if words::turns_ha_off(&setting.value) {
        let value = setting.value.trim();
        return setting
            .wrong(format!(
                "High availability is off for the TaskManagers: `{name}` is `{value}`."
            ))
            .why("they look for a JobManager at a fixed address then, not for the leader")
            .hint("Give TaskManagers the same options as JobManagers.")
            .done();
    }
    by_kubernetes(name, setting, version, hint)
}

/// By which names this version of Flink knows the option, and how to turn it on.
fn turned_on(version: Option<Version>) -> (&'static [&'static str], String) {
    let old = version.is_some_and(|version| version < Version::new(1, 17));
    let names = if old { &HA[1..] } else { &HA[..] };
    let wanted = match version {
        // The short word came with 1.16.
        Some(version) if version < Version::new(1, 16) => {
            format!("high-availability: {HA_CLASS}")
        }
        _ if old => "high-availability: kubernetes".to_owned(),
        _ => "high-availability.type: kubernetes".to_owned(),
    };
    (names, format!("Write `{wanted}`."))
}

/// The election is the one in Kubernetes' config maps.
fn by_kubernetes(
    name: &str,
    setting: &Setting<'_>,
    version: Option<Version>,
    hint: String,
) -> Result<(), Fault> {
    let value = setting.value.trim();
    let is_short = value.eq_ignore_ascii_case("kubernetes");
    if is_short && version.is_some_and(|version| version < Version::new(1, 16)) {
        return setting
            .wrong(format!(
                "This version of Flink does not know `{value}` as `{name}`."
            ))
            .why("it takes it for the name of a class, and ends itself")
            .hint(hint)
            .done();
    }
    if !is_short && value != HA_CLASS {
        let near = did_you_mean(value, ["kubernetes"]);
        return setting
            .wrong(format!("`{name}` cannot be `{value}`."))
            .why("flinklab follows the election in Kubernetes' config maps; any other word is the name of a class to Flink, and where there is none its JobManagers end themselves")
            .hint(if near.is_empty() { hint } else { near })
            .done();
    }
    Ok(())
}

/// Who brings the job in, and whether the workload of these pods can be followed doing so.
fn brought_by(whole: &Whole<'_>, pods: &Pods<'_>) -> Result<Mode, Fault> {
    let source = pods.object.source;
    let document = pods.object.document;
    let words = arguments(pods.container);
    let mut known = words.iter();
    let entry = known.find_map(|(word, at)| Some((started_by(word)?, word, at)));
    let mode = match (entry, whole.definition.job.mode) {
        (Some((Entry::Native, word, at)), _) => {
            return source
                .here(
                    *at,
                    format!(
                        "`{word}` starts a JobManager that asks Kubernetes for its TaskManagers."
                    ),
                )
                .why("flinklab follows JobManagers whose TaskManagers are in the lab's manifests")
                .hint("Start the JobManagers as `standalone-job`, and TaskManagers beside them.")
                .done();
        }
        (Some((Entry::Standalone, ..)), _) | (None, Some(Mode::Application)) => Mode::Application,
        (Some((Entry::Session, ..)) | None, _) => Mode::Session,
    };
    let what = format!("The JobManager is a {} `{}`", document.kind, document.name);
    let at = pods.object.node.place("kind");
    match (document.kind.as_str(), mode) {
        ("CronJob", _) => source
            .here(at, format!("{what}, which is started again and again."))
            .why("a lab has one history of its job after another, not several at once")
            .hint("Make it a Deployment.")
            .done(),
        ("Job", Mode::Session) => source
            .here(at, format!("{what}, which ends with its job."))
            .why(SESSION)
            .hint("Start the JobManagers as `jobmanager` in a Deployment, and name the job in lab.yaml.")
            .done(),
        ("Job", Mode::Application) => source
            .here(at, format!("{what}, whose pods cannot be changed or scaled."))
            .why("a new history of the job is begun with other arguments of the same pods")
            .hint("Make it a Deployment: take `parallelism` out, and write `replicas` and a `selector`.")
            .done(),
        _ => Ok(mode),
    }
}

/// High availability is on, by Kubernetes, and complete.
pub(super) fn high_availability(
    version: Option<Version>,
    configured: &Configured<'_>,
) -> Result<(), Fault> {
    let settings = &configured.settings;
    let (names, hint) = turned_on(version);
    let set = names
        .iter()
        .find_map(|name| Some((*name, settings.get(*name)?)));
    let Some((name, setting)) = set else {
        let Some((source, at)) = configured.complete else {
            return Ok(());
        };
        let why = "nobody is elected then, and nothing survives a JobManager";
        return match HA.iter().find_map(|name| settings.get(*name)) {
            Some(unread) => unread
                .wrong("`high-availability.type` is not read by this version of Flink.")
                .why("before 1.17 the option is called `high-availability`")
                .hint(hint)
                .done(),
            None => source
                .here(at, "High availability is off: no option turns it on.")
                .why(why)
                .hint(hint)
                .done(),
        };
    };
    if words::turns_ha_off(&setting.value) {
        let value = setting.value.trim();
        return setting
            .wrong(format!("High availability is off: `{name}` is `{value}`."))
            .why("nobody is elected then, and nothing survives a JobManager")
            .hint(hint)
            .done();
    }
    by_kubernetes(name, setting, version, hint)?;
    for option in [STORAGE, CLUSTER_ID] {
        if let (Some(_), None) = (configured.complete, settings.get(option)) {
            return setting
                .wrong(format!("`{option}` is missing."))
                .why("with high availability a JobManager ends itself without it")
                .hint(match option {
                    STORAGE => "Set it to a folder below the mount of the shared folder.",
                    _ => "Set it to `flink.cluster-id` of lab.yaml.",
                })
                .done();
        }
    }
    Ok(())
}

/// REST takes jars.
pub(super) fn takes_jobs(configured: &Configured<'_>) -> Result<(), Fault> {
    match configured.settings.get("web.submit.enable") {
        Some(setting) if setting.value.trim().eq_ignore_ascii_case("false") => setting
            .wrong("`web.submit.enable` is `false`, so Flink takes no job over REST.")
            .why("`up` submits the job of lab.yaml that way")
            .hint("Remove the option: REST is reached from this machine only.")
            .done(),
        _ => Ok(()),
    }
}

/// Several JobManagers must not write down one address.
fn own_addresses(replicas: u64, configured: &Configured<'_>) -> Result<(), Fault> {
    let Some(setting) = configured.settings.get(ADDRESS) else {
        return Ok(());
    };
    let address = setting.value.trim();
    if replicas < 2 || address.contains('$') {
        return Ok(());
    }
    setting
        .wrong(format!("{replicas} JobManagers share the address `{address}`."))
        .why("the leader is found by the address that it writes down, and others would reach either of them")
        .hint("Give each its own: the arguments `-D` and `jobmanager.rpc.address=$(POD_IP)`, with POD_IP from `status.podIP`.")
        .done()
}

/// Whether jobs make do with fewer slots than they ask for.
pub(super) fn adapts(configured: &Configured<'_>) -> bool {
    let is = |option: &str, word: &str| {
        let setting = configured.settings.get(option);
        setting.is_some_and(|setting| setting.value.trim().eq_ignore_ascii_case(word))
    };
    is("jobmanager.scheduler", "adaptive") || is("scheduler-mode", "reactive")
}

/// What one workload of TaskManagers offers: how many of them, and the slots of each. None where
/// the files do not say.
pub(super) fn offered(pods: &Pods<'_>, configured: &Configured<'_>) -> Option<(u64, u64)> {
    let document = pods.object.document;
    if !matches!(
        document.kind.as_str(),
        "Deployment" | "StatefulSet" | "ReplicaSet"
    ) {
        return None;
    }
    Some((document.replicas(), slots_of_each(configured)?))
}

/// `taskmanager.numberOfTaskSlots`; Flink's default is one.
pub(super) fn slots_of_each(configured: &Configured<'_>) -> Option<u64> {
    match configured.settings.get(SLOTS) {
        Some(setting) => setting.value.trim().parse().ok(),
        None => configured.complete.map(|_| 1),
    }
}

/// The job's parallelism fits the slots of all TaskManagers, one workload each.
pub(super) fn slots(whole: &Whole<'_>, offers: &[(u64, u64)]) -> Result<(), Fault> {
    let there: u64 = offers.iter().map(|(pods, slots)| pods * slots).sum();
    let asked = u64::from(whole.definition.job.parallelism);
    if asked <= there || offers.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> = offers
        .iter()
        .map(|(pods, slots)| {
            let s = if *pods == 1 { "" } else { "s" };
            format!("{pods} TaskManager{s} of {slots}")
        })
        .collect();
    let hint = match there {
        0 => "Let a TaskManager start.".to_owned(),
        most => format!(
            "Write `parallelism: {most}` or less, or raise the TaskManagers' `replicas` or `{SLOTS}`."
        ),
    };
    whole
        .lab
        .at(
            "job.parallelism",
            format!(
                "The job asks for {asked} slot{}, there {} {there}.",
                if asked == 1 { "" } else { "s" },
                if there == 1 { "is" } else { "are" },
            ),
        )
        .why(shown.join(" and "))
        .hint(hint)
        .done()
}
