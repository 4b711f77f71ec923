//! Everything outside: Docker, the API server, Flink, files. Turns effects into events and foreign
//! types into our own; knows neither the model's state nor the screen.

mod access;
mod application;
pub mod apply;
pub mod beat;
pub mod bootstrap;
pub mod breaking;
mod bundle;
pub mod clean;
pub mod comparisons;
pub mod crash;
pub mod disk;
pub mod docker;
pub mod doctor;
pub mod down;
pub mod export;
mod files;
pub mod flink;
mod followers;
pub mod gate;
pub mod ha;
pub mod heal;
pub mod home;
pub mod images;
pub mod jobs;
pub mod journal;
pub mod kube;
pub mod kubeconfig;
pub mod labs;
pub mod lessons;
pub mod manifests;
mod members;
pub mod network;
pub mod node;
mod notes;
pub mod open;
mod previous;
pub mod process;
pub mod recording;
pub mod runs;
pub mod settings;
pub mod shared;
pub mod stop;
#[cfg(test)]
mod stub;
pub mod submit;
pub mod tail;
pub mod temp_home;
pub mod undo;
pub mod up;
pub mod watch;

use crate::settings::Refresh;
use flinklab_base::advice::Invocation;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use flinklab_event::recording::Private;
use flinklab_event::{
    ActiveFailure, Deed, DetailLevel, Effect, EffectKind, Event, Happening, Healed, Note, Origin,
    PollMode, RunEvent, RunEventKind,
};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Where everything is. Filled by `main` from the environment, by `try` from its own servers,
/// by tests from theirs; nothing else in the program reads the environment.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// As in `DOCKER_HOST`: `unix://…` or `tcp://…`; none is Docker's own default.
    pub docker: Option<String>,
    /// As in `DOCKER_CONTEXT`, where no host is given.
    pub docker_context: Option<String>,
    /// The folder of the Docker client's `config.json`.
    pub docker_config: Option<PathBuf>,
    /// The folder that holds one folder an instance.
    pub home: PathBuf,
    /// Where settings are read from.
    pub config: PathBuf,
    /// Proxy variables under their upper-case names: kind hands them to its nodes.
    pub proxies: Vec<(String, String)>,
}

impl Addresses {
    /// Docker's own default and no proxies, with these folders.
    #[must_use]
    pub fn new(home: impl Into<PathBuf>, config: impl Into<PathBuf>) -> Self {
        Self {
            docker: None,
            docker_context: None,
            docker_config: None,
            home: home.into(),
            config: config.into(),
            proxies: Vec::new(),
        }
    }
}

/// What every effect is carried out with.
#[derive(Debug, Clone)]
pub struct World {
    /// Where everything is.
    pub addresses: Addresses,
    /// The instance's name.
    pub name: String,
    /// `--lab`, if it was given: the name of a built-in one or a folder.
    pub lab: Option<String>,
    /// What another command needs to act on this lab.
    pub called: Invocation,
    /// Real, simulated or recorded.
    pub origin: Origin,
    /// `--read-only`.
    pub read_only: bool,
    /// How often Flink is asked, where the person wants it otherwise than the lab.
    pub refresh: Refresh,
    /// `--record`: where the session is written down.
    pub record: Option<PathBuf>,
    /// When this process began that recording, if it goes on with it.
    pub record_since: Option<jiff::Timestamp>,
    /// What recordings leave out.
    pub private: Private,
    /// How often Flink is asked; `Effect::PollMode` sets it, the sampler follows it.
    pub pace: tokio::sync::watch::Sender<PollMode>,
    /// What is looked at more closely; `Effect::Attend` sets it.
    pub attention: tokio::sync::watch::Sender<DetailLevel>,
    /// The run that was judged last; who broke the lab for it waits for that.
    pub judged: tokio::sync::watch::Sender<Option<String>>,
    /// What the one who speaks reads; `Effect::Note` sets it, the second terminal follows it.
    pub note: tokio::sync::watch::Sender<Option<Note>>,
    /// The lab as it was opened last.
    pub opened: Arc<open::LabCache>,
    /// The engine as it was reached last.
    pub engine: Arc<docker::Engine>,
}

