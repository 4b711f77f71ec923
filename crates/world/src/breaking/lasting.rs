//! Steps in the node that have an effect until they are taken back. Each writes down what takes it
//! back before it acts, and proves that it hit by something that can be counted or asked for.

use super::pins::changed;
use super::pods::stamp;
use super::{Hand, Victim};
use crate::Events;
use crate::docker::{Output, Stream};
use crate::journal::Act;
use crate::node::shared;
use crate::node::shared::Argv;
use crate::node::{Node, late};
use crate::process::{SENT_MS, nanoseconds};
use crate::shared::Obstacle;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::RunEventKind;
use flinklab_lab::failure::{API_SERVER_MANIFEST, API_SERVER_MANIFEST_ASIDE};
use jiff::Timestamp;
use std::time::Duration;

const FREEZE: &str = include_str!("../../../../assets/node/freeze.sh");
const CUT: &str = include_str!("../../../../assets/node/cut.sh");
const COUNTED: &str = include_str!("../../../../assets/node/counted.sh");
const ASIDE: &str = include_str!("../../../../assets/node/aside.sh");

/// How long a script in the node may take.
const IN_NODE: Duration = Duration::from_secs(20);
/// How long a cut-off pod may take to say something, or rules to reach the API server: a lease is
/// renewed every 5 s.
const NOTICED: Duration = Duration::from_secs(12);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Where a job's checkpoints are in a node.
struct Checkpoints {
    job: String,
    /// Where the node has the shared folder.
    mount: String,
    /// Their folder, below that.
    folder: String,
    /// The same as a path of the node.
    path: String,
}

/// Runs a command that works in the shared folder; a fault where something is in the way.
async fn within(node: &Node, argv: &Argv, mount: &str) -> Result<Output, Fault> {
    let output = node.exec(&argv.words(), IN_NODE).await?;
    not_refused(node, mount, output.code, &output.stderr)?;
    Ok(output)
}

fn not_refused(node: &Node, mount: &str, code: i64, said: &str) -> Result<(), Fault> {
    match Obstacle::said(code, said) {
        Some(obstacle) => Err(obstacle.in_node(&node.name, mount, &"run the command again".into())),
        None => Ok(()),
    }
}

