//! Which Docker is meant when nobody says: the client's current context, else the platform's
//! socket. Reads the client's files and changes none.

use crate::Addresses;
use flinklab_base::fault::Fault;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::Path;

/// The platform's own socket.
const PLATFORM: &str = if cfg!(windows) {
    "npipe:////./pipe/docker_engine"
} else {
    "unix:///var/run/docker.sock"
};

/// The address of the Docker that the `docker` command would talk to.
pub(super) fn host(addresses: &Addresses) -> Result<String, Fault> {
    if let Some(host) = &addresses.docker {
        return Ok(host.clone());
    }
    let Some(folder) = &addresses.docker_config else {
        return Ok(PLATFORM.to_owned());
    };
    let file = folder.join("config.json");
    let named = match &addresses.docker_context {
        Some(context) => Some(context.clone()),
        None => {
            read(&file)?.and_then(|config| Some(config.get("currentContext")?.as_str()?.to_owned()))
        }
    };
    match named.as_deref() {
        None | Some("" | "default") => Ok(PLATFORM.to_owned()),
        Some(context) => of_context(folder, context),
    }
}

fn of_context(folder: &Path, context: &str) -> Result<String, Fault> {
    let hash = Sha256::digest(context.as_bytes())
        .iter()
        .fold(String::new(), |mut hex, byte| {
            // Writing into a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
    let file = folder.join("contexts/meta").join(hash).join("meta.json");
    let broken = |why: &str| {
        Fault::unable(
            "docker-unreachable",
            format!("The Docker context `{context}` cannot be used."),
        )
        .why(why)
        .hint("Choose another with `docker context use`, or set DOCKER_HOST.")
    };
    let meta = read(&file)?.ok_or_else(|| broken(&format!("there is no {}", file.display())))?;
    meta.pointer("/Endpoints/docker/Host")
        .and_then(Value::as_str)
        .filter(|host| !host.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| broken("it names no Docker host"))
}

/// A JSON file of the Docker client. None: there is none.
pub(super) fn read(file: &Path) -> Result<Option<Value>, Fault> {
    let unusable = |why: String| {
        Fault::unable(
            "docker-config",
            format!(
                "The Docker client's file {} cannot be read.",
                file.display()
            ),
        )
        .why(why)
        .hint("Mend the file, or set DOCKER_HOST.")
    };
    match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| unusable(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(error.to_string())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn addresses(folder: &Path) -> Addresses {
        Addresses {
            docker_config: Some(folder.to_owned()),
            ..Addresses::new(folder, folder)
        }
    }

    #[test]
    fn a_given_host_wins() {
        let folder = tempfile::tempdir().unwrap();
        let mut given = addresses(folder.path());
        given.docker = Some("tcp://127.0.0.1:1".to_owned());
        given.docker_context = Some("other".to_owned());
        assert_eq!(host(&given).unwrap(), "tcp://127.0.0.1:1");
    }

    #[test]
    fn without_files_it_is_the_platform_socket() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(host(&addresses(folder.path())).unwrap(), PLATFORM);
    }

    #[test]
    fn the_current_context_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let meta = folder.path().join(
            // SHA-256 of "colima".
            "contexts/meta/f24fd3749c1368328e2b149bec149cb6795619f244c5b584e844961215dadd16",
        );
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name":"colima","Endpoints":{"docker":{"Host":"unix:///home/u/.colima/docker.sock"}}}"#,
        )
        .unwrap();
        std::fs::write(
            folder.path().join("config.json"),
            r#"{"currentContext":"colima"}"#,
        )
        .unwrap();
        let found = host(&addresses(folder.path())).unwrap();
        assert_eq!(found, "unix:///home/u/.colima/docker.sock");
        let mut named = addresses(folder.path());
        named.docker_context = Some("gone".to_owned());
        assert_eq!(host(&named).unwrap_err().code, "docker-unreachable");
        named.docker_context = Some("default".to_owned());
        assert_eq!(host(&named).unwrap(), PLATFORM);
    }
}
