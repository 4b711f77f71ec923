//! A report as CI servers read it: a suite for each failure, a case for each run. A run that ended
//! as its failure should is a success, also where that is FAIL; one that could prove nothing is an
//! error, never a success.

use super::{Picked, words};
use crate::app::break_report::{self, name};
use flinklab_base::text::xml as escaped;
use flinklab_base::units;
use flinklab_lab::failure::Verdict;

/// The XML.
pub(super) fn text(picked: &Picked) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"flinklab\">\n",
    );
    for group in picked.groups() {
        let failed = |run: &&&flinklab_event::RunResult| {
            run.verdict != run.expected && run.verdict != Verdict::Inconclusive
        };
        let open = |run: &&&flinklab_event::RunResult| {
            run.verdict != run.expected && run.verdict == Verdict::Inconclusive
        };
        text.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n",
            escaped(&group.failure),
            group.runs.len(),
            group.runs.iter().filter(failed).count(),
            group.runs.iter().filter(open).count(),
        ));
        for run in &group.runs {
            text.push_str(&format!(
                "    <testcase classname=\"flinklab.{}\" name=\"{}\" time=\"{:.3}\">\n",
                escaped(&run.failure),
                escaped(&run.run),
                units::seconds_of_ms(run.recovery_ms.unwrap_or(run.record.until_ms)),
            ));
            let kind = match run.verdict {
                verdict if verdict == run.expected => None,
                Verdict::Inconclusive => Some("error"),
                _ => Some("failure"),
            };
            if let Some(kind) = kind {
                text.push_str(&format!(
                    "      <{kind} type=\"{}\" message=\"{}\"/>\n",
                    run.verdict,
                    escaped(&words::verdict(run))
                ));
            }
            text.push_str(&format!(
                "      <system-out>{}\n",
                escaped(&break_report::conclusion(run))
            ));
            for statement in &run.statements {
                text.push_str(&escaped(&format!(
                    "{} {}: {}\n",
                    statement.verdict,
                    name(statement.name),
                    statement.evidence
                )));
            }
            text.push_str("</system-out>\n    </testcase>\n");
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}
