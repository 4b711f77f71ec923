//! What happened in a good run, read off its stream by rules of this test's own: nothing here
//! asks the judge. A statement can hold only once its moment has come; an observer that was away
//! before it cannot have carried it.

use crate::stream::Good;
use flinklab_event::{
    CheckpointStatus, Event, FlinkSample, Happening, JobRow, MapChange, RunEventKind, StatementName,
};
use flinklab_lab::failure::{Leadership, Restarts, Restore};
use jiff::Timestamp;

/// Who tells of what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Observer {
    /// The hand that breaks, and says what it did.
    Hand,
    /// The watch of the pods.
    Pods,
    /// The watch of the HA config maps.
    Maps,
    /// Flink's REST.
    Rest,
    /// The look at the files.
    Files,
    /// The clock that stamps all of it.
    Clock,
}

impl Observer {
    /// Who delivers that event.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Run(_) => Some(Self::Hand),
            Event::Pods(_) => Some(Self::Pods),
            Event::Map(_) => Some(Self::Maps),
            Event::Flink(_) => Some(Self::Rest),
            Event::Disk(_) => Some(Self::Files),
            _ => None,
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Hand => "the hand that breaks",
            Self::Pods => "the watch of pods",
            Self::Maps => "the watch of the HA maps",
            Self::Rest => "Flink's REST",
            Self::Files => "the look at the files",
            Self::Clock => "the clock",
        }
    }
}

/// Moments of a good run, by arrival.
#[derive(Debug, Clone)]
pub(crate) struct Truth {
    /// The run begins.
    pub(crate) begun: Timestamp,
    /// The failure was sent.
    pub(crate) sent: Timestamp,
    /// The proof that it hit was told.
    pub(crate) hit: Timestamp,
    /// It was taken back, where it is before it is judged.
    pub(crate) undone: Option<Timestamp>,
    /// The first leader key of another epoch.
    pub(crate) epoch: Option<Timestamp>,
    /// Flink tells of the restore that the next checkpoint proves.
    pub(crate) restored: Option<Timestamp>,
    /// Flink tells of the first restore.
    pub(crate) first_restore: Option<Timestamp>,
    /// When that restore was, by Flink's stamp.
    pub(crate) restored_at: Option<Timestamp>,
    /// Flink shows all tasks after it; where none is expected, first after the break.
    pub(crate) tasks: Timestamp,
    /// The next checkpoint is complete.
    pub(crate) next: Timestamp,
    /// The id of that checkpoint.
    pub(crate) next_id: u64,
    /// The pods' last change that belongs to the failure.
    pub(crate) pods: Timestamp,
    /// Nothing is decided before: the next checkpoint, and where a failure lasts, its undo.
    pub(crate) end: Timestamp,
    /// The job restarts.
    pub(crate) restarts: bool,
    /// Another epoch leads at the end.
    pub(crate) moves: bool,
}

pub(crate) fn all_run(sample: &FlinkSample) -> bool {
    sample.jobs.iter().flatten().any(JobRow::all_run)
}

impl Truth {
    pub(crate) fn of(good: &Good) -> Self {
        let expect = &good.begun.failure.expect;
        let hand = |wanted: fn(&RunEventKind) -> bool| {
            let mut all = good.since.iter();
            all.find(|happening| matches!(&happening.event, Event::Run(run) if wanted(&run.kind)))
        };
        let begun = good.before.last().unwrap().at;
        let sent = hand(|kind| matches!(kind, RunEventKind::Sent { .. }));
        let sent = sent.map_or(begun, |happening| match &happening.event {
            Event::Run(run) => match &run.kind {
                RunEventKind::Sent { at, .. } => *at,
                _ => happening.at,
            },
            _ => happening.at,
        });
        let hit = hand(|kind| matches!(kind, RunEventKind::Hit(_))).map_or(sent, |it| it.at);
        let lasts = good.begun.failure.lasts.is_some();
        let undone = hand(|kind| matches!(kind, RunEventKind::Undone { .. }));
        let undone = undone.filter(|_| lasts).map(|it| it.at);
        let known = epochs(&good.before);
        let epoch = good.since.iter().find(|it| {
            let mut new = epochs(std::slice::from_ref(it)).into_iter();
            it.at >= sent && new.any(|epoch| !known.contains(&epoch))
        });
        let epoch = epoch.map(|it| it.at);
        let moves = epoch.is_some() && expect.leadership != Leadership::Stays;
        let restarts = match expect.restore {
            Restore::Newest => true,
            Restore::None => false,
            Restore::IfMoved => epoch.is_some(),
        };
        // Restores as Flink tells of them, the newest of each answer.
        let since = || good.since.iter();
        let told: Vec<(Timestamp, Timestamp)> = since()
            .filter_map(|it| {
                let restored = sample(it)?.checkpoints.as_ref()?.restored.as_ref()?;
                (restored.at > sent).then_some((it.at, restored.at))
            })
            .collect();
        let from = match (restarts, undone) {
            (true, _) => told.first().map_or(epoch.unwrap_or(sent), |(_, at)| *at),
            (false, Some(undone)) => undone,
            (false, None) => sent,
        };
        let (next_id, done) = first_done(good, from);
        let restored = told
            .iter()
            .filter(|(_, at)| *at <= done)
            .max_by_key(|(_, at)| *at);
        let restored_at = restored.map(|(_, at)| *at);
        let restored = restored_at.and_then(|at| told.iter().find(|(_, it)| *it == at));
        let restored = restored.map(|(seen, _)| *seen);
        let after = restored_at.or(epoch.filter(|_| restarts)).unwrap_or(sent);
        let tasks =
            since().find(|it| sample(it).is_some_and(|it| it.asked >= after && all_run(it)));
        // Complete by Flink's stamp: whoever tells of it does so later.
        let next = done;
        let mut pods =
            since().filter(|it| matches!(it.event, Event::Pods(_)) && it.at <= next.max(done));
        Self {
            begun,
            sent,
            hit,
            undone,
            epoch,
            restored,
            first_restore: told.first().map(|(seen, _)| *seen),
            restored_at,
            tasks: tasks.map_or(sent, |it| it.at),
            next,
            next_id,
            pods: pods.next_back().map_or(sent, |it| it.at),
            end: next.max(undone.unwrap_or(next)),
            restarts,
            moves,
        }
    }

