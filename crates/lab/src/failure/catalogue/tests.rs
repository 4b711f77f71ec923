//! The table holds together: words, steps, times and expectations of every entry.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::failure::{Aftershock, Verdict, unfit};
use std::collections::BTreeSet;

#[test]
fn keys_are_unique_and_kebab_case() {
    let keys: BTreeSet<&str> = CATALOGUE.iter().map(|failure| &*failure.key).collect();
    assert_eq!(keys.len(), CATALOGUE.len());
    for key in keys {
        assert!(
            key.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
            "{key}"
        );
        assert!(
            !key.starts_with('-') && !key.ends_with('-') && !key.contains("--"),
            "{key}"
        );
    }
    assert_eq!(find("jm-crash").unwrap().key, "jm-crash");
    assert!(find("nothing").is_none());
}

#[test]
fn every_entry_makes_sense() {
    for failure in CATALOGUE {
        assert_eq!(unfit(failure), None, "{}", failure.key);
        for text in [&failure.title, &failure.story, &failure.teaches] {
            assert!(
                !text.contains("  ") && text.is_ascii(),
                "{}: {text}",
                failure.key
            );
        }
        assert!(!failure.title.ends_with('.'), "{}", failure.key);
    }
}

/// Whoever ends, silences or disarms a leader must expect another epoch, and who spares it not.
#[test]
fn what_is_expected_fits_what_is_hit() {
    for failure in CATALOGUE {
        let expected = match failure.hits {
            Hits::Leader | Hits::AllJobmanagers | Hits::Role => Leadership::NewEpoch,
            Hits::Standby | Hits::BusyTaskManager | Hits::CheckpointFolder | Hits::Worker => {
                Leadership::Stays
            }
            Hits::ApiServer => Leadership::MayMove,
        };
        assert_eq!(failure.expect.leadership, expected, "{}", failure.key);
    }
    let failing: Vec<&str> = CATALOGUE
        .iter()
        .filter(|failure| failure.expect.verdict() == Verdict::Fail)
        .map(|failure| &*failure.key)
        .collect();
    assert_eq!(failing, ["rbac-loss", "pointer-lost", "state-file-lost"]);
}

#[test]
fn what_must_be_undone_by_us_says_when() {
    for failure in CATALOGUE {
        let lasting = failure.steps.iter().any(|step| step.lasts());
        assert_eq!(failure.lasts.is_some(), lasting, "{}", failure.key);
        let judged = [DELETE_POINTERS, LOSE_STATE_FILES];
        let judged = failure.steps.iter().any(|step| judged.contains(step));
        assert_eq!(
            failure.is_undone_by_us(),
            lasting || judged,
            "{}",
            failure.key
        );
    }
}

#[test]
fn a_labs_own_entry_is_the_same_type() {
    for failure in CATALOGUE {
        let text = serde_json::to_string(failure).unwrap();
        assert_eq!(serde_json::from_str::<Failure>(&text).unwrap(), *failure);
    }
    let unknown = r#"{"key":"a","title":"b","story":"c.","teaches":"d.","hits":"leader","steps":["explode"]}"#;
    assert!(serde_json::from_str::<Failure>(unknown).is_err());
}

#[test]
fn nonsense_is_refused_with_its_field() {
    let refused = |change: fn(&mut Failure)| {
        let mut failure = CATALOGUE
            .iter()
            .find(|one| one.key == "jm-freeze")
            .unwrap()
            .clone();
        change(&mut failure);
        unfit(&failure).map(|fit| fit.field)
    };
    assert_eq!(refused(|_| {}), None);
    assert_eq!(refused(|it| it.lasts = None), Some("for"));
    assert_eq!(refused(|it| it.lasts = Some(Seconds(301))), Some("for"));
    assert_eq!(refused(|it| it.steps = Cow::Borrowed(&[])), Some("steps"));
    assert_eq!(
        refused(|it| it.steps = Cow::Borrowed(&[KILL, FREEZE])),
        Some("steps")
    );
    assert_eq!(refused(|it| it.hits = Hits::Role), Some("hits"));
    assert_eq!(refused(|it| it.story = "no end".into()), Some("story"));
    assert_eq!(
        refused(|it| it.title = "x".repeat(33).into()),
        Some("title")
    );
    assert_eq!(
        refused(|it| it.expect.within = Seconds(1)),
        Some("expect.within")
    );
    assert_eq!(
        refused(|it| it.expect.restore = Restore::IfMoved),
        Some("expect.restore")
    );
    assert_eq!(
        refused(|it| it.expect.restore = Restore::None),
        Some("expect.restore")
    );
    assert_eq!(
        refused(|it| it.expect.restarts = Restarts::Target),
        Some("expect.restarts")
    );
    assert_eq!(
        refused(|it| it.expect.fails = Cow::Borrowed(&[StatementName::Hit])),
        Some("expect.fails")
    );
}

#[test]
fn lost_heartbeats_are_waited_for_where_some_may_be_lost() {
    let of = |key: &str, lasts: u32| {
        let failure = Failure {
            lasts: Some(Seconds(lasts)),
            ..find(key).unwrap().clone()
        };
        failure.aftershock().unwrap()
    };
    let long = Aftershock::Within(Seconds(60));
    assert_eq!(of("jm-partition", 35), long);
    assert_eq!(of("jm-freeze", 60), long);
    assert_eq!(of("jm-freeze", 35), Aftershock::Within(Seconds(3)));
    assert_eq!(of("tm-freeze", 75), Aftershock::Within(Seconds(3)));
    assert_eq!(of("rbac-loss", 45), Aftershock::UntilRenewed);
    assert_eq!(of("api-outage", 40), Aftershock::UntilRenewed);
    assert_eq!(find("jm-crash").unwrap().aftershock(), None);
}
