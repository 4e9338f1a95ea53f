//! What a plugin asks of a client, checked before a person sees it.

use std::collections::BTreeSet;

use cofferdam_capabilities::imports::plugin::types::{Ask as WitAsk, ClientFeatures, InputRequired, SamplingMessage};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    CallError, Failed, SealedState,
    seal::{Binding, LARGEST, Sealer},
};

const MOST_REQUESTS: usize = 16;
const LONGEST_KEY: usize = 128;
const LONGEST_MESSAGE: usize = 16 * 1024;
const LARGEST_FORM: usize = 64 * 1024;

/// One question to a client.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Comes back with the answer.
    pub key: String,
    pub kind: AskKind,
}

#[derive(Clone, Debug)]
pub enum AskKind {
    /// A form for the user.
    Form { message: String, schema: Map<String, Value> },
    /// A page for the user to visit.
    Page { message: String, url: String, id: String },
    /// A question to the client's model.
    Model { messages: Vec<SamplingMessage>, max_tokens: u32, system_prompt: Option<String>, temperature: Option<f64> },
    /// The folders the user works in.
    Roots,
}

impl AskKind {
    fn needs(&self) -> ClientFeatures {
        match self {
            Self::Form { .. } => ClientFeatures::ELICITATION,
            Self::Page { .. } => ClientFeatures::ELICITATION_URL,
            Self::Model { .. } => ClientFeatures::SAMPLING,
            Self::Roots => ClientFeatures::ROOTS,
        }
    }
}

/// What a plugin needs before it can go on.
#[derive(Clone, Debug)]
pub struct Asked {
    pub asks: Vec<Ask>,
    /// To be sent back unaltered with the answers.
    pub state: Option<SealedState>,
}

impl Asked {
    pub(crate) fn of(
        wanted: InputRequired,
        features: ClientFeatures,
        sealer: &Sealer,
        binding: &Binding,
    ) -> Result<Self, CallError> {
        let fault = |why: String| CallError::from(Failed::fault(why));
        if wanted.requests.len() > MOST_REQUESTS {
            return Err(fault(format!(
                "it asks {} questions at once; {MOST_REQUESTS} are allowed",
                wanted.requests.len()
            )));
        }
        if wanted.requests.is_empty() && wanted.state.is_none() {
            return Err(fault("it asks for nothing and remembers nothing".into()));
        }
        let mut keys = BTreeSet::new();
        let mut asks = Vec::with_capacity(wanted.requests.len());
        let mut lacking = ClientFeatures::empty();
        for request in wanted.requests {
            let plain =
                (1..=LONGEST_KEY).contains(&request.key.len()) && request.key.bytes().all(|b| b.is_ascii_graphic());
            if !plain || !keys.insert(request.key.clone()) {
                return Err(fault(format!(
                    "a question's key is empty, too long, not plain or there twice: {:?}",
                    cut(&request.key)
                )));
            }
            let kind = kind(request.ask).map_err(fault)?;
            if !features.contains(kind.needs()) {
                lacking |= kind.needs();
            }
            asks.push(Ask { key: request.key, kind });
        }
        if lacking != ClientFeatures::empty() {
            return Err(CallError::ClientLacks(lacking));
        }
        let state = match wanted.state {
            Some(state) if state.len() > LARGEST => {
                return Err(fault(format!("it remembers {} bytes; {LARGEST} are allowed", state.len())));
            }
            Some(state) => {
                Some(sealer.seal(&state, binding).ok_or_else(|| fault("the host could not seal its state".into()))?)
            }
            None => None,
        };
        Ok(Self { asks, state })
    }
}

fn kind(ask: WitAsk) -> Result<AskKind, String> {
    let message = |text: String| {
        if text.len() > LONGEST_MESSAGE { Err(format!("a message has {} bytes", text.len())) } else { Ok(text) }
    };
    match ask {
        WitAsk::Elicit(form) => {
            if form.schema.len() > LARGEST_FORM {
                return Err(format!("a form has {} bytes", form.schema.len()));
            }
            match serde_json::from_str(&form.schema) {
                Ok(Value::Object(schema)) => Ok(AskKind::Form { message: message(form.message)?, schema }),
                _ => Err("a form is no JSON object".into()),
            }
        }
        WitAsk::ElicitUrl(page) => {
            let url = Url::parse(&page.url).map_err(|e| format!("a page's address: {e}"))?;
            // A page is for a browser: other schemes start other programs.
            if !matches!(url.scheme(), "https" | "http") || page.url.len() > 2048 {
                return Err(format!("a page's address is no web address: {:?}", cut(&page.url)));
            }
            Ok(AskKind::Page { message: message(page.message)?, url: page.url, id: page.id })
        }
        WitAsk::Sample(question) => Ok(AskKind::Model {
            messages: question.messages,
            max_tokens: question.max_tokens,
            system_prompt: question.system_prompt,
            temperature: question.temperature.filter(|t| t.is_finite()),
        }),
        WitAsk::Roots => Ok(AskKind::Roots),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
