//! What stands in the way of a lab on this machine: all that the doctor looked at, why it matters
//! and what mends it.

use crate::Extent;
use crate::Ui;
use crate::keys::{Action, Keys};
use crate::pages::{Component, Page};
use crate::paint::{Focus, panel, sentences, sight};
use crate::theme::{Theme, Tone, sign};
use flinklab_base::advice::Invocation;
use flinklab_event::{Finding, Grade, Who};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The page.
pub(super) struct ThePage;

/// It remembers nothing.
pub(crate) type State = ();

impl Component for ThePage {
    // what can be done about a lab that is not there can be done here, too
    fn keys(&self) -> Keys {
        Keys::Of(Page::Welcome)
    }

    fn needs_lab(&self) -> bool {
        false
    }

    fn offers(&self, _: &Ui, action: Action) -> bool {
        action != Action::Doctor
    }

    fn draw(&self, ui: &Ui, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
        let width = usize::from(area.width.saturating_sub(2)).min(110);
        let count = |grade: Grade| {
            ui.model
                .findings
                .iter()
                .filter(|it| it.grade == grade)
                .count()
        };
        let aside = vec![theme.say(
            Tone::Muted,
            format!(
                "{} fine, {} to look at, {} in the way",
                count(Grade::Fine),
                count(Grade::Warning),
                count(Grade::Blocker)
            ),
        )];
        let mut lines = Vec::new();
        if ui.model.findings.is_empty() {
            let words = "Looks at Docker, this machine and the lab.";
            lines.extend(sentences(theme, Tone::Muted, words, width));
        }
        // what is in the way comes first
        let mut findings: Vec<&Finding> = ui.model.findings.iter().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.grade));
        for finding in findings {
            lines.extend(one(theme, finding, &ui.model.flinklab(), width));
        }
        let title = vec![theme.say(Tone::Accent, "Doctor")];
        let (lines, extent) = sight(
            theme,
            lines,
            usize::from(area.height.saturating_sub(2)),
            (ui.screen.spot.scroll, &ui.key_down()),
        );
        panel(frame, theme, area, (title, aside), Focus::Here, lines);
        extent
    }
}

/// How a grade looks.
pub(super) fn mark(grade: Grade) -> (Tone, &'static str) {
    match grade {
        Grade::Fine => (Tone::Ok, sign::OK),
        Grade::Warning => (Tone::Warn, sign::WARN),
        Grade::Blocker => (Tone::Fail, sign::FAIL),
    }
}

fn one(theme: &Theme, finding: &Finding, called: &Invocation, width: usize) -> Vec<Line<'static>> {
    let (tone, sign) = mark(finding.grade);
    let words = format!("{sign} {}: {}", finding.title, finding.found);
    let mut lines = sentences(theme, tone, &words, width);
    if finding.grade == Grade::Fine {
        return lines;
    }
    let mut hint = called.advise(&finding.hint);
    match finding.who {
        Some(Who::Doctor) => {
            hint.push_str(&format!(" ({} does it)", called.command("doctor --fix")));
        }
        Some(Who::Root) => hint.push_str(" (as root)"),
        Some(Who::You) | None => {}
    }
    for words in [&called.advise(&finding.why), &hint] {
        if !words.is_empty() {
            let words = format!("  {words}");
            lines.extend(sentences(theme, Tone::Plain, &words, width));
        }
    }
    lines.push(Line::default());
    lines
}
