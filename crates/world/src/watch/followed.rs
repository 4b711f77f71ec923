//! The job of a cluster that brings its job along, when it is another one than was written down: told
//! at once, and written down as soon as nobody else works on the lab.

use crate::World;
use crate::beat::beat;
use crate::open;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two tries to write it down.
const TRY: Duration = Duration::from_secs(1);

/// A job that is followed in place of the one that is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FollowedJob {
    /// The one that is written down.
    pub(super) instead: Option<String>,
    /// The one that the cluster runs.
    pub(super) id: String,
}

/// Follows until it is dropped.
pub(super) async fn follow(
    world: Arc<World>,
    mut plans: watch::Receiver<Arc<[String]>>,
    job: watch::Receiver<Option<String>>,
    found: watch::Sender<Option<FollowedJob>>,
) {
    let mut unwritten: Option<FollowedJob> = None;
    loop {
        let (planned, known) = (plans.borrow_and_update().clone(), job.borrow().clone());
        if let Some(id) = another(&planned, known.as_deref(), &world) {
            let other = Some(FollowedJob { instead: known, id });
            if *found.borrow() != other {
                tracing::info!(?other, "the cluster runs another job");
                unwritten.clone_from(&other);
                found.send_replace(other);
            }
        }
        if let Some(other) = &unwritten {
            match write_down(&world, other) {
                Ok(()) => unwritten = None,
                Err(fault) => tracing::debug!(%fault, "not written down yet"),
            }
        }
        tokio::select! {
            changed = plans.changed() => if changed.is_err() {
                return std::future::pending().await;
            },
            () = beat(TRY), if unwritten.is_some() => {}
        }
    }
}

/// The job of the cluster where it is not the known one. One that was known before is of the past: its
/// plan goes while the next one's history begins.
fn another(planned: &[String], known: Option<&str>, world: &World) -> Option<String> {
    if planned.iter().any(|id| Some(id.as_str()) == known) {
        return None;
    }
    let opened = open::open(world).ok()??;
    let jobs = &opened.state.jobs;
    let is_new = |id: &&String| jobs.iter().all(|record| record.id != **id);
    planned.iter().find(is_new).cloned()
}

fn write_down(world: &World, other: &FollowedJob) -> Result<(), Fault> {
    if world.read_only {
        return Ok(());
    }
    let home = open::must_open(world)?.home.clone();
    let _lock = home.lock_for("notes which job the cluster runs")?;
    // As it is now that nobody else changes it.
    let Some(mut state) = home.read_state()? else {
        return Ok(());
    };
    if state.current_job().map(|job| job.id.clone()) != other.instead {
        return Ok(());
    }
    state.found_job(&other.id, clock::now());
    home.write_state(&state)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Addresses;
    use crate::home::{Home, JobRecord, Maker, NodeRecord, NodeStage, Source, State};
    use flinklab_lab::Lab;
    use futures::FutureExt;
    use futures::future::BoxFuture;
    use jiff::Timestamp;

    const OLD: &str = "07e0ded58f8336e6f67ab576b0c6ae27";
    const NEW: &str = "cafe0123456789abcdef0123456789ab";

    struct Scene {
        _folder: tempfile::TempDir,
        world: Arc<World>,
        home: Home,
        plans: watch::Sender<Arc<[String]>>,
        job: watch::Sender<Option<String>>,
        found: watch::Receiver<Option<FollowedJob>>,
        following: BoxFuture<'static, ()>,
    }

    /// A lab whose job is the old one, followed.
    fn followed(read_only: bool) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let addresses = Addresses::new(folder.path().join("data"), folder.path().join("config"));
        let mut world = World::new(addresses, "t".to_owned(), None, false);
        world.read_only = read_only;
        let world = Arc::new(world);
        let home = Home::of(&world.addresses, "t");
        home.create().unwrap();
        let lab = Lab::open("application").unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let source = Source::BuiltIn("application".to_owned());
        let mut state = State::new("t", &lab, source, now).unwrap();
        state.record_node(NodeRecord {
            id: "node".to_owned(),
            name: "t-control-plane".to_owned(),
            role: "control-plane".to_owned(),
            stage: NodeStage::Joined,
            maker: Maker::Flinklab,
        });
        state.begin_job("0".repeat(32), None, now);
        state.begin_job(OLD.to_owned(), None, now);
        home.write_state(&state).unwrap();
        let (plans, planned) = watch::channel(Arc::from(vec![OLD.to_owned()]));
        let (job, known) = watch::channel(Some(OLD.to_owned()));
        let (told, found) = watch::channel(None);
        let following = follow(world.clone(), planned, known, told).boxed();
        Scene {
            _folder: folder,
            world,
            home,
            plans,
            job,
            found,
            following,
        }
    }

    impl Scene {
        /// Goes on until something is so.
        async fn until(&mut self, what: impl Fn(&Home) -> bool) {
            let home = self.home.clone();
            let seen = async {
                while !what(&home) {
                    clock::sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::select! {
                () = &mut self.following => unreachable!("it goes on until it is dropped"),
                seen = tokio::time::timeout(Duration::from_secs(20), seen) => {
                    seen.expect("it is seen in time");
                }
            }
        }

        async fn told(&mut self) -> FollowedJob {
            tokio::select! {
                () = &mut self.following => unreachable!("it goes on until it is dropped"),
                changed = self.found.changed() => changed.unwrap(),
            }
            self.found.borrow().clone().unwrap()
        }
    }

    fn current(home: &Home) -> JobRecord {
        let state = home.read_state().unwrap().unwrap();
        state.current_job().unwrap().clone()
    }

    #[tokio::test]
    async fn another_job_is_told_at_once_and_written_down_when_nobody_works_on_the_lab() {
        let mut scene = followed(false);
        let busy = scene.home.lock().unwrap();
        scene.plans.send_replace(Arc::from(vec![NEW.to_owned()]));
        let told = scene.told().await;
        assert_eq!(told.id, NEW);
        assert_eq!(told.instead.as_deref(), Some(OLD));
        assert_eq!(current(&scene.home).id, OLD, "somebody else works on it");
        scene.job.send_replace(Some(NEW.to_owned()));
        drop(busy);
        scene.until(|home| current(home).id == NEW).await;
        let state = scene.home.read_state().unwrap().unwrap();
        assert_eq!(state.jobs.len(), 3, "the history stays");
        assert_eq!(open::must_open(&scene.world).unwrap().state.jobs.len(), 3);
    }

    #[tokio::test]
    async fn a_job_of_the_past_is_not_followed_and_nothing_is_written_read_only() {
        let mut scene = followed(true);
        // Its plan goes while the next history begins.
        scene.plans.send_replace(Arc::from(vec!["0".repeat(32)]));
        scene.plans.send_replace(Arc::from(Vec::new()));
        scene.plans.send_replace(Arc::from(vec![NEW.to_owned()]));
        let told = scene.told().await;
        assert_eq!(told.id, NEW, "and not the first one");
        assert_eq!(current(&scene.home).id, OLD);
    }
}
