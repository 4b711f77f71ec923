//! What the doctor found, for people and for scripts.

use super::print::{Printer, Style};
use flinklab_base::advice;
use flinklab_base::advice::Invocation;
use flinklab_base::columns::wrap_words;
use flinklab_base::fault::Fault;
use flinklab_event::{Finding, Grade, Who};
use serde_json::{Value, json};

/// Columns that a sentence below a finding may take.
const WIDTH: usize = 92;

/// Prints it all; a blocker is an error of the command.
pub(super) fn print(
    printer: &Printer,
    findings: &[Finding],
    fixed: &[String],
) -> Result<u8, Fault> {
    let of = |grade: Grade| {
        findings
            .iter()
            .filter(move |finding| finding.grade == grade)
    };
    let count = |grade: Grade| of(grade).count();
    let blockers: Vec<&str> = of(Grade::Blocker)
        .map(|finding| finding.found.as_str())
        .collect();
    match printer.style {
        Style::Json => {
            for finding in findings {
                printer.object(&json!({ "finding": object(finding, &printer.called) }));
            }
        }
        Style::Text => {
            for one in fixed {
                printer.line(&format!("done  {one}"));
            }
            findings
                .iter()
                .for_each(|finding| printer.text(&text(finding, &printer.called)));
            printer.line(&format!(
                "{} fine, {} to look at, {} in the way.",
                count(Grade::Fine),
                count(Grade::Warning),
                blockers.len()
            ));
        }
    }
    if !blockers.is_empty() {
        let what = match blockers.len() {
            1 => "One thing stands in the way of a lab.".to_owned(),
            many => format!("{many} things stand in the way of a lab."),
        };
        return Err(Fault::unable("doctor-blocker", what)
            .why(blockers.join("\n"))
            .hint(advice!(
                "Mend what is marked FAIL, then run `flinklab doctor` again."
            )));
    }
    if printer.style == Style::Json {
        printer.object(&json!({"result": {
            "command": "doctor", "outcome": "able", "fine": count(Grade::Fine),
            "warnings": count(Grade::Warning), "fixed": fixed,
        }}));
    }
    Ok(0)
}

fn object(finding: &Finding, called: &Invocation) -> Value {
    let mut object = json!(finding);
    object["why"] = json!(called.advise(&finding.why));
    object["hint"] = json!(called.advise(&finding.hint));
    if finding.grade == Grade::Fine
        && let Some(object) = object.as_object_mut()
    {
        object.retain(|key, _| !matches!(key.as_str(), "why" | "hint" | "who"));
    }
    object
}

fn text(finding: &Finding, called: &Invocation) -> String {
    let mark = match finding.grade {
        Grade::Fine => "ok  ",
        Grade::Warning => "look",
        Grade::Blocker => "FAIL",
    };
    let mut text = format!("{mark}  {:<22} {}\n", finding.title, finding.found);
    let mut hint = called.advise(&finding.hint);
    if finding.who == Some(Who::Root) {
        hint.push_str(" (needs root)");
    }
    for (title, words) in [("why", &called.advise(&finding.why)), ("hint", &hint)] {
        if words.is_empty() {
            continue;
        }
        for (n, line) in wrap_words(words, WIDTH - 16).into_iter().enumerate() {
            let title = if n == 0 { title } else { "" };
            text.push_str(&format!("        {title:<5} {line}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_says_why_it_matters_what_mends_it_and_who_must() {
        let finding = Finding {
            topic: "inotify".to_owned(),
            title: "inotify".to_owned(),
            grade: Grade::Warning,
            found: "128 instances".to_owned(),
            why: "a node may fail".into(),
            hint: "sudo sysctl x".into(),
            who: Some(Who::Root),
        };
        assert_eq!(
            text(&finding, &Invocation::default()),
            "look  inotify                128 instances\n        why   a node may fail\n        \
             hint  sudo sysctl x (needs root)\n"
        );
        assert_eq!(object(&finding, &Invocation::default())["who"], "root");
    }
}
