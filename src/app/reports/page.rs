//! A report over several runs as text and as Markdown, and one run as Markdown.

use super::summary::{self, held_back};
use super::{Picked, counted, words};
use flinklab_base::text::{markdown as plain, markdown_block, markdown_sentence};
use flinklab_event::Origin;

/// Columns of the strip on which every run stands.
const STRIP: usize = 60;

/// What the report is about, in one line.
pub(super) fn heading(picked: &Picked) -> String {
    let groups = picked.groups();
    let (first, last) = (picked.runs.first(), picked.runs.last());
    let stamp = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
    let when = match (first, last) {
        (Some(first), Some(last)) if first.run != last.run => {
            format!(", {} to {} UTC", stamp(first.at), stamp(last.at))
        }
        (Some(only), _) => format!(", {} UTC", stamp(only.at)),
        (None, _) => String::new(),
    };
    format!(
        "lab {}: {} of {}{when}{}",
        picked.lab,
        counted(picked.runs.len(), "run"),
        counted(groups.len(), "failure"),
        origin(picked)
    )
}

/// Not real: said with every report.
pub(super) fn origin(picked: &Picked) -> &'static str {
    let has = |origin| picked.runs.iter().any(|run| run.origin == origin);
    match (has(Origin::Simulated), has(Origin::Recorded)) {
        (true, _) => " · SIMULATED",
        (false, true) => " · RECORDED",
        (false, false) => "",
    }
}

/// For a terminal.
pub(super) fn text(picked: &Picked) -> String {
    let groups = picked.groups();
    let mut text = format!("{}\n\n", heading(picked));
    text.push_str("Recovery: from the break until all tasks ran again\n");
    text.push_str(&summary::side_by_side(&groups).text());
    let strips = summary::strips(&groups, STRIP);
    if !strips.is_empty() {
        text.push_str("\nEach run on one axis (a digit: so many runs there)\n");
        for line in strips {
            text.push_str(&format!("{line}\n"));
        }
    }
    if let Some(leases) = summary::leases(&groups) {
        text.push_str("\nHow the leader's lease ended, and the recovery of those runs\n");
        text.push_str(&leases.text());
    }
    text.push_str("\nPhases, from the break\n");
    text.push_str(&summary::phases(&groups).text());
    text.push_str("\nRuns\n");
    text.push_str(&summary::list(&picked.runs.iter().collect::<Vec<_>>()).text());
    if picked.runs.iter().any(|run| held_back(run).is_some()) {
        text.push_str(
            "held back: by Kubernetes, before it started a container again (back-off); not Flink's own time\n",
        );
    }
    let odd: Vec<_> = picked
        .runs
        .iter()
        .filter(|run| run.verdict != run.expected)
        .collect();
    if !odd.is_empty() {
        text.push_str("\nNot as expected\n");
    }
    for run in odd {
        text.push_str(&format!("{}: {}\n", run.run, words::verdict(run)));
    }
    text
}

/// For a page that renders Markdown.
pub(super) fn markdown(picked: &Picked) -> String {
    let groups = picked.groups();
    let mut text = format!("# flinklab report\n\n{}\n", plain(&heading(picked)));
    if picked.runs.len() > 1 {
        text.push_str("\n## Recovery\n\nFrom the break until all tasks ran again.\n\n");
        text.push_str(&summary::side_by_side(&groups).markdown());
        let strips = summary::strips(&groups, STRIP);
        if !strips.is_empty() {
            text.push_str(&markdown_block(&strips));
        }
        if let Some(leases) = summary::leases(&groups) {
            text.push_str("\n## How the leader's lease ended\n\n");
            text.push_str(&leases.markdown());
        }
        text.push_str("\n## Phases\n\n");
        text.push_str(&summary::phases(&groups).markdown());
        text.push_str("\n## Runs\n\n");
        text.push_str(&summary::list(&picked.runs.iter().collect::<Vec<_>>()).markdown());
    }
    for run in &picked.runs {
        let verdict = summary::verdict(run.verdict, run.expected);
        text.push_str(&format!("\n## {}: {verdict}\n\n", plain(&run.run)));
        for sentence in words::story(run) {
            text.push_str(&format!("{}\n", markdown_sentence(&sentence)));
        }
        text.push_str(&format!("\n{}\n\n", summary::reached(run).markdown()));
        text.push_str(&summary::statements(run).markdown());
    }
    text
}
