//! What a plugin tells while it runs, on its way to the client that called it.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use cofferdam_gate::{Event, Level};
use rmcp::{
    Peer, RoleServer,
    model::{LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, ProgressToken},
    service::RequestContext,
};
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

use crate::{
    caller::Era,
    hub::{Change, Hub},
};

/// Events on their way; a plugin that is further ahead waits.
pub(crate) const BACKLOG: usize = 16;
/// How long a result waits for a client to take the events before it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The least severe log line that a session of the older era wants.
#[derive(Debug)]
pub(crate) struct LogLevel(AtomicU8);

impl Default for LogLevel {
    fn default() -> Self {
        Self(AtomicU8::new(Level::Info as u8))
    }
}

impl LogLevel {
    pub(crate) fn set(&self, level: Level) {
        self.0.store(level as u8, Ordering::Relaxed);
    }

    fn wants(&self, level: Level) -> bool {
        level as u8 >= self.0.load(Ordering::Relaxed)
    }
}

/// Where the events of one call go.
pub(crate) struct Listener {
    peer: Peer<RoleServer>,
    token: Option<ProgressToken>,
    /// `None`: this client wants no log lines.
    level: Option<Level>,
    session: Option<Arc<LogLevel>>,
    hub: Arc<Hub>,
}

impl Listener {
    pub(crate) fn new(cx: &RequestContext<RoleServer>, era: Era, session: &Arc<LogLevel>, hub: &Arc<Hub>) -> Self {
        Self {
            peer: cx.peer.clone(),
            token: cx.meta.get_progress_token(),
            level: cx.meta.log_level().map(from_wire),
            session: (era == Era::Legacy).then(|| session.clone()),
            hub: hub.clone(),
        }
    }

    /// Runs `call` to its end while its events are passed on in their order, all of them before
    /// its result. A client that does not read them holds up the plugin, by the channel between
    /// them, and never the deadline of its call.
    pub(crate) async fn during<T>(&self, mut events: Receiver<Event>, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        let mut passing = pin!(async {
            while let Some(event) = events.recv().await {
                self.pass_on(event).await;
            }
        });
        let mut passed = false;
        let result = loop {
            tokio::select! {
                result = &mut call => break result,
                () = &mut passing, if !passed => passed = true,
            }
        };
        if !passed {
            let _gave_up = tokio::time::timeout(PATIENCE, passing).await;
        }
        result
    }

    async fn pass_on(&self, event: Event) {
        match event {
            Event::Progress { done, total, message } => {
                let Some(token) = self.token.clone() else { return };
                let mut report = ProgressNotificationParam::new(token, done);
                report.total = total;
                report.message = message;
                // An error means that the client is gone; its call ends on its own.
                let _gone = self.peer.notify_progress(report).await;
            }
            Event::Log { level, message, fields } => {
                let wanted = match &self.session {
                    Some(session) => session.wants(level),
                    None => self.level.is_some_and(|least| level >= least),
                };
                if wanted {
                    self.log(level, message, fields).await;
                }
            }
            Event::Changed(listing) => self.hub.tell(&Change::Listing(listing)),
            Event::Updated { uri } => self.hub.tell(&Change::Resource(uri)),
        }
    }

    async fn log(&self, level: Level, message: String, fields: Option<Value>) {
        let data = match fields {
            None => Value::String(message),
            Some(fields) => json!({ "message": message, "fields": fields }),
        };
        let _gone = self.peer.notify_logging_message(LoggingMessageNotificationParam::new(to_wire(level), data)).await;
    }
}

pub(crate) fn from_wire(level: LoggingLevel) -> Level {
    match level {
        LoggingLevel::Debug => Level::Debug,
        LoggingLevel::Info => Level::Info,
        LoggingLevel::Notice => Level::Notice,
        LoggingLevel::Warning => Level::Warning,
        LoggingLevel::Error => Level::Error,
        LoggingLevel::Critical => Level::Critical,
        LoggingLevel::Alert => Level::Alert,
        LoggingLevel::Emergency => Level::Emergency,
    }
}

fn to_wire(level: Level) -> LoggingLevel {
    match level {
        Level::Debug => LoggingLevel::Debug,
        Level::Info => LoggingLevel::Info,
        Level::Notice => LoggingLevel::Notice,
        Level::Warning => LoggingLevel::Warning,
        Level::Error => LoggingLevel::Error,
        Level::Critical => LoggingLevel::Critical,
        Level::Alert => LoggingLevel::Alert,
        Level::Emergency => LoggingLevel::Emergency,
    }
}
