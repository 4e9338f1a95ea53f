use serde_json::json;

use super::*;

fn parse(schema: &Value) -> Result<Schema, SchemaError> {
    Schema::parse(&schema.to_string())
}

#[test]
fn violations_name_path_and_expectation() {
    let schema = Schema::of_arguments(
        &json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}, "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["n"], "additionalProperties": false}).to_string(),
    )
    .unwrap();
    assert_eq!(schema.violations(&json!({"n": 3, "tags": ["a"]})), []);
    let told: Vec<_> = [json!({}), json!({"n": 0}), json!({"n": 1, "tags": ["a", 2]}), json!({"n": 1, "m": 2})]
        .iter()
        .flat_map(|v| schema.violations(v))
        .map(|v| format!("{}: {}", v.path, v.message))
        .collect();
    assert_eq!(
        told,
        [
            ": \"n\" is a required property",
            "/n: 0 is less than the minimum of 1",
            "/tags/1: 2 is not of type \"string\"",
            ": Additional properties are not allowed ('m' was unexpected)",
        ]
    );
}

#[test]
fn violations_are_few_and_short() {
    let schema = parse(&json!({"items": {"type": "string"}})).unwrap();
    let found = schema.violations(&json!(vec![1; 1000]));
    assert_eq!(found.len(), MOST_VIOLATIONS);
    let schema = parse(&json!({"type": "string"})).unwrap();
    let found = schema.violations(&json!(vec!["x".repeat(10_000)]));
    assert!(found[0].message.len() < 310, "{}", found[0].message.len());
}

#[test]
fn arguments_are_objects() {
    assert!(matches!(Schema::of_arguments("{}"), Err(SchemaError::NotForObjects { .. })));
    assert!(matches!(Schema::of_arguments(r#"{"type":"string"}"#), Err(SchemaError::NotForObjects { .. })));
    assert!(matches!(Schema::parse("[]"), Err(SchemaError::NotObject)));
    assert!(matches!(Schema::parse("{"), Err(SchemaError::NotJson(_))));
}

#[test]
fn nothing_is_fetched() {
    for to in ["http://127.0.0.1:1/x.json", "https://example.com/s", "file:///etc/passwd", "other.json", ""] {
        assert!(matches!(parse(&json!({"$ref": to})), Err(SchemaError::Remote(_))), "{to}");
    }
    assert!(matches!(parse(&json!({"$schema": "https://example.com/meta"})), Err(SchemaError::UnknownDraft(_))));
}

#[test]
fn size_depth_and_text_are_bounded() {
    let mut deep = json!({});
    for _ in 0..40 {
        deep = json!({"not": deep});
    }
    assert_eq!(parse(&deep).unwrap_err(), SchemaError::TooDeep);
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(Schema::parse(&nested), Err(SchemaError::TooLarge(_))));
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(Schema::parse(&nested), Err(SchemaError::NotJson(_))));
    assert_eq!(parse(&json!({"enum": (0..6000).collect::<Vec<_>>()})).unwrap_err(), SchemaError::TooManyParts);
    assert_eq!(parse(&json!({"description": "a\u{202e}b"})).unwrap_err(), SchemaError::Deceptive('\u{202e}'));
    assert_eq!(parse(&json!({"properties": {"a\u{200b}": {}}})).unwrap_err(), SchemaError::Deceptive('\u{200b}'));
}

#[test]
fn patterns_cannot_backtrack() {
    let schema = parse(&json!({"pattern": "^(a+)+$"})).unwrap();
    assert_eq!(schema.violations(&json!(format!("{}!", "a".repeat(5000)))).len(), 1);
    assert!(matches!(parse(&json!({"pattern": "(?=a)b"})), Err(SchemaError::Invalid(_))));
}

#[test]
fn endless_references_are_refused() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}),
        json!({"$anchor": "x", "not": {"$ref": "#x"}}),
        json!({"properties": {"p": {"$defs": {"a": {"$ref": "#/properties/p"}}, "$ref": "#/properties/p/$defs/a"}}}),
    ] {
        assert!(matches!(parse(&schema), Err(SchemaError::Endless(_))), "{schema}");
    }
}

#[test]
fn exploding_schemas_are_refused() {
    let mut definitions = Map::new();
    for at in 0..30 {
        let next = format!("#/$defs/d{}", at + 1);
        definitions.insert(format!("d{at}"), json!({"allOf": [{"$ref": next}, {"$ref": next}]}));
    }
    definitions.insert("d30".into(), json!({"type": "object"}));
    assert!(matches!(parse(&json!({"$defs": definitions, "$ref": "#/$defs/d0"})), Err(SchemaError::TooCostly(_))));
    let doubling = json!({"allOf": [{"properties": {"x": {"$ref": "#"}}}, {"properties": {"x": {"$ref": "#"}}}]});
    assert!(matches!(parse(&doubling), Err(SchemaError::TooCostly(_))));
    let doubling = json!({"properties": {"x": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}, "patternProperties": {"x": {"$ref": "#"}}});
    assert!(matches!(parse(&doubling), Err(SchemaError::TooCostly(_))));
}

#[test]
fn honest_recursion_is_fine() {
    let tree = json!({"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}, "children": {"type": "array", "items": {"$ref": "#"}}, "value": {"type": "integer"}}});
    let schema = parse(&tree).unwrap();
    assert_eq!(schema.violations(&json!({"left": {"right": {"value": "x"}}})).len(), 1);
}

#[test]
fn header_marks_follow_the_protocol() {
    let of = |properties: Value| Schema::of_arguments(&json!({"type": "object", "properties": properties}).to_string());
    assert!(of(json!({"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "object", "properties": {"c": {"type": "integer", "x-mcp-header": "C"}}}})).is_ok());
    for wrong in [
        json!({"a": {"type": "number", "x-mcp-header": "A"}}),
        json!({"a": {"type": "string", "x-mcp-header": ""}}),
        json!({"a": {"type": "string", "x-mcp-header": "A B"}}),
        json!({"a": {"type": "string", "x-mcp-header": "A"}, "b": {"type": "string", "x-mcp-header": "a"}}),
        json!({"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}}),
        json!({"a": {"oneOf": [{"type": "string", "x-mcp-header": "A"}]}}),
    ] {
        assert!(matches!(of(wrong.clone()), Err(SchemaError::HeaderMark(_))), "{wrong}");
    }
}
