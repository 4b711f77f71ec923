//! The page of what can be done with the job, in its states.

use crate::models::{JOB, Scene, at};
use crate::pages::lived;
use crate::screens::drawn;
use flinklab_base::fault::Fault;
use flinklab_event::{
    Event, HaData, JobAct, JobDone, JobOrder, JobTold, JobsSeen, KeyCode, KnownJob, Retention,
    Start, StartKind,
};

fn start(kind: StartKind, name: &str, seconds: f64) -> Start {
    let folder = match kind {
        StartKind::Savepoint => "savepoints".to_owned(),
        StartKind::Checkpoint => format!("checkpoints/{JOB}"),
    };
    Start {
        kind,
        path: format!("file:/flink-shared/{folder}/{name}"),
        job: JOB.to_owned(),
        at: at(seconds),
    }
}

fn before() -> HaData {
    HaData {
        job: JOB.to_owned(),
        plan: true,
        map: true,
        pointers: vec![26, 27, 28],
        counter: Some(29),
        files: 4,
        checkpoints: vec![26, 27, 28],
        savepoints: Vec::new(),
    }
}

fn seen(state: &str, ha: HaData, starts: Vec<Start>) -> JobsSeen {
    JobsSeen {
        jobs: vec![KnownJob {
            id: JOB.to_owned(),
            when: at(0.0),
            from: None,
            state: Some(state.to_owned()),
        }],
        current: Some(JOB.to_owned()),
        silent: None,
        application: None,
        ha,
        starts,
        retention: Retention::Kept,
    }
}

/// A lab that recovered, with a job that runs, after these keys.
pub(crate) fn controlled(keys: &str) -> Scene {
    let mut scene = lived();
    let starts = [26, 27, 28].map(|id| {
        let name = format!("chk-{id}");
        start(StartKind::Checkpoint, &name, f64::from(id) * 2.0 + 20.0)
    });
    let mut starts = starts.to_vec();
    starts.reverse();
    scene.at(
        82.2,
        Event::Jobs(Box::new(seen("RUNNING", before(), starts))),
    );
    scene.keys(keys);
    scene
}

/// It was stopped with a savepoint.
pub(crate) fn stopped() -> Scene {
    let mut scene = controlled("J");
    let name = "savepoint-c506b6-b84ab41fcf0f";
    let after = HaData {
        job: JOB.to_owned(),
        savepoints: vec![name.to_owned()],
        ..HaData::default()
    };
    let order = JobOrder {
        act: JobAct::Stop,
        from: None,
    };
    scene.at(82.3, Event::Job(JobTold::Begun(order.clone())));
    let savepoint = start(StartKind::Savepoint, name, 83.0);
    let told = seen("FINISHED", after.clone(), vec![savepoint.clone()]);
    scene.at(84.9, Event::Jobs(Box::new(told)));
    let done = JobDone {
        order,
        job: JOB.to_owned(),
        state: "FINISHED".to_owned(),
        savepoint: Some(savepoint.path),
        restored: None,
        seconds: 2.6,
        before: before(),
        after,
    };
    scene.at(84.9, Event::Job(JobTold::Done(Box::new(done))));
    scene
}

/// What there is to be done with a job whose words do harm.
pub(crate) fn hostile(harm: &str, number: u64) -> JobsSeen {
    let mut ha = before();
    ha.savepoints = vec![harm.to_owned()];
    let state = ["RUNNING", "FINISHED", harm][usize::try_from(number % 3).unwrap()];
    let starts = vec![start(StartKind::Savepoint, harm, 20.0)];
    let mut seen = seen(state, ha, starts);
    seen.silent = number.is_multiple_of(5).then(|| harm.to_owned());
    seen
}

/// The same of what came of an order.
pub(crate) fn told(harm: &str, number: u64) -> JobTold {
    let order = JobOrder {
        act: JobAct::ALL[usize::try_from(number % 5).unwrap()],
        from: None,
    };
    match number % 4 {
        0 => JobTold::Begun(order),
        1 => JobTold::Now(harm.to_owned()),
        2 => JobTold::Refused(Fault::unable("x", harm)),
        _ => JobTold::Done(Box::new(JobDone {
            order,
            job: harm.to_owned(),
            state: harm.to_owned(),
            savepoint: Some(harm.to_owned()),
            restored: Some(harm.to_owned()),
            seconds: 1.0,
            before: before(),
            after: HaData::default(),
        })),
    }
}

#[test]
fn what_is_asked_for_is_taken_back_by_escape_and_says_where_it_would_start() {
    let mut scene = stopped();
    scene.keys("r");
    let text = drawn(&scene.ui, 120, 40).to_string();
    assert!(
        text.contains("from savepoint-c506b6-b84ab41fcf0f of job c506b6"),
        "{text}"
    );
    scene.key(KeyCode::Esc);
    assert_eq!(scene.ui.pages.control.wanted, None);
    let text = drawn(&scene.ui, 120, 40).to_string();
    assert!(text.contains("stop: job c506b6 is FINISHED"), "{text}");
    // what needs a job that runs says why it cannot be done
    scene.keys("s");
    assert_eq!(scene.ui.pages.control.wanted, None);
    let text = drawn(&scene.ui, 120, 40).to_string();
    assert!(
        text.contains("Not now: the job c506b6 is FINISHED."),
        "{text}"
    );
}
