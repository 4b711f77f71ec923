//! Command-line definitions. The doc comments are the help; nothing here acts.

mod comparing;
mod jobs;
mod lessons;
mod watching;

pub use comparing::{CompareFormat, Comparing};
pub use jobs::JobCommand;
pub use lessons::Lessons;
pub use watching::{Replay, Trying};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A local Apache Flink high-availability lab: build it, watch it, break it, prove what recovered.
///
/// Without a command, the terminal UI opens. Docker is the only prerequisite.
#[derive(Debug, Parser)]
#[command(
    name = "flinklab",
    version = flinklab_base::VERSION,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// Global options.
    #[command(flatten)]
    pub global: Global,
    /// The command to run; opens the terminal UI if omitted.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Lab definition: the name of a built-in one, or a folder.
    #[arg(long, global = true, value_name = "NAME|FOLDER", value_parser = LabName)]
    pub lab: Option<String>,
    /// Name of the lab instance; also the name of its kind cluster.
    #[arg(long, global = true, default_value = "flinklab", value_parser = instance_name)]
    pub name: String,
    /// Print JSON, one object per line.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print plain lines: no full-screen UI, no box drawing.
    #[arg(long, global = true)]
    pub plain: bool,
    /// Use only ASCII characters.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Use no colours, as with the variable `NO_COLOR`.
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Colour theme: dark, light, high-contrast or mono.
    #[arg(
        long,
        global = true,
        env = "FLINKLAB_THEME",
        value_name = "NAME",
        hide_env_values = true
    )]
    pub theme: Option<String>,
    /// Settings file.
    #[arg(
        long,
        global = true,
        env = "FLINKLAB_CONFIG",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
    /// Change nothing: no client that can write is created.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Show the terminal UI for a classroom: large, light, one idea per screen.
    #[arg(long, global = true)]
    pub present: bool,
    /// Answer yes to every question.
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,
    /// Panics on purpose, so that tests see what becomes of the terminal. Not in a release.
    #[cfg(debug_assertions)]
    #[arg(long, global = true, hide = true, value_name = "WHERE")]
    pub panic_in: Option<PanicIn>,
    /// Record the session to this new file, compressed if it ends in `.gz`, for `flinklab replay`.
    /// Keys, tokens, host paths and user names are left out.
    #[arg(long, global = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Level of flinklab.log in the lab's folder.
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,
    /// Folder that holds a folder for each instance.
    #[arg(
        long,
        global = true,
        env = "FLINKLAB_HOME",
        value_name = "FOLDER",
        hide_env_values = true
    )]
    pub home: Option<PathBuf>,
}

/// Where to panic on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PanicIn {
    /// In the loop, at the first key.
    Loop,
    /// In a task, at once.
    Task,
}

