//! What goes wrong with Docker, in words: its own sentence where it said one, and what helps.

use bollard::errors::Error;
use flinklab_base::fault::Fault;
use std::future::Future;
use std::time::Duration;

/// A call with its deadline; what goes wrong is told in Docker's own words.
pub(crate) async fn call<T>(
    within: Duration,
    doing: &str,
    asked: impl Future<Output = Result<T, Error>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(within, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(failed(doing, &error)),
        Err(_) => Err(late(doing, within)),
    }
}

/// Docker refused or broke off.
pub(crate) fn failed(doing: &str, error: &Error) -> Fault {
    let fault = Fault::unable("docker-failed", format!("{doing} failed."));
    match error {
        Error::DockerResponseServerError { message, .. } => fault.why(message.trim()),
        Error::RequestTimeoutError => fault.why("Docker does not answer in time"),
        error => fault
            .why(root_cause(error))
            .hint("Check that Docker runs (`docker info`), then run the command again."),
    }
}

/// Docker did not answer in time.
pub(crate) fn late(doing: &str, within: Duration) -> Fault {
    Fault::unable("docker-failed", format!("{doing} took too long."))
        .why(format!(
            "Docker did not finish it within {} s",
            within.as_secs()
        ))
        .hint("Check that Docker runs (`docker info`) and that the machine is not overloaded.")
}

/// The HTTP status of an answer.
pub(crate) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Docker's sentence without bollard's frame around it.
pub(crate) fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        error => root_cause(error),
    }
}

/// The innermost reason: the outer ones only say that something failed.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

pub(super) fn no_docker(host: &str, why: impl std::fmt::Display) -> Fault {
    Fault::unable(
        "docker-unreachable",
        format!("Docker is not running or not reachable at {host}."),
    )
    .why(why)
    .hint("Start Docker Desktop or run `systemctl start docker`, then try again.")
}

pub(super) fn unreachable(host: &str, error: &Error) -> Fault {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        let denied = inner
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
        if denied {
            return Fault::unable(
                "docker-forbidden",
                format!("You may not use Docker at {host}."),
            )
            .why("permission denied")
            .hint("Add yourself to the group `docker` and log in again.");
        }
        cause = inner.source();
    }
    if status(error) == Some(403) {
        return Fault::unable(
            "docker-forbidden",
            format!("You may not use Docker at {host}."),
        )
        .why(words(error));
    }
    no_docker(host, words(error))
}
