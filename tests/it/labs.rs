//! The built-in lab with one small change each, and what a person is told about it. One line a
//! case: the change, then place, what, why and hint as they are printed.

use flinklab_base::advice::Invocation;
use flinklab_base::fault::{Fault, Kind};
use flinklab_lab::Lab;
use flinklab_verb::VERBS;
use std::fmt::Write as _;
use std::path::Path;

/// `file: what stands there → what is written instead`.
type Change<'a> = (&'a str, &'a str, &'a str);

fn files() -> Vec<(String, String)> {
    Lab::open("default").unwrap().files
}

/// Without lines of comments, so that rewording one moves no place in this file.
fn bare() -> Vec<(String, String)> {
    let is_comment = |line: &&str| line.trim_start().starts_with('#');
    let bare = |text: String| {
        let lines = text.split_inclusive('\n').filter(|line| !is_comment(line));
        lines.collect::<String>()
    };
    files()
        .into_iter()
        .map(|(name, text)| (name, bare(text)))
        .collect()
}

fn changed(changes: &[Change<'_>]) -> Result<Lab, Fault> {
    let mut files = bare();
    for (file, from, to) in changes {
        let text = files
            .iter_mut()
            .find(|(name, _)| name == file)
            .map(|(_, text)| text)
            .unwrap_or_else(|| panic!("no {file}"));
        assert!(text.contains(from), "{file} has no {from:?}");
        *text = text.replacen(from, to, 1);
    }
    Lab::from_files(files, "")
}

fn told(result: Result<Lab, Fault>) -> String {
    let fault = match result {
        Ok(_) => return "fine".to_owned(),
        Err(fault) => fault,
    };
    assert_eq!(fault.kind, Kind::Wrong);
    let place = fault.place.clone().expect("a place");
    assert!(
        place.line > 0 && place.column > 0,
        "no line or column: {fault:?}"
    );
    let mut text = fault.to_string();
    if !fault.hint.is_empty() {
        let _ = write!(text, " → {}", Invocation::default().advise(&fault.hint));
    }
    text
}

/// What is told about each change, one line each.
fn each(changes: &[Change<'_>]) -> String {
    changes.iter().fold(String::new(), |mut all, change| {
        let _ = writeln!(all, "{}", told(changed(&[*change])));
        all
    })
}

#[test]
fn the_built_in_labs_are_right() {
    for name in flinklab_lab::built_in_names() {
        let lab = Lab::open(name).unwrap();
        assert!(lab.unlisted.is_empty());
        assert_eq!(lab.hash.len(), 64);
        assert_eq!(lab.name, name);
        let map = if name.starts_with("article") {
            "beam-flink-cluster-cluster-config-map"
        } else {
            "flinklab-cluster-config-map"
        };
        assert_eq!(lab.cluster_map(), map);
        let version = match name {
            "flink-1.20" => "1.20.5",
            "article" | "article-standby" => "1.15.2",
            "flink-2.2" => "2.2.1",
            _ => "2.3.0",
        };
        assert_eq!(lab.flink_version(), Some(version), "{name}");
    }
}

/// What differs between the labs is what their heads say, and nothing else.
#[test]
fn labs_that_stand_on_another_differ_in_what_they_name() {
    let files = |name: &str| {
        let lab = Lab::open(name).unwrap();
        let code = |text: &str| {
            let lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let all = lab
            .files
            .iter()
            .filter(|(file, _)| !file.ends_with(".jar"))
            .map(|(file, text)| (file.clone(), code(text)));
        all.collect::<std::collections::BTreeMap<_, _>>()
    };
    let mut all = String::new();
    for (name, base) in [
        ("flink-2.2", "default"),
        ("flink-1.20", "default"),
        ("fast-failover", "default"),
        ("rocksdb", "default"),
        ("exactly", "default"),
        ("application", "default"),
        ("article-standby", "article"),
    ] {
        let (own, below) = (files(name), files(base));
        assert!(own.keys().eq(below.keys()));
        for (file, lines) in &own {
            for line in lines.iter().filter(|line| !below[file].contains(line)) {
                let _ = writeln!(all, "{name}/{file}: {}", line.trim());
            }
        }
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_folder_may_stand_on_the_folder_beside_it() {
    const FAST: &str = "\
# Quick.
name: fast
base: default
options:
  high-availability.kubernetes.leader-election.lease-duration: 6 s
  high-availability.kubernetes.leader-election.renew-deadline: 5 s
  high-availability.kubernetes.leader-election.retry-period: 1 s
  execution.checkpointing.interval: 1 s
first: [jm-crash]
";
    let folder = tempfile::tempdir().unwrap();
    let write = |below: &str, text: &str| {
        std::fs::create_dir_all(folder.path().join(below)).unwrap();
        std::fs::write(folder.path().join(below).join("lab.yaml"), text).unwrap();
    };
    write("fast", FAST);
    write(
        "faster",
        "name: faster\nbase: ../fast\noptions: {execution.checkpointing.interval: 500 ms}\n",
    );
    let lab = Lab::read(&folder.path().join("faster")).unwrap();
    let options = lab.flink_options();
    assert_eq!(options["execution.checkpointing.interval"], "500 ms");
    assert_eq!(
        options["high-availability.kubernetes.leader-election.retry-period"],
        "1 s"
    );
    assert_eq!(lab.first, ["jm-crash"]);
    write("circle", "name: a\nbase: ../circle\n");
    let fault = Lab::read(&folder.path().join("circle")).unwrap_err();
    assert_eq!(fault.what, "The labs stand on each other in a circle.");
}

#[test]
fn times_of_the_election_that_cannot_work_are_told() {
    const ELECTION: &str =
        "kubernetes.namespace: flink\n    high-availability.kubernetes.leader-election";
    let set = |lines: &str| {
        let lines = lines.replace("; ", "\n    high-availability.kubernetes.leader-election");
        told(changed(&[(
            "40-config.yaml",
            "kubernetes.namespace: flink",
            &format!("{ELECTION}{lines}"),
        )]))
    };
    let mut all = String::new();
    for lines in [
        ".lease-duration: 10 s",
        ".lease-duration: 10 s; .renew-deadline: 10 s",
        ".renew-deadline: 20 s",
        ".renew-deadline: 5 s",
        ".retry-period: 15 s",
    ] {
        let _ = writeln!(all, "{}", set(lines));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn wrong_words_in_lab_yaml() {
    insta::assert_snapshot!(each(&[
        ("lab.yaml", "name: default", "nam: default"),
        ("lab.yaml", "name: default", "name: My Lab"),
        ("lab.yaml", "name: default", ""),
        ("lab.yaml", "name: default", "name:"),
        ("lab.yaml", "name: default", "name: default\nname: other"),
        ("lab.yaml", "name: default", "cluster: {}\nname: default"),
        ("lab.yaml", "kind: rollout", "kind: rolout"),
        ("lab.yaml", "kind: rollout, within: 3m", "kind: rollout, witin: 3m"),
        ("lab.yaml", "kind: rollout, within: 3m", "kind: rollout, within: 3"),
        ("lab.yaml", "kind: rollout, within: 3m", "kind: rollout, within: 0s"),
        ("lab.yaml", "kind: rollout, within: 3m", "kind: rollout"),
        ("lab.yaml", "port: 8081", "port: 80810"),
        ("lab.yaml", "port: 8081", "port: http"),
        ("lab.yaml", "port: 8081", "port: \"8081\""),
        ("lab.yaml", "port: 8081", "port: 0"),
        ("lab.yaml", "node-port: 30081", "nodeport: 30081"),
        ("lab.yaml", "node-port: 30081", "node-port: 8081"),
        ("lab.yaml", "mount: /flink-shared", "mount: flink-shared"),
        ("lab.yaml", "ha: ha/flinklab", "ha: ../ha"),
        ("lab.yaml", "savepoints: savepoints", "savepoints: checkpoints/savepoints"),
        ("lab.yaml", "cluster-id: flinklab", "cluster-id: Flink_Lab"),
        ("lab.yaml", "selector: component=jobmanager", "selector: component jobmanager"),
        ("lab.yaml", "selector: component=jobmanager", "selector: component=taskmanager"),
        ("lab.yaml", "taskmanager: {", "taskManager: {"),
        ("lab.yaml", "parallelism: 2", "parallelism: two"),
        ("lab.yaml", "parallelism: 2", "parallelism: 0"),
        ("lab.yaml", "parallelism: 2", "parallelism: -1"),
        ("lab.yaml", "[--rps, \"10\"]", "--fast"),
        ("lab.yaml", " [--rps, \"10\"]", ""),
        ("lab.yaml", "StateMachineExample.jar", "StateMachineExample"),
        ("lab.yaml", "calm: 1s", "calm: often"),
        ("lab.yaml", "calm: 1s", "calm: 100ms"),
        ("lab.yaml", "trouble: 250ms", "trouble: 1ms"),
        ("lab.yaml", "images: [\"flink:2.3.0", "images: [\"flink\", \"flink:2.3.0"),
        ("lab.yaml", "images: [\"flink:2.3.0", "images: [\"Flink:2.2.1"),
        ("lab.yaml", "images: [\"flink:", "images: \"flink:"),
        ("lab.yaml", "images: [", "images: [["),
    ]), @r#"
    lab.yaml:1:1: Unknown word `nam`. (known there: `name`, `about`, `images`, `apply`, `flink`, `roles`, `job`, `polls`, `first` and `failures`) → Did you mean `name`?
    lab.yaml:1:7: `name` cannot be `My Lab`. (lower-case letters, digits, `-` and `.`, at most 63, beginning and ending with a letter or digit)
    lab.yaml:2:1: `name` is missing.
    lab.yaml:1:5: `name` must be a text, but it is empty.
    lab.yaml:2:1: The key `name` is there twice. (first in line 1) → Remove one of the two.
    lab.yaml:1:1: Unknown word `cluster`. (known there: `name`, `about`, `images`, `apply`, `flink`, `roles`, `job`, `polls`, `first` and `failures`)
    lab.yaml:9:46: `apply[4].wait.kind` cannot be `rolout`. (it may be `rollout`) → Did you mean `rollout`?
    lab.yaml:9:55: Unknown word `witin` in `apply[4].wait`. (known there: `kind` and `within`) → Did you mean `within`?
    lab.yaml:9:63: `apply[4].wait.within` is wrong: `3` is no duration; write a number and a unit, such as `250ms`, `3m` or `1m 30s`.
    lab.yaml:9:63: `apply[4].wait.within` must be longer than nothing.
    lab.yaml:9:39: `apply[4].wait.within` is missing.
    lab.yaml:14:16: `flink.rest.port` must be a whole number from 0 to 65535, but it is `80810`.
    lab.yaml:14:16: `flink.rest.port` must be a whole number from 0 to 65535, but it is `http`.
    lab.yaml:14:16: `flink.rest.port` must be a whole number from 0 to 65535, but it is the text `8081`.
    lab.yaml:14:16: `flink.rest.port` cannot be 0.
    lab.yaml:14:22: Unknown word `nodeport` in `flink.rest`. (known there: `port` and `node-port`) → Did you mean `node-port`?
    lab.yaml:14:33: `flink.rest.node-port` cannot be 8081. (node ports are 30000 to 32767)
    lab.yaml:15:10: `flink.mount` cannot be `flink-shared`. (a path in the pods that begins with `/`, is not `/` itself and has no `..`)
    lab.yaml:16:17: `flink.folders.ha` cannot be `../ha`. (a path below the shared folder, without a leading or trailing `/` and without `..`)
    lab.yaml:16:68: `flink.folders.savepoints` and `flink.folders.checkpoints` are not apart. (each is looked through by itself)
    lab.yaml:13:15: `flink.cluster-id` cannot be `Flink_Lab`. (lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit)
    lab.yaml:18:26: `roles.jobmanager.selector` cannot be `component jobmanager`. (labels are written `key=value`, more of them with commas)
    lab.yaml:19:27: Both roles have the same selector. (no pod could be told from another)
    lab.yaml:19:3: Unknown word `taskManager` in `roles`. (known there: `jobmanager` and `taskmanager`) → Did you mean `taskmanager`?
    lab.yaml:25:16: `job.parallelism` must be a whole number from 0 to 4294967295, but it is `two`.
    lab.yaml:25:16: `job.parallelism` must be 1 or more.
    lab.yaml:25:16: `job.parallelism` must be a whole number from 0 to 4294967295, but it is `-1`.
    lab.yaml:24:14: `job.arguments` must be a list, but it is `--fast`.
    lab.yaml:24:12: `job.arguments` must be a list, but it is empty.
    lab.yaml:22:8: `job.jar` cannot be `/opt/flink/examples/streaming/StateMachineExample`. (the path of a `.jar` in the image, from `/` on)
    lab.yaml:26:15: `polls.calm` is wrong: `often` is no duration; write a number and a unit, such as `250ms`, `3m` or `1m 30s`.
    lab.yaml:26:31: `polls.trouble` must not be longer than `polls.calm`. (trouble is looked at more closely)
    lab.yaml:26:28: `polls.trouble` must be 100 ms or more.
    lab.yaml:3:10: The image `flink` has no tag. (without one it is `latest`, which the kubelet pulls anew each time) → Name a version.
    lab.yaml:3:10: `images[0]` cannot be `Flink:2.2.1-scala_2.12-java17`. (an image is named like `flink:2.2.1`, its repository in lower case)
    lab.yaml:3:40: Something follows the closing quote. → Inside double quotes, a double quote is written `\"`.
    lab.yaml:4:6: A `:` stands where no key can be. → Is a `[` or `{` before it not closed?
    "#);
}

#[test]
fn failures_of_a_lab() {
    const OWN: &str = "failures:\n  - {key: jm-twice, title: t, story: s., teaches: t., \
                       hits: leader, steps: [kill], expect: {leadership: new-epoch, restore: newest, restarts: target, within: 60s}}";
    let with = |from, to| {
        let own: &'static str = Box::leak(OWN.replacen(from, to, 1).into_boxed_str());
        told(changed(&[("lab.yaml", "failures: []", own)]))
    };
    let first = |to| told(changed(&[("lab.yaml", "first: []", to)]));
    // The verbs are listed in full; which there are is no concern of this picture.
    let verbs: Vec<String> = VERBS
        .iter()
        .map(|verb| format!("`{}`", verb.key()))
        .collect();
    let (last, others) = verbs.split_last().unwrap();
    let verbs = format!("{} or {last}", others.join(", "));
    insta::assert_snapshot!([
        with("", ""),
        with("jm-twice", "jm-crash"),
        with("jm-twice", "JM Twice"),
        with("[kill]", "[]"),
        with("[kill]", "[kil]"),
        with("[kill]", "[freeze]"),
        with("[kill]", "[freeze], for: 35"),
        with("[kill]", "[freeze], for: 6m"),
        with("[kill]", "[scale-to-zero], for: 20s"),
        with("hits: leader", "hits: leeder"),
        with("within: 60s", "within: 3s"),
        with("within: 60s", "within: 60s, fails: [hit]"),
        with(", within: 60s", ""),
        with("story: s.", "storry: s."),
        with("story: s.", "story: s"),
        first("first: [jm-crash, tm-stop]"),
        first("first: [jm-crash, jm-crsh]"),
        first("first: [jm-crash, jm-crash]"),
    ].join("\n").replace(&verbs, "VERBS"), @r#"
    fine
    lab.yaml:29:11: The failure `jm-crash` is built in already. → Choose another key.
    lab.yaml:29:11: `failures[0].key` cannot be `JM Twice`. (lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit)
    lab.yaml:29:76: The failure `jm-twice` does nothing.
    lab.yaml:29:77: `failures[0].steps[0]` cannot be `kil`. (it may be VERBS) → Did you mean `kill`?
    lab.yaml:29:5: It stays until it is undone: say `for` how long.
    lab.yaml:29:91: `failures[0].for` is wrong: `35` is no time in whole seconds; write it like `35s` or `1m 30s`.
    lab.yaml:29:91: Nothing may stay broken for longer than 300 s.
    lab.yaml:29:61: `scale-to-zero` cannot be done to what it hits.
    lab.yaml:29:61: `failures[0].hits` cannot be `leeder`. (it may be `leader`, `standby`, `busy-task-manager`, `all-jobmanagers`, `api-server`, `role`, `checkpoint-folder` or `worker`) → Did you mean `leader`?
    lab.yaml:29:159: A time budget lies between 5 s and 300 s.
    lab.yaml:29:171: A failure that should not hit shows nothing.
    lab.yaml:29:92: `failures[0].expect.within` is missing.
    lab.yaml:29:31: Unknown word `storry` in `failures[0]`. (known there: `key`, `title`, `story`, `teaches`, `needs`, `hits`, `steps`, `for`, `aftershock` and `expect`) → Did you mean `story`?
    lab.yaml:29:38: `story` is told in sentences; end it with a full stop.
    fine
    lab.yaml:27:19: There is no failure `jm-crsh`. → Did you mean `jm-crash`?
    lab.yaml:27:19: `jm-crash` is there twice.
    "#);
}

#[test]
fn wrong_words_in_kind_yaml() {
    insta::assert_snapshot!(each(&[
        ("kind.yaml", "v1alpha4", "v1alpha3"),
        ("kind.yaml", "kind: Cluster", "kind: Clutser"),
        ("kind.yaml", "kind: Cluster", "kind: Cluster\nname: mine"),
        ("kind.yaml", "nodes:", "node:"),
        ("kind.yaml", "role: control-plane", "role: control-plan"),
        ("kind.yaml", "role: control-plane", "role: worker"),
        ("kind.yaml", "nodes:", "nodes:\n  - {role: control-plane, image: \"kindest/node:v1.37.0\", extraMounts: [{hostPath: \"${LAB_SHARED}\", containerPath: /flink-shared}]}"),
        ("kind.yaml", "image: kindest", "imag: kindest"),
        ("kind.yaml", "image: kindest/node:v1.37.0", "labels: {a: b}"),
        ("kind.yaml", "extraMounts", "extraMount"),
        ("kind.yaml", "hostPath: ${LAB_SHARED}", "hostPath: /data"),
        ("kind.yaml", "hostPath: ${LAB_SHARED}", "hostPath: ${LAB_SHARED}/x"),
        ("kind.yaml", "hostPath: ${LAB_SHARED}", "hostPath: ${HOME}"),
        ("kind.yaml", "hostPath: ${LAB_SHARED}", "hostPath: ${LAB_SHARED}\n        readOnly: yes"),
        ("kind.yaml", "hostPath: ${LAB_SHARED}", "hostPath: ${LAB_SHARED}\n        readOnly: maybe"),
        ("kind.yaml", "hostPath: ${LAB_SHARED}", "hostPath: ${LAB_SHARED}\n        propagation: Bidrectional"),
        ("kind.yaml", "containerPath: /flink-shared", "containerPath: /flink-shared\n      - {hostPath: \"${LAB_SHARED}\", containerPath: /again}"),
        ("kind.yaml", "containerPath: /flink-shared", "containerPath: flink-shared"),
        ("kind.yaml", "containerPath: /flink-shared", "containerpath: /flink-shared"),
        ("kind.yaml", "listenAddress: 127.0.0.1", "listenAddress: 0.0.0.0"),
        ("kind.yaml", "        listenAddress: 127.0.0.1\n", ""),
        ("kind.yaml", "listenAddress: 127.0.0.1", "listenAddress: localhost"),
        ("kind.yaml", "hostPort: 0", "hostPort: -1"),
        ("kind.yaml", "hostPort: 0", "hostPort: 70000"),
        ("kind.yaml", "containerPort: 30081", "containerPort: 0"),
        ("kind.yaml", "protocol: TCP", "protocol: HTTP"),
        ("kind.yaml", "protocol: TCP", "protokoll: TCP"),
        ("kind.yaml", "apiServerAddress: 127.0.0.1", "apiServerAddress: 0.0.0.0"),
        ("kind.yaml", "apiServerAddress: 127.0.0.1", "ipFamily: ipv6"),
        ("kind.yaml", "apiServerAddress: 127.0.0.1", "ipFamily: ipv5"),
        ("kind.yaml", "apiServerAddress: 127.0.0.1", "podSubnet: 10.244.0.0"),
        ("kind.yaml", "apiServerAddress: 127.0.0.1", "kubeProxyMode: iptable"),
        ("kind.yaml", "apiServerAddress: 127.0.0.1", "disableDefaultCni: true"),
        ("kind.yaml", "hostPort: 0", "hostPort: 6443\n        listenAddress: 127.0.0.1\n      - containerPort: 80\n        hostPort: 6443"),
        ("kind.yaml", "kind: KubeletConfiguration", "kind: KubletConfiguration"),
        ("kind.yaml", "crashLoopBackOff:\n      max", "crashLoopBackOff:\n     [max"),
        ("kind.yaml", "kubeadmConfigPatches:", "kubeadmConfigPatchesJSON6902:\n  - {kind: KubeletConfiguration, group: kubelet.config.k8s.io, version: v1beta1, patch: '[{op: set, path: /a}]'}\nkubeadmConfigPatches:"),
        ("kind.yaml", "kubeadmConfigPatches:", "containerdConfigPatchesJSON6902: ['[{op: set}]']\nkubeadmConfigPatches:"),
        ("kind.yaml", "kubeadmConfigPatches:", "containerdConfigPatches:\n  - |\n    [debug]\n      level = warn\nkubeadmConfigPatches:"),
        ("kind.yaml", "      - hostPath: ${LAB_SHARED}", "      - {hostPath: data, containerPath: /data}\n      - hostPath: ${LAB_SHARED}"),
        ("kind.yaml", "networking:", "---\nnetworking:"),
    ]), @r#"
    kind.yaml:2:13: unknown apiVersion: kind.x-k8s.io/v1alpha3 → It must be `kind.x-k8s.io/v1alpha4`.
    kind.yaml:1:7: unknown kind Clutser for apiVersion: kind.x-k8s.io/v1alpha4 → It must be `Cluster`.
    kind.yaml:2:1: A lab's `kind.yaml` has no `name`. (`--name` decides, so that one definition makes several clusters) → Remove the line.
    kind.yaml:3:1: Unknown word `node`. (known there: `kind`, `apiVersion`, `nodes`, `networking`, `featureGates`, `runtimeConfig`, `kubeadmConfigPatches`, `kubeadmConfigPatchesJSON6902`, `containerdConfigPatches` and `containerdConfigPatchesJSON6902`) → Did you mean `nodes`?
    kind.yaml:4:11: `nodes[0].role` cannot be `control-plan`. (it may be `control-plane` or `worker`) → Did you mean `control-plane`?
    kind.yaml:4:3: must have at least one control-plane node
    kind.yaml:5:5: A lab has one control-plane node, this is the second. (a second would need kind's load balancer, and shows nothing about Flink) → Write `role: worker`.
    kind.yaml:5:5: Unknown word `imag` in `nodes[0]`. (known there: `role`, `image`, `labels`, `extraMounts`, `extraPortMappings`, `kubeadmConfigPatches` and `kubeadmConfigPatchesJSON6902`) → Did you mean `image`?
    kind.yaml:4:5: `nodes[0].image` is missing. (kind's default differs from version to version) → Name one, such as `kindest/node:v1.37.0`.
    kind.yaml:6:5: Unknown word `extraMount` in `nodes[0]`. (known there: `role`, `image`, `labels`, `extraMounts`, `extraPortMappings`, `kubeadmConfigPatches` and `kubeadmConfigPatchesJSON6902`) → Did you mean `extraMounts`?
    kind.yaml:4:5: `nodes[0]` does not mount the shared folder. (checkpoints and HA files are kept there, and looked at from outside) → Give it an extraMount with `hostPath: ${LAB_SHARED}`.
    kind.yaml:7:19: `nodes[0].extraMounts[0].hostPath` cannot be `${LAB_SHARED}/x`. (only `${LAB_SHARED}` by itself is filled in)
    kind.yaml:7:19: `nodes[0].extraMounts[0].hostPath` cannot be `${HOME}`. (only `${LAB_SHARED}` by itself is filled in)
    kind.yaml:8:19: The shared folder cannot be read-only. (Flink writes its checkpoints there)
    kind.yaml:8:19: `nodes[0].extraMounts[0].readOnly` must be `true` or `false`, but it is `maybe`.
    kind.yaml:8:22: Unknown MountPropagation: "Bidrectional" (it may be `None`, `HostToContainer` or `Bidirectional`) → Did you mean `Bidirectional`?
    kind.yaml:9:20: `${LAB_SHARED}` is mounted twice. (first as extraMounts[0])
    kind.yaml:8:24: `nodes[0].extraMounts[0].containerPath` cannot be `flink-shared`. (a path in the node, from `/` on)
    kind.yaml:8:9: Unknown word `containerpath` in `nodes[0].extraMounts[0]`. (known there: `containerPath`, `hostPath`, `readOnly`, `selinuxRelabel` and `propagation`) → Did you mean `containerPath`?
    kind.yaml:12:24: `nodes[0].extraPortMappings[0].listenAddress` is 0.0.0.0, which others can reach. (whoever reaches the API server or Flink's REST can run code on this machine) → Write `listenAddress: 127.0.0.1`.
    kind.yaml:10:9: `nodes[0].extraPortMappings[0]` has no `listenAddress`, so it would listen on 0.0.0.0. (whoever reaches the API server or Flink's REST can run code on this machine) → Write `listenAddress: 127.0.0.1`.
    kind.yaml:12:24: invalid listen address: localhost (Docker listens on IP addresses only) → Write `listenAddress: 127.0.0.1`.
    fine
    kind.yaml:11:19: `nodes[0].extraPortMappings[0].hostPort` must be a whole number from 0 to 65535, but it is `70000`.
    kind.yaml:10:9: invalid containerPort: invalid port number: 0 (Docker publishes ports from 1 to 65535)
    kind.yaml:13:19: Unknown PortMappingProtocol: "HTTP" (it may be `TCP`, `UDP` or `SCTP`)
    kind.yaml:13:9: Unknown word `protokoll` in `nodes[0].extraPortMappings[0]`. (known there: `containerPort`, `hostPort`, `listenAddress` and `protocol`) → Did you mean `protocol`?
    kind.yaml:15:21: `networking.apiServerAddress` is 0.0.0.0, which others can reach. (whoever reaches the API server or Flink's REST can run code on this machine) → Write `apiServerAddress: 127.0.0.1`.
    kind.yaml:15:13: `networking.ipFamily` cannot be `ipv6`. (flinklab makes IPv4 clusters only)
    kind.yaml:15:13: invalid ipFamily: ipv5
    kind.yaml:15:14: invalid pod subnet 10.244.0.0 (one IPv4 network such as `10.244.0.0/16`)
    kind.yaml:15:18: invalid kubeProxyMode: iptable (it may be `iptables`, `ipvs`, `nftables` or `none`) → Did you mean `iptables`?
    kind.yaml:15:3: Unknown word `disableDefaultCni` in `networking`. (known there: `ipFamily`, `apiServerPort`, `apiServerAddress`, `podSubnet`, `serviceSubnet`, `disableDefaultCNI`, `kubeProxyMode` and `dnsSearch`) → Did you mean `disableDefaultCNI`?
    kind.yaml:13:9: port mapping with same listen address, port and protocol already configured: 127.0.0.1:6443/TCP (first as `nodes[0].extraPortMappings[0]`)
    kind.yaml:18:11: The patch fits no document: there is no `KubletConfiguration`. (kind writes `ClusterConfiguration`, `InitConfiguration`, `JoinConfiguration`, `KubeletConfiguration` and `KubeProxyConfiguration`) → Did you mean `KubeletConfiguration`?
    kind.yaml:20:6: A `[` is not closed.
    kind.yaml:17:89: `op` cannot be `set`. (it may be `add`, `remove`, `replace`, `move`, `copy` or `test`)
    kind.yaml:16:35: The patch is no list of operations in JSON. (key must be a string at line 1 column 3)
    kind.yaml:19:15: The patch is not TOML. (string values must be quoted, expected literal string)
    kind.yaml:7:20: `nodes[0].extraMounts[0].hostPath` cannot be `data`. (kind would take it from the folder that it is called in, and a lab is called from anywhere) → Write the whole path, from `/` on.
    fine
    "#);
}

#[test]
fn kind_yaml_is_read_as_leniently_as_kind_reads_it() {
    let lab = changed(&[
        (
            "kind.yaml",
            "    image: kindest/node:v1.37.0",
            "    image: kindest/node:v1.37.0\n    labels: {tier: 1, spot: true, none: }\n    kubeadmConfigPatches:",
        ),
        ("kind.yaml", "role: control-plane", "role:"),
        ("kind.yaml", "protocol: TCP", "protocol: tcp"),
        (
            "kind.yaml",
            "networking:",
            "featureGates: {MemoryQoS: yes, ContainerCheckpoint: off}\nruntimeConfig: {api/alpha: false}\nnetworking:\n  disableDefaultCNI: no",
        ),
    ])
    .unwrap();
    let node = &lab.cluster.nodes[0];
    assert_eq!(node.labels["tier"], "1");
    assert_eq!(node.labels["spot"], "true");
    assert_eq!(node.labels["none"], "");
    assert!(node.kubeadm_config_patches.is_empty());
    assert_eq!(node.extra_port_mappings[0].protocol, "TCP");
    let gates = &lab.cluster.feature_gates;
    assert!(gates["MemoryQoS"] && !gates["ContainerCheckpoint"]);
    assert_eq!(lab.cluster.runtime_config["api/alpha"], "false");
}

#[test]
fn wrong_words_in_manifests() {
    insta::assert_snapshot!(each(&[
        ("10-namespace.yaml", "kind: Namespace", "kind: Namespce"),
        ("10-namespace.yaml", "kind: Namespace\n", ""),
        ("10-namespace.yaml", "apiVersion: v1\n", ""),
        ("10-namespace.yaml", "apiVersion: v1", "apiversion: v1"),
        ("10-namespace.yaml", "apiVersion: v1", "apiVersion: v2"),
        ("10-namespace.yaml", "name: flink", "nam: flink"),
        ("10-namespace.yaml", "name: flink", "name: 12"),
        ("10-namespace.yaml", "name: flink", "name: yes"),
        ("10-namespace.yaml", "name: flink", "generateName: flink-"),
        ("10-namespace.yaml", "name: flink", "name: flink\n  name: flank"),
        ("10-namespace.yaml", "metadata:\n  name: flink", "- a"),
        ("20-access.yaml", "kind: Role\n", "kind: Rolle\n"),
        ("20-access.yaml", "rbac.authorization.k8s.io/v1\nkind: RoleB", "rbac.authorization.k8s.io/v1beta1\nkind: RoleB"),
        ("20-access.yaml", "rbac.authorization.k8s.io/v1\nkind: RoleB", "rbac.authorisation.k8s.io/v1\nkind: RoleB"),
        ("20-access.yaml", "rules:", "rules: &r\n  <<: *r"),
        ("20-access.yaml", "namespace: flink\n---", "namespace: flnk\n---"),
        ("30-storage.yaml", "type: Directory", "type: on"),
        ("30-storage.yaml", "type: Directory", "type: 0755"),
        ("30-storage.yaml", "type: Directory", "type: 12:30"),
        ("30-storage.yaml", "type: Directory", "type: !dir x"),
        ("30-storage.yaml", "storage: 10Gi", "storage: 1e3"),
        ("50-jobmanagers.yaml", "apiVersion: apps/v1", "apiVersion: extensions/v1beta1"),
        ("50-jobmanagers.yaml", "apiVersion: apps/v1", "apiVersion: v1"),
        ("50-jobmanagers.yaml", "apiVersion: apps/v1", "apiVersion: flink.apache.org/v1beta1"),
        ("50-jobmanagers.yaml", "kind: Deployment", "kind: deployment"),
        ("50-jobmanagers.yaml", "replicas: 2", "replicas: 2: 3"),
        ("50-jobmanagers.yaml", "  replicas: 2", "\treplicas: 2"),
        ("50-jobmanagers.yaml", "kind: Service\n", "kind: Service\n---\n"),
        ("10-namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: flink\n", "# later\n"),
    ]), @r#"
    10-namespace.yaml:2:7: Kubernetes has no kind `Namespce` in `v1`. (there it has `Binding`, `ConfigMap`, `Endpoints`, `Event`, `LimitRange`, `Namespace`, `Node`, `PersistentVolume`, `PersistentVolumeClaim`, `Pod`, `PodTemplate`, `ReplicationController`, `ResourceQuota`, `Secret`, `Service` and `ServiceAccount`) → Did you mean `Namespace`?
    10-namespace.yaml:1:1: The object has no `kind`.
    10-namespace.yaml:1:1: The object has no `apiVersion`.
    10-namespace.yaml:1:1: The object has no `apiVersion`. → Write `apiVersion` instead of `apiversion`?
    10-namespace.yaml:1:13: Kubernetes has no `Namespace` in `v2`. → It is in `v1`.
    10-namespace.yaml:4:3: The object has no `metadata.name`. → Write `name` instead of `nam`?
    10-namespace.yaml:4:9: `metadata.name` must be a text. → Put it in quotes if it looks like a number.
    10-namespace.yaml:4:9: `metadata.name` must be a text. → Put it in quotes if it looks like a number.
    10-namespace.yaml:4:17: An object with `generateName` cannot be applied again. (each time would make another one) → Give it a `name`.
    10-namespace.yaml:5:3: The key `name` is there twice. (first in line 4) → Remove one of the two.
    10-namespace.yaml:3:3: The line does not fit to those above it. → Keys of one map and items of one list need the same indentation; a key ends with `: `.
    20-access.yaml:8:7: Kubernetes has no kind `Rolle` in `rbac.authorization.k8s.io/v1`. (there it has `ClusterRole`, `ClusterRoleBinding`, `Role` and `RoleBinding`) → Did you mean `Role`?
    20-access.yaml:17:13: Kubernetes has no `RoleBinding` in `rbac.authorization.k8s.io/v1beta1`. → It is in `rbac.authorization.k8s.io/v1`.
    20-access.yaml:17:13: Kubernetes has no `RoleBinding` in `rbac.authorisation.k8s.io/v1`. → It is in `rbac.authorization.k8s.io/v1`.
    20-access.yaml:13:7: An alias stands inside of what it names.
    20-access.yaml:5:14: No manifest makes the namespace `flnk`. → Did you mean `flink`?
    30-storage.yaml:10:41: `type` must be a text. (kubectl reads `on` as true) → Write `"on"`.
    30-storage.yaml:10:41: `type` must be a text. (kubectl reads `0755` as 493) → Write `"0755"`.
    fine
    30-storage.yaml:10:46: The tag `!dir` is not supported. → Leave the tag out.
    fine
    50-jobmanagers.yaml:1:13: Kubernetes has no `Deployment` in `extensions/v1beta1`. → It is in `apps/v1`.
    50-jobmanagers.yaml:1:13: Kubernetes has no `Deployment` in `v1`. → It is in `apps/v1`.
    50-jobmanagers.yaml:1:13: Kubernetes has no `Deployment` in `flink.apache.org/v1beta1`. → It is in `apps/v1`.
    50-jobmanagers.yaml:2:7: Kubernetes has no kind `deployment` in `apps/v1`. (there it has `ControllerRevision`, `DaemonSet`, `Deployment`, `ReplicaSet` and `StatefulSet`) → Did you mean `Deployment`?
    50-jobmanagers.yaml:7:14: A `:` stands where no key can be. → A text with `: ` in it needs quotes; keys of one map need the same indentation.
    50-jobmanagers.yaml:7:2: A tab stands where YAML wants spaces. → Indent with spaces.
    50-jobmanagers.yaml:41:1: The object has no `metadata.name`.
    10-namespace.yaml:1:1: The file holds no object.
    "#);
}

#[test]
fn files_that_do_not_fit_to_each_other() {
    insta::assert_snapshot!(each(&[
        ("lab.yaml", "file: 20-access.yaml", "file: 20-acess.yaml"),
        ("lab.yaml", "file: 20-access.yaml", "file: 10-namespace.yaml"),
        ("lab.yaml", "file: 20-access.yaml", "file: kind.yaml"),
        ("lab.yaml", "file: 20-access.yaml", "file: ../20-access.yaml"),
        ("lab.yaml", "  - {file: 20-access.yaml}\n", ""),
        ("lab.yaml", "  - {file: 10-namespace.yaml}\n", ""),
        ("lab.yaml", "{file: 20-access.yaml}", "{file: 20-access.yaml, wait: {kind: rollout, within: 1m}}"),
        ("lab.yaml", "namespace: flink", "namespace: flunk"),
        ("lab.yaml", "namespace: flink", "namespace: default"),
        ("lab.yaml", "selector: component=jobmanager", "selector: component=jobmaster"),
        ("lab.yaml", "container: jobmanager", "container: jobmaster"),
        ("lab.yaml", "images: [\"flink:2.3.0", "images: [\"flink:2.3.9"),
        ("lab.yaml", "node-port: 30081", "node-port: 30082"),
        ("lab.yaml", "port: 8081", "port: 8082"),
        ("lab.yaml", "mount: /flink-shared", "mount: /shared"),
        ("lab.yaml", "cluster-id: flinklab", "cluster-id: other"),
        ("lab.yaml", "ha: ha/flinklab", "ha: ha/other"),
        ("lab.yaml", "checkpoints: checkpoints", "checkpoints: chk"),
        ("kind.yaml", "containerPort: 30081", "containerPort: 30080"),
        ("kind.yaml", "containerPath: /flink-shared", "containerPath: /shared"),
        ("30-storage.yaml", "path: /flink-shared", "path: /flink-share"),
        ("30-storage.yaml", "volumeName: flink-shared", "volumeName: flink-share"),
        ("40-config.yaml", "name: flink-config", "name: flinkconfig"),
        ("40-config.yaml", "kubernetes.namespace: flink", "kubernetes.namespace: other"),
        ("40-config.yaml", "state.backend.type: hashmap", "state.backend.type: hashmap: x"),
        ("50-jobmanagers.yaml", "serviceAccountName: flink", "serviceAccountName: flnk"),
        ("50-jobmanagers.yaml", "claimName: flink-shared", "claimName: flink-share"),
        ("50-jobmanagers.yaml", "{name: shared, mountPath", "{name: share, mountPath"),
        ("50-jobmanagers.yaml", "mountPath: /flink-shared", "mountPath: /flink-shared, subPath: x"),
        ("50-jobmanagers.yaml", "name: flink-rest", "name: flink-rest\n  namespace: default"),
        ("50-jobmanagers.yaml", "targetPort: 8081", "targetPort: 8082"),
        ("50-jobmanagers.yaml", "image: flink:2.3.0", "image: flink:2.3.9"),
        ("60-taskmanagers.yaml", "namespace: flink", "namespace: default"),
        ("60-taskmanagers.yaml", "kind: Deployment\nmetadata:\n  name: flink-taskmanager", "kind: Deployment\nmetadata:\n  name: flink-jobmanager"),
    ]), @r#"
    lab.yaml:6:12: There is no file `20-acess.yaml` in the lab's folder. → Did you mean `20-access.yaml`?
    lab.yaml:6:12: `10-namespace.yaml` is listed twice.
    lab.yaml:6:12: `kind.yaml` is no manifest. → List the files that `kubectl apply -f` would take.
    lab.yaml:6:12: `../20-access.yaml` is not a file name. (manifests stand in the lab's folder itself)
    50-jobmanagers.yaml:14:27: No manifest makes the ServiceAccount `flink` in this namespace.
    20-access.yaml:5:14: No manifest makes the namespace `flink`.
    lab.yaml:6:41: `20-access.yaml` has nothing to wait for. (a rollout is of a Deployment or StatefulSet, and the file has none) → Remove the `wait`.
    lab.yaml:12:14: No manifest makes the namespace `flunk`. → Did you mean `flink`?
    50-jobmanagers.yaml:5:14: The Deployment `flink-jobmanager` is not in the namespace `default`. (`flink.namespace` in lab.yaml says where Flink's pods are)
    lab.yaml:18:26: No manifest makes pods with the labels `component=jobmaster`. (pods have `app=flink`, `component=jobmanager` and `component=taskmanager`) → Did you mean `component=jobmanager`?
    lab.yaml:18:59: The Deployment `flink-jobmanager` has no container `jobmaster`. (it has `jobmanager`) → Did you mean `jobmanager`?
    50-jobmanagers.yaml:17:18: The image `flink:2.3.0-scala_2.12-java17` is not among `images` of lab.yaml. (only those are brought into the nodes) → Did you mean `flink:2.3.9-scala_2.12-java17`?
    lab.yaml:14:33: No Service has the nodePort 30082. (there is `30081`)
    50-jobmanagers.yaml:50:44: The nodePort 30081 leads to port 8081 of the pods. (`flink.rest.port` in lab.yaml is 8082)
    50-jobmanagers.yaml:33:13: The container mounts nothing at `/shared`. (`flink.mount` in lab.yaml says that pods see the shared folder there)
    40-config.yaml:11:28: `kubernetes.cluster-id` is `flinklab`, which does not fit to lab.yaml. (`flink.cluster-id` in lab.yaml says `other`) → Write `kubernetes.cluster-id: other`, or change lab.yaml.
    40-config.yaml:9:35: `high-availability.storageDir` leads to `/flink-shared/ha/flinklab`, which does not fit to lab.yaml. (`flink.mount` and `flink.folders.ha` there make `/flink-shared/ha/other`)
    40-config.yaml:16:34: `execution.checkpointing.dir` leads to `/flink-shared/checkpoints`, which does not fit to lab.yaml. (`flink.mount` and `flink.folders.checkpoints` there make `/flink-shared/chk`)
    kind.yaml:10:7: No port mapping leads to the node's port 30081. (`flink.rest.node-port` in lab.yaml needs one to be reached from this machine) → Add `- {containerPort: 30081, hostPort: 0, listenAddress: 127.0.0.1}`.
    30-storage.yaml:10:20: `/flink-shared` is not the shared folder. (kind.yaml has it in the node as `/shared`)
    30-storage.yaml:10:20: `/flink-share` is not the shared folder. (kind.yaml has it in the node as `/flink-shared`)
    30-storage.yaml:20:15: No manifest makes the PersistentVolume `flink-share`. → Did you mean `flink-shared`?
    50-jobmanagers.yaml:39:29: No manifest makes the ConfigMap `flink-config` in this namespace. → Did you mean `flinkconfig`?
    40-config.yaml:12:27: `kubernetes.namespace` is `other`, which does not fit to lab.yaml. (`flink.namespace` in lab.yaml says `flink`) → Write `kubernetes.namespace: flink`, or change lab.yaml.
    40-config.yaml:21:32: A `:` stands where no key can be. → A text with `: ` in it needs quotes; keys of one map need the same indentation.
    50-jobmanagers.yaml:14:27: No manifest makes the ServiceAccount `flnk` in this namespace. → Did you mean `flink`?
    50-jobmanagers.yaml:37:46: No manifest makes the PersistentVolumeClaim `flink-share`. → Did you mean `flink-shared`?
    50-jobmanagers.yaml:33:22: There is no volume `share`. → Did you mean `shared`?
    50-jobmanagers.yaml:33:65: `/flink-shared` cannot be a part of the volume. (the files would not be where they are looked for)
    50-jobmanagers.yaml:46:3: The key `namespace` is there twice. (first in line 45) → Remove one of the two.
    50-jobmanagers.yaml:50:44: The nodePort 30081 leads to port 8082 of the pods. (`flink.rest.port` in lab.yaml is 8081)
    50-jobmanagers.yaml:17:18: The image `flink:2.3.9-scala_2.12-java17` is not among `images` of lab.yaml. (only those are brought into the nodes) → Did you mean `flink:2.3.0-scala_2.12-java17`?
    60-taskmanagers.yaml:5:14: The Deployment `flink-taskmanager` is not in the namespace `flink`. (`flink.namespace` in lab.yaml says where Flink's pods are)
    60-taskmanagers.yaml:4:9: The Deployment `flink-jobmanager` is there twice. (first in 50-jobmanagers.yaml line 1)
    "#);
}

#[test]
fn objects_of_an_operator() {
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: labs.example.org\nspec:\n  group: example.org\n  names: {kind: Lab}\n  versions: [{name: v1}]\n---\n\
               apiVersion: v1\nkind: Namespace";
    let object = "---\napiVersion: example.org/v1\nkind: Lab\nmetadata: {name: a, namespace: flink}\n---\napiVersion: v1\nkind: ServiceAccount";
    let with = |from, to| {
        let object: &'static str = Box::leak(object.replacen(from, to, 1).into_boxed_str());
        told(changed(&[
            ("10-namespace.yaml", "apiVersion: v1\nkind: Namespace", crd),
            (
                "20-access.yaml",
                "apiVersion: v1\nkind: ServiceAccount",
                object,
            ),
        ]))
    };
    insta::assert_snapshot!([
        with("", ""),
        with("example.org/v1", "example.org/v2"),
        with("kind: Lab", "kind: Laab"),
    ].join("\n"), @r#"
    fine
    20-access.yaml:2:13: Kubernetes has no `Lab` in `example.org/v2`. → It is in `example.org/v1`.
    20-access.yaml:3:7: Kubernetes has no kind `Laab` in `example.org/v1`. (there it has `Lab`) → Did you mean `Lab`?
    "#);
}

#[test]
fn what_kubectl_takes_is_taken() {
    let list = "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Namespace\n    metadata: {name: more}\n---\n# nothing\n---\napiVersion: v1\nkind: Namespace";
    let lab = changed(&[
        ("10-namespace.yaml", "apiVersion: v1\nkind: Namespace", list),
        (
            "50-jobmanagers.yaml",
            "labels: {app: flink",
            "labels: &labels {app: flink",
        ),
        ("50-jobmanagers.yaml", "replicas: 2\n", "replicas: 0x2\n"),
        ("30-storage.yaml", "type: Directory", "type: \"on\""),
        (
            "60-taskmanagers.yaml",
            "namespace: flink",
            "namespace: !!str flink",
        ),
    ])
    .unwrap();
    let names: Vec<(usize, &str)> = lab.manifests[0]
        .documents
        .iter()
        .map(|document| (document.line, document.name.as_str()))
        .collect();
    assert_eq!(names, [(4, "more"), (10, "flink")]);
}

#[test]
fn another_kubernetes_knows_its_own_versions() {
    let old = ("kind.yaml", "kindest/node:v1.37.0", "kindest/node:v1.24.17");
    let beta = (
        "20-access.yaml",
        "rbac.authorization.k8s.io/v1\nkind: RoleB",
        "rbac.authorization.k8s.io/v1beta1\nkind: RoleB",
    );
    let typo = ("20-access.yaml", "kind: RoleBinding", "kind: RoleBindin");
    insta::assert_snapshot!(
        [told(changed(&[old, beta])), told(changed(&[old, typo]))].join("\n"), @r#"
    fine
    20-access.yaml:18:7: Kubernetes has no kind `RoleBindin` in `rbac.authorization.k8s.io/v1`. (there it has `ClusterRole`, `ClusterRoleBinding`, `Role` and `RoleBinding`) → Did you mean `RoleBinding`?
    "#);
}

#[test]
fn a_folder_that_is_no_lab() {
    let folder = tempfile::tempdir().unwrap();
    let fault = Lab::read(folder.path()).unwrap_err();
    assert_eq!(
        (fault.kind, fault.code.as_ref()),
        (Kind::Wrong, "lab-file-missing")
    );
    let fault = Lab::open("defalt").unwrap_err();
    assert_eq!(
        (fault.kind, fault.code.as_ref()),
        (Kind::Wrong, "lab-not-found")
    );
    assert_eq!(
        Invocation::default().advise(&fault.hint),
        "Did you mean `default`?"
    );
    for (name, text) in files() {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    std::fs::write(folder.path().join("99-extra.yaml"), "not even an object").unwrap();
    let lab = Lab::read(folder.path()).unwrap();
    assert_eq!(lab.unlisted, ["99-extra.yaml"]);
    std::fs::write(folder.path().join("99-extra.yaml"), [0xff, 0xfe]).unwrap();
    assert_eq!(Lab::read(folder.path()).unwrap_err().code, "lab-unreadable");
}

#[test]
fn kind_config_fills_in_values_and_leaves_comments() {
    let lab = Lab::open("default").unwrap();
    let source = &lab
        .files
        .iter()
        .find(|(name, _)| name == "kind.yaml")
        .unwrap()
        .1;
    let plain = flinklab_lab::kind_config(&lab, Path::new("/home/me/shared"));
    assert_eq!(
        plain,
        source.replace("hostPath: ${LAB_SHARED}", "hostPath: /home/me/shared")
    );
    assert!(plain.contains("${LAB_SHARED} stands for this"));
    let odd = flinklab_lab::kind_config(&lab, Path::new("/home/me: #1/\"shared\""));
    assert!(
        odd.contains(r##"hostPath: "/home/me: #1/\"shared\"""##),
        "{odd}"
    );
    let quoted = changed(&[(
        "kind.yaml",
        "hostPath: ${LAB_SHARED}",
        "hostPath: \"${LAB_SHARED}\" # ours",
    )])
    .unwrap();
    assert!(flinklab_lab::kind_config(&quoted, Path::new("/x")).contains("hostPath: /x # ours\n"));
}

/// Text that has a meaning in YAML, so that damage is more than an unknown word.
const DAMAGE: [&str; 16] = [
    ":", "- ", "\n", "\t", "\"", "'", "{", "]", "&a", "*a", "|", "#", "---\n", "%", "!", "é",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_damaged_file_is_told_with_a_place_that_exists(
        which in 0_usize..8, at in 0.0_f64..1.0, cut in 0_usize..12, damage in 0_usize..DAMAGE.len(),
    ) {
        let mut files = files();
        let (_, text) = &mut files[which];
        let letters: Vec<char> = text.chars().collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let start = (letters.len() as f64 * at) as usize;
        let end = (start + cut).min(letters.len());
        *text = letters[..start].iter().collect::<String>() + DAMAGE[damage] + &letters[end..].iter().collect::<String>();
        let texts = files.clone();
        if let Err(fault) = Lab::from_files(files, "") {
            let place = fault.place.expect("a place");
            let (_, text) = texts.iter().find(|(name, _)| *name == place.file).unwrap();
            let lines: Vec<&str> = text.split('\n').collect();
            proptest::prop_assert!((1..=lines.len()).contains(&place.line), "{place}");
            let width = lines[place.line - 1].chars().count();
            proptest::prop_assert!((1..=width + 1).contains(&place.column), "{place} in {:?}", lines[place.line - 1]);
        }
    }
}
