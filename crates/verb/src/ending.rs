//! What the verbs that end pods have in common.

use crate::{Injection, Proof, Task, Victim};
use flinklab_base::fault::Fault;
use std::time::Duration;

/// How long a process may outlive its signal: the kernel frees its memory, Flink shuts down.
pub(crate) const FAREWELL: Duration = Duration::from_secs(20);

/// Ends every victim at once and tells the proof of all.
pub(crate) async fn all<'a>(
    on: &'a dyn Injection,
    end: impl Fn(&'a Victim) -> Task<'a, Proof>,
) -> Result<(), Fault> {
    let ended = futures::future::join_all(on.victims().iter().map(end)).await;
    // One that was hit makes it a break; the others are told as missed.
    if ended.iter().all(Result::is_err) {
        let first = ended.into_iter().next();
        return first.map_or(Ok(()), |first| first.map(drop));
    }
    let mut words = Vec::new();
    for one in ended {
        match one {
            Ok(Some(Ok(proof))) => words.push(proof),
            Ok(Some(Err(why))) => {
                on.hit(Err(why)).await;
                return Ok(());
            }
            Err(fault) => {
                on.hit(Err(fault.to_string())).await;
                return Ok(());
            }
            // Not known of one: nothing is proven.
            Ok(None) => return Ok(()),
        }
    }
    on.hit(Ok(words.join("; "))).await;
    Ok(())
}
