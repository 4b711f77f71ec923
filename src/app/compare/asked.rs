//! What is asked of a comparison, and whether it makes sense.

use crate::app::headless;
use crate::cli::Cli;
use flinklab_base::advice;
use flinklab_base::advice::Advice;
use flinklab_base::fault::Fault;
use flinklab_event::Comparison;
use flinklab_lab::Lab;

/// What is said to all commands and means nothing here.
pub(super) fn refused(cli: &Cli) -> Result<(), Fault> {
    let wrong =
        |code: &'static str, what: &str, hint: Advice| Err(Fault::wrong(code, what).hint(hint));
    if cli.global.read_only {
        return Err(headless::read_only("compare"));
    }
    if cli.global.lab.is_some() {
        return wrong(
            "labs-wrong",
            "A comparison is of several labs.",
            "Name them all with --labs, such as `--labs default,fast-failover`.".into(),
        );
    }
    if cli.global.record.is_some() {
        return wrong(
            "nothing-to-record",
            "A comparison builds several labs; a recording is of one.",
            advice!("Leave --record away, or give it to `flinklab break KEY`."),
        );
    }
    Ok(())
}

/// The labs of these names, each once.
pub(super) fn opened(
    names: &[String],
    open: impl Fn(&str) -> Result<Lab, Fault>,
) -> Result<Vec<(String, Lab)>, Fault> {
    let mut labs: Vec<(String, Lab)> = Vec::new();
    for name in names {
        if labs.iter().any(|(known, _)| known == name) {
            return Err(Fault::wrong(
                "labs-wrong",
                format!("The lab `{name}` is named twice."),
            ));
        }
        labs.push((name.clone(), open(name)?));
    }
    if labs.len() < 2 {
        return Err(
            Fault::wrong("labs-wrong", "A comparison needs two labs or more.").hint(advice!(
                "Name them with --labs, such as `--labs default,fast-failover`; for one lab there \
                 is `flinklab break KEY --times 5`."
            )),
        );
    }
    Ok(labs)
}

/// Every failure must be possible on some lab, and every lab must have some of them.
pub(super) fn makes_sense(comparison: &Comparison, labs: &[(String, Lab)]) -> Result<(), Fault> {
    for key in &comparison.failures {
        let knows = |lab: &Lab| lab.all_failures().iter().any(|failure| failure.key == *key);
        if !labs.iter().any(|(_, lab)| knows(lab)) {
            let all = labs[0].1.all_failures();
            let keys: Vec<&str> = all.iter().map(|failure| &*failure.key).collect();
            return Err(
                Fault::wrong("no-failure", format!("There is no failure `{key}`."))
                    .why(format!("there are {}", keys.join(", ")))
                    .hint(advice!("`flinklab failures` tells what each of them does.")),
            );
        }
    }
    for lab in &comparison.labs {
        if comparison.failures.len() == lab.lacks.len() {
            let reasons: Vec<&str> = lab
                .lacks
                .iter()
                .map(|(_, reason)| reason.as_str())
                .collect();
            return Err(Fault::wrong(
                "not-applicable",
                format!("The lab `{}` can have none of these failures.", lab.lab),
            )
            .why(reasons.join("; ")));
        }
    }
    Ok(())
}
