//! A JobManager process: boots, stands for election, leads, renews its lease, steps down or is
//! stopped. Timings as measured on real clusters.

mod stopped;

use super::configured::{self, Election};
use super::lock::{self, Lock};
use super::taskmanager::line;
use super::{Leading, Master, application, job, plan};
use crate::api::Key;
use crate::cluster::{Process, State};
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_lab::failure::Role;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::SetOnce;
use tokio_util::sync::CancellationToken;

/// Before the component in the key of its leader.
const LEADER: &str = "org.apache.flink.k8s.leader.";
/// The exit code of a JobManager that cannot go on.
const FATAL: i32 = 239;
/// The same before it has begun.
const START_FAILED: i32 = 1;

const ELECTOR: &str = "kubernetes.kubeclient.resources.KubernetesLeaderElector";
const ELECTION: &str = "runtime.leaderelection.DefaultLeaderElectionService";

/// Who this process is in the election.
struct Candidate {
    process: Process,
    /// Its lock identity: random, one a process.
    identity: String,
    born: Instant,
    map: Key,
    app: String,
    election: Election,
}

/// Until it is asked to stop; the exit code.
pub(crate) async fn run(process: Process) -> i32 {
    let lab = &process.cluster.lab;
    let election = configured::election(&configured::of(&process));
    let id = match &election {
        Election::As(id) => id.clone(),
        Election::None | Election::Broken(_) => lab.flink.cluster_id.clone(),
    };
    let map = format!("{id}-cluster-config-map");
    let candidate = Candidate {
        identity: process.cluster.context.dice.uuid(),
        born: Instant::now(),
        map: lock::map_key(&lab.flink.namespace, &map),
        app: id,
        election,
        process: process.clone(),
    };
    process.say(line(
        "INFO",
        "runtime.entrypoint.ClusterEntrypoint",
        &format!(
            " Starting {} (Version: {}, Scala: 2.12, simulated)",
            application::entrypoint(&process),
            process.cluster.version.name()
        ),
    ));
    let stopped = async {
        process.asked_to_stop.cancelled().await;
        process.thawed().await;
    };
    tokio::select! {
        code = candidate.live() => code,
        () = stopped => candidate.stop().await,
    }
}

impl Candidate {
    /// Ends only with a fatal error.
    async fn live(&self) -> i32 {
        let process = &self.process;
        let version = &process.cluster.version;
        process.about(3.5, 4.5).await;
        if let Some(why) = self.cannot_start() {
            process.say(line(
                "ERROR",
                "runtime.entrypoint.ClusterEntrypoint",
                "Could not start cluster entrypoint StandaloneSessionClusterEntrypoint.",
            ));
            process.say("org.apache.flink.runtime.entrypoint.ClusterEntrypointException: Failed to initialize the cluster entrypoint StandaloneSessionClusterEntrypoint.");
            process.say(format!("Caused by: {why}"));
            return START_FAILED;
        }
        if self.starts_beside_another() == Some(true) {
            process.about(1.5, 3.2).await;
        }
        let master = Master {
            ip: process.ip.clone(),
            up: true,
            leading: None,
            suspended: BTreeSet::new(),
        };
        process.act(|state| state.flink.masters.insert(process.id.clone(), master));
        process.listen();
        if self.election == Election::None {
            return self.lead_alone().await;
        }
        let lock = format!("ConfigMapLock: {} - {}", self.map.namespace, self.map.name);
        process.say(line(
            "INFO",
            ELECTOR,
            &version.elector(&lock, &self.identity),
        ));
        process.say(line(
            "INFO",
            ELECTOR,
            &format!(
                "Triggered leader election on lock {lock} ({}).",
                self.identity
            ),
        ));
        loop {
            let won = self.try_to_win();
            if won && let Some(code) = self.lead().await {
                return code;
            }
            if !process.reaches_api() {
                // Its client waits longer and longer between tries that nobody answers.
                while !process.reaches_api() {
                    process.nap(1.0).await;
                }
                process.about(4.5, 9.5).await;
                continue;
            }
            // Each pause of who stands by is drawn anew, seen on the real lab: 5.1, 7.3, 7.7, 9.6 s.
            let (low, high) = if won { (0.75, 1.04) } else { (1.0, 2.2) };
            process
                .about(version.retry * low, version.retry * high)
                .await;
        }
    }

