//! Where keys lead: pages opened and left, what is chosen, typed, looked for, copied, paused.

use super::palette::Act;
use super::{Action, Model, Page, Panel, Scroll, Typing, Whole};
use flinklab_event::{Effect, Key, KeyCode, PodRef};

/// Characters that can be typed: nobody looks for more.
const TYPED: usize = 200;
/// Bytes that go to the clipboard: terminals refuse more.
const COPIED: usize = 64 * 1024;

/// A key while something is typed.
pub(super) fn typed(model: &mut Model, key: Key) -> Option<Action> {
    let action = model.screen.keys.action(super::Scope::Typing, key);
    match (action, key.code) {
        (Some(action), _) => Some(action),
        (None, KeyCode::Char(letter)) if !key.ctrl => {
            if model.screen.typed.chars().count() < TYPED && !flinklab_base::text::harms(letter) {
                model.screen.typed.push(letter);
                take_typed(model);
            }
            None
        }
        _ => None,
    }
}

/// What a key does while something is typed.
pub(super) fn typing(model: &mut Model, what: Typing, action: Action) -> Vec<Effect> {
    match action {
        Action::Erase => {
            model.screen.typed.pop();
            take_typed(model);
        }
        Action::Back | Action::Palette => {
            match what {
                Typing::Find => model.screen.find.clear(),
                Typing::Filter => model.screen.log_filter.clear(),
                Typing::Palette => {}
            }
            model.screen.typing = None;
        }
        Action::Move(by) | Action::Page(by) if what == Typing::Palette => {
            let by = match action {
                Action::Page(_) => by.saturating_mul(model.screen.page_rows()),
                _ => by,
            };
            let count = model.palette().len();
            let row = super::input::moved(model.screen.palette_row, by, count);
            model.choose_entry(row);
        }
        Action::Accept => {
            model.screen.typing = None;
            match what {
                Typing::Palette => return chosen(model),
                Typing::Find if matches!(model.screen.page, Page::Help | Page::Pod) => {}
                Typing::Find => found(model, Towards::Here),
                Typing::Filter => {}
            }
        }
        _ => {}
    }
    Vec::new()
}

/// What is typed counts at once.
fn take_typed(model: &mut Model) {
    let typed = model.screen.typed.clone();
    match model.screen.typing {
        Some(Typing::Find) => model.screen.find = typed,
        Some(Typing::Filter) => {
            model.screen.log_filter = typed;
            model.screen.log_line = None;
        }
        Some(Typing::Palette) => (model.screen.palette_row, model.screen.palette_entry) = (0, None),
        None => {}
    }
}

pub(super) fn begin_typing(model: &mut Model, what: Typing) {
    if what == Typing::Find && model.screen.page == Page::Dashboard {
        open(model, Page::Log);
    }
    model.screen.typed = match what {
        Typing::Filter => model.screen.log_filter.clone(),
        Typing::Find | Typing::Palette => String::new(),
    };
    if what == Typing::Find {
        model.screen.find.clear();
    }
    (model.screen.palette_row, model.screen.palette_entry) = (0, None);
    model.screen.typing = Some(what);
}

fn chosen(model: &mut Model) -> Vec<Effect> {
    let Some(entry) = model.palette().into_iter().nth(model.screen.palette_row) else {
        return Vec::new();
    };
    match entry.act {
        Act::Do(action) => return super::input::act(model, action),
        Act::Pod(uid) => {
            model.screen.open(Page::Pod);
            model.screen.pod = Some(uid);
        }
        Act::Checkpoint(id) => {
            model.screen.open(Page::Checkpoints);
            let ids = model.checkpoint_ids();
            let row = ids.iter().position(|known| *known == id).unwrap_or(0);
            model.choose(row);
        }
        Act::Failure(at) => {
            model.screen.open(Page::Failures);
            model.screen.row = at;
        }
        Act::Theme(theme) => model.screen.looks.theme = theme,
    }
    Vec::new()
}

/// Which way to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Towards {
    /// This place counts.
    Here,
    /// On.
    On,
    /// Back.
    Back,
}

