use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::host::fake::Fake;

/// Runs a tool as the host would: arguments and result are checked against its schemas.
pub(crate) fn run(name: &str, arguments: &str, host: &Fake) -> Result<Value, ToolError> {
    let tool = list().into_iter().find(|tool| tool.name == name).unwrap();
    assert!(conforms(&tool.input_schema, arguments), "{name} {arguments}");
    let result = call(name, arguments, host)?;
    let structured = result.structured.unwrap();
    let schema = tool.output_schema.unwrap();
    assert!(conforms(&schema, &structured), "{name} gave {structured}");
    Ok(serde_json::from_str(&structured).unwrap())
}

pub(crate) fn conforms(schema: &str, instance: &str) -> bool {
    let schema = serde_json::from_str(schema).unwrap();
    let instance = serde_json::from_str(instance).unwrap();
    jsonschema::draft202012::new(&schema).unwrap().is_valid(&instance)
}

#[test]
fn the_four_tools_are_listed_in_order() {
    let names: Vec<_> = list().into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["echo", "get_time", "health_check", "system_health"]);
}

#[test]
fn every_definition_is_complete() {
    for tool in list() {
        assert!(tool.title.is_some_and(|title| !title.is_empty()));
        assert!(tool.description.len() > 80, "{}", tool.name);
        assert_eq!(tool.hints.read_only, Some(true));
        assert_eq!(tool.hints.destructive, Some(false));
        assert_eq!(tool.hints.idempotent, Some(true));
        assert_eq!(tool.hints.open_world, Some(false));
        for schema in [tool.input_schema, tool.output_schema.unwrap()] {
            let value: Value = serde_json::from_str(&schema).unwrap();
            jsonschema::draft202012::meta::validate(&value).unwrap();
            assert_eq!(value["type"], "object", "{}", tool.name);
            assert_eq!(value["additionalProperties"], false, "{}", tool.name);
        }
    }
}

/// A property that a model is not told about is one it cannot use.
#[test]
fn every_property_is_described() {
    fn walk(tool: &str, schema: &Value) {
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{tool}: {name}");
            walk(tool, property);
            walk(tool, &property["items"]);
        }
    }
    for tool in list() {
        for schema in [tool.input_schema, tool.output_schema.unwrap()] {
            walk(&tool.name, &serde_json::from_str(&schema).unwrap());
        }
    }
}

/// Every property of a result is always there, so that a model may rely on it.
#[test]
fn every_output_property_is_required() {
    for tool in list() {
        let schema: Value = serde_json::from_str(&tool.output_schema.unwrap()).unwrap();
        let properties: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().collect();
        let required: Vec<String> = serde_json::from_value(schema["required"].clone()).unwrap();
        assert_eq!(properties, required.iter().collect(), "{}", tool.name);
    }
}

#[test]
fn tools_without_arguments_take_none() {
    for name in ["health_check", "system_health"] {
        let tool = list().into_iter().find(|tool| tool.name == name).unwrap();
        assert!(conforms(&tool.input_schema, "{}"));
        assert!(!conforms(&tool.input_schema, r#"{"verbose":true}"#));
    }
}

#[test]
fn an_unknown_tool_is_not_found() {
    let error = call("shutdown", "{}", &Fake::default()).unwrap_err();
    assert_eq!(error, ToolError::NotFound("this plugin has no tool `shutdown`".into()));
}
