//! A node's container paused and resumed through Docker: every process in it stands still, and no
//! connection is told so. Docker's own word decides whether it does.

use super::Node;
use crate::docker::{CALL, failed, late, status};
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use std::time::Duration;

/// How often a container that should run is asked for until it does.
const LOOK: Duration = Duration::from_millis(200);
/// So many looks in a row must show it running: a pause that was on its way may come after a resume.
const STEADY: u32 = 3;
/// How long that may take.
const RESUMED: Duration = Duration::from_secs(20);

impl Node {
    /// Everything in the container stands still from now on.
    pub async fn pause(&self) -> Result<(), Fault> {
        let asked = self.docker.patient().pause_container(&self.id);
        let doing = format!("Pausing {}", self.name);
        match tokio::time::timeout(CALL, asked).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failed(&doing, &error)),
            Err(_) => Err(late(&doing, CALL)),
        }
    }

    /// Everything goes on. One that is not paused, or is gone, is fine.
    pub async fn resume(&self) -> Result<(), Fault> {
        let doing = format!("Resuming {}", self.name);
        let until = Instant::now() + RESUMED;
        let mut steady = 0;
        while steady < STEADY {
            if !self.is_paused().await? {
                steady += 1;
                clock::sleep(LOOK).await;
                continue;
            }
            if Instant::now() > until {
                return Err(late(&doing, RESUMED));
            }
            steady = 0;
            let asked = self.docker.patient().unpause_container(&self.id);
            match tokio::time::timeout(CALL, asked).await {
                Ok(Ok(())) => {}
                // Somebody else was faster; the next look tells.
                Ok(Err(error)) if matches!(status(&error), Some(404 | 409 | 500)) => {
                    tracing::debug!(%error, "resuming");
                    clock::sleep(LOOK).await;
                }
                Ok(Err(error)) => return Err(failed(&doing, &error)),
                Err(_) => return Err(late(&doing, CALL)),
            }
        }
        Ok(())
    }

    /// Whether it stands still.
    pub async fn is_paused(&self) -> Result<bool, Fault> {
        let found = self.docker.inspect(&self.id).await?;
        let state = found.and_then(|found| found.state);
        Ok(state.is_some_and(|state| state.paused == Some(true)))
    }
}
