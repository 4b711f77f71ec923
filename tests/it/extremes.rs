//! Recordings that nobody made by recording: stamps at the ends of time and numbers at the ends of
//! what they can hold, in every place that has one. They play, and every page of them is drawn.

use crate::models::at;
use crate::screens::picture;
use flinklab_event::recording::Recording;
use flinklab_event::{Event, Happening, Key, KeyCode, Origin};
use flinklab_model::judge;
use flinklab_tui::Ui;
use flinklab_tui::player::Player;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// What a stamp may be.
const STAMPS: &[&str] = &[
    "-009999-01-02T01:59:59Z",
    "-000001-06-01T00:00:00Z",
    "1969-12-31T23:59:59.999999999Z",
    "2026-11-24T21:00:00Z",
    "9999-12-30T21:59:59Z",
    "9999-12-30T22:00:00.999999999Z",
];

/// Events of real labs, a few of each kind and all of its runs.
static EVENTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let demo = include_bytes!("../../assets/demo.flinklab.gz");
    let demo = flinklab_world::recording::of_bytes("demo", demo).unwrap();
    let mut counts = std::collections::BTreeMap::new();
    let mut all = Vec::new();
    for happening in demo.happenings {
        let event = serde_json::to_value(&happening.event).unwrap();
        let kind = match &event {
            Value::Object(map) => map.keys().next().cloned().unwrap_or_default(),
            other => other.to_string(),
        };
        let count: &mut usize = counts.entry(kind.clone()).or_default();
        *count += 1;
        if kind == "run" || *count <= 60 {
            all.push(event);
        }
    }
    all
});

/// Small numbers, always the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// How many of the stamps and of the numbers are others: one in so many. A line in which a number does
/// not fit is passed over, so that many others would leave little to play.
#[derive(Debug, Clone, Copy)]
struct OneIn {
    stamps: usize,
    numbers: usize,
}

/// Puts other stamps and numbers in.
fn crafted(value: &mut Value, dice: &mut Dice, one_in: OneIn) {
    match value {
        Value::String(text) if text.parse::<Timestamp>().is_ok() => {
            if dice.roll(one_in.stamps) == 0 {
                *text = STAMPS[dice.roll(STAMPS.len())].to_owned();
            }
        }
        Value::Number(number) if dice.roll(one_in.numbers) == 0 => {
            let wide = [0, 1, u64::from(u16::MAX), u64::from(u32::MAX), u64::MAX];
            *value = match dice.roll(8) {
                0 => json!(i64::MIN),
                1 => json!(1e300),
                2 => json!(-1),
                _ if number.is_f64() => json!(-1e300),
                n => json!(wide[n - 3]),
            };
        }
        Value::Array(all) => all.iter_mut().for_each(|one| crafted(one, dice, one_in)),
        Value::Object(all) => all.values_mut().for_each(|one| crafted(one, dice, one_in)),
        Value::String(_) | Value::Number(_) | Value::Null | Value::Bool(_) => {}
    }
}

/// A recording with some of these events, as a file.
fn recording(dice: &mut Dice, one_in: OneIn) -> Recording {
    let began = STAMPS[dice.roll(STAMPS.len())];
    let header = json!({"flinklab": "recording", "version": 2, "program": "x", "began": began});
    let mut text = header.to_string();
    let from = dice.roll(EVENTS.len());
    let mut us: i64 = 0;
    for event in EVENTS.iter().cycle().skip(from).take(120) {
        let mut event = event.clone();
        crafted(&mut event, dice, one_in);
        us = match dice.roll(30) {
            0 => i64::MAX,
            1 => i64::MIN,
            _ => us.saturating_add(400_000),
        };
        text.push('\n');
        text.push_str(&json!({"us": us, "event": event}).to_string());
    }
    text.push('\n');
    Recording::read("crafted", text.as_bytes()).unwrap()
}

/// Every page, each once.
const PAGES: [char; 10] = ['t', 'h', 'c', 'l', 'L', 'J', 'd', 'x', '?', ' '];

fn key(letter: char) -> Event {
    Event::Key(Key {
        code: KeyCode::Char(letter),
        ctrl: false,
    })
}

fn page(ui: &Ui, letter: char) {
    let mut ui = ui.clone();
    let at = ui.model.now;
    let event = key(letter);
    ui.update(&Happening { at, event });
    picture(&ui, 110, 34);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_crafted_recording_plays_and_every_page_of_it_is_drawn(
        seed in any::<u64>(),
        stamps in prop::sample::select(vec![1_usize, 2, 20, 1000]),
        numbers in prop::sample::select(vec![10_usize, 100, 100_000]),
    ) {
        let mut dice = Dice(seed);
        let recording = recording(&mut dice, OneIn { stamps, numbers });
        let mut ui = Ui::default();
        (ui.screen.columns, ui.screen.rows) = (110, 34);
        for (n, happening) in recording.happenings.iter().enumerate() {
            ui.update(happening);
            if let Some(run) = ui.model.run() {
                let ends = [Timestamp::MIN, Timestamp::MAX];
                let judged = ends.map(|now| judge(run, now, Origin::Recorded));
                prop_assert!(judged.iter().flatten().all(|it| it.run == run.order.run));
            }
            if n % 40 == 0 {
                page(&ui, PAGES[dice.roll(PAGES.len())]);
            }
        }
        PAGES.iter().for_each(|letter| page(&ui, *letter));
        let mut player = Player::new("crafted", recording, Ui::default());
        player.resize(110, 34);
        player.advance(std::time::Duration::from_secs(7));
        picture(player.picture(), 110, 34);
        player.seek(i64::MAX);
        picture(player.picture(), 110, 34);
        player.seek(0);
    }

    /// The moment of the event itself, which no line of a recording can put so far away at once.
    #[test]
    fn an_event_at_any_moment_is_taken_in(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let mut ui = Ui::default();
        for _ in 0..60 {
            let mut event = EVENTS[dice.roll(EVENTS.len())].clone();
            crafted(&mut event, &mut dice, OneIn { stamps: 4, numbers: 30 });
            let Ok(event) = serde_json::from_value::<Event>(event) else { continue };
            let at = match dice.roll(3) {
                0 => STAMPS[dice.roll(STAMPS.len())].parse().unwrap(),
                _ => at(f64::from(u32::try_from(dice.roll(100)).unwrap())),
            };
            ui.update(&Happening { at, event });
        }
        PAGES.iter().for_each(|letter| page(&ui, *letter));
    }
}
