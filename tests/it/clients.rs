//! Real clients: each lists, calls, sees progress, cancels, and hears of a plugin that is dropped
//! in. What they do and check is in `tests/clients`.

use std::{fs, path::PathBuf, process::Command};

use cofferdam_tests::{HostBuilder, TestHost, binary, guest, plugin, repository, test_key};
use serde_json::json;

fn builder() -> HostBuilder {
    HostBuilder::new()
        .plugin("system", &plugin("system"))
        .plugin("conformance", &plugin("conformance"))
        .plugin("hostile", &guest("hostile"))
        .policy("[[plugin]]\nname = \"system\"\nprefix = \"\"\n[[plugin]]\nname = \"conformance\"\nprefix = \"\"")
        .policy("[[plugin]]\nname = \"hostile\"\nlimits.deadline = \"2m\"")
}

fn deps() -> PathBuf {
    std::env::var_os("COFFERDAM_TEST_DEPS").map_or_else(|| repository().join("target/test-deps"), PathBuf::from)
}

/// How a client gets to the host.
#[derive(Clone, Copy)]
enum Way {
    Http,
    Sse,
    Stdio,
}

fn node(way: Way, options: &[&str]) {
    let mut command = Command::new("node");
    command.arg(repository().join("tests/clients/node/run.mjs")).args(options);
    run(command, way);
}

fn python(line: &str, way: Way, options: &[&str]) {
    let mut command = Command::new(deps().join(format!("python-{line}/bin/python")));
    command.arg(repository().join(format!("tests/clients/python/run_{line}.py"))).args(options);
    run(command, way);
}

fn run(mut command: Command, way: Way) {
    let (home, host): (PathBuf, Option<TestHost>);
    let stdio;
    match way {
        Way::Http | Way::Sse => {
            let started = builder().start();
            let (name, path) = if matches!(way, Way::Http) { ("http", "mcp") } else { ("sse", "sse") };
            command.args(["--transport", name, "--url", &format!("{}/{path}", started.rpc().base())]);
            home = started.path("");
            host = Some(started);
        }
        Way::Stdio => {
            stdio = builder().files();
            let config = stdio.path().join("cofferdam.toml");
            let args = json!(["stdio", "--config", config]).to_string();
            command.args(["--transport", "stdio", "--command"]).arg(binary()).args(["--args", &args]);
            home = stdio.path().to_owned();
            host = None;
        }
    }
    // Beside the plugins, not among them.
    let drop = home.join("greeter.wasm");
    fs::write(&drop, guest("greeter")).unwrap();
    fs::write(home.join("greeter.wasm.sig"), test_key().sign(&guest("greeter"))).unwrap();
    command.arg("--plugins-dir").arg(home.join("plugins")).arg("--drop").arg(&drop);
    command.args(["--as", "hello.wasm", "--expect-tool", "hello_greet", "--slow-tool", "hostile_sleep"]);
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; tests/clients/setup.sh installs it"));
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    assert!(text.lines().filter(|l| l.starts_with("ok ")).count() >= 12, "too few steps:\n{text}");
    if let Some(host) = host {
        // The guest was stopped, not merely forgotten.
        host.line("the slow call was cancelled", |l| l["name"] == "hostile_sleep" && l["outcome"] == "cancelled");
    }
}

macro_rules! clients {
    ($($name:ident: $run:ident($($arg:expr),*);)*) => {$(
        #[test]
        fn $name() {
            $run($($arg),*);
        }
    )*};
}

clients! {
    npm_client_2_auto_http: node(Way::Http, &["--client", "client", "--era", "auto"]);
    npm_client_2_legacy_http: node(Way::Http, &["--client", "client", "--era", "legacy"]);
    npm_client_2_auto_sse: node(Way::Sse, &["--client", "client", "--era", "auto"]);
    npm_client_2_legacy_sse: node(Way::Sse, &["--client", "client", "--era", "legacy"]);
    npm_client_2_auto_stdio: node(Way::Stdio, &["--client", "client", "--era", "auto"]);
    npm_client_2_legacy_stdio: node(Way::Stdio, &["--client", "client", "--era", "legacy"]);
    npm_sdk_1_http: node(Way::Http, &["--client", "sdk", "--era", "legacy"]);
    npm_sdk_1_sse: node(Way::Sse, &["--client", "sdk", "--era", "legacy"]);
    npm_sdk_1_stdio: node(Way::Stdio, &["--client", "sdk", "--era", "legacy"]);
    pypi_mcp_1_http: python("v1", Way::Http, &[]);
    pypi_mcp_1_sse: python("v1", Way::Sse, &[]);
    pypi_mcp_1_stdio: python("v1", Way::Stdio, &[]);
    pypi_mcp_2_auto_http: python("v2", Way::Http, &["--mode", "auto"]);
    pypi_mcp_2_legacy_http: python("v2", Way::Http, &["--mode", "legacy"]);
    pypi_mcp_2_auto_sse: python("v2", Way::Sse, &["--mode", "auto"]);
    pypi_mcp_2_legacy_sse: python("v2", Way::Sse, &["--mode", "legacy"]);
    pypi_mcp_2_auto_stdio: python("v2", Way::Stdio, &["--mode", "auto"]);
    pypi_mcp_2_legacy_stdio: python("v2", Way::Stdio, &["--mode", "legacy"]);
}
