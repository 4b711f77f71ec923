//! Keys, tokens and passwords in a text: by their shape, or by the words that stand before them.

use regex::Regex;
use std::sync::LazyLock;

/// Stands where a secret stood.
pub(super) const LEFT_OUT: &str = "[left out]";
/// Words after which a secret follows.
const BEFORE: [&str; 20] = [
    "bearer",
    "token",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "authorization",
    "credential",
    "credentials",
    "amz-signature",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "client-key-data",
    "client-certificate-data",
    "certificate-authority-data",
    "certificate-key",
    "api-key",
    "access-key",
];

/// Words that stand between the name and the secret.
const SCHEMES: [&str; 4] = ["basic", "bearer", "digest", "negotiate"];

/// Where one of these or a login may be, the words are looked at one by one: most texts have none.
static SUSPECT: LazyLock<Regex> = LazyLock::new(|| {
    let words = "(?i-u:bearer|token|pass|secret|authorization|credential|signature|key|-data)";
    let bootstrap = r"[a-z0-9]{6}\.[a-z0-9]{16}";
    Regex::new(&format!("{words}|://|{bootstrap}")).expect("the pattern is a constant")
});

/// What the words so far say of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Announced {
    /// Nothing.
    #[default]
    Nothing,
    /// A name that is a secret's only where a value is given to it: `s3.secret-key`.
    Named,
    /// A word after which a secret may stand; a mere "the token of" is followed by a short word.
    Perhaps,
    /// A value was given to such a name: what follows is the secret, however short.
    Surely,
}

impl Announced {
    pub(super) fn by(name: &str) -> Self {
        let bare = name.trim_start_matches('-');
        let lower = bare.to_lowercase().replace('_', "-");
        if BEFORE.iter().any(|before| lower.ends_with(before)) {
            // a flag takes a value, whatever it looks like
            return if name.starts_with("--") {
                Self::Surely
            } else {
                Self::Perhaps
            };
        }
        // the path of a key's file is no name of a value
        let key = lower.ends_with("-key") || lower.ends_with(".key");
        if key && !lower.contains('/') {
            Self::Named
        } else {
            Self::Nothing
        }
    }

    /// After `=` or `:`.
    fn given(self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::Named | Self::Perhaps | Self::Surely => Self::Surely,
        }
    }
}

/// The text without words that are a secret by the words before them (`token: x`, `token=x`,
/// `"token":"x"`, `--token x`), none where it has none; and what its end says of what follows.
pub(super) fn without_tokens(text: &str, before: Announced) -> (Option<String>, Announced) {
    if before == Announced::Nothing && !SUSPECT.is_match(text) {
        return (None, before);
    }
    let mut clean = String::with_capacity(text.len());
    let mut announced = before;
    let mut rest = text;
    while !rest.is_empty() {
        let between = rest.find(|c| !breaks(c)).unwrap_or(rest.len());
        // what was left out before is left out already
        let marked = rest.find(LEFT_OUT).filter(|at| *at <= between);
        let (gap, after) = rest.split_at(marked.unwrap_or(between));
        clean.push_str(gap);
        if gap.contains([',', ';', '}']) {
            // an empty value, and then something else
            announced = Announced::Nothing;
        } else if gap.contains('=') {
            announced = announced.given();
        }
        if marked.is_some() {
            clean.push_str(LEFT_OUT);
            rest = &after[LEFT_OUT.len()..];
            announced = Announced::Nothing;
            continue;
        }
        let word = &after[..after.find(breaks).unwrap_or(after.len())];
        rest = &after[word.len()..];
        if !word.contains(char::is_alphanumeric) {
            // the `:` between two quoted words belongs to both
            clean.push_str(word);
            if word.contains(':') {
                announced = announced.given();
            }
            continue;
        }
        let scheme = SCHEMES.contains(&word.to_lowercase().as_str());
        if announced == Announced::Surely && !scheme {
            clean.push_str(LEFT_OUT);
            rest = &after[end_of_secret(gap, after)..];
            announced = Announced::Nothing;
        } else if announced == Announced::Surely {
            clean.push_str(word);
        } else {
            let (said, next) = plain_word(word, announced);
            clean.push_str(&said);
            announced = next;
        }
    }
    ((clean != text).then_some(clean), announced)
}

fn breaks(c: char) -> bool {
    c.is_whitespace() || "\"'=,;(){}[]<>".contains(c)
}

/// Where a secret ends: at the quote that it began with, else where no secret goes on.
fn end_of_secret(gap: &str, after: &str) -> usize {
    let quote = gap.chars().next_back().filter(|c| matches!(c, '"' | '\''));
    let end = match quote {
        Some(quote) => after.find(quote),
        None => after.find(|c: char| c.is_whitespace() || "\"',;&(){}[]<>".contains(c)),
    };
    end.unwrap_or(after.len())
}

/// A word for which no value was given yet, without what is secret in it, and what it announces.
fn plain_word(word: &str, before: Announced) -> (String, Announced) {
    let whole = Announced::by(word.trim_end_matches(':'));
    let long = before == Announced::Perhaps && word.len() >= 8 && whole == Announced::Nothing;
    if is_bootstrap(word) || long {
        return (LEFT_OUT.to_owned(), Announced::Nothing);
    }
    if word.contains("://") {
        return (without_login(word), whole);
    }
    // `password:x`, where the name is no place: an image may be called `token:1.2`
    for (at, _) in word.match_indices(':') {
        let name = word[..at].rsplit(':').next().unwrap_or_default();
        let value = &word[at + 1..];
        if Announced::by(name) == Announced::Nothing || name.contains('/') {
            continue;
        }
        let scheme = SCHEMES.contains(&value.to_lowercase().as_str());
        return if value.contains(char::is_alphanumeric) && !scheme {
            (format!("{}:{LEFT_OUT}", &word[..at]), Announced::Nothing)
        } else {
            (word.to_owned(), Announced::Surely)
        };
    }
    (word.to_owned(), whole)
}

/// Whether a word is a bootstrap token of kubeadm.
fn is_bootstrap(word: &str) -> bool {
    let plain = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let parts = word.trim_end_matches(['.', ':']).split_once('.');
    parts.is_some_and(|(id, secret)| {
        id.len() == 6 && secret.len() == 16 && plain(id) && plain(secret)
    })
}

/// `scheme://name:password@host` without name and password.
fn without_login(word: &str) -> String {
    let Some(scheme) = word.find("://") else {
        return word.to_owned();
    };
    let (head, rest) = word.split_at(scheme + 3);
    let host = rest.find('/').unwrap_or(rest.len());
    match rest[..host].rfind('@') {
        // a name alone opens nothing: `pekko.tcp://flink@host` is an actor's address
        Some(at) if rest[..at].contains(':') => format!("{head}{LEFT_OUT}{}", &rest[at..]),
        _ => word.to_owned(),
    }
}
