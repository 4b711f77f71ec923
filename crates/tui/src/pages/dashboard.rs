//! Everything at a glance. 80x24 is the size it is made for; larger terminals get more panels,
//! smaller ones one panel at a time.

use crate::Extent;
use crate::Ui;
use crate::keys::{Action as A, Keys, Scope, Section, key, line, own};
use crate::pages::Component;
use crate::pages::Page;
use crate::pages::checkpoints::path_or_id;
use crate::paint::{Focus, Spans, framed, titles};
use crate::scroll::scroll_rows;
use crate::theme::{Theme, Tone};
use crate::typing::{Typing, begin_typing};
use crate::{RowId, navigate};
use crate::{checkpoints, leader, log, pods, run, status};
use Constraint::{Fill, Length};
use flinklab_event::{Effect, Pod};
use flinklab_lab::failure::Role;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect, Spacing};

/// The page.
pub(super) struct ThePage;

/// What it remembers.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Which panel has the keys.
    pub focus: Panel,
}

/// Panels of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Panel {
    /// Pods.
    #[default]
    Pods,
    /// Leader and lease.
    Leader,
    /// Checkpoints.
    Checkpoints,
    /// The newest run.
    Run,
    /// Log.
    Log,
}

impl Panel {
    /// All panels, in order of their digits.
    pub const ALL: [Self; 5] = [
        Self::Pods,
        Self::Leader,
        Self::Checkpoints,
        Self::Run,
        Self::Log,
    ];

    /// Its digit.
    #[must_use]
    pub const fn digit(self) -> u8 {
        self as u8 + 1
    }

    /// The panel that many steps on, round and round.
    #[must_use]
    pub fn step(self, by: i32) -> Self {
        let all = Self::ALL;
        let at = i32::from(self.digit()) - 1 + by;
        // rem_euclid of a positive length is within the array
        all[usize::try_from(at.rem_euclid(5)).unwrap_or(0)]
    }
}

/// Its keys.
#[rustfmt::skip] // a table
static KEYS: Section = Section {
    name: "dashboard",
    words: "dashboard",
    parent: Some(Scope::Pages),
    opened_by: None,
    rows: &[
        line("open", A::Enter, "enter", "open"),
        key("next-panel", A::Part(1), "tab", "panel"),
        key("panel-before", A::Part(-1), "shift-tab", "panel before"),
        key("panel-1", A::Focus(Panel::Pods), "1", "that panel"),
        key("panel-2", A::Focus(Panel::Leader), "2", "that panel"),
        key("panel-3", A::Focus(Panel::Checkpoints), "3", "that panel"),
        key("panel-4", A::Focus(Panel::Run), "4", "that panel"),
        key("panel-5", A::Focus(Panel::Log), "5", "that panel"),
        key("log-lines", A::LogLines, "v", "which log lines"),
        own("find", "/", "find in the log", find_in_log),
        key("previous-log", A::Previous, "p", "log before the restart"),
        key("finish", A::Up, "u", "finish the lab"),
        key("arm", A::Arm, "!", "arm: digits fire"),
    ],
};

impl Component for ThePage {
    fn keys(&self) -> Keys {
        Keys::Own(&KEYS)
    }

    fn offers(&self, _: &Ui, action: A) -> bool {
        action != A::Back
    }

    fn rows(&self, ui: &Ui) -> Option<Vec<RowId>> {
        let pods =
            (ui.pages.dashboard.focus == Panel::Pods).then(|| ui.model.cluster.listed_pods());
        Some(pods?.iter().map(|pod| RowId::of(&pod.uid)).collect())
    }

    fn newest_first(&self) -> bool {
        false
    }

    fn scroll(&self, ui: &mut Ui, by: i32) {
        match ui.pages.dashboard.focus {
            Panel::Log => super::log::scroll(ui, by),
            Panel::Pods => {
                let rows = self.rows(ui).unwrap_or_default();
                scroll_rows(ui, &rows, by);
            }
            Panel::Leader | Panel::Checkpoints | Panel::Run => {}
        }
    }

    fn scrolled_part(&self, ui: &Ui) -> usize {
        usize::from(ui.pages.dashboard.focus.digit())
    }

    fn enter(&self, ui: &mut Ui) -> Vec<Effect> {
        let idle = ui.model.run().is_none() && ui.model.finished.is_empty();
        let page = match ui.pages.dashboard.focus {
            Panel::Pods => Page::Pod,
            Panel::Leader => Page::History,
            Panel::Checkpoints => Page::Checkpoints,
            Panel::Run if idle => Page::Failures,
            Panel::Run => Page::Run,
            Panel::Log => Page::Log,
        };
        navigate::open(ui, page);
        Vec::new()
    }

    fn step(&self, ui: &mut Ui, by: i32) {
        focus(ui, ui.pages.dashboard.focus.step(by));
    }

