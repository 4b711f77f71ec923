//! `stop` and `down --purge` that are broken off, nodes that still boot or cannot be entered, and what
//! they leave behind: the next `up` finishes, and the next `down --purge` leaves nothing.

use crate::advice::{hint, said};
use crate::building::{built, removed, state, world};
use crate::simulated::{Machine, NODE, eventually};
use flinklab_event::{Done, DownOrder, Happening};
use flinklab_sim::Trouble;
use flinklab_verb::Act;
use flinklab_verb::verbs::Thaw;
use flinklab_world::home::Home;
use flinklab_world::journal;
use flinklab_world::journal::{Entry, Owner};
use flinklab_world::{Events, World, down, stop};
use tokio::sync::mpsc;

/// Faster than real by this much.
const SPEED: f64 = 20.0;

/// Runs a command and drops it as soon as Docker was asked for that.
async fn broken_off_at(
    machine: &Machine,
    work: impl AsyncFnOnce(Events),
    verb: &str,
    path_ends: &str,
) {
    machine.sim.forget_requests();
    let (to, mut from) = mpsc::channel::<Happening>(1024);
    let asked = eventually("Docker is asked for it", || async {
        let all = machine.sim.requests();
        all.keys()
            .any(|(_, asked, path)| asked == verb && path.ends_with(path_ends))
    });
    let drain = async { while from.recv().await.is_some() {} };
    tokio::select! {
        biased;
        () = asked => {}
        () = async { tokio::join!(work(Events::new(to)), drain); } => panic!("it came to its end"),
    }
}

async fn runs(machine: &Machine) -> bool {
    let found = machine.docker.inspect_container(NODE, None).await.unwrap();
    found.state.unwrap().running == Some(true)
}

async fn notes(world: &World) -> Vec<String> {
    match built(world, false).await.end {
        Ok(Done::Up { notes, .. }) => notes.iter().map(said).collect(),
        other => panic!("{other:?}"),
    }
}

fn says(notes: &[String], words: &str) {
    assert!(notes.iter().any(|note| note.contains(words)), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_is_broken_off_with_the_kubelet_stopped_is_no_dead_end() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    built(&world, false).await.end.unwrap();
    let job = state(&world).jobs[0].id.clone();
    // Slow enough to be seen between the end of the pods and the end of the container.
    machine.sim.set_speed(1.0);
    let stop = async |events: Events| stop::run(&world, &events).await;
    broken_off_at(&machine, stop, "POST", "/stop").await;
    machine.sim.set_speed(SPEED);
    assert!(runs(&machine).await, "it was broken off before its end");
    says(&notes(&world).await, "The kubelet of `sim-control-plane`");
    assert_eq!(state(&world).jobs.len(), 1);
    assert_eq!(state(&world).jobs[0].id, job, "the same history");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_that_is_broken_off_leaves_no_cluster_without_its_files() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    built(&world, false).await.end.unwrap();
    machine.sim.set_speed(1.0);
    let order = DownOrder {
        purge: true,
        ..DownOrder::default()
    };
    let purge = async |events: Events| down::run(&world, &order, &events).await;
    broken_off_at(&machine, purge, "DELETE", "").await;
    machine.sim.set_speed(SPEED);
    assert!(runs(&machine).await, "it was broken off before its end");
    says(&notes(&world).await, "was broken off");
    assert_eq!(state(&world).jobs.len(), 1, "the new one");
    removed(&world, true).await.end.unwrap();
    assert!(!Home::of(&world.addresses, "sim").folder.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_be_entered_is_purged_all_the_same() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    built(&world, false).await.end.unwrap();
    machine.sim.trouble(Some(Trouble::NodeIsPaused));
    let Ok(Done::Down { removed: gone, .. }) = removed(&world, true).await.end else {
        panic!("down")
    };
    assert!(
        gone.iter().any(|line| line.contains(" files (")),
        "{gone:?}"
    );
    let left = bollard::query_parameters::ListContainersOptionsBuilder::new()
        .all(true)
        .build();
    let left = machine.docker.list_containers(Some(left)).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    assert!(!Home::of(&world.addresses, "sim").folder.exists());
}

/// What a process left that was killed while a process of the node stood still.
fn frozen(world: &World) -> Entry {
    let entry = Entry {
        format: 1,
        run: "left".to_owned(),
        failure: "jm-freeze".to_owned(),
        what: "a process stands still".to_owned(),
        owner: Owner {
            pid: 4_000_000,
            start: "long ago".to_owned(),
        },
        since: jiff::Timestamp::now(),
        deadline: jiff::Timestamp::now(),
        undo: vec![Act::in_node(Thaw {
            node: NODE.to_owned(),
            pid: 77,
            start: 77,
            pod: String::from("uid"),
        })],
    };
    journal::write(&Home::of(&world.addresses, &world.name), &entry).unwrap();
    entry
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_enters_a_node_that_boots() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    built(&world, false).await.end.unwrap();
    // Slow, so that a boot is longer than what is asked of Docker meanwhile.
    machine.docker.stop_container(NODE, None).await.unwrap();
    frozen(&world);
    machine.sim.set_speed(2.0);
    let notes = notes(&world).await;
    says(&notes, "was started again");
    says(&notes, "The job went on from its checkpoint");
    assert!(machine.sim.entered_early().is_empty());
    // Docker started it a moment ago, as after a reboot with a restart policy.
    machine.docker.stop_container(NODE, None).await.unwrap();
    machine.docker.start_container(NODE, None).await.unwrap();
    built(&world, false).await.end.unwrap();
    assert!(machine.sim.entered_early().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_cannot_be_read_does_not_keep_the_lab() {
    let machine = Machine::start(SPEED).await;
    let folder = tempfile::tempdir().unwrap();
    let world = world(&machine, folder.path(), "sim");
    built(&world, false).await.end.unwrap();
    let journal = Home::of(&world.addresses, "sim").journal();
    std::fs::write(journal.join("torn.json"), "{\"format\": 1,").unwrap();
    let fault = built(&world, false).await.end.unwrap_err();
    assert_eq!(fault.code, "journal-unreadable");
    assert!(hint(&fault).contains("down"), "{}", hint(&fault));
    removed(&world, false).await.end.unwrap();
    built(&world, false).await.end.unwrap();
}
