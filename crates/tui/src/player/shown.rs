//! What the line of a replay shows, and the keys that move it.

use super::Mark;
use std::sync::Arc;

/// Whether it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// It does.
    Playing,
    /// It stands still.
    Paused,
    /// There is no more.
    Over,
}

/// How waits in which nothing happens are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pastime {
    /// Much faster, and told.
    Shortened,
    /// As long as they were.
    AsItWas,
}

/// What the progress line shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Playback {
    /// What is played.
    pub name: String,
    /// Where it stands, in microseconds.
    pub us: i64,
    /// How long it is.
    pub length: i64,
    /// How fast.
    pub speed: f64,
    /// Whether it moves.
    pub motion: Motion,
    /// How waits are shown.
    pub pastime: Pastime,
    /// Where arrows lead.
    pub marks: Arc<[Mark]>,
    /// A wait that was just shortened: so many seconds, and until when that is told.
    pub later: Option<(f64, i64)>,
    /// Whether the person looks around on pages of their own.
    pub own_pages: bool,
}

/// Keys of a replay, as help and documentation show them. They come before all others.
pub const PLAYBACK_KEYS: [(&str, &str); 7] = [
    ("space", "pause, go on; at the end: again from the start"),
    ("← →", "the mark before, the next mark"),
    ("+ -", "faster, slower"),
    ("W", "waits shortened, or as long as they were"),
    ("F", "follow the recorded pages again"),
    ("q", "leave the recording"),
    (
        "any other",
        "looks around; what would write says that this is a recording",
    ),
];
