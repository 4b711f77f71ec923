//! What a recording leaves out: host paths, the user's name, and everything that looks like a key
//! or a token. Works on every string of an event, so that a new kind of event needs nothing, and on
//! the lines of a pod one after the other: a key is printed over many of them.

use super::shapes::without_shapes;
use super::tokens::{Announced, LEFT_OUT, without_tokens};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Names that say nothing about a person, or that the lab itself uses in its words.
const COMMON: [&str; 10] = [
    "root", "user", "admin", "ubuntu", "debian", "docker", "flink", "flinklab", "kube", "node",
];
/// Folders that stay.
const EVERYWHERE: [&str; 4] = ["/tmp", "/var/tmp", "/opt", "/data"];
/// Folders that hold one for each user, beside those of the users' homes.
const OF_USERS: [&str; 4] = ["/media/", "/mail/", "/users/", "/export/home/"];
/// How a key in its armour begins and ends.
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// So many lines a key may have that does not end: one of 8192 bits has 100.
const LINES_OF_A_KEY: u8 = 128;
/// So many lines after a name its value may stand: others are logged meanwhile.
const LINES_TO_A_VALUE: u8 = 3;
/// Pods of which is known what they left open.
const SOURCES: usize = 256;
/// What is found only once something else was left out is found in so many rounds.
const ROUNDS: usize = 8;

/// What the line before left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Open {
    /// Lines that may still belong to a key.
    key: u8,
    /// Lines among which the value of a name may still stand.
    value: u8,
}

/// Keeps private things out of the lines of pods, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    private: Private,
    open: BTreeMap<String, Open>,
}

impl Lines {
    pub(super) fn new(private: Private) -> Self {
        Self {
            private,
            open: BTreeMap::new(),
        }
    }

    /// The next line of a pod without what is private.
    pub(super) fn next<'a>(&mut self, pod: &str, text: &'a str) -> Cow<'a, str> {
        let before = self.open.get(pod).copied().unwrap_or_default();
        let (clean, after) = self.private.cleaned(text, before);
        if after != before {
            self.open.remove(pod);
            if after != Open::default() {
                self.open.insert(pod.to_owned(), after);
            }
            if self.open.len() > SOURCES {
                // most likely one that is gone
                self.open.pop_first();
            }
        }
        clean
    }

    /// Takes everything private out of a value.
    pub(super) fn redact(&self, value: &mut Value) {
        self.private.redact(value);
    }

    /// The same pod's lines of another time.
    pub(super) fn afresh(&self) -> Self {
        Self::new(self.private.clone())
    }
}

/// What is private on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Private {
    /// Folders and what is written in their place, the longest first.
    folders: Vec<(String, &'static str)>,
    /// The user's name, where it stands for the user.
    user: Option<String>,
}