    /// Why the process ends before it has begun.
    fn cannot_start(&self) -> Option<String> {
        let process = &self.process;
        match &self.election {
            Election::Broken(why) => return Some(why.clone()),
            Election::None => return None,
            Election::As(_) => {}
        }
        // Leader and jobs are watched from the start on.
        let refused = ["list", "watch"]
            .into_iter()
            .find(|verb| !may_do(process, verb));
        let namespace = &process.namespace;
        refused.map(|verb| {
            format!(
                "io.fabric8.kubernetes.client.KubernetesClientException: configmaps is forbidden: User \"system:serviceaccount:{namespace}:flink\" cannot {verb} resource \"configmaps\" in API group \"\" in the namespace \"{namespace}\""
            )
        })
    }

    /// Without high availability it leads from the start, and nobody is told.
    async fn lead_alone(&self) -> i32 {
        let session = self.process.cluster.context.dice.uuid();
        self.process.about(0.3, 0.8).await;
        self.process.act(|state| {
            if let Some(own) = state.flink.masters.get_mut(&self.process.id) {
                own.leading = Some(Leading {
                    session,
                    since: Instant::now(),
                    dispatching: true,
                    jobs: BTreeMap::new(),
                    over: CancellationToken::new(),
                    closes: Arc::default(),
                });
            }
            state.beats += 1;
        });
        std::future::pending().await
    }

    /// Two that start at once share the machine, and both take longer.
    fn starts_beside_another(&self) -> Option<bool> {
        self.process.act(|state| {
            let mut others = state
                .containers
                .values()
                .filter(|it| it.id != self.process.id);
            others.any(|it| it.role == Some(Role::JobManager) && it.runs() && !it.listening)
        })
    }

    fn now_lock(&self, acquired: Timestamp, transitions: u64) -> Lock {
        Lock {
            holder: self.identity.clone(),
            lease: self
                .process
                .cluster
                .context
                .pace
                .seconds(self.process.cluster.version.lease),
            acquired,
            renewed: clock::now(),
            transitions,
        }
    }

    /// Takes the lock if nobody holds it.
    fn try_to_win(&self) -> bool {
        let cluster = &self.process.cluster;
        if !self.process.reaches_api() {
            return false;
        }
        // Who may not patch cannot take over what another one held; on its own it leads on, unwritten.
        let may = may_patch(&self.process);
        if !["get", "create"]
            .iter()
            .all(|verb| may_do(&self.process, verb))
        {
            return false;
        }
        let won = self.process.act(|state| {
            let now = clock::now();
            let transitions = match Lock::read(&state.store, &self.map) {
                Some(lock) if !may => return lock.holder == self.identity && lock.is_over(now),
                Some(lock) if lock.is_over(now) => {
                    if cluster.version.counts_renewals() {
                        0
                    } else {
                        lock.transitions + 1
                    }
                }
                Some(_) => return false,
                None => 0,
            };
            let lock = self.now_lock(now, transitions);
            self.write(state, &lock);
            true
        });
        won == Some(true)
    }

    fn write(&self, state: &mut State, lock: &Lock) {
        let cluster = &self.process.cluster;
        let whose = (&cluster.version, self.app.as_str());
        lock.write(&mut state.store, &self.map, whose, &cluster.context.dice);
    }

