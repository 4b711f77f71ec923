//! The state of orders about the job: what was seen, what goes on, how the last one ended.

use flinklab_base::fault::Fault;
use flinklab_event::{JobAct, JobDone, JobOrder, JobTold, JobsSeen};
use jiff::Timestamp;

/// What is known about orders.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Jobs {
    /// The newest look, and when.
    pub seen: Option<(Timestamp, JobsSeen)>,
    /// A look that was asked for and not answered yet, since when.
    pub asked: Option<Timestamp>,
    /// The order that is carried out, since when, and what it waits for.
    pub going: Option<(Timestamp, JobOrder, String)>,
    /// What came of the last one.
    pub ended: Option<(Timestamp, Result<JobDone, Fault>)>,
}

impl Jobs {
    pub(super) fn told(&mut self, at: Timestamp, told: &JobTold) {
        match told {
            JobTold::Begun(order) => {
                self.going = Some((at, order.clone(), String::new()));
                self.ended = None;
            }
            JobTold::Now(words) => {
                if let Some((.., now)) = &mut self.going {
                    now.clone_from(words);
                }
            }
            JobTold::Done(done) => {
                self.going = None;
                self.ended = Some((at, Ok((**done).clone())));
            }
            JobTold::Refused(fault) => {
                self.going = None;
                self.ended = Some((at, Err(fault.clone())));
            }
        }
    }
}

impl super::Model {
    /// What speaks against doing something with the job now.
    #[must_use]
    pub fn against_job(&self, act: JobAct) -> Option<String> {
        if let Some((_, order, _)) = &self.jobs.going {
            return Some(format!("{} goes on", order.act));
        }
        if let Some(left) = self.active_failures.first() {
            return Some(format!("{} is still applied", left.failure));
        }
        if self.run().is_some() {
            return Some("a failure is being observed".to_owned());
        }
        match &self.jobs.seen {
            None => Some("Flink was not asked yet what it runs".to_owned()),
            Some((_, seen)) => seen.against(act),
        }
    }
}
