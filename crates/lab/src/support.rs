//! How long the versions that a lab names are supported by their own projects, and which of them are
//! newer than what flinklab was tried with: from a table in the repository that says when its facts
//! were looked up. What is out of support still works, and may be what a lab is there to show.

#[cfg(test)]
mod tests;

use crate::options::version::Version;
use crate::{Lab, built_in_names, kubeadm};
use jiff::civil::Date;
use serde::Serialize;
use std::fmt;
use std::sync::OnceLock;

const TABLE: &str = include_str!("support.tsv");

/// What a version is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// That of the node images.
    Kubernetes,
    /// That of the JobManagers' image.
    Flink,
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kubernetes => "Kubernetes",
            Self::Flink => "Flink",
        })
    }
}

/// A version that a lab names, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// Of what.
    pub product: Product,
    /// Its minor version, such as `1.34`.
    pub minor: String,
    /// How it stands.
    pub state: State,
    /// The minor versions that are supported on that day, oldest first.
    supported: Vec<String>,
    /// The lab is one that comes with flinklab.
    shipped: bool,
}

/// How a version stands on some day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its project mends it, until a day if one is announced.
    Supported(Option<Date>),
    /// Nobody mends it any more.
    Over(Ended),
    /// It is newer than the newest that flinklab was tried with, which is this.
    Untried(String),
}

/// When support ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// On that day.
    On(Date),
    /// On that day or earlier.
    By(Date),
}

impl State {
    /// Whether a person should know.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        matches!(self, Self::Supported(_))
    }

    /// One word for scripts.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Supported(_) => "supported",
            Self::Over(_) => "over",
            Self::Untried(_) => "untried",
        }
    }

    /// The day on which support ends or ended, as far as it is known.
    #[must_use]
    pub fn ends(&self) -> Option<Date> {
        match self {
            Self::Supported(until) => *until,
            Self::Over(Ended::On(day) | Ended::By(day)) => Some(*day),
            Self::Untried(_) => None,
        }
    }
}

impl Support {
    /// How it stands, in a sentence without its end.
    #[must_use]
    pub fn found(&self) -> String {
        let named = format!("{} {}", self.product, self.minor);
        match &self.state {
            State::Supported(Some(until)) => format!("{named} is supported until {until}"),
            State::Supported(None) => format!("{named} is supported, without an announced end"),
            State::Over(Ended::On(day)) => format!("{named} has been out of support since {day}"),
            State::Over(Ended::By(day)) => {
                format!("{named} has been out of support since {day} or earlier")
            }
            State::Untried(newest) => format!(
                "{named} is newer than any {} that flinklab was tried with, up to {newest}",
                self.product
            ),
        }
    }

    /// Why that matters; empty where it is supported.
    #[must_use]
    pub fn why(&self) -> String {
        match self.state {
            State::Supported(_) => String::new(),
            State::Over(_) => format!(
                "its project does not fix it any more, security holes included (looked up on {})",
                looked_up()
            ),
            State::Untried(_) => {
                "what it does differently is not known here, so a lab may not come up, and what is \
                 expected of a failure may not hold"
                    .to_owned()
            }
        }
    }

    /// What to do about it; empty where it is supported.
    #[must_use]
    pub fn hint(&self) -> String {
        let supported = self.supported.join(", ");
        match (&self.state, self.product) {
            (State::Supported(_), _) => String::new(),
            (State::Over(_), _) if self.shipped => format!(
                "This lab is there to show an old setup: use it to learn, on this machine only. For \
                 anything of your own, use a supported version: {supported}."
            ),
            (State::Over(_), Product::Kubernetes) => {
                format!("Name a node image of a supported version in kind.yaml: {supported}.")
            }
            (State::Over(_), Product::Flink) => {
                format!("Name an image of a supported version of Flink: {supported}.")
            }
            (State::Untried(newest), _) => {
                format!(
                    "Look for a newer flinklab, or use {} {newest}.",
                    self.product
                )
            }
        }
    }
}

