//! Who is told that a listing or a resource changed.
//!
//! Clients of the current era keep a request open and are told on it; those of the older era are
//! told on their session. Both hear of the same changes.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cofferdam_catalog::{Catalog, Reading};
use cofferdam_gate::Listing;
use rmcp::{Peer, RoleServer, model::ResourceUpdatedNotificationParam, service::SubscriptionContext};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

/// Changes that a listener may be behind by before it is told of everything at once.
const BACKLOG: usize = 64;
/// Sessions that are told; a transport allows fewer.
const MOST_PEERS: usize = 10_000;
/// How long a client that does not read can hold up its own notification.
const PATIENCE: Duration = Duration::from_secs(5);
/// Resources one session may follow.
const MOST_FOLLOWED: usize = 1000;
const LONGEST_URI: usize = 2048;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Listing(Listing),
    Resource(String),
}

/// The resources that a session of the older era follows.
#[derive(Debug, Default)]
pub(crate) struct Followed(Mutex<BTreeSet<String>>);

impl Followed {
    /// `false` when it follows as many as it may.
    pub(crate) fn add(&self, uri: String) -> bool {
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if followed.len() >= MOST_FOLLOWED || uri.len() > LONGEST_URI {
            return false;
        }
        followed.insert(uri);
        true
    }

    pub(crate) fn remove(&self, uri: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }

    fn has(&self, uri: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(uri)
    }
}

#[derive(Clone, Debug)]
struct Session {
    peer: Peer<RoleServer>,
    followed: Arc<Followed>,
}

#[derive(Debug)]
pub(crate) struct Hub {
    changes: broadcast::Sender<Change>,
    sessions: Mutex<Vec<Session>>,
    closing: CancellationToken,
}

impl Hub {
    pub(crate) fn new(closing: CancellationToken) -> Arc<Self> {
        Arc::new(Self { changes: broadcast::Sender::new(BACKLOG), sessions: Mutex::default(), closing })
    }

    /// Adds a session of the older era.
    pub(crate) fn join(&self, peer: Peer<RoleServer>, followed: Arc<Followed>) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|s| !s.peer.is_transport_closed());
        if sessions.len() < MOST_PEERS {
            sessions.push(Session { peer, followed });
        }
    }

    pub(crate) fn tell(&self, change: &Change) {
        // An error means that nobody of the current era listens.
        let _nobody = self.changes.send(change.clone());
        let sessions = {
            let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.retain(|s| !s.peer.is_transport_closed());
            sessions.clone()
        };
        for session in sessions {
            let change = change.clone();
            // One client that does not read must not keep the others from hearing.
            tokio::spawn(async move { tokio::time::timeout(PATIENCE, session.notify(change)).await });
        }
    }

    /// Follows the catalog until the host closes.
    pub(crate) fn follow(self: &Arc<Self>, mut reading: Reading) {
        let hub = self.clone();
        tokio::spawn(async move {
            let mut before: Arc<Catalog> = Arc::clone(&reading.now());
            loop {
                let now = tokio::select! {
                    () = hub.closing.cancelled() => return,
                    changed = reading.changed() => match changed {
                        Some(now) => now,
                        None => return,
                    },
                };
                // The first publication is what clients waited for, not a change.
                if before.version > 0 {
                    for listing in differences(&before, &now) {
                        hub.tell(&Change::Listing(listing));
                    }
                }
                before = now;
            }
        });
    }

    /// Tells one client of the current era of what it asked for, until it goes or the host closes.
    pub(crate) async fn listen(&self, cx: &SubscriptionContext) {
        let mut changes = self.changes.subscribe();
        loop {
            let change = tokio::select! {
                () = cx.cancelled() => return,
                () = self.closing.cancelled() => return,
                change = changes.recv() => change,
            };
            let sent = match change {
                Ok(change) => send(cx, &change).await,
                // It missed some; that everything may have changed covers them.
                Err(RecvError::Lagged(_)) => {
                    for listing in [Listing::Tools, Listing::Prompts, Listing::Resources] {
                        send(cx, &Change::Listing(listing)).await;
                    }
                    true
                }
                Err(RecvError::Closed) => return,
            };
            if !sent {
                return;
            }
        }
    }
}

fn differences(before: &Catalog, now: &Catalog) -> Vec<Listing> {
    let all = [
        (before.tools_differ(now), Listing::Tools),
        (before.prompts_differ(now), Listing::Prompts),
        (before.resources_differ(now), Listing::Resources),
    ];
    all.into_iter().filter(|(differ, _)| *differ).map(|(_, listing)| listing).collect()
}

/// Whether the client can still be told; the library leaves out what it did not ask for.
async fn send(cx: &SubscriptionContext, change: &Change) -> bool {
    let (sink, asked) = (cx.sink(), cx.accepted());
    let sent = match change {
        Change::Listing(Listing::Tools) if asked.tools_list_changed == Some(true) => {
            sink.notify_tool_list_changed().await
        }
        Change::Listing(Listing::Prompts) if asked.prompts_list_changed == Some(true) => {
            sink.notify_prompt_list_changed().await
        }
        Change::Listing(Listing::Resources) if asked.resources_list_changed == Some(true) => {
            sink.notify_resource_list_changed().await
        }
        Change::Resource(uri) if asked.resource_subscriptions.as_ref().is_some_and(|all| all.contains(uri)) => {
            sink.notify_resource_updated(uri.clone()).await
        }
        _ => return true,
    };
    sent.is_ok()
}

impl Session {
    async fn notify(self, change: Change) {
        let sent = match change {
            Change::Listing(Listing::Tools) => self.peer.notify_tool_list_changed().await,
            Change::Listing(Listing::Prompts) => self.peer.notify_prompt_list_changed().await,
            Change::Listing(Listing::Resources) => self.peer.notify_resource_list_changed().await,
            Change::Resource(uri) if self.followed.has(&uri) => {
                self.peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await
            }
            Change::Resource(_) => Ok(()),
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "a client could not be told of a change");
        }
    }
}
