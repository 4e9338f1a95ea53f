use super::*;

fn parse(text: &str) -> Result<Policy, String> {
    let none = &mut |path: &str| Err(format!("there is no {path}"));
    Policy::parse("policy.toml", &format!("version = 1\n{text}"), none).map_err(|e| e.to_string())
}

fn tool(plugin: &str, tool: &str) -> Target {
    let (plugin, tool): (PluginName, ToolName) = (plugin.parse().unwrap(), tool.parse().unwrap());
    let id = crate::ToolId::new(plugin.as_str(), &tool).unwrap();
    Target::Tool { plugin, tool, id }
}

#[test]
fn the_default_grants_and_accepts_nothing() {
    let policy = parse("").unwrap();
    let permit = policy.permit(Principal::of(Transport::Http), tool("system", "echo"), Digest::of(b"x")).unwrap();
    assert_eq!(**permit.grants(), Grants::default());
    assert_eq!(*permit.limits(), Limits::default());
    assert!(!policy.accepts_digest(&"system".parse().unwrap(), &Digest::of(b"x")));
}

#[test]
fn limits_go_from_host_to_plugin_to_tool() {
    let policy = parse(
        r#"
        [limits]
        fuel = "10M"
        deadline = "1s"
        [[plugin]]
        name = "a"
        limits = { fuel = "20M", memory = "128MiB" }
        [plugin.tools.t]
        limits.fuel = "30M"
        "#,
    )
    .unwrap();
    let t = policy.limits(&tool("a", "t"));
    assert_eq!((t.fuel, t.deadline, t.memory), (Fuel::new(30_000_000), Span::secs(1), Bytes::mib(128)));
    assert_eq!(policy.limits(&tool("a", "u")).fuel, Fuel::new(20_000_000));
    assert_eq!(policy.limits(&tool("b", "t")).fuel, Fuel::new(10_000_000));
    assert_eq!(policy.ceiling().memory, Bytes::mib(128));
}

#[test]
fn a_tool_narrows_what_its_plugin_has_and_may_have_what_that_says_nothing_of() {
    let text = |plugin, tool| format!("[[plugin]]\nname = \"a\"\n{plugin}tools.t.grants.host_info = {tool}\n");
    let has = |policy: &Policy, name| {
        let permit = policy.permit(Principal::of(Transport::Http), tool("a", name), Digest::of(b"")).unwrap();
        permit.grants().has(Capability::HostInfo)
    };
    let narrowed = parse(&text("grants.host_info = true\n", false)).unwrap();
    assert_eq!((has(&narrowed, "t"), has(&narrowed, "u")), (false, true));
    let alone = parse(&text("", true)).unwrap();
    assert_eq!((has(&alone, "t"), has(&alone, "u")), (true, false));
    let plugin = "a".parse().unwrap();
    assert!(alone.capabilities(&plugin).contains(&Capability::HostInfo), "its component is linked with it");
    assert_eq!(alone.granted(&plugin), ["host_info"]);
    assert!(!alone.grants(&Target::Plugin(plugin)).has(Capability::HostInfo), "prompts and resources are not");
    let refused = parse(&text("grants.host_info = false\n", true)).unwrap_err();
    assert!(refused.contains("plugin[0].tools.t.grants.host_info: a tool never has more than its plugin"), "{refused}");
}

#[test]
fn what_is_switched_off_gets_no_permit() {
    let policy =
        parse("[[plugin]]\nname = \"a\"\ntools.t.enabled = false\n[[plugin]]\nname = \"b\"\nenabled = false\n")
            .unwrap();
    let permit = |target| policy.permit(Principal::of(Transport::Stdio), target, Digest::of(b""));
    assert!(matches!(permit(tool("a", "t")), Err(Denied::ToolOff(..))));
    assert!(permit(tool("a", "u")).is_ok());
    assert!(matches!(permit(tool("b", "t")), Err(Denied::PluginOff(_))));
    assert!(matches!(permit(Target::Plugin("b".parse().unwrap())), Err(Denied::PluginOff(_))));
}

