//! The Kubernetes client as this program needs it: no hidden retries, short deadlines, and errors
//! in words. Builds clients; who may write with one is decided by `gate`.

use super::home::Home;
use flinklab_base::advice;
use flinklab_base::fault::Fault;
use http::{Method, Request};
use kube::client::{Body, ClientBuilder};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, Error};
use std::future::Future;
use std::time::Duration;
use tower::BoxError;
use tower::filter::FilterLayer;

/// How long a connection may take to be made: the server is on this machine.
pub const CONNECT: Duration = Duration::from_secs(3);
/// How long one ordinary request may take.
pub const CALL: Duration = Duration::from_secs(5);
/// A kubeconfig above this is not ours.
const KUBECONFIG_LIMIT: u64 = 256 * 1024;

/// A client for reading: watches, logs, Flink's REST. It carries the same credentials as the
/// writing one, so it lets nothing out that could change the cluster: whoever holds it cannot write,
/// by mistake or otherwise.
pub async fn reading_client(home: &Home) -> Result<Client, Fault> {
    let config = config(&read_kubeconfig(home)?).await?;
    let builder = ClientBuilder::try_from(config).map_err(|error| broken(describe(&error)))?;
    Ok(builder.with_layer(&FilterLayer::new(only_reading)).build())
}

/// Lets a request through that only reads. `exec` and its kin are asked for with GET too, and run
/// whatever they are told.
fn only_reading(request: Request<Body>) -> Result<Request<Body>, BoxError> {
    let path = request.uri().path();
    let runs = ["/exec", "/attach", "/portforward"]
        .iter()
        .any(|end| path.ends_with(end));
    if request.method() == Method::GET && !runs {
        return Ok(request);
    }
    Err(format!(
        "{} {path} was not sent: this part of the program only reads",
        request.method()
    )
    .into())
}

/// The text of our kubeconfig.
pub fn read_kubeconfig(home: &Home) -> Result<String, Fault> {
    use std::io::Read;
    let path = home.kubeconfig();
    home.plain(&home.folder)?;
    home.plain(&path)?;
    let mut text = String::new();
    std::fs::File::open(&path)
        .and_then(|file| file.take(KUBECONFIG_LIMIT).read_to_string(&mut text))
        .map_err(|error| {
            Fault::unable(
                "no-kubeconfig",
                format!("Cannot read the kubeconfig {}.", path.display()),
            )
            .why(error)
            .hint(advice!("Run `flinklab up`: it writes the file again."))
        })?;
    Ok(text)
}

/// A client that may write, from a kubeconfig's text. Its holder is a token of `gate`.
pub(crate) async fn client(kubeconfig: &str) -> Result<Client, Fault> {
    Client::try_from(config(kubeconfig).await?).map_err(|error| broken(describe(&error)))
}

fn broken(why: String) -> Fault {
    Fault::unable("kubeconfig-broken", "The lab's kubeconfig cannot be used.")
        .why(why)
        .hint(advice!("Run `flinklab up`: it writes the file again."))
}

async fn config(kubeconfig: &str) -> Result<Config, Fault> {
    let kubeconfig =
        Kubeconfig::from_yaml(kubeconfig).map_err(|error| broken(error.to_string()))?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| broken(error.to_string()))?;
    // The default retries 503 for minutes, which is what a dead JobManager answers.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    // kube would take HTTPS_PROXY for a server on loopback.
    config.proxy_url = None;
    Ok(config)
}

/// Awaits an answer of the API server for so long and no longer.
pub async fn within<T>(
    limit: Duration,
    doing: &str,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(fault(doing, &error)),
        Err(_) => Err(Fault::unable("api-silent", format!("{doing}: no answer."))
            .why(format!(
                "the API server did not answer within {} s",
                limit.as_secs()
            ))
            .hint(advice!(
                "Run the command again; `flinklab status` shows what is wrong."
            ))),
    }
}

/// What a person is told about a failed request. `doing` says what was asked, without a full stop.
#[must_use]
pub fn fault(doing: &str, error: &Error) -> Fault {
    match error {
        Error::Api(status) if status.code == 401 || status.code == 403 => {
            Fault::unable("api-refused", format!("{doing}: refused."))
        }
        Error::Api(_) => Fault::unable("api-error", format!("{doing}: failed.")),
        _ => Fault::unable(
            "api-unreachable",
            format!("{doing}: the API server is not reachable."),
        )
        .hint(advice!("Run `flinklab up`: it starts what is stopped.")),
    }
    .why(describe(error))
}

/// An error in one line: the server's own sentence where it sent one, else the innermost cause.
#[must_use]
pub fn describe(error: &Error) -> String {
    match error {
        Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        Error::Api(status) => format!("HTTP {} {}", status.code, status.reason),
        other => {
            let mut cause: &dyn std::error::Error = other;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            cause.to_string()
        }
    }
}

/// The HTTP status of an error of the API server.
#[must_use]
pub fn status(error: &Error) -> Option<u16> {
    match error {
        Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// Answers that pass by themselves while an API server comes up: not listening yet, not ready,
/// its own rules not yet in place, a namespace or service account not yet there.
#[must_use]
pub fn passing(error: &Error) -> bool {
    match error {
        Error::Api(status) => {
            matches!(
                status.code,
                401 | 403 | 404 | 409 | 429 | 500 | 502 | 503 | 504
            )
        }
        Error::HyperError(_) | Error::Service(_) => true,
        _ => false,
    }
}
