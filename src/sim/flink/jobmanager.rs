//! A JobManager process: boots, stands for election, leads, renews its lease, steps down or is
//! stopped. Timings as measured on real clusters.

use super::lock::{self, Lock};
use super::taskmanager::line;
use super::{Leading, Master, job};
use crate::sim::api::Key;
use crate::sim::cluster::Process;
use crate::sim::ground::CleanStop;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long the lock is held without a renewal, how often it is renewed, how often it is tried.
const LEASE: f64 = 15.0;
const RENEW: f64 = 5.0;
const RETRY: f64 = 5.0;
/// How long a leader holds on when the API server is away: its client's retries come on top of
/// the deadline.
const PATIENCE: f64 = 38.0;

const ELECTOR: &str = "kubernetes.kubeclient.resources.KubernetesLeaderElector";
const ELECTION: &str = "runtime.leaderelection.DefaultLeaderElectionService";

/// Who this process is in the election.
struct Candidate {
    process: Process,
    /// Its lock identity: random, one a process.
    identity: String,
    map: Key,
    app: String,
}

/// Until it is asked to stop; the exit code.
pub(crate) async fn run(process: Process) -> i32 {
    let lab = &process.cluster.ground.lab;
    let candidate = Candidate {
        identity: process.cluster.ground.dice.uuid(),
        map: lock::map_key(&lab.flink.namespace, &lab.cluster_map()),
        app: lab.flink.cluster_id.clone(),
        process: process.clone(),
    };
    process.say(line(
        "INFO",
        "runtime.entrypoint.ClusterEntrypoint",
        " Starting StandaloneSessionClusterEntrypoint (Version: 2.2.1, Scala: 2.12, simulated)",
    ));
    let stopped = async {
        process.asked_to_stop.cancelled().await;
        process.thawed().await;
    };
    tokio::select! {
        () = candidate.live() => {}
        () = stopped => {}
    }
    candidate.stop().await
}

impl Candidate {
    async fn live(&self) {
        let process = &self.process;
        process.about(3.5, 4.5).await;
        let master = Master {
            ip: process.ip.clone(),
            up: true,
            leading: None,
        };
        process.act(|state| state.flink.masters.insert(process.id.clone(), master));
        process.listen();
        let lock = format!(
            "ConfigMapLock: {} - {} ({})",
            self.map.namespace, self.map.name, self.identity
        );
        process.say(line(
            "INFO",
            ELECTOR,
            &format!("Create KubernetesLeaderElector on lock {lock}."),
        ));
        process.say(line(
            "INFO",
            ELECTOR,
            &format!("Triggered leader election on lock {lock}."),
        ));
        loop {
            if self.try_to_win() {
                self.lead().await;
            }
            process.about(RETRY * 0.92, RETRY * 1.04).await;
        }
    }

    fn now_lock(&self, acquired: Timestamp, transitions: u64) -> Lock {
        Lock {
            holder: self.identity.clone(),
            lease: self.process.cluster.ground.pace.seconds(LEASE),
            acquired,
            renewed: Timestamp::now(),
            transitions,
        }
    }

    /// Takes the lock if nobody holds it.
    fn try_to_win(&self) -> bool {
        let cluster = &self.process.cluster;
        if !self.process.reaches_api() {
            return false;
        }
        // Who may not patch cannot take over what another one held; its own it writes anew.
        let may = may_patch(&self.process);
        let won = self.process.act(|state| {
            let now = Timestamp::now();
            let transitions = match Lock::read(&state.store, &self.map) {
                Some(lock) if !may && lock.holder != self.identity => return false,
                Some(lock) if lock.is_over(now) => lock.transitions + 1,
                Some(_) => return false,
                None => 0,
            };
            let lock = self.now_lock(now, transitions);
            lock.write(&mut state.store, &self.map, &self.app, &cluster.ground.dice);
            true
        });
        won == Some(true)
    }

    /// Leads until the lease is lost.
    async fn lead(&self) {
        let process = &self.process;
        let session = process.cluster.ground.dice.uuid();
        let over = CancellationToken::new();
        process.say(line(
            "INFO",
            ELECTOR,
            &format!(
                "New leader elected {} for {}.",
                self.identity, self.map.name
            ),
        ));
        let leading = Leading {
            session: session.clone(),
            since: Instant::now(),
            dispatching: false,
            jobs: BTreeMap::new(),
            over: over.clone(),
        };
        process.act(|state| {
            if let Some(own) = state.flink.masters.get_mut(&process.id) {
                own.leading = Some(leading);
            }
        });
        tokio::select! {
            () = self.hold_on() => {}
            () = self.take_office(&session) => {}
        }
        over.cancel();
        process.act(|state| {
            if let Some(own) = state.flink.masters.get_mut(&process.id) {
                own.leading = None;
            }
            state.beats += 1;
        });
        process.say(line(
            "INFO",
            ELECTION,
            &format!("LeaderContender has been revoked leadership for session {session}."),
        ));
    }