    // it is where all begins: what is held is let go
    fn leave(&self, ui: &mut Ui) {
        ui.pages.log.line = None;
    }

    fn copied(&self, ui: &Ui) -> Option<String> {
        match ui.pages.dashboard.focus {
            Panel::Checkpoints => {
                let newest = ui.model.job.newest()?;
                Some(path_or_id(ui, newest.id))
            }
            Panel::Log => {
                let line = ui.log_lines().nth(ui.log_back())?;
                Some(line.text.clone())
            }
            Panel::Pods | Panel::Leader | Panel::Run => {
                navigate::chosen_pod(ui).map(|pod| pod.name)
            }
        }
    }

    fn pod<'a>(&self, ui: &'a Ui) -> Option<&'a Pod> {
        let pods = ui.model.cluster.listed_pods();
        let chosen = pods.get(ui.screen.spot.row).copied();
        chosen.filter(|_| ui.pages.dashboard.focus == Panel::Pods)
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let parts = if area.width < 80 || area.height < 21 {
            let tabs = Rect {
                height: area.height.min(1),
                ..area
            };
            let line = status::tabs(ui, theme, usize::from(area.width));
            frame.render_widget(line, tabs);
            let rest = Rect {
                y: area.y + tabs.height,
                height: area.height - tabs.height,
                ..area
            };
            vec![(Part::Main(ui.pages.dashboard.focus), rest)]
        } else if area.width < 120 || area.height < 36 {
            standard(ui, area)
        } else if area.width < 180 || area.height < 54 {
            large(ui, area)
        } else {
            huge(ui, area)
        };
        // the panel with the keys comes last: shared borders take its colour
        let focus = Part::Main(ui.pages.dashboard.focus);
        let focused = parts.iter().find(|(part, _)| *part == focus);
        let height = focused.map_or(0, |(_, area)| usize::from(area.height.saturating_sub(2)));
        let extent = match ui.pages.dashboard.focus {
            // below the head of the table
            Panel::Pods => Extent::new(ui.model.cluster.pods.len(), height.saturating_sub(1)),
            _ => Extent::new(0, height),
        };
        let (last, first): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|(part, _)| *part == focus);
        let sides: Vec<_> = first
            .into_iter()
            .chain(last)
            .map(|(part, area)| (area, one(ui, theme, frame, part, area)))
            .collect();
        for (area, sides) in sides {
            titles(frame, area, sides);
        }
        extent
    }
}

/// Gives a panel the keys.
pub(crate) fn focus(ui: &mut Ui, panel: Panel) {
    ui.pages.dashboard.focus = panel;
    ui.choose(0);
}

fn find_in_log(ui: &mut Ui) -> Vec<Effect> {
    navigate::open(ui, Page::Log);
    begin_typing(ui, Typing::Find);
    Vec::new()
}

/// What can be drawn into a part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// One of the five that can have the keys.
    Main(Panel),
    /// Kubernetes events.
    Events,
    /// Who led before.
    Epochs,
    /// Finished runs.
    Past,
    /// The log of one role's pods.
    LogOf(Role),
}

fn rows<const N: usize>(area: Rect, heights: [Constraint; N]) -> [Rect; N] {
    Layout::vertical(heights)
        .spacing(Spacing::Overlap(1))
        .areas(area)
}

fn columns<const N: usize>(area: Rect, widths: [Constraint; N]) -> [Rect; N] {
    Layout::horizontal(widths)
        .spacing(Spacing::Overlap(1))
        .areas(area)
}

/// How high the row of the pods should be: all of them, within reason.
fn pod_rows(ui: &Ui) -> u16 {
    let count = u16::try_from(ui.model.cluster.pods.len()).unwrap_or(u16::MAX);
    count.clamp(4, 8) + 3
}

fn standard(ui: &Ui, area: Rect) -> Vec<(Part, Rect)> {
    let top = pod_rows(ui).min(area.height / 3 + 1);
    let middle = 9 + (area.height.saturating_sub(24) / 3);
    let [top, middle, bottom] = rows(area, [Length(top), Length(middle), Fill(1)]);
    let left = Length(area.width * 9 / 16 + 1);
    let [pods, leader] = columns(top, [left, Fill(1)]);
    let [checkpoints, run] = columns(middle, [left, Fill(1)]);
    vec![
        (Part::Main(Panel::Pods), pods),
        (Part::Main(Panel::Leader), leader),
        (Part::Main(Panel::Checkpoints), checkpoints),
        (Part::Main(Panel::Run), run),
        (Part::Main(Panel::Log), bottom),
    ]
}

