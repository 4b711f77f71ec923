//! The state of the lab while it is built: one copy in memory, written down at every change.

use crate::home::{Home, State};
use flinklab_base::fault::Fault;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The state and where it is written.
pub(super) struct Book {
    home: Home,
    state: Mutex<State>,
}

impl Book {
    pub(super) fn new(home: &Home, state: State) -> Self {
        Self {
            home: home.clone(),
            state: Mutex::new(state),
        }
    }

    /// The state as it is now.
    pub(super) fn state(&self) -> State {
        self.lock().clone()
    }

    /// Changes the state; returns when the change is on the disk.
    pub(super) fn change<T>(&self, how: impl FnOnce(&mut State) -> T) -> Result<T, Fault> {
        let mut state = self.lock();
        let before = state.clone();
        let made = how(&mut state);
        if *state != before {
            self.home.write_state(&state)?;
        }
        Ok(made)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
