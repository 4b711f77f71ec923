//! Commands in a container: streamed output, input to its end, and the exit code, which Docker only
//! tells afterwards. Only `Node` may call this; a command whose caller gives up runs on, because
//! Docker cannot cancel one.

use super::{CALL, Docker, call, failed};
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bytes::Bytes;
use flinklab_base::clock;
use flinklab_base::fault::Fault;
use futures::StreamExt;
use std::fmt::Display;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// The most that is kept of what a command writes: `cat` of any file we read fits.
const MAX_OUTPUT: usize = 32 * 1024 * 1024;
/// A longer line is told in pieces.
const MAX_LINE: usize = 64 * 1024;
/// Docker frames output; a bigger buffer means fewer turns for long output.
const BUFFER: usize = 64 * 1024;

/// How often Docker is asked how a command ended whose output has ended.
const MAX_LOOKS: u32 = 100;
/// And how long between.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What a command wrote, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit code.
    pub code: i64,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A piece of output.
type Said<'a> = (Stream, &'a [u8]);

/// What goes into a command's standard input.
pub(crate) enum Feed<S> {
    /// Nothing: its input is not attached.
    Nothing,
    /// This, then the end.
    All(S),
}

/// A feed that is never one: names the type where there is no input.
type NoInput = futures::stream::Empty<Result<Bytes, std::convert::Infallible>>;

impl Output {
    /// What the command wrote to standard output if it ended with 0; else a fault that says what
    /// it wrote.
    pub fn expect(self, doing: &str) -> Result<String, Fault> {
        match self.code {
            0 => Ok(self.stdout),
            code => {
                let said = if self.stderr.trim().is_empty() {
                    &self.stdout
                } else {
                    &self.stderr
                };
                Err(Fault::unable("node-command", format!("{doing} failed."))
                    .why(format!("exit code {code}: {}", tail(said))))
            }
        }
    }
}

/// The last lines of what a command wrote: enough to see why, short enough for a message.
fn tail(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(4)..].join(" · ")
}

impl Docker {
    /// Runs a command to its end and keeps what it writes.
    pub(crate) async fn exec(
        &self,
        container: &str,
        argv: &[&str],
        within: Duration,
    ) -> Result<Output, Fault> {
        self.exec_feed(container, argv, Feed::<NoInput>::Nothing, within)
            .await
    }

