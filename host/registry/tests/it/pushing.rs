//! Pushing to registries that lead astray, and to one that lists referrers itself.

use std::collections::BTreeMap;

use cofferdam_registry::RegistryError;
use serde_json::json;

use crate::{
    content::{Content, Lists, impatient, reference},
    stub::{Asked, Reply, Stub},
};

/// Takes whatever is put, to this place.
fn taking(place: &'static str, headers: Vec<(&'static str, String)>) -> Stub {
    let content = Content::new(Lists::Registry);
    Stub::new(move |asked: &Asked| match asked.method.as_str() {
        "POST" => Reply::Whole(202, vec![("Location", place.to_owned())], Vec::new()),
        "PUT" => Reply::Whole(201, headers.clone(), Vec::new()),
        _ => content.answer(asked),
    })
}

#[tokio::test]
async fn uploads_go_where_they_may() {
    for place in ["/v2/upload?state=x", "upload"] {
        let stub = taking(place, Vec::new());
        impatient().push(&reference(&stub.registry(), "1"), b"component", &BTreeMap::new()).await.unwrap();
        let put: Vec<_> = stub.asked().into_iter().filter(|asked| asked.method == "PUT").collect();
        assert_eq!(put.len(), 3, "configuration, component, manifest");
        assert!(put[1].path.contains("digest=sha256%3A") && put[1].body == "component", "{:?}", put[1]);
    }
    // What is there is not sent again: only the manifest is.
    let content = Content::new(Lists::Registry);
    let stub = Stub::new(move |asked: &Asked| match (asked.method.as_str(), asked.path.contains("/blobs/")) {
        ("HEAD", true) => Reply::ok(""),
        ("PUT", false) => Reply::status(201),
        _ => content.answer(asked),
    });
    impatient().push(&reference(&stub.registry(), "1"), b"component", &BTreeMap::new()).await.unwrap();
    assert_eq!(stub.asked().len(), 3);
    for place in ["ftp://127.0.0.1/", "http://user:password@127.0.0.1/", "http://"] {
        let stub = taking(place, Vec::new());
        let pushed = impatient().push(&reference(&stub.registry(), "1"), b"component", &BTreeMap::new()).await;
        assert!(matches!(pushed, Err(RegistryError::Odd { .. })), "{pushed:?}");
        assert!(stub.asked().iter().all(|asked| asked.method != "PUT"));
    }
}

#[tokio::test]
async fn what_a_registry_does_not_take_is_said() {
    for (status, away) in [(400, false), (403, false), (413, false), (200, false), (500, true)] {
        let stub = Stub::new(move |_| Reply::status(status));
        let tagged = reference(&stub.registry(), "1");
        // Answered with 200, a registry claims to have everything but the manifest.
        let error = impatient().push(&tagged, b"component", &BTreeMap::new()).await.unwrap_err();
        assert_eq!(error.is_away(), away, "{status}: {error}");
    }
}

#[tokio::test]
async fn a_registry_that_lists_referrers_needs_no_tag() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let statement = STANDARD.encode(json!({ "predicateType": "https://example.com/p" }).to_string());
    let bundle = json!({ "dsseEnvelope": { "payload": statement } }).to_string();
    let subject = Content::new(Lists::Registry).digest("unsigned");
    let attach = async |stub: &Stub| {
        let result = impatient().attach(&reference(&stub.registry(), "unsigned"), subject, bundle.as_bytes()).await;
        let put: Vec<_> = stub.asked().into_iter().filter(|asked| asked.method == "PUT").collect();
        let lists = put.iter().filter(|asked| asked.path.ends_with(&format!("/manifests/sha256-{subject}"))).count();
        let said = "\"dev.sigstore.bundle.predicateType\":\"https://example.com/p\"";
        assert!(put.iter().any(|asked| asked.body.contains(said)), "{put:?}");
        (result, lists)
    };
    let (attached, lists) = attach(&taking("/upload", vec![("OCI-Subject", format!("sha256:{subject}"))])).await;
    assert!(attached.is_ok() && lists == 0, "{attached:?}");
    // Without a word of it the list is written; this registry forgets it each time, and the client gives up.
    let (attached, lists) = attach(&taking("/upload", Vec::new())).await;
    assert!(matches!(attached, Err(RegistryError::Odd { .. })) && lists == 3, "{attached:?}");
}
