//! flinklab: a local Apache Flink high-availability lab in a terminal.
//!
//! # Bird's eye
//!
//! ```text
//!       lab/*.yaml ─► lab::Lab          failure::CATALOGUE
//!                         │                    │
//!  world: all I/O         ▼                    ▼          view: &Model → frame
//!  ┌──────────────┐ Event ┌────────────────────────┐      ┌──────────────────┐
//!  │ docker  kube │ ────► │ model::update          │ ───► │ the terminal     │
//!  │ flink  disk  │ ◄──── │   Model, with one owner│      └──────────────────┘
//!  └──────────────┘ Effect└────────────────────────┘ ───► app: lines, JSON, exit code
//!         ▲                     ▲ keys, ticks, signals
//!  Docker · API server · Flink's REST · shared folder
//! ```
//!
//! Everything that happens is an `Event`: a key, a pod that changed, an answer of Flink, the time.
//! `model::update` takes one after the other into the one `Model` and answers with `Effect`s, which
//! are data too. `world` carries an effect out and sends events back. `app` owns the loop between
//! them. A command without a screen is the same loop with a goal and another printer; a recording
//! is the same loop with events from a file; a simulated lab is the same program with other
//! addresses. One thing comes back from the view: how much it drew of what scrolls
//! (`Model::drawn`), so that keys end where the page does.
//!
//! # Code map
//!
//! | where | what | begin with |
//! | --- | --- | --- |
//! | `clock` | what time it is and how long a pause lasts, so that a test's lab can live faster | `clock::sleep` |
//! | `advice` | sentences that name commands, and the lab that these act on | `Advice` |
//! | `units` | durations, sizes and short ids as text | `took` |
//! | `columns` | text in the columns of a terminal: cut, padded, wrapped | `cut` |
//! | `shell` | words of command lines to paste | `word` |
//! | `fault` | why something failed, in a person's words; exit codes | `Fault` |
//! | `text` | text from outside made harmless: terminal, browser, Markdown, JSON | `harms` |
//! | `failure` | failures as data, and the one table of them | `CATALOGUE` |
//! | `lab` | what a lab is: its files, read and checked with exact places | `Lab`, `lab::check` |
//! | `settings` | what a person prefers: `config.toml`, with the place of every word | `settings::open` |
//! | `model` | what is known: cluster, job, plan, run, logs; what keys do; the judge | `update` |
//! | `view` | the model as a frame | `draw` |
//! | `world` | Docker, node, Kubernetes, Flink, files; proof before touch | `perform`, `gate` |
//! | `sim` | a simulated lab: three servers on loopback, one state machine behind them | `sim` |
//! | `app` | the loop, the terminal, lines and JSON | `app` |
//! | `cli` | the command line; its doc comments are the help | `Cli` |
//! | `main.rs` | the only reader of the environment | `main` |
//!
//! A new failure of known verbs is one entry of the catalogue: lists, help, completions, JSON,
//! README and one scenario of the tests follow. A new verb is a variant, and the compiler names
//! the arms that are missing. A new lab is a folder.
//!
//! # What never happens
//!
//! Each is held by a test; those about folders and words by `tests/it/tidy.rs`, which reads the
//! sources.
//!
//! * The model does not know what time it is: time comes in with the event. It reads no file, waits
//!   for nothing, and shares nothing.
//! * The view changes nothing and asks nobody. What it draws is in the model.
//! * The world does not see the model, and no foreign type leaves the world: a `Pod` becomes a row.
//! * No write reaches a node or an API server without a token of `world::gate`, and a `Node`, the
//!   right to act on a container, is made nowhere else. Watching holds no writing client.
//! * Nobody but `main` reads the environment, and the user's kubeconfig is never opened.
//! * No port but loopback is asked for, and no lab file that asks for another is accepted.
//! * Nothing is started before all of a lab's files are read and checked.
//! * No link in the shared folder is followed, in the node or here: jobs write there.
//! * An undo is on disk before its failure is applied.
//! * Nothing that was not seen is a PASS.
//! * No task is spawned but by the loop and by `world::followers`, which miss it when it is gone, and
//!   inside the simulation. No wait is without a deadline, no list without a bound.
//! * No character that steers a terminal, turns text around or hides in it reaches a terminal, a
//!   browser or a Markdown page: `text::harms` is the only list of them.
//! * No file is written but by the world, and by the simulation below the folder it is given.
//! * The simulation knows neither world nor model: it is told addresses, as the real servers are,
//!   and the program is not told which of them answers.

pub mod advice;
pub mod app;
pub mod cli;
pub mod clock;
pub mod columns;
pub mod failure;
pub mod fault;
pub mod lab;
pub mod model;
pub mod settings;
pub mod shell;
pub mod sim;
pub mod text;
pub mod units;
pub mod view;
pub mod world;
