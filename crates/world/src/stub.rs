//! A server that a test makes up, there for as long as the test goes on.

#![allow(clippy::unwrap_used)]

use axum::Router;
use tokio::net::TcpListener;

/// Runs a test beside a server on loopback; it is given the server's address and port.
pub(crate) async fn beside<T>(router: Router, test: impl AsyncFnOnce(String) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = axum::serve(listener, router);
    tokio::select! {
        ended = server.into_future() => panic!("the server ended: {ended:?}"),
        done = test(address) => done,
    }
}
