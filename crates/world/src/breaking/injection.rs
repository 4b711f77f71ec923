//! What a verb is given while it is applied: nodes, targets and objects that were proven, the journal,
//! and the events of the run.

use super::{BreakSession, IN_NODE};
use crate::docker::Stream;
use crate::journal::{self, Entry};
use crate::kube::within;
use crate::node::Node;
use crate::process::{SENT_MS, nanoseconds};
use crate::shared::Obstacle;
use flinklab_base::clock::Instant;
use flinklab_base::fault::Fault;
use flinklab_event::RunEventKind;
use flinklab_lab::failure::LONGEST;
use flinklab_verb::{
    Act, Checkpoints, Cluster, Done, Ending, Injection, NodeName, Proof, Script, Task, Victim,
};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use std::time::Duration;
use tokio::time::timeout;

/// How long an exec in a container may take.
const EXEC: Duration = Duration::from_secs(10);

impl Injection for BreakSession<'_> {
    fn run(&self) -> &str {
        &self.order.run
    }

    fn victims(&self) -> &[Victim] {
        &self.victims
    }

    fn nodes(&self) -> Vec<NodeName> {
        let named = |node: &Node| NodeName {
            name: node.name.clone(),
            id: node.id.clone(),
        };
        self.cluster.ours.nodes().iter().map(named).collect()
    }

    fn cluster(&self) -> &dyn Cluster {
        &self.cluster
    }

    fn is_last(&self) -> bool {
        self.is_last
    }

    fn job(&self) -> Result<&str, Fault> {
        let job = self.cluster.opened.state.current_job();
        let job = job.ok_or_else(|| Fault::unable("no-job", "No job is known."))?;
        Ok(&job.id)
    }

    fn checkpoints(&self, node: &str) -> Result<Checkpoints, Fault> {
        let job = self.job()?.to_owned();
        let shared = self.cluster.ours.shared_in(self.node(node)?);
        let shared = shared.ok_or_else(|| {
            Fault::unable(
                "no-mount",
                format!("{node} does not see the shared folder."),
            )
        })?;
        let folders = &self.cluster.opened.lab.flink.folders;
        let folder = format!("{}/{job}", folders.checkpoints);
        Ok(Checkpoints {
            path: format!("{}/{folder}", shared.trim_end_matches('/')),
            mount: shared.to_owned(),
            folder,
            job,
        })
    }

    fn journal(&mut self, what: String, undo: Vec<Act>) -> Result<(), Fault> {
        let failure = &self.order.failure;
        let lasts = failure.lasts.unwrap_or(LONGEST).span();
        let entry = self
            .entry
            .get_or_insert_with(|| Entry::new(&self.order.run, &failure.key, what, lasts));
        let written = std::mem::replace(&mut self.written, undo.len());
        // The newest first.
        entry.undo.splice(..written, undo);
        journal::write(self.cluster.ours.home(), entry)
    }

    fn is_journaled(&self) -> bool {
        journal::is_there(self.cluster.ours.home(), &self.order.run)
    }

    fn began(&self) {
        self.since.get_or_init(Instant::now);
    }

    fn left(&self) -> Duration {
        let lasts = self.order.failure.lasts.unwrap_or(LONGEST);
        let lasts = Duration::from_secs(lasts.0.into());
        let since = self.since.get();
        lasts.saturating_sub(since.map_or(Duration::ZERO, |since| since.elapsed()))
    }

    fn sent<'a>(&'a self, at: Timestamp, began: Instant, observer: &'a str) -> Done<'a> {
        Box::pin(self.tell_sent(at, began, observer))
    }

    fn hit(&self, proof: Result<String, String>) -> Done<'_> {
        Box::pin(self.events.run(RunEventKind::Hit(proof)))
    }

    fn output<'a>(
        &'a self,
        node: &'a str,
        script: &'a Script,
        words: &'a [&'a str],
        doing: &'a str,
    ) -> Task<'a, String> {
        Box::pin(async move {
            let argv = script.argv(&self.order.run, words);
            let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
            let node = self.node(node)?;
            let output = node.exec(&argv, IN_NODE).await?;
            self.not_refused(node, script, output.code, &output.stderr)?;
            output.expect(doing)
        })
    }

    fn script<'a>(
        &'a self,
        node: &'a str,
        script: &'a Script,
        words: &'a [&'a str],
        limit: Duration,
        what: &'a str,
    ) -> Task<'a, Result<Timestamp, String>> {
        Box::pin(self.run_script(node, script, words, limit, what))
    }

    fn kill<'a>(&'a self, victim: &'a Victim, limit: Duration) -> Task<'a, Proof> {
        Box::pin(self.kill_process(victim, limit))
    }

    fn end<'a>(&'a self, victim: &'a Victim, ending: Ending<'a>) -> Task<'a, Proof> {
        Box::pin(self.ended_by(victim, ending))
    }

    fn exec<'a>(&'a self, victim: &'a Victim, argv: &'a [&'a str]) -> Task<'a, ()> {
        Box::pin(self.exec_in_container(victim, argv))
    }

    fn pause<'a>(&'a self, node: &'a str) -> Task<'a, ()> {
        Box::pin(async move { self.node(node)?.pause().await })
    }

    fn resume<'a>(&'a self, node: &'a str) -> Task<'a, ()> {
        Box::pin(async move { self.node(node)?.resume().await })
    }

    fn is_paused<'a>(&'a self, node: &'a str) -> Task<'a, bool> {
        Box::pin(async move { self.node(node)?.is_paused().await })
    }
}

