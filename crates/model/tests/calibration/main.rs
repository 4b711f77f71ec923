//! The judge, calibrated: of every failure a good run is replayed with one observer corrupted at a
//! time, and each statement must come to what is left of its evidence. No PASS may be left that the
//! evidence does not carry, and nothing that is fine may be a FAIL.
//!
//! The good runs in `runs` are recordings of the simulated lab, one of each failure, made by
//!
//! ```text
//! flinklab --lab exactly --record KEY.flinklab.gz try --seed 7 break KEY
//! ```
//!
//! (`rocksdb` for `state-file-lost`, `three-nodes` for `node-stop`), of which only what a run takes for
//! evidence is kept. `FLINKLAB_README=1` writes the tables of the README and of docs/calibration.md;
//! `FLINKLAB_MIXES` says how many random mixes are tried.

#![allow(clippy::unwrap_used)]

mod mixes;
mod mutants;
mod stream;
mod table;
mod truth;

use crate::mutants::{Must, Mutant};
use crate::stream::Good;
use crate::truth::{Observer, Truth};
use flinklab_event::{Effect, Event, Happening, Origin, RunResult, StatementName};
use flinklab_lab::failure::{CATALOGUE, Verdict};
use flinklab_model::{Model, judge, update};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// What came of one statement of one mutant.
#[derive(Debug, Clone)]
struct Said {
    good: Verdict,
    must: Must,
    verdict: Verdict,
    evidence: String,
}

/// What came of one mutant.
#[derive(Debug, Clone)]
struct Outcome {
    failure: String,
    observer: Observer,
    how: &'static str,
    when: String,
    said: BTreeMap<StatementName, Said>,
    /// What is wrong with the whole, if anything.
    wrong: Option<String>,
}

/// A good run, and what the judge says of it.
struct Begun {
    good: Good,
    truth: Truth,
    /// The model before some of the events since.
    pictures: Vec<(usize, Model, Option<Timestamp>)>,
    result: RunResult,
}

impl Begun {
    fn of(good: Good) -> Self {
        let mut model = Model::default();
        for happening in &good.before {
            update(&mut model, happening);
        }
        let truth = Truth::of(&good);
        let ticks = true;
        let at = None;
        let mut play = Play { model, at, ticks };
        let mut pictures = Vec::new();
        let mut result = None;
        for (number, happening) in good.since.iter().enumerate() {
            if number % APART == 0 {
                pictures.push((number, play.model.clone(), play.at));
            }
            result = play.next(happening);
            if result.is_some() {
                break;
            }
        }
        let result = result.or_else(|| play.end());
        let result = result.unwrap_or_else(|| panic!("{}: not judged", good.key));
        Self {
            good,
            truth,
            pictures,
            result,
        }
    }

    /// What the judge says of the run as somebody else saw it: played from where it differs.
    fn replayed(&self, since: &[Happening], ticks: bool) -> Option<RunResult> {
        let mut both = self.good.since.iter().zip(since);
        let same = both.position(|(good, now)| good != now);
        let same = same.unwrap_or(self.good.since.len().min(since.len()));
        let mut before = self.pictures.iter().rev();
        let (number, model, at) = before.find(|(number, ..)| *number <= same)?;
        let play = Play {
            model: model.clone(),
            at: *at,
            ticks,
        };
        replay(play, &since[*number..])
    }

    /// The statements of such a run.
    fn said(&self, result: Option<&RunResult>) -> BTreeMap<StatementName, (Verdict, String)> {
        let all = self.result.statements.iter().map(|good| {
            let now = result.into_iter().flat_map(|result| &result.statements);
            let now = now.into_iter().find(|now| now.name == good.name);
            let said = now.map_or((Verdict::Unknown, "no result".to_owned()), |now| {
                (now.verdict, now.evidence.clone())
            });
            (good.name, said)
        });
        all.collect()
    }

    fn good_verdict(&self, name: StatementName) -> Verdict {
        let all = self.result.statements.iter();
        let mut own = all.filter(|statement| statement.name == name);
        own.next().unwrap().verdict
    }

    fn outcome(&self, mutant: Mutant) -> Outcome {
        let result = self.replayed(&mutant.since, mutant.ticks);
        let whole = result
            .as_ref()
            .map_or(Verdict::Inconclusive, |it| it.verdict);
        let said = self.said(result.as_ref()).into_iter();
        let said: BTreeMap<StatementName, Said> = said
            .map(|(name, (verdict, evidence))| {
                let said = Said {
                    good: self.good_verdict(name),
                    must: *mutant.must.get(&name).unwrap_or(&mutant.rest),
                    verdict,
                    evidence,
                };
                (name, said)
            })
            .collect();
        let open = said.values().any(|said| said.verdict != Verdict::Pass);
        let wrong = match (mutant.inconclusive, whole) {
            (true, Verdict::Inconclusive) => None,
            (true, other) => Some(format!("it is {other}, not INCONCLUSIVE")),
            (false, Verdict::Pass) if open => Some("PASS, and a statement is not".to_owned()),
            (false, _) => None,
        };
        Outcome {
            failure: self.good.key.clone(),
            observer: mutant.observer,
            how: mutant.how,
            when: mutant.when,
            said,
            wrong,
        }
    }
}

/// Plays what was seen, event by event, as the program does.
struct Play {
    model: Model,
    at: Option<Timestamp>,
    /// The clock ticks while nobody says anything.
    ticks: bool,
}

