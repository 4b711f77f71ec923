//! The text of `config.toml` into settings. Each table says which words it knows; any other is
//! refused where it stands.

use super::{LogLimits, Rebound, Refresh, Settings, Word, wrong};
use flinklab_base::fault::{Fault, Place};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Asked more often than this, Flink would do nothing else; more seldom, nothing is live.
const PERIOD: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(60));
/// Lines that may be kept.
const LINES: (usize, usize) = (100, 1_000_000);
/// Bytes that may be kept.
const BYTES: (usize, usize) = (64 * 1024, 1 << 30);

/// Reads all of it.
pub(super) fn settings(text: &str, file: &str) -> Result<Settings, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let here = Here { text, file };
    let root = DeTable::parse(text).map_err(|error| {
        let place = here.place(error.span().map_or(0, |span| span.start));
        wrong(&place, format!("This is no TOML: {}.", error.message()))
    })?;
    let root = root.get_ref();
    here.knows(root, "", &["theme", "ascii", "refresh", "log", "keys"])?;
    let mut settings = Settings::default();
    if let Some(value) = root.get("theme") {
        settings.theme = Some(here.word(value, "theme")?);
    }
    if let Some(value) = root.get("ascii") {
        let ascii = value.get_ref().as_bool();
        settings.ascii = Some(ascii.ok_or_else(|| here.not(value, "ascii", "true or false"))?);
    }
    if let Some(value) = root.get("refresh") {
        let table = here.table(value, "refresh")?;
        here.knows(table, "refresh.", &["calm", "trouble"])?;
        settings.refresh = Refresh {
            calm: here.period(table, "refresh", "calm")?,
            trouble: here.period(table, "refresh", "trouble")?,
        };
    }
    if let Some(value) = root.get("log") {
        let table = here.table(value, "log")?;
        here.knows(table, "log.", &["lines", "output", "bytes"])?;
        settings.log = LogLimits {
            lines: here.number(table, "lines", LINES)?,
            output: here.number(table, "output", LINES)?,
            bytes: here.number(table, "bytes", BYTES)?,
        };
    }
    if let Some(value) = root.get("keys") {
        settings.keys = here.keys(value)?;
    }
    Ok(settings)
}