impl World {
    /// A world of real addresses.
    #[must_use]
    pub fn new(addresses: Addresses, name: String, lab: Option<String>, read_only: bool) -> Self {
        Self {
            addresses,
            called: Invocation {
                lab: lab.clone(),
                ..Invocation::named(&name)
            },
            name,
            lab,
            origin: Origin::Real,
            read_only,
            refresh: Refresh::default(),
            record: None,
            record_since: None,
            private: Private::default(),
            pace: tokio::sync::watch::Sender::new(PollMode::Calm),
            attention: tokio::sync::watch::Sender::new(DetailLevel::Usual),
            judged: tokio::sync::watch::Sender::new(None),
            note: tokio::sync::watch::Sender::new(None),
            opened: Arc::default(),
            engine: Arc::default(),
        }
    }

    /// The lab of that name or in that folder, with the manifests that were fetched for it.
    pub fn definition_of(&self, asked: &str) -> Result<flinklab_lab::Lab, Fault> {
        manifests::open(&self.addresses, asked)
    }

    /// Does an effect that only sets something, at once; any other one is given back, to be performed.
    #[must_use]
    pub fn set(&self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::PollMode(pace) => drop(self.pace.send_replace(pace)),
            Effect::Attend(attention) => drop(self.attention.send_replace(attention)),
            Effect::Note(note) => drop(self.note.send_replace(Some(*note))),
            other => return Some(other),
        }
        None
    }

    /// The Docker engine, which answered just now.
    pub async fn docker(&self) -> Result<docker::Docker, Fault> {
        self.engine.docker(&self.addresses).await
    }

    /// A kubectl command with our kubeconfig, as a person would type it.
    #[must_use]
    pub fn kubectl(&self, what: &str) -> String {
        let file = home::Home::of(&self.addresses, &self.name).kubeconfig();
        let file = flinklab_base::shell::quoted(&file.to_string_lossy());
        format!("kubectl --kubeconfig {file} {what}")
    }
}

/// Sends events to the loop, stamped.
#[derive(Debug, Clone)]
pub struct Events {
    to: mpsc::Sender<Happening>,
    /// What it answers.
    effect: EffectKind,
    /// What a break does is written down as well, for other processes.
    notes: Option<Arc<runs::written::Notes>>,
}

impl Events {
    /// A sender over a bounded channel: a flood slows its source, not the memory.
    #[must_use]
    pub fn new(to: mpsc::Sender<Happening>) -> Self {
        Self {
            to,
            effect: EffectKind::Unknown,
            notes: None,
        }
    }

    /// The same, as answers to this effect.
    fn answering(&self, effect: EffectKind) -> Self {
        Self {
            effect,
            ..self.clone()
        }
    }

    /// Says that what was asked for could not be done.
    pub async fn failed(&self, fault: Fault) {
        let effect = self.effect.clone();
        self.send(Event::Failed { effect, fault }).await;
    }

    /// Says what was taken back.
    async fn healed(&self, undone: Vec<ActiveFailure>) {
        let effect = self.effect.clone();
        self.send(Event::Healed(Healed { effect, undone })).await;
    }

    /// Says what happened to the run that it is about.
    async fn run(&self, kind: RunEventKind) {
        let run = match &self.effect {
            EffectKind::Break { run, .. } => Some(run.clone()),
            _ => None,
        };
        self.send(Event::Run(RunEvent { run, kind })).await;
    }

    /// The same, with a run written down while it happens.
    fn noted(&self, world: &World) -> Self {
        let home = home::Home::of(&world.addresses, &world.name);
        Self {
            notes: Some(Arc::new(runs::written::Notes::new(home))),
            ..self.clone()
        }
    }

    /// Sends an event stamped now. A loop that is gone is not an error: the program ends.
    pub async fn send(&self, event: Event) {
        let at = clock::now();
        if let (Some(notes), Event::Run(run)) = (&self.notes, &event) {
            notes.note(at, run);
        }
        let _ = self.to.send(Happening { at, event }).await;
    }
}

impl Events {
    /// Says what was done, as the command that does the same.
    pub async fn did(&self, what: &str, command: String) {
        let what = what.to_owned();
        self.send(Event::Did(Deed { what, command })).await;
    }

    /// Sends an event that may be lost when the loop is behind: a detail that the next one replaces.
    pub fn offer(&self, event: Event) {
        let at = clock::now();
        let _ = self.to.try_send(Happening { at, event });
    }
}

