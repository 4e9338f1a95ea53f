//! The one place where failures become MCP answers.

use cofferdam_gate::{CallError, Code, Failed, contract::ClientFeatures};
use rmcp::model::{
    CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, ElicitationCapability, ErrorData,
    FormElicitationCapability, MetaObject, RootsCapabilities, SamplingCapability, TASKS_EXTENSION_ID,
    UrlElicitationCapability,
};
use serde_json::{Map, Value, json};

use crate::caller::Era;

/// Under this key a failed result says what programs want to know of it.
const ERROR_META: &str = "dev.cofferdam/error";

/// What a model could mend, or should read, is a result with `isError`; what it could not is a
/// protocol error, which clients hide from it.
pub(crate) fn tool_error(error: CallError, era: Era, request_id: &str) -> Result<CallToolResponse, ErrorData> {
    match error {
        CallError::Failed(failed) => Ok(failed_result(*failed, request_id).into()),
        CallError::ClientLacks(_) if era == Era::Legacy => {
            Ok(CallToolResult::error(vec![ContentBlock::text(error.to_string())]).into())
        }
        other => Err(protocol_error(other, request_id)),
    }
}

/// For requests whose results cannot say that they failed.
pub(crate) fn protocol_error(error: CallError, request_id: &str) -> ErrorData {
    match error {
        CallError::Unknown { kind: "resource", name } => {
            ErrorData::resource_not_found(format!("unknown resource: {name}"), Some(json!({ "uri": name })))
        }
        error @ (CallError::Unknown { .. } | CallError::State(_) | CallError::Arguments(_)) => {
            ErrorData::invalid_params(error.to_string(), None)
        }
        CallError::ClientLacks(features) => ErrorData::missing_required_client_capability(capabilities(features)),
        // Nobody reads it: the caller is gone.
        error @ CallError::Cancelled => ErrorData::internal_error(error.to_string(), None),
        CallError::Failed(failed) => {
            let data = Some(Value::Object(details(&failed, request_id)));
            match failed.code {
                Code::Validation | Code::NotFound => ErrorData::invalid_params(failed.to_caller, data),
                _ => ErrorData::internal_error(failed.to_caller, data),
            }
        }
    }
}

fn failed_result(failed: Failed, request_id: &str) -> CallToolResult {
    let details = details(&failed, request_id);
    let mut result = CallToolResult::error(vec![ContentBlock::text(failed.to_caller)]);
    let meta = Map::from_iter([(ERROR_META.to_owned(), Value::Object(details))]);
    result.meta = Some(MetaObject(meta));
    result
}

fn details(failed: &Failed, request_id: &str) -> Map<String, Value> {
    let mut details = Map::new();
    details.insert("code".into(), failed.code.label().into());
    details.insert("requestId".into(), request_id.into());
    details.insert("retryable".into(), failed.retryable.into());
    if let Some(limit) = failed.limit {
        details.insert("limit".into(), limit.key().into());
    }
    if let Some(milliseconds) = failed.retry_after {
        details.insert("retryAfterMs".into(), milliseconds.into());
    }
    if !failed.violations.is_empty() {
        let violations = failed.violations.iter().map(|v| json!({ "path": v.path, "message": v.message })).collect();
        details.insert("violations".into(), violations);
    }
    details
}

fn capabilities(features: ClientFeatures) -> ClientCapabilities {
    let mut needed = ClientCapabilities::default();
    let (form, page) =
        (features.contains(ClientFeatures::ELICITATION), features.contains(ClientFeatures::ELICITATION_URL));
    if form || page {
        let mut elicitation = ElicitationCapability::new();
        elicitation.form = form.then(FormElicitationCapability::default);
        elicitation.url = page.then(UrlElicitationCapability::default);
        needed.elicitation = Some(elicitation);
    }
    if features.contains(ClientFeatures::SAMPLING) {
        needed.sampling = Some(SamplingCapability::default());
    }
    if features.contains(ClientFeatures::TASKS) {
        needed.extensions = Some([(TASKS_EXTENSION_ID.to_owned(), Map::new())].into_iter().collect());
    }
    if features.contains(ClientFeatures::ROOTS) {
        needed.roots = Some(RootsCapabilities::default());
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_place() {
        let unknown = |kind| CallError::Unknown { kind, name: "x".into() };
        let code = |error, era| tool_error(error, era, "r").map_err(|e| e.code.0).err();
        assert_eq!(code(unknown("tool"), Era::Modern), Some(-32602));
        assert_eq!(code(CallError::ClientLacks(ClientFeatures::SAMPLING), Era::Modern), Some(-32021));
        assert_eq!(code(CallError::ClientLacks(ClientFeatures::SAMPLING), Era::Legacy), None);
        let error = protocol_error(unknown("resource"), "r");
        assert_eq!((error.code.0, error.data), (-32002, Some(json!({ "uri": "x" }))));
    }

    #[test]
    fn a_lacking_capability_is_named_in_the_protocols_words() {
        let of = |features| serde_json::to_value(capabilities(features)).unwrap();
        assert_eq!(of(ClientFeatures::SAMPLING), json!({ "sampling": {} }));
        assert_eq!(of(ClientFeatures::ELICITATION), json!({ "elicitation": { "form": {} } }));
        assert_eq!(of(ClientFeatures::ROOTS), json!({ "roots": {} }));
        let tasks = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
        assert_eq!(of(ClientFeatures::TASKS), tasks);
    }
}
