//! Whether an entry makes sense: the rules that types cannot say. The table is tested with them, a
//! lab's own entries are refused by them.

use super::{Counted, Failure, LONGEST, Leadership, Restarts, Restore, Seconds};
use flinklab_verb::{Effect, Step, Until};

/// A budget below this is no budget: a look at Flink takes a part of it.
const SHORTEST_BUDGET: Seconds = Seconds(5);
/// A title wider than this does not fit the lists.
const TITLE: usize = 32;

/// What is wrong with an entry, and in which of its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// Path of the field within the entry.
    pub field: &'static str,
    /// What is wrong, as a sentence.
    pub what: String,
}

/// The first thing that is wrong with an entry; none if it makes sense.
#[must_use]
pub fn unfit(failure: &Failure) -> Option<Fit> {
    words(failure)
        .or_else(|| steps(failure))
        .or_else(|| time(failure))
        .or_else(|| expectations(failure))
}

fn wrong(field: &'static str, what: impl Into<String>) -> Option<Fit> {
    let what = what.into();
    Some(Fit { field, what })
}

fn words(failure: &Failure) -> Option<Fit> {
    if failure.title.trim().is_empty() || failure.title.chars().count() > TITLE {
        return wrong(
            "title",
            format!("A title has between 1 and {TITLE} characters, to fit the lists."),
        );
    }
    for (field, text) in [("story", &failure.story), ("teaches", &failure.teaches)] {
        if !text.ends_with(['.', '!', '?']) {
            return wrong(
                field,
                format!("`{field}` is told in sentences; end it with a full stop."),
            );
        }
    }
    let all = [&failure.title, &failure.story, &failure.teaches];
    if all
        .iter()
        .any(|text| text.contains(flinklab_base::text::harms))
    {
        wrong("story", "Control characters do not belong into a text.")
    } else {
        None
    }
}

fn steps(failure: &Failure) -> Option<Fit> {
    if failure.steps.is_empty() {
        return wrong(
            "steps",
            format!("The failure `{}` does nothing.", failure.key),
        );
    }
    for (at, step) in failure.steps.iter().enumerate() {
        if failure.steps[..at].contains(step) {
            return wrong("steps", "A step is there twice.");
        }
        if !step.suits(failure.hits) {
            return wrong(
                "hits",
                format!("`{}` cannot be done to what it hits.", step.key()),
            );
        }
    }
    // After the pods are gone there is nobody left for another step.
    let last = failure.steps.len() - 1;
    let ended = failure.steps[..last].iter().find(|step| step.ends());
    match ended {
        Some(step) => wrong("steps", format!("`{}` must be the last step.", step.key())),
        None => None,
    }
}

fn time(failure: &Failure) -> Option<Fit> {
    let lasting = failure.steps.iter().any(|step| step.lasts());
    match failure.aftershock {
        Some(_) if failure.lasts.is_none() => {
            return wrong("aftershock", "It has no `for`, so it is never undone.");
        }
        Some(longer) if longer > LONGEST => {
            return wrong(
                "aftershock",
                format!("Nothing is waited for longer than {LONGEST}."),
            );
        }
        _ => {}
    }
    match failure.lasts {
        None if lasting => wrong("for", "It stays until it is undone: say `for` how long."),
        Some(_) if !lasting => wrong("for", "Its steps are over at once: leave `for` out."),
        Some(Seconds(0)) => wrong("for", "Nothing happens in no time."),
        Some(lasts) if lasts > LONGEST => wrong(
            "for",
            format!("Nothing may stay broken for longer than {LONGEST}."),
        ),
        // Two undos at two moments: the second would come after what the first one made of the lab.
        Some(_) => {
            let judged = |step: &&Step| step.facts().until == Until::Judged;
            let step = failure.steps.iter().find(judged)?;
            wrong(
                "steps",
                format!(
                    "`{}` is undone when the run is judged, the others after `for`.",
                    step.key()
                ),
            )
        }
        _ => None,
    }
}

fn expectations(failure: &Failure) -> Option<Fit> {
    let expect = &failure.expect;
    if !(SHORTEST_BUDGET..=LONGEST).contains(&expect.within) {
        return wrong(
            "expect.within",
            format!("A time budget lies between {SHORTEST_BUDGET} and {LONGEST}."),
        );
    }
    if expect.counted == Counted::Undone && failure.lasts.is_none() {
        return wrong("expect.counted", "It has no `for`, so it is never undone.");
    }
    if expect.restore == Restore::IfMoved && expect.leadership != Leadership::MayMove {
        return wrong(
            "expect.restore",
            "`if-moved` goes with `leadership: may-move` only.",
        );
    }
    let untouched = expect.restore == Restore::None;
    if untouched && expect.leadership == Leadership::NewEpoch {
        return wrong(
            "expect.restore",
            "Every new leader restores the job, so a new epoch without a restore cannot be.",
        );
    }
    if expect.fails.contains(&super::StatementName::Hit) {
        return wrong(
            "expect.fails",
            "A failure that should not hit shows nothing.",
        );
    }
    let ended = failure.steps.iter().any(|step| step.ends());
    let loses_node = |step: &Step| step.effect() == Effect::StopsNode;
    match (ended, expect.restarts) {
        (true, Restarts::None) => wrong("expect.restarts", "What is ended starts again."),
        (_, Restarts::MayBeReplaced) if !failure.steps.iter().any(loses_node) => wrong(
            "expect.restarts",
            "Kubernetes replaces pods by itself only where their node is lost.",
        ),
        (false, Restarts::Target | Restarts::Replaced) => wrong(
            "expect.restarts",
            "Nothing is ended, so nothing starts again: say `none`.",
        ),
        _ => None,
    }
}
