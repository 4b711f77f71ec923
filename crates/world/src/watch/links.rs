//! Whether a source answers, told only when that changes.

use crate::Events;
use flinklab_base::clock;
use flinklab_event::{Event, Link, Source};
use jiff::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};

/// Tells when a source answers again, or does not any more.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    source: Source,
    events: Events,
    told: Arc<Mutex<Option<bool>>>,
}

impl Links {
    pub(crate) fn new(source: Source, events: Events) -> Self {
        Self {
            source,
            events,
            told: Arc::default(),
        }
    }

    /// It answers.
    pub(crate) async fn live(&self) {
        if self.news(true) {
            let since = clock::now();
            self.tell(Link::Live { since }).await;
        }
    }

    /// It does not.
    pub(crate) async fn lost(&self, why: &str) {
        self.lost_since(clock::now(), why).await;
    }

    /// It does not, and was heard last at that moment.
    pub(crate) async fn lost_since(&self, since: Timestamp, why: &str) {
        if self.news(false) {
            let why = crate::clean::message(why);
            self.tell(Link::Lost { since, why }).await;
        }
    }

    /// What asks it failed, whatever was told before.
    pub(crate) async fn broken(&self, why: &str) {
        self.news(false);
        let why = crate::clean::message(why);
        let since = clock::now();
        self.tell(Link::Lost { since, why }).await;
    }

    async fn tell(&self, link: Link) {
        let source = self.source;
        self.events.send(Event::Link { source, link }).await;
    }

    fn news(&self, now: bool) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.replace(now) != Some(now)
    }
}
