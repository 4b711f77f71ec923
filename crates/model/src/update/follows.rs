//! The second stage: what follows from the facts alone, and what is remembered of them. Each of these
//! has a slice of the model for itself.

use super::facts::Facts;
use crate::Model;
use flinklab_event::Event;

/// All that follows from the facts was concluded.
pub(super) struct Followed(());

/// Concludes it.
pub(super) fn follow(model: &mut Model, event: &Event, _: &Facts) -> Followed {
    model.settle(event);
    trace(model, event);
    model.remember(event);
    Followed(())
}

/// What witnesses said about checkpoints.
fn trace(model: &mut Model, event: &Event) {
    let at = model.now;
    let ours = |job: &str| model.job.id.as_deref().is_none_or(|id| id == job);
    match event {
        Event::Map(_) => {
            if let Some((_, map)) = &model.cluster.job_map
                && ours(&map.job)
            {
                model.traces.pointers(at, map);
            }
        }
        Event::Disk(sample) if ours(&sample.job) => {
            model.traces.files(at, &sample.job, &sample.checkpoints);
        }
        Event::Flink(sample) => {
            if let Some(seen) = &sample.checkpoints
                && ours(&seen.job)
            {
                let ids = seen.rows.iter().map(|row| row.id);
                model.traces.listed(&seen.job, ids);
            }
        }
        _ => {}
    }
}
