//! Containers of pods and the processes in them: they run, freeze, end with an exit code and
//! write a log. What a process does while it runs is somebody else's.

use super::{Cluster, State};
use flinklab_base::clock;
use flinklab_lab::failure::Role;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Log lines kept of one container.
const LINES: usize = 150_000;

/// A container of a pod.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) sandbox: String,
    pub(crate) pod: String,
    pub(crate) pod_uid: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) image_id: String,
    pub(crate) node: String,
    pub(crate) ip: String,
    /// What it calls itself to others.
    pub(crate) host: String,
    pub(crate) attempt: u32,
    pub(crate) role: Option<Role>,
    /// In the node's process table.
    pub(crate) pid: u32,
    /// Field 22 of its `/proc/PID/stat`.
    pub(crate) start_ticks: u64,
    pub(crate) started: Timestamp,
    pub(crate) life: Life,
    /// Whether its server takes connections.
    pub(crate) listening: bool,
    pub(crate) log: Log,
    pub(crate) frozen: watch::Sender<bool>,
    /// It stands still with its node.
    pub(crate) with_node: bool,
    /// Killed: the kernel takes back what it held.
    pub(crate) dying: bool,
    /// Cancelled by SIGTERM.
    pub(crate) asked_to_stop: CancellationToken,
    /// Cancelled when the process is gone.
    pub(crate) gone: CancellationToken,
}

/// Whether a process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Running,
    Ended { code: i32, at: Timestamp },
}

/// What can be sent to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Term,
    Kill,
    Stop,
    Continue,
}

impl Signal {
    /// By name with or without SIG, or by number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.trim_start_matches('-').trim_start_matches("SIG") {
            "TERM" | "15" => Some(Self::Term),
            "KILL" | "9" => Some(Self::Kill),
            "STOP" | "19" => Some(Self::Stop),
            "CONT" | "18" => Some(Self::Continue),
            _ => None,
        }
    }
}

impl Container {
    pub(crate) fn runs(&self) -> bool {
        self.life == Life::Running
    }

    pub(crate) fn is_frozen(&self) -> bool {
        *self.frozen.borrow()
    }
}

impl State {
    pub(crate) fn exit(&mut self, id: &str, code: i32) {
        let Some(container) = self.containers.get_mut(id) else {
            return;
        };
        if !container.runs() {
            return;
        }
        container.life = Life::Ended {
            code,
            at: clock::now(),
        };
        container.listening = false;
        container.gone.cancel();
        self.beats += 1;
        self.flink.process_gone(id, code);
    }

    pub(crate) fn signal(&mut self, id: &str, signal: Signal) {
        let Some(container) = self.containers.get_mut(id) else {
            return;
        };
        self.beats += 1;
        match signal {
            Signal::Term => container.asked_to_stop.cancel(),
            Signal::Kill => self.exit(id, 137),
            Signal::Stop => {
                container.frozen.send_replace(true);
                self.flink.process_frozen(id);
            }
            Signal::Continue => {
                container.frozen.send_replace(false);
                self.flink.process_thawed(id);
            }
        }
    }

    pub(crate) fn log(&mut self, id: &str, line: String) {
        self.lines += 1;
        if let Some(container) = self.containers.get_mut(id) {
            container.log.push(clock::now(), line);
        }
    }

    pub(crate) fn by_pid(&self, pid: u32) -> Option<&Container> {
        self.containers
            .values()
            .find(|container| container.pid == pid)
    }
}

/// The lines of a container, each with the runtime's stamp.
#[derive(Debug, Default)]
pub(crate) struct Log {
    lines: VecDeque<(Timestamp, String)>,
    dropped: usize,
}

impl Log {
    pub(crate) fn push(&mut self, at: Timestamp, line: String) {
        self.lines.push_back((at, line));
        if self.lines.len() > LINES {
            self.lines.pop_front();
            self.dropped += 1;
        }
    }

    /// The number that the next line will have.
    pub(crate) fn end(&self) -> usize {
        self.dropped + self.lines.len()
    }

    /// Lines from that number on, at most so many, and the number after the last of them.
    pub(crate) fn from(&self, from: usize, most: usize) -> (Vec<(Timestamp, String)>, usize) {
        let skip = from.saturating_sub(self.dropped);
        let lines: Vec<_> = self.lines.iter().skip(skip).take(most).cloned().collect();
        let next = self.dropped + skip.min(self.lines.len()) + lines.len();
        (lines, next)
    }
}

/// The right to act as one process: everything it does ends with it.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) cluster: Arc<Cluster>,
    /// The container's id.
    pub(crate) id: String,
    pub(crate) pod: String,
    pub(crate) namespace: String,
    pub(crate) ip: String,
    /// What it calls itself to others.
    pub(crate) host: String,
    pub(crate) asked_to_stop: CancellationToken,
    pub(crate) gone: CancellationToken,
    frozen: watch::Receiver<bool>,
}

impl Process {
    pub(crate) fn of(cluster: &Arc<Cluster>, container: &Container) -> Self {
        Self {
            cluster: cluster.clone(),
            id: container.id.clone(),
            pod: container.pod.clone(),
            namespace: container.namespace.clone(),
            ip: container.ip.clone(),
            host: container.host.clone(),
            asked_to_stop: container.asked_to_stop.clone(),
            gone: container.gone.clone(),
            frozen: container.frozen.subscribe(),
        }
    }

    /// Waits so many simulated seconds, and as long as the process is frozen.
    pub(crate) async fn nap(&self, seconds: f64) {
        self.cluster.sleep(seconds).await;
        self.thawed().await;
    }

    /// Waits some time between the two.
    pub(crate) async fn about(&self, low: f64, high: f64) {
        self.nap(self.cluster.between(low, high)).await;
    }

    pub(crate) async fn thawed(&self) {
        let _ = self.frozen.clone().wait_for(|frozen| !frozen).await;
    }

    /// Does something, unless the process is gone or frozen in this very moment.
    pub(crate) fn act<R>(&self, what: impl FnOnce(&mut State) -> R) -> Option<R> {
        let mut state = self.cluster.hold();
        let able = state
            .containers
            .get(&self.id)
            .is_some_and(|own| own.runs() && !own.is_frozen());
        able.then(|| what(&mut state))
    }

    /// Whether it can talk to the API server now. One that is cut off tries all the same, and its
    /// packets are counted.
    pub(crate) fn reaches_api(&self) -> bool {
        let mut state = self.cluster.hold();
        let cut = state.cut.values_mut().find(|(ip, _)| *ip == self.ip);
        match cut {
            Some((_, dropped)) => {
                *dropped += 1;
                false
            }
            None => {
                drop(state);
                self.cluster.door.is_open()
            }
        }
    }

    pub(crate) fn say(&self, line: impl Into<String>) {
        let line = line.into();
        self.act(|state| state.log(&self.id, line));
    }

    /// From now on its server takes connections.
    pub(crate) fn listen(&self) {
        self.act(|state| {
            if let Some(own) = state.containers.get_mut(&self.id) {
                own.listening = true;
            }
            state.beats += 1;
        });
    }
}
