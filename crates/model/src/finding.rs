//! Words that a person looks for in logs and lists.

/// Words to look for: all of them, those with a `!` before them not. Upper case counts only where
/// there is some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(Vec<(bool, String)>);

impl Words {
    /// The words of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let words = text
            .split_whitespace()
            .map(|word| match word.strip_prefix('!') {
                Some(word) => (false, word.to_owned()),
                None => (true, word.to_owned()),
            });
        Self(words.filter(|(_, word)| !word.is_empty()).collect())
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text has them.
    #[must_use]
    pub fn fit(&self, text: &str) -> bool {
        let lower = std::cell::OnceCell::new();
        self.0.iter().all(|(wanted, word)| {
            let exact = word.chars().any(char::is_uppercase);
            let has = if exact {
                text.contains(word)
            } else {
                lower.get_or_init(|| text.to_lowercase()).contains(word)
            };
            has == *wanted
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_must_be_there_and_those_with_a_mark_must_not() {
        let fits = |words: &str| Words::of(words).fit("Completed checkpoint 107 for job c506");
        assert!(fits("checkpoint 107"));
        assert!(fits("COMPLETED") != fits("completed"));
        assert!(!fits("checkpoint !completed"));
        assert!(fits("!failed"));
        assert!(fits(" ! "));
        assert!(Words::of("  ").none());
    }
}
