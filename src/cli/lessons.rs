//! What `lesson` takes.

use clap::Args;

/// Which lesson, and how.
#[derive(Debug, Clone, Args)]
pub struct Lessons {
    /// Which one, by its name or number; all are listed if none is named.
    #[arg(id = "lesson", value_name = "NAME")]
    pub name: Option<String>,
    /// Run it without a screen: each step is done and checked, the first that fails ends it with its
    /// hint.
    #[arg(long, requires = "lesson")]
    pub auto: bool,
    /// Begin at this step.
    #[arg(long, value_name = "STEP", requires = "lesson", value_parser = clap::value_parser!(u8).range(1..))]
    pub from: Option<u8>,
}
