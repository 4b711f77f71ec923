//! Every checkpoint as its three witnesses see it: Flink's REST, the pointer in the config map, the
//! files on disk. They must tell the same; what each of them forgot is said, not hidden.

use crate::Extent;
use crate::RowId;
use crate::Ui;
use crate::keys::{Action as A, Keys, Scope, Section, key, line};
use crate::pages::{Component, Page};
use crate::paint::{Focus, Spans, chosen, fit, panel, sentences};
use crate::theme::{Theme, Tone, sign};
use crate::{chart, checkpoints, words};
use flinklab_event::{Checkpoint, CheckpointStatus, DiskSample, Pointer};
use flinklab_model::{Seen, Trace};
use jiff::SignedDuration;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// A look at the files takes time, and is stamped when it is over.
const LOOK: SignedDuration = SignedDuration::from_millis(500);
/// Files below the HA folder that are not worth a word.
const CROWD: u64 = 100;

/// The page.
pub(super) struct ThePage;

/// It remembers nothing.
pub(crate) type State = ();

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "checkpoints",
    words: "page of checkpoints",
    parent: Some(Scope::Pages),
    opened_by: Some((30, line("checkpoints", A::Open(Page::Checkpoints), "c", "checkpoints"))),
    rows: &[
        line("find", A::Find, "/", "find"),
        key("find-next", A::FindNext(1), "n", "next found"),
        key("find-before", A::FindNext(-1), "N", "found before"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn rows(&self, ui: &Ui) -> Option<Vec<RowId>> {
        let ids = ui.model.checkpoint_ids();
        Some(ids.iter().map(RowId::of).collect())
    }

    fn texts(&self, ui: &Ui) -> Vec<String> {
        let ids = ui.model.checkpoint_ids();
        ids.iter().map(|id| format!("#{id}")).collect()
    }

    fn copied(&self, ui: &Ui) -> Option<String> {
        let ids = ui.model.checkpoint_ids();
        let id = *ids.get(ui.screen.spot.row)?;
        Some(path_or_id(ui, id))
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let width = usize::from(area.width.saturating_sub(2));
        let height = usize::from(area.height.saturating_sub(2));
        let ids = ui.model.checkpoint_ids();
        let title = vec![theme.say(Tone::Accent, "Checkpoints")];
        let aside = vec![theme.say(
            Tone::Muted,
            "three witnesses must agree · kept across failovers",
        )];
        if ids.is_empty() {
            let lines = checkpoints::lines(ui, theme, width, height);
            panel(frame, theme, area, (title, aside), Focus::Here, lines);
            return Extent::new(0, height);
        }
        let mut lines = vec![Line::from(fit(checkpoints::witnesses(ui, theme), width))];
        let tall = height >= 30;
        if tall {
            lines.extend(chart::lines(ui, theme, width, 6));
        }
        let about = about(ui, theme, ids.get(ui.screen.spot.row).copied(), width);
        let room = height.saturating_sub(lines.len() + about.len() + 2).max(1);
        let third = (width.saturating_sub(16) / 3).max(12);
        let head = format!(
            "   {:>6}  {:<third$}{:<third$}{:<third$}",
            "ID", "FLINK REST", "HA POINTER", "FILES"
        );
        lines.push(Line::from(theme.say(Tone::Muted, words::cut(&head, width))));
        let skip = (ui.screen.spot.row + 1).saturating_sub(room);
        for (n, id) in ids.iter().enumerate().skip(skip).take(room) {
            let line = Line::from(fit(row(ui, theme, *id, third), width));
            lines.push(if n == ui.screen.spot.row {
                chosen(&line, width)
            } else {
                line
            });
        }
        lines.resize(height.saturating_sub(about.len() + 1), Line::default());
        lines.push(Line::from(theme.say(Tone::Muted, "─".repeat(width))));
        lines.extend(about);
        panel(frame, theme, area, (title, aside), Focus::Here, lines);
        Extent::new(ids.len(), room)
    }
}

/// Where a checkpoint is, or its number where that is not known.
pub(super) fn path_or_id(ui: &Ui, id: u64) -> String {
    let path = ui.model.checkpoint_path(id);
    path.unwrap_or_else(|| id.to_string())
}

type Cell = (Tone, String);

fn row(ui: &Ui, theme: &Theme, id: u64, third: usize) -> Spans {
    let known = ui.model.job.checkpoints.get(&id);
    let trace = ui.model.traces.all.get(&id);
    let (rest, pointer, disk) = (
        rest(ui, known, id),
        pointer(ui, trace, known),
        disk(ui, trace, known),
    );
    let newest = ui.model.job.newest == Some(id);
    let restored = ui
        .model
        .job
        .restores
        .iter()
        .any(|restored| restored.id == id);
    let mark = match (newest, restored) {
        (_, true) => theme.say(Tone::Busy, format!(" {} ", sign::RESTORE)),
        (true, _) => theme.say(Tone::Ok, format!(" {} ", sign::NOW)),
        _ => theme.say(Tone::Plain, "   "),
    };
    let mut spans = vec![
        mark,
        theme.say(Tone::Plain, format!("{:>6}  ", format!("#{id}"))),
    ];
    for (tone, text) in [rest, pointer, disk] {
        let text = words::cut(&text, third.saturating_sub(1));
        let room = third.saturating_sub(words::columns(&text));
        spans.push(theme.say(tone, format!("{text}{}", " ".repeat(room))));
    }
    spans
}

fn rest(ui: &Ui, known: Option<&Checkpoint>, id: u64) -> Cell {
    let Some(row) = known else {
        return (Tone::Muted, "not seen".to_owned());
    };
    let took = row
        .duration_ms
        .map(|ms| words::took(i64::try_from(ms).unwrap_or(i64::MAX)));
    let size = row.size.map(words::bytes);
    let facts = [took.clone(), size]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    let listed = ui.model.traces.rest.contains(&id);
    let now = ui.model.witnesses().rest.current;
    match row.status {
        CheckpointStatus::InProgress if !now => unseen("in progress"),
        CheckpointStatus::Completed if listed && !now => unseen(&facts),
        CheckpointStatus::Failed => (Tone::Fail, format!("{} failed", sign::FAIL)),
        CheckpointStatus::InProgress => (Tone::Busy, format!("{} in progress", sign::NOW)),
        CheckpointStatus::Completed if !listed => match took {
            Some(took) => (Tone::Muted, format!("forgotten, {took}")),
            None => (Tone::Muted, "forgotten".to_owned()),
        },
        CheckpointStatus::Completed if row.savepoint => {
            (Tone::Ok, format!("{} savepoint {facts}", sign::OK))
        }
        CheckpointStatus::Completed => (Tone::Ok, format!("{} {facts}", sign::OK)),
    }
}

/// What became of a pointer that is not there any more: a newer one is in its place, or none is, as
/// after a cancel.
fn became(ui: &Ui) -> &'static str {
    let map = ui.model.cluster.job_map.as_ref();
    match map.and_then(|(_, map)| map.newest()) {
        Some(_) => "replaced",
        None => "gone",
    }
}

