//! A container's first process as its node sees it: which one it is, a signal to it, and the moment
//! it is gone, stamped in the node. Signals go this way because from inside a container PID 1 is
//! immune to SIGKILL and SIGSTOP. Decides nothing about whom to hit.

use super::docker::Stream;
use super::node::Node;
use flinklab_base::fault::Fault;
use flinklab_base::units;
use jiff::Timestamp;
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long the container runtime may take to tell about a container.
const TELL: Duration = Duration::from_secs(10);
/// How finely a process is watched in the node, and what a look costs there.
pub const GONE_MS: u32 = 20;
/// Between the stamp and the signal lies one look at the process.
pub const SENT_MS: u32 = 5;

/// Prints `pid=… start=… pod=…` of a running container.
const FIND: &str = include_str!("../../../assets/node/process.sh");

/// A process is gone when its entry is, or is another one's with the same number. A first thread
/// that ended is a zombie while others still run: that counts only once it is the last. The wait
/// has an end of its own, two minutes, so that nothing stays in the node if nobody listens.
const GONE: &str = r#"gone() {
  { IFS= read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return 0
  set -- ${stat##*) }
  [ "${20}" = "$start" ] || return 0
  [ "$1" = Z ] && [ "${18}" -le 1 ]
}
ended() {
  n=0
  until gone; do
    n=$((n + 1))
    [ $n -lt 9000 ] || exit 6
    sleep 0.01
  done
  echo "gone $(date +%s%N)"
}
pid=$1 start=$2
"#;

/// Checks that the process is still the same, then signals it and waits for its end.
const SIGNAL: &str = r#"now=$(date +%s%N)
if gone; then echo mismatch; exit 3; fi
kill -s "$3" "$pid" || exit 4
echo "sent $now"
ended"#;

/// Waits for the end of the process.
const WAIT: &str = r#"if gone; then echo mismatch; exit 3; fi
echo watching
ended"#;

/// A process in the node, told apart from a later one with the same number by its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// As the node counts.
    pub pid: u32,
    /// Clock ticks since the node's boot.
    pub start: u64,
    /// The uid of its pod.
    pub pod: String,
}

/// What a script in the node tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The wait has begun.
    Watching,
    /// The signal goes out.
    Sent(Timestamp),
    /// The process is gone.
    Gone(Timestamp),
}

/// How a container ended, by the runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code.
    pub code: i64,
    /// When, where the runtime says so.
    pub at: Option<Timestamp>,
}

/// The first process of a running container.
pub async fn find(node: &Node, container: &str) -> Result<Process, Fault> {
    let argv = ["sh", "-c", FIND, "flinklab-process", container];
    let output = node.exec(&argv, TELL).await?;
    if output.code != 0 {
        return Err(Fault::unable(
            "no-process",
            format!(
                "The container {} has no running process.",
                units::short(container, units::CONTAINER)
            ),
        )
        .why(output.stderr.trim())
        .hint("Run the command again: the pod may just have been restarted."));
    }
    parse(&output.stdout).ok_or_else(|| {
        Fault::unable(
            "no-process",
            format!(
                "The node does not tell the process of {}.",
                units::short(container, units::CONTAINER)
            ),
        )
        .why(format!("it said: {}", output.stdout.trim()))
    })
}

fn parse(text: &str) -> Option<Process> {
    let mut words = text.split_whitespace();
    let pid = words.next()?.strip_prefix("pid=")?.parse().ok()?;
    let start = words.next()?.strip_prefix("start=")?.parse().ok()?;
    let pod = words.next()?.strip_prefix("pod=")?;
    (pid > 1 && !pod.is_empty()).then(|| Process {
        pid,
        start,
        pod: pod.to_owned(),
    })
}

/// Kills the process with SIGKILL, if it is still the same one, and tells when it is gone.
pub async fn kill(
    node: &Node,
    process: &Process,
    within: Duration,
    marks: mpsc::Sender<Mark>,
) -> Result<(), Fault> {
    let script = format!("{GONE}{SIGNAL}");
    let (pid, start) = (process.pid.to_string(), process.start.to_string());
    let argv = ["sh", "-c", &script, "flinklab-signal", &pid, &start, "KILL"];
    told(node, &argv, within, marks).await
}

/// Waits until the process is gone; says `Watching` first, so that what ends it can follow.
pub async fn wait(
    node: &Node,
    process: &Process,
    within: Duration,
    marks: mpsc::Sender<Mark>,
) -> Result<(), Fault> {
    let script = format!("{GONE}{WAIT}");
    let (pid, start) = (process.pid.to_string(), process.start.to_string());
    let argv = ["sh", "-c", &script, "flinklab-wait", &pid, &start];
    told(node, &argv, within, marks).await
}

async fn told(
    node: &Node,
    argv: &[&str],
    within: Duration,
    marks: mpsc::Sender<Mark>,
) -> Result<(), Fault> {
    let mut errors = String::new();
    let code = node
        .exec_lines(argv, within, |stream, line| match (stream, mark(line)) {
            // There is room for every mark that one script can send.
            (Stream::Stdout, Some(mark)) => drop(marks.try_send(mark)),
            (Stream::Stdout, None) => {}
            (Stream::Stderr, _) => errors = line.to_owned(),
        })
        .await?;
    match code {
        0 => Ok(()),
        3 => Err(Fault::unable(
            "target-changed",
            "The process is no longer the one that was aimed at.",
        )
        .hint("Run the command again.")),
        code => Err(Fault::unable(
            "signal-failed",
            format!("A command in the node {} ended with {code}.", node.name),
        )
        .why(errors)),
    }
}

