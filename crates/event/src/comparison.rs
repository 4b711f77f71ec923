//! A comparison of labs: which failures, how often, on which labs, and the runs that are there so
//! far. Plain data that outlives the labs, so that a comparison that was broken off goes on.

use super::RunResult;
use flinklab_lab::failure::{Aftershock, Failure};
use flinklab_lab::{Checkpointing, Lab};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Its format as a file.
pub const COMPARISON_FORMAT: u32 = 1;
/// What building a lab and removing it takes, in seconds, where nothing is known better.
const BUILD: f64 = 95.0;
const REMOVE: f64 = 10.0;
/// From a break to five good samples after its recovery, beside the time for which it is applied.
const RUN: f64 = 40.0;
/// The checkpoint interval at which that was measured.
const USUAL: f64 = 2.0;

/// A comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Of the file.
    pub format: u32,
    /// When it began.
    pub began: Timestamp,
    /// Keys of the failures, in the order in which they are tried.
    pub failures: Vec<String>,
    /// How often each is tried on each lab.
    pub times: u32,
    /// In the order in which they are built.
    pub labs: Vec<Compared>,
    /// The instance that was made for it and not removed yet.
    pub standing: Option<String>,
}

/// One lab of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// As it was asked for: the name of a built-in lab, or a folder.
    pub asked: String,
    /// The definition's name.
    pub lab: String,
    /// Its hash: another one is another comparison.
    pub hash: String,
    /// The version of Flink that its image says.
    pub flink: Option<String>,
    /// The instance that is made for it.
    pub instance: String,
    /// Failures that it cannot have, with the reason.
    pub lacks: Vec<(String, String)>,
    /// When its job's checkpoints are taken, as far as its files tell it.
    #[serde(default)]
    pub checkpointing: Option<Checkpointing>,
    /// Its runs so far, oldest first.
    pub runs: Vec<RunResult>,
}

impl Comparison {
    /// One that has not begun.
    #[must_use]
    pub fn new(labs: &[(String, Lab)], failures: &[String], times: u32, now: Timestamp) -> Self {
        let mut made: Vec<Compared> = Vec::new();
        for (asked, lab) in labs {
            let all = lab.all_failures();
            let lacks = failures.iter().filter_map(|key| {
                let reason = match all.iter().find(|failure| failure.key == *key) {
                    Some(failure) => lab.missing_for(failure)?,
                    None => "it has no failure of that name".to_owned(),
                };
                Some((key.clone(), reason))
            });
            let lacks = lacks.collect();
            let mut instance = format!("compare-{}", lab.name.replace('.', "-"));
            instance.truncate(LONGEST_NAME);
            let same = made.iter().filter(|one| one.lab == lab.name).count();
            if same > 0 {
                instance.push_str(&format!("-{}", same + 1));
            }
            made.push(Compared {
                asked: asked.clone(),
                lab: lab.name.clone(),
                hash: lab.hash.clone(),
                flink: lab.flink_version().map(str::to_owned),
                instance,
                lacks,
                checkpointing: lab.checkpointing(),
                runs: Vec::new(),
            });
        }
        Self {
            format: COMPARISON_FORMAT,
            began: now,
            failures: failures.to_vec(),
            times,
            labs: made,
            standing: None,
        }
    }

    /// What it is known by: the same question about the same labs is the same comparison.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        let labs = self.labs.iter().flat_map(|one| [&one.asked, &one.hash]);
        for word in self.failures.iter().chain(labs) {
            hash.update(word.as_bytes());
            hash.update([0]);
        }
        hash.update(self.times.to_be_bytes());
        let hash = hash.finalize();
        hash.iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// How often a failure is still to be tried on a lab.
    #[must_use]
    pub fn left(&self, lab: &Compared, failure: &str) -> u32 {
        if lab.lacks.iter().any(|(key, _)| key == failure) {
            return 0;
        }
        let done = lab.runs.iter().filter(|run| run.failure == failure).count();
        self.times
            .saturating_sub(u32::try_from(done).unwrap_or(u32::MAX))
    }

    /// How many runs of a lab are still to be made.
    #[must_use]
    pub fn left_of(&self, lab: &Compared) -> u32 {
        self.failures.iter().map(|key| self.left(lab, key)).sum()
    }

    /// Runs that are there, and runs that there will be.
    #[must_use]
    pub fn progress(&self) -> (u32, u32) {
        let left: u32 = self.labs.iter().map(|lab| self.left_of(lab)).sum();
        let done: usize = self.labs.iter().map(|lab| lab.runs.len()).sum();
        let done = u32::try_from(done).unwrap_or(u32::MAX);
        (done, done + left)
    }

    /// Takes in what an instance kept; runs of before this comparison are none of it.
    pub fn take(&mut self, instance: &str, kept: Vec<RunResult>) {
        let began = self.began;
        let Some(lab) = self.labs.iter_mut().find(|lab| lab.instance == instance) else {
            return;
        };
        for run in kept {
            let is_known = lab.runs.iter().any(|known| known.run == run.run);
            if !is_known && run.at >= began && self.failures.contains(&run.failure) {
                lab.runs.push(run);
            }
        }
    }

