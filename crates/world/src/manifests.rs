//! Manifests that labs take from elsewhere: fetched once, after a yes, checked against the sum that
//! lab.yaml says, and kept in the home folder beside the labs. What is kept is never asked for again.

use super::Addresses;
use super::flink::innermost;
use super::home::{Source, keep};
use super::open::open as opened;
use super::{World, clean};
use flinklab_base::fault::{Fault, Place};
use flinklab_lab::{LONGEST_REMOTE, Lab, Remote, may_ask, sum};
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use kube::{Client, Config};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// The folder; no instance can be named so.
const FOLDER: &str = ".manifests";
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one manifest may take: a few megabytes over a slow line.
const WHOLE: Duration = Duration::from_secs(120);
/// How often an address may point to another one. A release's file is two steps away.
const REDIRECTS: usize = 5;

/// Where they are kept.
#[must_use]
pub fn folder(addresses: &Addresses) -> PathBuf {
    addresses.home.join(FOLDER)
}

/// The lab of that name or in that folder, with what was fetched for it.
pub fn open(addresses: &Addresses, asked: &str) -> Result<Lab, Fault> {
    Lab::open_with(asked, Some(&folder(addresses)))
}

/// What a lab of that name or in that folder takes from elsewhere and is not here yet.
pub fn wanted_by(addresses: &Addresses, asked: &str) -> Result<Vec<Remote>, Fault> {
    flinklab_lab::wanted(asked, &folder(addresses))
}

/// What the next `up` would have to fetch.
pub fn wanted(world: &World) -> Result<Vec<Remote>, Fault> {
    let asked = match opened(world)?.map(|opened| opened.state.definition.source.clone()) {
        None => world.lab.clone().unwrap_or_else(|| "default".to_owned()),
        Some(Source::Folder(folder)) if folder.is_dir() => folder.display().to_string(),
        // It is built as it was recorded, and its manifests are recorded with it.
        Some(Source::Folder(_) | Source::BuiltIn(_)) => return Ok(Vec::new()),
    };
    wanted_by(&world.addresses, &asked)
}

/// Takes what was fetched for a lab over into another home.
pub fn take_over(from: &Addresses, to: &Addresses, asked: &str) -> Result<(), Fault> {
    let (from, to) = (folder(from), folder(to));
    for one in flinklab_lab::wanted(asked, &to)? {
        if let Ok(bytes) = std::fs::read(one.kept_in(&from)) {
            keep(&one.kept_in(&to), &bytes)?;
        }
    }
    Ok(())
}

/// Fetches manifests and keeps them. The person was asked.
pub async fn fetch(addresses: &Addresses, wanted: &[Remote]) -> Result<(), Fault> {
    for one in wanted {
        let asked = timeout(WHOLE, whole(&one.url)).await;
        let bytes = match asked {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(why)) => return Err(unreached(one, &why)),
            Err(_) => {
                let why = format!("it took longer than {} s", WHOLE.as_secs());
                return Err(unreached(one, &why));
            }
        };
        let is = sum(&bytes);
        if is != one.sha256 {
            let what = format!("What {} gives is not the manifest that is meant.", one.url);
            let fault = Fault::wrong("manifest-differs", what)
                .why(format!("its SHA-256 is {is}, lab.yaml says {}", one.sha256))
                .hint("Nothing was kept. Look at what is there now before you write its sum.");
            return Err(placed(fault, one.at_sum.as_ref()));
        }
        if std::str::from_utf8(&bytes).is_err() {
            let what = format!("What {} gives is no text.", one.url);
            let fault = Fault::wrong("manifest-invalid", what).hint("A manifest is YAML.");
            return Err(placed(fault, one.at_url.as_ref()));
        }
        keep(&one.kept_in(&folder(addresses)), &bytes)?;
    }
    Ok(())
}

fn unreached(remote: &Remote, why: &str) -> Fault {
    let what = format!(
        "The manifest `{}` could not be fetched from {}.",
        remote.file, remote.url
    );
    let fault = Fault::unable("manifest-unreachable", what)
        .why(why)
        .hint(format!(
            "Run the command again. Where only a proxy leads out, fetch it yourself and put it into \
             the lab's folder as `{}`: its sum is checked all the same.",
            remote.file
        ));
    placed(fault, remote.at_url.as_ref())
}

fn placed(fault: Fault, place: Option<&Place>) -> Fault {
    match place {
        Some(place) => fault.at(place.file.clone(), place.line, place.column),
        None => fault,
    }
}

/// All bytes behind an address, or why not.
async fn whole(url: &str) -> Result<Vec<u8>, String> {
    let mut url = url.to_owned();
    for _ in 0..=REDIRECTS {
        match once(&url).await? {
            Answer::Whole(bytes) => return Ok(bytes),
            Answer::Elsewhere(next) if may_ask(&next) => url = next,
            Answer::Elsewhere(next) => {
                return Err(format!(
                    "it points to {}, which is not https",
                    clean::message(&next)
                ));
            }
        }
    }
    Err(format!("it points elsewhere more than {REDIRECTS} times"))
}