    /// Renews the lease; ends when it is lost.
    async fn hold_on(&self) {
        let process = &self.process;
        // One that came to lead without the right to patch does not try again to renew: it leads
        // on a lease that is over, until somebody gives it the right back.
        while !may_patch(process) {
            process.about(RENEW * 0.98, RENEW).await;
            if may_patch(process) {
                return;
            }
        }
        let mut renewed = Instant::now();
        loop {
            process.about(RENEW * 0.98, RENEW).await;
            let cluster = &process.cluster;
            let reaches = process.reaches_api();
            let allowed = reaches && may_patch(process);
            let kept = process.act(|state| {
                if !allowed {
                    return true;
                }
                let Some(lock) = Lock::read(&state.store, &self.map) else {
                    return false;
                };
                if lock.holder != self.identity {
                    return false;
                }
                let lock = self.now_lock(lock.acquired, lock.transitions);
                lock.write(&mut state.store, &self.map, &self.app, &cluster.ground.dice);
                renewed = Instant::now();
                true
            });
            let patience = if reaches { LEASE } else { PATIENCE };
            if kept == Some(false) || renewed.elapsed() > cluster.ground.pace.seconds(patience) {
                process.say(line(
                    "WARN",
                    ELECTOR,
                    "Renew deadline reached: leadership is lost.",
                ));
                return;
            }
        }
    }

    /// Writes the leader keys one by one, as the components get to it; then recovers the jobs.
    async fn take_office(&self, session: &str) {
        let process = &self.process;
        let (ip, address) = (&process.ip, |name: &str, n: u32| {
            format!("pekko.tcp://flink@{}:6123/user/rpc/{name}_{n}", process.ip)
        });
        let rest = if rest_is_everywhere(process) {
            "0.0.0.0"
        } else {
            ip.as_str()
        };
        for (component, at, text) in [
            (
                "restserver",
                format!("http://{rest}:8081"),
                format!("http://{rest}:8081 was granted leadership with leaderSessionID={session}"),
            ),
            (
                "resourcemanager",
                address("resourcemanager", 0),
                format!(
                    "Resource manager service is granted leadership with session id {session}."
                ),
            ),
            (
                "dispatcher",
                address("dispatcher", 1),
                format!(
                    "DefaultDispatcherRunner was granted leadership with leader id {session}. Creating new DispatcherLeaderProcess."
                ),
            ),
        ] {
            process.about(0.04, 0.16).await;
            self.write_key(component, &format!("{session},{at}"));
            let class = match component {
                "restserver" => "runtime.dispatcher.DispatcherRestEndpoint",
                "resourcemanager" => "runtime.resourcemanager.ResourceManagerServiceImpl",
                _ => "runtime.dispatcher.runner.DefaultDispatcherRunner",
            };
            process.say(line("INFO", class, &text));
        }
        process.about(0.1, 0.3).await;
        let plans = process
            .act(|state| job::persisted(&state.store, &self.map))
            .unwrap_or_default();
        let runner = "runtime.dispatcher.runner.SessionDispatcherLeaderProcess";
        process.say(line(
            "INFO",
            runner,
            &format!(
                "Successfully recovered {} persisted job graphs.",
                plans.len()
            ),
        ));
        process.act(|state| {
            if let Some(leading) = state.flink.leading(&process.id, session) {
                leading.dispatching = true;
            }
            state.beats += 1;
        });
        for id in plans {
            job::begin(process, session, &id, None);
        }
        std::future::pending::<()>().await;
    }

    fn write_key(&self, component: &str, value: &str) {
        let key = format!("org.apache.flink.k8s.leader.{component}");
        self.process
            .act(|state| lock::set(&mut state.store, &self.map, &key, Some(value.to_owned())));
    }

    /// An orderly end: the lock is given back, and in some cases taken again at once.
    async fn stop(&self) -> i32 {
        let process = &self.process;
        let entrypoint = "runtime.entrypoint.ClusterEntrypoint";
        process.say(line(
            "INFO",
            entrypoint,
            "RECEIVED SIGNAL 15: SIGTERM. Shutting down as requested.",
        ));
        process.say(line("INFO", entrypoint, "Shutting StandaloneSessionClusterEntrypoint down with application status UNKNOWN. Diagnostics Cluster entrypoint has been closed externally.."));
        process.act(|state| {
            if let Some(own) = state.flink.masters.get_mut(&process.id) {
                own.up = false;
                if let Some(leading) = own.leading.take() {
                    leading.over.cancel();
                }
            }
            if let Some(own) = state.containers.get_mut(&process.id) {
                own.listening = false;
            }
            state.beats += 1;
        });
        process.about(0.08, 0.25).await;
        let ground = &process.cluster.ground;
        if process.reaches_api() {
            // Two writes a few milliseconds apart, and it is a race which one lands last.
            let how = ground.clean_stop();
            process.act(|state| {
                let lock = Lock::read(&state.store, &self.map)?;
                if lock.holder != self.identity {
                    return None;
                }
                let transitions = lock.transitions;
                let released = Lock {
                    holder: String::new(),
                    lease: ground.pace.seconds(1.0).max(Duration::from_millis(1)),
                    renewed: Timestamp::now(),
                    ..lock
                };
                released.write(&mut state.store, &self.map, &self.app, &ground.dice);
                if how == CleanStop::Retaken {
                    let lock = self.now_lock(Timestamp::now(), transitions + 1);
                    lock.write(&mut state.store, &self.map, &self.app, &ground.dice);
                }
                Some(())
            });
        }
        process.about(0.08, 0.15).await;
        143
    }
}

/// Without the right to patch the lease is never renewed, and nothing says so.
fn may_patch(process: &Process) -> bool {
    crate::sim::api::may_patch(&process.cluster.hold().store, &process.namespace)
}

fn rest_is_everywhere(process: &Process) -> bool {
    let lab = &process.cluster.ground.lab;
    lab.files
        .iter()
        .any(|(_, text)| text.contains("rest.address: 0.0.0.0"))
}