impl Private {
    /// Folders of this machine with what is written for them, and the user's home folder.
    #[must_use]
    pub fn new(places: &[(&str, &'static str)], user_home: Option<&str>) -> Self {
        let mut folders = Vec::new();
        let home = user_home.map(|home| (home, "~"));
        for (folder, shown) in places.iter().copied().chain(home) {
            let folder = folder.trim_end_matches('/');
            // what every machine has tells nothing of this one, and pods have it, too
            if folder.len() > 1 && !EVERYWHERE.contains(&folder) {
                folders.push((folder.to_owned(), shown));
            }
        }
        folders.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        let user = user_home.and_then(|home| home.trim_end_matches('/').rsplit('/').next());
        let telling = |name: &&str| name.len() >= 3 && !COMMON.contains(name);
        Self {
            folders,
            user: user.filter(telling).map(ToOwned::to_owned),
        }
    }

    /// Takes everything private out of a value, the names of its objects included.
    pub fn redact(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                self.leave_out_of(text, Open::default());
            }
            Value::Array(all) => {
                // texts in a row are often the lines of something
                let mut open = Open::default();
                for one in all {
                    open = match one {
                        Value::String(text) => self.leave_out_of(text, open),
                        other => {
                            self.redact(other);
                            Open::default()
                        }
                    };
                }
            }
            Value::Object(all) => {
                for (name, one) in all.iter_mut() {
                    match one {
                        Value::String(text) if Announced::by(name) != Announced::Nothing => {
                            if !text.is_empty() {
                                LEFT_OUT.clone_into(text);
                            }
                        }
                        other => self.redact(other),
                    }
                }
                self.rename(all);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Takes what is private out of an object's names. None is lost where two become the same.
    fn rename(&self, all: &mut Map<String, Value>) {
        let private = |name: &String| {
            let (clean, _) = self.cleaned(name, Open::default());
            matches!(clean, Cow::Owned(_))
        };
        if !all.keys().any(private) {
            return;
        }
        for (name, value) in std::mem::take(all) {
            let clean = self.cleaned(&name, Open::default()).0.into_owned();
            let mut free = clean.clone();
            let mut number = 1;
            while all.contains_key(&free) {
                number += 1;
                free = format!("{clean} {number}");
            }
            all.insert(free, value);
        }
    }

    fn leave_out_of(&self, text: &mut String, before: Open) -> Open {
        let (clean, after) = self.cleaned(text, before);
        if let Cow::Owned(clean) = clean {
            *text = clean;
        }
        after
    }

    /// The text without what is private, as it is where it has nothing, and what its end leaves open.
    fn cleaned<'a>(&self, text: &'a str, before: Open) -> (Cow<'a, str>, Open) {
        if before.key > 0 {
            return self.within_key(text, before.key);
        }
        let value = match before.value {
            0 => Announced::Nothing,
            _ => Announced::Surely,
        };
        let (mut clean, mut after) = self.once(text, value);
        let nothing_said = matches!(clean, Cow::Borrowed(_)) && before.value > 0;
        for _ in 0..ROUNDS {
            let Cow::Owned(known) = &clean else { break };
            let (Cow::Owned(less), open) = self.once(known, Announced::Nothing) else {
                break;
            };
            after.key = after.key.max(open.key);
            clean = Cow::Owned(less);
        }
        if nothing_said && after.value > 0 {
            after.value = before.value - 1;
        }
        (clean, after)
    }

    /// A line while a key goes on: nothing of it, and what is after the key's end.
    fn within_key<'a>(&self, text: &'a str, left: u8) -> (Cow<'a, str>, Open) {
        let end = text.find(END).and_then(|at| {
            let words = at + END.len();
            Some(words + text[words..].find(DASHES)? + DASHES.len())
        });
        match end {
            Some(end) => {
                let (rest, after) = self.cleaned(&text[end..], Open::default());
                (Cow::Owned(format!("{LEFT_OUT}{rest}")), after)
            }
            None => {
                let key = match (text.contains(BEGIN), text.trim_end().ends_with(DASHES)) {
                    (true, _) => LINES_OF_A_KEY,
                    // an end that was cut in two
                    (false, true) => 0,
                    (false, false) => left - 1,
                };
                (Cow::Borrowed(LEFT_OUT), Open { key, value: 0 })
            }
        }
    }

    /// One look at a text.
    fn once<'a>(&self, text: &'a str, before: Announced) -> (Cow<'a, str>, Open) {
        let mut clean = Cow::Borrowed(text);
        let mut key = 0;
        if text.contains(BEGIN) {
            let (less, open) = without_pem(text);
            clean = Cow::Owned(less);
            key = if open { LINES_OF_A_KEY } else { 0 };
        }
        for (folder, shown) in &self.folders {
            replace(&mut clean, |text| without_folder(text, folder, shown));
        }
        for root in ["/home/", "/Users/"] {
            replace(&mut clean, |text| without_home(text, root));
        }
        if let Some(user) = &self.user {
            replace(&mut clean, |text| without_user(text, user));
        }
        replace(&mut clean, without_shapes);
        let mut after = Announced::Nothing;
        replace(&mut clean, |text| {
            let (head, tail) = split(text, before);
            let (less, end) = without_tokens(tail, before);
            after = end;
            if head.is_empty() {
                return less;
            }
            let (of_head, _) = without_tokens(head, Announced::Nothing);
            if less.is_none() && of_head.is_none() {
                return None;
            }
            let head = of_head.as_deref().unwrap_or(head);
            Some(format!("{head}{}", less.as_deref().unwrap_or(tail)))
        });
        let value = match after {
            Announced::Surely => LINES_TO_A_VALUE,
            _ => 0,
        };
        (clean, Open { key, value })
    }
}

