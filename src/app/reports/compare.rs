//! A comparison told: for each failure the labs side by side, in figures, on one axis, and in
//! sentences that claim no more than the runs show.

use super::findings::findings;
use super::table::{Cell, Side, Table};
use super::{counted, group_object, svg};
use super::{html, summary};
use crate::app::break_report;
use crate::app::break_report::title;
use crate::app::print::{Printer, Style};
use crate::cli::CompareFormat;
use flinklab_base::fault::Fault;
use flinklab_base::text::{
    json as json_of, markdown as markdown_of, markdown_block, markdown_sentence, xml as escaped,
};
use flinklab_base::units;
use flinklab_event::{Compared, Comparison, Origin, PhaseName};
use flinklab_model::{Distribution, distributions};
use flinklab_world::keep;
use serde_json::{Value, json};
use std::path::Path;

/// Columns of the strip on which every run stands.
const STRIP: usize = 60;

/// One failure on all labs.
struct Beside<'a> {
    failure: &'a str,
    title: String,
    /// Each lab's runs under the lab's name; none where it cannot have the failure.
    labs: Vec<(&'a Compared, Option<Distribution<'a>>)>,
}

impl<'a> Beside<'a> {
    fn groups(&self) -> Vec<Distribution<'a>> {
        let all = self.labs.iter().filter_map(|(_, group)| group.clone());
        all.collect()
    }
}

fn sides(comparison: &Comparison) -> Vec<Beside<'_>> {
    comparison
        .failures
        .iter()
        .map(|key| {
            let labs: Vec<(&Compared, Option<Distribution<'_>>)> = comparison
                .labs
                .iter()
                .map(|lab| {
                    let runs: Vec<_> = lab.runs.iter().filter(|run| run.failure == *key).collect();
                    let group = distributions(&runs).pop().map(|group| Distribution {
                        failure: lab.lab.clone(),
                        ..group
                    });
                    (lab, group)
                })
                .collect();
            let title = labs
                .iter()
                .find_map(|(_, group)| Some(group.as_ref()?.title.clone()));
            let known = || Some(flinklab_lab::failure::find(key)?.title.to_string());
            Beside {
                failure: key,
                title: title.or_else(known).unwrap_or_default(),
                labs,
            }
        })
        .collect()
}

/// Prints it, or writes it into the file that was named.
pub(in crate::app) fn compared(
    comparison: &Comparison,
    (format, out): (Option<CompareFormat>, Option<&Path>),
    printer: &Printer,
) -> Result<u8, Fault> {
    let result = |outcome: &str| {
        let (runs, _) = comparison.progress();
        json!({"command": "compare", "outcome": outcome, "comparison": comparison.id(), "runs": runs})
    };
    let text = match (format, printer.style) {
        (None, Style::Json) => {
            let mut told = result("compared");
            let object = object(comparison);
            for key in ["labs", "times", "failures"] {
                told[key] = object[key].clone();
            }
            printer.object(&json!({ "result": told }));
            return Ok(0);
        }
        (None | Some(CompareFormat::Text), _) => text(comparison),
        (Some(CompareFormat::Md), _) => markdown(comparison),
        (Some(CompareFormat::Json), _) => {
            format!("{}\n", json_of(&json!({"comparison": object(comparison)})))
        }
        (Some(CompareFormat::Html), _) => page(comparison),
    };
    match out {
        None => printer.text(&text),
        Some(path) => {
            keep(path, text.as_bytes())?;
            match printer.style {
                Style::Json => {
                    let mut told = result("written");
                    told["file"] = json!(path);
                    printer.object(&json!({ "result": told }));
                }
                Style::Text => printer.line(&format!("Wrote {}.", path.display())),
            }
        }
    }
    Ok(0)
}

fn heading(comparison: &Comparison) -> String {
    let (runs, _) = comparison.progress();
    let labs: Vec<String> = comparison
        .labs
        .iter()
        .map(|lab| match &lab.flink {
            Some(version) => format!("{} (Flink {version})", lab.lab),
            None => lab.lab.clone(),
        })
        .collect();
    let origin = comparison
        .labs
        .iter()
        .flat_map(|lab| &lab.runs)
        .map(|run| run.origin);
    let simulated = origin.into_iter().any(|origin| origin == Origin::Simulated);
    format!(
        "{} of {}, {} UTC{}",
        counted(runs as usize, "run"),
        labs.join(", "),
        comparison.began.strftime("%Y-%m-%d %H:%M"),
        if simulated { " · SIMULATED" } else { "" }
    )
}

/// The labs in rows.
fn recoveries(side: &Beside<'_>) -> Table {
    let single = summary::single(&side.groups());
    let mut columns = vec![("lab", Side::Left), ("Flink", Side::Left)];
    columns.extend(summary::figure_columns(single, "recovery"));
    columns.push(("verdicts", Side::Left));
    let mut table = Table::new(&columns);
    for (lab, group) in &side.labs {
        let flink = lab.flink.clone().unwrap_or_default();
        let mut row: Vec<Cell> = vec![lab.lab.clone().into(), flink.into()];
        let spread = group.as_ref().and_then(|group| group.recovery.as_ref());
        let figures = summary::figure_cells(single, spread);
        row.extend(figures.into_iter().map(Cell::from));
        row.push(match group {
            Some(group) => summary::verdicts(group),
            None => lacking(lab, side.failure).into(),
        });
        table.row(row);
    }
    table
}

