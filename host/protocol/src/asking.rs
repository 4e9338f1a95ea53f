//! What a plugin asks of a client, in either era.
//!
//! Today's clients get the questions as a result and call again with the answers. Older ones know
//! requests from the server: the host asks, waits, and calls the plugin again itself. The plugin
//! cannot tell.

use std::time::Duration;

use cofferdam_gate::{Ask, AskKind, Asked, Caller, Round};
use rmcp::{
    Peer, RoleServer,
    model::{ErrorData, InputRequest, InputRequiredResult},
};
use serde_json::{Value, json};

use crate::convert;

/// How often a client is asked on behalf of one call that waits for the answers.
pub(crate) const MOST_ROUNDS: usize = 8;
/// How long a person may take over one question.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The questions as a result of the current era.
pub(crate) fn input_required(asked: Asked) -> Result<InputRequiredResult, ErrorData> {
    let requests =
        asked.asks.into_iter().map(|ask| Ok((ask.key.clone(), request(ask)?))).collect::<Result<_, ErrorData>>()?;
    Ok(InputRequiredResult::new(Some(requests), asked.state.map(|s| s.0)))
}

/// Puts the questions to a client of the older era, one after the other.
pub(crate) async fn ask_legacy(peer: &Peer<RoleServer>, asked: Asked, caller: &Caller) -> Result<Round, ErrorData> {
    let mut answers = Vec::with_capacity(asked.asks.len());
    for ask in asked.asks {
        let key = ask.key.clone();
        let answer = tokio::select! {
            biased;
            () = caller.cancel.cancelled() => return Err(ErrorData::internal_error("the call was cancelled", None)),
            answer = tokio::time::timeout(PATIENCE, put(peer, request(ask)?)) => answer,
        };
        match answer {
            Ok(Ok(answer)) => answers.push((key, answer)),
            Ok(Err(why)) => {
                return Err(ErrorData::internal_error(format!("the client did not answer {key}: {why}"), None));
            }
            Err(_elapsed) => {
                return Err(ErrorData::internal_error(format!("the client did not answer {key} in time"), None));
            }
        }
    }
    Ok(Round { answers, state: asked.state, background: false })
}

async fn put(peer: &Peer<RoleServer>, request: InputRequest) -> Result<Value, String> {
    fn told<T: serde::Serialize>(answer: Result<T, rmcp::ServiceError>) -> Result<Value, String> {
        let answer = answer.map_err(|e| e.to_string())?;
        serde_json::to_value(answer).map_err(|e| e.to_string())
    }
    match request {
        InputRequest::Elicitation(request) => told(peer.create_elicitation(request.params).await),
        InputRequest::CreateMessage(request) => told(peer.create_message(request.params).await),
        InputRequest::ListRoots(_) => told(peer.list_roots().await),
        _ => Err("it is of a kind this host does not know".into()),
    }
}

/// One question in the protocol's form. The library's types check what a plugin wrote.
pub(crate) fn request(ask: Ask) -> Result<InputRequest, ErrorData> {
    let wire = match ask.kind {
        AskKind::Form { message, schema } => json!({
            "method": "elicitation/create",
            "params": { "mode": "form", "message": message, "requestedSchema": schema },
        }),
        AskKind::Page { message, url, id } => json!({
            "method": "elicitation/create",
            "params": { "mode": "url", "message": message, "url": url, "elicitationId": id },
        }),
        AskKind::Model { messages, max_tokens, system_prompt, temperature } => {
            let messages: Vec<Value> = messages
                .into_iter()
                .map(|m| json!({ "role": convert::role(m.role), "content": convert::content(m.content) }))
                .collect();
            let mut params = json!({ "messages": messages, "maxTokens": max_tokens });
            if let Some(prompt) = system_prompt {
                params["systemPrompt"] = prompt.into();
            }
            if let Some(temperature) = temperature {
                params["temperature"] = temperature.into();
            }
            json!({ "method": "sampling/createMessage", "params": params })
        }
        AskKind::Roots => json!({ "method": "roots/list", "params": {} }),
    };
    serde_json::from_value(wire).map_err(|error| {
        tracing::warn!(key = %ask.key.escape_debug(), %error, "a plugin's question is not what the protocol allows");
        ErrorData::internal_error("the plugin asked for something that the protocol does not allow", None)
    })
}
