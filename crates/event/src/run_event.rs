//! What happens to a run, and to which: every event of a break names it, so that no run takes
//! another one's evidence.

use super::{Event, Target};
use flinklab_base::fault::Fault;
use flinklab_lab::failure::Failure;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that happened to one run, as the hand that breaks says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct RunEvent {
    /// The run's name; none where it was written before events carried one.
    pub run: Option<String>,
    /// What happened.
    pub kind: RunEventKind,
}

/// What may happen to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEventKind {
    /// About to act. Written by every process that breaks, so that others see it too.
    Begun(Box<BreakBegun>),
    /// Another process is about to act.
    Elsewhere(Box<BreakBegun>),
    /// The signal or request went out.
    Sent {
        /// When.
        at: Timestamp,
        /// Who says so.
        observer: String,
        /// How coarse the stamp is.
        resolution_ms: u32,
    },
    /// The process is gone.
    Gone {
        /// When.
        at: Timestamp,
        /// Who says so.
        observer: String,
        /// How coarse the stamp is.
        resolution_ms: u32,
    },
    /// The target is proven hit, or proven not hit.
    Hit(Result<String, String>),
    /// The failure was taken back.
    Undone {
        /// When.
        at: Timestamp,
        /// Who says so.
        observer: String,
        /// How coarse the stamp is.
        resolution_ms: u32,
        /// It was asked for by somebody else, before its time: nothing can be proven then.
        early: Option<String>,
    },
    /// It could not be carried out at all.
    Refused(Fault),
    /// It could not be taken back yet, and is tried again.
    Stuck(Fault),
    /// It ended before it was judged, and nobody will judge it: why, as a part of a sentence.
    BrokenOff(String),
    /// All is taken back, and others may break again.
    Over,
}

/// A break that is about to happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BreakBegun {
    /// The run's name.
    pub run: String,
    /// The failure.
    pub failure: Failure,
    /// Its target.
    pub target: Target,
}

impl RunEvent {
    /// Whether it is about that run. What names none is about the run that there is.
    #[must_use]
    pub fn is_of(&self, run: &str) -> bool {
        self.run.as_deref().is_none_or(|own| own == run)
    }
}

impl RunEventKind {
    /// As an event about that run.
    #[must_use]
    pub fn of(self, run: &str) -> Event {
        Event::Run(RunEvent {
            run: Some(run.to_owned()),
            kind: self,
        })
    }
}

/// A run's event as it is read: with the run's name, or as it was written before.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Named {
        run: Option<String>,
        kind: RunEventKind,
    },
    Over {
        over: String,
    },
    Unnamed(RunEventKind),
}

impl From<Written> for RunEvent {
    fn from(written: Written) -> Self {
        match written {
            Written::Named { run, kind } => Self { run, kind },
            Written::Over { over } => Self {
                run: Some(over),
                kind: RunEventKind::Over,
            },
            Written::Unnamed(kind) => Self {
                run: match &kind {
                    RunEventKind::Begun(begun) | RunEventKind::Elsewhere(begun) => {
                        Some(begun.run.clone())
                    }
                    _ => None,
                },
                kind,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_was_written_before_events_carried_their_run_is_still_read() {
        let read = |text: &str| serde_json::from_str::<Event>(text).unwrap();
        let Event::Run(hit) = read(r#"{"run":{"hit":{"Ok":"it ended"}}}"#) else {
            panic!("another event");
        };
        assert_eq!(hit.kind, RunEventKind::Hit(Ok("it ended".to_owned())));
        assert!(hit.run.is_none() && hit.is_of("any"));
        let over = read(r#"{"run":{"over":"a"}}"#);
        assert_eq!(over, RunEventKind::Over.of("a"));
        let sent =
            r#"{"run":{"sent":{"at":"2026-11-24T22:00:00Z","observer":"o","resolution_ms":1}}}"#;
        assert!(matches!(
            read(sent),
            Event::Run(RunEvent {
                run: None,
                kind: RunEventKind::Sent { .. }
            })
        ));
    }

    #[test]
    fn the_run_is_written_with_the_event() {
        for kind in [RunEventKind::Over, RunEventKind::Hit(Err("no".to_owned()))] {
            let event = kind.of("a");
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
            let Event::Run(event) = event else {
                panic!("another event");
            };
            assert!(event.is_of("a") && !event.is_of("b"));
        }
    }
}