#[test]
fn an_accepted_digest_is_bound_to_its_name() {
    let digest = Digest::of(b"component");
    let policy = parse(&format!("[[plugin]]\nname = \"a\"\nsha256 = [\"{digest}\"]\n")).unwrap();
    assert!(policy.accepts_digest(&"a".parse().unwrap(), &digest));
    assert!(!policy.accepts_digest(&"b".parse().unwrap(), &digest));
    assert!(!policy.accepts_digest(&"a".parse().unwrap(), &Digest::of(b"other")));
}

/// What people read when they make a mistake.
#[test]
fn mistakes_are_answered_with_place_and_right_form() {
    let cases = [
        ("[limits]\nfule = \"1M\"\n", "policy.toml:3:1: limits.fule: unknown key; did you mean `fuel`?"),
        (
            "[[plugin]]\nname = \"a\"\nlimits = { deadlin = \"1s\" }\n",
            "policy.toml:4:12: plugin[0].limits.deadlin: unknown key; did you mean `deadline`?",
        ),
        (
            "[[plugin]]\nname = \"a\"\ngrants = { htp = [] }\n",
            "policy.toml:4:12: plugin[0].grants.htp: unknown key; did you mean `http`?",
        ),
        (
            "[[plugin]]\nname = \"a\"\ntools.t.limits.fule = \"1M\"\n",
            "policy.toml:4:16: plugin[0].tools.t.limits.fule: unknown key; did you mean `fuel`?",
        ),
        (
            "[limits]\nfuel = \"unlimited\"\n",
            "policy.toml:3:8: \"unlimited\" is no amount of fuel: write a number above zero with k, M or G, such as \"200M\"",
        ),
        ("[limits]\nmemory = \"5GiB\"\n", "policy.toml:limits.memory: 5GiB is out of range: at most 4GiB"),
        ("[limits]\ninstances = 0\n", "policy.toml:limits.instances: 0 is out of range: 1 to 1000"),
        (
            "[[plugin]]\nname = \"A\"\n",
            "policy.toml:3:8: \"A\" is no plugin name: 1 to 32 of a-z, 0-9 and -, beginning with a letter",
        ),
        (
            "[[plugin]]\nname = \"a\"\n[[plugin]]\nname = \"a\"\n",
            "policy.toml:plugin[1].name: a has an entry already: put both into one",
        ),
        (
            "[[plugin]]\nname = \"a\"\nprefix = \"a b\"\n",
            "policy.toml:plugin[0].prefix: \"a b\" is no prefix: use A-Z, a-z, 0-9, _ and -, or \"\" for bare names",
        ),
        ("limits = 3\n", "policy.toml:2:10: invalid type: integer `3`, expected struct LimitsEntry"),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text).unwrap_err(), expected, "for {text}");
    }
    assert_eq!(
        Policy::parse("p", "", &mut |_| Err(String::new())).unwrap_err().to_string(),
        "p:version: begin the file with `version = 1`"
    );
    assert_eq!(
        Policy::parse("p", "version = 2", &mut |_| Err(String::new())).unwrap_err().to_string(),
        "p:version: this program reads version 1, not 2"
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let error = parse("[limits]\nfule = \"1M\"\nmemry = \"1MiB\"\n").unwrap_err();
    assert_eq!(error.lines().count(), 2, "{error}");
}

#[test]
fn every_key_of_the_schema_is_documented() {
    fn walk(path: &str, schema: &serde_json::Value) {
        if let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) {
            for (key, property) in properties {
                assert!(property.get("description").is_some() || property.get("$ref").is_some(), "{path}.{key}");
                walk(&format!("{path}.{key}"), property);
            }
        }
    }
    let schema = policy_schema().to_value();
    walk("", &schema);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        walk(name, definition);
    }
}

use crate::{Fuel, Span};
