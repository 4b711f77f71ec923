//! Where keys lead: pages opened and left, the pod that is meant, what is copied.

use crate::{Page, Spot, Ui};
use flinklab_event::{Effect, PodRef};

/// Bytes that go to the clipboard: terminals refuse more.
const COPIED: usize = 64 * 1024;

impl Ui {
    /// Opens a page over the present one; Back leads here again.
    pub(super) fn open(&mut self, page: Page) {
        if self.screen.page == page {
            return;
        }
        let before = (self.screen.page, self.screen.spot.clone());
        let mut trail = std::mem::take(&mut self.screen.trail);
        // a page that is open below is gone back to, not stacked
        match trail.iter().position(|(known, _)| *known == page) {
            Some(at) => trail.truncate(at),
            None => trail.push(before),
        }
        self.turn(page);
        self.screen.trail = trail;
    }

    /// Back to the page before, with what was chosen there; false where there is none.
    fn go_back(&mut self) -> bool {
        let mut trail = std::mem::take(&mut self.screen.trail);
        let Some((page, spot)) = trail.pop() else {
            return false;
        };
        self.turn(page);
        (self.screen.trail, self.screen.spot) = (trail, spot);
        true
    }

    /// Shows a page; what was chosen on the one before is forgotten, and the way back.
    pub(super) fn turn(&mut self, page: Page) {
        self.page().closed(&mut self.pages);
        let screen = &mut self.screen;
        screen.page = page;
        screen.spot = Spot::default();
        screen.typing = None;
        screen.find.clear();
        screen.trail.clear();
    }
}

/// Opens a page, or leaves it where it is open already.
pub(super) fn open(ui: &mut Ui, page: Page) {
    if ui.screen.page == page {
        back(ui);
        return;
    }
    match page.component().opening(ui) {
        Ok(()) => ui.open(page),
        Err(why) => ui.screen.say(ui.model.now, why),
    }
}

/// Takes back what was done last on the page, or leaves it.
pub(super) fn back(ui: &mut Ui) {
    let page = ui.page();
    if page.back(ui) {
        return;
    }
    if !ui.screen.find.is_empty() {
        ui.screen.find.clear();
        return;
    }
    page.leave(ui);
}

/// Goes to the page before, or to the one where all begins.
pub(super) fn leave(ui: &mut Ui) {
    if !ui.go_back() {
        let home = if ui.model.lab.is_some() {
            Page::Dashboard
        } else {
            Page::Welcome
        };
        ui.turn(home);
    }
}

/// The pod that is meant: the one that is chosen, else the leader.
pub(super) fn chosen_pod(ui: &Ui) -> Option<PodRef> {
    let of = |pod: &flinklab_event::Pod| PodRef {
        uid: pod.uid.clone(),
        name: pod.name.clone(),
    };
    let cluster = &ui.model.cluster;
    let chosen = ui.page().pod(ui).or_else(|| cluster.leader());
    chosen
        .or_else(|| cluster.listed_pods().first().copied())
        .map(of)
}

/// The log of the container before: asked for, and shown on the pod's page.
pub(super) fn previous(ui: &mut Ui) -> Vec<Effect> {
    let Some(pod) = chosen_pod(ui) else {
        ui.screen.say(ui.model.now, "No pod is seen yet.");
        return Vec::new();
    };
    if ui.screen.page != Page::Pod {
        open(ui, Page::Pod);
    }
    let words = format!("Asking for what {} said before its restart.", pod.name);
    ui.screen.say(ui.model.now, words);
    vec![Effect::Previous(pod)]
}

/// Flink's address, told and copied.
pub(super) fn address(ui: &mut Ui) {
    let words = match ui.model.lab.as_ref().and_then(|lab| lab.ui.clone()) {
        Some(address) => {
            copy(ui, &address);
            format!("Flink's own pages: {address} (copied)")
        }
        None => "This lab has no address for Flink's pages.".to_owned(),
    };
    ui.screen.say(ui.model.now, words);
}

/// What is chosen, as text.
pub(super) fn copy_chosen(ui: &mut Ui) {
    let words = match ui.page().copied(ui) {
        Some(text) => {
            copy(ui, &text);
            format!("Copied: {}", text.lines().next().unwrap_or_default())
        }
        None => "Nothing is chosen that could be copied.".to_owned(),
    };
    ui.screen.say(ui.model.now, words);
}

fn copy(ui: &mut Ui, text: &str) {
    let mut end = text.len().min(COPIED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let number = ui.screen.copied.as_ref().map_or(0, |(number, _)| *number);
    ui.screen.copied = Some((number.wrapping_add(1), text[..end].to_owned()));
}
