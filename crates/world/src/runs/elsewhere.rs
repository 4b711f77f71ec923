//! Runs that other processes fire, as these write them down while they happen: shown like one's own.
//! Only names and lines that are ours are read; decides nothing about a run.

use super::written::{begun, lines};
use super::{plain_name, read};
use crate::beat::beat;
use crate::home::Home;
use crate::journal::Owner;
use crate::{Events, heal};
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_event::{ActiveFailure, BreakBegun, Event, RunEventKind, RunResult};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Time between two looks at the folders: two calls to the file system while nothing changes.
const LOOK: Duration = Duration::from_millis(500);
/// The same while there is no run to follow.
const IDLE: Duration = Duration::from_secs(1);
/// A folder that changed so short ago may have changed again within the same stamp; and whether the
/// process that broke something still lives, no folder says.
const STALE: Duration = Duration::from_secs(2);
/// Finished runs of earlier sessions that are shown.
const PAST: usize = 100;
/// Runs that go on beside each other; one at a time is usual.
const OPEN: usize = 8;

/// Tells of earlier runs once, then of those that other processes fire, until it is dropped.
pub(crate) async fn follow(home: Home, events: Events) {
    let past = super::list(&home).unwrap_or_default();
    let mut follower = Follower::new(home, &past);
    let newest = past.len().saturating_sub(PAST);
    events.send(Event::Past(past[newest..].to_vec())).await;
    loop {
        if follower.open.is_empty() {
            beat(IDLE).await
        } else {
            clock::sleep(LOOK).await
        }
        for event in follower.look() {
            events.send(event).await;
        }
    }
}

/// What other processes do to a lab, as far as its folders tell.
#[derive(Debug)]
pub struct Follower {
    home: Home,
    /// Runs of which nothing more is told.
    known: BTreeSet<String>,
    /// Runs that go on.
    open: BTreeMap<String, Open>,
    standing: Option<Vec<ActiveFailure>>,
    folders: Folders,
}

/// A run of another process that goes on.
#[derive(Debug)]
struct Open {
    owner: Owner,
    /// Bytes of its lines that were read.
    read: u64,
    /// Something was sent: a refusal after it is not the end.
    sent: bool,
}

impl Follower {
    /// One that does not tell of these finished runs any more.
    #[must_use]
    pub fn new(home: Home, past: &[RunResult]) -> Self {
        Self {
            home,
            known: past.iter().map(|run| run.run.clone()).collect(),
            open: BTreeMap::new(),
            standing: None,
            folders: Folders::default(),
        }
    }

    /// What happened since the last look.
    pub fn look(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.open.is_empty() && !self.folders.changed(&self.home) {
            return events;
        }
        // Whoever applied something, or took it back: what cannot be read is said by who acts on it.
        let now = heal::standing_in(&self.home).ok();
        if now.is_some() && now != self.standing {
            events.push(Event::ActiveFailures(now.clone().unwrap_or_default()));
            self.standing = now;
        }
        // One that ended makes room for the next one, and is told of before it.
        let open: Vec<String> = self.open.keys().cloned().collect();
        for name in open {
            self.go_on(&name, &mut events);
        }
        let names = names(&self.home);
        self.known.retain(|name| names.contains(name));
        for name in names {
            if self.open.len() < OPEN
                && !self.known.contains(&name)
                && !self.open.contains_key(&name)
            {
                self.begin(name, &mut events);
            }
        }
        events
    }

    fn begin(&mut self, name: String, events: &mut Vec<Event>) {
        // Being written just now, or not ours to understand.
        let Some((owner, begun)) = begun(&self.home, &name) else {
            return;
        };
        if owner.pid == std::process::id() || !owner.lives() {
            self.known.insert(name);
            return;
        }
        let begun = Box::new(BreakBegun {
            run: name.clone(),
            ..begun
        });
        events.push(RunEventKind::Elsewhere(begun).of(&name));
        let open = Open {
            owner,
            read: 0,
            sent: false,
        };
        self.open.insert(name.clone(), open);
        self.go_on(&name, events);
    }

    /// Tells what is new of a run that goes on, and whether that was all.
    fn go_on(&mut self, name: &str, events: &mut Vec<Event>) {
        let Some(open) = self.open.get_mut(name) else {
            return;
        };
        // Before the files are looked at: what it wrote last is seen then.
        let lives = open.owner.lives();
        let mut ended = (!lives).then_some("its flinklab ended before it was judged");
        let mut over = false;
        for kind in lines(&self.home, name, &mut open.read) {
            match &kind {
                RunEventKind::Sent { .. } => open.sent = true,
                RunEventKind::Refused(_) if !open.sent => over = true,
                RunEventKind::BrokenOff(_) => over = true,
                // A result is written before.
                RunEventKind::Over => ended = Some("its flinklab kept no result of it"),
                _ => {}
            }
            events.push(kind.of(name));
        }
        match (read(&self.home, name).ok(), over, ended) {
            (Some(result), _, _) => events.push(Event::Saved(Box::new(result))),
            (None, true, _) => {}
            (None, false, Some(why)) => {
                events.push(RunEventKind::BrokenOff(why.to_owned()).of(name));
            }
            (None, false, None) => return,
        }
        self.open.remove(name);
        self.known.insert(name.to_owned());
    }
}

/// When the folders of the journal and of the runs changed last.
#[derive(Debug, Default)]
struct Folders {
    stamps: [Option<SystemTime>; 2],
    /// When all of it was read last.
    read: Option<Instant>,
}

impl Folders {
    /// Whether there may be something new in them.
    fn changed(&mut self, home: &Home) -> bool {
        let stamp = |path: &Path| fs::symlink_metadata(path).ok()?.modified().ok();
        let stamps = [stamp(&home.journal()), stamp(&home.runs())];
        let fresh = |stamp: &SystemTime| stamp.elapsed().map_or(true, |age| age < STALE);
        let changed = stamps != self.stamps
            || stamps.iter().flatten().any(fresh)
            || self.read.is_none_or(|read| read.elapsed() >= STALE);
        if changed {
            self.stamps = stamps;
            self.read = Some(Instant::now());
        }
        changed
    }
}

/// Folders of runs, by time.
fn names(home: &Home) -> Vec<String> {
    if home.plain(&home.runs()).is_err() {
        return Vec::new();
    }
    let Ok(entries) = fs::read_dir(home.runs()) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| plain_name(name).is_ok()).collect();
    names.sort_unstable();
    names
}
