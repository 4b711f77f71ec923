//! Good runs, one of each failure: what every observer delivered, thinned to what it says anew, and
//! a world that goes on after the verdict.

use flate2::read::GzDecoder;
use flinklab_event::recording::Recording;
use flinklab_event::{
    BreakBegun, Checkpoint, CheckpointStatus, Count, DiskCheckpoint, DiskSample, Event,
    FlinkSample, Happening, JobMap, MapChange, Pointer, RunEvent, RunEventKind, Source,
};
use jiff::{SignedDuration, Timestamp};
use std::io::Read;
use std::path::Path;

/// Answers and looks at files that say nothing new are kept this seldom.
const THINNED: SignedDuration = SignedDuration::from_millis(900);
/// So long the world is told on after the run was judged.
const GOES_ON: i64 = 100;

/// One run in which all went as the failure expects it.
#[derive(Debug, Clone)]
pub(crate) struct Good {
    /// The failure's key.
    pub(crate) key: String,
    /// The run as it began.
    pub(crate) begun: BreakBegun,
    /// What was seen until the run began, its begin included.
    pub(crate) before: Vec<Happening>,
    /// What was seen since.
    pub(crate) since: Vec<Happening>,
}

/// All of them, in the order of their names.
pub(crate) fn all() -> Vec<Good> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calibration/runs");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Good {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let mut text = Vec::new();
    let bytes = std::fs::read(path).unwrap();
    GzDecoder::new(bytes.as_slice())
        .read_to_end(&mut text)
        .unwrap();
    let recording = Recording::read(&name, &text).unwrap();
    assert_eq!(recording.remarks(), Vec::<String>::new(), "{name}");
    let own = recording.happenings.into_iter();
    // What comes after the verdict is taken back, or the next failure.
    let own = own.take_while(|happening| !matches!(happening.event, Event::Saved(_)));
    let own: Vec<Happening> = own.filter(is_evidence).collect();
    let (place, begun) = own
        .iter()
        .enumerate()
        .find_map(|(place, happening)| match &happening.event {
            Event::Run(RunEvent {
                kind: RunEventKind::Begun(begun),
                ..
            }) => Some((place, (**begun).clone())),
            _ => None,
        })
        .unwrap_or_else(|| panic!("{name}: nothing was broken"));
    let mut before = own;
    let since = thinned(before.split_off(place + 1));
    let mut good = Good {
        key: begun.failure.key.to_string(),
        begun,
        before,
        since,
    };
    good.go_on();
    good
}

/// What a run can take for evidence: the rest is for the screen.
fn is_evidence(happening: &Happening) -> bool {
    match &happening.event {
        Event::Lab(_)
        | Event::Pods(_)
        | Event::Map(_)
        | Event::Flink(_)
        | Event::Disk(_)
        | Event::Run(_) => true,
        Event::Link { source, .. } => *source == Source::Api,
        _ => false,
    }
}

/// Without answers that repeat the one before within a second.
fn thinned(all: Vec<Happening>) -> Vec<Happening> {
    let mut rest: Option<(Timestamp, FlinkSample)> = None;
    let mut disk: Option<(Timestamp, DiskSample)> = None;
    let mut kept = Vec::new();
    for happening in all {
        let at = happening.at;
        let keeps = match &happening.event {
            Event::Flink(sample) => {
                let again = rest.as_ref().is_some_and(|(then, old)| {
                    at.duration_since(*then) < THINNED && says(old) == says(sample)
                });
                if !again {
                    rest = Some((at, sample.clone()));
                }
                !again
            }
            Event::Disk(sample) => {
                let again = disk
                    .as_ref()
                    .is_some_and(|(then, old)| at.duration_since(*then) < THINNED && old == sample);
                if !again {
                    disk = Some((at, sample.clone()));
                }
                !again
            }
            _ => true,
        };
        if keeps {
            kept.push(happening);
        }
    }
    kept
}

/// What an answer says, without when it was asked for.
fn says(sample: &FlinkSample) -> impl PartialEq + use<> {
    let slots = sample.workers.as_ref().map(|workers| {
        let slots = workers
            .iter()
            .map(|worker| (worker.host.clone(), worker.slots));
        slots.collect::<Vec<_>>()
    });
    let checkpoints = sample.checkpoints.as_ref().map(|seen| {
        let done = seen
            .rows
            .iter()
            .filter(|row| row.status == CheckpointStatus::Completed);
        let ids: Vec<u64> = done.map(|row| row.id).collect();
        (ids, seen.restored.clone(), seen.failed)
    });
    (sample.jobs.clone(), slots, checkpoints)
}