    /// Leads until the lease is lost; an exit code where the process ends with it.
    async fn lead(&self) -> Option<i32> {
        let process = &self.process;
        let session = process.cluster.context.dice.uuid();
        let over = CancellationToken::new();
        let closes = Arc::new(SetOnce::new());
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
            closes: closes.clone(),
        };
        process.act(|state| {
            if let Some(own) = state.flink.masters.get_mut(&process.id) {
                own.leading = Some(leading);
            }
        });
        let ended = tokio::select! {
            ended = self.hold_on() => ended,
            () = self.take_office(&session) => None,
            code = closes.wait() => Some(*code),
        };
        over.cancel();
        process.act(|state| {
            if let Some(own) = state.flink.masters.get_mut(&process.id) {
                own.revoke();
            }
            state.beats += 1;
        });
        process.say(line(
            "INFO",
            ELECTION,
            &format!("LeaderContender has been revoked leadership for session {session}."),
        ));
        ended
    }

    /// Renews the lease; ends when it is lost, with an exit code where that is fatal.
    async fn hold_on(&self) -> Option<i32> {
        let process = &self.process;
        let version = &process.cluster.version;
        let renew = version.retry;
        // One that came to lead without the right to patch does not try again to renew: it leads
        // on a lease that is over, until somebody gives it the right back.
        while !may_patch(process) {
            process.about(renew * 0.98, renew).await;
            if may_patch(process) {
                return None;
            }
        }
        let mut renewed = Instant::now();
        let mut denied = false;
        let cluster = &process.cluster;
        let pace = &cluster.context.pace;
        loop {
            // Who is denied gives up when the deadline is over, not at the try after it.
            let left = pace
                .seconds(version.deadline)
                .saturating_sub(renewed.elapsed());
            tokio::select! {
                () = process.about(renew * 0.98, renew) => {}
                () = clock::sleep(left), if denied => {}
            }
            let reaches = process.reaches_api();
            let allowed = reaches && may_patch(process);
            denied = reaches && !allowed;
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
                let more = u64::from(version.counts_renewals());
                let lock = self.now_lock(lock.acquired, lock.transitions + more);
                self.write(state, &lock);
                renewed = Instant::now();
                true
            });
            let (patience, fatal) = match (reaches, version.patience()) {
                (true, _) => (version.deadline, false),
                (false, (low, high, fatal)) => (cluster.between(low, high), fatal),
            };
            if kept == Some(false) || renewed.elapsed() >= pace.seconds(patience) {
                process.say(line(
                    "WARN",
                    ELECTOR,
                    "Renew deadline reached: leadership is lost.",
                ));
                if fatal && kept != Some(false) {
                    let text = "Fatal error occurred in the cluster entrypoint.";
                    process.say(line("ERROR", "runtime.entrypoint.ClusterEntrypoint", text));
                    return Some(FATAL);
                }
                return None;
            }
        }
    }

    /// Writes the leader keys one by one, as the components get to it; then recovers the jobs.
    async fn take_office(&self, session: &str) {
        let process = &self.process;
        let version = &process.cluster.version;
        let scheme = version.scheme();
        let (ip, address) = (&process.host, |name: &str, n: u32| {
            format!(
                "{scheme}.tcp://flink@{}:6123/user/rpc/{name}_{n}",
                process.host
            )
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
        let (low, high) = self.recovers_in();
        process.about(low, high).await;
        let plans = plan::kept(process, &self.map);
        let runner = "runtime.dispatcher.runner.SessionDispatcherLeaderProcess";
        process.say(line(
            "INFO",
            runner,
            &format!(
                "Successfully recovered {} persisted {}.",
                plans.len(),
                version.plans()
            ),
        ));
        process.act(|state| {
            if let Some(leading) = state.flink.leading(&process.id, session) {
                leading.dispatching = true;
            }
            state.beats += 1;
        });
        match application::of(process) {
            Some(own) => own.main(process, session, plans).await,
            None => {
                for (id, from) in plans {
                    job::begin(process, session, &id, from);
                }
            }
        }
        std::future::pending::<()>().await;
    }

    /// Seconds until the jobs are found: who has only just started loads half of its classes for it.
    fn recovers_in(&self) -> (f64, f64) {
        let warm = self.process.cluster.context.pace.seconds(12.0);
        if self.born.elapsed() < warm {
            (1.5, 3.6)
        } else {
            (0.2, 0.7)
        }
    }

    fn write_key(&self, component: &str, value: &str) {
        let key = format!("{LEADER}{component}");
        self.process
            .act(|state| lock::set(&mut state.store, &self.map, &key, Some(value.to_owned())));
    }
}

fn may_do(process: &Process, verb: &str) -> bool {
    crate::api::may(&process.cluster.hold().store, &process.namespace, verb)
}

/// Without the right to patch the lease is never renewed, and nothing says so.
fn may_patch(process: &Process) -> bool {
    !process.cluster.version.patches() || may_do(process, "patch")
}

fn rest_is_everywhere(process: &Process) -> bool {
    let address = process.cluster.lab.flink_options().remove("rest.address");
    address.as_deref() == Some("0.0.0.0")
}
