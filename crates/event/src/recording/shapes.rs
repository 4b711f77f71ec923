//! Secrets that are known by their shape, as those who give them out document it.

use super::tokens::LEFT_OUT;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Beginnings that nothing else has.
const ANYWHERE: &[&str] = &[
    // Amazon Web Services: ids of access keys
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    // GitHub
    r"gh[pousr]_[A-Za-z0-9]{20,}",
    r"github_pat_[A-Za-z0-9_]{22,}",
    // GitLab
    r"gl(?:pat|dt|rt|soat|cbt|ptt|ft|imt|agent|oas|ffct)-[A-Za-z0-9_-]{20,}",
    // Slack
    r"xox[a-z]-[A-Za-z0-9-]{10,}",
    r"xapp-[0-9]-[A-Za-z0-9-]{10,}",
    r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,}",
    // JSON web tokens
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*",
    // Google
    r"AIza[A-Za-z0-9_-]{35}",
    r"GOCSPX-[A-Za-z0-9_-]{20,}",
    // Docker Hub, DigitalOcean, PyPI, age
    r"dckr_[op]at_[A-Za-z0-9_-]{20,}",
    r"do[oprt]_v1_[a-f0-9]{64}",
    r"pypi-[A-Za-z0-9_-]{50,}",
    r"AGE-SECRET-KEY-1[A-Z0-9]{50,}",
];

/// Beginnings that may also end another word.
const AS_WORDS: &[&str] = &[
    // OpenAI, Anthropic and others like them; Stripe
    r"sk-[A-Za-z0-9_-]{20,}",
    r"[rs]k_(?:live|test|prod)_[A-Za-z0-9]{10,}",
    // Google, npm, Hugging Face, Databricks, SendGrid, Vault
    r"ya29\.[A-Za-z0-9_-]{20,}",
    r"npm_[A-Za-z0-9]{30,}",
    r"hf_[A-Za-z0-9]{30,}",
    r"dapi[a-f0-9]{32}",
    r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"hv[sbr]\.[A-Za-z0-9_-]{20,}",
];

static KNOWN: LazyLock<Regex> = LazyLock::new(|| {
    let all = format!(r"{}|(?-u:\b)(?:{})", ANYWHERE.join("|"), AS_WORDS.join("|"));
    Regex::new(&all).expect("the shapes are constants")
});

/// What keys and certificates look like without their armour.
static ENCODED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/_-]{40,}={0,2}").expect("the pattern is a constant"));

/// The text without what is a secret by its shape; none where it has none.
pub(super) fn without_shapes(text: &str) -> Option<String> {
    let mut clean = Cow::Borrowed(text);
    for (shape, secret) in [
        (&*KNOWN, (|_| true) as fn(&str) -> bool),
        (&*ENCODED, encoded),
    ] {
        if let Some(less) = without(&clean, shape, secret) {
            clean = Cow::Owned(less);
        }
    }
    match clean {
        Cow::Borrowed(_) => None,
        Cow::Owned(clean) => Some(clean),
    }
}

fn without(text: &str, shape: &Regex, secret: fn(&str) -> bool) -> Option<String> {
    let mut clean = String::new();
    let mut after = 0;
    for found in shape.find_iter(text).filter(|it| secret(it.as_str())) {
        clean.push_str(&text[after..found.start()]);
        clean.push_str(LEFT_OUT);
        after = found.end();
    }
    (after > 0).then(|| clean + &text[after..])
}

/// Whether letters and figures change as often as they do in encoded bytes. Words, paths, names of
/// classes and of pods change less often; sums in hexadecimal have letters of one case.
fn encoded(word: &str) -> bool {
    if word.len() > 200 {
        return true;
    }
    if word.contains(['_', '-']) {
        return false;
    }
    let kind = |byte: u8| match byte {
        b'A'..=b'Z' => 1,
        b'a'..=b'z' => 2,
        b'0'..=b'9' => 3,
        _ => 4,
    };
    let kinds: Vec<u8> = word.trim_end_matches('=').bytes().map(kind).collect();
    let changes = kinds.windows(2).filter(|two| two[0] != two[1]).count();
    let all = (1..=3).all(|kind| kinds.contains(&kind));
    all && changes * 5 > kinds.len() * 2
}
