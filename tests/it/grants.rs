//! Grants as people write them: what is wrong is refused in words that show the right form, and the
//! documentation and the schema say the same.

use std::{collections::BTreeSet, fs};

use cofferdam_policy::{Capability, policy_schema};
use cofferdam_tests::{HostBuilder, repository};
use serde_json::Value;

use crate::cli::Cli;

/// What somebody might write, each in a policy of its own.
const WRONG: &[(&str, &str)] = &[
    ("a wildcard for everything", r#"http = [{ url = "*", methods = ["GET"] }]"#),
    ("a wildcard host", r#"http = [{ url = "https://*/", methods = ["GET"] }]"#),
    ("a wildcard within a label", r#"http = [{ url = "https://*com/", methods = ["GET"] }]"#),
    ("a wildcard below a public suffix", r#"http = [{ url = "https://*.com/", methods = ["GET"] }]"#),
    ("a wildcard in the middle", r#"http = [{ url = "https://a.*.example.com/", methods = ["GET"] }]"#),
    ("a trailing dot", r#"http = [{ url = "https://example.com./", methods = ["GET"] }]"#),
    ("a user", r#"http = [{ url = "https://example.com@evil.example/", methods = ["GET"] }]"#),
    ("a look-alike", r#"http = [{ url = "https://gіthub.com/", methods = ["GET"] }]"#),
    ("an octal address", r#"http = [{ url = "https://0177.0.0.1/", methods = ["GET"] }]"#),
    ("a hexadecimal address", r#"http = [{ url = "https://0x7f.1/", methods = ["GET"] }]"#),
    ("an address as a number", r#"http = [{ url = "https://2130706433/", methods = ["GET"] }]"#),
    ("a short address", r#"http = [{ url = "https://127.1/", methods = ["GET"] }]"#),
    ("IPv4 in IPv6", r#"http = [{ url = "https://[::ffff:127.0.0.1]/", methods = ["GET"] }]"#),
    ("no scheme", r#"http = [{ url = "example.com", methods = ["GET"] }]"#),
    ("another scheme", r#"http = [{ url = "ftp://example.com/", methods = ["GET"] }]"#),
    ("no path", r#"http = [{ url = "https://example.com", methods = ["GET"] }]"#),
    ("a query", r#"http = [{ url = "https://example.com/?a=1", methods = ["GET"] }]"#),
    ("dots in the path", r#"http = [{ url = "https://example.com/a/../b", methods = ["GET"] }]"#),
    ("port 0", r#"http = [{ url = "https://example.com:0/", methods = ["GET"] }]"#),
    ("a port that is none", r#"http = [{ url = "https://example.com:65536/", methods = ["GET"] }]"#),
    ("no rules", "http = []"),
    ("no methods", r#"http = [{ url = "https://example.com/", methods = [] }]"#),
    ("any method", r#"http = [{ url = "https://example.com/", methods = ["*"] }]"#),
    ("a method in lower case", r#"http = [{ url = "https://example.com/", methods = ["get"] }]"#),
    ("no networks", r#"http = [{ url = "https://example.com/", methods = ["GET"], networks = [] }]"#),
    ("every network", r#"http = [{ url = "https://example.com/", methods = ["GET"], networks = ["0.0.0.0/0"] }]"#),
    (
        "bits behind the prefix",
        r#"http = [{ url = "https://example.com/", methods = ["GET"], networks = ["10.1.2.3/8"] }]"#,
    ),
    (
        "a secret in a header of the connection",
        r#"http = [{ url = "https://example.com/", methods = ["GET"], secret = { name = "a", as = { header = "Host" } } }]"#,
    ),
    (
        "a secret as what is not known",
        r#"http = [{ url = "https://example.com/", methods = ["GET"], secret = { name = "a", as = "token" } }]"#,
    ),
    ("an unknown key of a rule", r#"http = [{ url = "https://example.com/", method = ["GET"] }]"#),
    (
        "an unknown key of a secret",
        r#"http = [{ url = "https://example.com/", methods = ["GET"], secret = { name = "a", at = "bearer" } }]"#,
    ),
    ("an unknown grant", r#"htp = [{ url = "https://example.com/", methods = ["GET"] }]"#),
    ("a rule that is a text", r#"http = ["https://example.com/"]"#),
    ("everything", r#"http = true"#),
    ("any socket", r#"sockets = ["*:443"]"#),
    ("a socket without port", r#"sockets = ["db.example.com"]"#),
    ("no sockets", "sockets = []"),
    ("the whole machine", r#"filesystem = [{ path = "/" }]"#),
    ("a relative directory", r#"filesystem = [{ path = "documents" }]"#),
    ("a directory through dots", r#"filesystem = [{ path = "/srv/../etc" }]"#),
    ("a pattern of directories", r#"filesystem = [{ path = "/home/*" }]"#),
    ("another access", r#"filesystem = [{ path = "/srv/a", access = "rw" }]"#),
    ("no directories", "filesystem = []"),
    ("any secret", r#"secrets = ["*"]"#),
    ("any variable", r#"environment = ["*"]"#),
    ("any bucket", r#"keyvalue = [{ bucket = "*" }]"#),
    ("any database", r#"sql = [{ database = "*" }]"#),
    ("an access that sql has not", r#"sql = [{ database = "main", access = "read-write" }]"#),
    ("a clock that is none", r#"clock = "exact""#),
    ("an unknown key of a clock", r#"clock = { from = "2026-01-01T00:00:00Z" }"#),
    ("a word for yes", r#"host_info = "yes""#),
];

fn policy(grants: &str) -> String {
    format!("version = 1\n[[plugin]]\nname = \"probe\"\n[plugin.grants]\n{grants}\n")
}

#[test]
fn a_wrong_grant_is_refused_with_the_right_form() {
    let cli = Cli::new(HostBuilder::new());
    let mut told = String::new();
    for (what, grants) in WRONG {
        fs::write(cli.path("wrong.toml"), policy(grants)).unwrap();
        let finished = cli.run(&["policy", "check", "--policy", "wrong.toml"]);
        assert_eq!(finished.code, Some(1), "{what}: {grants}\n{}", finished.err);
        told.push_str(&format!("# {what}\n{grants}\n{}\n", finished.err));
    }
    cli.golden("grants-wrong.txt", &told);
}

#[test]
fn a_tool_that_has_more_than_its_plugin_is_refused() {
    let cli = Cli::new(HostBuilder::new());
    let tool = |grants: &str| format!("[plugin.tools.read.grants]\n{grants}\n");
    let mut told = String::new();
    for (plugin, own) in [
        (
            r#"http = [{ url = "https://a.example.com/v1/", methods = ["GET"] }]"#,
            r#"http = [{ url = "https://a.example.com/v1/", methods = ["GET", "POST"] }]"#,
        ),
        (
            r#"http = [{ url = "https://a.example.com/v1/", methods = ["GET"] }]"#,
            r#"http = [{ url = "https://a.example.com/", methods = ["GET"] }]"#,
        ),
        (r#"filesystem = [{ path = "/srv/a" }]"#, r#"filesystem = [{ path = "/srv/a", access = "read-write" }]"#),
        (r#"sql = [{ database = "main" }]"#, r#"sql = [{ database = "main", access = "write" }]"#),
        ("host_info = false", "host_info = true"),
    ] {
        fs::write(cli.path("wide.toml"), policy(plugin) + &tool(own)).unwrap();
        let finished = cli.run(&["policy", "check", "--policy", "wide.toml"]);
        assert_eq!(finished.code, Some(1), "{own}\n{}", finished.err);
        told.push_str(&finished.err);
        fs::write(cli.path("wide.toml"), policy("") + &tool(own)).unwrap();
        let alone = cli.run(&["policy", "check", "--policy", "wide.toml"]);
        assert_eq!(alone.code, Some(0), "what its plugin says nothing of is the tool's: {own}\n{}", alone.err);
    }
    cli.golden("grants-wide.txt", &told);
}

/// The keys of every table below a part of the schema.
fn keys(root: &Value, schema: &Value, found: &mut BTreeSet<String>, depth: usize) {
    if depth > 12 {
        return;
    }
    if let Some(target) = schema["$ref"].as_str().and_then(|r| root.pointer(r.strip_prefix('#')?)) {
        keys(root, target, found, depth + 1);
    }
    for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
        found.insert(key.clone());
        keys(root, inner, found, depth + 1);
    }
    for part in ["anyOf", "oneOf", "allOf"] {
        schema[part].as_array().into_iter().flatten().for_each(|inner| keys(root, inner, found, depth + 1));
    }
    keys_of_items(root, schema, found, depth);
}

fn keys_of_items(root: &Value, schema: &Value, found: &mut BTreeSet<String>, depth: usize) {
    if schema["items"].is_object() {
        keys(root, &schema["items"], found, depth + 1);
    }
}

#[test]
fn the_documentation_has_every_grant_and_no_other() {
    let text = fs::read_to_string(repository().join("docs/policy.md")).unwrap();
    let schema = policy_schema();
    let root = schema.as_value();
    let grants = &root["$defs"]["Grants"];
    let section = text.split("\n## Grants").nth(1).unwrap().split("\n## ").next().unwrap();
    for capability in Capability::ALL {
        let key = capability.key();
        assert!(grants["properties"][key].is_object(), "the schema has no {key}");
        let part =
            section.split("\n### ").skip(1).find(|part| part.lines().next().unwrap().split(" and ").any(|k| k == key));
        let part = part.unwrap_or_else(|| panic!("docs/policy.md has no part about {key}"));
        assert!(
            part.split("```toml\n").skip(1).any(|block| block
                .split("```")
                .next()
                .unwrap()
                .contains(&format!("{key} ="))),
            "docs/policy.md has no example of {key}"
        );
        let mut known = BTreeSet::new();
        keys(root, &grants["properties"][key], &mut known, 0);
        for known in &known {
            assert!(
                part.contains(&format!("`{known}`")) || part.contains(&format!("{known} =")),
                "docs/policy.md does not say what `{known}` of {key} is"
            );
        }
        let rows = part.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        for row in rows {
            assert!(known.contains(row), "docs/policy.md has `{row}` of {key}, which is not in the schema");
        }
    }
    assert_eq!(grants["properties"].as_object().unwrap().len(), Capability::ALL.len());
}
