//! Where events come in, and the tasks that bring them: the loop misses each that panics.

use super::crash;
use flinklab_base::clock;
use flinklab_base::clock::Instant;
use flinklab_base::fault::{Fault, Kind};
use flinklab_event::{Event, Happening, Signal};
use flinklab_world::Events;
use futures::FutureExt;
use tokio::signal::unix::{self, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Events waiting for the loop. A flood slows its source, not the memory.
const QUEUE: usize = 1024;
/// Events taken in before a picture is drawn.
pub(super) const BATCH: usize = 256;

/// The queue of the loop and the tasks that it owns.
pub(super) struct Inbox {
    pub(super) events: Events,
    pub(super) queue: mpsc::Receiver<Happening>,
    /// Cancelled when the loop is over.
    pub(super) stop: CancellationToken,
    pub(super) tasks: JoinSet<()>,
}

impl Inbox {
    pub(super) fn new() -> Self {
        let (sender, queue) = mpsc::channel(QUEUE);
        Self {
            events: Events::new(sender),
            queue,
            stop: CancellationToken::new(),
            tasks: JoinSet::new(),
        }
    }

    pub(super) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Takes in what happened: events, tasks that panicked, and a `Tick` once it is due. None of the
    /// three keeps another one off, however much there is of it. False: nothing will ever come.
    pub(super) async fn next(&mut self, batch: &mut Vec<Happening>, due: Option<Instant>) -> bool {
        tokio::select! {
            biased;
            count = self.queue.recv_many(batch, BATCH) => if count == 0 { return false },
            Some(ended) = self.tasks.join_next() => batch.extend(crashed(ended)),
            () = until(due) => {}
        }
        while let Some(ended) = self.tasks.try_join_next() {
            batch.extend(crashed(ended));
        }
        if due.is_some_and(|due| due <= Instant::now()) {
            batch.push(now(Event::Tick));
        }
        true
    }
}

fn crashed(ended: Result<(), JoinError>) -> Option<Happening> {
    let text = match ended.err()?.try_into_panic() {
        Ok(payload) => crash::message(payload.as_ref()),
        Err(_) => "a task was aborted".to_owned(),
    };
    Some(now(Event::Crashed(text)))
}

pub(super) fn now(event: Event) -> Happening {
    Happening {
        at: clock::now(),
        event,
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => clock::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

pub(super) fn interrupted() -> Fault {
    Fault::new(Kind::Interrupted, "interrupted", "Interrupted.")
}

/// The signals that end this program. One that came before anybody waited for it is not lost.
pub(super) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
    quit: unix::Signal,
}

impl Signals {
    /// Hears from now on; none where the operating system does not let it.
    pub(super) fn listen() -> Option<Self> {
        Some(Self {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
            hangup: signal(SignalKind::hangup()).ok()?,
            quit: signal(SignalKind::quit()).ok()?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.quit.recv() => Signal::Terminate,
            _ = self.hangup.recv() => Signal::Hangup,
        }
    }
}

/// What is waited for where no loop runs: a signal ends it.
pub(super) struct Interruptible(Option<Signals>);

impl Interruptible {
    /// Signals count from now on.
    pub(super) fn begin() -> Self {
        Self(Signals::listen())
    }

    /// A signal that came since the last look ends what is going on.
    pub(super) fn check(&mut self) -> Result<(), Fault> {
        match self.0.as_mut().and_then(|all| all.next().now_or_never()) {
            Some(_) => Err(interrupted()),
            None => Ok(()),
        }
    }

    /// Waits for this, or for a signal.
    pub(super) async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Fault> {
        let signal = async {
            match &mut self.0 {
                Some(signals) => signals.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = signal => Err(interrupted()),
            done = work => Ok(done),
        }
    }
}

/// Signals as events, until the loop is over.
pub(super) async fn signals(events: Events, stop: CancellationToken) {
    let Some(mut signals) = Signals::listen() else {
        return;
    };
    loop {
        let signal = tokio::select! {
            signal = signals.next() => signal,
            () = stop.cancelled() => return,
        };
        events.send(Event::Signal(signal)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Turns of the loop under a flood: as many as there are events in it.
    async fn flooded(inbox: &mut Inbox, due: Instant, wanted: impl Fn(&Event) -> bool) -> bool {
        let mut batch = Vec::new();
        for _ in 0..1000 {
            inbox.events.offer(Event::Silence);
            batch.clear();
            inbox.next(&mut batch, Some(due)).await;
            if batch.iter().any(|one| wanted(&one.event)) {
                return true;
            }
        }
        false
    }

    #[tokio::test]
    async fn a_tick_comes_however_many_events_there_are() {
        let mut inbox = Inbox::new();
        let due = Instant::now();
        assert!(flooded(&mut inbox, due, |event| *event == Event::Tick).await);
    }

    #[tokio::test]
    async fn a_panic_is_noticed_however_many_events_there_are() {
        let mut inbox = Inbox::new();
        inbox.spawn(async { panic!("on purpose") });
        let never = Instant::now() + Duration::from_secs(3600);
        let crashed = |event: &Event| matches!(event, Event::Crashed(text) if text == "on purpose");
        // the task runs while the loop waits
        tokio::task::yield_now().await;
        assert!(flooded(&mut inbox, never, crashed).await);
    }

    #[tokio::test]
    async fn a_signal_that_came_before_is_not_lost() {
        let mut signals = Interruptible::begin();
        assert!(signals.check().is_ok());
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::HUP)
            .expect("a process may signal itself");
        let ended = tokio::time::timeout(
            Duration::from_secs(20),
            signals.wait(std::future::pending::<()>()),
        );
        let ended = ended.await.expect("at once");
        assert_eq!(ended.err().map(|fault| fault.kind), Some(Kind::Interrupted));
        assert!(signals.check().is_ok(), "it is told once");
    }
}