fn lacking(lab: &Compared, key: &str) -> String {
    let reason = lab.lacks.iter().find(|(known, _)| known == key);
    reason.map_or_else(|| "no run".to_owned(), |(_, reason)| reason.clone())
}

/// The middle of each phase, a column a lab; none without any.
fn phases(side: &Beside<'_>) -> Option<Table> {
    let groups = side.groups();
    let mut names: Vec<PhaseName> = groups
        .iter()
        .flat_map(|group| group.phases.iter().map(|(name, _)| *name))
        .collect();
    names.sort();
    names.dedup();
    let mut table = Table::new(&[("median until", Side::Left)]);
    for group in &groups {
        table.columns.push((group.failure.clone(), Side::Right));
    }
    for name in names {
        let mut row = vec![title(name).to_owned()];
        for group in &groups {
            let found = group.phases.iter().find(|(known, _)| *known == name);
            row.push(found.map_or_else(
                || "–".to_owned(),
                |(_, spread)| units::tenths(spread.median),
            ));
        }
        table.row(row);
    }
    (!table.rows.is_empty()).then_some(table)
}

fn text(comparison: &Comparison) -> String {
    let mut text = format!("{}\n", heading(comparison));
    for side in sides(comparison) {
        text.push_str(&format!(
            "\n{}: {}\nRecovery: from the break until all tasks ran again\n",
            side.failure, side.title
        ));
        text.push_str(&recoveries(&side).text());
        let groups = side.groups();
        let strips = summary::strips(&groups, STRIP);
        if !strips.is_empty() {
            text.push_str("\nEach run on one axis (a digit: so many runs there)\n");
            for line in strips {
                text.push_str(&format!("{line}\n"));
            }
        }
        if let Some(phases) = phases(&side) {
            text.push_str(&format!("\n{}", phases.text()));
        }
        let findings = findings(&side.groups());
        if !findings.is_empty() {
            text.push('\n');
        }
        for finding in findings {
            text.push_str(&format!("{finding}\n"));
        }
    }
    text
}

fn markdown(comparison: &Comparison) -> String {
    let mut text = format!(
        "# flinklab comparison\n\n{}\n",
        markdown_of(&heading(comparison))
    );
    for side in sides(comparison) {
        let (failure, title) = (markdown_of(side.failure), markdown_of(&side.title));
        text.push_str(&format!("\n## {failure}: {title}\n\n"));
        for finding in findings(&side.groups()) {
            text.push_str(&format!("- {}\n", markdown_sentence(&finding)));
        }
        text.push_str("\nFrom the break until all tasks ran again:\n\n");
        text.push_str(&recoveries(&side).markdown());
        let strips = summary::strips(&side.groups(), STRIP);
        if !strips.is_empty() {
            text.push_str(&markdown_block(&strips));
        }
        if let Some(phases) = phases(&side) {
            text.push_str(&format!("\n{}", phases.markdown()));
        }
    }
    text
}

fn page(comparison: &Comparison) -> String {
    let heading = heading(comparison);
    let mut body = String::new();
    for side in sides(comparison) {
        body.push_str(&format!(
            "<section><h2><code>{}</code>: {}</h2>\n",
            escaped(side.failure),
            escaped(&side.title)
        ));
        for finding in findings(&side.groups()) {
            body.push_str(&format!("<p>{}</p>\n", escaped(&finding)));
        }
        let groups = side.groups();
        body.push_str(
            "<p>From the break until all tasks of the job ran again. Each dot is one run; a filled \
             one: the leader gave its lease back.</p>\n",
        );
        body.push_str(&svg::strips(&groups).unwrap_or_default());
        body.push_str(&recoveries(&side).html());
        if let Some(leases) = summary::leases(&groups) {
            body.push_str("<h3>How the leader's lease ended</h3>\n");
            body.push_str(&leases.html());
        }
        if let Some(phases) = phases(&side) {
            body.push_str("<h3>When what happened</h3>\n");
            body.push_str(&phases.html());
        }
        body.push_str("</section>\n");
    }
    html::framed(
        "What differs between the labs",
        "comparison",
        &heading,
        &body,
    )
}

fn object(comparison: &Comparison) -> Value {
    let labs: Vec<Value> = comparison
        .labs
        .iter()
        .map(
            |lab| json!({"lab": lab.lab, "asked": lab.asked, "flink": lab.flink, "hash": lab.hash}),
        )
        .collect();
    let failures: Vec<Value> = sides(comparison)
        .iter()
        .map(|side| {
            let labs: Vec<Value> = side
                .labs
                .iter()
                .map(|(lab, group)| {
                    let mut one = match group {
                        Some(group) => group_object(group),
                        None => json!({"applicable": false, "reason": lacking(lab, side.failure)}),
                    };
                    one["lab"] = json!(lab.lab);
                    one["failure"] = json!(side.failure);
                    one
                })
                .collect();
            json!({"failure": side.failure, "title": side.title, "labs": labs, "findings": findings(&side.groups())})
        })
        .collect();
    let runs: Vec<Value> = comparison
        .labs
        .iter()
        .flat_map(|lab| lab.runs.iter().map(move |run| (lab, run)))
        .map(|(lab, run)| {
            let mut one = break_report::object(run)["result"].take();
            one["lab"] = json!(lab.lab);
            one
        })
        .collect();
    json!({"id": comparison.id(), "began": comparison.began, "times": comparison.times,
        "labs": labs, "failures": failures, "runs": runs})
}

#[cfg(test)]
mod tests;
