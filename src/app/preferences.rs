//! Flag before environment before file: what the settings say, judged by those who own the words,
//! and put where it counts.

use super::Environment;
use crate::cli::Global;
use flinklab_base::fault::{Fault, Place};
use flinklab_event::Key;
use flinklab_model::LogLimits;
use flinklab_tui::{Colours, Glyphs, Keymap, Looks, Scope, ThemeName};
use flinklab_world::Addresses;
use flinklab_world::settings;
use flinklab_world::settings::{Rebound, Settings, Wanted, Word, wrong};
use std::sync::Arc;

/// Everything that a person may prefer.
#[derive(Debug, Clone)]
pub(super) struct Preferences {
    pub(super) looks: Looks,
    pub(super) keys: Arc<Keymap>,
    pub(super) log: LogLimits,
    pub(super) refresh: settings::Refresh,
}

impl Preferences {
    /// Reads the settings; a wrong word ends the command before it begins.
    pub(super) fn read(
        global: &Global,
        environment: &Environment,
        addresses: &Addresses,
    ) -> Result<Self, Fault> {
        let named = global.config.is_some() || environment.config.is_some();
        let wanted = if named { Wanted::Named } else { Wanted::Usual };
        let settings = settings::open(&addresses.config, wanted)?;
        let usual = LogLimits::default();
        Ok(Self {
            looks: looks(global, environment, &settings)?,
            keys: Arc::new(keys(&settings.keys)?),
            log: LogLimits {
                lines: settings.log.lines.unwrap_or(usual.lines),
                output: settings.log.output.unwrap_or(usual.output),
                bytes: settings.log.bytes.unwrap_or(usual.bytes),
            },
            refresh: settings.refresh,
        })
    }
}

/// What this terminal can show, and what is wanted of it.
fn looks(global: &Global, environment: &Environment, settings: &Settings) -> Result<Looks, Fault> {
    let theme = match (&global.theme, &settings.theme) {
        (Some(theme), _) => named(theme).map_err(|what| Fault::wrong("wrong-theme", what))?,
        (None, Some(Word { text, place })) => named(text).map_err(|what| wrong(place, what))?,
        (None, None) => ThemeName::default(),
    };
    let colours = if global.no_color || !environment.colours || environment.dumb {
        Colours::None
    } else if environment.many_colours {
        Colours::Many
    } else {
        Colours::Sixteen
    };
    let ascii = global.ascii || environment.dumb || settings.ascii == Some(true);
    Ok(Looks {
        theme,
        colours,
        glyphs: if ascii {
            Glyphs::Ascii
        } else {
            Glyphs::Unicode
        },
        zone: jiff::tz::TimeZone::system(),
    })
}

fn named(theme: &str) -> Result<ThemeName, String> {
    theme.parse().map_err(|what: String| format!("{what}."))
}

/// The usual keys with what the settings change; two actions on one key are refused by name.
fn keys(rebound: &[Rebound]) -> Result<Keymap, Fault> {
    let mut keys = Keymap::default();
    let mut last: Option<&Place> = None;
    for one in rebound {
        let scope = scope(&one.scope)?;
        let mut read = Vec::new();
        for key in &one.keys {
            let parsed: Result<Key, String> = key.text.parse();
            read.push(parsed.map_err(|what| wrong(&key.place, format!("{what}.")))?);
        }
        keys.rebind(scope, &one.action.text, read)
            .map_err(|what| wrong(&one.action.place, format!("{what}.")))?;
        last = Some(&one.action.place);
    }
    match (keys.clash(), last) {
        (Some(clash), Some(last)) => {
            // The line that brought it about: the last one that names either action.
            let about = |one: &&Rebound| {
                [clash.one, clash.other].iter().any(|(scope, action)| {
                    one.scope.text == scope.name() && one.action.text == *action
                })
            };
            let place = rebound.iter().rev().find(about);
            let place = place.map_or(last, |one| &one.action.place);
            Err(wrong(place, format!("Two actions on one key: {clash}."))
                .hint("Give one of them another key."))
        }
        _ => Ok(keys),
    }
}

fn scope(word: &Word) -> Result<Scope, Fault> {
    let found = Scope::all()
        .into_iter()
        .find(|scope| scope.name() == word.text);
    found.ok_or_else(|| {
        let all: Vec<&str> = Scope::all().into_iter().map(Scope::name).collect();
        let all = all.join(", ");
        wrong(
            &word.place,
            format!(
                "There are no keys of `{}`; there are those of {all}.",
                word.text
            ),
        )
    })
}
