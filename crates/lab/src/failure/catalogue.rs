//! The one table of failures. Lists, help, command line, JSON, README and the scenarios
//! of the tests all read it; adding an entry is adding it here and nowhere else.

use super::{
    Counted, Expect, Failure, Hits, Leadership, Need, Restarts, Restore, Seconds, StatementName,
};
use flinklab_verb::verbs::{
    CUT_OFF, DELETE_POD, DELETE_POINTERS, FORBID_PATCH, FORBID_WRITING, FREEZE, KILL,
    LOSE_STATE_FILES, PAUSE_NODE, SCALE_TO_ZERO, STOP_API_SERVER, TERMINATE,
};
use std::borrow::Cow;

const fn words(text: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(text)
}

/// What must be seen of a failure that should PASS within so long of the break.
const fn seen(leadership: Leadership, restore: Restore, restarts: Restarts, within: u32) -> Expect {
    Expect {
        leadership,
        restore,
        restarts,
        within: Seconds(within),
        counted: Counted::Break,
        fails: Cow::Borrowed(&[]),
    }
}

/// Every built-in failure, in the order in which it is listed.
pub static CATALOGUE: &[Failure] = &[
    Failure {
        key: words("jm-stop"),
        title: words("stop the leader"),
        story: words(
            "The leading JobManager gets SIGTERM and shuts down in order. It tries to give its lock \
             back, but its own elector may take the lock again on the way out: about half of \
             all clean stops end like a crash. Flink 1.15 never gives it back.",
        ),
        teaches: words("Even a clean stop may have to wait until the lease runs out."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::Leader,
        steps: Cow::Borrowed(&[TERMINATE]),
        lasts: None,
        aftershock: None,
        expect: seen(Leadership::NewEpoch, Restore::Newest, Restarts::Target, 60),
    },
    Failure {
        key: words("jm-crash"),
        title: words("crash the leader"),
        story: words(
            "The leading JobManager is killed with SIGKILL from the node. Nobody gives the lock \
             back: the others must wait until its lease has run out, 15 s by default. The tasks \
             go on running meanwhile, and what they did since the last checkpoint is thrown away.",
        ),
        teaches: words("After a crash, the lease decides how long nobody leads."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::Leader,
        steps: Cow::Borrowed(&[KILL]),
        lasts: None,
        aftershock: None,
        expect: seen(Leadership::NewEpoch, Restore::Newest, Restarts::Target, 60),
    },
    Failure {
        key: words("jm-delete"),
        title: words("delete the leader's pod"),
        story: words(
            "The pod of the leading JobManager is deleted through the API server, as a node drain \
             does. Its workload makes another pod with another address.",
        ),
        teaches: words(
            "Leadership is found through the config map, so a new address does not matter.",
        ),
        needs: Cow::Borrowed(&[]),
        hits: Hits::Leader,
        steps: Cow::Borrowed(&[DELETE_POD]),
        lasts: None,
        aftershock: None,
        expect: seen(
            Leadership::NewEpoch,
            Restore::Newest,
            Restarts::Replaced,
            60,
        ),
    },
    Failure {
        key: words("standby-stop"),
        title: words("stop a standby"),
        story: words(
            "A JobManager that does not lead gets SIGTERM. It held no lock and ran no job: its \
             container starts again, and nobody else notices. The control experiment for all the \
             others.",
        ),
        teaches: words("Losing a standby costs nothing but the standby."),
        needs: Cow::Borrowed(&[Need::Standby]),
        hits: Hits::Standby,
        steps: Cow::Borrowed(&[TERMINATE]),
        lasts: None,
        aftershock: None,
        expect: seen(Leadership::Stays, Restore::None, Restarts::Target, 30),
    },
    Failure {
        key: words("tm-stop"),
        title: words("stop a TaskManager"),
        story: words(
            "A TaskManager that runs tasks gets SIGTERM. It says goodbye, so its loss is noticed at \
             once; the leader stays, and the job restarts from its newest checkpoint.",
        ),
        teaches: words("Losing a worker costs the work since the last checkpoint, not the leader."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::BusyTaskManager,
        steps: Cow::Borrowed(&[TERMINATE]),
        lasts: None,
        aftershock: None,
        expect: seen(Leadership::Stays, Restore::Newest, Restarts::Target, 60),
    },
    Failure {
        key: words("tm-crash"),
        title: words("crash a TaskManager"),
        story: words(
            "A TaskManager that runs tasks is killed with SIGKILL from the node and says no goodbye. \
             For 10 to 20 s Flink counts on it: tasks elsewhere that read from it fail at once, and \
             each new try fails; without such, all tasks are shown as running, while no checkpoint \
             completes.",
        ),
        teaches: words(
            "Until a dead worker is missed, Flink counts on it: that is most of the recovery.",
        ),
        needs: Cow::Borrowed(&[]),
        hits: Hits::BusyTaskManager,
        steps: Cow::Borrowed(&[KILL]),
        lasts: None,
        aftershock: None,
        expect: seen(Leadership::Stays, Restore::Newest, Restarts::Target, 60),
    },
    Failure {
        key: words("tm-delete"),
        title: words("delete a TaskManager's pod"),
        story: words(
            "The pod of a TaskManager that runs tasks is deleted through the API server. It stops \
             in order, its Deployment makes another one, and the job restarts where there are free \
             slots.",
        ),
        teaches: words("Free slots elsewhere are what makes a job come back quickly."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::BusyTaskManager,
        steps: Cow::Borrowed(&[DELETE_POD]),
        lasts: None,
        aftershock: None,
        expect: seen(Leadership::Stays, Restore::Newest, Restarts::Replaced, 60),
    },
    Failure {
        key: words("jm-freeze"),
        title: words("freeze the leader"),
        story: words(
            "The leading JobManager is stopped with SIGSTOP from the node, as by a long garbage \
             collection. It does not know: its lease runs out, another one leads, and when it thaws \
             it must notice that it leads no more.",
        ),
        teaches: words("A leader that comes back late must find itself replaced, and step down."),
        needs: Cow::Borrowed(&[Need::Standby]),
        hits: Hits::Leader,
        steps: Cow::Borrowed(&[FREEZE]),
        lasts: Some(Seconds(35)),
        aftershock: None,
        expect: seen(Leadership::NewEpoch, Restore::Newest, Restarts::None, 60),
    },
    Failure {
        key: words("jm-partition"),
        title: words("cut the leader off"),
        story: words(
            "All packets between the leading JobManager, the other pods and the API server are \
             dropped in the node. It lives and cannot renew its lease; another one takes over. \
             After the cut it finds itself replaced.",
        ),
        teaches: words("Who cannot reach the lock does not lead, however well it is."),
        needs: Cow::Borrowed(&[Need::Standby]),
        hits: Hits::Leader,
        steps: Cow::Borrowed(&[CUT_OFF]),
        lasts: Some(Seconds(35)),
        aftershock: None,
        expect: seen(Leadership::NewEpoch, Restore::Newest, Restarts::None, 60),
    },
    Failure {
        key: words("tm-freeze"),
        title: words("freeze a TaskManager"),
        story: words(
            "A TaskManager that runs tasks is stopped with SIGSTOP from the node. Its connections \
             stay open, so only missing heartbeats tell, after 40 to 50 s. Until then all tasks are \
             shown as running.",
        ),
        teaches: words("Heartbeats decide how long a silent worker is believed in."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::BusyTaskManager,
        steps: Cow::Borrowed(&[FREEZE]),
        lasts: Some(Seconds(75)),
        aftershock: None,
        expect: seen(Leadership::Stays, Restore::Newest, Restarts::None, 90),
    },
    Failure {
        key: words("all-jm-crash"),
        title: words("crash every JobManager"),
        story: words(
            "Every JobManager is killed with SIGKILL from the node at once. Nobody is left to take \
             over: the containers start again, the lease of the dead leader runs out, and one of \
             them leads.",
        ),
        teaches: words("A standby saves time, not state: the state is in the checkpoints."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::AllJobmanagers,
        steps: Cow::Borrowed(&[KILL]),
        lasts: None,
        aftershock: None,
        expect: seen(Leadership::NewEpoch, Restore::Newest, Restarts::Target, 60),
    },
    Failure {
        key: words("scale-to-zero"),
        title: words("scale the JobManagers to zero"),
        story: words(
            "All JobManagers are scaled away and come back after a while, as in a bad deployment. \
             The TaskManagers wait meanwhile; the job's pointers are in the config maps.",
        ),
        teaches: words("A Flink cluster without any JobManager has not lost its job."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::AllJobmanagers,
        steps: Cow::Borrowed(&[SCALE_TO_ZERO]),
        lasts: Some(Seconds(20)),
        aftershock: None,
        expect: Expect {
            leadership: Leadership::NewEpoch,
            restore: Restore::Newest,
            restarts: Restarts::Replaced,
            within: Seconds(60),
            counted: Counted::Undone,
            fails: Cow::Borrowed(&[]),
        },
    },
    Failure {
        key: words("api-outage"),
        title: words("take the API server away"),
        story: words(
            "The manifest of the API server is moved aside, so the kubelet stops it. The job runs \
             on, but no checkpoint can complete, for its pointer cannot be written; the leader \
             keeps its leadership as long as it has patience. 40 s are mostly more than that: once \
             the server is back, another epoch begins.",
        ),
        teaches: words("Flink outlives its API server, but its checkpoints do not advance."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::ApiServer,
        steps: Cow::Borrowed(&[STOP_API_SERVER]),
        lasts: Some(Seconds(40)),
        aftershock: None,
        expect: Expect {
            leadership: Leadership::MayMove,
            restore: Restore::IfMoved,
            restarts: Restarts::None,
            within: Seconds(60),
            counted: Counted::Undone,
            fails: Cow::Borrowed(&[]),
        },
    },
    Failure {
        key: words("rbac-loss"),
        title: words("take `patch` out of the Role"),
        story: words(
            "The JobManagers lose the right to patch config maps, as with a Role copied from an old \
             page. The leader cannot renew its lease, bounces once, and then leads on a lease that \
             nobody renews: no standby could ever take over, and all looks well.",
        ),
        teaches: words("A green dashboard proves no high availability: look at the lease."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::Role,
        steps: Cow::Borrowed(&[FORBID_PATCH]),
        lasts: Some(Seconds(45)),
        aftershock: None,
        expect: Expect {
            leadership: Leadership::NewEpoch,
            restore: Restore::Newest,
            restarts: Restarts::None,
            within: Seconds(60),
            counted: Counted::Break,
            fails: Cow::Borrowed(&[StatementName::OneLeader]),
        },
    },
    Failure {
        key: words("checkpoint-unwritable"),
        title: words("make the checkpoints read-only"),
        story: words(
            "The folder of the job's checkpoints cannot be written to. Checkpoints fail one after \
             the other, the job runs on, and once the folder is writable again they go on with the \
             next ids.",
        ),
        teaches: words(
            "Failed checkpoints cost no uptime, but all the work since the last good one.",
        ),
        needs: Cow::Borrowed(&[]),
        hits: Hits::CheckpointFolder,
        steps: Cow::Borrowed(&[FORBID_WRITING]),
        lasts: Some(Seconds(20)),
        aftershock: None,
        expect: Expect {
            leadership: Leadership::Stays,
            restore: Restore::None,
            restarts: Restarts::None,
            within: Seconds(30),
            counted: Counted::Undone,
            fails: Cow::Borrowed(&[]),
        },
    },
    Failure {
        key: words("pointer-lost"),
        title: words("lose the checkpoint pointer"),
        story: words(
            "The config map with the job's checkpoint pointers is deleted, then the leader is \
             killed. The next leader finds no pointer and starts the job from nothing: all green, \
             all state lost, although every checkpoint is still on disk.",
        ),
        teaches: words(
            "Running is not recovered: compare the restored checkpoint with the newest one.",
        ),
        needs: Cow::Borrowed(&[]),
        hits: Hits::Leader,
        steps: Cow::Borrowed(&[DELETE_POINTERS, KILL]),
        lasts: None,
        aftershock: None,
        expect: Expect {
            leadership: Leadership::NewEpoch,
            restore: Restore::Newest,
            restarts: Restarts::Target,
            within: Seconds(60),
            counted: Counted::Break,
            fails: Cow::Borrowed(&[
                StatementName::Restored,
                StatementName::IdsGrow,
                StatementName::Exact,
            ]),
        },
    },
    Failure {
        key: words("state-file-lost"),
        title: words("lose files of the state"),
        story: words(
            "The files of the job's state are moved aside, as if a cleaner had taken them for old \
             ones, then the leader is killed. Pointer and metadata of the newest checkpoint are \
             right, so the next leader restores it; the TaskManagers do not find its files, and the \
             job restarts again and again. Incremental checkpoints share files, so the older ones \
             are lost with it.",
        ),
        teaches: words(
            "A checkpoint is all of its files: that it completed once does not mean that it is there.",
        ),
        needs: Cow::Borrowed(&[Need::StateFiles]),
        hits: Hits::Leader,
        steps: Cow::Borrowed(&[LOSE_STATE_FILES, KILL]),
        lasts: None,
        aftershock: None,
        expect: Expect {
            leadership: Leadership::NewEpoch,
            restore: Restore::Newest,
            restarts: Restarts::Target,
            within: Seconds(45),
            counted: Counted::Break,
            fails: Cow::Borrowed(&[StatementName::InTime]),
        },
    },
    Failure {
        key: words("node-stop"),
        title: words("stop a worker node"),
        story: words(
            "A worker node is paused through Docker: its kubelet and its pods stand still, and no \
             connection breaks. Flink misses the TaskManager's heartbeats after 40 to 50 s. \
             Kubernetes is slower: the node's lease, renewed every 10 s, must be 50 s old (40 s before \
             1.32) until it is NotReady, and its pods go when their tolerations end, 300 s by default.",
        ),
        teaches: words("A silent node is believed in for longer than a silent TaskManager."),
        needs: Cow::Borrowed(&[Need::Worker]),
        hits: Hits::Worker,
        steps: Cow::Borrowed(&[PAUSE_NODE]),
        lasts: Some(Seconds(75)),
        aftershock: None,
        expect: seen(
            Leadership::Stays,
            Restore::Newest,
            Restarts::MayBeReplaced,
            90,
        ),
    },
];

/// The entry of that key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Failure> {
    CATALOGUE.iter().find(|failure| failure.key == key)
}

#[cfg(test)]
mod tests;
