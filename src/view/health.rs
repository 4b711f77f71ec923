//! Which word stands for the lab as a whole, and how fresh what we see is. An unknown is never
//! told as good.

use crate::model::{Link, Model, Pace, Source};
use crate::view::theme::{Tone, sign};
use crate::view::words;

/// The state of the whole lab in a word, with the reason where it is not good.
pub(super) struct Word {
    pub(super) tone: Tone,
    pub(super) sign: &'static str,
    pub(super) word: &'static str,
    /// Empty where all is well.
    pub(super) reason: String,
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

/// How fresh a source is.
pub(super) fn fresh(model: &Model, source: Source) -> Fresh {
    let link = model.links.get(&source);
    if let Some(Link::Lost { since, .. }) = link {
        return Fresh::Lost(words::since(model.now, *since));
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
        Source::Flink => model.job.good.as_ref().map(|(at, _)| *at),
        Source::Disk => model.job.disk.as_ref().map(|(at, _)| *at),
    };
    let Some(seen) = seen else {
        return Fresh::Never;
    };
    let age = words::since(model.now, seen);
    let round = round_seconds(model);
    match age {
        age if age > LOST_ROUNDS * round => Fresh::Lost(age),
        age if age > STALE_ROUNDS * round => Fresh::Stale(age),
        _ => Fresh::Live,
    }
}

/// Seconds of one round of looks; in trouble the rounds are shorter than an answer takes.
#[expect(clippy::cast_precision_loss)] // milliseconds of a poll
fn round_seconds(model: &Model) -> f64 {
    let calm = model.lab.as_ref().map_or(1000, |lab| lab.calm_ms).max(250) as f64 / 1000.0;
    match model.pace {
        Pace::Calm => calm,
        Pace::Trouble => calm.min(1.0),
    }
}

/// The worst of what is watched, with its source.
pub(super) fn worst(model: &Model) -> (Source, Fresh) {
    let rank = |fresh: Fresh| match fresh {
        Fresh::Live => 0.0,
        Fresh::Never => 1.0,
        Fresh::Stale(age) => 1e3 + age.min(1e3),
        Fresh::Lost(age) => 1e6 + age,
    };
    [Source::Api, Source::Flink, Source::Disk]
        .map(|source| (source, fresh(model, source)))
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

/// The word for the whole lab.
pub(super) fn word(model: &Model) -> Word {
    let bad = |tone, sign, word, reason: String| Word {
        tone,
        sign,
        word,
        reason,
    };
    let unknown = |reason| bad(Tone::Warn, sign::UNKNOWN, "HA UNKNOWN", reason);
    if model.lab.is_none() {
        return bad(Tone::Muted, sign::WAITS, "no lab", String::new());
    }
    match fresh(model, Source::Api) {
        Fresh::Lost(age) => {
            return unknown(format!("API server lost for {}", words::age(age)));
        }
        Fresh::Never | Fresh::Stale(_) => return unknown("nothing seen yet".to_owned()),
        Fresh::Live => {}
    }
    let cluster = &model.cluster;
    let Some(lock) = cluster.lock() else {
        return bad(
            Tone::Warn,
            sign::WARN,
            "NO LEADER",
            "none was elected yet".to_owned(),
        );
    };
    if lock.holder.is_empty() {
        return bad(
            Tone::Fail,
            sign::FAIL,
            "NO LEADER",
            "the lock was given back".to_owned(),
        );
    }
    if !cluster.lease_fresh(model.now) {
        let over = cluster.lease_age(model.now).unwrap_or(0.0) - lock.seconds;
        let reason = format!("lease over since {}", words::age(over));
        return bad(Tone::Fail, sign::FAIL, "NO LEADER", reason);
    }
    job_word(model)
}

/// The rest of the word, where somebody leads.
fn job_word(model: &Model) -> Word {
    let bad = |tone, sign, word, reason: String| Word {
        tone,
        sign,
        word,
        reason,
    };
    match fresh(model, Source::Flink) {
        Fresh::Lost(age) | Fresh::Stale(age) => {
            let reason = format!("REST silent for {}", words::age(age));
            return bad(Tone::Warn, sign::UNKNOWN, "HA UNKNOWN", reason);
        }
        Fresh::Never => {
            let reason = "Flink's REST not seen yet".to_owned();
            return bad(Tone::Warn, sign::UNKNOWN, "HA UNKNOWN", reason);
        }
        Fresh::Live => {}
    }
    let ours = model.lab.as_ref().and_then(|lab| lab.job.as_deref());
    let Some(row) = model.job.row(ours) else {
        return bad(
            Tone::Warn,
            sign::WARN,
            "NO JOB",
            "REST does not list it".to_owned(),
        );
    };
    if !row.all_run() {
        let reason = format!("{} of {} tasks run", row.tasks.running, row.tasks.total);
        return bad(Tone::Busy, sign::NOW, "RECOVERING", reason);
    }
    if let Some(pod) = model
        .cluster
        .listed_pods()
        .into_iter()
        .find(|pod| !pod.ready)
    {
        let reason = format!("{} not ready", words::tag(Some(pod.role), &pod.name));
        return bad(Tone::Warn, sign::WARN, "HA DEGRADED", reason);
    }
    bad(Tone::Ok, sign::OK, "HA OK", String::new())
}