    /// Before which moment an observer that falls silent cannot have carried the statement; none where
    /// it is no witness of it.
    pub(crate) fn carried(
        &self,
        good: &Good,
        name: StatementName,
        by: Observer,
    ) -> Option<Timestamp> {
        use StatementName as S;
        let expect = &good.begun.failure.expect;
        match (by, name) {
            (Observer::Clock, _) => None,
            (Observer::Hand, S::Hit) => Some(self.hit),
            (Observer::Hand, S::OneLeader | S::Restarts) => self.undone,
            (Observer::Hand, _) => None,
            (Observer::Maps, S::Leadership) if self.moves => self.epoch,
            (Observer::Maps, S::Leadership | S::OneLeader) => Some(self.end),
            (Observer::Maps, S::Pointer) => Some(self.next),
            (Observer::Maps, _) => None,
            (Observer::Pods, S::Restarts) => match expect.restarts {
                Restarts::Target | Restarts::Replaced => Some(self.pods),
                Restarts::None | Restarts::MayBeReplaced => None,
            },
            (Observer::Pods, _) => None,
            (Observer::Rest, S::SameJob) if self.restarts => Some(self.tasks),
            (Observer::Rest, S::SameJob | S::Restarts) => Some(self.next),
            // Without a checkpoint after it, no later restore is told from the first.
            (Observer::Rest, S::Restored) if self.next_id == u64::MAX => self.first_restore,
            (Observer::Rest, S::Restored) if self.restarts => self.restored,
            (Observer::Rest, S::Restored) => Some(self.next),
            (Observer::Rest, S::InTime) => Some(self.tasks),
            (Observer::Rest, S::Exact) => Some(self.end),
            (Observer::Rest, _) => None,
            (Observer::Files, S::Pointer) => Some(self.next),
            (Observer::Files, _) => None,
        }
    }
}

/// The session ids in the cluster's maps.
fn epochs(all: &[Happening]) -> Vec<String> {
    let maps = all.iter().filter_map(|it| match &it.event {
        Event::Map(MapChange::Cluster(map)) => Some(map),
        _ => None,
    });
    let named = ["dispatcher", "resourcemanager", "restserver"];
    maps.flat_map(|map| named.iter().filter_map(|name| map.leaders.get(*name)))
        .map(|key| key.epoch.clone())
        .collect()
}

pub(crate) fn sample(happening: &Happening) -> Option<&FlinkSample> {
    match &happening.event {
        Event::Flink(sample) => Some(sample),
        _ => None,
    }
}

/// The first checkpoint that was triggered after a moment and completed: its id, and when.
fn first_done(good: &Good, from: Timestamp) -> (u64, Timestamp) {
    let samples = good.since.iter().filter_map(sample);
    let rows = samples
        .filter_map(|it| it.checkpoints.as_ref())
        .flat_map(|seen| &seen.rows);
    rows.filter(|row| row.status == CheckpointStatus::Completed && !row.savepoint)
        .filter(|row| row.triggered.is_some_and(|at| at >= from))
        .filter_map(|row| Some((row.acknowledged?, row.id)))
        .min()
        .map_or((u64::MAX, good.since.last().unwrap().at), |(at, id)| {
            (id, at)
        })
}
