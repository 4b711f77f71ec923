//! What a version of Flink makes of an option: whether it knows the name, and what it reads in the
//! value. Flink takes any name without a word, and ends at its start over a value that it cannot
//! read; here both are mistakes, and so is what says something else than it seems to.

use super::table::{self, Entry, Shape};
use super::version::Version;
use super::{value as read, words};
use crate::mistake::{did_you_mean, joined};

/// How many letters a name may differ from a known one to be taken for a slip.
const SLIP: usize = 2;
/// A time in bare milliseconds is seldom below this, one in seconds or minutes nearly always.
const BARE_MILLIS: u64 = 1000;
/// No process runs on less memory, in bytes.
const BARE_BYTES: u64 = 1 << 20;

/// What is wrong with an option: what, why, hint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Objection {
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) hint: String,
    /// Whether the name may be that of somebody else's option.
    pub(crate) foreign: bool,
}

impl Objection {
    fn new(what: String, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what,
            why: why.into(),
            hint: hint.into(),
            foreign: false,
        }
    }
}

/// How a version is called in sentences.
fn flink(version: Option<Version>) -> String {
    version.map_or_else(|| "Flink".to_owned(), |version| format!("Flink {version}"))
}

/// Whether Flink knows the option's name. Of a version that the table does not have, whether any does.
pub(crate) fn name(key: &str, version: Option<Version>) -> Result<(), Objection> {
    let version = table::known(version);
    let entries = table::entries(key);
    if entries.iter().any(|entry| entry.covers(version)) || table::is_in_map(key, version) {
        return Ok(());
    }
    if words::is_handed_on(key) {
        return Ok(());
    }
    let nothing = "it would take the name without a word, and change nothing";
    let what = format!("{} has no option `{key}`.", flink(version));
    if let (false, Some(version)) = (entries.is_empty(), version) {
        let when = table::when(&entries, version);
        let hint = current(key, &entries, version);
        let hint = hint.map_or_else(
            || "Remove it.".to_owned(),
            |name| format!("Write `{name}`."),
        );
        return Err(Objection::new(what, format!("{when}; {nothing}"), hint));
    }
    if let Some(near) = near(key, version) {
        return Err(Objection::new(
            what,
            nothing,
            format!("Did you mean `{near}`?"),
        ));
    }
    if words::is_closed(key) {
        return Err(Objection::new(what, nothing, "Remove it."));
    }
    let first = key.split('.').next().unwrap_or_default();
    if table::all().any(|(known, _)| known.split('.').next() == Some(first)) {
        return Ok(());
    }
    Err(Objection {
        what: format!("`{key}` is no option of Flink."),
        why: format!("none of its options begins with `{first}`"),
        hint: String::new(),
        foreign: true,
    })
}

/// The known name of which this one is a slip.
fn near(key: &str, version: Option<Version>) -> Option<&'static str> {
    let known = table::all().filter(|(_, said)| said.iter().any(|entry| entry.covers(version)));
    known
        .map(|(known, _)| (strsim::damerau_levenshtein(known, key), known))
        .filter(|(distance, known)| *distance <= SLIP && known.len() > 3 * SLIP)
        .min()
        .map(|(_, known)| known)
}

/// What a version calls an option that it does not have under this name.
fn current(key: &str, entries: &[&Entry], version: Version) -> Option<&'static str> {
    let mut same: Vec<(bool, &'static str)> = table::all()
        .filter(|(name, said)| {
            said.iter().any(|entry| entry.renamed == Some(key))
                || entries.iter().any(|entry| entry.renamed == Some(*name))
        })
        .filter_map(|(name, said)| {
            let own = said.iter().find(|entry| entry.covers(Some(version)))?;
            Some((own.renamed.is_some(), name))
        })
        .collect();
    // an option's own name before its others
    same.sort_unstable();
    let first = same.first().map(|(_, name)| *name);
    first.or_else(|| words::successor(key))
}

