//! What `job` takes.

use clap::Subcommand;

/// What can be done with the job. What costs something says so and asks first.
#[derive(Debug, Clone, Subcommand)]
pub enum JobCommand {
    /// List the lab's jobs, the HA data of the current one, and what a new one can start from.
    List,
    /// Write a savepoint; the job goes on.
    Savepoint,
    /// Write a savepoint, then end the job. Its checkpoints are removed, the savepoint is kept.
    Stop,
    /// End the job at once. Its HA data is removed; checkpoints are kept where the lab retains them.
    Cancel,
    /// Start a new job from a savepoint or a retained checkpoint.
    Resume {
        /// A path or a name, such as `chk-7`, as `flinklab job list` shows them; the newest if
        /// omitted.
        #[arg(value_name = "FROM")]
        from: Option<String>,
    },
    /// Start a new job from nothing.
    Resubmit,
}
