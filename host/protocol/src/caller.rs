//! Who asks, out of what the protocol library hands over.

use std::sync::Arc;

use cofferdam_gate::{Caller, Event, Round, SealedState, contract::ClientFeatures};
use cofferdam_policy::{Principal, Transport};
use rmcp::{
    RoleServer,
    model::{ClientCapabilities, InputResponses, ProtocolVersion},
    service::RequestContext,
};
use tokio::sync::mpsc::Sender;
use uuid::Uuid;

/// The host's own id of a request. A transport that has one for what it received leaves it in the
/// request's extensions, so that all lines of log about it bear the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// An id that no other request has.
    pub fn fresh() -> Self {
        Self(Uuid::new_v4().simple().to_string().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The two ways of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// Sessions that begin with `initialize`; the server may ask the client.
    Legacy,
    /// Since 2026-07-28: every request stands alone.
    Modern,
}

impl Era {
    pub(crate) fn of(cx: &RequestContext<RoleServer>) -> Self {
        // Revisions are dates, and compare as text.
        match cx.protocol_version() {
            Some(version) if version.as_str() >= ProtocolVersion::V_2026_07_28.as_str() => Self::Modern,
            _ => Self::Legacy,
        }
    }
}

pub(crate) fn principal(cx: &RequestContext<RoleServer>, transport: Transport) -> Principal {
    let parts = cx.extensions.get::<http::request::Parts>();
    parts.and_then(|p| p.extensions.get::<Principal>()).cloned().unwrap_or_else(|| Principal::of(transport))
}

pub(crate) fn caller(cx: &RequestContext<RoleServer>, transport: Transport, events: Option<Sender<Event>>) -> Caller {
    let parts = cx.extensions.get::<http::request::Parts>();
    let id = parts.and_then(|p| p.extensions.get::<RequestId>()).cloned();
    let header = || parts.and_then(|p| p.headers.get("traceparent")).and_then(|v| v.to_str().ok());
    let traceparent = cx.meta.get_traceparent().or_else(header).filter(|t| is_traceparent(t)).map(str::to_owned);
    Caller {
        principal: principal(cx, transport),
        request_id: id.unwrap_or_else(RequestId::fresh).as_str().to_owned(),
        traceparent,
        features: cx.client_capabilities().as_ref().map_or(ClientFeatures::empty(), features),
        events,
        cancel: cx.ct.clone(),
    }
}

/// W3C Trace Context, section 3.2: version, trace, parent and flags in lower-case hexadecimal.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|p| p.len()).collect();
    lengths == [2, 32, 16, 2]
        && parts.iter().all(|p| p.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}

fn features(capabilities: &ClientCapabilities) -> ClientFeatures {
    let mut features = ClientFeatures::empty();
    if let Some(elicitation) = &capabilities.elicitation {
        // An empty object is what clients of before the URL mode send, and means forms.
        if elicitation.form.is_some() || elicitation.url.is_none() {
            features |= ClientFeatures::ELICITATION;
        }
        if elicitation.url.is_some() {
            features |= ClientFeatures::ELICITATION_URL;
        }
    }
    if capabilities.sampling.is_some() {
        features |= ClientFeatures::SAMPLING;
    }
    if capabilities.supports_tasks() {
        features |= ClientFeatures::TASKS;
    }
    if capabilities.roots.is_some() {
        features |= ClientFeatures::ROOTS;
    }
    features
}

/// What a client of the current era sent with its request in answer to an earlier one.
pub(crate) fn round(responses: Option<InputResponses>, state: Option<String>) -> Round {
    Round {
        answers: responses.unwrap_or_default().into_iter().collect(),
        state: state.map(SealedState),
        background: false,
    }
}

#[cfg(test)]
mod tests {
    use rmcp::model::{ElicitationCapability, FormElicitationCapability, UrlElicitationCapability};

    use super::*;

    #[test]
    fn an_empty_elicitation_capability_means_forms() {
        let of = |elicitation| {
            let mut capabilities = ClientCapabilities::default();
            capabilities.elicitation = Some(elicitation);
            features(&capabilities)
        };
        assert_eq!(of(ElicitationCapability::new()), ClientFeatures::ELICITATION);
        assert_eq!(
            of(ElicitationCapability::new().with_url(UrlElicitationCapability::default())),
            ClientFeatures::ELICITATION_URL
        );
        let both = ElicitationCapability::new()
            .with_url(UrlElicitationCapability::default())
            .with_form(FormElicitationCapability::default());
        assert_eq!(of(both), ClientFeatures::ELICITATION | ClientFeatures::ELICITATION_URL);
        assert_eq!(features(&ClientCapabilities::default()), ClientFeatures::empty());
    }

    #[test]
    fn only_whole_trace_parents_are_passed_on() {
        assert!(is_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "zz",
        ] {
            assert!(!is_traceparent(wrong), "{wrong}");
        }
    }
}
