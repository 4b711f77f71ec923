//! A recording as it plays: where it stands, how fast, and what was shown. The same `update` takes
//! the recorded events; keys of the person who watches go to a copy of it all, so that looking
//! around never changes the story. No clock: time is handed in.

mod looking;
mod marks;
mod shown;

pub use marks::{Mark, marks};
pub use shown::{Motion, PLAYBACK_KEYS, Pastime, Playback};

use crate::Drawn;
use crate::Ui;
use flinklab_base::units;
use flinklab_event::recording::Recording;
use flinklab_event::{Event, Happening, Key, KeyCode};
use flinklab_model::{Ended, Model};
use marks::Waits;
use std::time::Duration;

/// Longer than this nobody waits, however slow it plays: what lies between is left out.
const PATIENCE: i64 = 60_000_000;
/// How much faster a wait passes.
const HURRY: f64 = 12.0;
/// How long it is told that a wait was shortened, in microseconds of the person's time.
const TOLD: i64 = 2_500_000;
/// The speeds that keys step through.
const SPEEDS: [f64; 9] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// A recording being played.
#[derive(Debug, Clone)]
pub struct Player {
    recording: Recording,
    waits: Waits,
    /// How many events were taken in.
    next: usize,
    /// Microseconds of the person's time since the start, for what is told only a while.
    watched: i64,
    shown: Playback,
    /// The story as it was recorded, its keys included.
    told: Ui,
    /// The story with the pages of the person who watches.
    own: Option<Ui>,
    blank: Ui,
}

impl Player {
    /// A recording at its start. `blank` says what the terminal is like.
    #[must_use]
    pub fn new(name: &str, recording: Recording, blank: Ui) -> Self {
        let mut blank = blank;
        blank.model.origin = recording.origin();
        let marks = marks(&recording).into();
        let waits = Waits::of(&recording);
        let mut player = Self {
            shown: Playback {
                name: name.to_owned(),
                us: 0,
                length: recording.length(),
                speed: 1.0,
                motion: Motion::Playing,
                pastime: Pastime::AsItWas,
                marks,
                later: None,
                own_pages: false,
            },
            waits,
            next: 0,
            watched: 0,
            told: blank.clone(),
            own: None,
            blank,
            recording,
        };
        // the first picture is that of the first event
        player.seek(0);
        let remarks = player.recording.remarks();
        if !remarks.is_empty() {
            let at = player.told.model.now;
            player.told.screen.say(at, remarks.join("; "));
        }
        player
    }

    /// What to draw.
    pub fn picture(&mut self) -> &Ui {
        let shown = self.shown();
        let ui = self.own.as_mut().unwrap_or(&mut self.told);
        ui.playback = Some(shown);
        ui
    }

    /// The recording.
    #[must_use]
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// The progress line.
    #[must_use]
    pub fn shown(&self) -> Playback {
        let mut shown = self.shown.clone();
        shown.own_pages = self.own.is_some();
        shown
    }

    /// How waits are shown from now on.
    pub fn pass(&mut self, pastime: Pastime) {
        self.shown.pastime = pastime;
    }

    /// How fast it plays from now on.
    pub fn run_at(&mut self, speed: f64) {
        if speed.is_finite() && speed > 0.0 {
            self.shown.speed = speed.clamp(0.01, 10_000.0);
        }
    }