/// Carries out one effect, answering with events. Ends when it is done or cancelled.
pub async fn perform(world: Arc<World>, effect: Effect, events: Events, stop: CancellationToken) {
    let events = events.answering(effect.kind());
    match effect {
        // Whoever asks for one of these alone waits for nothing.
        Effect::PollMode(_) | Effect::Attend(_) | Effect::Note(_) => drop(world.set(effect)),
        Effect::Previous(pod) => previous::ask(&world, &pod, &events).await,
        Effect::Watch => watch::follow(world, events, stop).await,
        Effect::Open => tell_lab(&world, &events).await,
        // Who broke the lab for it is let go, whatever became of the file.
        Effect::Save(result) => {
            runs::save(&world, &result, &events).await;
            world.judged.send_replace(Some(result.run));
        }
        // What is half done is finished by the next `up` or `down`.
        Effect::Up(order) => until(&stop, up::run(&world, &order, &events)).await,
        Effect::Stop => until(&stop, self::stop::run(&world, &events)).await,
        Effect::Bundle(order) => until(&stop, bundle::run(&world, &order, &events)).await,
        Effect::Doctor(order) => until(&stop, doctor::run(&world, &order, &events)).await,
        Effect::Down(order) => until(&stop, down::run(&world, &order, &events)).await,
        // What it has broken it takes back, also when it is stopped.
        Effect::Break(order) => {
            let events = events.noted(&world);
            breaking::carry_out(&world, &order, &events, &stop).await;
        }
        Effect::Serve => notes::serve(&world, &stop).await,
        Effect::Listen => until(&stop, notes::listen(&world, &events)).await,
        Effect::KeepLesson { key, kept } => lessons::keep(&world, &key, kept),
        Effect::Jobs => jobs::tell(&world, &events).await,
        // Flink carries on with what it was asked; a new job is written down already.
        Effect::Job(order) => until(&stop, jobs::run(&world, &order, &events)).await,
        Effect::Heal => until(&stop, heal::run(&world, heal::Whose::Everybody, &events)).await,
        Effect::Mend => until(&stop, heal::run(&world, heal::Whose::Nobody, &events)).await,
    }
}

async fn until(stop: &CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// Says which lab there is and what it offers, from what is written down about it.
async fn tell_lab(world: &World, events: &Events) {
    match open::open(world) {
        Ok(Some(opened)) => {
            let failures = opened.lab.all_failures();
            let facts = opened.facts(world.origin);
            events.send(Event::Failures(failures)).await;
            events.send(Event::Lab(Box::new(facts))).await;
            events.send(Event::Stage(opened.stage())).await;
            events.send(lessons::of(world)).await;
            heal::tell(world, events).await;
        }
        Ok(None) => {
            let name = world.name.clone();
            events.send(Event::NoLab { name }).await;
        }
        Err(fault) => events.failed(fault).await,
    }
}

/// Makes an instance's folder and tells where Flink's files will be.
pub fn shared_folder(addresses: &Addresses, name: &str) -> Result<PathBuf, Fault> {
    let home = home::Home::of(addresses, name);
    home.create()?;
    Ok(home.shared())
}

/// The definition of the lab that there is, or of the one that would be built.
pub fn definition(world: &World) -> Result<flinklab_lab::Lab, Fault> {
    match open::open(world)? {
        Some(opened) => Ok(opened.lab.clone()),
        None => world.definition_of(world.lab.as_deref().unwrap_or("default")),
    }
}

/// Our kubeconfig of the lab, if there is one.
pub fn kubeconfig_file(world: &World) -> Result<PathBuf, Fault> {
    open::kubeconfig(world).map(|(file, _)| file)
}

/// The node containers of this lab that kind's own command made.
pub async fn taken_over(world: &World) -> Result<Vec<String>, Fault> {
    down::taken_over(world).await
}

/// The finished runs of a lab, oldest first.
pub fn kept_runs(world: &World) -> Result<Vec<flinklab_event::RunResult>, Fault> {
    runs::list(&open::must_open(world)?.home)
}

/// Writes what the person asked for into a file of theirs, in one stroke.
pub fn keep(path: &std::path::Path, bytes: &[u8]) -> Result<(), Fault> {
    runs::keep(path, bytes)
}

/// What `down --purge` would remove, a line each.
pub async fn purge_listing(world: &World) -> Result<Vec<String>, Fault> {
    down::purge_listing(world).await
}

#[cfg(test)]
mod tests;