fn pointer(ui: &Ui, trace: Option<&Trace>, known: Option<&Checkpoint>) -> Cell {
    let unfinished = known.is_some_and(|row| row.status != CheckpointStatus::Completed);
    match trace.and_then(|trace| trace.pointer.as_ref()) {
        None if unfinished => (Tone::Muted, "-".to_owned()),
        None => (Tone::Muted, "not seen".to_owned()),
        Some(seen) if seen.gone.is_some() => (Tone::Muted, became(ui).to_owned()),
        Some(seen) if seen.what.deleting => (Tone::Busy, "being removed".to_owned()),
        Some(_) if !ui.model.witnesses().pointer.current => unseen("pointed to it"),
        Some(seen) => match there(ui, seen) {
            Some(false) => (Tone::Fail, format!("{} its file is missing", sign::FAIL)),
            _ => (Tone::Ok, format!("{} points to it", sign::OK)),
        },
    }
}

/// What was so when its witness was heard last.
fn unseen(words: &str) -> Cell {
    (Tone::Muted, format!("{} {words}", sign::UNKNOWN))
}

/// Whether the file that a pointer names is among those seen below the HA folder; none: nobody
/// looks there now, or looked before the pointer was written.
fn there(ui: &Ui, pointer: &Seen<Pointer>) -> Option<bool> {
    let name = pointer.what.file()?;
    if !ui.model.witnesses().disk.current {
        return None;
    }
    let (at, sample) = ui.model.job.disk.as_ref()?;
    let found = sample.ha_files.iter().any(|file| file == name);
    let later = at.duration_since(pointer.since) > LOOK;
    (found || later).then_some(found)
}

fn disk(ui: &Ui, trace: Option<&Trace>, known: Option<&Checkpoint>) -> Cell {
    let unfinished = known.is_some_and(|row| row.status != CheckpointStatus::Completed);
    match trace.and_then(|trace| trace.disk.as_ref()) {
        None if unfinished => (Tone::Muted, "-".to_owned()),
        None => (Tone::Muted, "not seen".to_owned()),
        Some(seen) if seen.gone.is_some() => (Tone::Muted, "removed".to_owned()),
        Some(seen) if seen.what.complete => {
            let size = words::bytes(seen.what.bytes);
            let files = match seen.what.files {
                1 => "1 file".to_owned(),
                n => format!("{n} files"),
            };
            if ui.model.witnesses().disk.current {
                (Tone::Ok, format!("{} {files} {size}", sign::OK))
            } else {
                unseen(&format!("{files} {size}"))
            }
        }
        Some(_) => (Tone::Busy, "no _metadata yet".to_owned()),
    }
}

/// Files that checkpoints share, and their bytes, where somebody looks and there are any.
fn shared(ui: &Ui) -> Option<(u32, u64)> {
    let (_, sample) = ui.model.job.disk.as_ref()?;
    sample.shared.filter(|_| ui.model.witnesses().disk.current)
}

