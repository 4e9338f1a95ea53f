//! What the commands print, and how they end.
//!
//! Output is compared with files in `tests/golden`; `UPDATE_GOLDEN=1` writes them anew. What differs
//! from run to run - paths, digests, sizes, what a call spent - is replaced by a name for it.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use cofferdam_tests::{Finished, HostBuilder, binary, forge, guest, plugin, policy_text, repository, sha256, within};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The program over files of its own, with nothing of this process's settings.
struct Cli {
    home: TempDir,
}

impl Cli {
    fn new(builder: HostBuilder) -> Self {
        Self { home: builder.files() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(args).current_dir(self.home.path()).env("HOME", self.home.path());
        // The width of a terminal, and whatever the tests themselves are told.
        let settings = env::vars_os().map(|(key, _)| key).filter(|k| k.to_string_lossy().starts_with("COFFERDAM_"));
        for key in settings.chain(["COLUMNS", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"].map(Into::into)) {
            command.env_remove(key);
        }
        command
    }

    fn run(&self, args: &[&str]) -> Finished {
        finish(self.command(args), "")
    }

    fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Finished {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        finish(command, "")
    }

    /// A command, and all that came of it.
    fn transcript(&self, args: &[&str]) -> String {
        transcript(args, &self.run(args))
    }

    /// Compares `text` with a file, with the home of this program named.
    #[track_caller]
    fn golden(&self, name: &str, text: &str) {
        let home = self.home.path().canonicalize().unwrap();
        let text = text.replace(&home.display().to_string(), "<home>");
        golden(name, &text.replace(&self.home.path().display().to_string(), "<home>"));
    }
}

/// A command that should have failed, and serves instead, is not waited for longer.
const ENDS: Duration = Duration::from_secs(30);

/// Runs a command to its end, which has to come.
fn finish(mut command: Command, input: &str) -> Finished {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    let child = &mut running.0;
    // A program that does not read its input has closed it.
    let _closed = child.stdin.take().unwrap().write_all(input.as_bytes());
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let out = thread::spawn(move || read(&mut out));
    let err = thread::spawn(move || read(&mut err));
    let status = within(ENDS, &format!("{command:?} ends"), || child.try_wait().unwrap());
    Finished { code: status.code(), out: out.join().unwrap(), err: err.join().unwrap() }
}

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}

fn read(pipe: &mut impl Read) -> String {
    let mut text = String::new();
    pipe.read_to_string(&mut text).unwrap();
    text
}

fn transcript(args: &[&str], finished: &Finished) -> String {
    let code = finished.code.map_or("by a signal".into(), |code| code.to_string());
    let mut text = format!("$ cofferdam {}\n", args.join(" "));
    for (name, stream) in [("out", &finished.out), ("err", &finished.err)] {
        if !stream.is_empty() {
            text.push_str(&format!("--- {name}\n{}\n", stream.trim_end()));
        }
    }
    text.push_str(&format!("--- exit {code}\n\n"));
    text
}

/// Compares `text` with the file of this name, or writes it.
#[track_caller]
fn golden(name: &str, text: &str) {
    let program = binary().canonicalize().unwrap().display().to_string();
    let text = text.replace(&program, "<cofferdam>");
    // The widths of columns follow what is in them; ends of lines are not seen.
    let text: String = text.lines().map(|line| squeezed(line.trim_end()) + "\n").collect();
    let path = repository().join("tests/golden").join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
        return;
    }
    let wanted =
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; UPDATE_GOLDEN=1 writes it", path.display()));
    if text != wanted {
        let differs = text.lines().zip(wanted.lines()).position(|(a, b)| a != b);
        let at = differs.unwrap_or(text.lines().count().min(wanted.lines().count()));
        let line = |text: &str| text.lines().nth(at).unwrap_or("(its end)").to_owned();
        panic!("{name}:{}: found\n  {}\nwanted\n  {}\nall of it:\n{text}", at + 1, line(&text), line(&wanted));
    }
}

/// `line` with the spaces between its columns cut to two. Indentation stays.
fn squeezed(line: &str) -> String {
    let body = line.trim_start();
    let mut text = line[..line.len() - body.len()].to_owned();
    for (at, column) in body.split("  ").map(str::trim).filter(|c| !c.is_empty()).enumerate() {
        if at > 0 {
            text.push_str("  ");
        }
        text.push_str(column);
    }
    text
}

