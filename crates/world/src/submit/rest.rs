//! Flink's REST of one JobManager through the API server's pod proxy. Keeps status and body apart:
//! kube's own calls lose what Flink says in an error.

use crate::kube::describe;
use bytes::Bytes;
use flinklab_base::text;
use flinklab_lab::Lab;
use http::{Method, Request};
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// An answer above this is cut off as an error.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;
/// How much of an error a person is shown.
const SHOWN: usize = 300;

/// The REST of one JobManager.
#[derive(Clone)]
pub struct Rest {
    client: Client,
    base: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// 2xx with its JSON.
    Good(Value),
    /// Another status, with what Flink or the proxy says about it.
    Bad(u16, String),
    /// No answer.
    Silent(String),
}

impl Rest {
    /// The REST of a JobManager's pod.
    #[must_use]
    pub fn new(client: &Client, lab: &Lab, pod: &str) -> Self {
        Self {
            client: client.clone(),
            base: format!(
                "/api/v1/namespaces/{}/pods/{pod}:{}/proxy",
                lab.flink.namespace, lab.flink.rest.port
            ),
        }
    }

    /// Asks.
    pub async fn get(&self, path: &str, limit: Duration) -> Answer {
        self.send(Method::GET, path, "application/json", Bytes::new(), limit)
            .await
    }

    /// Sends a body.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: Bytes,
        limit: Duration,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(http::header::CONTENT_TYPE, content_type)
            .header(http::header::CONTENT_LENGTH, body.len())
            .body(Body::from(body));
        let request = match request {
            Ok(request) => request,
            Err(error) => return Answer::Silent(error.to_string()),
        };
        let call = async {
            let response = match self.client.send(request).await {
                Ok(response) => response,
                Err(error) => return Answer::Silent(describe(&error)),
            };
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_LIMIT)
                .collect()
                .await;
            let body = match body {
                Ok(body) => body.to_bytes(),
                Err(error) => return Answer::Silent(error.to_string()),
            };
            if !status.is_success() {
                return Answer::Bad(status.as_u16(), sentence(&body));
            }
            match serde_json::from_slice(&body) {
                Ok(value) => Answer::Good(value),
                Err(_) => Answer::Bad(status.as_u16(), sentence(&body)),
            }
        };
        match tokio::time::timeout(limit, call).await {
            Ok(answer) => answer,
            Err(_) => Answer::Silent(format!("no answer within {} s", limit.as_secs())),
        }
    }
}

impl Answer {
    /// The JobManager is up, but nobody leads yet.
    #[must_use]
    pub fn is_election(&self) -> bool {
        matches!(self, Self::Bad(503, text) if text.contains("leader election"))
    }

    /// Whether asking again cannot help: Flink understood and refuses.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Bad(400 | 405 | 409 | 413, _))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good(_) => f.write_str("it answers"),
            Self::Bad(status, text) if text.is_empty() => write!(f, "HTTP {status}"),
            Self::Bad(status, text) => write!(f, "HTTP {status}: {text}"),
            Self::Silent(why) => f.write_str(why),
        }
    }
}

/// The first line of Flink's `errors`, the API server's `message`, or the plain text.
fn sentence(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let errors = value["errors"].as_array().into_iter().flatten();
    let mut texts = errors.filter_map(Value::as_str);
    // Flink puts a headline before the stack trace; the last `Caused by` says why.
    let told = texts.next_back().or_else(|| value["message"].as_str());
    let plain = String::from_utf8_lossy(body);
    let text = told.unwrap_or(plain.as_ref());
    let cause = text.rsplit("Caused by: ").next().unwrap_or(text);
    let line = cause.lines().next().unwrap_or_default();
    line.chars()
        .filter(|letter| !text::harms(*letter))
        .take(SHOWN)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_its_innermost_cause() {
        let flink = br#"{"errors":["Internal server error.","<Exception on server side:\norg.a.B: x\n\tat y\nCaused by: org.c.D: no slots\n\tat z\nEnd of exception on server side>"]}"#;
        assert_eq!(sentence(flink), "org.c.D: no slots");
        let api = br#"{"kind":"Status","message":"error trying to reach service: dial tcp: connection refused","code":503}"#;
        assert_eq!(
            sentence(api),
            "error trying to reach service: dial tcp: connection refused"
        );
        assert_eq!(sentence(b"plain \x1b[31mtext\nmore"), "plain [31mtext");
    }
}
