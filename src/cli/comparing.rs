//! What `compare` takes.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Which failures, on which labs, how often.
#[derive(Debug, Clone, Args)]
pub struct Comparing {
    /// Failures to inject: see `flinklab failures`.
    #[arg(value_name = "KEY", required = true, value_parser = super::FailureKey)]
    pub keys: Vec<String>,
    /// Two or more labs: names of built-in ones, or folders.
    #[arg(long, value_name = "LAB,LAB", required = true, value_delimiter = ',', value_parser = super::LabName)]
    pub labs: Vec<String>,
    /// Number of runs of each failure on each lab.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub times: u32,
    /// Repeat all runs, even those that exist from an earlier time.
    #[arg(long)]
    pub again: bool,
    /// Output format; text by default, `json` with --json.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<CompareFormat>,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How a comparison is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For a terminal.
    Text,
    /// Markdown.
    Md,
    /// One JSON object.
    Json,
    /// One page for a browser.
    Html,
}
