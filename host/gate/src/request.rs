use cofferdam_capabilities::{
    Event,
    exports::cofferdam::plugin::completions::Reference,
    imports::plugin::types::{Answer as WitAnswer, ClientFeatures, Context},
};
use cofferdam_policy::Principal;
use serde_json::Value;
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use crate::{Asked, SealedState};

/// Who asks, and how to reach them while they wait.
#[derive(Clone, Debug)]
pub struct Caller {
    pub principal: Principal,
    /// The host's id of this request; the same in every line of log about it.
    pub request_id: String,
    /// W3C `traceparent` of the caller.
    pub traceparent: Option<String>,
    /// What the caller's client can be asked for.
    pub features: ClientFeatures,
    /// Where to send what the plugin tells while it runs.
    pub events: Option<Sender<Event>>,
    /// Fires when the caller takes the call back or goes away.
    pub cancel: CancellationToken,
}

/// What came back from the client in answer to an earlier round. Empty in the first.
#[derive(Clone, Debug, Default)]
pub struct Round {
    pub answers: Vec<(String, Value)>,
    pub state: Option<SealedState>,
    /// Whether nobody waits for this round: it runs as a task.
    pub background: bool,
}

/// A result, or what is needed first.
#[derive(Debug)]
pub enum Answer<T> {
    Complete(T),
    InputRequired(Asked),
    /// The plugin wants to be called again, in the background and with this state. Tools only.
    Background(Option<SealedState>),
}

/// An argument that a user is typing.
#[derive(Clone, Debug)]
pub struct Completing {
    pub subject: Reference,
    pub argument: String,
    pub value: String,
    pub others: Vec<(String, String)>,
}

impl Caller {
    /// Puts the request's id into every line of log about it.
    pub(crate) fn span(&self) -> tracing::Span {
        tracing::info_span!("request", request = %self.request_id)
    }

    pub(crate) fn context(&self, round: &Round, state: Option<Vec<u8>>) -> Context {
        let answer = |(key, value): &(String, Value)| WitAnswer { key: key.clone(), value: value.to_string() };
        Context {
            request_id: self.request_id.clone(),
            traceparent: self.traceparent.clone(),
            // The policy has no way to share them yet.
            caller: None,
            tenant: None,
            features: self.features,
            answers: round.answers.iter().map(answer).collect(),
            state,
            background: round.background,
        }
    }
}
