use super::*;

fn grants(text: &str) -> Grants {
    toml_edit::de::from_str(text).unwrap()
}

fn error(text: &str) -> String {
    toml_edit::de::from_str::<Grants>(text).unwrap_err().message().trim().to_owned()
}

/// One line for each capability: a grant, one within it, and one that goes beyond it.
const TABLE: [(Capability, &str, &str, &str); 13] = [
    (Capability::Clock, r#"clock = "coarse""#, r#"clock = "frozen""#, r#"clock = "real""#),
    (Capability::Config, r#"config = { a = "1", b = "2" }"#, r#"config = { a = "1" }"#, r#"config = { a = "2" }"#),
    (
        Capability::Environment,
        r#"environment = ["TZ", "LANG"]"#,
        r#"environment = ["TZ"]"#,
        r#"environment = ["HOME"]"#,
    ),
    (
        Capability::Filesystem,
        r#"filesystem = [{ path = "/srv/a", access = "read-write", bytes = "1MiB" }]"#,
        r#"filesystem = [{ path = "/srv/a/b", bytes = "1MiB" }]"#,
        r#"filesystem = [{ path = "/srv/ab", bytes = "1MiB" }]"#,
    ),
    (Capability::HostInfo, "host_info = false", "host_info = false", "host_info = true"),
    (
        Capability::Http,
        r#"http = [{ url = "https://a.example.com/v1/", methods = ["GET", "POST"] }]"#,
        r#"http = [{ url = "https://a.example.com/v1/x", methods = ["GET"] }]"#,
        r#"http = [{ url = "https://a.example.com/", methods = ["GET"] }]"#,
    ),
    (
        Capability::KeyValue,
        r#"keyvalue = [{ bucket = "a", access = "read-write", keys = 10 }]"#,
        r#"keyvalue = [{ bucket = "a", keys = 10 }]"#,
        r#"keyvalue = [{ bucket = "a", keys = 11 }]"#,
    ),
    (Capability::Log, "log = false", "log = false", "log = true"),
    (Capability::Progress, "progress = false", "progress = false", "progress = true"),
    (Capability::Random, r#"random = { seed = "a" }"#, r#"random = { seed = "a" }"#, r#"random = "real""#),
    (Capability::Secrets, r#"secrets = ["a", "b"]"#, r#"secrets = ["b"]"#, r#"secrets = ["c"]"#),
    (
        Capability::Sockets,
        r#"sockets = ["a.example.com:1", "b.example.com:2"]"#,
        r#"sockets = ["b.example.com:2"]"#,
        r#"sockets = ["b.example.com:1"]"#,
    ),
    (
        Capability::Sql,
        r#"sql = [{ database = "a", access = "write", rows = 5 }]"#,
        r#"sql = [{ database = "a", rows = 5 }]"#,
        r#"sql = [{ database = "b", rows = 5 }]"#,
    ),
];

#[test]
fn a_tool_can_narrow_and_never_widen() {
    for (at, (capability, plugin, within, beyond)) in TABLE.into_iter().enumerate() {
        assert_eq!(capability, Capability::ALL[at], "a line for each capability, in their order");
        let plugin = grants(plugin);
        assert_eq!(plugin.widened_by(&grants(within)), [], "{within}");
        let widened = plugin.widened_by(&grants(beyond));
        assert_eq!(widened.iter().map(|(c, _)| *c).collect::<Vec<_>>(), [capability], "{beyond}");
        assert!(!widened[0].1.is_empty());
    }
}

#[test]
fn what_a_plugin_says_nothing_of_can_be_granted_to_one_tool() {
    for (capability, _, within, beyond) in TABLE {
        for tool in [within, beyond] {
            let tool = grants(tool);
            assert_eq!(Grants::default().widened_by(&tool), []);
            assert_eq!(Grants::default().of_tool(Some(&tool)).has(capability), tool.has(capability));
        }
    }
}

#[test]
fn a_tools_entry_is_all_that_it_gets() {
    let plugin = grants("host_info = true\nsecrets = [\"a\"]\nclock = \"frozen\"\nlog = false\n");
    assert_eq!(plugin.of_tool(None), plugin);
    let tool = plugin.of_tool(Some(&grants("secrets = [\"a\"]")));
    assert_eq!(tool.names(), ["secrets"]);
    // What is given stays as its plugin has it.
    assert_eq!((tool.clock(), tool.has(Capability::Log)), (Clock::Frozen, false));
    assert!(plugin.of_tool(Some(&Grants::default())).names().is_empty());
}

#[test]
fn nothing_is_granted_by_default() {
    let none = Grants::default();
    assert_eq!((none.names(), none.reach()), (Vec::new(), Reach::default()));
    for capability in Capability::ALL {
        assert_eq!(none.has(capability), capability.is_given(), "{capability}");
        assert!(!none.states(capability));
    }
}

#[test]
fn every_example_is_a_grant_of_its_kind() {
    for capability in Capability::ALL {
        let granted = grants(capability.example());
        assert!(granted.has(capability) && granted.states(capability), "{capability}");
        let described = granted.describe();
        assert!(described.iter().any(|(c, words)| *c == capability && !words.is_empty()), "{capability}");
        let again: Grants = toml_edit::de::from_str(&toml_edit::ser::to_string(&granted).unwrap()).unwrap();
        assert_eq!(again, granted);
    }
}

#[test]
fn reach_is_what_grants_let_a_tool_do() {
    let of = |text: &str| {
        let Reach { network, writes } = grants(text).reach();
        (network, writes)
    };
    let all = [
        (r#"http = [{ url = "https://a.example.com/", methods = ["GET", "HEAD"] }]"#, (true, false)),
        (r#"http = [{ url = "https://a.example.com/", methods = ["DELETE"] }]"#, (true, true)),
        (r#"sockets = ["a.example.com:1"]"#, (true, true)),
        (r#"filesystem = [{ path = "/srv/a" }]"#, (false, false)),
        (r#"filesystem = [{ path = "/srv/a", access = "read-write" }]"#, (false, true)),
        (r#"keyvalue = [{ bucket = "a" }]"#, (false, false)),
        (r#"keyvalue = [{ bucket = "a", access = "read-write" }]"#, (false, true)),
        (r#"sql = [{ database = "a" }]"#, (false, false)),
        (r#"sql = [{ database = "a", access = "write" }]"#, (false, true)),
        (
            "host_info = true\nclock = \"real\"\nsecrets = [\"a\"]\nenvironment = [\"TZ\"]\nconfig = { a = \"1\" }",
            (false, false),
        ),
    ];
    for (text, reach) in all {
        assert_eq!(of(text), reach, "{text}");
    }
}

#[test]
fn wrong_grants_show_the_right_form() {
    let all = [
        (
            "filesystem = []",
            r#"`filesystem = []` grants nothing: leave `filesystem` out, or write filesystem = [{ path = "/srv/documents", access = "read" }]"#,
        ),
        (
            r#"filesystem = [{ path = "documents" }]"#,
            r#""documents" does not begin at the root: write the whole path, such as "/srv/documents""#,
        ),
        (
            r#"filesystem = [{ path = "/" }]"#,
            r#""/" is everything on this machine: write the whole path, such as "/srv/documents""#,
        ),
        (
            r#"filesystem = [{ path = "/srv/../etc" }]"#,
            r#""/srv/../etc" goes through `.` or `..`: write the whole path, such as "/srv/documents""#,
        ),
        (
            r#"filesystem = [{ path = "/srv/*" }]"#,
            r#""/srv/*" is no path of a directory: write the whole path, such as "/srv/documents""#,
        ),
        (
            r#"filesystem = [{ path = "/a/x" }, { path = "/b/X" }]"#,
            r#"/b/X is /X for the plugin, and /x is there already: say where it is with `at`"#,
        ),
        (
            r#"filesystem = [{ path = "/a", at = "../x" }]"#,
            r#""../x" is no place in a plugin's file system: write one such as "/documents""#,
        ),
        (
            "keyvalue = []",
            r#"`keyvalue = []` grants nothing: leave `keyvalue` out, or write keyvalue = [{ bucket = "default", access = "read-write" }]"#,
        ),
        (r#"keyvalue = [{ bucket = "a b" }]"#, r#""a b" is no bucket's name: 1 to 64 of A-Z, a-z, 0-9, -, _ and ."#),
        (r#"keyvalue = [{ bucket = "a" }, { bucket = "a", keys = 1 }]"#, "bucket a is there twice: put both into one"),
        (
            "sql = []",
            r#"`sql = []` grants nothing: leave `sql` out, or write sql = [{ database = "main", access = "read" }]"#,
        ),
        (
            r#"sql = [{ database = "Main" }]"#,
            r#""Main" is no database's name: 1 to 64 of a-z, 0-9, - and _, beginning with a letter"#,
        ),
        (r#"sql = [{ database = "a", rows = 0 }]"#, "`rows = 0` is out of range: 1 to 1000000"),
        ("secrets = []", r#"`secrets = []` grants nothing: leave `secrets` out, or write secrets = ["api-token"]"#),
        (r#"secrets = ["*"]"#, r#""*" is no secret's name: 1 to 64 of a-z, 0-9, -, _ and ., beginning with a letter"#),
        (r#"secrets = ["a", "a"]"#, "entry 2 of `secrets` is there already: each thing is granted once"),
        (r#"environment = ["*"]"#, r#""*" names no variable: write names such as "TZ", each by itself"#),
        (
            "environment = []",
            r#"`environment = []` grants nothing: leave `environment` out, or write environment = ["TZ"]"#,
        ),
        ("config = {}", r#"`config = {}` grants nothing: leave `config` out, or write config = { name = "value" }"#),
        (
            r#"clock = "exact""#,
            r#""exact" is no clock: write "real", "coarse", "frozen", or { at = "2026-01-01T00:00:00Z" }"#,
        ),
        (
            r#"clock = { at = "noon" }"#,
            r#""noon" is no moment: write "real", "coarse", "frozen", or { at = "2026-01-01T00:00:00Z" }"#,
        ),
        (r#"random = "fast""#, r#""fast" is no source of randomness: write "real" or { seed = "any text" }"#),
        (r#"random = { seed = "" }"#, r#"a seed has 1 to 256 bytes: write "real" or { seed = "any text" }"#),
    ];
    for (text, message) in all {
        assert_eq!(error(text), message, "{text}");
    }
}