/// Goes to the next place with the words.
pub(super) fn found(model: &mut Model, towards: Towards) {
    let places = model.found();
    let on_log = model.screen.page == Page::Log;
    let here = if on_log {
        model.log_back()
    } else {
        model.screen.row
    };
    let next = match towards {
        Towards::Here => places.iter().find(|place| **place >= here),
        Towards::On => places.iter().find(|place| **place > here),
        Towards::Back => places.iter().rev().find(|place| **place < here),
    };
    // round and round, as less does not but everybody wants
    let round = match towards {
        Towards::Here | Towards::On => places.first(),
        Towards::Back => places.last(),
    };
    let words = model.screen.find.clone();
    match next.or(round).copied() {
        Some(place) if on_log => model.set_log_back(place),
        Some(place) => model.choose(place),
        None if words.is_empty() => model.screen.say(model.now, "/ looks for words first."),
        None => model
            .screen
            .say(model.now, format!("`{words}` is not here.")),
    }
}

/// Opens a page, or leaves it where it is open already.
pub(super) fn open(model: &mut Model, page: Page) {
    if model.screen.page == page {
        super::input::back(model);
        return;
    }
    let pod = chosen_pod(model);
    if page == Page::Pod {
        let Some(pod) = &pod else {
            model.screen.say(model.now, "No pod is seen yet.");
            return;
        };
        model.screen.pod = Some(pod.uid.clone());
    }
    model.screen.open(page);
    if page == Page::Log {
        model.screen.log_pod = None;
    }
}

/// The pod that is meant: the one on its page, the chosen row, else the leader.
pub(super) fn chosen_pod(model: &Model) -> Option<PodRef> {
    let of = |pod: &flinklab_event::Pod| PodRef {
        uid: pod.uid.clone(),
        name: pod.name.clone(),
    };
    let pods = model.cluster.listed_pods();
    let screen = &model.screen;
    let found = match screen.page {
        Page::Pod => {
            let uid = screen.pod.as_ref();
            pods.iter().find(|pod| Some(&pod.uid) == uid)
        }
        Page::Dashboard if screen.focus == Panel::Pods => pods.get(screen.row),
        Page::History => {
            let moment = model.moments.list.iter().rev().nth(screen.row);
            moment.and_then(|moment| pods.iter().find(|pod| pod.name == moment.who))
        }
        _ => None,
    };
    let leader = model.cluster.leader();
    found.copied().or(leader).or(pods.first().copied()).map(of)
}

/// Opens what is chosen.
pub(super) fn enter(model: &mut Model) -> Vec<Effect> {
    match (model.screen.page, model.screen.focus) {
        (Page::Dashboard, Panel::Pods) => open(model, Page::Pod),
        (Page::Dashboard, Panel::Leader) => open(model, Page::History),
        (Page::Dashboard, Panel::Checkpoints) => open(model, Page::Checkpoints),
        (Page::Dashboard, Panel::Run) if model.run().is_none() && model.finished.is_empty() => {
            return super::input::act(model, Action::Failures);
        }
        (Page::Dashboard, Panel::Run) => return super::input::act(model, Action::Timeline),
        (Page::Dashboard, Panel::Log) => open(model, Page::Log),
        (Page::History, _) => {
            let row = model.screen.row;
            let who = model.moments.list.iter().rev().nth(row);
            let known = who.is_some_and(|moment| {
                let mut pods = model.cluster.pods.values();
                pods.any(|pod| pod.name == moment.who)
            });
            match known {
                true => open(model, Page::Pod),
                false => model
                    .screen
                    .say(model.now, "That pod is gone: its log lines are on l."),
            }
        }
        (Page::Log | Page::Job, _) => {
            model.screen.whole = match model.screen.whole {
                Whole::No => Whole::Yes,
                Whole::Yes => Whole::No,
            };
            model.screen.scroll = Scroll::default();
        }
        _ => {}
    }
    Vec::new()
}

/// The next pod on its page; the next pod's log, or all.
pub(super) fn sibling(model: &mut Model, by: i32) {
    let pods = model.cluster.listed_pods();
    let count = i32::try_from(pods.len()).unwrap_or(i32::MAX);
    if count == 0 {
        return;
    }
    let index = |at: i32| usize::try_from(at).unwrap_or(0);
    match model.screen.page {
        Page::Pod => {
            let uid = model.screen.pod.as_ref();
            let at = pods
                .iter()
                .position(|pod| Some(&pod.uid) == uid)
                .unwrap_or(0);
            let at = i32::try_from(at)
                .unwrap_or(0)
                .saturating_add(by)
                .rem_euclid(count);
            model.screen.pod = pods.get(index(at)).map(|pod| pod.uid.clone());
            model.screen.scroll = Scroll::default();
        }
        Page::Log => {
            // all pods are one place more
            let name = model.screen.log_pod.as_ref();
            let at = pods.iter().position(|pod| Some(&pod.name) == name);
            let at = at.map_or(-1, |at| i32::try_from(at).unwrap_or(-1));
            let at = (at + 1).saturating_add(by).rem_euclid(count + 1) - 1;
            let pod = (at >= 0).then(|| pods.get(index(at))).flatten();
            model.screen.log_pod = pod.map(|pod| pod.name.clone());
            model.screen.log_line = None;
        }
        _ => {}
    }
}

