use super::*;

fn text(uri: &str) -> (String, String) {
    let contents = read(uri).unwrap().pop().unwrap();
    assert_eq!(contents.uri, uri);
    match contents.body {
        ResourceBody::Text(text) => (contents.mime_type.unwrap(), text),
        ResourceBody::Blob(_) => panic!("{uri} is binary"),
    }
}

#[test]
fn the_fixed_resources_are_listed_and_the_template_is_not() {
    let uris: Vec<_> = list().into_iter().map(|info| info.uri).collect();
    let expected = ["test://static-text", "test://static-binary", "test://watched-resource"];
    assert_eq!(uris, expected);
    let templates: Vec<_> = templates().into_iter().map(|t| t.uri_template).collect();
    assert_eq!(templates, ["test://template/{id}/data"]);
}

#[test]
fn a_listing_tells_what_a_read_gives() {
    for info in list() {
        assert!(!info.name.is_empty());
        assert!(info.description.is_some_and(|description| !description.is_empty()));
        let [contents] = read(&info.uri).unwrap().try_into().unwrap();
        assert_eq!(contents.uri, info.uri);
        assert_eq!(contents.mime_type, info.mime_type);
        let size = match contents.body {
            ResourceBody::Text(text) => text.len(),
            ResourceBody::Blob(bytes) => bytes.len(),
        };
        assert_eq!(info.size, Some(size as u64));
    }
}

#[test]
fn static_text() {
    let expected = "This is the content of the static text resource.";
    assert_eq!(text("test://static-text"), ("text/plain".into(), expected.into()));
}

#[test]
fn static_binary() {
    let [contents] = read("test://static-binary").unwrap().try_into().unwrap();
    assert_eq!(contents.mime_type.as_deref(), Some("image/png"));
    assert_eq!(contents.body, ResourceBody::Blob(PNG.into()));
}

#[test]
fn the_template_fills_in_the_id() {
    let expected = r#"{"id":"123","templateTest":true,"data":"Data for ID: 123"}"#;
    let json = "application/json".to_owned();
    assert_eq!(text("test://template/123/data"), (json, expected.into()));
}

#[test]
fn an_id_is_decoded_and_cannot_break_out_of_the_json() {
    let (_, json) = text("test://template/a%22%2C%20%C3%A4/data");
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["id"], "a\", ä");
    assert_eq!(value["data"], "Data for ID: a\", ä");
}

#[test]
fn anything_else_is_not_found() {
    for uri in [
        "test://nonexistent-resource-for-conformance-testing",
        "test://static-text/",
        "test://template/123",
        "test://template//data",
        "test://template/1/2/data",
        "test://template/%/data",
        "test://template/%4/data",
        "test://template/%zz/data",
        "test://template/%FF/data",
        "TEST://static-text",
        "",
    ] {
        let expected = ToolError::NotFound(format!("there is no resource `{uri}`"));
        assert_eq!(read(uri).unwrap_err(), expected);
    }
}
