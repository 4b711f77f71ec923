//! Words of command lines that a person may paste: a shell takes each for one word, whatever
//! letters it has.

/// A word, in quotes only where it needs them.
#[must_use]
pub fn word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/:._-=,@+".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A word in single quotes, in which a shell reads nothing but the closing one.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_with_spaces_stay_one_word() {
        assert_eq!(word("/a/b:/c:ro"), "/a/b:/c:ro");
        assert_eq!(word("/it's me:/c"), r"'/it'\''s me:/c'");
        assert_eq!(word(""), "''");
        assert_eq!(quoted("a"), "'a'");
    }

    proptest! {
        #[test]
        fn a_shell_reads_back_what_was_written(text in "\\PC*", next in "[a-z$`'\"\\\\ ]*") {
            let line = format!("{} {}", word(&text), quoted(&next));
            prop_assert_eq!(shlex::split(&line), Some(vec![text, next]));
        }
    }
}