/// Names what is this component's own: its digest, long and short, and its size.
fn named(text: &str, name: &str, component: &[u8]) -> String {
    let digest = sha256(component);
    let size = format!("{:.1} KiB", component.len() as f64 / 1024.0);
    text.replace(&digest, &format!("<sha256 of {name}>"))
        .replace(&digest[..12], &format!("<{name}>"))
        .replace(&size, &format!("<size of {name}>"))
        .replace(&format!("\"size\": {}", component.len()), &format!("\"size\": <size of {name}>"))
}

#[test]
fn help_of_every_command() {
    let cli = Cli::new(HostBuilder::new());
    let mut text = String::new();
    let mut left = vec![Vec::new()];
    while let Some(path) = left.pop() {
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let finished = cli.run(&args);
        assert_eq!((finished.code, finished.err.as_str()), (Some(0), ""), "{args:?}");
        text.push_str(&transcript(&args, &finished));
        let commands = finished.out.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
        let mut deeper: Vec<Vec<String>> = commands
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help")
            .map(|name| path.iter().cloned().chain([name.to_owned()]).collect())
            .collect();
        deeper.reverse();
        left.extend(deeper);
    }
    assert!(text.contains("$ cofferdam policy check --help"), "{text}");
    cli.golden("help.txt", &text);
}

#[test]
fn wrong_usage_ends_with_2() {
    let cli = Cli::new(HostBuilder::new());
    for args in [
        &[] as &[&str],
        &["serv"],
        &["serve", "--prot", "1"],
        &["serve", "--listen", "127.0.0.1:1", "--port", "2"],
        &["call"],
        &["client-config"],
        &["client-config", "--client", "other"],
        &["policy"],
        &["completions", "cmd"],
    ] {
        let finished = cli.run(args);
        assert_eq!((finished.code, finished.out.as_str()), (Some(2), ""), "{args:?}: {}", finished.err);
        assert!(finished.err.contains("--help") || finished.err.contains("Usage:"), "{args:?}: {}", finished.err);
    }
    let version = cli.run(&["--version"]);
    assert_eq!((version.code, version.out.as_str()), (Some(0), "cofferdam 0.1.0\n"));
}

const GOOD_POLICY: &str = r#"
[limits]
fuel = "100M"
deadline = "5s"

[[plugin]]
name = "system"
grants.host_info = true
limits.memory = "16MiB"
tools.system_health.grants.host_info = false
tools.echo.limits.fuel = "1M"

[[plugin]]
name = "bare"
prefix = ""
limits.concurrency = 2

[[plugin]]
name = "renamed"
prefix = "other"
limits.output = "64KiB"

[[plugin]]
name = "off"
enabled = false
"#;

#[test]
fn a_good_policy_is_explained() {
    let cli = Cli::new(HostBuilder::new().policy(GOOD_POLICY));
    let json = cli.run(&["policy", "check", "--json"]);
    let report: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&report["valid"], report["plugins"].as_array().unwrap().len()), (&json!(true), 4));
    let other = cli.path("other.toml");
    fs::write(&other, "version = 1\n").unwrap();
    let text = [
        cli.transcript(&["policy", "check"]),
        cli.transcript(&["policy", "check", "--json"]),
        cli.transcript(&["policy", "check", "--policy", "other.toml"]),
    ];
    cli.golden("policy-good.txt", &text.concat());
}

const BAD_POLICIES: [(&str, &str); 10] = [
    (
        "several-typos",
        "version = 1\n[limits]\nfule = \"1M\"\nmemroy = \"1MiB\"\n[[plugin]]\nname = \"a\"\ngrant.host_info = true\ntools.echo.enabeld = false\n[plugin.grants]\nhost_inof = true\n",
    ),
    ("far-from-any-key", "version = 1\nxyzzy = 1\n[admission]\nquux = 2\n"),
    ("no-version", "[limits]\nfuel = \"1M\"\n"),
    ("another-version", "version = 2\n"),
    ("no-toml", "version = 1\n[limits\n"),
    ("wrong-type", "version = 1\n[limits]\nconcurrency = \"many\"\n"),
    ("wrong-unit", "version = 1\n[limits]\ndeadline = \"30 parsecs\"\n"),
    (
        "out-of-range",
        "version = 1\n[limits]\nmemories = 0\nconcurrency = 100000\nmemory = \"5GiB\"\n[engine]\nstack = \"1GiB\"\n[admission]\nentries = 0\n",
    ),
    ("wrong-names", "version = 1\n[[plugin]]\nname = \"Not a name\"\n"),
    (
        "contradictions",
        "version = 1\n[[plugin]]\nname = \"a\"\nprefix = \"a b\"\ntools.x.grants.host_info = true\n[[plugin]]\nname = \"a\"\ntools.y.limits.handles = 0\n",
    ),
];