    /// Runs a command to its end, feeding it, and keeps what it writes.
    pub(crate) async fn exec_feed<S, E>(
        &self,
        container: &str,
        argv: &[&str],
        feed: Feed<S>,
        within: Duration,
    ) -> Result<Output, Fault>
    where
        S: futures::Stream<Item = Result<Bytes, E>> + Send,
        E: Display,
    {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = self
            .exec_raw(container, argv, feed, within, |(stream, bytes)| {
                let kept = match stream {
                    Stream::Stdout => &mut stdout,
                    Stream::Stderr => &mut stderr,
                };
                let room = MAX_OUTPUT.saturating_sub(kept.len());
                kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
            })
            .await?;
        Ok(Output {
            code,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }

    /// Runs a command to its end and tells every line as soon as it is whole.
    pub(crate) async fn exec_lines(
        &self,
        container: &str,
        argv: &[&str],
        within: Duration,
        mut on_line: impl FnMut(Stream, &str) + Send,
    ) -> Result<i64, Fault> {
        let mut open = [Vec::new(), Vec::new()];
        let code = self
            .exec_raw(
                container,
                argv,
                Feed::<NoInput>::Nothing,
                within,
                |(stream, bytes)| {
                    let line = &mut open[stream as usize];
                    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
                        line.extend_from_slice(piece);
                        if piece.ends_with(b"\n") || line.len() > MAX_LINE {
                            on_line(stream, String::from_utf8_lossy(line).trim_end());
                            line.clear();
                        }
                    }
                },
            )
            .await?;
        for (stream, rest) in [Stream::Stdout, Stream::Stderr].into_iter().zip(&open) {
            if !rest.is_empty() {
                on_line(stream, String::from_utf8_lossy(rest).trim_end());
            }
        }
        Ok(code)
    }

    async fn exec_raw<S, E>(
        &self,
        container: &str,
        argv: &[&str],
        feed: Feed<S>,
        within: Duration,
        on_piece: impl FnMut(Said<'_>) + Send,
    ) -> Result<i64, Fault>
    where
        S: futures::Stream<Item = Result<Bytes, E>> + Send,
        E: Display,
    {
        let name = argv.first().copied().unwrap_or_default();
        let running = self.run(container, argv, feed, on_piece);
        match tokio::time::timeout(within, running).await {
            Ok(code) => code,
            Err(_) => Err(Fault::unable(
                "node-command",
                format!("`{name}` in {container} did not end."),
            )
            .why(format!("it still ran after {} s", within.as_secs()))),
        }
    }

    async fn run<S, E>(
        &self,
        container: &str,
        argv: &[&str],
        feed: Feed<S>,
        mut on_piece: impl FnMut(Said<'_>) + Send,
    ) -> Result<i64, Fault>
    where
        S: futures::Stream<Item = Result<Bytes, E>> + Send,
        E: Display,
    {
        let doing = format!(
            "Running `{}` in {container}",
            argv.first().copied().unwrap_or_default()
        );
        let options = CreateExecOptions {
            attach_stdin: Some(matches!(feed, Feed::All(_))),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            privileged: Some(true),
            cmd: Some(argv.to_vec()),
            ..CreateExecOptions::default()
        };
        let id = call(CALL, &doing, self.api().create_exec(container, options))
            .await?
            .id;
        let how = StartExecOptions {
            detach: false,
            tty: false,
            output_capacity: Some(BUFFER),
        };
        let started = call(CALL, &doing, self.api().start_exec(&id, Some(how))).await?;
        let StartExecResults::Attached {
            mut output,
            mut input,
        } = started
        else {
            return Err(Fault::new(
                flinklab_base::fault::Kind::Bug,
                "exec-detached",
                format!("{doing} was started without a connection."),
            ));
        };

        let writing = async {
            let Feed::All(feed) = feed else {
                // Kept open: closing it would also end the reading half on some transports.
                return (input, None);
            };
            let mut feed = std::pin::pin!(feed);
            let mut broken = None;
            while let Some(piece) = feed.next().await {
                match piece {
                    Ok(piece) => {
                        // A command that has ended no longer reads: its exit code says why.
                        if input.write_all(&piece).await.is_err() {
                            break;
                        }
                    }
                    Err(error) => {
                        broken = Some(error.to_string());
                        break;
                    }
                }
            }
            // The half-close is the end of the command's input.
            let _ = input.shutdown().await;
            (input, broken)
        };
        let reading = async {
            while let Some(piece) = output.next().await {
                match piece.map_err(|error| failed(&doing, &error))? {
                    LogOutput::StdErr { message } => on_piece((Stream::Stderr, &message)),
                    LogOutput::StdOut { message } | LogOutput::Console { message } => {
                        on_piece((Stream::Stdout, &message));
                    }
                    LogOutput::StdIn { .. } => {}
                }
            }
            Ok::<(), Fault>(())
        };
        // The reader decides when it is over: a command may end without reading all its input.
        let mut writing = std::pin::pin!(writing);
        let mut reading = std::pin::pin!(reading);
        let broken = tokio::select! {
            read = &mut reading => {
                read?;
                None
            }
            (_open, broken) = &mut writing => {
                reading.await?;
                broken
            }
        };
        if let Some(why) = broken {
            return Err(Fault::unable(
                "stream-broken",
                format!("{doing} got only a part of its input."),
            )
            .why(why));
        }
        // The stream may end a moment before Docker knows how the command ended.
        for _ in 0..MAX_LOOKS {
            let ended = call(CALL, &doing, self.api().inspect_exec(&id)).await?;
            match ended.exit_code {
                Some(code) if ended.running != Some(true) => return Ok(code),
                _ => clock::sleep(LOOK_AGAIN).await,
            }
        }
        Err(
            Fault::unable("node-command", format!("{doing} has no exit code."))
                .why("the connection to it ended while it ran"),
        )
    }
}
