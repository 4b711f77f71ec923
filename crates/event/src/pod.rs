//! Pods and Kubernetes events, as the watches report them.

use crate::LogLine;
use flinklab_lab::failure::Role;
use jiff::SignedDuration;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One pod of Flink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Kubernetes' own identity.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Of Kubernetes.
    pub phase: PodPhase,
    /// Whether all of its containers are ready.
    pub ready: bool,
    /// Restarts of Flink's container.
    pub restarts: u32,
    /// Id of Flink's container that runs now, without the `containerd://`.
    pub container: Option<String>,
    /// Address in the pod network.
    pub ip: Option<String>,
    /// The node it runs on.
    pub node: Option<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// Being deleted since.
    pub deleting: Option<Timestamp>,
    /// Why Flink's container does not run, such as `CrashLoopBackOff`, with its message.
    pub waiting: Option<(String, String)>,
    /// How Flink's container ended last: exit code, reason, Kubernetes' whole-second stamp.
    pub last_exit: Option<(i32, String, Option<Timestamp>)>,
    /// What its page shows.
    #[serde(default)]
    pub detail: Box<PodDetail>,
}

impl Pod {
    /// While Kubernetes waits before it starts the container again: how long still. It counts from
    /// the end of the container, which it tells in whole seconds.
    #[must_use]
    pub fn back_off(&self, now: Timestamp) -> Option<BackOff> {
        let (reason, message) = self.waiting.as_ref()?;
        if reason != "CrashLoopBackOff" {
            return None;
        }
        let whole = back_off(message);
        let ended = self.last_exit.as_ref().and_then(|(_, _, at)| *at);
        Some(match (whole, ended) {
            (Some(whole), Some(ended)) => {
                let left = whole.saturating_sub(now.duration_since(ended));
                BackOff::Left(left.as_secs_f64().max(0.0))
            }
            _ => BackOff::Unknown,
        })
    }
}

/// How long a restart is put off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BackOff {
    /// Seconds still, as far as whole seconds tell.
    Left(f64),
    /// Kubernetes does not say.
    Unknown,
}

/// Of Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PodPhase {
    /// Not running yet.
    Pending,
    /// At least one container runs.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Its node does not say.
    Unknown,
}

/// From the watch of pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "pods are few and short-lived as events"
)]
pub enum PodChange {
    /// The whole list, after a start or a gap.
    Listed(Vec<Pod>),
    /// New or changed.
    Applied(Pod),
    /// Gone.
    Deleted {
        /// Which one.
        uid: String,
    },
}

/// A Kubernetes event about one of Flink's pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeEvent {
    /// Its last stamp.
    pub at: Timestamp,
    /// `Normal` or `Warning`.
    pub warning: bool,
    /// Such as `Killing`.
    pub reason: String,
    /// About whom.
    pub object: String,
    /// In words.
    pub message: String,
    /// How often.
    pub count: u32,
}

/// What Kubernetes says about a pod beyond its row. Comes with the watch, so it is never asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodDetail {
    /// Name of Flink's container.
    pub container: String,
    /// The image as written.
    pub image: String,
    /// What it is called with, in one line.
    pub arguments: String,
    /// Since when the present container runs.
    pub started: Option<Timestamp>,
    /// Requests and limits, such as `cpu 500m`.
    pub requests: Vec<String>,
    /// Limits.
    pub limits: Vec<String>,
    /// `path from source`.
    pub mounts: Vec<String>,
    /// Who makes a new one when it is gone.
    pub owner: Option<String>,
    /// Service account.
    pub account: Option<String>,
    /// Seconds that its container sleeps before it gets SIGTERM when the pod is deleted: a preStop
    /// hook that does nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleeps: Option<u32>,
    /// A container that ends is not started again: whoever made the pod makes another one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_for_good: bool,
    /// Conditions, as Kubernetes lists them.
    pub conditions: Vec<Condition>,
}

/// One condition of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Such as `Ready`.
    pub name: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, where it says so.
    pub reason: String,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// The log of a container before its newest restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviousLog {
    /// Of which pod.
    pub uid: String,
    /// When it was asked for.
    pub asked: Timestamp,
    /// Its last lines, or why there are none.
    pub lines: Result<Vec<LogLine>, String>,
}

/// Seconds in Kubernetes' way of writing a duration: `5s`, `1m20s`, `5m0s`.
fn duration(text: &str) -> Option<SignedDuration> {
    let mut seconds: i64 = 0;
    let mut number = String::new();
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            number.push(letter);
            continue;
        }
        let unit = match letter {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        let count: i64 = std::mem::take(&mut number).parse().ok()?;
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
    }
    number
        .is_empty()
        .then(|| SignedDuration::from_secs(seconds))
}

/// How long Kubernetes waits before it starts a container again, from what it says about it:
/// `back-off 5s restarting failed container=…`.
pub(super) fn back_off(message: &str) -> Option<SignedDuration> {
    let words = message.split_whitespace();
    duration(words.skip_while(|word| *word != "back-off").nth(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_back_off_is_read_from_kubernetes_words() {
        let of = |text| back_off(text).map(|it| it.as_secs());
        assert_eq!(of("back-off 5s restarting failed container=x"), Some(5));
        assert_eq!(of("back-off 1m20s restarting"), Some(80));
        assert_eq!(of("back-off 5m0s restarting"), Some(300));
        assert_eq!(of("back-off soon"), None);
        assert_eq!(of("back-off 99999999999999999999s"), None);
        assert_eq!(of(""), None);
    }
}