/// The text that is read, to name places in it.
struct Here<'a> {
    text: &'a str,
    file: &'a str,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Here<'_> {
    /// Line and column of a byte, both from 1; a column is a character.
    fn place(&self, byte: usize) -> Place {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let begins = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            file: self.file.to_owned(),
            line,
            column: before[begins..].chars().count() + 1,
        }
    }

    fn of<T>(&self, value: &Spanned<T>) -> Place {
        self.place(value.span().start)
    }

    fn knows(&self, table: &DeTable<'_>, prefix: &str, words: &[&str]) -> Result<(), Fault> {
        for name in table.keys() {
            let text: &str = name.get_ref();
            if words.contains(&text) {
                continue;
            }
            let near = words
                .iter()
                .find(|word| strsim::damerau_levenshtein(word, text) <= 2)
                .map_or_else(String::new, |word| format!("Did you mean `{word}`?"));
            let what = format!(
                "There is no setting `{prefix}{text}`; there are {}.",
                words.join(", ")
            );
            return Err(wrong(&self.of(name), what).hint(near));
        }
        Ok(())
    }

    fn not(&self, value: &Value<'_>, name: &str, wanted: &str) -> Fault {
        let is = value.get_ref().type_str();
        let what = format!("`{name}` must be {wanted}, here is a value of type {is}.");
        wrong(&self.of(value), what)
    }

    fn table<'t, 'v>(&self, value: &'t Value<'v>, name: &str) -> Result<&'t DeTable<'v>, Fault> {
        let table = value.get_ref().as_table();
        table.ok_or_else(|| self.not(value, name, "a table"))
    }

    fn word(&self, value: &Value<'_>, name: &str) -> Result<Word, Fault> {
        match value.get_ref().as_str() {
            Some(text) => Ok(Word {
                text: text.to_owned(),
                place: self.of(value),
            }),
            None => Err(self.not(value, name, "a text in quotes")),
        }
    }

    fn period(&self, table: &DeTable<'_>, of: &str, name: &str) -> Result<Option<Duration>, Fault> {
        let Some(value) = table.get(name) else {
            return Ok(None);
        };
        let name = format!("{of}.{name}");
        let word = self.word(value, &name)?;
        let (least, most) = PERIOD;
        let signed: Option<jiff::SignedDuration> = word.text.parse().ok();
        let period = signed.and_then(|signed| Duration::try_from(signed).ok());
        match period {
            Some(period) if (least..=most).contains(&period) => Ok(Some(period)),
            Some(_) => Err(wrong(
                &word.place,
                format!(
                    "`{name}` must be from 100ms to 60s, here is `{}`.",
                    word.text
                ),
            )),
            None => Err(wrong(
                &word.place,
                format!("`{}` is no duration; write it like 1s or 250ms.", word.text),
            )),
        }
    }

    fn number(
        &self,
        table: &DeTable<'_>,
        name: &str,
        (least, most): (usize, usize),
    ) -> Result<Option<usize>, Fault> {
        let Some(value) = table.get(name) else {
            return Ok(None);
        };
        let number = value.get_ref().as_integer().and_then(|number| {
            let digits = number.as_str().replace('_', "");
            usize::from_str_radix(&digits, number.radix()).ok()
        });
        match number {
            Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(wrong(
                &self.of(value),
                format!("`log.{name}` must be a whole number from {least} to {most}."),
            )),
        }
    }

    /// `[keys.SCOPE]` with `action = "key"` or `action = ["key", "key"]`.
    fn keys(&self, value: &Value<'_>) -> Result<Vec<Rebound>, Fault> {
        let mut all = Vec::new();
        for (scope, table) in self.table(value, "keys")? {
            let scope_name: &str = scope.get_ref();
            let place = self.of(scope);
            let table = self.table(table, &format!("keys.{scope_name}"))?;
            for (action, keys) in table {
                let action_name: &str = action.get_ref();
                let name = format!("keys.{scope_name}.{action_name}");
                let keys = match keys.get_ref().as_array() {
                    Some(list) => list
                        .iter()
                        .map(|key| self.word(key, &name))
                        .collect::<Result<_, _>>()?,
                    None => vec![self.word(keys, &name)?],
                };
                all.push(Rebound {
                    scope: Word {
                        text: scope_name.to_owned(),
                        place: place.clone(),
                    },
                    action: Word {
                        text: action_name.to_owned(),
                        place: self.of(action),
                    },
                    keys,
                });
            }
        }
        // In the order of the file: a mistake is told where it was made first.
        all.sort_by_key(|one| (one.action.place.line, one.action.place.column));
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn refused(text: &str) -> String {
        settings(text, "config.toml").unwrap_err().to_string()
    }

    #[test]
    fn settings_are_read_with_their_places() {
        let read = settings(
            "theme = \"light\"\nascii = true\n[refresh]\ncalm = \"2s\"\n[log]\nlines = 1_000\n\
             [keys.dashboard]\nlog-lines = [\"L\", \"ctrl-l\"]\nopen = []\n",
            "config.toml",
        )
        .unwrap();
        assert_eq!(read.theme.unwrap().place.to_string(), "config.toml:1:9");
        assert_eq!(read.ascii, Some(true));
        assert_eq!(read.refresh.calm, Some(Duration::from_secs(2)));
        assert_eq!((read.log.lines, read.log.bytes), (Some(1000), None));
        let keys: Vec<_> = read
            .keys
            .iter()
            .map(|one| {
                (
                    one.scope.text.as_str(),
                    one.action.text.as_str(),
                    one.keys.len(),
                )
            })
            .collect();
        assert_eq!(
            keys,
            [("dashboard", "log-lines", 2), ("dashboard", "open", 0)]
        );
        assert_eq!(read.keys[0].keys[1].place.to_string(), "config.toml:8:19");
        assert_eq!(settings("", "config.toml").unwrap(), Settings::default());
    }

    #[test]
    fn every_wrong_word_is_told_with_its_place() {
        for (text, told) in [
            (
                "thme = \"dark\"",
                "config.toml:1:1: There is no setting `thme`; there are theme, ascii, refresh, log, keys.",
            ),
            (
                "\ntheme = 1",
                "config.toml:2:9: `theme` must be a text in quotes, here is a value of type integer.",
            ),
            (
                "[refresh]\ncalm = \"soon\"",
                "config.toml:2:8: `soon` is no duration; write it like 1s or 250ms.",
            ),
            (
                "[refresh]\ncalm = \"1ms\"",
                "config.toml:2:8: `refresh.calm` must be from 100ms to 60s, here is `1ms`.",
            ),
            (
                "[log]\nlines = -1",
                "config.toml:2:9: `log.lines` must be a whole number from 100 to 1000000.",
            ),
            (
                "keys = \"x\"",
                "config.toml:1:8: `keys` must be a table, here is a value of type string.",
            ),
            (
                "[keys.dashboard]\nopen = [1]",
                "config.toml:2:9: `keys.dashboard.open` must be a text in quotes, here is a value of type integer.",
            ),
        ] {
            assert_eq!(refused(text), told);
        }
        assert!(
            refused("a = ").starts_with("config.toml:1:"),
            "{}",
            refused("a = ")
        );
        assert!(
            refused("x = 1\nx = 2").starts_with("config.toml:2:1"),
            "{}",
            refused("x = 1\nx = 2")
        );
    }
}