/// What goes to the log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Failures only.
    Error,
    /// Also what looks odd.
    Warn,
    /// Also what was done.
    Info,
    /// Also how it was done.
    Debug,
    /// Everything, including libraries.
    Trace,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For a terminal.
    Text,
    /// Markdown.
    Md,
    /// One JSON object.
    Json,
    /// As CI servers read test results.
    Junit,
    /// One page for a browser, with drawings, readable without knowing Flink.
    Html,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Build the lab, or finish building it, up to its first completed checkpoint.
    Up {
        /// Start the job from the newest retained checkpoint of an earlier run.
        #[arg(long)]
        resume: bool,
        /// Give up after this long, such as `10m`; otherwise after 15m and the lab's checkpoint
        /// interval.
        #[arg(long, value_name = "TIME", value_parser = duration)]
        timeout: Option<std::time::Duration>,
    },
    /// Show pods, leader, lease, job and checkpoints.
    Status {
        /// Print again at every change, until interrupted.
        #[arg(long)]
        watch: bool,
    },
    /// List the failures that can be injected.
    Failures,
    /// Inject one failure, time the recovery, judge it from evidence.
    Break {
        /// Failure to inject: see `flinklab failures`. A lab may define its own.
        #[arg(value_name = "KEY", value_parser = FailureKey)]
        key: String,
        /// Hit this pod, if the failure may hit it.
        #[arg(long, value_name = "POD")]
        target: Option<String>,
        /// How long a lasting failure stays applied, such as `40s`.
        #[arg(long = "for", value_name = "TIME", value_parser = duration)]
        lasts: Option<std::time::Duration>,
        /// Repeat this many times, each time after the lab is healthy again.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        times: u32,
        /// Say what would be hit and whether the lab is ready; change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Inject even if the lab is not ready, or for a shorter time than it takes to see the
        /// effect.
        #[arg(long)]
        force: bool,
    },
    /// List the runs so far, with verdict and recovery time.
    Runs,
    /// Report what one run proved and how long it took, or all runs with statistics.
    Report {
        /// A run's name, a failure's key for all of its runs, or `last`; all runs if omitted.
        #[arg(value_name = "RUN")]
        runs: Vec<String>,
        /// Output format; text by default, `json` with --json.
        #[arg(long, value_name = "FORMAT")]
        format: Option<ReportFormat>,
        /// Write to this file instead of standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Inject the same failures into several labs, one after the other, and compare the figures.
    ///
    /// Each lab is built as an instance of its own and removed afterwards; existing labs are left
    /// alone. If interrupted, the same command continues where it stopped.
    Compare(Comparing),
    /// Check what could prevent a lab from running, why it matters, and how to fix it.
    Doctor {
        /// Fix what is safe to fix: pull missing images, create the folder.
        #[arg(long)]
        fix: bool,
    },
    /// Manage the job: savepoint, stop, cancel, resume, resubmit.
    #[command(subcommand)]
    Job(JobCommand),
    /// Lessons that check themselves: what to do, what to watch, and whether it happened.
    Lesson(Lessons),
    /// Show the speaker notes in a second terminal while `flinklab --present` runs in the first.
    Notes,
    /// Stop the cluster and keep it; `up` starts it again.
    Stop,
    /// Undo every failure that is still applied, whichever process applied it.
    Heal,
    /// Replay a recorded session in the same UI, as text, or as a picture.
    Replay(Replay),
    /// Run against a simulated lab: no Docker, nothing left behind.
    Try(Trying),
    /// Remove the cluster. Data is kept unless `--purge`.
    Down {
        /// Also remove what Flink wrote and the lab's folder, after listing it and asking.
        #[arg(long)]
        purge: bool,
    },
    /// List the labs on this machine and the state of their containers.
    Labs,
    /// Export a lab definition, or check your own.
    #[command(subcommand)]
    Lab(LabCommand),
    /// Put everything that `up` would pull into one file, for machines without a network.
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Print the kubeconfig of the lab; your own is never changed.
    Kubeconfig {
        /// Print the file's path instead of its text.
        #[arg(long)]
        path: bool,
    },
    /// Print the kind configuration of the lab, as `kind create cluster --config -` takes it.
    KindConfig,
    /// List the keys of the terminal UI.
    Keys {
        /// As a Markdown table.
        #[arg(long)]
        markdown: bool,
    },
    /// Print the manual page, for `man -l -` or your package.
    Man,
    /// Print a completion script for your shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// What can be done with a definition.
#[derive(Debug, Clone, Subcommand)]
pub enum LabCommand {
    /// Write a definition to a folder that you can edit.
    Export {
        /// A built-in lab, or an instance.
        name: String,
        /// A new or empty folder.
        folder: PathBuf,
    },
    /// Read a definition as `up` would, and report what is wrong with it.
    Check {
        /// The folder with `lab.yaml` and `kind.yaml`.
        folder: PathBuf,
    },
}

/// What can be done with a bundle.
#[derive(Debug, Clone, Subcommand)]
pub enum BundleCommand {
    /// Write the node image, Flink's image and the lab's files into one file, with checksums.
    Create {
        /// A new file. An interrupted run is continued.
        file: PathBuf,
    },
    /// Verify a bundle and load it into Docker; `up` needs no network afterwards.
    Load {
        /// The file.
        file: PathBuf,
        /// Also write the lab's files to this folder.
        #[arg(long, value_name = "FOLDER")]
        to: Option<PathBuf>,
    },
}

/// A failure's key. The catalogue's are offered for completion; whether a lab has it is known once
/// the lab is open.
#[derive(Debug, Clone, Copy)]
struct FailureKey;

impl clap::builder::TypedValueParser for FailureKey {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        clap::builder::StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(
        &self,
    ) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue> + '_>> {
        let all = flinklab_lab::failure::CATALOGUE.iter().map(|failure| {
            clap::builder::PossibleValue::new(failure.key.as_ref()).help(failure.title.as_ref())
        });
        Some(Box::new(all))
    }
}

/// A lab's name or folder. The built-in ones are offered for completion.
#[derive(Debug, Clone, Copy)]
struct LabName;

impl clap::builder::TypedValueParser for LabName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        clap::builder::StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(
        &self,
    ) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue> + '_>> {
        let all = flinklab_lab::built_in_names().map(|name| {
            let about = flinklab_lab::Lab::open(name).map(|lab| lab.about);
            clap::builder::PossibleValue::new(name).help(about.unwrap_or_default())
        });
        Some(Box::new(all))
    }
}

/// Names that kind and Kubernetes take, and that cannot leave the home folder.
fn instance_name(text: &str) -> Result<String, String> {
    let fits = !text.is_empty()
        && text.len() <= 48 // a node is named after it, in at most 63 letters
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a name has at most 48 lower-case letters, digits and inner dashes".to_owned())
    }
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    let signed: jiff::SignedDuration = text
        .parse()
        .map_err(|_| format!("`{text}` is no duration; write it like 90s, 10m or 1h 30m"))?;
    match std::time::Duration::try_from(signed) {
        Ok(positive) if !positive.is_zero() => Ok(positive),
        _ => Err("a duration must be longer than zero".to_owned()),
    }
}
