//! The same program against the real Docker of this machine, only with FLINKLAB_REAL=1: a node,
//! Kubernetes and Flink as users have them. Takes minutes; cleans up after itself.

use crate::program::{Ended, Program};
use serde_json::Value;

/// The instance's name; the whole suite uses one at a time.
const NAME: &str = "flinklab-real-test";

/// Whether the real tests were asked for.
pub(crate) fn asked() -> bool {
    let asked = std::env::var_os("FLINKLAB_REAL").is_some_and(|value| value == "1");
    if !asked {
        eprintln!("did nothing: set FLINKLAB_REAL=1 to run against the real Docker");
    }
    asked
}

/// A lab that is removed whatever happens to the test.
struct Lab(Program);

impl Lab {
    fn new() -> Self {
        let docker = std::env::var("DOCKER_HOST")
            .unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        Self(Program::with_docker(&docker))
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut all = arguments.to_vec();
        all.extend(["--name", NAME, "--json"]);
        let ended = self.0.run(&all);
        eprintln!("{all:?} → {}\n{}{}", ended.code, ended.out, ended.err);
        ended
    }

    fn result(&self, arguments: &[&str]) -> Value {
        let ended = self.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}");
        ended.objects().pop().unwrap()["result"].take()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.run(&["down", "--purge", "--yes"]);
    }
}

#[test]
fn from_nothing_through_every_failure_to_nothing() {
    if !asked() {
        return;
    }
    let lab = Lab::new();
    let own_kubeconfig = lab.0.user_home().join(".kube/config");
    std::fs::create_dir_all(own_kubeconfig.parent().unwrap()).unwrap();
    std::fs::write(&own_kubeconfig, "the user's own\n").unwrap();

    let up = lab.result(&["up"]);
    assert_eq!(up["outcome"], "ready");
    assert!(up["checkpoint"]["id"].as_u64().unwrap() >= 1);
    let again = lab.result(&["up"]);
    assert_eq!(again["changed"], false);
    assert!(again["seconds"].as_f64().unwrap() <= 3.0, "{again}");

    let status = &lab.run(&["status"]).objects()[0];
    assert_eq!(status["pods"].as_array().unwrap().len(), 4);
    assert_eq!(status["job"]["tasks"]["running"], 4);
    assert_eq!(status["checkpoint"]["agree"], true);
    assert_eq!(status["origin"], "real");

    for failure in flinklab::failure::CATALOGUE {
        let result = lab.result(&["break", &failure.key]);
        assert_eq!(result["verdict"], "PASS", "{}: {result:#}", failure.key);
        assert_eq!(result["failure"], failure.key.as_ref());
    }

    let job = lab.run(&["status"]).objects()[0]["job"]["id"].clone();
    let down = lab.result(&["down"]);
    assert_eq!(down["outcome"], "gone");
    let clean = lab.result(&["up"]);
    assert!(
        !clean["notes"].as_array().unwrap().is_empty(),
        "says what it found: {clean}"
    );
    assert_ne!(
        lab.run(&["status"]).objects()[0]["job"]["id"],
        job,
        "a new history"
    );

    let gone = lab.result(&["down", "--purge", "--yes"]);
    assert_eq!(gone["outcome"], "gone");
    assert!(!lab.0.home().join(NAME).exists());
    assert_eq!(
        std::fs::read_to_string(own_kubeconfig).unwrap(),
        "the user's own\n"
    );
}
