//! What stands in the way of a lab on this machine: all that the doctor looked at, why it matters
//! and what mends it.

use crate::paint::{Keys, panel, sentences, sight};
use crate::theme::{Theme, Tone, sign};
use flinklab_base::advice::Invocation;
use flinklab_event::{Finding, Grade, Who};
use flinklab_model::{Extent, Model};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Draws the page.
pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame, area: Rect) -> Extent {
    let width = usize::from(area.width.saturating_sub(2)).min(110);
    let count = |grade: Grade| model.findings.iter().filter(|it| it.grade == grade).count();
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
    if model.findings.is_empty() {
        let words = "Looks at Docker, this machine and the lab.";
        lines.extend(sentences(theme, Tone::Muted, words, width));
    }
    // what is in the way comes first
    let mut findings: Vec<&Finding> = model.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.grade));
    for finding in findings {
        lines.extend(one(theme, finding, &model.flinklab(), width));
    }
    let title = vec![theme.say(Tone::Accent, "Doctor")];
    let (lines, extent) = sight(
        theme,
        lines,
        usize::from(area.height.saturating_sub(2)),
        (model.screen.scroll, &model.key_down()),
    );
    panel(frame, theme, area, (title, aside), Keys::Here, lines);
    extent
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
    let mut mend = called.advise(&finding.mend);
    match finding.who {
        Some(Who::Doctor) => {
            mend.push_str(&format!(" ({} does it)", called.command("doctor --fix")));
        }
        Some(Who::Root) => mend.push_str(" (as root)"),
        Some(Who::You) | None => {}
    }
    for words in [&called.advise(&finding.why), &mend] {
        if !words.is_empty() {
            let words = format!("  {words}");
            lines.extend(sentences(theme, Tone::Plain, &words, width));
        }
    }
    lines.push(Line::default());
    lines
}
