//! Labs that cannot come up for a reason that no file tells: an image's own configuration, rights
//! from elsewhere, a program that ends. `up` must name the reason, and soon.

use crate::building::told;
use flinklab_base::clock::{self, Clock, Instant};
use flinklab_base::fault::Fault;
use flinklab_event::{Done, UpOrder};
use flinklab_lab::Lab;
use flinklab_sim::{Options, Sim, Trouble};
use flinklab_world::{Addresses, World, up};
use std::time::Duration;

/// How much faster than life the lab is, by a clock that is faster than the wall clock.
const SPEED: f64 = 6.0;
const RATE: f64 = 3.0;
/// Every wait that `up` gives up by itself is longer.
const SOON: Duration = Duration::from_secs(80);

/// `file: what stands there → what is written instead`.
type Change<'a> = (&'a str, &'a str, &'a str);

const JOBMANAGERS: &str = "50-jobmanagers.yaml";
const TASKMANAGERS: &str = "60-taskmanagers.yaml";
const CONFIG: &str = "40-config.yaml";
const STATE_MACHINE: &str = "  jar: /opt/flink/examples/streaming/StateMachineExample.jar\n  class: org.apache.flink.streaming.examples.statemachine.StateMachineExample\n";
const WORD_COUNT: &str = "  jar: /opt/flink/examples/streaming/WordCount.jar\n  class: org.apache.flink.streaming.examples.wordcount.WordCount\n";

/// The default lab with its configuration in variables that come from a config map: what Flink
/// makes of them is seen only when it runs.
const UNSEEN: [Change<'_>; 5] = [
    (CONFIG, "  config.yaml: |", "  FLINK_PROPERTIES: |"),
    (
        JOBMANAGERS,
        "            - {name: config, mountPath: /opt/flink/conf/config.yaml, subPath: config.yaml}\n",
        "          envFrom: [{configMapRef: {name: flink-config}}]\n",
    ),
    (
        JOBMANAGERS,
        "        - name: config\n          configMap: {name: flink-config}\n",
        "",
    ),
    (
        TASKMANAGERS,
        "            - {name: config, mountPath: /opt/flink/conf/config.yaml, subPath: config.yaml}\n",
        "          envFrom: [{configMapRef: {name: flink-config}}]\n",
    ),
    (
        TASKMANAGERS,
        "        - name: config\n          configMap: {name: flink-config}\n",
        "",
    ),
];

fn with(changes: &[Change<'_>]) -> Vec<(String, String)> {
    let mut files = Lab::open("default").unwrap().files;
    for (file, from, to) in changes {
        let (_, text) = files.iter_mut().find(|(name, _)| name == file).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        *text = text.replacen(from, to, 1);
    }
    files
}

fn unseen(changes: &[Change<'_>]) -> Vec<(String, String)> {
    with(&[&UNSEEN, changes].concat())
}

/// How `up` fails for a lab of these files that `lab check` calls sound.
fn fails(files: &[(String, String)]) -> Fault {
    let (end, took) = built(files, None);
    let fault = end.expect_err("it cannot come up");
    assert!(took < SOON, "after {took:?}: {fault}");
    fault
}

/// How `up` ends on a lab of these files, and after how long.
fn built(files: &[(String, String)], trouble: Option<Trouble>) -> (Result<Done, Fault>, Duration) {
    let lab = Lab::from_files(files.to_vec(), "").expect("no file tells it");
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("lab");
    std::fs::create_dir(&own).unwrap();
    for (name, text) in files {
        std::fs::write(own.join(name), text).unwrap();
    }
    let clock = Clock::at_rate(RATE);
    clock::set_of_thread(clock);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(move || clock::set_of_thread(clock))
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = Options {
            speed: SPEED,
            ..Options::new(lab)
        };
        let sim = Sim::start(options).await.unwrap();
        sim.trouble(trouble);
        let addresses = Addresses {
            docker: Some(sim.docker_host()),
            ..Addresses::new(folder.path().join("data"), folder.path().join("config"))
        };
        let own = own.display().to_string();
        let world = World::new(addresses, "t".to_owned(), Some(own), false);
        let order = UpOrder {
            resume: false,
            fetch: false,
            within: None,
        };
        let began = Instant::now();
        let told = told(async |events| up::run(&world, &order, &events).await).await;
        (told.end, began.elapsed())
    })
}

/// Seen on a real cluster beside two builds: the pods said for 19 s that their claim is unbound, and
/// all ran a moment later.
#[test]
fn a_claim_that_is_bound_late_is_no_reason() {
    let (end, _) = built(&with(&[]), Some(Trouble::VolumesBoundLate));
    assert!(matches!(end, Ok(Done::Up { .. })), "{end:?}");
}

/// The fault's code, and all of these words in what is told.
fn tells(files: &[(String, String)], code: &str, words: &[&str]) {
    let fault = fails(files);
    let said = fault.to_string();
    assert_eq!(fault.code, code, "{said}");
    for words in words {
        assert!(said.contains(words), "{words:?} is not in {said:?}");
    }
    let hint = crate::advice::said(&fault.hint);
    assert!(!hint.is_empty(), "nothing to do about {said}");
}

#[test]
fn a_job_that_comes_to_its_end() {
    let files = with(&[
        ("lab.yaml", STATE_MACHINE, WORD_COUNT),
        ("lab.yaml", "[--rps, \"10\"]", "[]"),
    ]);
    tells(
        &files,
        "job-over",
        &["The job is FINISHED.", "sources are bounded"],
    );
}

