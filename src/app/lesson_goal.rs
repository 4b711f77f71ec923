//! A lesson without a screen: each step's deed is done once the lab is ready for it, what must be seen is
//! waited for, and the first step that misses it ends the lesson with its hint. Never longer than a
//! step may take.

use super::print::{Printer, Style};
use super::{Next, status};
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_base::units;
use flinklab_event::{Effect, EffectKind};
use flinklab_lab::Lesson;
use flinklab_model::{Asked, BreakState, CheckResult, Is, LessonRun, Model};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the lab may take until it is ready for what a step does.
const READY: Duration = Duration::from_secs(150);
/// How long what a step broke may take to be taken back, at the end.
const TAKEN_BACK: Duration = Duration::from_secs(240);
/// Between two looks at what can be done with the job.
const LOOK: Duration = Duration::from_secs(2);

/// A lesson on its way.
pub(super) struct Auto {
    lesson: Lesson,
    from: usize,
    lesson_run: Option<LessonRun>,
    began: Instant,
    /// When the step began, by a clock that does not jump.
    since: Instant,
    /// When it was looked what can be done with the job.
    looked: Option<Instant>,
    /// The run that it ordered last.
    run: Option<String>,
    /// Why a run of it could not be written down.
    not_kept: Option<Fault>,
    /// What the lesson came to, until all is taken back.
    ended: Option<Ended>,
}

/// What a lesson came to.
struct Ended {
    at: Instant,
    verdict: &'static str,
    hint: Option<String>,
}

impl Auto {
    pub(super) fn new(lesson: Lesson, from: usize) -> Self {
        Self {
            lesson,
            from,
            lesson_run: None,
            began: Instant::now(),
            since: Instant::now(),
            looked: None,
            run: None,
            not_kept: None,
            ended: None,
        }
    }

    /// What is asked of the world first: what a dead process left is taken back.
    pub(super) fn effects() -> Vec<Effect> {
        vec![Effect::Mend, Effect::Open, Effect::Watch]
    }

    pub(super) fn look(
        &mut self,
        model: &Model,
        printer: &Printer,
        outcome: &mut Option<Result<u8, Fault>>,
    ) -> Next {
        if let Some(ended) = &self.ended {
            // what was broken for it is taken back before anybody is told that it is over
            let busy = model.breaking != BreakState::Idle || !model.active_failures.is_empty();
            if busy && ended.at.elapsed() < TAKEN_BACK {
                return Next::Go;
            }
            let code = self.told(printer);
            *outcome = Some(self.not_kept.take().map_or(Ok(code), Err));
            return Next::Stop;
        }
        if model.healed.is_none() || model.failures.is_empty() || !status::complete(model) {
            return self.unless_late("the lab was not seen", printer);
        }
        let Some(mut lesson_run) = self.lesson_run.take() else {
            let lesson_run = LessonRun::new(&self.lesson, self.from, model);
            self.begin(&lesson_run, printer);
            self.lesson_run = Some(lesson_run);
            return Next::Go;
        };
        lesson_run.look(model);
        let next = self.step(&mut lesson_run, model, printer);
        self.lesson_run = Some(lesson_run);
        next
    }

    fn step(&mut self, lesson_run: &mut LessonRun, model: &Model, printer: &Printer) -> Next {
        if lesson_run.is_to_do() {
            return self.act(lesson_run, model, printer);
        }
        match lesson_run.is {
            Is::Waits => Next::Go,
            Is::Holds | Is::Reads => {
                self.over(lesson_run, "done", printer);
                if lesson_run.is_last() {
                    self.end("PASS", None);
                    return Next::Go;
                }
                lesson_run.turn(lesson_run.step + 1, model);
                self.begin(lesson_run, printer);
                Next::Go
            }
            Is::Misses => self.miss(lesson_run, printer),
        }
    }

    /// Does what the step says, as soon as nothing speaks against it.
    fn act(&mut self, lesson_run: &mut LessonRun, model: &Model, printer: &Printer) -> Next {
        let about_job = lesson_run.now().is_some_and(|step| step.job.is_some());
        // a new job is started where none runs: then nothing is healthy
        let well = match lesson_run.would(model) {
            Some(Ok(Asked::Job(order))) => !order.act.needs_a_job() || model.healthy(),
            _ => model.healthy(),
        };
        match lesson_run.would(model) {
            Some(Ok(asked)) if well => {
                lesson_run.acted = Some(model.now);
                Next::Ask(vec![match asked {
                    Asked::Job(order) => Effect::Job(order),
                    Asked::Break(aim) => match aim.target {
                        Ok(target) => {
                            let order = model.order(&aim.failure, target);
                            self.run = Some(order.run.clone());
                            Effect::Break(Box::new(order))
                        }
                        Err(why) => {
                            lesson_run.refused = Some(why);
                            return self.miss(lesson_run, printer);
                        }
                    },
                }])
            }
            would if self.since.elapsed() > READY => {
                let why = match would {
                    Some(Err(why)) => why,
                    _ => model.health().reason,
                };
                lesson_run.refused = Some(format!("the lab was not ready for it: {why}"));
                self.miss(lesson_run, printer)
            }
            _ if about_job && self.looked.is_none_or(|at| at.elapsed() > LOOK) => {
                self.looked = Some(Instant::now());
                Next::Ask(vec![Effect::Jobs])
            }
            _ => Next::Go,
        }
    }

