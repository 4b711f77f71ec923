//! What the environment says, as values: `main` fills it, nothing else reads the environment.

use crate::cli::Global;
use flinklab_base::advice::Invocation;
use flinklab_base::fault::Fault;
use flinklab_event::Origin;
use flinklab_event::recording::Private;
use flinklab_world::Addresses;
use std::path::{Path, PathBuf};

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `FLINKLAB_CLOCK`: tests let a simulated lab and this program live faster than the wall clock.
    pub clock: Option<String>,
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// `DOCKER_CONFIG`.
    pub docker_config: Option<PathBuf>,
    /// `XDG_DATA_HOME`.
    pub data_home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `FLINKLAB_CONFIG`.
    pub config: Option<PathBuf>,
    /// `FLINKLAB_HOME`.
    pub home: Option<PathBuf>,
    /// The user's home folder.
    pub user_home: Option<PathBuf>,
    /// Proxy variables under their upper-case names.
    pub proxies: Vec<(String, String)>,
    /// `NO_COLOR` is not set.
    pub colours: bool,
    /// `TERM` or `COLORTERM` promises 256 colours or more.
    pub many_colours: bool,
    /// `TERM` is `dumb` or missing.
    pub dumb: bool,
    /// The folder in which the command was given.
    pub working: Option<PathBuf>,
    /// Where short-lived files go.
    pub temporary: PathBuf,
    /// The folder in which panics are kept, where the home folder does not last.
    pub crashes: Option<PathBuf>,
    /// What answers at these addresses.
    pub origin: Origin,
    /// Standard input and output are a terminal.
    pub terminal: bool,
}

impl Environment {
    /// What other commands must repeat to act on the same lab: all that no variable tells them.
    pub(super) fn called(&self, global: &Global) -> Invocation {
        let home = global
            .home
            .as_ref()
            .filter(|home| self.home.as_ref() != Some(home));
        Invocation {
            name: global.name.clone(),
            lab: global.lab.clone(),
            home: home.cloned(),
        }
    }

    /// What a recording made here leaves out.
    pub(super) fn private(&self, addresses: &Addresses, lab: Option<&str>) -> Private {
        let working = self.working.as_deref();
        // a built-in lab is named, another is a folder
        let folder = lab.filter(|lab| lab.contains('/'));
        let lab = folder.map(|folder| match working {
            Some(working) => working.join(folder.trim_start_matches("./")),
            None => PathBuf::from(folder),
        });
        let config = addresses.config.parent().map(Path::to_owned);
        let places = [
            (Some(addresses.home.clone()), "$FLINKLAB_HOME"),
            (lab, "$LAB"),
            (config, "$CONFIG"),
            (working.map(Path::to_owned), "$PWD"),
            (Some(self.temporary.clone()), "$TMPDIR"),
        ];
        let places: Vec<(String, &'static str)> = places
            .into_iter()
            .filter_map(|(place, shown)| Some((place?.to_str()?.to_owned(), shown)))
            .collect();
        let places: Vec<(&str, &'static str)> = places
            .iter()
            .map(|(place, shown)| (place.as_str(), *shown))
            .collect();
        let user_home = self.user_home.as_ref().and_then(|home| home.to_str());
        Private::new(&places, user_home)
    }

    /// Where everything is: flag before environment before the platform's folders.
    pub(super) fn addresses(&self, global: &Global) -> Result<Addresses, Fault> {
        let home = match (&global.home, &self.data_home, &self.user_home) {
            (Some(home), _, _) => home.clone(),
            (None, Some(data), _) if data.is_absolute() => data.join("flinklab"),
            (None, _, Some(user)) if cfg!(target_os = "macos") => {
                user.join("Library/Application Support/flinklab")
            }
            (None, _, Some(user)) => user.join(".local/share/flinklab"),
            (None, _, None) => {
                return Err(Fault::unable(
                    "no-home",
                    "There is no home folder to keep the lab in.",
                )
                .why("HOME is not set")
                .hint("Set FLINKLAB_HOME to a folder on a local disk."));
            }
        };
        let home = std::path::absolute(&home).map_err(|error| {
            Fault::unable("no-home", format!("Cannot use {} as home.", home.display())).why(error)
        })?;
        let config = match (
            global.config.as_ref().or(self.config.as_ref()),
            &self.config_home,
            &self.user_home,
        ) {
            (Some(file), _, _) => file.clone(),
            (None, Some(folder), _) if folder.is_absolute() => folder.join("flinklab/config.toml"),
            (None, _, Some(user)) => user.join(".config/flinklab/config.toml"),
            (None, _, None) => home.join("config.toml"),
        };
        Ok(Addresses {
            docker: self.docker_host.clone(),
            docker_context: self.docker_context.clone(),
            docker_config: self
                .docker_config
                .clone()
                .or_else(|| self.user_home.as_ref().map(|user| user.join(".docker"))),
            home,
            config,
            proxies: self.proxies.clone(),
        })
    }
}
