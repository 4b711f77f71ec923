//! flinklab: a local Apache Flink high-availability lab in a terminal.
pub mod app;
pub mod cli;
pub mod failure;
pub mod fault;
pub mod lab;
pub mod model;
pub mod sim;
pub mod view;
pub mod world;
