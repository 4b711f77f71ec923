//! Whether the API server lives. Whoever hears from it says so here; when nobody heard anything for
//! a while, or a request failed, it is asked for its readiness, which reads no object. A watch
//! says nothing when the machine behind it stands still: without this its loss would be noticed
//! after minutes.

use super::Links;
use flinklab_base::clock;
use flinklab_base::clock::{Instant, sleep, sleep_until};
use jiff::Timestamp;
use kube::Client;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// Silence after which the server is asked. Flink's REST goes through it every second, so this is
/// rare.
const QUIET: Duration = Duration::from_secs(3);
/// How long its answer may take: it is on this machine.
const ANSWER: Duration = Duration::from_millis(1500);
/// Between two questions, however many doubts there are.
const APART: Duration = Duration::from_millis(500);

/// How many watches there are.
const WATCHES: usize = 3;

/// Signs of life, shared by all who talk to the API server.
#[derive(Debug, Clone)]
pub(crate) struct ApiLiveness(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    heard: Mutex<(Instant, Timestamp)>,
    doubt: Notify,
    /// Why connections are to be given up; a new value each time.
    cut: watch::Sender<Option<Arc<Cut>>>,
}

/// The server does not answer: what hangs on it is to begin anew.
#[derive(Debug)]
pub(crate) struct Cut {
    /// What it said, or that it said nothing.
    pub(crate) why: String,
}

impl ApiLiveness {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            heard: Mutex::new((Instant::now(), clock::now())),
            doubt: Notify::new(),
            cut: watch::channel(None).0,
        }))
    }

    /// It said something.
    pub(crate) fn alive(&self) {
        let mut heard = self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
        *heard = (Instant::now(), clock::now());
    }

    /// It did not say what it should have.
    pub(crate) fn doubt(&self) {
        self.0.doubt.notify_one();
    }

    /// When it was heard last.
    pub(crate) fn last(&self) -> Timestamp {
        self.heard().1
    }

    /// Waits for connections to be given up.
    pub(crate) fn cuts(&self) -> watch::Receiver<Option<Arc<Cut>>> {
        self.0.cut.subscribe()
    }

    fn heard(&self) -> (Instant, Timestamp) {
        *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks where there is doubt, until it is dropped.
    pub(crate) async fn keep(self, client: Client) {
        loop {
            let (heard, _) = self.heard();
            tokio::select! {
                () = sleep_until(heard + QUIET) => {}
                () = self.0.doubt.notified() => {}
            }
            let (now, _) = self.heard();
            // Somebody heard something while we waited for the silence to be long enough.
            if now > heard && now.elapsed() < APART {
                continue;
            }
            match ready(&client).await {
                Ok(()) => self.alive(),
                Err(why) => {
                    self.0.cut.send_replace(Some(Arc::new(Cut { why })));
                    self.heard_again(now).await;
                }
            }
            sleep(APART).await;
        }
    }

    /// The watches ask for their lists again and again; the first that is answered says so here.
    async fn heard_again(&self, last: Instant) {
        while self.heard().0 <= last {
            sleep(APART).await;
        }
    }
}

/// The API server is there while all watches are.
pub(super) struct Health {
    links: Links,
    pub(super) pulse: ApiLiveness,
    lost: Mutex<[bool; WATCHES]>,
}

impl Health {
    pub(super) fn new(links: Links, pulse: ApiLiveness) -> Self {
        Self {
            links,
            pulse,
            lost: Mutex::new([true; WATCHES]),
        }
    }

    pub(super) async fn live(&self, number: usize) {
        let all = {
            let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
            lost[number] = false;
            lost.iter().all(|lost| !lost)
        };
        if all {
            self.links.live().await;
        }
    }

    pub(super) async fn lost(&self, number: usize, why: &str) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)[number] = true;
        self.links.lost_since(self.pulse.last(), why).await;
        self.pulse.doubt();
    }
}

/// Asks whether it is ready.
async fn ready(client: &Client) -> Result<(), String> {
    let request = http::Request::get("/readyz").body(Vec::new());
    let Ok(request) = request else { return Ok(()) };
    match timeout(ANSWER, client.request_text(request)).await {
        Ok(Ok(_)) => Ok(()),
        // Whoever forbids the question is there.
        Ok(Err(kube::Error::Api(status))) if status.code < 500 => Ok(()),
        Ok(Err(error)) => Err(unready(&crate::kube::describe(&error))),
        Err(_) => Err(format!("no answer within {} ms", ANSWER.as_millis())),
    }
}

/// What `/readyz` says where it does not say yes: a line for each check, `[+]` before those that are
/// met and `[-]` before the others. Only these are told.
fn unready(said: &str) -> String {
    let checks = said.split_whitespace();
    let missing: Vec<&str> = checks.filter_map(|word| word.strip_prefix("[-]")).collect();
    match missing.as_slice() {
        [] => said.to_owned(),
        missing => format!("not ready yet: {}", missing.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::unready;

    #[test]
    fn only_the_checks_that_are_not_met_are_told() {
        let said = "[+]ping ok\n[+]etcd ok\n[-]poststarthook/rbac/bootstrap-roles failed: reason \
                    withheld\n[-]shutdown failed: reason withheld\nreadyz check failed";
        assert_eq!(
            unready(said),
            "not ready yet: poststarthook/rbac/bootstrap-roles, shutdown"
        );
        assert_eq!(unready("etcd is away"), "etcd is away");
    }
}