/// The log of the container before: asked for, and shown on the pod's page.
pub(super) fn previous(model: &mut Model) -> Vec<Effect> {
    let Some(pod) = chosen_pod(model) else {
        model.screen.say(model.now, "No pod is seen yet.");
        return Vec::new();
    };
    if model.screen.page != Page::Pod {
        open(model, Page::Pod);
    }
    let words = format!("Asking for what {} said before its restart.", pod.name);
    model.screen.say(model.now, words);
    vec![Effect::Previous(pod)]
}

pub(super) fn pod_log(model: &mut Model) {
    let pod = chosen_pod(model);
    model.screen.open(Page::Log);
    model.screen.log_pod = pod.map(|pod| pod.name);
    model.screen.log_line = None;
}

/// Flink's address, told and copied.
pub(super) fn address(model: &mut Model) {
    match model.lab.as_ref().and_then(|lab| lab.ui.clone()) {
        Some(ui) => {
            model
                .screen
                .say(model.now, format!("Flink's own pages: {ui} (copied)"));
            copy(model, &ui);
        }
        None => model
            .screen
            .say(model.now, "This lab has no address for Flink's pages."),
    }
}

/// What is chosen, as text.
pub(super) fn copy_chosen(model: &mut Model) {
    let text = match model.screen.page {
        Page::Checkpoints => model
            .checkpoint_ids()
            .get(model.screen.row)
            .map(|id| model.checkpoint_path(*id).unwrap_or_else(|| id.to_string())),
        Page::Log => {
            let mut lines = model.log_lines();
            let line = lines.nth(model.log_back());
            line.map(|line| format!("{} {} {}", line.at, line.pod, line.text))
        }
        Page::Commands => {
            let done = model.deeds.0.iter().rev().nth(model.screen.row);
            done.map(|done| done.deed.command.clone())
        }
        Page::History => {
            let moment = model.moments.list.iter().rev().nth(model.screen.row);
            moment.map(|moment| format!("{} {} {}", moment.at, moment.who, moment.what))
        }
        Page::Job => model
            .details
            .exceptions
            .get(model.screen.row)
            .map(|exception| exception.lines.join("\n")),
        Page::Dashboard if model.screen.focus == Panel::Checkpoints => {
            model.job.newest().map(|row| {
                model
                    .checkpoint_path(row.id)
                    .unwrap_or_else(|| row.id.to_string())
            })
        }
        Page::Dashboard if model.screen.focus == Panel::Log => {
            let mut lines = model.log_lines();
            lines.nth(model.log_back()).map(|line| line.text.clone())
        }
        _ => chosen_pod(model).map(|pod| pod.name),
    };
    match text {
        Some(text) => {
            let first = text.lines().next().unwrap_or_default().to_owned();
            copy(model, &text);
            model.screen.say(model.now, format!("Copied: {first}"));
        }
        None => model
            .screen
            .say(model.now, "Nothing is chosen that could be copied."),
    }
}

fn copy(model: &mut Model, text: &str) {
    let mut end = text.len().min(COPIED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let number = model
        .screen
        .copied
        .as_ref()
        .map_or(0, |(number, _)| *number);
    model.screen.copied = Some((number.wrapping_add(1), text[..end].to_owned()));
}

impl Model {
    /// Where a checkpoint is, as Flink writes it.
    #[must_use]
    pub fn checkpoint_path(&self, id: u64) -> Option<String> {
        self.job.checkpoints.get(&id)?.path.clone()
    }

    /// What the picture shows: the model, or as it was when the picture was held still.
    #[must_use]
    pub fn seen(&self) -> &Self {
        self.paused.as_ref().map_or(self, |paused| &paused.seen)
    }
}
