//! What is seen without a lab of one's own: recordings and the simulation.

use clap::Args;
use std::path::PathBuf;

/// What `replay` plays, and how.
#[derive(Debug, Clone, Args)]
pub struct Replay {
    /// A file made by --record, or the name of a run of this lab.
    #[arg(
        value_name = "FILE|RUN",
        required_unless_present = "demo",
        conflicts_with = "demo"
    )]
    pub file: Option<PathBuf>,
    /// Play the built-in recording of a real cluster.
    #[arg(long)]
    pub demo: bool,
    /// Playback speed; with --plain, print at this speed instead of at once.
    #[arg(long, value_name = "TIMES", value_parser = speed)]
    pub speed: Option<f64>,
    /// Skip quickly over waits in which nothing happens, and say so; the demo does.
    #[arg(long)]
    pub short: bool,
    /// Stop at this moment, such as `1:30` or `90s`.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<i64>,
    /// Start at this moment; with --svg, the moment to draw.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<i64>,
    /// Draw one screen as an SVG file, light and dark in one.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Columns and rows of the picture.
    #[arg(long, value_name = "WxH", value_parser = size, default_value = "120x40")]
    pub size: (u16, u16),
    /// Keys to press before it is drawn, such as `t`.
    #[arg(long, value_name = "KEYS", default_value = "", requires = "svg")]
    pub keys: String,
    /// Alternative text of the picture.
    #[arg(long, value_name = "TEXT", requires = "svg")]
    pub title: Option<String>,
}

/// What is tried, and how.
#[derive(Debug, Clone, Args)]
pub struct Trying {
    /// Seed of the random timings.
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Divides every duration of the simulation, leases and intervals included.
    #[arg(long, value_name = "TIMES", default_value = "1", value_parser = speed)]
    pub speed: f64,
    /// Any command with its arguments; opens the terminal UI if omitted.
    #[arg(
        value_name = "COMMAND",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub command: Vec<std::ffi::OsString>,
}

fn speed(text: &str) -> Result<f64, String> {
    let text = text.trim_start_matches(['x', '×']);
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && (0.01..=10_000.0).contains(&speed) => Ok(speed),
        _ => Err("a speed is a number such as 4 or 0.5".to_owned()),
    }
}

/// A moment of a recording in microseconds: `90s`, `1m 30s`, `1:30`, `90`.
fn moment(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no moment; write it like 1:30 or 90s");
    let seconds = if text.contains(':') || text.parse::<f64>().is_ok() {
        let mut seconds = 0.0;
        for part in text.split(':') {
            let part: f64 = part.parse().map_err(|_| wrong())?;
            seconds = seconds * 60.0 + part;
        }
        seconds
    } else {
        super::duration(text).map_err(|_| wrong())?.as_secs_f64()
    };
    let fits = (0.0..1e9).contains(&seconds);
    let moment = std::time::Duration::try_from_secs_f64(seconds).ok();
    let moment = moment.filter(|_| fits).ok_or_else(wrong)?;
    i64::try_from(moment.as_micros()).map_err(|_| wrong())
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let parts = text.split_once('x');
    let number = |text: &str| text.parse::<u16>().ok();
    match parts.and_then(|(columns, rows)| Some((number(columns)?, number(rows)?))) {
        Some((columns @ 20..=400, rows @ 5..=200)) => Ok((columns, rows)),
        _ => Err("a size is columns x rows, such as 120x40, up to 400x200".to_owned()),
    }
}