fn mark(line: &str) -> Option<Mark> {
    let mut words = line.split_whitespace();
    match words.next()? {
        "watching" => Some(Mark::Watching),
        "sent" => Some(Mark::Sent(nanoseconds(words.next()?)?)),
        "gone" => Some(Mark::Gone(nanoseconds(words.next()?)?)),
        _ => None,
    }
}

pub(super) fn nanoseconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_nanosecond(text.parse().ok()?).ok()
}

/// How the container ended. None: it still runs, or the runtime no longer knows it.
pub async fn exit(node: &Node, container: &str) -> Result<Option<Exit>, Fault> {
    let output = node.exec(&["crictl", "inspect", container], TELL).await?;
    Ok(match output.code {
        0 => ended(&output.stdout),
        _ => None,
    })
}

#[derive(Deserialize)]
struct Inspected {
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    state: String,
    #[serde(default)]
    exit_code: i64,
    #[serde(default)]
    finished_at: serde_json::Value,
}

/// The runtime's stamps are nanoseconds or RFC 3339: both occur.
fn ended(text: &str) -> Option<Exit> {
    let status = serde_json::from_str::<Inspected>(text).ok()?.status;
    let at = match &status.finished_at {
        serde_json::Value::String(text) => nanoseconds(text).or_else(|| text.parse().ok()),
        serde_json::Value::Number(number) => nanoseconds(&number.to_string()),
        _ => None,
    };
    (status.state == "CONTAINER_EXITED").then(|| Exit {
        code: status.exit_code,
        at: at.filter(|at| at.as_second() > 0),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_process_is_read_with_its_start_and_pod() {
        let process = parse("pid=1613 start=149477 pod=e3b79dd8-a953\n").unwrap();
        assert_eq!((process.pid, process.start), (1613, 149_477));
        assert_eq!(process.pod, "e3b79dd8-a953");
    }

    #[test]
    fn the_nodes_own_first_process_is_never_a_target() {
        assert_eq!(parse("pid=1 start=1 pod=x"), None);
        assert_eq!(parse("pid=0 start=1 pod=x"), None);
        assert_eq!(parse("pid=12 start=1 pod="), None);
        assert_eq!(parse("pid=12 start="), None);
    }

    #[test]
    fn marks_carry_nanoseconds_of_the_node() {
        let Some(Mark::Sent(at)) = mark("sent 1795389065164903603") else {
            panic!("no mark");
        };
        assert_eq!(at.to_string(), "2026-11-22T23:11:05.164903603Z");
        assert_eq!(mark("watching"), Some(Mark::Watching));
        assert_eq!(mark("gone soon"), None);
        assert_eq!(mark("mismatch"), None);
        assert_eq!(mark(""), None);
    }

    #[test]
    fn both_forms_of_the_runtimes_stamps_are_read() {
        let text = |stamp: &str| {
            format!(
                r#"{{"info":{{}},"status":{{"state":"CONTAINER_EXITED","exitCode":137,"finishedAt":{stamp}}}}}"#
            )
        };
        for stamp in [
            r#""2026-11-22T23:11:05.211544353Z""#,
            r#""1795389065211544353""#,
            "1795389065211544353",
        ] {
            let exit = ended(&text(stamp)).unwrap();
            assert_eq!(exit.code, 137);
            assert_eq!(
                exit.at.unwrap().to_string(),
                "2026-11-22T23:11:05.211544353Z"
            );
        }
    }

    #[test]
    fn a_container_that_runs_has_not_ended() {
        let text = r#"{"status":{"state":"CONTAINER_RUNNING","exitCode":0,"finishedAt":"1970-01-01T00:00:00Z"}}"#;
        assert_eq!(ended(text), None);
        assert_eq!(ended("not json"), None);
    }

    #[test]
    fn the_scripts_are_valid_shell() {
        for script in [
            FIND.to_owned(),
            format!("{GONE}{SIGNAL}"),
            format!("{GONE}{WAIT}"),
        ] {
            let status = std::process::Command::new("sh")
                .args(["-n", "-c", &script])
                .status();
            assert!(status.unwrap().success(), "{script}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_scripts_see_a_process_end_and_never_take_another_one_for_it() {
        use std::process::{Command, Stdio};
        let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = sleeper.id().to_string();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let start = fields.split_whitespace().nth(19).unwrap().to_owned();
        let run = |script: &str, args: &[&str]| {
            let script = format!("{GONE}{script}");
            Command::new("sh")
                .args(["-c", &script, "flinklab-test"])
                .args(args)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .output()
                .unwrap()
        };
        let other = run(SIGNAL, &[&pid, "1", "KILL"]);
        assert_eq!(other.status.code(), Some(3));
        assert_eq!(String::from_utf8_lossy(&other.stdout).trim(), "mismatch");
        assert!(
            sleeper.try_wait().unwrap().is_none(),
            "another process was hit"
        );

        // The zombie is not reaped before the script is done: it must count as gone.
        let done = run(SIGNAL, &[&pid, &start, "KILL"]);
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let marks: Vec<_> = text.lines().filter_map(mark).collect();
        assert!(
            matches!(marks[..], [Mark::Sent(sent), Mark::Gone(gone)] if gone >= sent),
            "{text}"
        );
        assert_eq!(run(WAIT, &[&pid, &start]).status.code(), Some(3));
        sleeper.wait().unwrap();
    }
}
