//! What is written down while the loop goes on: the session, where that was asked for, and each
//! run that this process fires, in its folder. A recording that cannot go on never ends a session.

use flinklab_base::clock;
use flinklab_base::fault::Fault;
use flinklab_event::recording::{Header, Recent};
use flinklab_event::{Effect, Event, Happening, RunEvent, RunEventKind};
use flinklab_world::World;
use flinklab_world::recording::Tape;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All that is written.
pub(super) struct Recorders {
    world: Arc<World>,
    session: Option<Tape>,
    /// What the recording of a run begins with; none where no run can be fired.
    recent: Option<Recent>,
    /// Runs that this process ordered; a tape from the moment they were sent.
    runs: BTreeMap<String, Option<Tape>>,
    size: Option<(u16, u16)>,
    trouble: Option<Fault>,
    /// Of the session's recording, until it was told.
    untold: Option<Fault>,
}

impl Recorders {
    /// Opens what was asked for.
    pub(super) fn open(world: Arc<World>, size: Option<(u16, u16)>) -> Result<Self, Fault> {
        let private = || world.private.clone();
        let session = match (&world.record, world.record_since) {
            (Some(path), Some(began)) => Some(Tape::go_on(path, began, private())?),
            (Some(path), None) => {
                let header = Header::new(clock::now(), size, world.origin);
                Some(Tape::create(path, &header, private())?)
            }
            (None, _) => None,
        };
        Ok(Self {
            recent: (!world.read_only).then(Recent::default),
            world,
            session,
            runs: BTreeMap::new(),
            size,
            trouble: None,
            untold: None,
        })
    }

    /// Writes a batch, and adds to it that the session is recorded no more.
    pub(super) fn take_all(&mut self, batch: &mut Vec<Happening>) {
        batch.iter().for_each(|happening| self.take(happening));
        if let Some(fault) = self.untold.take() {
            batch.push(super::now(Event::Unrecorded(fault)));
        }
    }

    /// Writes one event wherever it belongs.
    pub(super) fn take(&mut self, happening: &Happening) {
        if let Some(recent) = &mut self.recent {
            recent.take(happening);
        }
        if let Some(tape) = &mut self.session
            && let Err(fault) = tape.take(happening)
        {
            self.session = None;
            self.untold = Some(fault.clone());
            self.in_trouble(fault);
        }
        self.runs.retain(|_, tape| {
            let taken = tape.as_mut().map_or(Ok(()), |tape| tape.take(happening));
            // the run's folder may be gone with its lab; the run itself goes on
            if let Err(fault) = &taken {
                tracing::warn!(%fault, "the events of a run are not all kept");
            }
            taken.is_ok()
        });
        if let Event::Run(RunEvent {
            run: Some(run),
            kind: RunEventKind::Sent { .. },
        }) = &happening.event
        {
            self.begin_run(run);
        }
        if let Event::Saved(result) = &happening.event
            && let Some(Some(tape)) = self.runs.remove(&result.run)
            && let Err(fault) = tape.close()
        {
            tracing::warn!(%fault, "the events of a run are not all kept");
        }
    }

    /// Remembers which runs are ours: those that another terminal fires it keeps itself.
    pub(super) fn ordered(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Break(order) = effect {
                self.runs.insert(order.run.clone(), None);
            }
        }
    }

    /// From here on the run did something, so its folder will be there.
    fn begin_run(&mut self, run: &str) {
        let Some(kept @ None) = self.runs.get_mut(run) else {
            return;
        };
        let events = self.recent.as_ref().map(Recent::all).unwrap_or_default();
        let Some(first) = events.first() else { return };
        let header = Header::new(first.at, self.size, self.world.origin);
        let tape = Tape::of_run(&self.world, run, &header, self.world.private.clone());
        let tape = tape.and_then(|mut tape| {
            for event in &events {
                tape.take(event)?;
            }
            Ok(tape)
        });
        match tape {
            Ok(tape) => *kept = Some(tape),
            Err(fault) => tracing::warn!(%fault, "the events of a run are not kept"),
        }
    }

    fn in_trouble(&mut self, fault: Fault) {
        tracing::warn!(%fault);
        self.trouble.get_or_insert(fault);
    }

    /// Ends all files; says what is wrong with the session's.
    pub(super) fn close(mut self) -> Option<Fault> {
        if let Some(tape) = self.session.take()
            && let Err(fault) = tape.close()
        {
            self.in_trouble(fault);
        }
        for tape in self.runs.into_values().flatten() {
            if let Err(fault) = tape.close() {
                tracing::warn!(%fault, "the events of a run are not all kept");
            }
        }
        self.trouble
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use flinklab_world::Addresses;

    #[test]
    fn a_recording_that_is_full_says_so_while_the_session_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let addresses = Addresses::new(folder.path(), folder.path());
        let mut world = World::new(addresses, "t".to_owned(), None, false);
        world.record = Some(folder.path().join("a.flinklab"));
        let mut ui = flinklab_tui::Ui::default();
        let mut tapes = Recorders::open(Arc::new(world), None).unwrap();
        let mut batch = vec![super::super::now(Event::Tick)];
        tapes.take_all(&mut batch);
        assert_eq!(batch.len(), 1);
        tapes.session.as_mut().unwrap().fill();
        tapes.take_all(&mut batch);
        let Some(Event::Unrecorded(fault)) = batch.last().map(|last| &last.event) else {
            panic!("{batch:?}")
        };
        assert!(fault.why.contains("the most"), "{fault}");
        for happening in &batch {
            ui.update(happening);
        }
        let said = ui.screen.notice(ui.model.now).unwrap();
        assert!(said.starts_with("Recording ended: it has "), "{said}");
        let count = batch.len();
        tapes.take_all(&mut batch);
        assert_eq!(batch.len(), count, "it is said once");
        assert_eq!(tapes.close().unwrap().code, "recording-ended");
    }
}
