//! What `lesson` takes.

use clap::Args;

/// Which lesson, and how.
#[derive(Debug, Clone, Args)]
pub struct Lessons {
    /// Name or number of the lesson; lists all if omitted.
    #[arg(id = "lesson", value_name = "NAME")]
    pub name: Option<String>,
    /// Run without a screen: each step is done and checked; the first that fails ends the lesson with
    /// its hint.
    #[arg(long, requires = "lesson")]
    pub auto: bool,
    /// Start at this step.
    #[arg(long, value_name = "STEP", requires = "lesson", value_parser = clap::value_parser!(u8).range(1..))]
    pub from: Option<u8>,
}