impl Hand<'_> {
    pub(super) async fn freeze(&mut self, events: &Events) -> Result<(), Fault> {
        let acts = self.victims.iter().map(|victim| Act::Thaw {
            node: victim.node.name.clone(),
            pid: victim.process.pid,
            start: victim.process.start,
            pod: victim.target.pod.clone(),
        });
        let acts = acts.collect();
        let what = format!("the process of {} is stopped", self.names());
        self.will_undo(what, acts)?;
        let mut words = Vec::new();
        for victim in self.victims.clone() {
            let (pid, start) = (
                victim.process.pid.to_string(),
                victim.process.start.to_string(),
            );
            let script = late::breaks(FREEZE);
            let run = self.order.run.as_str();
            let argv = ["sh", "-c", &script, "flinklab-freeze", run, &pid, &start];
            match self
                .script(&victim.node, &argv, IN_NODE, "SIGSTOP", events)
                .await?
            {
                Ok(at) => words.push(format!(
                    "process {pid} of {} is in state T since {} UTC",
                    victim.who(),
                    stamp(at)
                )),
                Err(_) if words.is_empty() => {
                    return Err(changed(&victim.target, "its process is another one"));
                }
                Err(why) => {
                    self.hit(Err(why), events).await;
                    return Ok(());
                }
            }
        }
        self.hit(Ok(words.join("; ")), events).await;
        Ok(())
    }

    pub(super) async fn cut_off(&mut self, events: &Events) -> Result<(), Fault> {
        let mark = format!("flinklab-{}", self.order.run);
        let mut acts: Vec<Act> = Vec::new();
        // Packets may be met on any node: the pod's own, and the one of the API server.
        for node in self.ours.nodes() {
            acts.push(Act::Reconnect {
                node: node.name.clone(),
                mark: mark.clone(),
            });
        }
        self.will_undo(
            format!("{} is cut off by iptables rules", self.names()),
            acts,
        )?;
        for victim in self.victims.clone() {
            if victim.address.is_empty() {
                return Err(changed(&victim.target, "it has no address"));
            }
            let script = late::breaks(CUT);
            let run = self.order.run.as_str();
            let address = victim.address.as_str();
            let argv = ["sh", "-c", &script, "flinklab-cut", run, &mark, address];
            let told = self
                .script(&victim.node, &argv, IN_NODE, "iptables", events)
                .await?;
            told.map_err(|why| {
                Fault::unable("cut-failed", "The pod could not be cut off.").why(why)
            })?;
        }
        let until = Instant::now() + NOTICED;
        loop {
            let mut dropped = 0;
            for victim in &self.victims {
                let argv = ["sh", "-c", COUNTED, "flinklab-counted", &mark];
                let output = victim.node.exec(&argv, IN_NODE).await?;
                dropped += output.stdout.trim().parse::<u64>().unwrap_or_default();
            }
            if dropped > 0 {
                let packets = if dropped == 1 { "packet" } else { "packets" };
                let words = format!("{dropped} {packets} of {} met the rules", self.names());
                self.hit(Ok(words), events).await;
                return Ok(());
            }
            if Instant::now() >= until {
                let words = format!("no packet of {} met the rules", self.names());
                self.hit(Err(words), events).await;
                return Ok(());
            }
            clock::sleep(LOOK).await;
        }
    }

    pub(super) async fn stop_api_server(&mut self, events: &Events) -> Result<(), Fault> {
        let node = self
            .ours
            .nodes()
            .iter()
            .find(|node| node.name.ends_with("-control-plane"));
        let node = node
            .cloned()
            .unwrap_or_else(|| self.victims[0].node.clone());
        let act = Act::MoveBack {
            node: node.name.clone(),
            from: API_SERVER_MANIFEST_ASIDE.to_owned(),
            to: API_SERVER_MANIFEST.to_owned(),
        };
        let what = format!("the API server of {} is away", node.name);
        self.will_undo(what, vec![act])?;
        let script = late::breaks(ASIDE);
        let argv = [
            "sh",
            "-c",
            &script,
            "flinklab-aside",
            &self.order.run,
            API_SERVER_MANIFEST,
            API_SERVER_MANIFEST_ASIDE,
        ];
        // It ends in order, which takes a while; its time runs from the move.
        let told = self.script(&node, &argv, self.left(), "mv", events).await?;
        let proof = told.map(|at| {
            format!(
                "the API server of {} stopped at {} UTC",
                node.name,
                stamp(at)
            )
        });
        self.hit(proof, events).await;
        Ok(())
    }

    /// The folder of the job's checkpoints as a node sees it.
    fn checkpoints_in(&self, node: &Node) -> Result<Checkpoints, Fault> {
        let job = self.opened.state.current_job();
        let job = job.ok_or_else(|| Fault::unable("no-job", "No job is known."))?;
        let job = job.id.clone();
        let shared = self.ours.shared_in(node).ok_or_else(|| {
            Fault::unable(
                "no-mount",
                format!("{} does not see the shared folder.", node.name),
            )
        })?;
        let folder = format!("{}/{job}", self.opened.lab.flink.folders.checkpoints);
        Ok(Checkpoints {
            path: format!("{}/{folder}", shared.trim_end_matches('/')),
            mount: shared.to_owned(),
            folder,
            job,
        })
    }

    /// Moves the files of the job's state aside. The next step is what makes it felt.
    pub(super) async fn lose_state_files(
        &mut self,
        last: bool,
        events: &Events,
    ) -> Result<(), Fault> {
        let node = self.victims[0].node.clone();
        let of = self.checkpoints_in(&node)?;
        // What is in the way must be known before there is anything to take back.
        within(&node, &shared::mode(&of.mount, &of.folder), &of.mount)
            .await?
            .expect("Asking for the folder of the checkpoints")?;
        let run = self.order.run.clone();
        let aside = format!("{}/.flinklab-{run}", of.path);
        let act = Act::Files {
            node: node.name.clone(),
            folder: of.path.clone(),
            aside: aside.clone(),
        };
        self.will_undo(
            format!("state files of job {} are moved aside", of.job),
            vec![act],
        )?;
        let (at, began) = (clock::now(), Instant::now());
        let argv = shared::lose(&run, &of.mount, &of.folder, &aside);
        let told = within(&node, &argv, &of.mount)
            .await?
            .expect("Moving the files of the state aside")?;
        if last {
            self.sent(at, began, "our clock, before the files were moved", events)
                .await;
            let count = told.split_whitespace().nth(1).unwrap_or("some");
            let words = format!("{count} files of the job's state are moved aside");
            self.hit(Ok(words), events).await;
        }
        Ok(())
    }

    pub(super) async fn forbid_writing(&mut self, events: &Events) -> Result<(), Fault> {
        let node = self.victims[0].node.clone();
        let of = self.checkpoints_in(&node)?;
        let argv = shared::mode(&of.mount, &of.folder);
        let mode = within(&node, &argv, &of.mount)
            .await?
            .expect("Asking for the folder's mode")?;
        let act = Act::Mode {
            node: node.name.clone(),
            folder: of.path.clone(),
            mode: mode.trim().to_owned(),
        };
        self.will_undo(
            format!("the checkpoints of job {} are read-only", of.job),
            vec![act],
        )?;
        let argv = shared::forbid(&self.order.run, &of.mount, &of.folder);
        let told = self
            .script(&node, &argv.words(), IN_NODE, "chmod", events)
            .await?;
        let proof = told.map(|at| {
            format!(
                "a write as 9999 into {} is refused since {} UTC",
                of.path,
                stamp(at)
            )
        });
        self.hit(proof, events).await;
        Ok(())
    }

    /// Runs a script that says when it acts and when that took effect; the latter, or why not.
    async fn script(
        &mut self,
        node: &Node,
        argv: &[&str],
        limit: Duration,
        what: &str,
        events: &Events,
    ) -> Result<Result<Timestamp, String>, Fault> {
        self.began();
        let (to, mut lines) = tokio::sync::mpsc::channel(8);
        let mut why = String::new();
        let run = node.exec_lines(argv, limit, |stream, line| match stream {
            Stream::Stdout => drop(to.try_send(line.to_owned())),
            Stream::Stderr => line.clone_into(&mut why),
        });
        let (mut sent, mut stopped) = (None, None);
        let code = {
            futures::pin_mut!(run);
            loop {
                tokio::select! {
                    code = &mut run => break code,
                    Some(line) = lines.recv() => {
                        self.told(&line, what, &mut sent, &mut stopped, events).await;
                    }
                }
            }
        };
        while let Ok(line) = lines.try_recv() {
            self.told(&line, what, &mut sent, &mut stopped, events)
                .await;
        }
        match (code, sent, stopped) {
            (_, Some(_), Some(at)) => Ok(Ok(at)),
            // It acted: what did not come of it is for the judge.
            (Err(fault), Some(_), None) => Ok(Err(fault.to_string())),
            (Ok(code), Some(_), None) if why.is_empty() => {
                Ok(Err(format!("the command in the node ended with {code}")))
            }
            (Ok(_), Some(_), None) => Ok(Err(why)),
            (Err(fault), None, _) => Err(fault),
            (Ok(3), None, _) if why.is_empty() => Err(Fault::unable(
                "target-changed",
                "The process is no longer the one that was aimed at.",
            )
            .mend("Nothing was hit. Run the command again.")),
            (Ok(code), None, _) => {
                let mount = self.ours.shared_in(node).unwrap_or_default();
                not_refused(node, mount, code, &why)?;
                let what = format!("A command in the node {} ended with {code}.", node.name);
                Err(Fault::unable("step-failed", what).why(why))
            }
        }
    }

    async fn told(
        &self,
        line: &str,
        what: &str,
        sent: &mut Option<Timestamp>,
        stopped: &mut Option<Timestamp>,
        events: &Events,
    ) {
        let mut words = line.split_whitespace();
        let (word, at) = (words.next(), words.next().and_then(nanoseconds));
        match (word, at) {
            (Some("sent"), Some(at)) => {
                *sent = Some(at);
                let event = RunEventKind::Sent {
                    at,
                    observer: format!("node clock, before {what}"),
                    resolution_ms: SENT_MS,
                };
                events.run(event).await;
            }
            (Some("stopped"), Some(at)) => *stopped = Some(at),
            _ => {}
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self
            .victims
            .iter()
            .map(|victim: &Victim| victim.target.pod.as_str())
            .collect();
        names.join(" and ")
    }
}