    /// How long the rest will take, in seconds: what each failure lasts, and what building, watching
    /// and removing took when it was measured.
    #[must_use]
    pub fn seconds_left(&self, failures: &[Failure]) -> f64 {
        let of = |lab: &Compared, key: &str| {
            let failure = failures.iter().find(|failure| failure.key == key);
            let failure = failure.map(|failure| match &lab.checkpointing {
                Some(checkpointing) => failure.fitted(checkpointing),
                None => failure.clone(),
            });
            let failure = failure.as_ref();
            let lasts = failure
                .and_then(|failure| failure.lasts)
                .map_or(0, |it| it.0);
            let after = match failure.and_then(Failure::aftershock) {
                Some(Aftershock::Within(seconds)) => seconds.0,
                Some(Aftershock::UntilRenewed) | None => 0,
            };
            RUN + f64::from(lasts + after) + lab.waits()
        };
        let of_lab = |lab: &Compared| {
            let runs: f64 = self
                .failures
                .iter()
                .map(|key| f64::from(self.left(lab, key)) * of(lab, key))
                .sum();
            let stands = self.standing.as_ref() == Some(&lab.instance);
            let build = if runs > 0.0 && !stands {
                BUILD + lab.waits()
            } else {
                0.0
            };
            let remove = if runs > 0.0 || stands { REMOVE } else { 0.0 };
            runs + build + remove
        };
        self.labs.iter().map(of_lab).sum()
    }
}

impl Compared {
    /// How much longer than usual a run waits for the next checkpoint, in seconds: a run ends with
    /// one, so that the next run has a whole interval before it.
    fn waits(&self) -> f64 {
        let every = self.checkpointing.and_then(|it| it.every());
        every.map_or(0.0, |every| (every.as_secs_f64() - USUAL).max(0.0))
    }
}

/// A node is named after its instance, in at most 63 letters.
const LONGEST_NAME: usize = 44;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn two(times: u32) -> Comparison {
        let labs: Vec<(String, Lab)> = ["article", "default"]
            .map(|name| (name.to_owned(), Lab::open(name).unwrap()))
            .into();
        let keys = ["jm-stop".to_owned(), "standby-stop".to_owned()];
        Comparison::new(&labs, &keys, times, Timestamp::UNIX_EPOCH)
    }

    fn run(name: &str, failure: &str, at: i64) -> RunResult {
        serde_json::from_value(serde_json::json!({
            "run": name, "failure": failure, "at": Timestamp::from_second(at).unwrap(),
            "origin": "simulated", "verdict": "PASS", "expected": "PASS", "recovery_ms": 1000,
            "phases": [], "statements": [],
            "target": {"pod": "p", "uid": "u", "role": "jobmanager", "container_name": "jobmanager",
                "container": null, "node": null, "epoch": null, "reason": ""},
        }))
        .unwrap()
    }

    #[test]
    fn what_a_lab_cannot_have_is_not_asked_of_it() {
        let comparison = two(3);
        let [article, default] = comparison.labs.as_slice() else {
            panic!()
        };
        assert_eq!(article.lacks[0].0, "standby-stop");
        assert_eq!(
            (comparison.left_of(article), comparison.left_of(default)),
            (3, 6)
        );
        assert_eq!(comparison.progress(), (0, 9));
        assert_eq!(article.instance, "compare-article");
    }

    #[test]
    fn the_same_question_about_the_same_labs_is_the_same_comparison() {
        assert_eq!(two(3).id(), two(3).id());
        assert_ne!(two(3).id(), two(4).id());
        let mut other = two(3);
        other.labs[0].hash.push('x');
        assert_ne!(other.id(), two(3).id());
    }

    #[test]
    fn runs_are_taken_in_once_and_the_rest_is_shorter() {
        let mut comparison = two(2);
        comparison.began = Timestamp::from_second(100).unwrap();
        let all = flinklab_lab::failure::CATALOGUE;
        let whole = comparison.seconds_left(all);
        let kept = vec![
            run("old", "jm-stop", 50),
            run("a", "jm-stop", 150),
            run("b", "tm-stop", 160),
        ];
        comparison.take("compare-article", kept.clone());
        comparison.take("compare-article", kept);
        assert_eq!(comparison.progress(), (1, 6));
        assert_eq!(comparison.left(&comparison.labs[0], "jm-stop"), 1);
        assert!(comparison.seconds_left(all) < whole);
        comparison.take("compare-article", vec![run("c", "jm-stop", 170)]);
        assert_eq!(comparison.left_of(&comparison.labs[0]), 0);
    }

    #[test]
    fn a_long_interval_makes_every_run_longer() {
        let mut comparison = two(2);
        let all = flinklab_lab::failure::CATALOGUE;
        let usual = comparison.seconds_left(all);
        comparison.labs[1].checkpointing = Some(Checkpointing {
            interval_ms: Some(60_000),
            min_pause_ms: 0,
            timeout_ms: 600_000,
        });
        // building it, and two runs of two failures
        assert_eq!(comparison.seconds_left(all) - usual, 5.0 * 58.0);
    }

    #[test]
    fn two_labs_of_one_name_have_instances_of_their_own() {
        let labs: Vec<(String, Lab)> = ["default", "my-copy"]
            .map(|asked| (asked.to_owned(), Lab::open("default").unwrap()))
            .into();
        let keys = ["jm-stop".to_owned()];
        let made = Comparison::new(&labs, &keys, 1, Timestamp::UNIX_EPOCH);
        let names: Vec<&str> = made.labs.iter().map(|lab| lab.instance.as_str()).collect();
        assert_eq!(names, ["compare-default", "compare-default-2"]);
    }
}