fn replace(clean: &mut Cow<'_, str>, less: impl FnOnce(&str) -> Option<String>) {
    if let Some(less) = less(clean) {
        *clean = Cow::Owned(less);
    }
}

/// What a logger puts before a line's words, which is no value of the line before, and the words.
fn split(text: &str, before: Announced) -> (&str, &str) {
    let bytes = text.as_bytes();
    let dated = bytes.len() > 10 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-';
    if before == Announced::Nothing || !dated {
        return ("", text);
    }
    text.split_at(text.find(" - ").map_or(text.len(), |at| at + 3))
}

/// Puts something else in the place of a word, where `alone` says so of what is before and after it.
fn without_word(
    text: &str,
    (word, shown): (&str, &str),
    alone: impl Fn(&str, &str) -> bool,
) -> Option<String> {
    let mut clean = String::new();
    let mut kept = 0;
    for (at, _) in text.match_indices(word) {
        let end = at + word.len();
        if alone(&text[..at], &text[end..]) {
            clean.push_str(&text[kept..at]);
            clean.push_str(shown);
            kept = end;
        }
    }
    (kept > 0).then(|| clean + &text[kept..])
}

/// A folder and what is in it; not one whose name only begins or ends alike.
fn without_folder(text: &str, folder: &str, shown: &str) -> Option<String> {
    without_word(text, (folder, shown), |before, after| {
        !before.ends_with(is_part) && !goes_on(after)
    })
}

/// A user's name where it stands for one: in a folder of users, before a host, or after a word that
/// says so.
fn without_user(text: &str, user: &str) -> Option<String> {
    without_word(text, (user, "user"), |before, after| {
        let host = after.strip_prefix('@');
        let at_host = host.is_some_and(|host| host.starts_with(char::is_alphanumeric));
        let below = OF_USERS.iter().any(|folder| before.ends_with(folder));
        (below || is_announced(before)) && !goes_on(after) || at_host && !before.ends_with(is_part)
    })
}

/// Whether a user's name comes next: `user: `, `"user":"`, `USER=`.
fn is_announced(before: &str) -> bool {
    let filling = |c: char| c.is_whitespace() || matches!(c, '"' | '\'');
    let name = before.trim_end_matches(filling).strip_suffix([':', '=']);
    name.is_some_and(|name| {
        let name = name.trim_end_matches(filling);
        let word = name.rsplit(|c| !is_part(c)).next().unwrap_or_default();
        ["user", "username", "login", "owner"]
            .iter()
            .any(|it| word.eq_ignore_ascii_case(it))
    })
}

/// Somebody's home folder, whoever it is.
fn without_home(text: &str, root: &str) -> Option<String> {
    if !text.contains(root) {
        return None;
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(root) {
        let name = &rest[at + root.len()..];
        let end = name.find(|c: char| !is_part(c)).unwrap_or(name.len());
        clean.push_str(&rest[..at]);
        clean.push_str(if end == 0 { root } else { "~" });
        rest = &name[end..];
    }
    clean.push_str(rest);
    (clean != text).then_some(clean)
}

/// A key in its usual armour, with all that is between begin and end; and whether it has no end.
fn without_pem(text: &str) -> (String, bool) {
    let mut clean = String::new();
    let mut rest = text;
    let mut open = false;
    while let Some(at) = rest.find(BEGIN) {
        clean.push_str(&rest[..at]);
        clean.push_str(LEFT_OUT);
        let armour = &rest[at..];
        // up to the dashes that close the END line; an open one reaches to the end
        let end = armour.find(END).and_then(|end| {
            let words = end + END.len();
            Some(words + armour[words..].find(DASHES)? + DASHES.len())
        });
        open = end.is_none();
        rest = end.map_or("", |end| &armour[end..]);
    }
    (clean + rest, open)
}

/// Whether a name goes on: a dot at the end of a sentence is no part of it.
fn goes_on(after: &str) -> bool {
    let mut letters = after.chars();
    match letters.next() {
        Some('.') => letters.next().is_some_and(char::is_alphanumeric),
        Some(letter) => is_part(letter),
        None => false,
    }
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

#[cfg(test)]
mod tests;