impl Play {
    /// Takes an event in; the result, once there is one.
    fn take(&mut self, at: Timestamp, event: &Event) -> Option<RunResult> {
        let event = event.clone();
        let effects = update(&mut self.model, &Happening { at, event });
        self.at = self.at.max(Some(at));
        effects.into_iter().find_map(|effect| match effect {
            Effect::Save(result) => Some(*result),
            _ => None,
        })
    }

    fn next(&mut self, happening: &Happening) -> Option<RunResult> {
        while let Some(last) = self.at.filter(|_| self.ticks)
            && happening.at.duration_since(last) > TICK
        {
            let result = self.take(last + TICK, &Event::Tick);
            if result.is_some() {
                return result;
            }
        }
        self.take(happening.at, &happening.event)
    }

    /// Nobody says anything any more: what is said some time later, or in the end. None where there
    /// is nothing to say.
    fn end(mut self) -> Option<RunResult> {
        for _ in 0..3 {
            let at = self.at? + TICK;
            let result = self.take(at, &Event::Tick);
            if result.is_some() {
                return result;
            }
        }
        let run = self.model.run()?;
        judge(run, run.deadline().max(self.model.now), Origin::Recorded)
    }
}

/// The result of a run that began so and was seen so.
fn replay(mut play: Play, since: &[Happening]) -> Option<RunResult> {
    for happening in since {
        let result = play.next(happening);
        if result.is_some() {
            return result;
        }
    }
    play.end()
}

/// Less than what a run takes for a machine that slept.
const TICK: SignedDuration = SignedDuration::from_secs(9);
/// So many events lie between two pictures of a good run.
const APART: usize = 15;

static RUNS: LazyLock<Vec<Begun>> =
    LazyLock::new(|| stream::all().into_iter().map(Begun::of).collect());

static OUTCOMES: LazyLock<Vec<Outcome>> = LazyLock::new(|| {
    let mut work: Vec<(&Begun, Mutant)> = Vec::new();
    for begun in RUNS.iter() {
        let mutants = mutants::of(&begun.good, &begun.truth);
        work.extend(mutants.into_iter().map(|mutant| (begun, mutant)));
    }
    let workers = std::thread::available_parallelism().map_or(2, |many| many.get().max(2));
    let mut shares: Vec<Vec<(usize, &Begun, Mutant)>> = (0..workers).map(|_| Vec::new()).collect();
    for (number, (begun, mutant)) in work.into_iter().enumerate() {
        shares[number % workers].push((number, begun, mutant));
    }
    let mut all: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        let threads: Vec<_> = shares
            .into_iter()
            .map(|share| {
                scope.spawn(|| {
                    let own = share.into_iter();
                    let own = own.map(|(number, begun, mutant)| (number, begun.outcome(mutant)));
                    own.collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, outcome)| outcome).collect()
});

#[test]
fn every_failure_has_its_good_run() {
    let mut own: Vec<&str> = RUNS.iter().map(|begun| begun.good.key.as_str()).collect();
    let mut all: Vec<&str> = CATALOGUE.iter().map(|failure| &*failure.key).collect();
    own.sort_unstable();
    all.sort_unstable();
    assert_eq!(own, all);
    for begun in RUNS.iter() {
        let result = &begun.result;
        assert_eq!(
            result.verdict, result.expected,
            "{}: {result:#?}",
            begun.good.key
        );
        let fails = &begun.good.begun.failure.expect.fails;
        for statement in &result.statements {
            let wanted = if fails.contains(&statement.name) {
                Verdict::Fail
            } else {
                Verdict::Pass
            };
            let open = statement.verdict == Verdict::Unknown
                && wanted == Verdict::Pass
                && result.expected == Verdict::Fail;
            assert!(
                statement.verdict == wanted || open,
                "{}: {statement:?}",
                begun.good.key
            );
        }
    }
}

#[test]
fn no_mutant_leaves_a_verdict_that_its_evidence_does_not_carry() {
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for outcome in OUTCOMES.iter() {
        let by = outcome.observer.words();
        for (name, said) in &outcome.said {
            if !said.must.allows(said.good, said.verdict) {
                let kind = format!(
                    "{by} {}: {name:?} was {}, must be {:?}, is {}",
                    outcome.how, said.good, said.must, said.verdict
                );
                let one = format!("{} {} ({})", outcome.failure, outcome.when, said.evidence);
                kinds.entry(kind).or_default().push(one);
            }
        }
        if let Some(wrong) = &outcome.wrong {
            let kind = format!("{by} {}: {wrong}", outcome.how);
            kinds.entry(kind).or_default().push(outcome.failure.clone());
        }
    }
    let mut text = String::new();
    for (kind, all) in &kinds {
        let some = all
            .iter()
            .take(6)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n      ");
        let _ = writeln!(text, "  {} × {kind}\n      {some}", all.len());
    }
    assert!(kinds.is_empty(), "survivors and false alarms:\n{text}");
}

#[test]
fn each_statement_was_seen_to_fail_and_to_stay_open() {
    for name in mutants::STATEMENTS {
        for verdict in [Verdict::Fail, Verdict::Unknown] {
            let turned = OUTCOMES
                .iter()
                .filter_map(|outcome| outcome.said.get(&name))
                .any(|said| {
                    said.good == Verdict::Pass
                        && said.must.is_against_pass()
                        && said.verdict == verdict
                });
            assert!(turned, "{name:?} never turned {verdict}");
        }
    }
}
