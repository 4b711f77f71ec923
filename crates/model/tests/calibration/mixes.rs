//! Random mixes: several observers slip or fall silent at once. Nobody lies, so that no statement may
//! turn from PASS to FAIL or from FAIL to PASS; and where an observer was away before it could carry
//! a statement, that must be UNKNOWN.

use crate::RUNS;
use crate::mutants::Must;
use crate::truth::Observer;
use flinklab_event::{Event, Happening};
use jiff::SignedDuration;
use proptest::prelude::*;

const OBSERVERS: [Observer; 5] = [
    Observer::Hand,
    Observer::Pods,
    Observer::Maps,
    Observer::Rest,
    Observer::Files,
];

/// What happens to one observer: how late it is, and after which part of the run it is silent.
#[derive(Debug, Clone)]
struct Slip {
    late_ms: i64,
    twice: bool,
    silent_after: Option<f64>,
}

fn slip() -> impl Strategy<Value = Slip> {
    let silent = prop::option::weighted(0.4, 0.0..1.3_f64);
    (0..800_i64, any::<bool>(), silent).prop_map(|(late_ms, twice, silent_after)| Slip {
        late_ms,
        twice,
        silent_after,
    })
}

fn cases() -> u32 {
    let said = std::env::var("FLINKLAB_MIXES").ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_late_or_missing_turns_no_verdict_around(
        number in any::<prop::sample::Index>(),
        slips in prop::collection::vec(slip(), OBSERVERS.len()),
    ) {
        let begun = number.get(&RUNS);
        let truth = &begun.truth;
        let span = truth.end.duration_since(truth.sent).as_secs_f64();
        let ends = |slip: &Slip| {
            slip.silent_after.map(|part| truth.sent + SignedDuration::from_secs_f64(span * part))
        };
        let of = |event: &Event| {
            let by = Observer::of(event)?;
            let place = OBSERVERS.iter().position(|one| *one == by)?;
            Some(&slips[place])
        };
        let mut since: Vec<Happening> = Vec::new();
        for it in &begun.good.since {
            let Some(slip) = of(&it.event) else {
                since.push(it.clone());
                continue;
            };
            if ends(slip).is_some_and(|end| it.at > end) {
                continue;
            }
            let at = it.at + SignedDuration::from_millis(slip.late_ms);
            let late = Happening { at, event: it.event.clone() };
            if slip.twice {
                since.push(late.clone());
            }
            since.push(late);
        }
        // Both watches are the API server's: one that is silent is lost with it.
        let watches = [&slips[1], &slips[2]];
        if let Some(end) = watches.iter().filter_map(|slip| ends(slip)).min() {
            since.retain(|it| {
                it.at <= end || !matches!(it.event, Event::Pods(_) | Event::Map(_) | Event::Link { .. })
            });
            let (at, event) = crate::mutants::lost(end);
            since.push(Happening { at, event });
        }
        since.sort_by_key(|it| it.at);
        let result = begun.replayed(&since, true);
        for (name, (verdict, evidence)) in begun.said(result.as_ref()) {
            let good = begun.good_verdict(name);
            let uncarried = OBSERVERS.iter().zip(&slips).any(|(by, slip)| {
                let needed = truth.carried(&begun.good, name, *by);
                ends(slip).zip(needed).is_some_and(|(end, needed)| needed > end)
            });
            let must = if uncarried { Must::Unknown } else { Must::Withheld };
            prop_assert!(
                must.allows(good, verdict),
                "{}: {name:?} was {good}, must be {must:?}, is {verdict}: {evidence}",
                begun.good.key
            );
        }
    }
}