/// What a script has said so far.
#[derive(Default)]
struct Marks {
    sent: Option<Timestamp>,
    stopped: Option<Timestamp>,
}

impl BreakSession<'_> {
    /// The proven node with that name.
    pub(super) fn node(&self, name: &str) -> Result<&Node, Fault> {
        self.cluster.ours.node(name).ok_or_else(|| {
            Fault::unable("node-unknown", format!("`{name}` is no node of this lab."))
        })
    }

    /// A fault where something is in the way of a script in the shared folder.
    fn not_refused(
        &self,
        node: &Node,
        script: &Script,
        code: i64,
        said: &str,
    ) -> Result<(), Fault> {
        let mount = self.cluster.ours.shared_in(node).unwrap_or_default();
        match Obstacle::said(code, said).filter(|_| script.shared) {
            Some(obstacle) => {
                Err(obstacle.in_node(&node.name, mount, &"run the command again".into()))
            }
            None => Ok(()),
        }
    }

    async fn run_script(
        &self,
        node: &str,
        script: &Script,
        words: &[&str],
        limit: Duration,
        what: &str,
    ) -> Result<Result<Timestamp, String>, Fault> {
        let node = self.node(node)?;
        self.began();
        let argv = script.argv(&self.order.run, words);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let (to, mut lines) = tokio::sync::mpsc::channel(8);
        let mut why = String::new();
        let run = node.exec_lines(&argv, limit, |stream, line| match stream {
            Stream::Stdout => drop(to.try_send(line.to_owned())),
            Stream::Stderr => line.clone_into(&mut why),
        });
        let mut marks = Marks::default();
        let code = {
            futures::pin_mut!(run);
            loop {
                tokio::select! {
                    code = &mut run => break code,
                    Some(line) = lines.recv() => self.told(&line, what, &mut marks).await,
                }
            }
        };
        while let Ok(line) = lines.try_recv() {
            self.told(&line, what, &mut marks).await;
        }
        match (code, marks.sent, marks.stopped) {
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
            .hint("Nothing was hit. Run the command again.")),
            (Ok(code), None, _) => {
                self.not_refused(node, script, code, &why)?;
                let what = format!("A command in the node {} ended with {code}.", node.name);
                Err(Fault::unable("step-failed", what).why(why))
            }
        }
    }

    async fn told(&self, line: &str, what: &str, marks: &mut Marks) {
        let mut words = line.split_whitespace();
        let (word, at) = (words.next(), words.next().and_then(nanoseconds));
        match (word, at) {
            (Some("sent"), Some(at)) => {
                marks.sent = Some(at);
                let event = RunEventKind::Sent {
                    at,
                    observer: format!("node clock, before {what}"),
                    resolution_ms: SENT_MS,
                };
                self.events.run(event).await;
            }
            (Some("stopped"), Some(at)) => marks.stopped = Some(at),
            _ => {}
        }
    }

    async fn exec_in_container(&self, victim: &Victim, argv: &[&str]) -> Result<(), Fault> {
        let ours = self.cluster.ours;
        let pods: Api<Pod> = Api::namespaced(ours.client(), ours.namespace());
        let how = AttachParams::default()
            .container(&victim.container_name)
            .stdin(false)
            .stdout(true)
            .stderr(true);
        let command = argv.last().copied().unwrap_or_default();
        let doing = format!("Running `{command}` in {}", victim.pod);
        let exec = pods.exec(&victim.pod, argv.iter().copied(), &how);
        let mut attached = within(EXEC, &doing, exec).await?;
        // The container may be gone before the answer is: then its end is the answer.
        let refused = match attached.take_status() {
            Some(status) => match timeout(EXEC, status).await {
                Ok(Some(status))
                    if status.status.as_deref() == Some("Failure")
                        && !super::pins::was_cut_off(&status) =>
                {
                    Some(status.message.unwrap_or_default())
                }
                _ => None,
            },
            None => None,
        };
        attached.abort();
        match refused {
            None => Ok(()),
            Some(why) => Err(Fault::unable("exec-failed", format!("{doing} failed.")).why(why)),
        }
    }
}
