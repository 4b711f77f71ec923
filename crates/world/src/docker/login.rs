//! Logins at registries, as the Docker client keeps them: in its `config.json`, or in a helper program
//! that is called as the client calls it. The `docker_credential` crate reads the same files, but
//! waits for a helper for ever, and a helper may wait for a person. What is read here goes to the
//! engine and nowhere else: nothing here can be printed.

#[cfg(test)]
mod tests;

use super::context;
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

/// How long a helper may take: some ask a person whether they may.
const HELPER: Duration = Duration::from_secs(30);
/// Bytes of a helper's answer that are read.
const ANSWER: u64 = 64 * 1024;
/// The name under which the login of Docker Hub is kept.
const HUB: &str = "https://index.docker.io/v1/";
/// The name that stands for a token in the place of a password.
const TOKEN: &str = "<token>";

/// What is known of the login at an image's registry.
pub(crate) struct Login {
    /// The registry, as `docker login` takes it; empty for Docker Hub.
    host: String,
    pub(crate) credentials: Option<DockerCredentials>,
    /// Why a login that there may be could not be read.
    trouble: Option<String>,
}

impl Login {
    /// The command that logs in.
    fn command(&self) -> String {
        format!("docker login {}", self.host).trim_end().to_owned()
    }

    /// What to do if the registry refuses.
    pub(crate) fn hint(&self) -> String {
        let command = self.command();
        match (&self.trouble, &self.credentials) {
            (Some(trouble), _) => {
                format!("The Docker client's login could not be used: {trouble}. Try `{command}`.")
            }
            (None, Some(_)) => {
                format!(
                    "The registry refuses the login that the Docker client has: `{command}` again."
                )
            }
            (None, None) => {
                format!("If the image is private, log in with `{command}`; else look at its name.")
            }
        }
    }
}

/// Whether a registry or Docker says that somebody must log in.
pub(crate) fn wants_login(why: &str) -> bool {
    let why = why.to_lowercase();
    [
        "unauthorized",
        "no basic auth credentials",
        "authentication required",
        "access denied",
        "denied:",
        "docker login",
        "401",
        "403",
    ]
    .iter()
    .any(|words| why.contains(words))
}

/// The login for an image, from the client's folder.
pub(super) async fn of(client: Option<&Path>, image: &str) -> Login {
    let host = host(image);
    let server = if host.is_empty() { HUB } else { &host };
    let read = match client {
        Some(folder) => look(folder, server).await,
        None => Ok(None),
    };
    let (credentials, trouble) = match read {
        Ok(found) => (found, None),
        Err(trouble) => {
            tracing::warn!("the login for {server} cannot be read: {trouble}");
            (None, Some(trouble))
        }
    };
    Login {
        credentials: credentials.map(|found| DockerCredentials {
            serveraddress: Some(server.to_owned()),
            ..found
        }),
        trouble,
        host,
    }
}

/// The registry in an image's name; empty for Docker Hub.
fn host(image: &str) -> String {
    let first = image.split_once('/').map_or("", |(first, _)| first);
    let is_host = first.contains(['.', ':']) || first == "localhost";
    match first {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => String::new(),
        host if is_host => host.to_owned(),
        _ => String::new(),
    }
}

