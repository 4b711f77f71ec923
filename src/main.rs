//! Reads the command line and the environment, lets `app` do the rest, ends with its exit code.
//! The only place that looks at the environment.

use clap::Parser;
use flinklab::app::{self, Environment};
use flinklab::cli::Cli;
use std::io::IsTerminal;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
    let environment = Environment {
        clock: variable("FLINKLAB_CLOCK").map(|value| value.to_string_lossy().into_owned()),
        docker_host: text("DOCKER_HOST"),
        docker_context: text("DOCKER_CONTEXT"),
        docker_config: variable("DOCKER_CONFIG").map(Into::into),
        data_home: variable("XDG_DATA_HOME").map(Into::into),
        config_home: variable("XDG_CONFIG_HOME").map(Into::into),
        home: variable("FLINKLAB_HOME").map(Into::into),
        config: variable("FLINKLAB_CONFIG").map(Into::into),
        user_home: std::env::home_dir(),
        proxies: ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]
            .iter()
            .filter_map(|name| {
                let value = text(name).or_else(|| text(&name.to_lowercase()))?;
                Some(((*name).to_owned(), value))
            })
            .collect(),
        colours: variable("NO_COLOR").is_none(),
        many_colours: variable("COLORTERM").is_some()
            || text("TERM").is_some_and(|term| term.contains("256color")),
        dumb: text("TERM").is_none_or(|term| term == "dumb"),
        working: std::env::current_dir().ok(),
        temporary: std::env::temp_dir(),
        crashes: None,
        origin: Default::default(),
        terminal: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
    };
    ExitCode::from(app::run(&cli, &environment))
}
