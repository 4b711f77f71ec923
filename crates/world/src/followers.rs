//! Tasks inside the world that go on for as long as a lab is watched, each with a name and an owner.
//! One that panics, or ends though nobody told it to, is missed: the program is told, its source
//! counts as lost, and it begins anew, a few times. What it follows is its own matter.

use super::Events;
use super::crash::message;
use super::watch::Links;
use flinklab_base::clock;
use flinklab_event::Event;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};

/// How often one begins anew: a bug that shows once may not show again, one that always does is no
/// reason to be at it for ever.
const AGAIN: u32 = 3;
/// Before the first new beginning; each further one waits that much longer.
const PAUSE: Duration = Duration::from_secs(1);

/// The tasks, by what they follow.
pub(super) struct Followers {
    events: Events,
    pause: Duration,
    tasks: JoinSet<()>,
    known: HashMap<Id, Follower>,
}

struct Follower {
    /// What it follows, for a person.
    name: &'static str,
    /// Its source, where it is the one that speaks for it.
    links: Option<Links>,
    begin: Box<dyn FnMut() -> BoxFuture<'static, ()> + Send>,
    /// How often it ended so far.
    ends: u32,
}

/// A task that ended, and how.
pub(super) struct End(Id, Result<(), JoinError>);

impl Followers {
    pub(super) fn new(events: &Events) -> Self {
        Self {
            events: events.clone(),
            pause: PAUSE,
            tasks: JoinSet::new(),
            known: HashMap::new(),
        }
    }

    /// Begins to follow something. What `begin` gives goes on until it is dropped.
    pub(super) fn spawn<F>(
        &mut self,
        name: &'static str,
        links: Option<Links>,
        mut begin: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let follower = Follower {
            name,
            links,
            begin: Box::new(move || begin().boxed()),
            ends: 0,
        };
        self.begin(follower, Duration::ZERO);
    }

    fn begin(&mut self, mut follower: Follower, pause: Duration) {
        let follows = (follower.begin)();
        let task = self.tasks.spawn(async move {
            if !pause.is_zero() {
                clock::sleep(pause).await;
            }
            follows.await;
        });
        self.known.insert(task.id(), follower);
    }

    /// Waits until one of them ends. Nothing is lost where this is dropped; what it answers is for
    /// `missed`.
    pub(super) async fn ended(&mut self) -> End {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => End(id, Ok(())),
            Some(Err(error)) => End(error.id(), Err(error)),
            None => std::future::pending().await,
        }
    }

    /// Tells of the end, and begins anew.
    pub(super) async fn missed(&mut self, End(id, end): End) {
        let Some(mut follower) = self.known.remove(&id) else {
            return;
        };
        let name = follower.name;
        let why = match end.map_err(JoinError::try_into_panic) {
            Ok(()) => "it ended by itself".to_owned(),
            Err(Ok(payload)) => message(payload.as_ref()),
            // Nobody aborts one of them but for all to end.
            Err(Err(_)) => return,
        };
        tracing::error!("what follows {name} ended: {why}");
        follower.ends += 1;
        let goes_on = follower.ends <= AGAIN;
        let way_on = if goes_on {
            "it begins anew"
        } else {
            "it ended too often to begin anew: leave flinklab and start it again"
        };
        if let Some(links) = &follower.links {
            let why = format!("a part of flinklab failed, a bug: {why}; {way_on}");
            links.broken(&why).await;
        }
        let told = format!("what follows {name} failed: {why}; {way_on}");
        self.events.send(Event::Crashed(told)).await;
        if goes_on {
            let pause = self.pause * follower.ends;
            self.begin(follower, pause);
        }
    }

    /// Ends all of them, and waits for that.
    pub(super) async fn shutdown(&mut self) {
        self.known.clear();
        self.tasks.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_event::{Happening, Link, Source};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::{Notify, mpsc};

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn next(followers: &mut Followers, queue: &mut mpsc::Receiver<Happening>) -> Event {
        let next = async {
            loop {
                tokio::select! {
                    biased;
                    Some(happening) = queue.recv() => return happening.event,
                    end = followers.ended() => followers.missed(end).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, next)
            .await
            .expect("an event")
    }

    fn why(event: Event) -> String {
        match event {
            Event::Link {
                source: Source::Disk,
                link: Link::Lost { why, .. },
            } => why,
            other => panic!("not lost: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_follower_that_panics_is_missed_and_begins_anew_a_few_times() {
        let (to, mut queue) = mpsc::channel(16);
        let events = Events::new(to);
        let mut followers = Followers::new(&events);
        followers.pause = Duration::ZERO;
        let links = Links::new(Source::Disk, events.clone());
        let panics = Arc::new(Notify::new());
        let (own, begun) = (links.clone(), Arc::new(AtomicU32::new(0)));
        let (on, counts) = (panics.clone(), begun.clone());
        followers.spawn("the files of the checkpoints", Some(links), move || {
            let (links, panics) = (own.clone(), on.clone());
            counts.fetch_add(1, Ordering::Relaxed);
            async move {
                links.live().await;
                panics.notified().await;
                panic!("no such index");
            }
        });
        for turn in 1..=AGAIN + 1 {
            let live = next(&mut followers, &mut queue).await;
            assert!(
                matches!(
                    live,
                    Event::Link {
                        link: Link::Live { .. },
                        ..
                    }
                ),
                "{live:?}"
            );
            panics.notify_one();
            let why = why(next(&mut followers, &mut queue).await);
            assert!(why.contains("no such index"), "{why}");
            let last = turn == AGAIN + 1;
            let way_on = if last {
                "start it again"
            } else {
                "it begins anew"
            };
            assert!(why.contains(way_on), "{why}");
            let crashed = next(&mut followers, &mut queue).await;
            let Event::Crashed(text) = crashed else {
                panic!("not crashed: {crashed:?}");
            };
            assert!(text.contains("the files of the checkpoints"), "{text}");
            assert!(text.contains("no such index"), "{text}");
        }
        assert_eq!(begun.load(Ordering::Relaxed), AGAIN + 1);
        assert!(followers.known.is_empty(), "it is given up");
    }

    #[tokio::test]
    async fn one_that_ends_is_missed_and_the_others_go_on() {
        let (to, mut queue) = mpsc::channel(16);
        let events = Events::new(to);
        let mut followers = Followers::new(&events);
        followers.pause = Duration::ZERO;
        let links = Links::new(Source::Disk, events.clone());
        followers.spawn("nothing", None, || async {});
        for _ in 0..=AGAIN {
            let ended = next(&mut followers, &mut queue).await;
            let Event::Crashed(text) = ended else {
                panic!("not missed: {ended:?}");
            };
            assert!(
                text.starts_with("what follows nothing failed: it ended by itself"),
                "{text}"
            );
        }
        followers.spawn("the files", None, move || {
            let links = links.clone();
            async move {
                links.live().await;
                std::future::pending().await
            }
        });
        let live = next(&mut followers, &mut queue).await;
        assert!(
            matches!(
                live,
                Event::Link {
                    link: Link::Live { .. },
                    ..
                }
            ),
            "{live:?}"
        );
        followers.shutdown().await;
        assert!(followers.tasks.is_empty() && followers.known.is_empty());
    }
}
