//! Who may print: the one place that writes to standard output and standard error.

use super::Environment;
use super::crash::Crash;
use crate::cli::Global;
use flinklab_base::advice::Invocation;
use flinklab_base::fault::Fault;
use flinklab_base::text;
use flinklab_base::text::harmless;
use flinklab_event::Origin;
use serde_json::{Value, json};
use std::io::{self, BufRead, Write};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Sentences and tables.
    Text,
    /// One object a line.
    Json,
}

/// Prints.
#[derive(Debug, Clone)]
pub(super) struct Printer {
    pub(super) style: Style,
    pub(super) terminal: bool,
    pub(super) yes: bool,
    /// Lines on the terminal may be drawn over.
    pub(super) live: bool,
    pub(super) ascii: bool,
    /// The lab that was asked for: commands in sentences act on it.
    pub(super) called: Invocation,
    /// What the results are about: no object of a simulation passes for a real one.
    origin: Origin,
}

impl Printer {
    pub(super) fn new(global: &Global, environment: &Environment) -> Self {
        Self {
            style: if global.json {
                Style::Json
            } else {
                Style::Text
            },
            terminal: environment.terminal && !global.plain,
            yes: global.yes,
            live: environment.terminal && !global.plain && !global.json && !environment.dumb,
            ascii: global.ascii,
            called: environment.called(global),
            origin: environment.origin,
        }
    }

    /// A line of text. A reader that went away (`| head`) is not an error.
    pub(super) fn line(&self, text: &str) {
        self.text(&format!("{text}\n"));
    }

    /// Text, without what would do more on a terminal than be read.
    pub(super) fn text(&self, text: &str) {
        self.draw(&harmless(text));
    }

    /// Text as it is: ours, to the terminal.
    pub(super) fn draw(&self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }

    /// One JSON object.
    pub(super) fn object(&self, value: &Value) {
        if self.origin == Origin::Real || value.get("origin").is_some() {
            self.line(&text::json(value));
            return;
        }
        let mut labelled = value.clone();
        if let Some(object) = labelled.as_object_mut() {
            object.insert("origin".to_owned(), json!(self.origin));
        }
        self.line(&text::json(&labelled));
    }

    /// Why it did not work: an object on standard output, or sentences on standard error.
    pub(super) fn fault(&self, fault: &Fault) {
        match self.style {
            Style::Json => self.object(&fault_object(fault, &self.called)),
            Style::Text => {
                let mut out = io::stderr().lock();
                let words = fault_text(fault, &self.called);
                let _ = out.write_all(harmless(&words).as_bytes());
            }
        }
    }

    /// What a panic said, and where it is kept.
    pub(super) fn crash(&self, crash: &Crash) {
        let mut out = io::stderr().lock();
        let kept = match &crash.kept {
            Ok(file) => format!("kept in {}", file.display()),
            Err(why) => format!("could not be kept: {why}"),
        };
        let _ = writeln!(
            out,
            "flinklab: a part of flinklab crashed; this is a bug of flinklab.\n{}\n({kept})",
            harmless(&crash.text)
        );
    }

    /// Something that is no error: on standard error, so that no reader of lines stumbles over it.
    pub(super) fn warning(&self, text: &str) {
        let mut err = io::stderr().lock();
        let _ = writeln!(err, "flinklab: {}", harmless(text));
    }

    /// Asks a question that only `yes` answers. Nobody there to ask: none.
    pub(super) fn ask(&self, question: &str) -> Option<bool> {
        if self.yes {
            return Some(true);
        }
        if !self.terminal || self.style == Style::Json {
            return None;
        }
        let mut out = io::stdout().lock();
        let _ = write!(out, "{} [y/N] ", harmless(question));
        let _ = out.flush();
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).ok()?;
        Some(is_yes(&answer))
    }
}

/// Whether an answer is a yes, however it is written.
fn is_yes(answer: &str) -> bool {
    let answer = answer.trim();
    answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes")
}

/// The shape that scripts rely on.
pub(super) fn fault_object(fault: &Fault, called: &Invocation) -> Value {
    let mut error = json!({
        "code": fault.code, "what": fault.what, "why": fault.why,
        "hint": called.advise(&fault.hint),
    });
    if let Some(place) = &fault.place {
        error["file"] = json!(place.file);
        error["line"] = json!(place.line);
        error["column"] = json!(place.column);
    }
    if !fault.excerpts.is_empty() {
        error["excerpts"] = json!(fault.excerpts);
    }
    json!({ "error": error })
}

/// What failed, why, what to do: each on lines of its own.
pub(super) fn fault_text(fault: &Fault, called: &Invocation) -> String {
    let mut text = String::from("flinklab: ");
    if let Some(place) = &fault.place {
        text.push_str(&format!("{place}: "));
    }
    text.push_str(&fault.what);
    text.push('\n');
    titled(&mut text, "why", &fault.why);
    for excerpt in &fault.excerpts {
        text.push_str(&format!("  last lines of {}:\n", excerpt.of));
        for line in &excerpt.lines {
            text.push_str(&format!("    | {line}\n"));
        }
    }
    titled(&mut text, "hint", &called.advise(&fault.hint));
    text
}

fn titled(text: &mut String, title: &str, words: &str) {
    let mut lines = words.lines();
    if let Some(first) = lines.next() {
        text.push_str(&format!("  {title}: {first}\n"));
    }
    for line in lines {
        text.push_str(&format!("        {line}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_is_yes_in_any_case() {
        for yes in ["y", "Y", "yes", "Yes", "YES", " yes\r\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "n", "yess", "no", "ja", "y e s"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
