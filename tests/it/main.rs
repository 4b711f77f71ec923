//! The one integration test binary: one link step for all of it.
#![allow(clippy::unwrap_used)] // a test that cannot go on should say where
#![allow(clippy::print_stderr)] // what a failing test saw helps; cargo shows it only then

mod article;
mod broken_off;
mod building;
mod bundling;
mod commands;
mod comparing;
mod crash;
mod disorder;
mod doctor;
mod engine;
mod exactly;
mod extremes;
mod foreign_runs;
mod held;
mod jobs;
mod labs;
mod lessons;
mod links;
mod models;
mod neighbours;
mod operators;
mod pages;
mod pages_jobs;
mod pages_lessons;
mod pictures;
mod program;
mod readme;
mod real;
mod real_kill;
mod real_kind;
mod real_node;
mod real_together;
mod real_wrong;
mod recordings;
mod scenarios;
mod screens;
mod scrolling;
mod sim_truths;
mod simulated;
mod terminal;
mod tidy;
mod versions;
mod watching;
mod ways_on;
