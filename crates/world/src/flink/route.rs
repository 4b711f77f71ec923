//! The two ways to Flink's REST, and what went wrong on them. One request, one deadline, no retry.

use super::replies::{Said, said};
use crate::watch::ApiLiveness;
use bytes::Bytes;
use flinklab_event::{Pod, PodPhase, Via};
use flinklab_lab::failure::Role;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::{Client as Plain, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::client::Body;
use std::fmt;
use std::time::Duration;
use tokio::time::timeout;

/// Bytes of an answer that are read. Ten checkpoints are 10 kB; a stack trace 35 kB.
const ANSWER: usize = 1 << 20;

/// Both ways.
pub struct Ways {
    /// For the pod proxy. None: there is no usable kubeconfig.
    pub client: Option<kube::Client>,
    /// Of Flink's pods.
    pub namespace: String,
    /// REST in the pod.
    pub port: u16,
    /// The NodePort on the host's loopback.
    pub node_port: Option<u16>,
    plain: Plain<HttpConnector, Empty<Bytes>>,
    /// What the pod proxy says is a sign of life of the API server.
    pulse: ApiLiveness,
}

/// One of the ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// Through the API server to one pod.
    Pod { name: String, uid: String },
    /// Through the node's port to any pod.
    NodePort,
}

/// Why there is no good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Flink answered with an error.
    Flink(String),
    /// The way works up to Flink's door.
    Unreached(String),
    /// The API server is away.
    Api(String),
    /// Nobody said anything in time.
    Silent,
}

/// Whether it is worth asking: its container runs, or may run by now.
pub(super) fn may_answer(pod: &Pod) -> bool {
    pod.role == Role::JobManager
        && pod.phase == PodPhase::Running
        && pod.deleting.is_none()
        && pod.waiting.is_none()
}

impl Route {
    /// As a sample names it.
    pub(super) fn shown(&self) -> (Via, Option<String>) {
        match self {
            Self::Pod { name, .. } => (Via::PodProxy, Some(name.clone())),
            Self::NodePort => (Via::NodePort, None),
        }
    }
}

impl Ways {
    /// No connection is made yet.
    #[must_use]
    pub(crate) fn new(
        client: Option<kube::Client>,
        namespace: String,
        port: u16,
        node_port: Option<u16>,
        pulse: ApiLiveness,
    ) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Duration::from_secs(1)));
        // A kept connection would stay with one JobManager, also with a frozen one.
        let plain = Plain::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Self {
            client,
            namespace,
            port,
            node_port,
            plain,
            pulse,
        }
    }

    /// Asks for a path. `Ok` only where Flink said so.
    pub(super) async fn get(
        &self,
        route: &Route,
        path: &str,
        within: Duration,
    ) -> Result<Bytes, Trouble> {
        let answer = timeout(within, async {
            match route {
                Route::Pod { name, .. } => self.proxied(name, path).await,
                Route::NodePort => self.direct(path).await,
            }
        });
        let answer = answer.await.unwrap_or(Err(Trouble::Silent));
        if let Route::Pod { .. } = route {
            match &answer {
                Ok(_) => self.pulse.alive(),
                // Flink may be what is silent, not the server before it.
                Err(_) => self.pulse.doubt(),
            }
        }
        let (code, body) = answer?;
        if code.is_success() {
            return Ok(body);
        }
        Err(match said(code.as_u16(), &body) {
            Said::Flink(why) => Trouble::Flink(why),
            Said::Between(why) => Trouble::Unreached(why),
        })
    }

    /// `Client::send` and not `request_text`: that one loses the body of an error.
    async fn proxied(&self, pod: &str, path: &str) -> Result<(StatusCode, Bytes), Trouble> {
        let away = |why: String| Trouble::Api(format!("the API server is away: {why}"));
        let Some(client) = &self.client else {
            return Err(away("no kubeconfig".to_owned()));
        };
        let (namespace, port) = (&self.namespace, self.port);
        let uri = format!("/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/{path}");
        let request = Request::get(uri)
            .body(Body::empty())
            .map_err(|error| Trouble::Unreached(error.to_string()))?;
        let response = client
            .send(request)
            .await
            .map_err(|error| away(innermost(&error)))?;
        let code = response.status();
        let body = Limited::new(response.into_body(), ANSWER).collect().await;
        match body {
            Ok(body) => Ok((code, body.to_bytes())),
            Err(error) => Err(Trouble::Unreached(innermost(error.as_ref()))),
        }
    }

    async fn direct(&self, path: &str) -> Result<(StatusCode, Bytes), Trouble> {
        let unreached = |why: String| Trouble::Unreached(format!("NodePort: {why}"));
        let port = self
            .node_port
            .ok_or_else(|| unreached("not published".to_owned()))?;
        let request = Request::get(format!("http://127.0.0.1:{port}/{path}"))
            .body(Empty::new())
            .map_err(|error| unreached(error.to_string()))?;
        let response = self
            .plain
            .request(request)
            .await
            .map_err(|error| unreached(innermost(&error)))?;
        let code = response.status();
        let body = Limited::new(response.into_body(), ANSWER).collect().await;
        match body {
            Ok(body) => Ok((code, body.to_bytes())),
            Err(error) => Err(unreached(innermost(error.as_ref()))),
        }
    }
}

/// The last cause: the ones before it say no more than `client error`.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    crate::clean::message(&cause.to_string())
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flink(why) | Self::Unreached(why) | Self::Api(why) => f.write_str(why),
            Self::Silent => f.write_str("no answer in time"),
        }
    }
}

impl fmt::Debug for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ways")
            .field("namespace", &self.namespace)
            .field("node_port", &self.node_port)
            .finish_non_exhaustive()
    }
}