/// A sentence with its reason and what to do.
impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.state.is_fine() {
            write!(f, "{}.", self.found())
        } else {
            write!(f, "{}: {}. {}", self.found(), self.why(), self.hint())
        }
    }
}

impl Lab {
    /// How the versions that its images name stand on a day. An image whose tag names none is left
    /// out.
    #[must_use]
    pub fn support(&self, today: Date) -> Vec<Support> {
        let nodes = self.cluster.nodes.iter();
        let nodes = nodes.filter_map(|node| kubeadm::tagged(&node.image));
        let flink = Version::of_image(&self.job.image).map(Version::numbers);
        let mut all: Vec<(Product, (u32, u32))> = nodes
            .map(|minor| (Product::Kubernetes, minor))
            .chain(flink.map(|minor| (Product::Flink, minor)))
            .collect();
        all.sort_unstable();
        all.dedup();
        let shipped = built_in_names().any(|name| name == self.name);
        all.into_iter()
            .map(|(product, minor)| Support {
                product,
                minor: shown(minor),
                state: state(product, minor, today),
                supported: supported(product, today),
                shipped,
            })
            .collect()
    }
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    product: Product,
    minor: (u32, u32),
    ends: Ends,
    tried: bool,
    source: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Day(Ended),
    Open,
}

impl Row {
    fn state(&self, today: Date) -> State {
        match self.ends {
            Ends::Open => State::Supported(None),
            Ends::Day(Ended::On(day)) if today < day => State::Supported(Some(day)),
            Ends::Day(ended) => State::Over(ended),
        }
    }
}

/// The day on which the table's facts were looked up.
#[must_use]
pub fn looked_up() -> &'static str {
    let line = TABLE
        .lines()
        .find_map(|line| line.strip_prefix("# looked up: "));
    line.unwrap_or_default().trim()
}

fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(row).collect()
    })
}

fn row(line: &'static str) -> Option<Row> {
    let mut fields = line.split('\t');
    let product = match fields.next()? {
        "kubernetes" => Product::Kubernetes,
        "flink" => Product::Flink,
        _ => return None,
    };
    Some(Row {
        product,
        minor: kubeadm::minor(fields.next()?)?,
        ends: ends(fields.next()?)?,
        tried: fields.next()? == "tried",
        source: fields.next()?,
    })
}

fn ends(text: &str) -> Option<Ends> {
    Some(match (text, text.strip_prefix("by ")) {
        ("open", _) => Ends::Open,
        (_, Some(day)) => Ends::Day(Ended::By(day.parse().ok()?)),
        (day, None) => Ends::Day(Ended::On(day.parse().ok()?)),
    })
}

fn of(product: Product) -> impl Iterator<Item = &'static Row> {
    rows().iter().filter(move |row| row.product == product)
}

fn state(product: Product, minor: (u32, u32), today: Date) -> State {
    let known = of(product).find(|row| row.minor == minor);
    let known = known.map(|row| row.state(today));
    let newest = of(product).filter(|row| row.tried).map(|row| row.minor);
    match (known, newest.max()) {
        (Some(State::Over(ended)), _) => State::Over(ended),
        (_, Some(newest)) if minor > newest => State::Untried(shown(newest)),
        (Some(known), _) => known,
        // Older than the table, which begins with versions that are out of support for years.
        (None, _) => of(product)
            .find_map(|row| match row.ends {
                Ends::Day(Ended::On(day) | Ended::By(day)) => Some(State::Over(Ended::By(day))),
                Ends::Open => None,
            })
            .unwrap_or(State::Supported(None)),
    }
}

fn supported(product: Product, today: Date) -> Vec<String> {
    of(product)
        .filter(|row| row.state(today).is_fine())
        .map(|row| shown(row.minor))
        .collect()
}

fn shown((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}