/// Whether Flink would understand the value as it was meant. A value with a variable in it is not
/// known before the process starts.
pub(crate) fn value(key: &str, value: &str, version: Option<Version>) -> Result<(), Objection> {
    if value.contains("$(") || value.contains("${") {
        return Ok(());
    }
    let version = table::known(version);
    if words::HA.contains(&key) {
        return ha(key, value, version);
    }
    let cannot = |why: String, hint: String| {
        let what = format!("`{key}` cannot be `{value}`.");
        Err(Objection::new(what, why, hint))
    };
    let all = table::entries(key);
    let mut entries = all.iter().filter(|entry| entry.covers(version));
    let Some(first) = entries.clone().next_back() else {
        return Ok(());
    };
    if !entries.any(|entry| read::reads(&entry.shape, value, version)) {
        let (why, hint) = unreadable(&first.shape, value, version, &all);
        return cannot(why, hint);
    }
    let counts_millis = all
        .iter()
        .any(|entry| matches!(entry.shape, Shape::Long | Shape::Integer));
    match (&first.shape, read::bare(value)) {
        (Shape::Duration, Some(1..BARE_MILLIS)) if !counts_millis => {
            return cannot(
                format!(
                    "without a unit it is {} milliseconds to Flink",
                    value.trim()
                ),
                format!("Write `{0} s` for seconds, or `{0} ms`.", value.trim()),
            );
        }
        (Shape::Size, Some(1..BARE_BYTES)) if key.contains(".memory.") => {
            return cannot(
                format!("without a unit it is {} bytes to Flink", value.trim()),
                format!("Write `{0} mb` for megabytes, or `{0} b`.", value.trim()),
            );
        }
        _ => {}
    }
    if let Some(words) = words::of(key, version)
        && !words.iter().any(|word| word.eq_ignore_ascii_case(value))
        // a class of one's own is allowed for each of them
        && !value.contains('.')
    {
        let known = joined(words.iter().copied(), "and");
        let hint = did_you_mean(value, words.iter().copied());
        return cannot(format!("{} knows {known}", flink(version)), hint);
    }
    let number = match first.shape {
        Shape::Duration => read::time(value),
        Shape::Integer | Shape::Long | Shape::Decimal => read::decimal(value),
        _ => None,
    };
    match number.and_then(|number| words::beyond(key, number)) {
        Some(limits) => cannot(format!("it must be {limits}"), String::new()),
        None => Ok(()),
    }
}

/// Why a text is no value of a shape, and what to write.
fn unreadable(
    shape: &Shape,
    value: &str,
    version: Option<Version>,
    all: &[&Entry],
) -> (String, String) {
    let time = read::time(value);
    let millis = time.map(|millis| format!("Write `{}`.", millis.round()));
    let has_units = all.iter().any(|entry| entry.shape == Shape::Duration);
    match shape {
        Shape::Integer | Shape::Long if has_units && time.is_some() => (
            format!(
                "{} takes a bare number of milliseconds here",
                flink(version)
            ),
            millis.unwrap_or_default(),
        ),
        Shape::Duration if time.is_some() => (
            "times such as `PT2S` are taken from 2.1 on".to_owned(),
            millis
                .map(|text| text.replace("`.", " ms`."))
                .unwrap_or_default(),
        ),
        Shape::Duration => (
            "it is a time of one whole number and one unit, such as `5 s`, `1500 ms` or `2 min`"
                .to_owned(),
            String::new(),
        ),
        Shape::Size => (
            "it is a size of memory of one whole number and one unit, such as `800m` or `20 kb`"
                .to_owned(),
            String::new(),
        ),
        Shape::Integer | Shape::Long if value.parse::<i128>().is_ok() => {
            ("the number is too large".to_owned(), String::new())
        }
        Shape::Integer | Shape::Long => ("it is a whole number".to_owned(), String::new()),
        Shape::Decimal => ("it is a number".to_owned(), String::new()),
        Shape::Boolean => ("it is `true` or `false`".to_owned(), String::new()),
        Shape::Word(words) => (
            format!(
                "{} knows {}",
                flink(version),
                joined(words.iter().copied(), "and")
            ),
            did_you_mean(value, words.iter().copied()),
        ),
        Shape::Map => (
            "it is a list of pairs, such as `a:1,b:2`".to_owned(),
            String::new(),
        ),
        Shape::List(items) => unreadable(items, value, version, all),
        Shape::Text => ("it is a text".to_owned(), String::new()),
    }
}

/// How high availability is turned on. What Flink does not know, it takes for the name of a class.
fn ha(key: &str, value: &str, version: Option<Version>) -> Result<(), Objection> {
    let is = |word: &str| value.eq_ignore_ascii_case(word);
    let what = format!("`{key}` cannot be `{value}`.");
    let right = match version {
        Some(version) if version < Version::new(1, 16) => words::HA_CLASS,
        _ => "kubernetes",
    };
    let hint = format!("Write `{key}: {right}`.");
    if words::turns_ha_off(value) {
        let why = "it turns high availability off: nobody would be elected, and a JobManager that \
                   is lost would take its jobs with it";
        return Err(Objection::new(what, why, hint));
    }
    if value.contains('.') || is("zookeeper") || is("kubernetes") && right == "kubernetes" {
        return Ok(());
    }
    let why = format!(
        "{} takes it for the name of a class, and no JobManager would start",
        flink(version)
    );
    Err(Objection::new(what, why, hint))
}

#[cfg(test)]
mod tests;