#[test]
fn a_job_that_fails_for_good_is_told_by_its_root_exception() {
    let files = with(&[
        ("lab.yaml", STATE_MACHINE, WORD_COUNT),
        (
            "lab.yaml",
            "[--rps, \"10\"]",
            "[--input, \"file:///nowhere\"]",
        ),
        (
            CONFIG,
            "restart-strategy.type: exponential-delay",
            "restart-strategy.type: none",
        ),
    ]);
    let root = "java.io.FileNotFoundException: File file:///nowhere does not exist";
    tells(&files, "job-over", &["The job is FAILED.", root]);
}

#[test]
fn a_job_that_waits_for_slots_which_nobody_has() {
    let files = unseen(&[("lab.yaml", "parallelism: 2", "parallelism: 40")]);
    tells(
        &files,
        "slots-short",
        &["The job asks for 40 slots, there are 4."],
    );
}

#[test]
fn a_leader_that_is_elected_under_another_cluster_id() {
    let files = unseen(&[(
        CONFIG,
        "kubernetes.cluster-id: flinklab",
        "kubernetes.cluster-id: other",
    )]);
    let words = [
        "Flink elects its leader as `other`, not as `flinklab`.",
        "flinklab-cluster-config-map does not exist, there is other-cluster-config-map",
    ];
    tells(&files, "cluster-id-differs", &words);
}

#[test]
fn high_availability_that_is_off() {
    let files = unseen(&[(
        CONFIG,
        "high-availability.type: kubernetes",
        "high-availability.type: NONE",
    )]);
    let words = [
        "Flink runs without high availability.",
        "`high-availability.type` is `NONE`",
    ];
    tells(&files, "ha-off", &words);
}

#[test]
fn high_availability_that_is_misspelt() {
    let files = unseen(&[(
        CONFIG,
        "high-availability.type: kubernetes",
        "high-availability.type: kuberentes",
    )]);
    let words = [
        "`jobmanager` in the pod flink-jobmanager-",
        "ends again and again (exit code 1, Error)",
        "java.lang.ClassNotFoundException: kuberentes",
    ];
    tells(&files, "crash-loop", &words);
}

#[test]
fn an_account_that_may_not_read_config_maps() {
    let files = with(&[(
        "20-access.yaml",
        "  kind: Role\n  name: flink\nsubjects",
        "  kind: ClusterRole\n  name: of-somebody-else\nsubjects",
    )]);
    // The Role that nobody is bound to would let it.
    let (_, access) = files
        .iter()
        .find(|(name, _)| name == "20-access.yaml")
        .unwrap();
    let role = access.split("---\n").nth(1).unwrap();
    let files: Vec<(String, String)> = files
        .iter()
        .map(|(name, text)| (name.clone(), text.replace(&format!("---\n{role}"), "")))
        .collect();
    let fault = fails(&files);
    let said = fault.to_string();
    // Whichever is certain first: what the account may do, or what its process said of that.
    assert!(
        ["ha-forbidden", "crash-loop"].contains(&fault.code.as_ref()),
        "{said}"
    );
    assert!(
        said.contains("config maps") || said.contains("configmaps is forbidden"),
        "{said}"
    );
}

#[test]
fn jobmanagers_that_call_themselves_the_same() {
    let files = unseen(&[
        (
            CONFIG,
            "jobmanager.bind-host: 0.0.0.0",
            "jobmanager.bind-host: 0.0.0.0\n    jobmanager.rpc.address: flink-jobmanager",
        ),
        (
            JOBMANAGERS,
            "args: [\"jobmanager\", \"-D\", \"jobmanager.rpc.address=$(POD_IP)\"]",
            "args: [jobmanager]",
        ),
    ]);
    tells(
        &files,
        "address-shared",
        &["2 JobManagers call themselves `flink-jobmanager`."],
    );
}

#[test]
fn a_flink_that_takes_no_jobs() {
    let files = unseen(&[(
        CONFIG,
        "web.refresh-interval: 500",
        "web.submit.enable: false",
    )]);
    tells(
        &files,
        "submission-off",
        &[
            "Flink takes no jobs over REST.",
            "`web.submit.enable` is `false`",
        ],
    );
}

/// A workload beside Flink's.
fn beside(spec: &str) -> String {
    format!(
        "\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: gateway, namespace: flink}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: gateway}}}}\n  template:\n    metadata: {{labels: {{app: gateway}}}}\n    spec: {spec}\n"
    )
}

#[test]
fn an_image_that_nobody_has() {
    let mut files = with(&[]);
    let (_, text) = files
        .iter_mut()
        .find(|(name, _)| name == JOBMANAGERS)
        .unwrap();
    text.push_str(&beside(
        "{containers: [{name: s3, image: \"nobody/has:1\"}]}",
    ));
    tells(
        &files,
        "image-missing",
        &["The image `nobody/has:1` cannot be had for the pod gateway-"],
    );
}

#[test]
fn a_claim_that_no_volume_fits() {
    does_not_bind(
        "",
        "the claim `data`: no persistent volumes available for this claim",
    );
}

#[test]
fn a_claim_that_names_a_volume_which_is_not_there() {
    does_not_bind(
        "volumeName: nowhere, ",
        "the claim `data` names the volume `nowhere`, which does not exist",
    );
}

fn does_not_bind(named: &str, why: &str) {
    let mut files = with(&[]);
    let (_, text) = files
        .iter_mut()
        .find(|(name, _)| name == JOBMANAGERS)
        .unwrap();
    text.push_str(&beside("{containers: [{name: s3, image: \"flink:2.3.0-scala_2.12-java17\", imagePullPolicy: IfNotPresent}], volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]}"));
    text.push_str(&format!("---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data, namespace: flink}}\nspec: {{{named}accessModes: [ReadWriteMany], storageClassName: standard, resources: {{requests: {{storage: 1Gi}}}}}}\n"));
    tells(
        &files,
        "pod-unscheduled",
        &["No node can take the pod gateway-", why],
    );
}
