//! What `compare` takes.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Which failures, on which labs, how often.
#[derive(Debug, Clone, Args)]
pub struct Comparing {
    /// Which failures: see `flinklab failures`.
    #[arg(value_name = "KEY", required = true, value_parser = super::FailureKey)]
    pub keys: Vec<String>,
    /// Which labs, two or more: names of built-in ones, or folders.
    #[arg(long, value_name = "LAB,LAB", required = true, value_delimiter = ',', value_parser = super::LabName)]
    pub labs: Vec<String>,
    /// How often each failure is tried on each lab.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub times: u32,
    /// Make all runs anew, even if they are there from an earlier time.
    #[arg(long)]
    pub again: bool,
    /// How the comparison is written; text if nothing is said, `json` with --json.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<CompareFormat>,
    /// Write it to a file instead of standard output.
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
