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
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do; the terminal UI if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What holds for every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Which lab definition: the name of a built-in one, or a folder.
    #[arg(long, global = true, value_name = "NAME|FOLDER", value_parser = LabName)]
    pub lab: Option<String>,
    /// Which instance; also the name of the kind cluster.
    #[arg(long, global = true, default_value = "flinklab", value_parser = instance_name)]
    pub name: String,
    /// One JSON object a line on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// Plain lines, no screen, no box drawing.
    #[arg(long, global = true)]
    pub plain: bool,
    /// Only ASCII on the screen.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// No colours; the variable `NO_COLOR` says the same.
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Which colours: dark, light, high-contrast or mono.
    #[arg(
        long,
        global = true,
        env = "FLINKLAB_THEME",
        value_name = "NAME",
        hide_env_values = true
    )]
    pub theme: Option<String>,
    /// The file of settings.
    #[arg(
        long,
        global = true,
        env = "FLINKLAB_CONFIG",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
    /// Look, never touch: no writing client is made.
    #[arg(long, global = true)]
    pub read_only: bool,
    /// The terminal UI for a room: large, light, one idea a screen.
    #[arg(long, global = true)]
    pub present: bool,
    /// Answer every question with yes.
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,
    /// Panics on purpose, so that tests see what becomes of the terminal. Not in a release.
    #[cfg(debug_assertions)]
    #[arg(long, global = true, hide = true, value_name = "WHERE")]
    pub panic_in: Option<PanicIn>,
    /// Write all that happens to this new file, compressed if it ends in `.gz`; `flinklab replay`
    /// plays it. Keys, tokens, host paths and user names are left out.
    #[arg(long, global = true, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// What goes to flinklab.log in the lab's folder.
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,
    /// The folder that holds one folder an instance.
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
    /// Only what failed.
    Error,
    /// And what looks odd.
    Warn,
    /// And what was done.
    Info,
    /// And how.
    Debug,
    /// Everything, libraries included.
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
    /// Build or finish the lab, until its first completed checkpoint; does only what is missing.
    Up {
        /// Start the job from the newest retained checkpoint of an earlier run.
        #[arg(long)]
        resume: bool,
        /// Give up after this long, such as `10m`; otherwise after 15m and the lab's checkpoint
        /// interval.
        #[arg(long, value_name = "TIME", value_parser = duration)]
        timeout: Option<std::time::Duration>,
    },
    /// Pods, leader, lease, job and checkpoints.
    Status {
        /// Again with every change, until interrupted.
        #[arg(long)]
        watch: bool,
    },
    /// The catalogue of failures.
    Failures,
    /// Inject one failure, time the recovery, judge it from evidence.
    Break {
        /// Which failure: see `flinklab failures`. A lab may have some of its own.
        #[arg(value_name = "KEY", value_parser = FailureKey)]
        key: String,
        /// Hit this pod, if it is one of those that the failure may hit.
        #[arg(long, value_name = "POD")]
        target: Option<String>,
        /// How long it stays broken, where the failure lasts, such as `40s`.
        #[arg(long = "for", value_name = "TIME", value_parser = duration)]
        lasts: Option<std::time::Duration>,
        /// Break so many times, each time once the lab is healthy again.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        times: u32,
        /// Say what would be hit and whether the lab is ready, and write nothing.
        #[arg(long)]
        dry_run: bool,
        /// Break although the lab is not ready for it, or for a shorter time than it takes to see
        /// the effect.
        #[arg(long)]
        force: bool,
    },
    /// What was broken so far: each run with its verdict and how long it took.
    Runs,
    /// How long it took and what was proven: one run, or all of them with statistics.
    Report {
        /// A run's name, a failure's key for all of its runs, or `last`; all runs if none is named.
        #[arg(value_name = "RUN")]
        runs: Vec<String>,
        /// How it is written; text if nothing is said, `json` with --json.
        #[arg(long, value_name = "FORMAT")]
        format: Option<ReportFormat>,
        /// Write it to a file instead of standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// The same failures on several labs, one after the other: what differs, in figures.
    ///
    /// Each lab is built as an instance of its own, broken, and removed; a lab of yours is left
    /// alone. Broken off, the same command goes on.
    Compare(Comparing),
    /// What stands in the way of a lab, why it matters, what mends it.
    Doctor {
        /// Mend what is safe: pull missing images, make the folder.
        #[arg(long)]
        fix: bool,
    },
    /// What can be done with the job: savepoint, stop, cancel, resume, start anew.
    #[command(subcommand)]
    Job(JobCommand),
    /// Lessons that check themselves: what to do, what to watch, and whether it was seen.
    Lesson(Lessons),
    /// What to say, in a second terminal, while `flinklab --present` shows the lab in the first.
    Notes,
    /// Free the machine: stop the cluster and keep it; `up` starts it again.
    Stop,
    /// Take back every failure that is still applied, whoever applied it.
    Heal,
    /// A recorded session in the same UI, as text, or as a picture.
    Replay(Replay),
    /// The same program against a simulated lab: no Docker, nothing left behind.
    Try(Trying),
    /// Remove the cluster. Data stays unless `--purge`.
    Down {
        /// Remove what Flink wrote and the lab's folder too; lists it and asks first.
        #[arg(long)]
        purge: bool,
    },
    /// The labs on this machine, with what Docker has of them.
    Labs,
    /// Definitions of labs: take a copy of one, check your own.
    #[command(subcommand)]
    Lab(LabCommand),
    /// All that `up` would pull, in one file: for machines without a network.
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Print the kubeconfig of the lab; your own is never touched.
    Kubeconfig {
        /// Print the file's path instead of its text.
        #[arg(long)]
        path: bool,
    },
    /// Print the kind configuration of the lab, as `kind create cluster --config -` takes it.
    KindConfig,
    /// The keys of the terminal UI.
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
    /// Write a definition out as a folder that you may change.
    Export {
        /// A built-in lab, or an instance whose definition is wanted.
        name: String,
        /// A new or empty folder.
        folder: PathBuf,
    },
    /// Read a definition as `up` would, and say what is wrong with it.
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
        /// A new file. What an interrupted run left of it is gone on with.
        file: PathBuf,
    },
    /// Verify a bundle and load it into Docker; `up` needs no network afterwards.
    Load {
        /// The file.
        file: PathBuf,
        /// Where the lab's files go, if they are to be had as a folder.
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
