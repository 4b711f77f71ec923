//! `notes`: what the one who speaks reads in a second terminal: what to say, the next key, and whether
//! what should be seen was seen. A terminal is drawn anew with each change, elsewhere lines follow.

use super::print::{Printer, Style};
use flinklab_base::columns::wrap_words;
use flinklab_base::text::harmless;
use flinklab_event::{Note, Origin};
use serde_json::json;
use std::fmt::Write as _;

/// How wide notes are told: they are read at a glance.
const WIDTH: usize = 72;

/// Shows a note.
pub(super) fn tell(note: &Note, printer: &Printer) {
    match printer.style {
        Style::Json => printer.object(&json!({ "note": note, "origin": note.origin })),
        // the whole screen is the note: what was said before is over
        Style::Text if printer.live => {
            printer.draw(&format!("\u{1b}[2J\u{1b}[H{}", harmless(&text(note))))
        }
        Style::Text => printer.text(&format!("{}\n", text(note))),
    }
}

fn text(note: &Note) -> String {
    let mut text = String::new();
    let origin = match note.origin {
        Origin::Real => "",
        Origin::Simulated => " SIMULATED",
        Origin::Recorded => " recorded",
    };
    let lab = if note.lab.is_empty() {
        "flinklab"
    } else {
        &note.lab
    };
    let _ = writeln!(text, "{lab}{origin}");
    if note.lesson.is_empty() {
        let _ = writeln!(text, "No lesson is gone through. {}", note.press);
        return text;
    }
    let (step, of) = (note.step, note.of);
    let _ = writeln!(text, "{}, step {step} of {of}: {}", note.lesson, note.title);
    let mut say = |head: &str, words: &str| {
        if words.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n{head}");
        for line in wrap_words(words, WIDTH) {
            let _ = writeln!(text, "  {line}");
        }
    };
    say("SAY", &note.say);
    say("WATCH", &note.watch);
    say("HINT", &note.hint);
    let _ = writeln!(text, "\n{}", note.state.to_uppercase());
    for line in &note.checks {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(
        text,
        "\nNEXT KEY\n  {}\nAFTER THIS\n  {}",
        note.press, note.next
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_what_to_say_and_the_next_key() {
        let note = Note {
            origin: Origin::Simulated,
            lesson: "Stop and crash".to_owned(),
            step: 2,
            of: 3,
            title: "Kill the leader".to_owned(),
            say: "Fifteen seconds are safe.".to_owned(),
            state: "to do".to_owned(),
            press: "space: jm-crash, asks first".to_owned(),
            next: "Side by side".to_owned(),
            ..Note::default()
        };
        let text = text(&note);
        for words in [
            "SIMULATED",
            "step 2 of 3",
            "Fifteen seconds",
            "TO DO",
            "space: jm-crash",
            "Side by side",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