#[test]
fn a_bad_policy_is_told_every_mistake() {
    let cli = Cli::new(HostBuilder::new());
    let mut text = String::new();
    for (name, policy) in BAD_POLICIES {
        let file = format!("{name}.toml");
        fs::write(cli.path(&file), policy).unwrap();
        let args = ["policy", "check", "--policy", &file];
        let finished = cli.run(&args);
        assert_eq!((finished.code, finished.out.as_str()), (Some(1), ""), "{name}: {}", finished.err);
        assert!(finished.err.contains(&file), "{name}: {}", finished.err);
        text.push_str(&transcript(&args, &finished));
    }
    let typos = text.split("$ cofferdam").find(|t| t.contains("several-typos")).unwrap();
    for nearest in ["fuel", "memory", "grants", "enabled", "host_info"] {
        assert!(typos.contains(&format!("did you mean `{nearest}`?")), "{nearest}: {typos}");
    }
    text.push_str(&cli.transcript(&["policy", "check", "--policy", "absent.toml"]));
    cli.golden("policy-bad.txt", &text);
}

#[test]
fn the_schema_of_the_policy_is_whole() {
    let cli = Cli::new(HostBuilder::new());
    let finished = cli.run(&["policy", "schema"]);
    assert_eq!((finished.code, finished.err.as_str()), (Some(0), ""));
    let schema: Value = serde_json::from_str(&finished.out).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let mut keys = BTreeSet::new();
    walk(&schema, &schema, &mut keys);
    for key in [
        "version",
        "limits",
        "engine",
        "admission",
        "plugin",
        "stack",
        "name",
        "sha256",
        "prefix",
        "enabled",
        "grants",
        "tools",
        "host_info",
        "fuel",
        "deadline",
        "memory",
        "memories",
        "tables",
        "table_elements",
        "instances",
        "host_call_bytes",
        "handles",
        "host_calls",
        "output",
        "stdio",
        "log",
        "log_lines",
        "reports",
        "concurrency",
        "queue",
        "file",
        "compile_time",
        "compile_memory",
        "describe_fuel",
        "describe_deadline",
        "definitions",
        "entries",
    ] {
        assert!(keys.remove(key), "{key}");
    }
    assert_eq!(keys, BTreeSet::new(), "keys that this test does not know");
    golden("policy-schema.json", &finished.out);
}

/// Gathers the keys of a schema; each has a description, objects take no other, references resolve.
fn walk(root: &Value, schema: &Value, keys: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        assert!(root.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
    if let Some(properties) = schema["properties"].as_object() {
        assert_eq!(schema["additionalProperties"], false, "{schema}");
        for (key, property) in properties {
            assert!(property["description"].is_string() || property["$ref"].is_string(), "{key}: {property}");
            keys.insert(key.clone());
        }
    }
    match schema {
        Value::Object(members) => members.values().for_each(|v| walk(root, v, keys)),
        Value::Array(items) => items.iter().for_each(|v| walk(root, v, keys)),
        _ => {}
    }
}

#[test]
fn a_component_is_inspected() {
    let system = plugin("system");
    let cli = Cli::new(HostBuilder::new().unsigned("system", &system));
    let json = cli.run(&["inspect", "plugins/system.wasm", "--json"]);
    let report: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&report["name"], &report["sha256"]), (&json!("system"), &json!(sha256(&system))));
    assert_eq!(report["grants"], json!(["host_info"]));
    let text = cli.transcript(&["inspect", "plugins/system.wasm"])
        + &cli.transcript(&["inspect", "plugins/system.wasm", "--json"]);
    cli.golden("inspect.txt", &named(&text, "system", &system));
    // The entry it proposes is one that the policy takes.
    let policy = format!("version = 1\n{}", report["policy"].as_str().unwrap());
    fs::write(cli.path("policy.toml"), policy).unwrap();
    assert_eq!(cli.run(&["policy", "check"]).code, Some(0));
    assert!(cli.run(&["call", "system_system_health"]).out.contains("\"uptime_seconds\""));
}