    /// Whether that is a break that was ordered here, or the keeping of its run.
    pub(super) fn is_order(&self, effect: &EffectKind) -> bool {
        match effect {
            EffectKind::Break { run, .. } | EffectKind::Save { run } => {
                Some(run) == self.run.as_ref()
            }
            _ => false,
        }
    }

    /// A run could not be written down: the lesson goes on, for it was seen, and fails in the end.
    pub(super) fn not_kept(&mut self, fault: &Fault) {
        self.not_kept = Some(fault.clone());
    }

    /// Something asked for could not be done: the step's hint, not only an error.
    pub(super) fn failed(&mut self, fault: &Fault, printer: &Printer) {
        if self.ended.is_some() {
            return;
        }
        match self.lesson_run.take() {
            Some(mut lesson_run) => {
                lesson_run.refused = Some(format!("{} {}", fault.what, fault.why));
                self.miss(&lesson_run, printer);
                self.lesson_run = Some(lesson_run);
            }
            None => self.end("INCONCLUSIVE", Some(fault.what.clone())),
        }
    }

    fn unless_late(&mut self, what: &str, printer: &Printer) -> Next {
        if self.began.elapsed() > READY {
            if printer.style == Style::Text {
                printer.line(what);
            }
            self.end("INCONCLUSIVE", Some(what.to_owned()));
        }
        Next::Go
    }

    fn miss(&mut self, lesson_run: &LessonRun, printer: &Printer) -> Next {
        self.over(lesson_run, "failed", printer);
        let hint = lesson_run
            .now()
            .map(|step| printer.called.advise(&step.hint));
        let hint = hint.unwrap_or_default();
        if printer.style == Style::Text {
            if let Some(why) = &lesson_run.refused {
                printer.line(&format!("     {why}"));
            }
            printer.line(&format!("hint {hint}"));
        }
        // what was seen otherwise is a FAIL; what was not seen proves nothing
        let otherwise = lesson_run.told.iter().any(|told| told.seen == Some(false));
        let verdict = if otherwise { "FAIL" } else { "INCONCLUSIVE" };
        self.end(verdict, Some(hint));
        Next::Go
    }

    fn end(&mut self, verdict: &'static str, hint: Option<String>) {
        self.ended = Some(Ended {
            at: Instant::now(),
            verdict,
            hint,
        });
    }

    fn begin(&mut self, lesson_run: &LessonRun, printer: &Printer) {
        self.since = Instant::now();
        self.looked = None;
        let Some(step) = lesson_run.now() else { return };
        match printer.style {
            Style::Json => printer.object(&object(lesson_run, "running", None)),
            Style::Text => {
                if lesson_run.step == self.from {
                    printer.line(&format!(
                        "lesson {}: {}",
                        self.lesson.key, self.lesson.title
                    ));
                }
                let of = self.lesson.steps.len();
                printer.line(&format!("..   {}/{of} {}", lesson_run.step + 1, step.title));
            }
        }
    }

    fn over(&self, lesson_run: &LessonRun, state: &str, printer: &Printer) {
        let seconds = self.since.elapsed().as_secs_f64();
        match printer.style {
            Style::Json => printer.object(&object(lesson_run, state, Some(seconds))),
            Style::Text => {
                for told in &lesson_run.told {
                    let (what, evidence) = (&told.what, &told.evidence);
                    printer.line(&format!("     {} {what}: {evidence}", mark(told)));
                }
                let mark = if state == "done" { "ok  " } else { "FAIL" };
                let (n, of) = (lesson_run.step + 1, self.lesson.steps.len());
                let title = lesson_run.now().map_or("", |step| step.title.as_str());
                printer.line(&format!("{mark} {n}/{of} {title} {seconds:.1}s"));
            }
        }
    }

    /// Tells the end; the exit code.
    fn told(&self, printer: &Printer) -> u8 {
        let Some(ended) = &self.ended else { return 1 };
        let seconds = self.began.elapsed().as_secs_f64();
        match printer.style {
            Style::Json => printer.object(&json!({"result": {
                "command": "lesson", "lesson": self.lesson.key, "verdict": ended.verdict,
                "steps": self.lesson.steps.len(), "seconds": units::to_the_tenth(seconds),
                "hint": ended.hint,
            }})),
            Style::Text => printer.line(&format!(
                "{}: {}, {seconds:.0} s",
                self.lesson.key, ended.verdict
            )),
        }
        u8::from(ended.verdict != "PASS")
    }
}

const fn mark(told: &CheckResult) -> &'static str {
    match told.seen {
        Some(true) => "+",
        Some(false) => "x",
        None => "?",
    }
}

/// `{"step":{…}}`
fn object(lesson_run: &LessonRun, state: &str, seconds: Option<f64>) -> Value {
    let checks: Vec<Value> = lesson_run
        .told
        .iter()
        .map(|told| json!({"what": told.what, "seen": told.seen, "evidence": told.evidence}))
        .collect();
    let name = format!("step-{}", lesson_run.step + 1);
    let title = lesson_run.now().map_or("", |step| step.title.as_str());
    let mut step = json!({"name": name, "title": title, "state": state, "n": lesson_run.step + 1,
        "of": lesson_run.lesson.steps.len()});
    if let Some(seconds) = seconds {
        step["seconds"] = json!(units::to_the_tenth(seconds));
        step["checks"] = json!(checks);
    }
    if let Some(why) = &lesson_run.refused {
        step["refused"] = json!(why);
    }
    json!({ "step": step })
}
