//! Which row is chosen, by what it is about: lists grow and shrink while somebody reads them, and a
//! key must mean the row that was looked at.

use super::{Model, MomentKind, Page, Panel, Scroll, Typing};
use flinklab_event::Deed;
use jiff::Timestamp;

/// What a row of a list is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowId {
    /// A pod, by its uid.
    Pod(String),
    /// A checkpoint.
    Checkpoint(u64),
    /// Something that happened.
    Moment(Timestamp, MomentKind, String),
    /// Something that we did.
    Deed(Deed),
    /// An exception, by its moment and task.
    Exception(Timestamp, String),
}

/// Where a page was left: what was chosen on it, and how far it was scrolled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spot {
    /// The row.
    pub row: usize,
    /// What it is about.
    pub chosen: Option<RowId>,
    /// How far.
    pub scroll: Scroll,
}

impl Model {
    /// Chooses a row of the list. The first of one that grows at its head is whatever is newest.
    pub(super) fn choose(&mut self, row: usize) {
        let heads = row == 0 && self.screen.page != Page::Dashboard;
        self.screen.row = row;
        self.screen.chosen = (!heads).then(|| self.row_id(row)).flatten();
    }

    fn row_id(&self, row: usize) -> Option<RowId> {
        match self.screen.page {
            Page::Dashboard if self.screen.focus == Panel::Pods => {
                let pod = self.cluster.listed_pods().get(row).copied()?;
                Some(RowId::Pod(pod.uid.clone()))
            }
            Page::Checkpoints => self
                .checkpoint_ids()
                .get(row)
                .copied()
                .map(RowId::Checkpoint),
            Page::History => {
                let moment = self.moments.list.iter().rev().nth(row)?;
                let what = moment.what.clone();
                Some(RowId::Moment(moment.at, moment.kind, what))
            }
            Page::Commands => {
                let done = self.deeds.0.iter().rev().nth(row)?;
                Some(RowId::Deed(done.deed.clone()))
            }
            Page::Job => {
                let exception = self.details.exceptions.get(row)?;
                Some(RowId::Exception(exception.at, exception.task.clone()))
            }
            _ => None,
        }
    }

    fn row_of(&self, id: &RowId) -> Option<usize> {
        match id {
            RowId::Pod(uid) => {
                let pods = self.cluster.listed_pods();
                pods.iter().position(|pod| pod.uid == *uid)
            }
            RowId::Checkpoint(id) => self.checkpoint_ids().iter().position(|known| known == id),
            RowId::Moment(at, kind, what) => {
                let mut newest_first = self.moments.list.iter().rev();
                newest_first.position(|one| (one.at, one.kind, &one.what) == (*at, *kind, what))
            }
            RowId::Deed(deed) => {
                let mut newest_first = self.deeds.0.iter().rev();
                newest_first.position(|done| done.deed == *deed)
            }
            RowId::Exception(at, task) => {
                let mut all = self.details.exceptions.iter();
                all.position(|one| (one.at, &one.task) == (*at, task))
            }
        }
    }

    /// The run on its page, by name; none where the newest is looked at, whichever that is.
    fn run_name(&self, back: usize) -> Option<&str> {
        let going = self.run().into_iter().map(|run| run.order.run.as_str());
        let over = self.history().rev().map(|run| run.run.as_str());
        going.chain(over).nth(back)
    }

    /// Looks at another run.
    pub(super) fn show_run(&mut self, back: usize) {
        self.screen.run_back = back;
        let name = (back > 0).then(|| self.run_name(back)).flatten();
        self.screen.run_shown = name.map(str::to_owned);
    }

    /// The entry of the palette that is chosen.
    pub(super) fn choose_entry(&mut self, row: usize) {
        self.screen.palette_row = row;
        let entry = self.palette().into_iter().nth(row);
        self.screen.palette_entry = entry.filter(|_| row > 0).map(|entry| entry.act);
    }
}

/// Follows what is chosen to where it is after lists changed. What is gone leaves its place to the
/// next one.
pub(super) fn keep(model: &mut Model) {
    let pods = model.screen.page == Page::Dashboard && model.screen.focus == Panel::Pods;
    match model.screen.chosen.clone() {
        Some(id) => match model.row_of(&id) {
            Some(row) => model.screen.row = row,
            None => {
                let count = match pods {
                    true => model.cluster.pods.len(),
                    false => model.rows(),
                };
                let row = model.screen.row.min(count.saturating_sub(1));
                model.choose(row);
            }
        },
        None if pods => model.choose(model.screen.row),
        None => {}
    }
    if let Some(name) = model.screen.run_shown.clone() {
        let mut back = 1..=model.history().count();
        if let Some(back) = back.find(|back| model.run_name(*back) == Some(name.as_str())) {
            model.screen.run_back = back;
        }
    }
    if let (Some(Typing::Palette), Some(act)) = (model.screen.typing, &model.screen.palette_entry) {
        let row = model.palette().iter().position(|entry| entry.act == *act);
        model.screen.palette_row = row.unwrap_or(model.screen.palette_row);
    }
    if let (Some(path), Some((_, seen))) = (&model.screen.start_at, &model.jobs.seen) {
        let start = seen.starts.iter().position(|start| start.path == *path);
        model.screen.start = start.unwrap_or(model.screen.start);
    }
}