/// Everything about the chosen one.
fn about(ui: &Ui, theme: &Theme, id: Option<u64>, width: usize) -> Vec<Line<'static>> {
    let Some(id) = id else {
        return Vec::new();
    };
    let known = ui.model.job.checkpoints.get(&id);
    let trace = ui.model.traces.all.get(&id);
    let mut lines = Vec::new();
    let mut add = |name: &str, tone, text: String| {
        lines.push(Line::from(fit(
            vec![
                theme.say(Tone::Muted, format!(" {name:<9} ")),
                theme.say(tone, text),
            ],
            width,
        )));
    };
    let at = known.and_then(Checkpoint::at);
    let when = at.map_or_else(
        || "when it was completed was not seen".to_owned(),
        |at| {
            format!(
                "{} · {} ago",
                words::clock_ms(&theme.zone, at),
                words::age_at(ui.model.now, at)
            )
        },
    );
    add(&format!("#{id}"), Tone::Plain, when);
    let pointer = trace.and_then(|trace| trace.pointer.as_ref());
    let path = pointer.and_then(|seen| seen.what.path.as_deref());
    match (path, pointer) {
        (Some(path), Some(seen)) => {
            let state = match (seen.gone, there(ui, seen)) {
                (Some(at), _) => {
                    format!(" · {} {} ago", became(ui), words::age_at(ui.model.now, at))
                }
                (None, Some(true)) => " · exists".to_owned(),
                (None, Some(false)) => " · MISSING: the job cannot be restored from it".to_owned(),
                (None, None) if ui.model.witnesses().disk.current => {
                    " · looked for next".to_owned()
                }
                (None, None) => " · not looked at now".to_owned(),
            };
            let tail = path.rsplit('/').next().unwrap_or(path);
            add("pointer", Tone::Plain, format!("{tail}{state}"));
        }
        (None, Some(seen)) => {
            let state = seen.gone.map_or("in the config map", |_| became(ui));
            add(
                "pointer",
                Tone::Plain,
                format!("{state}, names no file of its own"),
            );
        }
        (_, None) => add(
            "pointer",
            Tone::Muted,
            "no pointer of it was seen".to_owned(),
        ),
    }
    match ui.model.checkpoint_path(id) {
        Some(path) => {
            let tail: Vec<&str> = path.rsplit('/').take(3).collect();
            let tail = tail.into_iter().rev().collect::<Vec<_>>().join("/");
            add("path", Tone::Plain, tail);
        }
        None => add("path", Tone::Muted, "Flink told no path".to_owned()),
    }
    if let Some((count, bytes)) = shared(ui) {
        let files = match count {
            1 => "1 file".to_owned(),
            n => format!("{n} files"),
        };
        let size = words::bytes(bytes);
        let text = format!("{files} {size}, which several checkpoints use: one lost, all are");
        add("shared", Tone::Plain, text);
    }
    let map = ui.model.cluster.job_map.as_ref().map(|(_, map)| map);
    let counter = map.and_then(|map| map.counter);
    let next = counter.map_or_else(
        || "the config map tells no counter".to_owned(),
        |next| format!("the config map says the next is #{next}"),
    );
    add("counter", Tone::Muted, next);
    let forgotten = ui
        .model
        .job
        .checkpoints
        .keys()
        .filter(|id| !ui.model.traces.rest.contains(id));
    let forgotten = forgotten.count();
    if forgotten > 0 {
        let words = format!("Flink's REST forgot {forgotten} of these; flinklab keeps them.");
        lines.extend(sentences(theme, Tone::Muted, &words, width));
    }
    let sample = ui.model.job.disk.as_ref().map(|(_, sample)| sample);
    let sample = sample.filter(|_| ui.model.witnesses().disk.current);
    let named = map.map_or(0, |map| {
        map.pointers.iter().filter_map(Pointer::file).count()
    });
    if let Some(words) = sample.and_then(|sample| crowd(sample, named)) {
        lines.extend(sentences(theme, Tone::Muted, &words, width));
    }
    lines
}

/// What is to be said of folders that hold unusually many files.
fn crowd(sample: &DiskSample, named: usize) -> Option<String> {
    let count = sample.ha_count;
    if sample.more {
        return Some(format!(
            "Some folders hold more files than are counted; below the HA folder there are {count} or more."
        ));
    }
    (count > CROWD).then(|| {
        format!("{count} files are below the HA folder; the pointers name {named} of them.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_are_told_and_so_is_a_count_that_was_cut() {
        let of = |ha_count, more| {
            let sample = DiskSample {
                ha_count,
                more,
                ..DiskSample::default()
            };
            crowd(&sample, 3).unwrap_or_default()
        };
        assert_eq!(of(12, false), "");
        assert_eq!(
            of(703, false),
            "703 files are below the HA folder; the pointers name 3 of them."
        );
        assert!(of(200_000, true).contains("200000 or more"));
    }
}
