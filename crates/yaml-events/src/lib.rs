//! The YAML parser for texts. A crate of its own for one reason: the parser is generic over its
//! input, so it is compiled where it is used, unoptimised in a debug build. Every command reads a lab,
//! and every test of the program runs commands; here it is optimised in all builds.

use granit_parser::{Event, Parser, ScanError, Span, StrInput};

/// What stands in a text, one event after the other, without comments.
pub struct Events<'a>(Parser<'a, StrInput<'a>>);

impl<'a> Events<'a> {
    /// Of this text.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let options = granit_parser::options! { emit_comments: false };
        Self(Parser::new_from_str_with_options(text, options))
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<(Event<'a>, Span), ScanError>;

    #[inline(never)] // it would be unoptimised where it is used
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_event()
    }
}
