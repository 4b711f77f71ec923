//! Logins from files and helpers, and their way to a registry that wants one.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::Addresses;
use crate::docker::Docker;
use crate::images;
use crate::stub::beside;
use axum::Router;
use axum::extract::{Query, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use flinklab_base::advice::Invocation;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// A password whose base64 has the characters that differ between the two alphabets.
const PASSWORD: &str = "s3>cr?t~~~>>>???";

fn client(config: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    folder
}

fn auth(name: &str, password: &str) -> String {
    STANDARD.encode(format!("{name}:{password}"))
}

/// A program, written by another process: one that this process has open cannot be started.
fn program(folder: &TempDir, name: &str, script: &str) -> PathBuf {
    let path = folder.path().join(name);
    let written = std::process::Command::new("sh")
        .args([
            "-c",
            "printf '%s' \"$2\" > \"$1\" && chmod 700 \"$1\"",
            "sh",
        ])
        .args([path.to_str().unwrap(), &format!("#!/bin/sh\n{script}\n")])
        .status();
    assert!(written.unwrap().success());
    path
}

#[tokio::test]
async fn entries_of_the_clients_file_are_found_by_whatever_names_their_registry() {
    let config = serde_json::json!({"auths": {
        "https://index.docker.io/v1/": {"auth": auth("hub", "p:1")},
        "https://reg.example/v2/": {"username": "u", "password": "p"},
        "localhost:5000": {"auth": auth("local", PASSWORD).trim_end_matches('=')},
        "token.example": {"auth": "", "identitytoken": "tok"},
        "empty.example": {},
    }});
    let folder = client(&config);
    let found = async |image: &str| {
        let login = of(Some(folder.path()), image).await;
        assert!(login.trouble.is_none(), "{image}");
        login.credentials.map(|found| {
            let who = found.username.or(found.identitytoken).unwrap_or_default();
            (
                who,
                found.password.unwrap_or_default(),
                found.serveraddress.unwrap(),
            )
        })
    };
    let is = |who: &str, password: &str, server: &str| {
        Some((who.to_owned(), password.to_owned(), server.to_owned()))
    };
    for image in ["flink:2.3.0", "apache/flink", "docker.io/library/flink:1"] {
        assert_eq!(found(image).await, is("hub", "p:1", HUB), "{image}");
    }
    assert_eq!(
        found("reg.example/a/b:1").await,
        is("u", "p", "reg.example")
    );
    assert_eq!(
        found("localhost:5000/x").await,
        is("local", PASSWORD, "localhost:5000")
    );
    assert_eq!(
        found("token.example/x").await,
        is("tok", "", "token.example")
    );
    for image in ["empty.example/x", "other.example/x"] {
        assert_eq!(found(image).await, None, "{image}");
    }
    assert!(of(None, "flink").await.credentials.is_none());
}

#[tokio::test]
async fn a_helper_is_asked_as_the_client_asks_it() {
    let folder = tempfile::tempdir().unwrap();
    let within = Duration::from_secs(20);
    let script = r#"[ "$1" = get ] || exit 9
read -r server
printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}' "$server" "$server" pass"#;
    let good = program(&folder, "docker-credential-good", script);
    let found = called(good.to_str().unwrap(), "reg.example", within).await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.username.as_deref(), Some("reg.example"));
    assert_eq!(found.password.as_deref(), Some("pass"));

    let token = program(
        &folder,
        "docker-credential-token",
        r#"printf '{"Username":"<token>","Secret":"tok"}'"#,
    );
    let found = called(token.to_str().unwrap(), "r", within).await;
    assert_eq!(
        found.unwrap().unwrap().identitytoken.as_deref(),
        Some("tok")
    );

    let none = program(
        &folder,
        "docker-credential-none",
        "echo credentials not found in native keychain; exit 1",
    );
    assert!(
        called(none.to_str().unwrap(), "r", within)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_helper_that_fails_hangs_or_is_not_there_is_told_without_its_words() {
    let folder = tempfile::tempdir().unwrap();
    for (name, script, told) in [
        ("bad", "echo topsecret; exit 3", "failed (exit status: 3)"),
        ("odd", "echo topsecret", "did not answer with a login"),
        ("slow", "exec sleep 1000", "did not answer within 0 s"),
    ] {
        let path = program(&folder, name, script);
        let within = if name == "slow" {
            Duration::from_millis(200)
        } else {
            HELPER
        };
        let Err(why) = called(path.to_str().unwrap(), "r", within).await else {
            panic!("{name}");
        };
        assert!(why.contains(told) && !why.contains("topsecret"), "{why}");
    }
    let config =
        serde_json::json!({"credsStore": "not-there", "credHelpers": {"r.example": "../x"}});
    let folder = client(&config);
    let login = of(Some(folder.path()), "flink").await;
    let hint = login.hint();
    assert!(
        hint.starts_with(
            "The Docker client's login could not be used: docker-credential-not-there cannot be run"
        ) && hint.ends_with("Try `docker login`."),
        "{hint}"
    );
    let login = of(Some(folder.path()), "r.example/x").await;
    assert!(login.trouble.unwrap().contains("no helper's name"));
}

/// A registry that wants a name and a password, as registries ask for them.
fn registry_double() -> Router {
    let wanted = format!("Basic {}", auth("ann", PASSWORD));
    Router::new().fallback(get(move |headers: HeaderMap| async move {
        if headers
            .get("authorization")
            .is_some_and(|sent| *sent == *wanted)
        {
            return (StatusCode::OK, "{}").into_response();
        }
        let ask = [("www-authenticate", "Basic realm=\"double\"")];
        (StatusCode::UNAUTHORIZED, ask, "{}").into_response()
    }))
}

/// What the registry says to a name and a password.
async fn registry_says(registry: &str, login: Option<String>) -> u16 {
    let mut stream = TcpStream::connect(registry).await.unwrap();
    let login = login.map_or(String::new(), |login| {
        format!("Authorization: Basic {login}\r\n")
    });
    let ask =
        format!("GET /v2/x/manifests/1 HTTP/1.1\r\nHost: r\r\nConnection: close\r\n{login}\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// An engine that pulls with the login that it is sent, read as Docker's own engine reads it.
fn engine_double() -> Router {
    Router::new()
        .route("/version", get(|| async { r#"{"ApiVersion": "1.44"}"# }))
        .fallback(|request: Request| async move {
            // With or without a version in front.
            if !request.uri().path().ends_with("/images/create") {
                return (StatusCode::NOT_FOUND, r#"{"message": "No such image"}"#);
            }
            let Query(query): Query<BTreeMap<String, String>> =
                Query::try_from_uri(request.uri()).unwrap();
            let registry = query["fromImage"].split('/').next().unwrap().to_owned();
            let sent = request.headers().get(HEADER);
            let sent = sent.and_then(|sent| URL_SAFE.decode(sent.as_bytes()).ok());
            let sent: Option<Value> = sent.map(|sent| serde_json::from_slice(&sent).unwrap());
            let is_there = sent.is_some();
            let login = sent.map(|sent| {
                let text = |key: &str| sent[key].as_str().unwrap().to_owned();
                auth(&text("username"), &text("password"))
            });
            match (registry_says(&registry, login).await, is_there) {
                (200, _) => (StatusCode::OK, "{\"status\": \"pulled\"}\n"),
                (_, true) => (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    r#"{"message": "unauthorized: authentication required"}"#,
                ),
                (_, false) => (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    r#"{"message": "Head \"http://r/v2/x/manifests/1\": no basic auth credentials"}"#,
                ),
            }
        })
}

#[tokio::test]
async fn a_registry_that_wants_a_password_gets_the_one_of_the_client_and_no_other() {
    beside(registry_double(), async |registry| {
        beside(engine_double(), async |engine| {
            for (password, told) in [
                // It was pulled: the double keeps no image.
                (Some(PASSWORD), "yet Docker does not have it"),
                (Some("wrong"), "unauthorized"),
                (None, "no basic auth credentials"),
            ] {
                let entry = password.map(|password| auth("ann", password));
                let config = match entry {
                    Some(entry) => serde_json::json!({"auths": {&registry: {"auth": entry}}}),
                    None => serde_json::json!({}),
                };
                let folder = client(&config);
                let addresses = Addresses {
                    docker: Some(format!("tcp://{engine}")),
                    docker_config: Some(folder.path().to_owned()),
                    ..Addresses::new("", "")
                };
                let docker = Docker::connect(&addresses).await.unwrap();
                let image = format!("{registry}/x:1");
                let fault = images::ensure(&docker, &image, |_| {}).await.unwrap_err();
                assert!(fault.why.contains(told), "{password:?}: {fault}");
                let said = format!("{fault} {fault:?} {docker:?}");
                assert!(!said.contains(password.unwrap_or("wrong")), "{said}");
                let hint = Invocation::default().advise(&fault.hint);
                let command = format!("`docker login {registry}`");
                match password {
                    Some(PASSWORD) => {}
                    Some(_) => assert!(
                        hint.contains("refuses the login") && hint.contains(&command),
                        "{hint}"
                    ),
                    None => assert!(hint.contains(&format!("log in with {command}")), "{hint}"),
                }
            }
        })
        .await;
    })
    .await;
}