async fn look(folder: &Path, server: &str) -> Result<Option<DockerCredentials>, String> {
    let file = folder.join("config.json");
    // Why it cannot be read is said without what stands in it.
    let config = context::read(&file).map_err(|_| format!("{} cannot be read", file.display()))?;
    let Some(config) = config else {
        return Ok(None);
    };
    let text = |value: &Value| {
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let helper = text(&config["credHelpers"][server]).or_else(|| text(&config["credsStore"]));
    match helper {
        Some(helper) => asked(&helper, server).await,
        None => in_file(&config, server),
    }
}

/// An entry of `auths`: the very name, else one that means the same registry.
fn in_file(config: &Value, server: &str) -> Result<Option<DockerCredentials>, String> {
    let Some(all) = config["auths"].as_object() else {
        return Ok(None);
    };
    let entry = all.get(server).or_else(|| {
        let same = |(key, _): &(&String, &Value)| registry(key) == registry(server);
        all.iter().find(same).map(|(_, entry)| entry)
    });
    let Some(entry) = entry else {
        return Ok(None);
    };
    let text = |key: &str| {
        let value = entry[key].as_str().filter(|value| !value.is_empty());
        value.map(str::to_owned)
    };
    let (mut username, mut password) = (text("username"), text("password"));
    if let Some(auth) = text("auth") {
        let (name, secret) = decoded(&auth)
            .ok_or_else(|| format!("the `auth` of {server} in config.json is no login"))?;
        (username, password) = (Some(name), Some(secret));
    }
    let found = DockerCredentials {
        username,
        password,
        identitytoken: text("identitytoken"),
        registrytoken: text("registrytoken"),
        ..DockerCredentials::default()
    };
    let is_login = (found.username.is_some() && found.password.is_some())
        || found.identitytoken.is_some()
        || found.registrytoken.is_some();
    Ok(is_login.then_some(found))
}

/// `name:password` in base64, with or without padding.
fn decoded(auth: &str) -> Option<(String, String)> {
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    let text = String::from_utf8(engine.decode(auth.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.trim_end_matches('\0').to_owned()))
}

/// The host of an entry's name, with or without a scheme and a path.
fn registry(name: &str) -> &str {
    let bare = name
        .strip_prefix("https://")
        .or(name.strip_prefix("http://"));
    let host = bare.unwrap_or(name).split('/').next().unwrap_or_default();
    match host {
        "docker.io" | "registry-1.docker.io" => "index.docker.io",
        host => host,
    }
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// Asks a helper.
async fn asked(helper: &str, server: &str) -> Result<Option<DockerCredentials>, String> {
    if helper.contains(['/', '\\']) {
        return Err(format!("`{helper}` in config.json is no helper's name"));
    }
    called(&format!("docker-credential-{helper}"), server, HELPER).await
}

/// `docker-credential-NAME get`, with the registry on its standard input. Nothing that it writes is
/// repeated: it may be a password.
async fn called(
    program: &str,
    server: &str,
    within: Duration,
) -> Result<Option<DockerCredentials>, String> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{program} cannot be run: {error}"))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
        return Err(format!("{program} cannot be asked"));
    };
    let talk = async {
        // One that does not read may still answer.
        let _ = stdin.write_all(server.as_bytes()).await;
        drop(stdin);
        let mut said = Vec::new();
        let read = stdout.take(ANSWER).read_to_end(&mut said).await;
        read.map_err(|error| format!("{program} cannot be read: {error}"))?;
        let status = child.wait().await;
        status
            .map(|status| (status, said))
            .map_err(|error| format!("{program} cannot be waited for: {error}"))
    };
    let (status, said) = match timeout(within, talk).await {
        Ok(ended) => ended?,
        Err(_) => {
            return Err(format!(
                "{program} did not answer within {} s",
                within.as_secs()
            ));
        }
    };
    if !status.success() {
        // The client's own way to tell that there is none.
        let words = String::from_utf8_lossy(&said);
        return if words.contains("credentials not found") {
            Ok(None)
        } else {
            Err(format!("{program} failed ({status})"))
        };
    }
    let answer: Answer = serde_json::from_slice(&said)
        .map_err(|_| format!("{program} did not answer with a login"))?;
    Ok(match (answer.username, answer.secret) {
        (_, secret) if secret.is_empty() => None,
        (name, secret) if name == TOKEN => Some(DockerCredentials {
            identitytoken: Some(secret),
            ..DockerCredentials::default()
        }),
        (name, secret) => Some(DockerCredentials {
            username: Some(name),
            password: Some(secret),
            ..DockerCredentials::default()
        }),
    })
}

/// The header in which a login goes to the engine.
const HEADER: &str = "X-Registry-Auth";

/// In the alphabet that the engine reads, base64url: bollard writes plain base64, which differs for
/// logins with certain characters, and those the engine would take for no login.
pub(super) fn in_url_alphabet<T>(mut request: http::Request<T>) -> http::Request<T> {
    let plain = request
        .headers()
        .get(HEADER)
        .and_then(|value| value.to_str().ok());
    let value = plain.map(|plain| plain.replace('+', "-").replace('/', "_"));
    if let Some(mut value) = value.and_then(|value| http::HeaderValue::from_str(&value).ok()) {
        value.set_sensitive(true);
        request.headers_mut().insert(HEADER, value);
    }
    request
}
