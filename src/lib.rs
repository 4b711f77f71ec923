//! flinklab: a local Apache Flink high-availability lab in a terminal.
//!
//! This package is the program: the command line (`cli`), and the loop that takes events, updates
//! the model, carries out effects and prints or draws (`app`). What it is made of are the crates
//! below `crates/`; `docs/architecture.md` says what each is for, which may use which, and what
//! never happens.

pub mod app;
pub mod cli;
