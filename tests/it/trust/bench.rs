//! `cofferdam verify`, over one component and what lies beside it.

use std::fs;

use cofferdam_tests::{Finished, run_cli, sha256, transcript};
use tempfile::TempDir;

use super::{Names, fixture, fixtures, golden, home::fingerprint};

/// The workflow that every `who-*` fixture is compared with.
pub(super) const CI: &str = r#"
[[signer]]
name = "ci"
kind = "github-actions"
repository = "acme/plugins"
workflow = ".github/workflows/release.yml"
ref = "refs/tags/v*"
"#;

/// Somebody with an e-mail address.
pub(super) const ALICE: &str = r#"
[[signer]]
name = "alice"
kind = "oidc"
issuer = "https://github.com/login/oauth"
email = "alice@example.com"
"#;

/// The key of the fixtures, with what `log` says of the transparency log.
pub(super) fn ops(log: &str) -> String {
    key("ops", "test-key.pub", log)
}

pub(super) fn key(name: &str, file: &str, log: &str) -> String {
    let path = fixtures().join(file);
    format!("\n[[signer]]\nname = \"{name}\"\nkind = \"key\"\npublic_key = \"{}\"\nlog = \"{log}\"\n", path.display())
}

/// A policy under which `echo` may run when those in `signed_by` signed it.
pub(super) fn policy(signed_by: &str, more: &str, signers: &str) -> String {
    policy_of("trusted_root.json", signed_by, more, signers)
}

/// The same with another trust root.
pub(super) fn policy_of(root: &str, signed_by: &str, more: &str, signers: &str) -> String {
    let root = fixtures().join(root);
    format!(
        "version = 1\n[trust]\nroot = \"{}\"\n\n[[plugin]]\nname = \"echo\"\ncomponent = \"acme-echo\"\n\
         signed_by = {signed_by}\n{more}\n{signers}",
        root.display()
    )
}

/// Where `verify` is run, and what it said so far.
pub(super) struct Bench {
    home: TempDir,
    said: String,
    pub(super) names: Names,
}

/// What one run of `verify` came to.
pub(super) struct Verdict(pub(super) Finished);

impl Bench {
    pub(super) fn new(policy: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("cofferdam.toml"), "version = 1\n").unwrap();
        fs::write(home.path().join("cofferdam.lock"), "version = 1\n").unwrap();
        let mut names = Names::default();
        for file in ["echo", "echo-old", "other", "unsigned"] {
            names.component(file, &fixture(&format!("{file}.wasm")));
        }
        for key in ["test-key", "test-key-other"] {
            names.digest(key, &fingerprint(&String::from_utf8(fixture(&format!("{key}.pub"))).unwrap()));
        }
        names.text(&home.path().display().to_string(), "<home>");
        let bench = Self { home, said: String::new(), names };
        bench.policy(policy);
        bench
    }

    /// Replaces the policy.
    pub(super) fn policy(&self, policy: &str) {
        fs::write(self.home.path().join("policy.toml"), policy).unwrap();
    }

    /// A heading in what is compared.
    pub(super) fn say(&mut self, text: &str) {
        self.said.push_str(&format!("# {text}\n"));
    }

    pub(super) fn run(&mut self, args: &[&str]) -> Verdict {
        let finished = run_cli(self.home.path(), args);
        self.said.push_str(&transcript(args, &finished));
        Verdict(finished)
    }

    /// Puts a component and what is beside it there, and nothing else.
    pub(super) fn lay(&self, component: (&str, &[u8]), beside: &[(&str, &[u8])]) {
        for entry in fs::read_dir(self.home.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().contains(".wasm") {
                fs::remove_file(path).unwrap();
            }
        }
        let (name, bytes) = component;
        fs::write(self.home.path().join(name), bytes).unwrap();
        for (suffix, bytes) in beside {
            fs::write(self.home.path().join(format!("{name}{suffix}")), bytes).unwrap();
        }
    }

    /// Puts another file there.
    pub(super) fn lay_file(&self, name: &str, bytes: &[u8]) {
        fs::write(self.home.path().join(name), bytes).unwrap();
    }

    /// Asks about `echo.wasm`, which is this fixture, with these beside it.
    pub(super) fn verify(&mut self, what: &str, component: &str, beside: &[(&str, &[u8])]) -> Verdict {
        self.verify_bytes(what, &fixture(component), beside)
    }

    pub(super) fn verify_bytes(&mut self, what: &str, component: &[u8], beside: &[(&str, &[u8])]) -> Verdict {
        self.lay(("echo.wasm", component), beside);
        self.say(what);
        self.run(&["verify", "echo.wasm"])
    }

    /// Asks about `echo.wasm` with this bundle of the fixtures.
    pub(super) fn bundle(&mut self, bundle: &str) -> Verdict {
        self.with_bundle("echo.wasm", bundle)
    }

    pub(super) fn with_bundle(&mut self, component: &str, bundle: &str) -> Verdict {
        let bytes = fixture(&format!("{bundle}.sigstore.json"));
        self.verify(&format!("{component}, {bundle}"), component, &[(".sigstore.json", &bytes)])
    }

    /// Compares everything that was said.
    #[track_caller]
    pub(super) fn golden(&self, name: &str) {
        golden(name, &self.names, &self.said);
    }
}

impl Verdict {
    /// It may run, by the word of these signers.
    #[track_caller]
    pub(super) fn accepted(&self, signers: &[&str]) {
        let Finished { code, out, err } = &self.0;
        assert_eq!((*code, err.as_str()), (Some(0), ""), "{out}");
        let found: Vec<&str> =
            out.lines().filter_map(|l| l.strip_prefix("signed by ")).filter_map(|l| l.split(' ').next()).collect();
        assert_eq!(found, signers, "{out}");
    }

    /// It may not, for this reason; and nothing is said of who signed it.
    #[track_caller]
    pub(super) fn refused(&self, reason: &str) {
        let Finished { code, out, err } = &self.0;
        assert_eq!((*code, err.as_str()), (Some(1), ""), "{out}");
        let (_, found) = out.split_once(" is refused (").unwrap_or_else(|| panic!("it is not refused: {out}"));
        assert!(found.starts_with(&format!("{reason}): ")), "wanted {reason}: {out}");
        assert!(!out.contains("\nsigned by "), "{out}");
    }
}

/// A component that is other bytes than `component`, and still that component.
pub(super) fn with_more(component: &[u8]) -> Vec<u8> {
    // A custom section of no meaning.
    let changed = [component, b"\0\x03\x01x!"].concat();
    assert_ne!(sha256(component), sha256(&changed));
    changed
}
