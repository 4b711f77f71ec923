//! Which word stands for the lab as a whole, and how fresh what we see is. An unknown is never
//! told as good.

use crate::Ui;
use crate::theme::{Tone, sign};
use crate::words;
use flinklab_event::{Link, PollMode, Source};

/// The state of the whole lab in a word, with the reason where it is not good.
pub(super) struct Word {
    pub(super) tone: Tone,
    pub(super) sign: &'static str,
    pub(super) word: &'static str,
    /// Empty where all is well.
    pub(super) reason: String,
    /// Whether the reason says how many tasks run, or that there is no job.
    pub(super) tells_tasks: bool,
}

/// How fresh what a source says is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fresh {
    /// It was never heard.
    Never,
    /// As fresh as it can be.
    Live,
    /// Older than two rounds, in seconds.
    Stale(f64),
    /// Older than ten rounds or known to be away, in seconds.
    Lost(f64),
}

/// Rounds after which an answer is stale.
const STALE_ROUNDS: f64 = 2.0;
/// Rounds after which a source counts as lost.
const LOST_ROUNDS: f64 = 10.0;

/// Why there is nothing to see, where the lab was never built to its end or is no more.
pub(super) fn unbuilt(ui: &Ui) -> Option<String> {
    let silent = matches!(ui.model.links.get(&Source::Api), Some(Link::Lost { .. }));
    ui.model.stage.unfinished().filter(|_| silent)
}

/// How fresh a source is.
pub(super) fn fresh(ui: &Ui, source: Source) -> Fresh {
    let link = ui.model.links.get(&source);
    if let Some(Link::Lost { since, .. }) = link {
        return Fresh::Lost(words::since(ui.model.now, *since));
    }
    let seen = match source {
        // a watch is live as long as its connection is
        Source::Docker | Source::Api => {
            return if link.is_some() {
                Fresh::Live
            } else {
                Fresh::Never
            };
        }
        Source::Flink => ui.model.job.good.as_ref().map(|(at, _)| *at),
        Source::Disk => ui.model.job.disk.as_ref().map(|(at, _)| *at),
    };
    let Some(seen) = seen else {
        return Fresh::Never;
    };
    let age = words::since(ui.model.now, seen);
    let round = round_seconds(ui);
    match age {
        age if age > LOST_ROUNDS * round => Fresh::Lost(age),
        age if age > STALE_ROUNDS * round => Fresh::Stale(age),
        _ => Fresh::Live,
    }
}

/// Seconds of one round of looks; in trouble the rounds are shorter than an answer takes.
#[expect(clippy::cast_precision_loss)] // milliseconds of a poll
fn round_seconds(ui: &Ui) -> f64 {
    let calm = ui.model.calm_ms().max(250) as f64 / 1000.0;
    match ui.model.pace {
        PollMode::Calm => calm,
        PollMode::Trouble => calm.min(1.0),
    }
}

/// The worst of what is watched, with its source.
pub(super) fn worst(ui: &Ui) -> (Source, Fresh) {
    let rank = |fresh: Fresh| match fresh {
        Fresh::Live => 0.0,
        Fresh::Never => 1.0,
        Fresh::Stale(age) => 1e3 + age.min(1e3),
        Fresh::Lost(age) => 1e6 + age,
    };
    [Source::Api, Source::Flink, Source::Disk]
        .map(|source| (source, fresh(ui, source)))
        .into_iter()
        .reduce(|a, b| if rank(b.1) > rank(a.1) { b } else { a })
        .unwrap_or((Source::Api, Fresh::Never))
}

/// How freshness looks, in a sign and a word.
pub(super) fn fresh_words(fresh: Fresh) -> (Tone, &'static str, String) {
    match fresh {
        Fresh::Never => (Tone::Muted, sign::LOST, "not seen".to_owned()),
        Fresh::Live => (Tone::Ok, sign::LIVE, "live".to_owned()),
        Fresh::Stale(age) => (
            Tone::Warn,
            sign::STALE,
            format!("stale {}", words::age(age)),
        ),
        Fresh::Lost(age) => (Tone::Fail, sign::LOST, format!("lost {}", words::age(age))),
    }
}

/// The word for the whole lab, as it looks.
pub(super) fn word(ui: &Ui) -> Word {
    use flinklab_model::Word as Is;
    let health = ui.model.health();
    let (tone, sign, word) = match health.word {
        Is::NoLab => (Tone::Muted, sign::WAITS, "no lab"),
        Is::Unknown => (Tone::Warn, sign::UNKNOWN, "HA UNKNOWN"),
        Is::NoLeader => (Tone::Fail, sign::FAIL, "NO LEADER"),
        Is::NoJob => (Tone::Fail, sign::FAIL, "NO JOB"),
        Is::Recovering => (Tone::Warn, sign::NOW, "RECOVERING"),
        Is::Degraded => (Tone::Warn, sign::WARN, "HA DEGRADED"),
        Is::Settling => (Tone::Busy, sign::NOW, "SETTLING"),
        Is::Healthy => (Tone::Ok, sign::OK, "HA OK"),
    };
    Word {
        tone,
        sign,
        word,
        reason: health.reason,
        tells_tasks: matches!(health.word, Is::Recovering | Is::NoJob),
    }
}
