//! The simulated lab: a Docker engine, a Kubernetes API server and Flink's REST on loopback, one
//! state machine behind them. Ships as `flinklab try`, and the tests use it: real clients talk to
//! it over sockets and are told nothing but addresses.
//!
//! It writes files only below the bind mounts of the containers that it is asked to make. It never
//! reads the program's own modules besides `lab` and `failure`.

mod api;
mod cluster;
mod context;
mod engine;
mod flink;
mod kubernetes;
mod node;
mod pace;
mod serve;
mod shared;

pub use context::{CleanStop, Trouble};
pub use engine::Images;

use cluster::Cluster;
use context::SimContext;
use engine::Machine;
use flinklab_lab::Lab;
use serve::{Door, Gate};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

/// How a simulated lab is.
#[derive(Debug, Clone)]
pub struct Options {
    /// The definition: roles, names, images, mounts.
    pub lab: Lab,
    /// Definitions of further clusters. Each is for the cluster whose name ends in its own.
    pub others: Vec<Lab>,
    /// Divides every duration that the simulation makes.
    pub speed: f64,
    /// The same seed draws the same timings.
    pub seed: u64,
    /// Whether Docker has the images already.
    pub images: Images,
    /// Serve the engine on a Unix socket, too.
    pub socket: Option<PathBuf>,
}

impl Options {
    /// As in life, with the images there.
    #[must_use]
    pub fn new(lab: Lab) -> Self {
        Self {
            lab,
            others: Vec::new(),
            speed: 1.0,
            seed: 1,
            images: Images::Present,
            socket: None,
        }
    }
}

/// A running simulation. Dropping it ends it.
#[derive(Debug)]
pub struct Sim {
    machine: Arc<Machine>,
    address: SocketAddr,
    door: Door,
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Sim {
    /// Starts the engine. Clusters come with the containers that are made in it.
    pub async fn start(options: Options) -> io::Result<Self> {
        let labs = std::iter::once(options.lab).chain(options.others);
        let context = Arc::new(SimContext::new(labs.collect(), options.speed, options.seed));
        let machine = Machine::new(context.clone(), options.images);
        let door = Door::new(Gate::Open);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let answer = {
            let machine = machine.clone();
            move |request| {
                let machine = machine.clone();
                async move { Some(engine::answer(machine, request).await) }
            }
        };
        #[cfg(unix)]
        if let Some(path) = options.socket {
            let listener = tokio::net::UnixListener::bind(path)?;
            let stop = context.stop.clone();
            tokio::spawn(serve::serve_unix(
                listener,
                door.clone(),
                stop,
                answer.clone(),
            ));
        }
        tokio::spawn(serve::serve(
            listener,
            door.clone(),
            context.stop.clone(),
            answer,
        ));
        Ok(Self {
            machine,
            address,
            door,
        })
    }

    /// As `DOCKER_HOST` wants it.
    #[must_use]
    pub fn docker_host(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Ends everything; sockets close.
    pub fn stop(&self) {
        self.machine.context.stop.cancel();
    }

    /// Another speed from now on. Waits that have begun keep their length.
    pub fn set_speed(&self, speed: f64) {
        self.machine.context.pace.set(speed);
    }

    /// Waits until some moment between two renewals of the lease. A lab that was built in haste is
    /// else always found in the same one, right after a renewal.
    pub async fn some_moment(&self) {
        let context = &self.machine.context;
        context.pace.sleep(context.dice.between(0.0, 5.0)).await;
    }

    /// The API servers are cut off, open connections with them.
    pub fn api_down(&self) {
        self.each_cluster(|cluster| cluster.door.set(Gate::Shut));
    }

    /// The API servers answer again.
    pub fn api_up(&self) {
        self.each_cluster(|cluster| cluster.door.set(Gate::Open));
    }

    /// The Docker engine is cut off.
    pub fn docker_down(&self) {
        self.door.set(Gate::Shut);
    }

    /// The Docker engine answers again.
    pub fn docker_up(&self) {
        self.door.set(Gate::Open);
    }

    /// Requests so far by face (`docker`, `kubernetes`, `node-port`), verb and path. A watch counts
    /// as the verb WATCH.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<(String, String, String), u64> {
        self.machine.context.counters.all()
    }

    /// Counts from nothing again.
    pub fn forget_requests(&self) {
        self.machine.context.counters.clear();
    }

    /// Docker does not have this image any more.
    pub fn forget_image(&self, name: &str) {
        self.machine.forget_image(name);
    }

    /// How the lock is left behind by clean stops from now on; none leaves it to chance.
    pub fn clean_stops(&self, how: Option<CleanStop>) {
        self.machine.context.wish(|wishes| wishes.clean_stop = how);
    }

    /// What keeps clusters from coming up from now on.
    pub fn trouble(&self, what: Option<Trouble>) {
        self.machine.context.wish(|wishes| wishes.trouble = what);
    }

    /// Docker keeps its images in containerd: their ids are others than in a node.
    pub fn containerd_store(&self) {
        self.machine
            .context
            .wish(|wishes| wishes.containerd_store = true);
    }

    /// Containers that a command entered while they booted.
    #[must_use]
    pub fn entered_early(&self) -> Vec<String> {
        let engine = self.machine.engine();
        let early = engine.containers.values().filter(|own| own.entered_early);
        early.map(|own| own.name.clone()).collect()
    }

    /// The registry knows no image any more.
    pub fn registry_down(&self) {
        self.machine
            .context
            .wish(|wishes| wishes.no_registry = true);
    }

    /// The registry wants a login, and this one only.
    pub fn registry_wants(&self, name: &str, password: &str) {
        let login = Some((name.to_owned(), password.to_owned()));
        self.machine.context.wish(|wishes| wishes.login = login);
    }

    /// The registry has what the lab needs.
    pub fn registry_up(&self) {
        self.machine
            .context
            .wish(|wishes| wishes.no_registry = false);
    }

    /// Every watch that resumes is told that its version is too old.
    pub fn expire_watches(&self) {
        self.each_cluster(|cluster| cluster.hold().store.compact());
    }

    /// So many lines at once in the log of one of Flink's pods.
    pub fn kubernetes_log_flood(&self, lines: usize) {
        self.each_cluster(|cluster| {
            let mut state = cluster.hold();
            let id = state
                .containers
                .values()
                .find(|own| own.role.is_some())
                .map(|own| own.id.clone());
            for n in 0..lines {
                if let Some(id) = &id {
                    state.log(id, format!("flood line {n}"));
                }
            }
        });
    }

    fn each_cluster(&self, what: impl Fn(&Arc<Cluster>)) {
        let clusters: Vec<Arc<Cluster>> = self.machine.clusters().values().cloned().collect();
        clusters.iter().for_each(what);
    }
}
