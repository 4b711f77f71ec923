//! Details of the job as they were seen: its newest vertices, and every exception of it.

use flinklab_event::{JobDetail, JobException};
use jiff::Timestamp;

/// Exceptions remembered: Flink forgets them with each leader, we do not.
const EXCEPTIONS: usize = 100;

/// Job details seen so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobDetails {
    /// The newest answer.
    pub seen: Option<(Timestamp, JobDetail)>,
    /// Every exception ever seen of this job, newest first; kept across failovers.
    pub exceptions: Vec<JobException>,
}

impl JobDetails {
    pub(super) fn take(&mut self, at: Timestamp, detail: &JobDetail) {
        if self
            .seen
            .as_ref()
            .is_some_and(|(_, seen)| seen.job != detail.job)
        {
            *self = Self::default();
        }
        for exception in &detail.exceptions {
            if !self.exceptions.contains(exception) {
                self.exceptions.push(exception.clone());
            }
        }
        self.exceptions.sort_by_key(|one| std::cmp::Reverse(one.at));
        self.exceptions.truncate(EXCEPTIONS);
        self.seen = Some((at, detail.clone()));
    }
}
