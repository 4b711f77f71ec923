//! The one table of failures. Lists, help, command line, JSON, README and the scenarios
//! of the tests all read it; adding an entry is adding it here and nowhere else.

use super::{Expect, Failure, Hits, Leadership, Restore, Step, Verdict};
use std::borrow::Cow;

const fn words(text: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(text)
}

/// Every built-in failure, in the order in which it is listed.
pub static CATALOGUE: &[Failure] = &[
    Failure {
        key: words("jm-stop"),
        title: words("stop the leader"),
        story: words(
            "The leading JobManager gets SIGTERM and shuts down in order. It tries to give its lock \
             back, but its own elector may take the lock again on the way out: about four in ten \
             clean stops end like a crash.",
        ),
        teaches: words("Even a clean stop may have to wait until the lease runs out."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::Leader,
        steps: Cow::Borrowed(&[Step::Terminate]),
        expect: Expect {
            leadership: Leadership::NewEpoch,
            restore: Restore::Newest,
            within: 60,
            verdict: Verdict::Pass,
        },
    },
    Failure {
        key: words("tm-stop"),
        title: words("stop a TaskManager"),
        story: words(
            "A TaskManager that runs tasks gets SIGTERM. It says goodbye, so its loss is noticed at \
             once; the leader stays, and the job restarts from its newest checkpoint.",
        ),
        teaches: words("Losing a worker costs the work since the last checkpoint, not the leader."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::BusyTaskManager,
        steps: Cow::Borrowed(&[Step::Terminate]),
        expect: Expect {
            leadership: Leadership::Stays,
            restore: Restore::Newest,
            within: 60,
            verdict: Verdict::Pass,
        },
    },
    Failure {
        key: words("jm-delete"),
        title: words("delete the leader's pod"),
        story: words(
            "The pod of the leading JobManager is deleted through the API server, as a node drain \
             does. Its Deployment makes another pod, with another name and address.",
        ),
        teaches: words(
            "Leadership is found through the config map, so a new address does not matter.",
        ),
        needs: Cow::Borrowed(&[]),
        hits: Hits::Leader,
        steps: Cow::Borrowed(&[Step::DeletePod]),
        expect: Expect {
            leadership: Leadership::NewEpoch,
            restore: Restore::Newest,
            within: 60,
            verdict: Verdict::Pass,
        },
    },
    Failure {
        key: words("jm-crash"),
        title: words("crash the leader"),
        story: words(
            "The leading JobManager is killed with SIGKILL from the node. Nobody gives the lock back: \
             the others must wait until its lease of 15 s has run out. The tasks go on running \
             meanwhile, and what they did since the last checkpoint is thrown away.",
        ),
        teaches: words("After a crash, the lease decides how long nobody leads."),
        needs: Cow::Borrowed(&[]),
        hits: Hits::Leader,
        steps: Cow::Borrowed(&[Step::Kill]),
        expect: Expect {
            leadership: Leadership::NewEpoch,
            restore: Restore::Newest,
            within: 60,
            verdict: Verdict::Pass,
        },
    },
];

/// The entry of that key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Failure> {
    CATALOGUE.iter().find(|failure| failure.key == key)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
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
            assert_eq!(find(key).unwrap().key, key);
        }
        assert!(find("nothing").is_none());
    }

    #[test]
    fn texts_are_there_and_end_as_sentences_do() {
        for failure in CATALOGUE {
            assert!(
                !failure.title.is_empty() && !failure.title.ends_with('.'),
                "{}",
                failure.key
            );
            assert!(
                failure.title.chars().count() <= 32,
                "{}: too wide for lists",
                failure.key
            );
            for text in [&failure.story, &failure.teaches] {
                assert!(text.ends_with('.'), "{}: {text}", failure.key);
                assert!(
                    !text.contains("  ") && text.is_ascii(),
                    "{}: {text}",
                    failure.key
                );
            }
        }
    }

    #[test]
    fn every_entry_does_something_within_a_budget() {
        for failure in CATALOGUE {
            assert!(!failure.steps.is_empty(), "{}", failure.key);
            assert!(
                (5..=300).contains(&failure.expect.within),
                "{}",
                failure.key
            );
        }
    }

    /// Whoever hits the leader must expect another epoch, and who spares it must not.
    #[test]
    fn what_is_expected_fits_what_is_hit() {
        for failure in CATALOGUE {
            let moves = failure.expect.leadership == Leadership::NewEpoch;
            assert_eq!(failure.hits == Hits::Leader, moves, "{}", failure.key);
            assert_eq!(failure.expect.verdict, Verdict::Pass, "{}", failure.key);
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
}