    /// The terminal has another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let all = [
            Some(&mut self.told),
            self.own.as_mut(),
            Some(&mut self.blank),
        ];
        for ui in all.into_iter().flatten() {
            (ui.screen.columns, ui.screen.rows) = (columns, rows);
        }
    }

    /// Takes in what was drawn of it.
    pub fn drawn(&mut self, drawn: Drawn) {
        self.own.as_mut().unwrap_or(&mut self.told).drawn(drawn);
    }

    /// Plays as much as belongs to so much of the person's time.
    pub fn advance(&mut self, elapsed: Duration) {
        if self.shown.motion != Motion::Playing {
            return;
        }
        let mut left = microseconds(elapsed);
        self.watched = self.watched.saturating_add(left);
        // one step for each stretch of one speed, each of which uses time up or ends
        while left > 0 && self.shown.motion == Motion::Playing {
            let wait = match self.shown.pastime {
                Pastime::Shortened => self.waits.around(self.shown.us),
                Pastime::AsItWas => None,
            };
            let speed = self.shown.speed * if wait.is_some() { HURRY } else { 1.0 };
            let until = match wait {
                Some((_, end)) => end,
                None => self.waits.next(self.shown.us, self.shown.pastime),
            }
            .min(self.shown.length.max(self.shown.us + 1));
            if let Some((start, end)) = wait {
                let seconds = units::seconds_of_us(end - start);
                self.shown.later = Some((seconds, self.watched.saturating_add(TOLD)));
            }
            let distance = (until - self.shown.us).max(1);
            let reach = scaled(left, speed).max(1);
            if reach >= distance {
                left -= scaled(distance, 1.0 / speed).clamp(1, left);
                self.go(until);
            } else {
                left = 0;
                self.go(self.shown.us + reach);
            }
            self.leap();
        }
        if self
            .shown
            .later
            .is_some_and(|(_, until)| until < self.watched)
        {
            self.shown.later = None;
        }
    }

    /// A gap of hours, as a laptop that slept leaves it, is not sat through.
    fn leap(&mut self) {
        let Some(next) = self.recording.happenings.get(self.next) else {
            return;
        };
        let at = self.recording.since(next.at);
        let gap = at - self.shown.us;
        if gap > PATIENCE {
            self.shown.later = Some((units::seconds_of_us(gap), self.watched.saturating_add(TOLD)));
            self.go(at - 1_000_000);
        }
    }

    /// Takes in everything up to there.
    fn go(&mut self, us: i64) {
        self.shown.us = us.clamp(0, self.shown.length);
        while let Some(happening) = self.recording.happenings.get(self.next) {
            if self.recording.since(happening.at) > self.shown.us {
                break;
            }
            self.next += 1;
            take(&mut self.told, happening);
            if let Some(own) = &mut self.own
                && !matches!(happening.event, Event::Key(_))
            {
                take(own, happening);
            }
        }
        if self.next == self.recording.happenings.len() && self.shown.us >= self.shown.length {
            self.shown.motion = Motion::Over;
        }
        // ages move although nothing happened
        let since = jiff::SignedDuration::from_micros(self.shown.us);
        let now = self.recording.header.began.saturating_add(since);
        let now = now.unwrap_or(jiff::Timestamp::MAX);
        for ui in [Some(&mut self.told), self.own.as_mut()]
            .into_iter()
            .flatten()
        {
            ui.model.now = ui.model.now.max(now);
        }
    }

    /// Stands at that moment, forwards or backwards.
    pub fn seek(&mut self, us: i64) {
        let us = us.clamp(0, self.shown.length);
        if us < self.shown.us {
            let (columns, rows) = (self.told.screen.columns, self.told.screen.rows);
            self.told = self.blank.clone();
            (self.told.screen.columns, self.told.screen.rows) = (columns, rows);
            self.next = 0;
            if let Some(own) = &mut self.own {
                // the pages stay, what they show begins anew
                let screen = own.screen.clone();
                *own = self.blank.clone();
                own.screen = screen;
            }
        }
        if self.shown.motion == Motion::Over && us < self.shown.length {
            self.shown.motion = Motion::Paused;
        }
        self.shown.later = None;
        self.go(us);
    }

    /// The next event alone; what the story reads it for. None at the end.
    pub fn step(&mut self) -> Option<(i64, &Happening, &Model)> {
        let happening = self.recording.happenings.get(self.next)?;
        self.next += 1;
        self.shown.us = self.recording.since(happening.at);
        take(&mut self.told, happening);
        Some((self.shown.us, happening, &self.told.model))
    }

    /// Before the first event.
    pub fn rewind(&mut self) {
        self.told = self.blank.clone();
        self.own = None;
        self.next = 0;
        self.shown.us = 0;
    }

    /// Stands still.
    pub fn pause(&mut self) {
        if self.shown.motion == Motion::Playing {
            self.shown.motion = Motion::Paused;
        }
    }

    /// What a key of the person who watches does. Whether to go on.
    pub fn press(&mut self, key: Key) -> Watching {
        let ui = self.own.as_ref().unwrap_or(&self.told);
        if ui.screen.typing.is_some() {
            // letters belong to what is typed
            return self.look(key);
        }
        match (key.code, key.ctrl) {
            (KeyCode::Char(' '), false) => {
                self.shown.motion = match self.shown.motion {
                    Motion::Playing => Motion::Paused,
                    Motion::Paused => Motion::Playing,
                    Motion::Over => {
                        self.seek(0);
                        Motion::Playing
                    }
                }
            }
            (KeyCode::Left, false) => self.step_marks(-1),
            (KeyCode::Right, false) => self.step_marks(1),
            (KeyCode::Char('+' | '='), false) => self.faster(1),
            (KeyCode::Char('-' | '_'), false) => self.faster(-1),
            (KeyCode::Char('W'), false) => {
                self.shown.pastime = match self.shown.pastime {
                    Pastime::Shortened => Pastime::AsItWas,
                    Pastime::AsItWas => Pastime::Shortened,
                }
            }
            (KeyCode::Char('F'), false) => self.own = None,
            _ => return self.look(key),
        }
        Watching::GoOn
    }

    fn step_marks(&mut self, by: i32) {
        let here = self.shown.us;
        // a mark just passed counts as where we are
        let near = |mark: &&Mark| mark.us < here - 1_500_000;
        let us = match by {
            ..0 => self
                .shown
                .marks
                .iter()
                .rev()
                .find(near)
                .map_or(0, |it| it.us),
            _ => {
                let next = self.shown.marks.iter().find(|it| it.us > here);
                next.map_or(self.shown.length, |it| it.us)
            }
        };
        self.seek(us);
    }

    fn faster(&mut self, by: i32) {
        let speed = self.shown.speed;
        let next = match by {
            ..0 => SPEEDS.iter().rev().find(|it| **it < speed),
            _ => SPEEDS.iter().find(|it| **it > speed),
        };
        self.shown.speed = next.copied().unwrap_or(speed);
    }
}

/// Whether the person goes on watching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watching {
    /// Yes.
    GoOn,
    /// Once the shell gives the terminal back.
    Aside,
    /// No.
    Enough,
}

/// The recorded event, as far as it is one of the story: the terminal and its end are our own.
fn take(ui: &mut Ui, happening: &Happening) {
    match &happening.event {
        Event::Resize { .. } | Event::Signal(_) => {}
        _ => {
            // nothing is asked of a world: there is none
            let _ = ui.update(happening);
            if matches!(ui.model.ended, Some(Ended::Quit | Ended::Interrupted)) {
                ui.model.ended = None;
            }
        }
    }
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a float of microseconds saturates and is exact enough for a screen"
)]
fn scaled(us: i64, by: f64) -> i64 {
    (us as f64 * by) as i64
}

#[cfg(test)]
mod tests;
