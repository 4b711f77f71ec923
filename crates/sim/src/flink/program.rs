//! What the program of a job does besides running on: the example that counts words has an end, or
//! none of its input.

use super::ending::Retained;
use super::job::JobMaster;
use flinklab_lab::Job;

/// How a job's program goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// Its sources never end.
    Endless,
    /// It comes to its end.
    Bounded,
    /// Its tasks fail with this exception.
    Fails(String),
}

impl Program {
    pub(super) fn of(job: &Job) -> Self {
        if !job.class.ends_with(".WordCount") {
            return Self::Endless;
        }
        let input = job.arguments.iter().position(|word| word == "--input");
        match input.and_then(|at| job.arguments.get(at + 1)) {
            None => Self::Bounded,
            Some(path) => Self::Fails(format!(
                "org.apache.flink.util.FlinkException: Global failure triggered by OperatorCoordinator for 'Source: file-input'\n\tat org.apache.flink.runtime.operators.coordination.OperatorCoordinatorHolder\nCaused by: java.io.FileNotFoundException: File {path} does not exist or the user running Flink has insufficient permissions to access it.\n\tat org.apache.flink.core.fs.local.LocalFileSystem.getFileStatus"
            )),
        }
    }
}

impl JobMaster {
    /// Runs the program of a job whose tasks run. None: it has come to its end, and so has the job.
    pub(super) async fn program(&self) -> Option<(String, String)> {
        match Program::of(&self.process.cluster.lab.job) {
            Program::Endless => Some(self.keep_running().await),
            Program::Bounded => {
                self.process.about(0.3, 0.8).await;
                self.end("FINISHED", Retained::No);
                None
            }
            Program::Fails(why) => {
                self.process.about(0.1, 0.3).await;
                let slot = self.with_quietly(|job| job.slots.first().cloned());
                Some((slot.flatten().unwrap_or_default(), why))
            }
        }
    }

    /// Ends a job that may not be restarted. Whether it was one.
    pub(super) fn gave_up(&self, why: &(String, String)) -> bool {
        let options = self.process.cluster.lab.flink_options();
        let names = ["restart-strategy.type", "restart-strategy"];
        let strategy = names.iter().find_map(|name| options.get(*name));
        let none = strategy
            .is_some_and(|kind| ["none", "off", "disable"].contains(&kind.to_lowercase().as_str()));
        if none {
            self.remember(why);
            self.end("FAILED", Retained::Yes);
        }
        none
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_example_that_counts_words_ends_or_finds_no_input() {
        let mut job = flinklab_lab::Lab::open("default").unwrap().job;
        assert_eq!(Program::of(&job), Program::Endless);
        job.class = "org.apache.flink.streaming.examples.wordcount.WordCount".to_owned();
        job.arguments = Vec::new();
        assert_eq!(Program::of(&job), Program::Bounded);
        job.arguments = ["--input", "file:///nowhere"].map(str::to_owned).to_vec();
        let program = Program::of(&job);
        assert!(
            matches!(program, Program::Fails(why) if why.contains("file:///nowhere does not exist"))
        );
    }
}
