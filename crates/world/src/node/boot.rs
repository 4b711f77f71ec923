//! Waiting for a node's systemd, as kind does: by a line in the container's log. And its kubelet,
//! which nobody else starts again while the container runs on.

use super::Node;
use crate::docker::{Docker, failed};
use bollard::query_parameters::LogsOptionsBuilder;
use flinklab_base::advice;
use flinklab_base::advice::Advice;
use flinklab_base::fault::Fault;
use futures::StreamExt;
use std::time::Duration;

/// How long a node may take to boot. kind allows 30 s, which a loaded laptop misses.
pub const BOOT: Duration = Duration::from_secs(90);
/// How long the kubelet may take to start, behind containers that are still ending.
const KUBELET: Duration = Duration::from_secs(90);
/// Starts the kubelet where it was stopped.
const KUBELET_SCRIPT: &str = include_str!("../../../../assets/node/kubelet.sh");
/// How many of the last log lines explain a boot that failed.
const LAST_LINES: usize = 15;

/// Waits until the node's systemd is up: before that no command may enter the container, because
/// on cgroup v2 systemd must have moved itself first.
pub async fn wait_booted(docker: &Docker, id: &str, within: Duration) -> Result<(), Fault> {
    let state = docker.inspect(id).await?.and_then(|found| found.state);
    let since = state
        .and_then(|state| state.started_at)
        .and_then(|at| at.to_string().parse::<jiff::Timestamp>().ok())
        .and_then(|at| i32::try_from(at.as_second()).ok())
        .unwrap_or_default();
    let options = LogsOptionsBuilder::new()
        .follow(true)
        .stdout(true)
        .stderr(true)
        .since(since)
        .build();
    let mut log = docker.api().logs(id, Some(options));
    let reading = async {
        while let Some(piece) = log.next().await {
            let piece = piece.map_err(|error| failed("Reading the node's log", &error))?;
            if String::from_utf8_lossy(piece.as_ref()).lines().any(is_up) {
                return Ok(true);
            }
        }
        Ok::<bool, Fault>(false)
    };
    let why = match tokio::time::timeout(within, reading).await {
        Ok(Ok(true)) => return Ok(()),
        Ok(Ok(false)) => ended(docker, id).await,
        Ok(Err(fault)) => return Err(fault),
        Err(_) => format!("systemd was not up after {} s", within.as_secs()),
    };
    let lines = docker.last_lines(id, LAST_LINES).await.unwrap_or_default();
    Err(
        Fault::unable("node-boot", "The node container did not boot.")
            .hint(hint(&lines))
            .why(why)
            .showing("the node's boot log", lines),
    )
}

impl Node {
    /// Starts the kubelet if a `stop` or a purge that was broken off had stopped it; whether it did.
    pub async fn wake(&self) -> Result<bool, Fault> {
        let argv = ["sh", "-c", KUBELET_SCRIPT, "flinklab-kubelet"];
        let output = self.exec(&argv, KUBELET).await?;
        let said = output.expect(&format!("Starting the kubelet of {}", self.name))?;
        Ok(said.contains("started"))
    }
}

/// kind's expression: `Reached target .*Multi-User System.*|detected cgroup v1`.
fn is_up(line: &str) -> bool {
    line.contains("detected cgroup v1")
        || line
            .split_once("Reached target ")
            .is_some_and(|(_, rest)| rest.contains("Multi-User System"))
}

async fn ended(docker: &Docker, id: &str) -> String {
    match docker.inspect(id).await {
        Ok(Some(found)) => match found.state.and_then(|state| state.exit_code) {
            Some(code) => format!("it ended with exit code {code}"),
            None => "its log ended".to_owned(),
        },
        _ => "it was removed".to_owned(),
    }
}

/// What is known to stand behind such lines.
fn hint(lines: &[String]) -> Advice {
    let said = |words: &str| lines.iter().any(|line| line.contains(words));
    let words = if said("too many open files") || said("inotify") || said("No space left on device")
    {
        "Raise the kernel's inotify limits: \
         sudo sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512"
    } else if said("exec format error") {
        "The node image is for another processor: use one for this machine in kind.yaml."
    } else if said("telinit") {
        "Docker put its own init into the container, which a node cannot have."
    } else {
        return advice!("Run `flinklab up` again once the cause is gone.");
    };
    words.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_line_is_known_in_every_dress() {
        assert!(is_up(
            "[  OK  ] Reached target \u{1b}[0;1;39mMulti-User System\u{1b}[0m.\r"
        ));
        assert!(is_up(
            "[  OK  ] Reached target multi-user.target - Multi-User System."
        ));
        assert!(is_up("INFO: detected cgroup v1"));
        assert!(!is_up("[  OK  ] Reached target Basic System."));
        assert!(!is_up("Starting Multi-User System"));
    }
}
