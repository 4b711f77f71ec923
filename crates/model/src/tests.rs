//! Whole runs, from events to the verdict.

mod budget;
mod doubt;
mod exact;
mod long_run;
mod recorded;
mod run;
mod story;