enum Answer {
    Whole(Vec<u8>),
    Elsewhere(String),
}

/// The answers that say where something is now. Others in the three hundreds say something else.
const REDIRECTIONS: [StatusCode; 5] = [
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::FOUND,
    StatusCode::SEE_OTHER,
    StatusCode::TEMPORARY_REDIRECT,
    StatusCode::PERMANENT_REDIRECT,
];

/// Where a redirection leads, which may be said relative to where it came from (RFC 3986, 5).
fn elsewhere(from: &str, next: &str) -> Result<String, String> {
    let joined = Url::parse(from).and_then(|from| from.join(next));
    let mut joined = joined.map_err(|error| {
        format!(
            "it points to `{}`, which is no address: {error}",
            clean::message(next)
        )
    })?;
    // A fragment is for who reads it, and is never sent.
    joined.set_fragment(None);
    Ok(joined.into())
}

/// One request. kube's client is the one here that speaks TLS with the machine's own trust.
async fn once(url: &str) -> Result<Answer, String> {
    let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    let server = Uri::from_parts(parts).map_err(|error| error.to_string())?;
    let mut config = Config::new(server);
    config.connect_timeout = Some(CONNECT);
    config.default_retry = false;
    let client = Client::try_from(config).map_err(|error| innermost(&error))?;
    let request = Request::get(path)
        .header(header::USER_AGENT, "flinklab")
        .body(Body::empty())
        .map_err(|error| error.to_string())?;
    let response = client
        .send(request)
        .await
        .map_err(|error| innermost(&error))?;
    let code = response.status();
    if REDIRECTIONS.contains(&code) {
        let next = response.headers().get(header::LOCATION);
        let next = next.and_then(|next| next.to_str().ok());
        let next = next.ok_or_else(|| format!("it answers {code} without an address"))?;
        return elsewhere(url, next).map(Answer::Elsewhere);
    }
    if code != StatusCode::OK {
        return Err(format!("it answers {code}"));
    }
    let limit = usize::try_from(LONGEST_REMOTE).unwrap_or(usize::MAX);
    let body = Limited::new(response.into_body(), limit).collect().await;
    let body = body.map_err(|error| innermost(error.as_ref()))?;
    Ok(Answer::Whole(body.to_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::stub::beside;
    use axum::Router;
    use axum::http::HeaderMap;
    use axum::routing::get;

    #[test]
    fn a_redirection_is_resolved_as_a_browser_does_it() {
        for (next, leads) in [
            (
                "https://other.example/b.yaml",
                "https://other.example/b.yaml",
            ),
            ("//mirror.example/b.yaml", "https://mirror.example/b.yaml"),
            ("/b.yaml?x=1", "https://example.org:8443/b.yaml?x=1"),
            ("b.yaml", "https://example.org:8443/a/b/b.yaml"),
            ("../b.yaml#top", "https://example.org:8443/a/b.yaml"),
            ("?x=2", "https://example.org:8443/a/b/c.yaml?x=2"),
            ("", "https://example.org:8443/a/b/c.yaml?c"),
        ] {
            let from = "https://example.org:8443/a/b/c.yaml?c#d";
            assert_eq!(elsewhere(from, next).unwrap(), leads, "{next}");
        }
        let why = elsewhere("https://example.org/", "https://[").unwrap_err();
        assert!(why.contains("which is no address"), "{why}");
        for next in [
            "http://example.org/a",
            "ftp://example.org/a",
            "file:///etc/passwd",
        ] {
            let leads = elsewhere("https://example.org/", next).unwrap();
            assert!(!may_ask(&leads), "{leads}");
        }
    }

    fn server() -> Router {
        let to = |code: u16, location: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LOCATION, location.parse().unwrap());
            (StatusCode::from_u16(code).unwrap(), headers, "not this")
        };
        Router::new()
            .route("/deep/start", get(async move || to(302, "../side#part")))
            .route("/side", get(async move || to(307, "end?x=/side")))
            .route("/end", get(async || "kind: List"))
            .route("/choices", get(async move || to(300, "/end")))
            .route("/unchanged", get(async move || to(304, "/end")))
            .route("/round", get(async move || to(301, "round")))
    }

    #[tokio::test]
    async fn redirections_are_followed_and_other_answers_are_not() {
        beside(server(), async |server| {
            let found = whole(&format!("http://{server}/deep/start")).await;
            assert_eq!(found.unwrap(), b"kind: List");
            for (path, says) in [
                ("choices", "it answers 300"),
                ("unchanged", "it answers 304"),
                ("round", "it points elsewhere more than 5 times"),
            ] {
                let why = whole(&format!("http://{server}/{path}")).await.unwrap_err();
                assert!(why.starts_with(says), "{path}: {why}");
            }
        })
        .await;
    }
}