impl Good {
    /// Where the job runs at the end, it goes on so: answers every second, a checkpoint every two,
    /// a renewal every five.
    fn go_on(&mut self) {
        let last = |found: &dyn Fn(&Event) -> bool| {
            let all = self.before.iter().chain(&self.since).rev();
            let mut all = all.map(|happening| &happening.event);
            all.find(|event| found(event)).cloned()
        };
        let Some(Event::Flink(mut rest)) = last(
            &|event| matches!(event, Event::Flink(sample) if sample.jobs.is_ok() && sample.workers.is_some() && sample.checkpoints.is_some()),
        ) else {
            return;
        };
        let runs = rest
            .jobs
            .iter()
            .flatten()
            .any(flinklab_event::JobRow::all_run);
        let Some(Event::Map(MapChange::Job(mut job))) = last(
            &|event| matches!(event, Event::Map(MapChange::Job(map)) if !map.pointers.is_empty()),
        ) else {
            return;
        };
        let Some(Event::Map(MapChange::Cluster(mut cluster))) =
            last(&|event| matches!(event, Event::Map(MapChange::Cluster(_))))
        else {
            return;
        };
        let Some(Event::Disk(mut disk)) = last(&|event| matches!(event, Event::Disk(_))) else {
            return;
        };
        if !runs {
            return;
        }
        let mut count =
            match last(&|event| matches!(event, Event::Flink(sample) if sample.count.is_some())) {
                Some(Event::Flink(sample)) => sample.count,
                _ => None,
            };
        let end = self.since.last().unwrap().at;
        for second in 1..=GOES_ON {
            let at = end + SignedDuration::from_secs(second);
            if second % 2 == 0 {
                let id = job.newest().unwrap() + 1;
                let done = at - SignedDuration::from_millis(300);
                self.tell(done, pointed(&mut job, id));
                self.tell(
                    done + SignedDuration::from_millis(30),
                    on_disk(&mut disk, &job, id, done),
                );
                listed(&mut rest, id, done);
            }
            if second % 2 == 1 {
                self.tell(at, Event::Disk(disk.clone()));
            }
            if second % 5 == 0 {
                let renewed = at - SignedDuration::from_millis(150);
                if let Some(lock) = &mut cluster.lock {
                    lock.renewed = renewed;
                }
                let at = renewed + SignedDuration::from_millis(10);
                self.tell(at, Event::Map(MapChange::Cluster(cluster.clone())));
            }
            // Later on, seldom enough: only a run that is not judged sees it.
            if second > 20 && second % 4 != 0 {
                continue;
            }
            rest.asked = at - SignedDuration::from_millis(20);
            if let Some(count) = &mut count {
                counted_on(count, rest.asked);
            }
            rest.count.clone_from(&count);
            self.tell(at, Event::Flink(rest.clone()));
        }
    }

    fn tell(&mut self, at: Timestamp, event: Event) {
        self.since.push(Happening { at, event });
    }
}

fn pointed(job: &mut JobMap, id: u64) -> Event {
    let last = job.pointers.last().unwrap();
    let path = last.path.as_ref().map(|path| {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{folder}/completedCheckpoint{id:012x}")
    });
    job.pointers.push(Pointer {
        id,
        path,
        deleting: false,
    });
    if job.pointers.len() > 3 {
        job.pointers.remove(0);
    }
    job.counter = Some(id + 1);
    Event::Map(MapChange::Job(job.clone()))
}

fn on_disk(disk: &mut DiskSample, job: &JobMap, id: u64, at: Timestamp) -> Event {
    disk.checkpoints.push(DiskCheckpoint {
        id,
        complete: true,
        files: 1,
        bytes: 45,
        written: Some(at),
    });
    disk.checkpoints
        .retain(|row| job.pointers.iter().any(|pointer| pointer.id == row.id));
    let files = job.pointers.iter().filter_map(Pointer::file);
    disk.ha_files = files.map(str::to_owned).collect();
    Event::Disk(disk.clone())
}

fn listed(rest: &mut FlinkSample, id: u64, done: Timestamp) {
    let seen = rest.checkpoints.as_mut().unwrap();
    seen.rows.push(Checkpoint {
        id,
        status: CheckpointStatus::Completed,
        triggered: Some(done - SignedDuration::from_millis(60)),
        acknowledged: Some(done - SignedDuration::from_millis(40)),
        duration_ms: Some(20),
        size: Some(6200),
        savepoint: false,
        path: None,
    });
    if seen.rows.len() > 10 {
        seen.rows.remove(0);
    }
    seen.completed = Some(id);
}

fn counted_on(count: &mut Count, at: Timestamp) {
    count.at = at;
    count.checkpointed = count.counted;
    count.counted += 100;
    count.held = count.counted;
    count.due = count.counted;
    count.keys.0 = count.keys.1;
}
