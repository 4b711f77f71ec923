//! Labs that cannot come up, by their own files: what is told of each, and the word that it is told
//! at.

#![allow(clippy::unwrap_used)]

use crate::Lab;
use flinklab_base::advice::Invocation;

/// `file: what stands there → what is written instead`.
type Change<'a> = (&'a str, &'a str, &'a str);

fn with(lab: &str, changes: &[Change<'_>]) -> String {
    let mut files = Lab::open(lab).unwrap().files;
    for (file, from, to) in changes {
        let (_, text) = files.iter_mut().find(|(name, _)| name == file).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        *text = text.replace(from, to);
    }
    let fault = match Lab::from_files(files.clone(), "") {
        Ok(_) => return "fine".to_owned(),
        Err(fault) => fault,
    };
    let place = fault.place.clone().expect("a place");
    let (_, text) = files.iter().find(|(name, _)| *name == place.file).unwrap();
    let line = text.lines().nth(place.line - 1).unwrap();
    let from: String = line.chars().skip(place.column - 1).collect();
    let word = from.split([',', ' ', ']', '}']).next().unwrap();
    let hint = Invocation::default().advise(&fault.hint);
    format!(
        "{} [{word}] {} ({}) → {hint}",
        place.file, fault.what, fault.why
    )
}

fn changed(changes: &[Change<'_>]) -> String {
    with("default", changes)
}

/// Each change by itself, with the beginning of what is told.
fn each(all: &[(Change<'_>, &str)]) {
    for (change, expected) in all {
        let told = changed(&[*change]);
        assert!(told.starts_with(expected), "{change:?}\n{told}\n{expected}");
    }
}

const JOBMANAGERS: &str = "50-jobmanagers.yaml";
const CONFIG: &str = "40-config.yaml";
const ARGS: &str = "args: [\"jobmanager\", \"-D\", \"jobmanager.rpc.address=$(POD_IP)\"]";
const MOUNT: &str =
    "            - {name: config, mountPath: /opt/flink/conf/config.yaml, subPath: config.yaml}\n";

/// Seen refused, each for what is not so: an image that counts its own versions, a variable that
/// Kubernetes fills in, and a comment of a script.
#[test]
fn what_only_looks_like_a_mistake_is_none() {
    let image = "flink:2.3.0-scala_2.12-java17";
    for tag in [
        "my-flink:1.4.2",
        "acme/flink-job:1.16.0",
        "r.local:5000/f:0.1.0",
    ] {
        let files = ["lab.yaml", JOBMANAGERS, "60-taskmanagers.yaml"];
        let own: Vec<Change<'_>> = files.iter().map(|file| (*file, image, tag)).collect();
        assert_eq!(changed(&own), "fine", "{tag}");
    }
    let variable = ARGS.replace(
        "$(POD_IP)\"]",
        "$(POD_IP)\", \"-Dkubernetes.namespace=$(NS)\"]",
    );
    assert_eq!(changed(&[(JOBMANAGERS, ARGS, &variable)]), "fine");
    let script = "command: [\"sh\", \"-c\"]\n          args:\n            - |\n              \
        # not standalone-job here\n              \
        exec /docker-entrypoint.sh jobmanager -D jobmanager.rpc.address=$(POD_IP)";
    assert_eq!(changed(&[(JOBMANAGERS, ARGS, script)]), "fine");
}

/// `down` must not fail for a check that is newer than the lab.
#[test]
fn a_lab_that_was_built_is_read_whatever_is_checked_now() {
    for name in crate::built_in_names() {
        let sound = Lab::open(name).unwrap();
        assert_eq!(
            Lab::built(sound.files.clone(), "").unwrap(),
            sound,
            "{name}"
        );
    }
    let sound = Lab::open("default").unwrap();
    for (file, from, to) in [
        ("lab.yaml", "parallelism: 2", "parallelism: 40"),
        (JOBMANAGERS, "replicas: 2", "replicas: 0"),
        (
            "kind.yaml",
            "hostPort: 0",
            "hostPort: 6443\n        listenAddress: 0.0.0.0",
        ),
    ] {
        let mut files = sound.files.clone();
        let (_, text) = files.iter_mut().find(|(name, _)| name == file).unwrap();
        assert!(text.contains(from), "{file}");
        *text = text.replace(from, to);
        if file == "kind.yaml" {
            *text = text.replace("        listenAddress: 127.0.0.1\n", "");
        }
        assert!(Lab::from_files(files.clone(), "").is_err(), "{file}");
        assert_eq!(Lab::built(files, "").unwrap().name, "default", "{file}");
    }
}

#[test]
fn workloads_that_take_no_part() {
    each(&[
        (
            (JOBMANAGERS, "replicas: 2", "replicas: 0"),
            "50-jobmanagers.yaml [0] There would be no JobManager: `replicas` is 0.",
        ),
        (
            (
                "60-taskmanagers.yaml",
                "args: [\"taskmanager\"",
                "args: [\"taskmanager\", \"-Dhigh-availability.type=none\"",
            ),
            "60-taskmanagers.yaml [\"-Dhigh-availability.type=none\"] High availability is off for the TaskManagers: `high-availability.type` is `none`.",
        ),
        (
            (
                "60-taskmanagers.yaml",
                "args: [\"taskmanager\"",
                "args: [\"taskmanager\", \"-Dhigh-availability.type=default\"",
            ),
            "60-taskmanagers.yaml [\"-Dhigh-availability.type=default\"] `high-availability.type` cannot be `default`.",
        ),
    ]);
}

#[test]
fn a_job_that_asks_for_more_slots_than_there_are() {
    each(&[
        (
            ("lab.yaml", "parallelism: 2", "parallelism: 40"),
            "lab.yaml [40] The job asks for 40 slots, there are 4. (2 TaskManagers of 2) → Write `parallelism: 4` or less",
        ),
        (("lab.yaml", "parallelism: 2", "parallelism: 4"), "fine"),
        (
            ("60-taskmanagers.yaml", "replicas: 2", "replicas: 0"),
            "lab.yaml [2] The job asks for 2 slots, there are 0. (0 TaskManagers of 2)",
        ),
        ((CONFIG, "taskmanager.numberOfTaskSlots: 2", ""), "fine"),
    ]);
    let more = ("lab.yaml", "parallelism: 2", "parallelism: 6");
    let slots = (
        "60-taskmanagers.yaml",
        "\"-D\", \"taskmanager.host=$(POD_IP)\"",
        "\"-D\", \"taskmanager.numberOfTaskSlots=3\", \"-D\", \"taskmanager.host=$(POD_IP)\"",
    );
    assert_eq!(changed(&[more, slots]), "fine");
    let adapts = (
        CONFIG,
        "state.backend.type: hashmap",
        "jobmanager.scheduler: adaptive",
    );
    assert_eq!(changed(&[more, adapts]), "fine");
    // What the image brings along is not known.
    let unknown = ("60-taskmanagers.yaml", MOUNT, "");
    assert_eq!(changed(&[more, unknown]), "fine");
}

#[test]
fn another_cluster_id_by_the_arguments_or_the_environment() {
    let by_arguments = (
        JOBMANAGERS,
        ARGS,
        "args: [\"jobmanager\", \"-D\", \"jobmanager.rpc.address=$(POD_IP)\", \"-D\", \"kubernetes.cluster-id=other\"]",
    );
    let expected = "`kubernetes.cluster-id` is `other`, which does not fit to lab.yaml. (`flink.cluster-id` in lab.yaml says `flinklab`)";
    let told = changed(&[by_arguments]);
    assert!(
        told.starts_with("50-jobmanagers.yaml [\"kubernetes.cluster-id=other\"] "),
        "{told}"
    );
    assert!(told.contains(expected), "{told}");
    let in_one_word = (
        JOBMANAGERS,
        ARGS,
        "command: [bash, -c, 'exec /docker-entrypoint.sh jobmanager -Dkubernetes.cluster-id=other']",
    );
    assert!(changed(&[in_one_word]).contains(expected));
    // The arguments win over the file.
    let file = (
        CONFIG,
        "kubernetes.cluster-id: flinklab",
        "kubernetes.cluster-id: x",
    );
    let right = (
        JOBMANAGERS,
        ARGS,
        "args: [\"jobmanager\", \"-D\", \"jobmanager.rpc.address=$(POD_IP)\", \"-D\", \"kubernetes.cluster-id=flinklab\"]",
    );
    let told = changed(&[file, right]);
    assert!(
        told.starts_with("40-config.yaml [x] "),
        "of the TaskManagers: {told}"
    );

    let properties = (
        JOBMANAGERS,
        "          env:\n",
        "          env:\n            - name: FLINK_PROPERTIES\n              value: |\n                high-availability.type: kubernetes\n                kubernetes.cluster-id: other\n",
    );
    let told = changed(&[properties]);
    assert!(
        told.contains("FLINK_PROPERTIES changes nothing here."),
        "the file is read-only: {told}"
    );
    let told = changed(&[properties, (JOBMANAGERS, MOUNT, "")]);
    assert!(
        told.starts_with("50-jobmanagers.yaml [kubernetes.cluster-id:] "),
        "{told}"
    );
    assert!(told.contains(expected), "{told}");
}

#[test]
fn high_availability_that_is_off_or_misspelt() {
    each(&[
        (
            (
                CONFIG,
                "high-availability.type: kubernetes",
                "high-availability.type: none",
            ),
            "40-config.yaml [none] High availability is off: `high-availability.type` is `none`.",
        ),
        (
            (
                CONFIG,
                "high-availability.type: kubernetes",
                "high-availability.type: kuberentes",
            ),
            "40-config.yaml [kuberentes] `high-availability.type` cannot be `kuberentes`.",
        ),
        (
            (
                CONFIG,
                "high-availability.type: kubernetes",
                "high-availability.type: zookeeper",
            ),
            "40-config.yaml [zookeeper] `high-availability.type` cannot be `zookeeper`.",
        ),
        (
            (CONFIG, "high-availability.type: kubernetes", ""),
            "40-config.yaml [#] High availability is off: no option turns it on.",
        ),
        (
            (
                CONFIG,
                "high-availability.type: kubernetes",
                "high-availability: KUBERNETES",
            ),
            "fine",
        ),
        (
            (CONFIG, "kubernetes.cluster-id: flinklab", ""),
            "40-config.yaml [kubernetes] `kubernetes.cluster-id` is missing.",
        ),
        (
            (
                CONFIG,
                "high-availability.storageDir: file:///flink-shared/ha",
                "",
            ),
            "40-config.yaml [kubernetes] `high-availability.storageDir` is missing.",
        ),
        // The image may say what no manifest says.
        ((JOBMANAGERS, MOUNT, ""), "fine"),
    ]);
    let short = (
        "30-config.yaml",
        "high-availability: org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory",
        "high-availability: kubernetes",
    );
    let told = with("article", &[short]);
    assert!(
        told.contains("does not know `kubernetes` as `high-availability`"),
        "{told}"
    );
    let new = (
        "30-config.yaml",
        "high-availability: org.apache",
        "high-availability.type: org.apache",
    );
    let told = with("article", &[new]);
    assert!(
        told.contains("`high-availability.type` is not read by this version"),
        "{told}"
    );
}

#[test]
fn jobmanagers_that_share_an_address() {
    let shared = "jobmanager.rpc.address: flink-jobmanager\n    state.backend.type: hashmap";
    let file = (CONFIG, "state.backend.type: hashmap", shared);
    assert_eq!(changed(&[file]), "fine", "the arguments win");
    let bare = (JOBMANAGERS, ARGS, "args: [jobmanager]");
    let told = changed(&[file, bare]);
    assert!(
        told.contains("2 JobManagers share the address `flink-jobmanager`."),
        "{told}"
    );
    let alone = (JOBMANAGERS, "replicas: 2", "replicas: 1");
    assert_eq!(changed(&[file, bare, alone]), "fine");
    let host = (JOBMANAGERS, ARGS, "args: [jobmanager, $(POD_IP)]");
    assert_eq!(
        changed(&[file, host]),
        "fine",
        "as Flink's documentation has it"
    );
}

#[test]
fn a_cluster_that_takes_no_jobs() {
    each(&[
        (
            (
                CONFIG,
                "web.refresh-interval: 500",
                "web.submit.enable: false",
            ),
            "40-config.yaml [false] `web.submit.enable` is `false`, so Flink takes no job over REST.",
        ),
        (
            (
                JOBMANAGERS,
                "args: [\"jobmanager\"",
                "args: [\"standalone-job\"",
            ),
            "lab.yaml [/opt/flink/examples/streaming/StateMachineExample.jar] `job.jar` has no effect: the JobManagers bring their job along.",
        ),
    ]);
    let job = (
        JOBMANAGERS,
        "apiVersion: apps/v1\nkind: Deployment",
        "apiVersion: batch/v1\nkind: Job",
    );
    let wait = (
        "lab.yaml",
        "{file: 50-jobmanagers.yaml, wait: {kind: rollout, within: 3m}}",
        "{file: 50-jobmanagers.yaml}",
    );
    let told = changed(&[job, wait]);
    assert!(
        told.starts_with(
            "50-jobmanagers.yaml [Job] The JobManager is a Job `flink-jobmanager`, which ends with its job."
        ),
        "{told}"
    );
}

#[test]
fn images_that_the_kubelet_would_pull_anew() {
    each(&[
        (
            (
                JOBMANAGERS,
                "imagePullPolicy: IfNotPresent",
                "imagePullPolicy: Always",
            ),
            "50-jobmanagers.yaml [Always] `Always` has the image `flink:2.3.0-scala_2.12-java17` pulled anew.",
        ),
        (
            (
                JOBMANAGERS,
                "imagePullPolicy: IfNotPresent",
                "imagePullPolicy: Never",
            ),
            "fine",
        ),
        ((JOBMANAGERS, "imagePullPolicy: IfNotPresent", ""), "fine"),
    ]);
    let latest = |file| (file, "flink:2.3.0-scala_2.12-java17", "mine/flink:latest");
    let all = [
        latest("lab.yaml"),
        latest(JOBMANAGERS),
        latest("60-taskmanagers.yaml"),
    ];
    assert_eq!(changed(&all), "fine");
    let bare = (JOBMANAGERS, "imagePullPolicy: IfNotPresent", "");
    let told = changed(&[all[0], all[1], all[2], bare]);
    assert!(
        told.contains(
            "The image `mine/flink:latest` has no pull policy, which means `Always` here."
        ),
        "{told}"
    );
}

#[test]
fn claims_on_another_folder() {
    let unbound = ("30-storage.yaml", "  volumeName: flink-shared", "");
    assert_eq!(
        changed(&[unbound]),
        "fine",
        "class and modes fit the volume"
    );
    let usual = (
        "30-storage.yaml",
        "  accessModes: [ReadWriteMany]\n  storageClassName: flink-shared\n  volumeName: flink-shared",
        "  accessModes: [ReadWriteOnce]\n  storageClassName: standard\n",
    );
    let told = changed(&[usual]);
    assert!(
        told.contains("The claim `flink-shared` gets a folder of its own, not the shared folder."),
        "{told}"
    );
    let templates = (
        "60-taskmanagers.yaml",
        "      volumes:\n        - name: shared\n          persistentVolumeClaim: {claimName: flink-shared}\n",
        "      volumes:\n",
    );
    let set = |volume: &str| {
        let text = format!(
            "kind: StatefulSet\nmetadata:\n  name: flink-taskmanager\n  namespace: flink\nspec:\n  volumeClaimTemplates:\n    - metadata: {{name: {volume}}}\n      spec: {{accessModes: [ReadWriteOnce]}}"
        );
        Box::leak(text.into_boxed_str()) as &str
    };
    const DEPLOYMENT: &str =
        "kind: Deployment\nmetadata:\n  name: flink-taskmanager\n  namespace: flink\nspec:";
    let told = changed(&[
        templates,
        ("60-taskmanagers.yaml", DEPLOYMENT, set("shared")),
    ]);
    assert!(
        told.contains("The claim `shared` gets a folder of its own"),
        "{told}"
    );
    // For anything else it is as good as any other volume.
    let local = (
        "60-taskmanagers.yaml",
        "            - {name: shared, mountPath: /flink-shared}\n",
        "            - {name: shared, mountPath: /flink-shared}\n            - {name: local, mountPath: /local}\n",
    );
    let told = changed(&[local, ("60-taskmanagers.yaml", DEPLOYMENT, set("local"))]);
    assert_eq!(told, "fine");
}

#[test]
fn accounts_that_may_not_read_config_maps() {
    let verbs = "verbs: [get, list, watch, create, update, patch, delete]";
    let access = "20-access.yaml";
    each(&[
        (
            (access, verbs, "verbs: [create, update, patch, delete]"),
            "20-access.yaml [-] The account `flink` of the Deployment `flink-jobmanager` may not `get`, `list` and `watch` config maps.",
        ),
        (
            (access, verbs, "verbs: [get, list, watch, create, update]"),
            "fine",
        ),
        ((access, verbs, "verbs: ['*']"), "fine"),
        (
            (access, "resources: [configmaps]", "resources: [pods]"),
            "20-access.yaml [-] The account `flink` of the Deployment `flink-jobmanager` may not",
        ),
        (
            (access, "apiGroups: [\"\"]", "apiGroups: [apps]"),
            "20-access.yaml [-] The account `flink`",
        ),
        (
            (
                access,
                "  - kind: ServiceAccount\n    name: flink",
                "  - kind: ServiceAccount\n    name: other",
            ),
            "50-jobmanagers.yaml [flink] The account `flink` of the Deployment `flink-jobmanager` may not `get`, `list`, `watch`, `create` and `update` config maps.",
        ),
    ]);
    let role = "  kind: Role\n  name: flink\nsubjects";
    for (name, expected) in [
        ("edit", "fine"),
        (
            "view",
            "50-jobmanagers.yaml [flink] The account `flink` of the Deployment `flink-jobmanager` may not `create` and `update` config maps.",
        ),
        ("mine-of-elsewhere", "fine"),
    ] {
        let other = format!("  kind: ClusterRole\n  name: {name}\nsubjects");
        let told = changed(&[(access, role, &other)]);
        assert!(told.starts_with(expected), "{name}: {told}");
    }
}

/// The lab in application mode with these changes.
fn of_an_application(changes: &[Change<'_>]) -> String {
    with("application", changes)
}

#[test]
fn who_brings_the_job_along_is_said_the_same_everywhere() {
    let session = (
        JOBMANAGERS,
        "            - standalone-job\n",
        "            - jobmanager\n",
    );
    let told = of_an_application(&[session]);
    assert!(
        told.starts_with("lab.yaml [application] `job.mode` is `application`, but `jobmanager` starts a JobManager that takes jobs over REST. (`jobmanager` stands in 50-jobmanagers.yaml line"),
        "{told}"
    );
    let said = ("lab.yaml", "mode: application", "mode: session");
    let told = of_an_application(&[said]);
    assert!(
        told.starts_with("lab.yaml [session] `job.mode` is `session`, but `standalone-job` starts a JobManager that runs one job of its own."),
        "{told}"
    );
    // Left out, the manifest says it.
    let unsaid = (
        "lab.yaml",
        "  mode: application # as the manifest says too: JobManagers are started as `standalone-job`\n",
        "",
    );
    assert_eq!(of_an_application(&[unsaid]), "fine");
    let wrong = ("lab.yaml", "mode: application", "mode: aplication");
    let told = of_an_application(&[wrong]);
    assert!(told.contains("Did you mean `application`?"), "{told}");
}

#[test]
fn a_job_says_what_is_needed_for_it_and_no_more() {
    let parallelism = "  parallelism: 2 # `parallelism.default` in 50-jobmanagers.yaml\n";
    for word in ["jar: /opt/a.jar", "class: a.B", "arguments: [x]"] {
        let more = format!("{parallelism}  {word}\n");
        let told = of_an_application(&[("lab.yaml", parallelism, &more)]);
        let key = word.split(':').next().unwrap();
        assert!(
            told.contains(&format!(
                "`job.{key}` has no effect: the JobManagers bring their job along."
            )),
            "{told}"
        );
    }
    let told = of_an_application(&[("lab.yaml", "  parallelism: 2 #", "  parallelism: 3 #")]);
    assert!(
        told.starts_with(
            "lab.yaml [3] `job.parallelism` is 3, and the JobManagers start the job with 2."
        ),
        "{told}"
    );
    let class = "  class: org.apache.flink.streaming.examples.statemachine.StateMachineExample\n";
    let told = changed(&[("lab.yaml", class, "")]);
    assert!(told.contains("`job.class` is missing."), "{told}");
}

#[test]
fn jobmanagers_of_an_application_that_could_not_be_started_for_a_history() {
    let job = (
        JOBMANAGERS,
        "apiVersion: apps/v1\nkind: Deployment",
        "apiVersion: batch/v1\nkind: Job",
    );
    let wait = (
        "lab.yaml",
        "{file: 50-jobmanagers.yaml, wait: {kind: rollout, within: 3m}}",
        "{file: 50-jobmanagers.yaml}",
    );
    let told = of_an_application(&[job, wait]);
    assert!(
        told.starts_with("50-jobmanagers.yaml [Job] The JobManager is a Job `flink-jobmanager`, whose pods cannot be changed or scaled."),
        "{told}"
    );
    let native = (
        JOBMANAGERS,
        "            - standalone-job\n",
        "            - kubernetes-application\n",
    );
    let told = of_an_application(&[native]);
    assert!(
        told.contains("`kubernetes-application` starts a JobManager that asks Kubernetes for its TaskManagers."),
        "{told}"
    );
}