#[test]
fn what_is_no_component_is_refused_by_name() {
    let system = plugin("system");
    let builder = HostBuilder::new()
        .unsigned("garbage", &forge::garbage())
        .unsigned("module", &forge::core_module())
        .unsigned("short", &forge::truncated(&system));
    let cli = Cli::new(builder);
    let files = ["garbage", "module", "short", "absent"].map(|name| format!("plugins/{name}.wasm"));
    let mut text: String = files.iter().map(|file| cli.transcript(&["inspect", file])).collect();
    fs::write(cli.path("Not A Name.wasm"), &system).unwrap();
    text.push_str(&cli.transcript(&["inspect", "Not A Name.wasm"]));
    assert_eq!(text.matches("--- exit 1\n").count(), 5, "{text}");
    cli.golden("inspect-refused.txt", &text);
}

#[test]
fn approving_takes_a_person_or_a_yes() {
    let system = plugin("system");
    let cli = Cli::new(HostBuilder::new().unsigned("system", &system));
    let before = fs::read_to_string(cli.path("cofferdam.lock")).unwrap();
    let refused = cli.run(&["approve", "system"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("say --yes"), "{}", refused.err);
    assert_eq!(fs::read_to_string(cli.path("cofferdam.lock")).unwrap(), before);
    let mut text = transcript(&["approve", "system"], &refused);
    text.push_str(&cli.transcript(&["plugins"]));
    text.push_str(&cli.transcript(&["approve", "system", "--yes"]));
    text.push_str(&cli.transcript(&["plugins"]));
    text.push_str(&cli.transcript(&["approve", "system"]));
    let lock = fs::read_to_string(cli.path("cofferdam.lock")).unwrap();
    text.push_str(&format!("cofferdam.lock\n{lock}"));
    cli.golden("approve.txt", &named(&text, "system", &system));
    assert_eq!(cli.run(&["call", "system_echo", r#"{"message":"hi"}"#]).out, "hi\n");
}

#[test]
fn approving_over_another_version_shows_what_changed() {
    let (old, new) = (plugin("system"), guest("hostile"));
    let cli = Cli::new(HostBuilder::new().unsigned("tool", &old));
    assert_eq!(cli.run(&["approve", "tool", "--yes"]).code, Some(0));
    fs::write(cli.path("plugins/tool.wasm"), &new).unwrap();
    let shown = cli.run(&["approve", "tool", "--yes"]);
    let changes = [
        format!("It would replace sha256 {}.", sha256(&old)),
        "new import: wasi:cli/environment@0.2.6".into(),
        "gone import: cofferdam:plugin/host-info@0.1.0".into(),
        "new tool: spin".into(),
        "gone tool: system_health".into(),
    ];
    for change in changes {
        assert!(shown.out.contains(&change), "{change}: {}", shown.out);
    }
    // What both have is no change.
    assert!(
        !shown.out.contains("new import: wasi:cli/stdout") && !shown.out.contains("gone tool: spin"),
        "{}",
        shown.out
    );
    let lock = fs::read_to_string(cli.path("cofferdam.lock")).unwrap();
    assert!(lock.contains(&sha256(&new)) && !lock.contains(&sha256(&old)), "{lock}");
}

#[test]
fn what_is_not_there_cannot_be_approved() {
    let cli = Cli::new(HostBuilder::new().unsigned("garbage", &forge::garbage()));
    let text: String =
        ["absent", "../outside", "garbage"].iter().map(|n| cli.transcript(&["approve", n, "--yes"])).collect();
    assert_eq!(text.matches("--- exit 1\n").count(), 3, "{text}");
    cli.golden("approve-refused.txt", &named(&text, "garbage", &forge::garbage()));
    assert!(!fs::read_to_string(cli.path("cofferdam.lock")).unwrap().contains("[[plugin]]"));
}

#[test]
fn plugins_are_listed_with_what_is_refused() {
    let (system, greeter) = (plugin("system"), guest("greeter"));
    let changed = forge::patch_greeting(&greeter, "Boo");
    let builder = HostBuilder::new()
        .plugin("system", &system)
        .unsigned("unknown", &greeter)
        .plugin("changed", &greeter)
        .plugin("garbage", &forge::garbage())
        .plugin("named", &greeter)
        .policy(&format!("[[plugin]]\nname = \"by-digest\"\nsha256 = [\"{}\"]", sha256(&greeter)))
        .policy("[[plugin]]\nname = \"named\"\nprefix = \"system\"\n");
    let cli = Cli::new(builder);
    fs::write(cli.path("plugins/changed.wasm"), &changed).unwrap();
    fs::write(cli.path("plugins/by-digest.wasm"), &greeter).unwrap();
    fs::write(cli.path("plugins/Not A Name.wasm"), &greeter).unwrap();
    let json = cli.run(&["plugins", "--json"]);
    let report: Value = serde_json::from_str(&json.out).unwrap();
    let names = |list: &str, key: &str| -> Vec<String> {
        report[list].as_array().unwrap().iter().map(|p| p[key].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("served", "name"), ["by-digest", "named", "system"]);
    assert_eq!(names("served", "approved_by"), ["policy", "lock", "lock"]);
    let mut refused = names("refused", "plugin");
    refused.sort();
    assert_eq!(refused, ["Not A Name", "changed", "garbage", "unknown"]);
    let text = cli.transcript(&["plugins"]) + &cli.transcript(&["plugins", "--json"]);
    let text = named(&named(&named(&text, "system", &system), "greeter", &greeter), "changed", &changed);
    cli.golden("plugins.txt", &named(&text, "garbage", &forge::garbage()));
}

/// What a call spent, named.
fn unspent(text: &str) -> String {
    let line = |line: &str| {
        let columns: Vec<&str> = line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
        match columns[..] {
            [what @ ("fuel" | "peak memory" | "time" | "host calls"), _, of] => format!(" {what}  <spent>  {of}\n"),
            _ => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}

#[test]
fn one_call_from_the_command_line() {
    let cli = Cli::new(HostBuilder::new().plugin("system", &plugin("system")));
    let other = Cli::new(HostBuilder::new().plugin("hostile", &guest("hostile")));
    let calls: [(&Cli, &[&str], i32); 9] = [
        (&cli, &["call", "system_echo", r#"{"message":"hello"}"#], 0),
        (&cli, &["call", "system_echo"], 1),
        (&cli, &["call", "system_echo", r#"{"message":1}"#], 1),
        (&cli, &["call", "system_system_health"], 1),
        (&other, &["call", "hostile_trap"], 1),
        (&other, &["call", "hostile_bad_output"], 1),
        (&cli, &["call", "system_ehco", "{}"], 1),
        (&cli, &["call", "system_echo", "{message: 1}"], 1),
        (&cli, &["call", "system_echo", "[1]"], 1),
    ];
    let mut text = String::new();
    for (cli, args, code) in calls {
        let finished = cli.run(args);
        assert_eq!(finished.code, Some(code), "{args:?}: {}", finished.err);
        text.push_str(&transcript(args, &finished));
    }
    cli.golden("call.txt", &unspent(&text));
    let input = finish(cli.command(&["call", "system_echo", "-"]), r#"{"message":"from a pipe"}"#);
    assert_eq!((input.code, input.out.as_str()), (Some(0), "from a pipe\n"), "{}", input.err);
}

#[test]
fn one_call_for_programs() {
    let cli = Cli::new(HostBuilder::new().plugin("system", &plugin("system")).plugin("hostile", &guest("hostile")));
    let report = |args: &[&str], code: i32| -> Value {
        let finished = cli.run(args);
        assert_eq!(finished.code, Some(code), "{args:?}: {}", finished.err);
        serde_json::from_str(&finished.out).unwrap_or_else(|e| panic!("{e}: {}", finished.out))
    };
    let done = report(&["call", "system_echo", r#"{"message":"hi"}"#, "--json"], 0);
    assert_eq!(
        (&done["error"], &done["text"], &done["structured"]),
        (&json!(null), &json!("hi"), &json!({ "message": "hi" }))
    );
    for spent in ["fuel", "peak_memory", "microseconds"] {
        assert!(done["usage"][spent].as_u64().unwrap() > 0, "{spent}: {done}");
    }
    let failed = report(&["call", "system_system_health", "--json"], 1);
    assert_eq!(failed["error"], "permission_denied");
    assert_eq!(failed["usage"]["host_calls"], 1);
    let invalid = report(&["call", "system_echo", "--json"], 1);
    assert_eq!((&invalid["error"], &invalid["usage"]["fuel"]), (&json!("validation"), &json!(0)));
    // A limit has a label of its own, and says what was spent.
    fs::write(cli.path("policy.toml"), policy_text("[limits]\nfuel = \"1M\"")).unwrap();
    let limited = report(&["call", "hostile_spin", "--json"], 1);
    assert_eq!(limited["error"], "limit_exceeded");
    assert_eq!(limited["usage"]["fuel"], 1_000_000);
}

#[test]
fn a_call_says_why_its_plugin_is_not_there() {
    let greeter = guest("greeter");
    let cli = Cli::new(HostBuilder::new().unsigned("hello", &greeter));
    let finished = cli.run(&["call", "hello_greet", r#"{"name":"Ada"}"#]);
    assert_eq!((finished.code, finished.out.as_str()), (Some(1), ""));
    assert!(finished.err.contains("cofferdam approve hello"), "{}", finished.err);
    // Nothing is served, so there is nothing to name.
    assert!(!finished.err.trim_end().ends_with("there is"), "{}", finished.err);
}

#[test]
fn each_client_gets_its_configuration() {
    let cli = Cli::new(HostBuilder::new());
    let mut text = String::new();
    for client in ["claude-desktop", "claude-code", "cursor", "vscode"] {
        for more in [&[] as &[&str], &["--url", "https://mcp.example.com/mcp"]] {
            let args = [&["client-config", "--client", client], more].concat();
            let finished = cli.run(&args);
            // Its file knows no addresses, and an entry that it ignores helps nobody.
            if client == "claude-desktop" && !more.is_empty() {
                assert_eq!((finished.code, finished.out.as_str()), (Some(1), ""));
                text.push_str(&transcript(&args, &finished));
                continue;
            }
            let entry: Value = serde_json::from_str(&finished.out).unwrap_or_else(|e| panic!("{e}: {}", finished.out));
            let servers = if client == "vscode" { "servers" } else { "mcpServers" };
            assert!(entry[servers]["cofferdam"].is_object(), "{client}: {entry}");
            text.push_str(&transcript(&args, &finished));
        }
    }
    cli.golden("client-config.txt", &text);
    // What it starts is this program with this configuration.
    let entry: Value = serde_json::from_str(&cli.run(&["client-config", "--client", "cursor"]).out).unwrap();
    let server = &entry["mcpServers"]["cofferdam"];
    let args: Vec<&str> = server["args"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let mut command = Command::new(server["command"].as_str().unwrap());
    command.args(args).current_dir("/").env("HOME", "/nonexistent");
    env::vars_os().filter(|(k, _)| k.to_string_lossy().starts_with("COFFERDAM_")).for_each(|(k, _)| {
        command.env_remove(k);
    });
    let finished = finish(command, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
    assert_eq!(finished.code, Some(0), "{}", finished.err);
    let answer: Value = serde_json::from_str(&finished.out).unwrap();
    assert_eq!((&answer["id"], &answer["result"]), (&json!(1), &json!({})));
}

#[test]
fn completions_know_every_command() {
    let cli = Cli::new(HostBuilder::new());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let finished = cli.run(&["completions", shell]);
        assert_eq!((finished.code, finished.err.as_str()), (Some(0), ""), "{shell}");
        for command in ["serve", "stdio", "plugins", "inspect", "approve", "call", "client-config", "policy"] {
            assert!(finished.out.contains(command), "{shell}: {command}");
        }
        assert!(!finished.out.contains("compile-worker"), "{shell} offers what is hidden");
    }
}

#[test]
fn a_configuration_that_is_wrong_is_refused() {
    let cli = Cli::new(HostBuilder::new());
    let configurations = [
        "version = 1\n[http]\nlisen = \"127.0.0.1:1\"\nmax_boddy = 1\n[plugin]\ndirectory = []\n",
        "version = 1\n[http]\nlisten = \"nowhere\"\n",
        "version = 1\n[http]\nallowed_hosts = [\"*\"]\n",
        "version = 1\n[http]\nallowed_origins = [\"app.example.com\"]\n",
        "version = 1\n[http]\nmax_sessions = 0\n",
        "version = 1\n[mcp]\npage = 0\n",
        "version = 1\n[sandbox]\ninstances = 1000000\n",
        "version = 1\n[log]\nformat = \"xml\"\n",
        "[http]\n",
        "version = 1\nversion = 1\n",
    ];
    let mut text = String::new();
    for configuration in configurations {
        fs::write(cli.path("cofferdam.toml"), configuration).unwrap();
        text.push_str(&format!("# cofferdam.toml\n{configuration}\n"));
        text.push_str(&cli.transcript(&["serve", "--port", "0"]));
    }
    assert_eq!(text.matches("--- exit 1\n").count(), configurations.len(), "{text}");
    text.push_str(&cli.transcript(&["plugins", "--config", "absent.toml"]));
    cli.golden("config-bad.txt", &text);
}

#[test]
fn a_level_that_is_none_is_refused_and_does_not_silence_the_log() {
    let cli = Cli::new(HostBuilder::new().config("log.level = \"loud\""));
    let mut command = cli.command(&["stdio"]);
    command.env("COFFERDAM_LOG__FORMAT", "json");
    let finished = finish(command, "");
    assert_eq!(finished.code, Some(1), "{}", finished.err);
    assert!(finished.err.contains("log.level") && finished.err.contains("loud"), "{}", finished.err);
    for level in ["debug", "info,guest=debug", "off", "cofferdam_gate=trace"] {
        let mut command = cli.command(&["stdio"]);
        command.env("COFFERDAM_LOG__LEVEL", level);
        assert_eq!(finish(command, "").code, Some(0), "{level}");
    }
}

#[test]
fn the_environment_overrides_the_configuration_and_never_the_policy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let cli = Cli::new(HostBuilder::new().config(&format!("http.listen = \"{taken}\"")));
    let mut command = cli.command(&["serve"]);
    command
        .env("COFFERDAM_HTTP__LISTEN", "127.0.0.2:0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut serving = Running(command.spawn().unwrap());
    let mut first = String::new();
    BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let address = first.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let reached = address.parse::<SocketAddr>().map(|a| (a.ip().to_string(), TcpStream::connect(a).is_ok()));
    assert_eq!(reached, Ok(("127.0.0.2".into(), true)), "{first}");
    drop(serving);
    let mut text = String::new();
    for (key, value) in [("COFFERDAM_HTTP__LISEN", "127.0.0.1:0"), ("COFFERDAM_LIMITS__FUEL", "1T")] {
        let finished = cli.run_with(&["serve"], &[(key, value)]);
        assert_eq!((finished.code, finished.out.as_str()), (Some(1), ""), "{key}: {}", finished.err);
        text.push_str(&format!("{key}={value} "));
        text.push_str(&transcript(&["serve"], &finished));
    }
    cli.golden("environment.txt", &text);
    // A value that does not fit is told with the variable it came from.
    let misfits = [
        ("COFFERDAM_HTTP__LISTEN", "nowhere"),
        ("COFFERDAM_HTTP__LISTEN__PORT", "1"),
        ("COFFERDAM_HTTP__MAX_STREAMS", "none"),
        ("COFFERDAM_HTTP__MAX_SESSIONS", "0"),
        ("COFFERDAM_HTTP__ALLOWED_HOSTS", "[\"*\"]"),
    ];
    let told = |(key, value): (&str, &str)| {
        let finished = cli.run_with(&["serve"], &[("COFFERDAM_HTTP__GRACE", "1s"), (key, value)]);
        assert_eq!((finished.code, finished.out.as_str()), (Some(1), ""), "{key}: {}", finished.err);
        // The two last are checked once all is read, and name their key.
        let setting = key.trim_start_matches("COFFERDAM_").to_lowercase().replace("__", ".");
        assert!(finished.err.contains(key) || finished.err.contains(&setting), "{key}: {}", finished.err);
    };
    misfits.into_iter().for_each(told);
    // What names no section and key is somebody else's, as in every pod beside a service of this name.
    let others =
        [("COFFERDAM_SERVICE_HOST", "10.0.0.1"), ("COFFERDAM_PORT", "tcp://10.0.0.1:80"), ("COFFERDAM_POLICY", "x")];
    assert_eq!(cli.run_with(&["plugins"], &others).code, Some(0));
    // Which file is read is no setting of it.
    let elsewhere = Cli::new(HostBuilder::new());
    let file = cli.path("cofferdam.toml").display().to_string();
    let entry = elsewhere.run_with(&["client-config", "--client", "cursor"], &[("COFFERDAM_CONFIG", &file)]);
    assert!(entry.out.contains(&file), "{}", entry.out);
}

#[test]
fn nothing_starts_without_a_policy() {
    let cli = Cli::new(HostBuilder::new());
    fs::remove_file(cli.path("policy.toml")).unwrap();
    let commands: [&[&str]; 5] =
        [&["serve", "--port", "0"], &["stdio"], &["plugins"], &["call", "x"], &["policy", "check"]];
    let mut text: String = commands.iter().map(|args| cli.transcript(args)).collect();
    assert_eq!(text.matches("--- exit 1\n").count(), commands.len(), "{text}");
    // The line it proposes is enough.
    fs::write(cli.path("policy.toml"), "version = 1\n").unwrap();
    text.push_str(&cli.transcript(&["plugins"]));
    cli.golden("no-policy.txt", &text);
}

#[test]
fn a_corrupt_lock_approves_nothing_and_starts_nothing() {
    let greeter = guest("greeter");
    let digest = sha256(&greeter);
    let cli = Cli::new(HostBuilder::new().unsigned("hello", &greeter));
    let entry = "version = 1\n[[plugin]]\nname = \"hello\"\n";
    let locks = [
        format!("{entry}sha256 = \"{digest}\n"),
        format!("{entry}sha256 = \"{}\"\n", "a".repeat(63)),
        format!("{entry}sha256 = \"{digest}\"\nallow = true\n"),
        format!("{entry}sha256 = \"{digest}\"\n[[plugin]]\nname = \"hello\"\nsha256 = \"{digest}\"\n"),
        format!("version = 2\n[[plugin]]\nname = \"hello\"\nsha256 = \"{digest}\"\n"),
        entry.to_owned(),
        String::new(),
    ];
    let mut text = String::new();
    for lock in &locks {
        fs::write(cli.path("cofferdam.lock"), lock).unwrap();
        let finished = cli.run(&["serve", "--port", "0"]);
        assert_eq!((finished.code, finished.out.as_str()), (Some(1), ""), "{lock}");
        assert!(finished.err.contains("cofferdam.lock"), "{}", finished.err);
        // It is not what is missing.
        assert!(!finished.err.contains("without a policy"), "{}", finished.err);
        text.push_str(&format!("# cofferdam.lock\n{lock}\n{}", transcript(&["serve", "--port", "0"], &finished)));
        // Nor is it written over.
        assert_eq!(cli.run(&["approve", "hello", "--yes"]).code, Some(1));
        assert_eq!(fs::read_to_string(cli.path("cofferdam.lock")).unwrap(), *lock);
    }
    for line in ["cofferdam.lock:4:", "cofferdam.lock:5:"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    cli.golden("lock-corrupt.txt", &named(&text, "greeter", &greeter));
    // Without one, nothing is approved and the host starts.
    fs::remove_file(cli.path("cofferdam.lock")).unwrap();
    assert!(cli.run(&["plugins"]).out.contains("nobody approved"));
}

#[test]
fn a_port_that_is_taken_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let cli = Cli::new(HostBuilder::new());
    let finished = cli.run(&["serve", "--listen", &taken]);
    assert_eq!((finished.code, finished.out.as_str()), (Some(1), ""));
    let port = taken.rsplit(':').next().unwrap();
    cli.golden("port-taken.txt", &transcript(&["serve"], &finished).replace(port, "<port>"));
}