fn large(ui: &Ui, area: Rect) -> Vec<(Part, Rect)> {
    let rest = area.height.saturating_sub(pod_rows(ui).max(9));
    let [top, middle, third, bottom] = rows(
        area,
        [
            Length(pod_rows(ui).max(9)),
            Length(rest * 2 / 5 + 1),
            Length(7),
            Fill(1),
        ],
    );
    let half = Length(area.width * 11 / 20);
    let [pods, leader] = columns(top, [half, Fill(1)]);
    let [checkpoints, run] = columns(middle, [half, Fill(1)]);
    let [events, epochs] = columns(third, [half, Fill(1)]);
    vec![
        (Part::Main(Panel::Pods), pods),
        (Part::Main(Panel::Leader), leader),
        (Part::Main(Panel::Checkpoints), checkpoints),
        (Part::Main(Panel::Run), run),
        (Part::Events, events),
        (Part::Epochs, epochs),
        (Part::Main(Panel::Log), bottom),
    ]
}

fn huge(ui: &Ui, area: Rect) -> Vec<(Part, Rect)> {
    let logs = area.height * 2 / 5;
    let [top, bottom] = rows(area, [Fill(1), Length(logs)]);
    let [left, middle, right] = columns(
        top,
        [Length(area.width * 9 / 20), Fill(1), Length(area.width / 4)],
    );
    let [pods, checkpoints] = rows(left, [Length(pod_rows(ui).max(9)), Fill(1)]);
    let [leader, epochs, events] = rows(middle, [Length(pod_rows(ui).max(9)), Fill(1), Fill(2)]);
    let [run, past] = rows(right, [Fill(3), Fill(2)]);
    let mut parts = vec![
        (Part::Main(Panel::Pods), pods),
        (Part::Main(Panel::Leader), leader),
        (Part::Main(Panel::Checkpoints), checkpoints),
        (Part::Main(Panel::Run), run),
        (Part::Events, events),
        (Part::Epochs, epochs),
        (Part::Past, past),
    ];
    // scrolled back, the merged log has the room: two places at once cannot be read
    if ui.pages.log.line.is_some() || ui.pages.dashboard.focus == Panel::Log {
        parts.push((Part::Main(Panel::Log), bottom));
    } else {
        let [jm, tm] = columns(bottom, [Fill(1), Fill(1)]);
        parts.push((Part::LogOf(Role::JobManager), jm));
        parts.push((Part::LogOf(Role::TaskManager), tm));
    }
    parts
}

/// Draws a part and says what its titles are.
fn one(ui: &Ui, theme: &Theme, frame: &mut Frame, part: Part, area: Rect) -> (Spans, Spans) {
    let width = usize::from(area.width.saturating_sub(2));
    let height = usize::from(area.height.saturating_sub(2));
    let focused = part == Part::Main(ui.pages.dashboard.focus);
    let keys = if focused {
        Focus::Here
    } else {
        Focus::Elsewhere
    };
    let mut aside: Spans = Vec::new();
    let lines = match part {
        Part::Main(Panel::Pods) => {
            aside = pods::aside(ui, theme);
            let chosen = focused.then_some(ui.screen.spot.row);
            pods::lines(ui, theme, width, height, chosen)
        }
        Part::Main(Panel::Leader) => leader::lines(ui, theme, width, height),
        Part::Main(Panel::Checkpoints) => {
            aside = vec![theme.say(Tone::Muted, "kept across failovers")];
            checkpoints::lines(ui, theme, width, height)
        }
        Part::Main(Panel::Run) => run::lines(ui, theme, width, height),
        Part::Main(Panel::Log) => {
            aside = log::aside(ui, theme);
            log::lines(ui, theme, width, height, None)
        }
        Part::Events => pods::events(ui, theme, width, height),
        Part::Epochs => leader::epochs(ui, theme, width, height),
        Part::Past => run::past(ui, theme, width, height),
        Part::LogOf(role) => {
            aside = log::aside(ui, theme);
            log::lines(ui, theme, width, height, Some(role))
        }
    };
    framed(frame, theme, area, keys, lines);
    (title(theme, part, keys), aside)
}

fn title(theme: &Theme, part: Part, keys: Focus) -> Spans {
    let tone = match keys {
        Focus::Here => Tone::Accent,
        Focus::Elsewhere => Tone::Plain,
    };
    let (digit, words) = match part {
        Part::Main(panel) => (Some(panel.digit()), status::title(panel).to_owned()),
        Part::Events => (None, "Kubernetes events".to_owned()),
        Part::Epochs => (None, "Epochs".to_owned()),
        Part::Past => (None, "Finished breaks".to_owned()),
        Part::LogOf(role) => (Some(Panel::Log.digit()), format!("Log of {role}s")),
    };
    let mut spans = Vec::new();
    if let Some(digit) = digit {
        spans.push(theme.say(Tone::Muted, format!("{digit} ")));
    }
    spans.push(theme.say(tone, words));
    spans
}
