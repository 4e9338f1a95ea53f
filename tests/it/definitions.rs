//! What a plugin says of itself. A definition that deceives or costs too much keeps its whole plugin
//! out, and the refusal says which tool and what.

use std::{io::ErrorKind, net::TcpListener};

use cofferdam_tests::{HostBuilder, TestHost, forge, guest};
use serde_json::{Map, Value, json};

/// A plugin with a definition that has to be refused.
struct Lie {
    /// The plugin's name.
    name: String,
    tools: Vec<Value>,
    says: Vec<String>,
}

fn lie(name: &str, tools: Vec<Value>, says: &[&str]) -> Lie {
    Lie { name: name.to_owned(), tools, says: says.iter().map(|&words| words.to_owned()).collect() }
}

/// `object` with the members of `more`, which replace those it has.
fn extended(mut object: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("no object: {more}") };
    object.as_object_mut().unwrap().extend(more);
    object
}

/// A definition, honest but for what `lies` replaces.
fn tool(lies: Value) -> Value {
    let honest = json!({ "name": "odd", "description": "Does it.", "inputSchema": r#"{"type":"object"}"# });
    extended(honest, lies)
}

fn honest(name: &str) -> Value {
    tool(json!({ "name": name }))
}

fn liar(tools: &[Value]) -> Vec<u8> {
    forge::patch_definitions(&guest("liar"), &Value::from(tools).to_string())
}

/// Starts a host with all these plugins, and sees them refused and nothing of them listed.
#[track_caller]
fn assert_refused(lies: &[Lie], host: HostBuilder) {
    let host = host.plugin("good", &guest("greeter"));
    // None is kept out for want of time, however many compile at once.
    let host = host.policy("admission.compile_time = \"5m\"\nadmission.describe_deadline = \"1m\"");
    let host = lies.iter().fold(host, |host, Lie { name, tools, .. }| host.plugin(name, &liar(tools))).start();
    assert_eq!(host.rpc().tools(), ["good_greet"], "of all others nothing is listed");
    for Lie { name, says, .. } in lies {
        let (step, text) = refusal(&host, name);
        assert_eq!(step, "describe", "{name}: {text}");
        for words in says {
            assert!(text.contains(words.as_str()), "{name}: {words:?} in {text:?}");
        }
        let hidden =
            |c: char| c.is_control() || "\u{ad}\u{200b}\u{200d}\u{202e}\u{2066}\u{2028}\u{feff}\u{e0041}".contains(c);
        assert!(!text.contains(hidden), "{name}: {text:?}");
    }
}

/// The step, and what was found and would mend it.
#[track_caller]
fn refusal(host: &TestHost, plugin: &str) -> (String, String) {
    let line = host.line(plugin, |l| l["message"] == "refused" && l["plugin"] == plugin);
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    (text("step").to_owned(), format!("{}; {}", text("found"), text("mend")))
}

#[test]
fn names_that_no_client_should_see() {
    let named = |plugin: &str, name: &str, says: &[&str]| lie(plugin, vec![honest("fine"), honest(name)], says);
    let no_name = "is no tool or prompt name";
    let lies = [
        named("empty", "", &["a tool's name: \"\"", no_name]),
        named("space", "two words", &["a tool's name: \"two words\"", no_name]),
        named("dot", "a.b", &["\"a.b\"", no_name]),
        named("path", "../up", &["\"../up\"", no_name]),
        named("long", &"x".repeat(65), &[&"x".repeat(65), no_name]),
        named("endless", &"x".repeat(20_000), &[&"x".repeat(80), no_name]),
        named("zero-width", "a\u{200b}b", &[r"a\u{200b}b", no_name]),
        named("bidi", "a\u{202e}b", &[r"a\u{202e}b", no_name]),
        named("ansi", "a\u{1b}[31mb", &[r"a\u{1b}[31mb", no_name]),
        named("nul", "a\0b", &[r"a\0b", no_name]),
        named("line-break", "a\nb", &[r"a\nb", no_name]),
        named("look-alike", "есho", &["есho", no_name]),
        named("full-width", "ｅｃｈｏ", &["ｅｃｈｏ", no_name]),
        named("twice", "fine", &["a tool's name: fine is there twice"]),
        named("letter-case", "FINE", &["a tool's name: FINE is there twice, letter case aside"]),
        named("too-long-with-its-plugins-name", &"x".repeat(40), &["is longer than 64 characters"]),
    ];
    assert_refused(&lies, HostBuilder::new());
}

#[test]
fn texts_that_are_not_what_they_look_like() {
    let mut lies = vec![
        lie(
            "long-title",
            vec![tool(json!({ "title": "x".repeat(201) }))],
            &["the title of tool odd has 201 bytes", "200 are allowed"],
        ),
        lie(
            "two-line-title",
            vec![tool(json!({ "title": "a\nb" }))],
            &[r"the title of tool odd holds the character '\n'"],
        ),
        lie(
            "long-description",
            vec![tool(json!({ "description": "x".repeat(8193) }))],
            &["the description of tool odd has 8193 bytes", "8192 are allowed"],
        ),
    ];
    let hidden = [
        ("ansi", '\u{1b}', r"\u{1b}"),
        ("nul", '\0', r"\0"),
        ("return", '\r', r"\r"),
        ("soft-hyphen", '\u{ad}', r"\u{ad}"),
        ("zero-width", '\u{200b}', r"\u{200b}"),
        ("joiner", '\u{200d}', r"\u{200d}"),
        ("bidi", '\u{202e}', r"\u{202e}"),
        ("isolate", '\u{2066}', r"\u{2066}"),
        ("mark", '\u{feff}', r"\u{feff}"),
        ("tag", '\u{e0041}', r"\u{e0041}"),
        ("private", '\u{e000}', r"\u{e000}"),
    ];
    for (name, character, shown) in hidden {
        let text = format!("Looks {character}fine.");
        let says =
            |what: &str| format!("the {what} of tool odd holds the character '{shown}', which readers cannot see");
        let schema = json!({ "type": "object", "properties": { "a": { "description": text } } }).to_string();
        let of_schema = format!("the input schema of tool odd: it holds the character '{shown}'");
        lies.extend([
            lie(&format!("{name}-title"), vec![honest("fine"), tool(json!({ "title": text }))], &[&says("title")]),
            lie(&format!("{name}-description"), vec![tool(json!({ "description": text }))], &[&says("description")]),
            lie(&format!("{name}-schema"), vec![tool(json!({ "inputSchema": schema }))], &[&of_schema]),
        ]);
    }
    assert_refused(&lies, HostBuilder::new());
}

/// Definitions, each of which applies the next one twice: `levels` of them check one value 2^`levels`
/// times. `reference` says how one refers to the definition of a number.
fn doubling(
    levels: usize,
    name: &str,
    reference: impl Fn(usize) -> String,
    mark: impl Fn(usize) -> Value,
) -> Map<String, Value> {
    let part = |at: usize| {
        let next = json!({ "$ref": reference(at + 1) });
        let part = if at == levels { json!({ "type": "object" }) } else { json!({ "allOf": [next, next] }) };
        (format!("{name}{at}"), extended(part, mark(at)))
    };
    (0..=levels).map(part).collect()
}

/// A tool whose arguments have one property with this schema, beside other keys of the root.
fn with_property(property: Value, root: Value) -> Value {
    let properties = Map::from_iter([("x".to_owned(), property)]);
    let schema = extended(json!({ "type": "object", "properties": properties }), root);
    tool(json!({ "inputSchema": schema.to_string() }))
}

#[test]
fn schemas_that_cannot_be_used() {
    let input = |plugin: &str, schema: &str, says: &str| {
        let says = format!("the input schema of tool odd: {says}");
        lie(plugin, vec![honest("fine"), tool(json!({ "inputSchema": schema }))], &[&says])
    };
    let property = |plugin: &str, property: Value, says: &str| {
        lie(plugin, vec![with_property(property, json!({}))], &[&format!("the input schema of tool odd: {says}")])
    };
    let deep = (0..40).fold(json!({}), |inner, _| json!({ "not": inner }));
    let many = json!({ "enum": (0..6000).collect::<Vec<_>>() });
    let lies = [
        input("no-json", "{", "it is no JSON"),
        input("empty", "", "it is no JSON"),
        input("two", "{}{}", "it is no JSON"),
        input("array", "[]", "it is no JSON object"),
        input("boolean", "true", "it is no JSON object"),
        input("untyped", "{}", "its root says `type` nothing"),
        input("string", r#"{"type":"string"}"#, "its root says `type` \"string\""),
        input("nullable", r#"{"type":["object","null"]}"#, "its root says `type`"),
        input("brackets", &"[".repeat(10_000), "it is no JSON"),
        property("unknown-type", json!({ "type": "integral" }), "it is no valid JSON Schema"),
        property("deep", deep, "it is nested deeper than 32"),
        property("large", many, "it has more than 5000 parts"),
        property("lookahead", json!({ "pattern": "(?=a)b" }), "it is no valid JSON Schema"),
        property("back-reference", json!({ "pattern": r"(a)\1" }), "it is no valid JSON Schema"),
        property("large-pattern", json!({ "pattern": "((a{100}){100}){100}" }), "it is no valid JSON Schema"),
        lie("nowhere", vec![with_property(json!({ "$ref": "#/$defs/none" }), json!({}))], &["tool odd", "/$defs/none"]),
        lie(
            "output",
            vec![tool(json!({ "outputSchema": r#"{"pattern":"(?!a)b"}"# }))],
            &["the output schema of tool odd: it is no valid JSON Schema"],
        ),
        lie(
            "no-output",
            vec![tool(json!({ "outputSchema": "null" }))],
            &["the output schema of tool odd: it is no JSON object"],
        ),
    ];
    assert_refused(&lies, HostBuilder::new());
}

#[test]
fn schemas_that_never_end_or_explode() {
    const LEVELS: usize = 40;
    let costly = |plugin: &str, tool: Value| {
        let says = "the input schema of tool odd: checking a value against it could take too long";
        lie(plugin, vec![honest("fine"), tool], &[says])
    };
    // Counted right or not allowed at all, both will do.
    let refused =
        |plugin: &str, tool: Value| lie(plugin, vec![honest("fine"), tool], &["the input schema of tool odd: "]);
    let plain = |_| json!({});
    let defs = |at: usize| format!("#/$defs/d{at}");
    let endless = |reference: Value, root: Value| vec![with_property(reference, root)];
    let says = ["the input schema of tool odd: it refers to itself without end"];
    let anchored = |at: usize| json!({ "$anchor": format!("n{at}") });
    let anchor = |at: usize| format!("#n{at}");
    let mut shadowed = doubling(LEVELS, "d", anchor, anchored);
    // These look like anchors, and are values.
    shadowed.extend((0..=LEVELS).map(|at| (format!("z{at}"), json!({ "const": anchored(at) }))));
    let draft7 = "http://json-schema.org/draft-07/schema#";
    let lies = [
        lie("itself", endless(json!({ "$ref": "#/properties/x" }), json!({})), &says),
        lie("all-of-itself", endless(json!({ "allOf": [{ "$ref": "#/properties/x" }] }), json!({})), &says),
        lie(
            "in-circles",
            endless(
                json!({ "$ref": "#/$defs/a" }),
                json!({ "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "anyOf": [{ "$ref": "#/$defs/a" }] } } }),
            ),
            &says,
        ),
        lie("anchored", endless(json!({ "$anchor": "x", "not": { "$ref": "#x" } }), json!({})), &says),
        lie("dynamic", endless(json!({ "$dynamicAnchor": "x", "allOf": [{ "$dynamicRef": "#x" }] }), json!({})), &says),
        costly(
            "doubling",
            with_property(json!({ "$ref": "#/$defs/d0" }), json!({ "$defs": doubling(LEVELS, "d", defs, plain) })),
        ),
        costly(
            "doubling-with-each-level",
            tool(json!({ "inputSchema": json!({
                "type": "object",
                "allOf": [{ "properties": { "x": { "$ref": "#" } } }, { "properties": { "x": { "$ref": "#" } } }],
            }).to_string() })),
        ),
        // The same, written so that a reader of references could miss it.
        costly(
            "doubling-anchors",
            with_property(json!({ "$ref": "#n0" }), json!({ "$defs": doubling(LEVELS, "d", anchor, anchored) })),
        ),
        refused("shadowed-anchors", with_property(json!({ "$ref": "#n0" }), json!({ "$defs": shadowed }))),
        refused(
            "own-base",
            with_property(
                json!({ "$ref": "#/$defs/r" }),
                json!({ "$defs": { "r": { "$id": "urn:r", "$ref": "#/$defs/d0", "$defs": doubling(LEVELS, "d", defs, plain) } } }),
            ),
        ),
        costly(
            "percent",
            with_property(
                json!({ "$ref": "#/$defs/%640" }),
                json!({ "$defs": doubling(LEVELS, "d", |at| format!("#/$defs/%64{at}"), plain) }),
            ),
        ),
        refused(
            "equals",
            with_property(
                json!({ "$ref": "#/$defs/d=0" }),
                json!({ "$defs": doubling(LEVELS, "d=", |at| format!("#/$defs/d={at}"), plain) }),
            ),
        ),
        refused(
            "ampersand",
            with_property(
                json!({ "$ref": "#/$defs/d&0" }),
                json!({ "$defs": doubling(LEVELS, "d&", |at| format!("#/$defs/d&{at}"), plain) }),
            ),
        ),
        costly(
            "plus",
            with_property(
                json!({ "$ref": "#/$defs/d+0" }),
                json!({ "$defs": doubling(LEVELS, "d+", |at| format!("#/$defs/d+{at}"), plain) }),
            ),
        ),
        costly(
            "tilde",
            with_property(
                json!({ "$ref": "#/$defs/d~10" }),
                json!({ "$defs": doubling(LEVELS, "d/", |at| format!("#/$defs/d~1{at}"), plain) }),
            ),
        ),
        refused(
            "escaped-slash",
            with_property(
                json!({ "$ref": "#%2F$defs%2Fd0" }),
                json!({ "$defs": doubling(LEVELS, "d", |at| format!("#%2F$defs%2Fd{at}"), plain) }),
            ),
        ),
        // And with something harmless where the reader looks.
        refused(
            "equals-and-decoy",
            with_property(
                json!({ "$ref": "#/$defs/d=0" }),
                json!({ "$defs": extended(
                    json!({ "d": {} }),
                    doubling(LEVELS, "d=", |at| format!("#/$defs/d={at}"), plain).into(),
                ) }),
            ),
        ),
        refused(
            "own-base-and-decoys",
            with_property(
                json!({ "$ref": "#/$defs/r" }),
                json!({ "$defs": extended(
                    (0..=LEVELS).map(|at| (format!("d{at}"), json!({}))).collect(),
                    json!({ "r": { "$id": "urn:r", "$ref": "#/$defs/d0", "$defs": doubling(LEVELS, "d", defs, plain) } }),
                ) }),
            ),
        ),
        refused(
            "older-anchors",
            with_property(
                json!({ "$ref": "#n0" }),
                json!({ "$schema": draft7, "definitions": doubling(LEVELS, "d", anchor, |at| json!({ "$id": format!("#n{at}") })) }),
            ),
        ),
    ];
    assert_refused(&lies, HostBuilder::new());
}

#[test]
fn nothing_that_a_schema_names_is_fetched() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let property = |plugin: &str, property: Value, says: &str| {
        lie(plugin, vec![with_property(property, json!({}))], &["the input schema of tool odd", says])
    };
    let inside = "only references into itself, beginning with #, are followed";
    let url = format!("{address}/schema.json");
    let root =
        |key: &str, value: &str| tool(json!({ "inputSchema": json!({ "type": "object", key: value }).to_string() }));
    let lies = [
        property("network", json!({ "$ref": url }), inside),
        property("network-part", json!({ "$ref": format!("{url}#/$defs/a") }), inside),
        property("no-scheme", json!({ "$ref": url.trim_start_matches("http:") }), inside),
        property("dynamic", json!({ "$dynamicRef": url }), inside),
        property("recursive", json!({ "$recursiveRef": url }), inside),
        property("file", json!({ "$ref": "file:///etc/passwd" }), inside),
        property("relative", json!({ "$ref": "other.json" }), inside),
        property("nothing", json!({ "$ref": "" }), inside),
        lie("root", vec![root("$ref", &url)], &[inside]),
        lie("meta-schema", vec![root("$schema", &url)], &["it says `$schema`", &url]),
        lie(
            "output",
            vec![tool(json!({ "outputSchema": json!({ "$ref": url }).to_string() }))],
            &["the output schema of tool odd", inside],
        ),
        property("own-base", json!({ "$id": url, "$ref": "other.json" }), ""),
    ];
    assert_refused(&lies, HostBuilder::new());
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().map(|_| ()).unwrap_err().kind(), ErrorKind::WouldBlock, "somebody came");
}

#[test]
fn header_marks_follow_the_protocol() {
    let marked = |plugin: &str, properties: Value| {
        let schema = json!({ "type": "object", "properties": properties }).to_string();
        let says = "the input schema of tool odd: x-mcp-header may only mark a string, integer or boolean property";
        lie(plugin, vec![honest("fine"), tool(json!({ "inputSchema": schema }))], &[says])
    };
    let string = |mark: Value| json!({ "type": "string", "x-mcp-header": mark });
    let lies = [
        marked("number", json!({ "a": { "type": "number", "x-mcp-header": "A" } })),
        marked("object", json!({ "a": { "type": "object", "x-mcp-header": "A" } })),
        marked("untyped", json!({ "a": { "x-mcp-header": "A" } })),
        marked("empty", json!({ "a": string(json!("")) })),
        marked("no-text", json!({ "a": string(json!(1)) })),
        marked("no-token", json!({ "a": string(json!("A: b")) })),
        marked("line-break", json!({ "a": string(json!("A\r\nb")) })),
        marked("twice", json!({ "a": string(json!("A")), "b": string(json!("a")) })),
        marked("in-items", json!({ "a": { "type": "array", "items": string(json!("A")) } })),
        marked("in-a-choice", json!({ "a": { "oneOf": [string(json!("A"))] } })),
    ];
    let lies: Vec<Lie> = lies
        .into_iter()
        .map(|l| match l.name.as_str() {
            // Controls are refused before anything is made of them.
            "line-break" => Lie { says: vec!["the input schema of tool odd".into(), r"'\r'".into()], ..l },
            _ => l,
        })
        .collect();
    assert_refused(&lies, HostBuilder::new());
}

#[test]
fn too_much_of_it() {
    let tools = |count: usize| (0..count).map(|at| honest(&format!("t{at}"))).collect::<Vec<_>>();
    assert_refused(
        &[lie("many", tools(129), &["it offers 129 tools", "`admission.entries` allows 128"])],
        HostBuilder::new(),
    );
    let some = HostBuilder::new().policy("admission.entries = 3");
    assert_refused(&[lie("some", tools(4), &["it offers 4 tools", "`admission.entries` allows 3"])], some);

    let wordy: Vec<Value> =
        (0..3).map(|at| tool(json!({ "name": format!("t{at}"), "description": "x".repeat(6000) }))).collect();
    let short = HostBuilder::new().policy("admission.definitions = \"16KiB\"");
    assert_refused(
        &[lie("wordy", wordy, &["its definitions have 18057 bytes", "`admission.definitions` allows 16KiB"])],
        short,
    );
}

#[test]
fn what_is_only_just_allowed_is_listed() {
    let most: Vec<Value> = (0..127).map(|at| honest(&format!("t{at}"))).collect();
    let long = tool(json!({
        "name": "x".repeat(64 - "most_".len()),
        "title": "t".repeat(200),
        "description": format!("Größe, 日本語, مرحبا ✔️\n\t{}", "x".repeat(8000)),
    }));
    let host = HostBuilder::new().plugin("most", &liar(&[most, vec![long]].concat())).start();
    assert_eq!(host.rpc().tools().len(), 128);
}

#[test]
fn of_two_plugins_with_one_name_the_first_is_served() {
    let bare = |plugin: &str| format!("[[plugin]]\nname = \"{plugin}\"\nprefix = \"\"");
    let host = HostBuilder::new()
        .plugin("alpha", &liar(&[honest("search"), honest("alone")]))
        .plugin("beta", &liar(&[honest("read"), honest("search")]))
        .plugin("gamma", &liar(&[honest("Search")]))
        // These two come to the same name by different ways.
        .plugin("short", &liar(&[honest("b_c")]))
        .plugin("longer", &liar(&[honest("c")]))
        .policy(&["alpha", "beta", "gamma"].map(bare).join("\n"))
        .policy("[[plugin]]\nname = \"short\"\nprefix = \"a\"\n[[plugin]]\nname = \"longer\"\nprefix = \"a_b\"")
        .start();
    assert_eq!(host.rpc().tools(), ["a_b_c", "alone", "search"]);
    for (plugin, name, owner) in
        [("beta", "search", "alpha"), ("gamma", "Search", "alpha"), ("short", "a_b_c", "longer")]
    {
        let (step, text) = refusal(&host, plugin);
        assert_eq!(step, "admit", "{plugin}: {text}");
        assert!(text.contains(&format!("its tool {name} would have the name of {owner}'s")), "{plugin}: {text}");
    }
    assert_eq!(host.rpc().call("search", json!({})).text(), "called search");
}

#[test]
fn a_prefix_that_makes_a_name_too_long_is_refused() {
    let long = liar(&[honest(&"x".repeat(40))]);
    let prefixed = |host: HostBuilder, plugin: &str, bytes: usize| {
        host.plugin(plugin, &long)
            .policy(&format!("[[plugin]]\nname = \"{plugin}\"\nprefix = \"{}\"", "p".repeat(bytes)))
    };
    let host = prefixed(prefixed(HostBuilder::new(), "fits", 23), "over", 24).start();
    let fitting = format!("{}_{}", "p".repeat(23), "x".repeat(40));
    assert_eq!(host.rpc().tools(), [fitting.as_str()]);
    let (step, text) = refusal(&host, "over");
    assert_eq!(step, "describe");
    assert!(text.contains("is longer than 64 characters: give the plugin a shorter name or prefix"), "{text}");
}

#[test]
fn a_plugin_that_cannot_say_what_it_offers_is_refused() {
    let host = HostBuilder::new()
        .plugin("good", &guest("greeter"))
        .plugin("mute", &forge::patch_definitions(&guest("liar"), "no definitions"))
        .start();
    let (step, text) = refusal(&host, "mute");
    assert_eq!(step, "describe");
    assert!(text.contains("asked what it offers, it trapped"), "{text}");
    assert_eq!(host.rpc().tools(), ["good_greet"]);
}
