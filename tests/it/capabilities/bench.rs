//! What a capability is tried with: something to reach of every kind, and a host that may or may not.

use std::fs;

use cofferdam_policy::Capability;
use cofferdam_tests::{Finished, HostBuilder, Upstream, guest, run_cli_in};
use serde_json::Value;
use tempfile::TempDir;

/// A variable of the host's environment.
pub(super) const VARIABLE: &str = "COFFERDAM_PROBE_VARIABLE";
/// A secret, which is in a file of the host.
pub(super) const SECRET: &str = "nobody-is-to-see-this";

/// Something to reach of every kind.
pub(super) struct Bench {
    pub(super) upstream: Upstream,
    pub(super) directory: TempDir,
}

/// The files of a host.
pub(super) struct Home {
    directory: TempDir,
    variables: Vec<(String, String)>,
}

/// What `cofferdam call --json` said of a call.
#[derive(Debug)]
pub(super) struct Called {
    pub(super) error: Option<String>,
    pub(super) text: String,
    pub(super) structured: Value,
    pub(super) effects: Value,
    /// All that was printed beside it.
    pub(super) beside: String,
}

/// The entry of a plugin that is granted these.
pub(super) fn grants(list: &[String]) -> String {
    format!("[[plugin]]\nname = \"probe\"\n[plugin.grants]\n{}", list.join("\n"))
}

impl Bench {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("hello.txt"), "hello from a file").unwrap();
        Self { upstream: Upstream::saying("hello from a server"), directory }
    }

    /// A host with this policy, where everything is that a policy may grant.
    pub(super) fn home(&self, policy: &str) -> Home {
        let builder = HostBuilder::new()
            .named_plugin("probe", &guest("probe"))
            .file("token.txt", SECRET)
            .config("[secret.token]\nfile = \"token.txt\"\n[database.main.sqlite]\nfile = \"main.db\"\ncreate = true")
            .policy(policy);
        Home { directory: builder.files(), variables: vec![(VARIABLE.into(), "hello from outside".into())] }
    }

    pub(super) fn call(&self, home: &Home, tool: &str, arguments: &Value) -> Called {
        home.call(tool, arguments)
    }
}

impl Home {
    /// A host of the test's own.
    pub(super) fn of(builder: HostBuilder) -> Self {
        Self { directory: builder.files(), variables: Vec::new() }
    }

    /// The same with a variable in its environment.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub(super) fn run(&self, args: &[&str]) -> Finished {
        run_cli_in(self.directory.path(), args, &self.variables)
    }

    /// What a command prints, which is JSON.
    #[track_caller]
    pub(super) fn json(&self, args: &[&str]) -> Value {
        let finished = self.run(args);
        serde_json::from_str(&finished.out).unwrap_or_else(|_| panic!("{args:?}: {finished:?}"))
    }

    #[track_caller]
    pub(super) fn call(&self, tool: &str, arguments: &Value) -> Called {
        let finished = self.run(&["call", &format!("probe_{tool}"), &arguments.to_string(), "--json"]);
        let mut said: Value = serde_json::from_str(&finished.out).unwrap_or_else(|_| panic!("{tool}: {finished:?}"));
        Called {
            error: said["error"].as_str().map(str::to_owned),
            text: said["text"].as_str().unwrap_or_default().to_owned(),
            structured: said["structured"].take(),
            effects: said["effects"].take(),
            beside: finished.err,
        }
    }
}

impl Called {
    /// What the call did through one capability.
    pub(super) fn of(&self, capability: Capability) -> Vec<&Value> {
        let list = self.effects["list"].as_array().unwrap_or_else(|| panic!("no effects: {self:?}"));
        list.iter().filter(|effect| effect["capability"] == capability.key()).collect()
    }

    fn has(&self, capability: Capability, verdict: &str) -> bool {
        self.of(capability).iter().any(|effect| effect["verdict"] == verdict)
    }

    #[track_caller]
    pub(super) fn recorded(&self, capability: Capability, verdict: &str) {
        assert!(self.has(capability, verdict), "no use of {capability} is recorded as {verdict}: {self:?}");
    }

    #[track_caller]
    pub(super) fn not_recorded(&self, capability: Capability, verdict: &str) {
        assert!(!self.has(capability, verdict), "a use of {capability} is recorded as {verdict}: {self:?}");
    }
}
