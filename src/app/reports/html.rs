//! A report as one page of HTML: nothing is loaded, nothing runs, and somebody who has never seen
//! Flink can read it. What comes from outside is text, never markup.

use super::table::Mark;
use super::{Picked, page, summary, svg, words};
use crate::app::break_report::name;
use flinklab_base::text::{html_sentence, xml as escaped};
use flinklab_base::units;
use flinklab_event::RunResult;

const STYLE: &str = include_str!("../../../assets/report.css");

/// The page.
pub(super) fn text(picked: &Picked) -> String {
    let mut body = String::new();
    if picked.runs.len() > 1 {
        body.push_str(&overview(picked));
    }
    // The newest first: that is what somebody just did.
    for (n, run) in picked.runs.iter().rev().enumerate() {
        body.push_str(&one(run, n == 0));
    }
    let title = "What was broken, and what was proven";
    framed(title, "report", &page::heading(picked), &body)
}

/// A page with its head, its words and its foot.
pub(super) fn framed(title: &str, kind: &str, heading: &str, body: &str) -> String {
    let heading = escaped(heading);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>flinklab {kind}: {heading}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><h1>{title}</h1>\n<p>{heading}</p></header>\n<main>\n{body}"
    );
    text.push_str("<section id=\"words\"><h2>The words of this page</h2>\n<dl>\n");
    for (word, meaning) in words::GLOSSARY {
        text.push_str(&format!(
            "<dt>{}</dt><dd>{}</dd>\n",
            escaped(word),
            escaped(meaning)
        ));
    }
    text.push_str("</dl></section>\n</main>\n");
    text.push_str(&format!(
        "<footer>flinklab {}. Times are UTC. Each phase carries how exact it is (±) and who saw it.</footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    ));
    text
}

fn overview(picked: &Picked) -> String {
    let groups = picked.groups();
    let mut text = String::from(
        "<section id=\"figures\"><h2>How long recovery took</h2>\n\
         <p>From the break until all tasks of the job ran again. Each dot is one run.",
    );
    let leases = summary::leases(&groups);
    if leases.is_some() {
        text.push_str(
            " A filled dot: the leader gave its lease back, so the next one need not wait for it.",
        );
    }
    text.push_str("</p>\n");
    text.push_str(&svg::strips(&groups).unwrap_or_default());
    text.push_str(&summary::side_by_side(&groups).html());
    if let Some(leases) = leases {
        text.push_str("<h3>How the leader's lease ended</h3>\n");
        text.push_str(&leases.html());
    }
    text.push_str("<details><summary>Phases of all runs</summary>\n");
    text.push_str(&summary::phases(&groups).html());
    text.push_str("</details>\n<details><summary>All runs</summary>\n");
    text.push_str(&summary::list(&picked.runs.iter().collect::<Vec<_>>()).html());
    text.push_str("</details></section>\n");
    text
}

fn one(run: &RunResult, open: bool) -> String {
    let mark = Mark::against(run.verdict, run.expected);
    let (class, sign) = (mark.class(), mark.sign());
    let title = match run.record.title.as_str() {
        "" => run.failure.as_str(),
        title => title,
    };
    let recovery = run.recovery_ms.map_or_else(String::new, |ms| {
        let after = run.after_undo_ms().map(units::tenths);
        let after = after.map_or_else(String::new, |after| format!(", {after} after the undo"));
        format!(", recovered in {}{after}", units::tenths(ms))
    });
    let mut text = format!(
        "<section id=\"{id}\"><details{open}><summary><span class=\"{class}\">{sign} {verdict}</span> \
         <strong>{title}</strong> <code>{id}</code>{recovery}</summary>\n",
        id = escaped(&run.run),
        open = if open { " open" } else { "" },
        verdict = summary::verdict(run.verdict, run.expected),
        title = escaped(title),
    );
    text.push_str(&format!(
        "<p class=\"{class}\">{}</p>\n<p>",
        escaped(&words::verdict(run))
    ));
    let story: Vec<String> = words::story(run)
        .iter()
        .map(|line| html_sentence(line))
        .collect();
    text.push_str(&story.join(" "));
    text.push_str("</p>\n<h3>When what happened</h3>\n<p>Each bar ends when its step was reached.");
    if !run.record.held_back.is_empty() {
        text.push_str(
            " The shaded stretch: Kubernetes held a pod back before it started it again.",
        );
    }
    text.push_str("</p>\n");
    text.push_str(&svg::timeline(run));
    if let Some(chart) = svg::checkpoints(run) {
        text.push_str(
            "<h3>Checkpoints before and after</h3>\n<p>One column for each checkpoint, as high as \
             it took long; the shaded stretch lasts from the break until all tasks were seen running again.</p>\n",
        );
        text.push_str(&chart);
    }
    text.push_str("<h3>What was proven</h3>\n<ul class=\"statements\">\n");
    for statement in &run.statements {
        let mark = Mark::of(statement.verdict);
        let (class, sign) = (mark.class(), mark.sign());
        text.push_str(&format!(
            "<li><span class=\"{class}\">{sign} {}</span> <strong>{}</strong>: {} <span class=\"muted\">Seen: {}.</span></li>\n",
            statement.verdict,
            escaped(name(statement.name)),
            escaped(words::meaning(statement.name)),
            escaped(&statement.evidence),
        ));
    }
    text.push_str("</ul>\n<details><summary>Phases with their observers</summary>\n");
    text.push_str(&summary::reached(run).html());
    text.push_str("</details></details></section>\n");
    text
}
