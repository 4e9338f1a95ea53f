//! Attacks on secrets: by a guest that wants one, by servers that give one back, and by a host that
//! would tell one.

mod attached;
mod echoed;
mod repeated;
mod sources;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use cofferdam_tests::{Answer, Asked, HostBuilder, TestHost, Upstream, body, guest};
use http::Response;
use serde_json::{Value, json};

/// A secret with something in it for every kind of escape, as a header can have it.
const SECRET: &str = r#"S3cr3t/+"quoted"&<b>=%41\?#'~0123456789"#;
/// As much as an operator may ever let the host write down.
const LOG: &str = "log.level = \"debug,hyper=trace,hyper_util=trace,hickory_resolver=trace,cofferdam=trace\"";
/// What stands where one was.
const MASK: &str = "[masked]";

/// A host whose plugin `probe` may send requests to this server, each with the secret `token` in
/// this form. The secret is in a variable of its environment.
fn with_secret(upstream: &Upstream, how: &str) -> HostBuilder {
    let rule = rule(upstream, "/", &format!("secret = {{ name = \"token\", as = {how} }}"));
    with_rules(&[rule]).variable("COFFERDAM_TEST_TOKEN", SECRET)
}

fn with_rules(rules: &[String]) -> HostBuilder {
    builder(&format!("http = [{}]", rules.join(", "))).config("secret.token.variable = \"COFFERDAM_TEST_TOKEN\"")
}

fn builder(grants: &str) -> HostBuilder {
    HostBuilder::new()
        .named_plugin("probe", &guest("probe"))
        .policy(&format!("[[plugin]]\nname = \"probe\"\n[plugin.grants]\n{grants}"))
        .config(LOG)
}

fn rule(upstream: &Upstream, path: &str, more: &str) -> String {
    let url = upstream.url(path);
    format!("{{ url = \"{url}\", methods = [\"GET\", \"POST\"], networks = [\"127.0.0.0/8\"], {more} }}")
}

/// What the guest saw of an answer. It shows that backwards, in which form nothing is masked on the
/// way out; and here it is turned around again.
#[track_caller]
fn seen(host: &TestHost, url: &str, more: Value) -> String {
    let mut arguments = json!({ "url": url, "backwards": true });
    arguments.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let reply = host.rpc().call("probe_fetch", arguments);
    assert!(!reply.failed(), "{}", reply.message);
    let answer = &reply.result()["structuredContent"];
    assert!(answer["error"].is_null(), "{answer}");
    let mut texts = vec![answer["body"].clone()];
    for pairs in [&answer["headers"], &answer["trailers"]] {
        texts.extend(pairs.as_array().into_iter().flatten().map(|pair| pair[1].clone()));
    }
    let turned = |text: Value| text.as_str().unwrap_or_default().chars().rev().collect::<String>();
    texts.into_iter().map(turned).collect::<Vec<_>>().join("\n")
}

/// A server that says in its body what it was asked.
fn mirror() -> Upstream {
    Upstream::start(mirrored)
}

fn mirrored(asked: &Asked) -> Answer {
    let mut said = format!("{} {}\n", asked.method, asked.target);
    for (name, value) in &asked.headers {
        said.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    }
    Response::new(body(said))
}

fn base64(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

/// The secret in no form is in this text, which came from somewhere.
#[track_caller]
fn clean(text: &str, from: &str) {
    let json = serde_json::to_string(SECRET).unwrap();
    let forms = [
        SECRET.to_owned(),
        // Enough of it to go on with.
        SECRET[..12].to_owned(),
        SECRET[SECRET.len() - 12..].to_owned(),
        json[1..json.len() - 1].to_owned(),
        serde_json::to_string(&json).unwrap().trim_matches('"').to_owned(),
        base64(SECRET),
        base64(&format!("bot:{SECRET}")),
        SECRET.escape_debug().to_string(),
    ];
    for form in forms {
        assert!(!text.contains(&form), "{from} has {form}: {text}");
    }
}
