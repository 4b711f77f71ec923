//! The small things that every part of the program uses. No module here knows another part.

pub mod advice;
pub mod clock;
pub mod columns;
pub mod fault;
pub mod shell;
pub mod text;
pub mod units;

/// The version of the program; a release says its commit too.
pub const VERSION: &str = env!("FLINKLAB_VERSION");
