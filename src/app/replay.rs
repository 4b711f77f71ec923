//! `replay`: a recording on the screen, as lines, or one moment of it as a picture. No world is
//! asked for anything; only the file is read.

use super::print::{Printer, Style};
use super::stage::Stage;
use super::story::Story;
use super::{Environment, Preferences, terminal};
use crate::cli::{Cli, Replay};
use flinklab_base::fault::Fault;
use flinklab_base::units;
use flinklab_event::recording::Recording;
use flinklab_event::{Event, Key, KeyCode, Signal};
use flinklab_tui::Ui;
use flinklab_tui::player::{Motion, Pastime, Player, Watching};
use flinklab_world::{World, recording};
use serde_json::json;
use std::time::{Duration, Instant};

/// The recording that comes with the program.
const DEMO: &[u8] = include_bytes!("../../assets/demo.flinklab.gz");
/// As often as the picture may change while it plays.
const FRAME: Duration = Duration::from_millis(50);

/// Plays what was asked for; the number is the exit code.
pub(super) async fn replay(
    cli: &Cli,
    asked: &Replay,
    (world, preferences): (&World, Preferences),
    environment: &Environment,
    printer: &Printer,
) -> Result<u8, Fault> {
    let (name, recording) = match &asked.file {
        Some(file) => {
            let name = file.file_name().unwrap_or(file.as_os_str());
            let name = name.to_string_lossy().into_owned();
            (name, recording::read(world, file)?)
        }
        None => ("demo".to_owned(), demo()?),
    };
    let mut ui = Ui::default();
    ui.screen.looks = preferences.looks;
    ui.screen.keys = preferences.keys;
    ui.model.logs.limits = preferences.log;
    if let Some(path) = &asked.svg {
        ui.screen.looks.zone = jiff::tz::TimeZone::UTC;
        let picture = picture(&name, recording, ui, asked);
        recording::write_picture(path, &picture)?;
        return Ok(0);
    }
    let on_screen = environment.terminal && !cli.global.plain && !cli.global.json;
    if !on_screen {
        return tell(&name, recording, asked, printer).await;
    }
    let mut player = Player::new(&name, recording, ui);
    player.run_at(asked.speed.unwrap_or(1.0));
    if asked.file.is_none() || asked.short {
        player.pass(Pastime::Shortened);
    }
    if let Some(at) = asked.at {
        player.seek(at);
    }
    watch(player, asked.until).await.map(|()| 0)
}

/// The demo, read.
pub(super) fn demo() -> Result<Recording, Fault> {
    recording::of_bytes("demo", DEMO)
}

/// One moment as an SVG.
fn picture(name: &str, recording: Recording, ui: Ui, asked: &Replay) -> String {
    let (columns, rows) = asked.size;
    let mut player = Player::new(name, recording, ui);
    player.resize(columns, rows);
    player.seek(asked.at.or(asked.until).unwrap_or(i64::MAX));
    for key in asked.keys.chars() {
        let code = match key {
            '\n' => KeyCode::Enter,
            letter => KeyCode::Char(letter),
        };
        player.press(Key { code, ctrl: false });
    }
    let mut ui = player.picture().clone();
    // a picture stands still: how it could be moved is of no use there
    ui.playback = None;
    let title = format!(
        "flinklab: {}",
        asked.title.as_deref().unwrap_or("a screen of a recording")
    );
    flinklab_tui::svg(&ui, columns, rows, &title)
}

/// The story in sentences.
async fn tell(
    name: &str,
    recording: Recording,
    asked: &Replay,
    printer: &Printer,
) -> Result<u8, Fault> {
    let until = asked.until.unwrap_or(i64::MAX);
    for remark in recording.remarks() {
        printer.warning(&format!("{name}: {remark}"));
    }
    let mut story = Story::of(recording.origin());
    let mut player = Player::new(name, recording, Ui::default());
    let from = asked.at.unwrap_or(0);
    let mut before = from;
    // the first events were taken in for the first picture: the story begins with them
    player.rewind();
    while let Some((us, lines)) = player
        .step()
        .map(|(us, happening, model)| (us, story.tell(happening, model)))
    {
        if us > until {
            break;
        }
        // what was before is known, not told
        if us < from {
            continue;
        }
        for line in lines {
            if let Some(speed) = asked.speed {
                let wait = Duration::from_micros(u64::try_from(us - before).unwrap_or(0));
                tokio::time::sleep(wait.div_f64(speed)).await;
                before = us;
            }
            match printer.style {
                Style::Json => printer.object(&json!({
                    "at": units::seconds_of_ms(us / 1000), "origin": story.origin, "text": line,
                })),
                Style::Text if line.is_empty() => printer.line(""),
                Style::Text => printer.line(&format!("{:>6}  {line}", flinklab_tui::clock(us))),
            }
        }
    }
    Ok(0)
}

/// Plays on the terminal until the person has seen enough.
async fn watch(mut player: Player, until: Option<i64>) -> Result<(), Fault> {
    let mut screen = Stage::open()?;
    let (columns, rows) = screen.size();
    player.resize(columns, rows);
    let mut last = Instant::now();
    loop {
        if let Some(drawn) = screen.show(player.picture())? {
            player.drawn(drawn);
        }
        let moves = player.shown().motion == Motion::Playing;
        let pause = if moves {
            FRAME
        } else {
            Duration::from_secs(3600)
        };
        let input = tokio::select! {
            input = screen.next() => Some(input),
            () = tokio::time::sleep(pause) => None,
        };
        let now = Instant::now();
        // while the shell had the terminal nothing was watched
        if input != Some(Event::Signal(Signal::Resume)) {
            player.advance(now.duration_since(last));
        }
        last = now;
        if until.is_some_and(|until| player.shown().us >= until) && moves {
            player.pause();
        }
        match input {
            Some(Event::Key(key)) => {
                let before = player.picture().screen.copied.clone();
                match player.press(key) {
                    Watching::GoOn => {}
                    Watching::Aside => {
                        screen.step_aside();
                        continue;
                    }
                    Watching::Enough => return Ok(()),
                }
                // only what this key copied: what was copied when it was recorded is told, no more
                let after = &player.picture().screen.copied;
                if let Some((_, text)) = after.as_ref().filter(|_| *after != before) {
                    let _ = terminal::copy(text);
                }
            }
            Some(Event::Resize { columns, rows }) => player.resize(columns, rows),
            Some(Event::Signal(Signal::Suspend)) => screen.step_aside(),
            Some(Event::Signal(Signal::Resume)) => screen.back()?,
            Some(Event::Signal(_)) => {
                drop(screen);
                return Err(super::interrupted());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::app::print::fault_text;

    #[test]
    fn the_demo_is_understood_to_its_last_line() {
        assert!(DEMO.len() < 1_000_000, "{} bytes", DEMO.len());
        let demo = demo().unwrap_or_else(|fault| {
            panic!(
                "{}",
                fault_text(&fault, &flinklab_base::advice::Invocation::default())
            )
        });
        assert_eq!(demo.remarks(), Vec::<String>::new());
    }
}
