//! The one integration test binary: one link step for all of it.
#![allow(clippy::unwrap_used)] // a test that cannot go on should say where

mod commands;
mod labs;
mod models;
mod program;
mod real;
mod screens;
