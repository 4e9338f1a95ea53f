//! Signatures that real cosign makes and takes, and the command line of sigstore's conformance suite.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use cofferdam_tests::{Finished, HostBuilder, binary, forge, guest, program, repository, sha256};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The password of every key here.
pub(crate) const PASSWORD: &str = "correct horse";

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Finished {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    Finished {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The output of a command that has to go well.
#[track_caller]
pub(crate) fn well(finished: Finished) -> String {
    assert_eq!(finished.code, Some(0), "{}{}", finished.out, finished.err);
    finished.out
}

/// One of the fixtures that `tests/fixtures/sigstore/README.md` describes.
fn fixture(name: &str) -> PathBuf {
    repository().join("tests/fixtures/sigstore").join(name)
}

/// cosign, offline, in a directory that is its home too.
pub(crate) struct Cosign {
    home: TempDir,
}

/// Which one. What each leaves in a registry is laid out differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    Two,
    Three,
}

impl Cosign {
    /// With a key pair, `ops.key` and `ops.pub`, that cosign 3 made.
    pub(crate) fn with_key() -> Self {
        let cosign = Self::new();
        cosign.make_key("ops");
        cosign
    }

    fn new() -> Self {
        let cosign = Self { home: tempfile::tempdir().unwrap() };
        // Names no service: nothing is asked for a certificate, a time or an entry in a log.
        well(cosign.run(Version::Three, &["signing-config", "create", "--out", "offline.json"]));
        cosign
    }

    pub(crate) fn make_key(&self, prefix: &str) {
        well(self.run(Version::Three, &["generate-key-pair", "--output-key-prefix", prefix]));
    }

    /// Runs it among its files.
    pub(crate) fn run(&self, version: Version, args: &[&str]) -> Finished {
        let path = match version {
            Version::Three => "usr/bin/cosign",
            Version::Two => "cosign2/usr/bin/cosign",
        };
        let mut command = Command::new(program(path));
        command.args(args).current_dir(self.home.path()).env("HOME", self.home.path());
        finish(command.env("COSIGN_PASSWORD", PASSWORD).env_remove("DOCKER_CONFIG"))
    }

    /// Runs our program among the same files.
    pub(crate) fn cofferdam(&self, args: &[&str]) -> Finished {
        finish(cofferdam(self.home.path(), args).env("COFFERDAM_KEY_PASSWORD", PASSWORD))
    }

    /// Signs what is in a registry, with `KEY.key`.
    #[track_caller]
    pub(crate) fn sign(&self, version: Version, key: &str, image: &str) {
        let key = format!("{key}.key");
        let root = trusted_root();
        let mut args = vec!["sign", "--yes", "--key", &key];
        match version {
            Version::Three => args.extend(["--signing-config", "offline.json", "--trusted-root", &root]),
            Version::Two => args.push("--tlog-upload=false"),
        }
        args.push(image);
        well(self.run(version, &args));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Whether cosign takes `bundle` as the signature of `file` by `ops.pub`.
    fn verifies(&self, file: &str, bundle: &str) -> Finished {
        let root = trusted_root();
        let offline = ["--insecure-ignore-tlog", "--trusted-root", &root];
        let args = [&["verify-blob", "--key", "ops.pub"], &offline[..], &["--bundle", bundle, file]].concat();
        self.run(Version::Three, &args)
    }
}

/// A root for cosign, which asks the network for one otherwise.
pub(crate) fn trusted_root() -> String {
    fixture("trusted_root.json").display().to_string()
}

/// Our program in a directory, with nothing of this process's settings and keys.
fn cofferdam(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args).current_dir(directory).env("HOME", directory);
    let settings = env::vars_os().map(|(key, _)| key).filter(|k| k.to_string_lossy().starts_with("COFFERDAM_"));
    for key in settings
        .chain(["COSIGN_PASSWORD", "DOCKER_CONFIG", "COLUMNS", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"].map(Into::into))
    {
        command.env_remove(key);
    }
    command
}

/// What makes a policy trust the holder of this key, and nobody else.
pub(crate) fn trusting(public_key: &Path) -> String {
    format!(
        "[trust]\nsigned_by = {{ any_of = [\"ops\"] }}\n[[signer]]\nname = \"ops\"\nkind = \"key\"\npublic_key = {:?}\n\
         log = \"none\"\n",
        public_key.display().to_string()
    )
}

/// A host that trusts `ops.pub`, over the plugins among cosign's files.
fn host_over(cosign: &Cosign) -> HostBuilder {
    let plugins = cosign.path("plugins").display().to_string();
    HostBuilder::new()
        .policy(&trusting(&cosign.path("ops.pub")))
        .config(&format!("plugins.directories = [{plugins:?}]"))
}

/// That it serves what is signed, and that the lock says by whom.
#[track_caller]
fn serves(cosign: &Cosign) {
    let host = host_over(cosign).start();
    assert_eq!(host.rpc().call("hello_greet", json!({ "name": "Ada" })).text(), "Hello, Ada!", "{}", host.log());
    let lock = fs::read_to_string(host.path("cofferdam.lock")).unwrap();
    assert!(lock.contains("kind = \"key\"") && lock.contains(&fingerprint(&cosign.path("ops.pub"))), "{lock}");
}

/// What a key is called: the digest of its DER.
pub(crate) fn fingerprint(public_key: &Path) -> String {
    let pem = fs::read_to_string(public_key).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    sha256(&STANDARD.decode(body).unwrap())
}

const COMPONENT: &str = "plugins/hello.wasm";
const BUNDLE: &str = "plugins/hello.wasm.sigstore.json";

/// The greeter, where a host finds it.
fn with_component(cosign: &Cosign) -> Vec<u8> {
    let component = guest("greeter");
    fs::create_dir(cosign.path("plugins")).unwrap();
    cosign.write(COMPONENT, &component);
    component
}

#[test]
fn what_we_sign_with_our_key_cosign_takes() {
    let cosign = Cosign::new();
    let made = well(cosign.cofferdam(&["keygen", "--output", "ops"]));
    assert!(made.contains(&fingerprint(&cosign.path("ops.pub"))), "{made}");
    let component = with_component(&cosign);
    well(cosign.cofferdam(&["sign", COMPONENT, "--key", "ops.key"]));
    well(cosign.verifies(COMPONENT, BUNDLE));
    serves(&cosign);
    // Other bytes, with the same signature.
    cosign.write("other.wasm", &forge::patch_greeting(&component, "Salut"));
    let refused = cosign.verifies("other.wasm", BUNDLE);
    assert_ne!(refused.code, Some(0), "{}{}", refused.out, refused.err);
    // The same bytes, by a stranger.
    well(cosign.cofferdam(&["keygen", "--output", "stranger"]));
    well(cosign.cofferdam(&["sign", COMPONENT, "--key", "stranger.key", "--output", "strangers.json"]));
    let refused = cosign.verifies(COMPONENT, "strangers.json");
    assert_ne!(refused.code, Some(0), "{}{}", refused.out, refused.err);
}

#[test]
fn what_cosign_signs_with_its_key_we_take() {
    let cosign = Cosign::with_key();
    let component = with_component(&cosign);
    let sign = |file: &str, bundle: &str| {
        let root = trusted_root();
        let offline = ["--signing-config", "offline.json", "--trusted-root", &root];
        let args = [&["sign-blob", "--yes", "--key", "ops.key"], &offline[..], &["--bundle", bundle, file]].concat();
        well(cosign.run(Version::Three, &args));
    };
    sign(COMPONENT, BUNDLE);
    verified_and_not(&cosign, &component);
    serves(&cosign);
}

#[test]
fn what_cosign_2_signs_we_take() {
    let cosign = Cosign::with_key();
    let component = with_component(&cosign);
    let signature = format!("{COMPONENT}.sig");
    let how = ["--tlog-upload=false", "--key", "ops.key", "--output-signature", &signature];
    well(cosign.run(Version::Two, &[&["sign-blob", "--yes"], &how[..], &[COMPONENT]].concat()));
    verified_and_not(&cosign, &component);
    serves(&cosign);
    // With the same bytes as a bundle of the new format, and of its own old one.
    fs::remove_file(cosign.path(&signature)).unwrap();
    let how = ["--tlog-upload=false", "--key", "ops.key", "--bundle", BUNDLE];
    let args = [&["sign-blob", "--yes"], &how[..], &["--new-bundle-format", COMPONENT]].concat();
    well(cosign.run(Version::Two, &args));
    verified_and_not(&cosign, &component);
    cosign.write(COMPONENT, &component);
    well(cosign.run(Version::Two, &[&["sign-blob", "--yes"], &how[..], &[COMPONENT]].concat()));
    let refused = verify(&cosign);
    assert_eq!((&refused["verified"], &refused["reason"]), (&json!(false), &json!("unsupported-format")), "{refused}");
    assert!(refused["mend"].to_string().contains("cosign bundle create"), "{refused}");
}

/// What `cofferdam verify` says of the component.
#[track_caller]
fn verify(cosign: &Cosign) -> Value {
    let policy = format!("version = 1\n{}", trusting(&cosign.path("ops.pub")));
    cosign.write("policy.toml", policy.as_bytes());
    let finished = cosign.cofferdam(&["verify", COMPONENT, "--json"]);
    let report: Value = serde_json::from_str(&finished.out).unwrap_or_else(|e| panic!("{e}: {finished:?}"));
    assert_eq!(finished.code, Some(if report["verified"] == true { 0 } else { 1 }), "{finished:?}");
    report
}

/// That the component is verified as it is, and not when its bytes are others; which are there then.
#[track_caller]
fn verified_and_not(cosign: &Cosign, component: &[u8]) {
    cosign.write(COMPONENT, component);
    let report = verify(cosign);
    assert_eq!((&report["verified"], &report["sha256"]), (&json!(true), &json!(sha256(component))), "{report}");
    assert_eq!(report["signers"][0]["identity"], fingerprint(&cosign.path("ops.pub")), "{report}");
    cosign.write(COMPONENT, &forge::patch_greeting(component, "Salut"));
    let report = verify(cosign);
    assert_eq!((&report["verified"], &report["step"]), (&json!(false), &json!("verify")), "{report}");
    cosign.write(COMPONENT, component);
}

#[test]
fn each_opens_the_keys_of_the_other() {
    let cosign = Cosign::new();
    with_component(&cosign);
    // Ours, in its hands.
    well(cosign.cofferdam(&["keygen", "--output", "ops"]));
    let root = trusted_root();
    let offline = ["--signing-config", "offline.json", "--trusted-root", &root];
    let args = [&["sign-blob", "--yes", "--key", "ops.key"], &offline[..], &["--bundle", BUNDLE, COMPONENT]].concat();
    well(cosign.run(Version::Three, &args));
    assert_eq!(verify(&cosign)["verified"], true);
    // It reads the same public half out of the private one that we wrote.
    let public = well(cosign.run(Version::Three, &["public-key", "--key", "ops.key"]));
    assert_eq!(public.trim(), fs::read_to_string(cosign.path("ops.pub")).unwrap().trim());
    // Its own, in ours.
    cosign.make_key("theirs");
    well(cosign.cofferdam(&["sign", COMPONENT, "--key", "theirs.key"]));
    fs::copy(cosign.path("theirs.pub"), cosign.path("ops.pub")).unwrap();
    assert_eq!(verify(&cosign)["verified"], true);
    well(cosign.verifies(COMPONENT, BUNDLE));
}

#[test]
fn keys_are_private_and_never_overwritten() {
    let cosign = Cosign::new();
    well(cosign.cofferdam(&["keygen", "--output", "ops"]));
    let mode = |name: &str| fs::metadata(cosign.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("ops.key"), mode("ops.pub")), (0o600, 0o644));
    let read = |name: &str| fs::read_to_string(cosign.path(name)).unwrap();
    let before = (read("ops.key"), read("ops.pub"));
    assert!(before.0.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"), "{}", before.0);
    let again = cosign.cofferdam(&["keygen", "--output", "ops"]);
    assert_eq!((again.code, again.out.as_str()), (Some(1), ""));
    assert!(again.err.contains("ops.key exists already"), "{}", again.err);
    // Half a pair is in the way too.
    fs::rename(cosign.path("ops.key"), cosign.path("kept.key")).unwrap();
    let again = cosign.cofferdam(&["keygen", "--output", "ops"]);
    assert!(again.code == Some(1) && again.err.contains("ops.pub exists already"), "{}", again.err);
    assert_eq!((read("kept.key"), read("ops.pub")), before);
    assert!(!cosign.path("ops.key").exists());
    // Where nothing can be written, nothing is left.
    let nowhere = cosign.cofferdam(&["keygen", "--output", "absent/ops"]);
    assert!(nowhere.code == Some(1) && nowhere.err.contains("absent/ops.key"), "{}", nowhere.err);
}

#[test]
fn a_key_needs_its_password() {
    let cosign = Cosign::new();
    with_component(&cosign);
    let with = |args: &[&str], variable: Option<(&str, &str)>| finish(cofferdam(&cosign.path(""), args).envs(variable));
    let keygen = ["keygen", "--output", "ops"];
    let none = with(&keygen, None);
    assert_eq!((none.code, none.out.as_str()), (Some(1), ""));
    assert!(none.err.contains("COFFERDAM_KEY_PASSWORD"), "{}", none.err);
    assert!(!cosign.path("ops.key").exists() && !cosign.path("ops.pub").exists());
    // What scripts for cosign set is as good.
    well(with(&keygen, Some(("COSIGN_PASSWORD", PASSWORD))));
    let sign = ["sign", COMPONENT, "--key", "ops.key"];
    for (variable, said) in [
        (None, "COFFERDAM_KEY_PASSWORD"),
        (Some(("COFFERDAM_KEY_PASSWORD", "wrong")), "password"),
        (Some(("COSIGN_PASSWORD", "")), "password"),
    ] {
        let refused = with(&sign, variable);
        assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{variable:?}");
        assert!(refused.err.contains(said) && !refused.err.contains(PASSWORD), "{variable:?}: {}", refused.err);
        assert!(!cosign.path(BUNDLE).exists(), "{variable:?}");
    }
    well(with(&sign, Some(("COFFERDAM_KEY_PASSWORD", PASSWORD))));
    assert!(cosign.path(BUNDLE).exists());
    // A public key, or anything else, is no private one.
    let refused = with(&["sign", COMPONENT, "--key", "ops.pub"], Some(("COFFERDAM_KEY_PASSWORD", PASSWORD)));
    assert!(refused.code == Some(1) && refused.err.contains("ops.pub"), "{}", refused.err);
}

#[test]
fn what_is_no_component_is_not_signed() {
    let cosign = Cosign::with_key();
    let component = with_component(&cosign);
    cosign.write("notes.wasm", b"no component");
    let refused = cosign.cofferdam(&["sign", "notes.wasm", "--key", "ops.key"]);
    assert!(refused.code == Some(1) && refused.err.contains("nothing was signed"), "{}", refused.err);
    assert!(!cosign.path("notes.wasm.sigstore.json").exists());
    // A name that is embedded first is under the signature.
    let named = ["sign", COMPONENT, "--key", "ops.key", "--name", "hello", "--component-version", "1.2.3"];
    well(cosign.cofferdam(&named));
    assert_ne!(fs::read(cosign.path(COMPONENT)).unwrap(), component);
    well(cosign.verifies(COMPONENT, BUNDLE));
    serves(&cosign);
    assert_eq!(verify(&cosign)["verified"], true);
    let elsewhere = cosign.cofferdam(&["verify", COMPONENT, "--name", "other", "--json"]);
    assert!(elsewhere.code == Some(1) && elsewhere.out.contains("wrong-name"), "{}", elsewhere.out);
}

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const IDENTITY: &str = "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1.4.0";

/// `verify-bundle` as the suite calls it, over fixtures.
struct Conformance<'a> {
    bundle: &'a str,
    by: By<'a>,
    root: &'a str,
    artifact: &'a str,
}

/// Who has to have signed.
#[derive(Clone, Copy)]
enum By<'a> {
    Key(&'a str),
    Certificate { identity: &'a str, issuer: &'a str },
}

const CI: By<'_> = By::Certificate { identity: IDENTITY, issuer: GITHUB };
const KEY: By<'_> = By::Key("test-key.pub");

impl<'a> Conformance<'a> {
    fn new(bundle: &'a str, by: By<'a>) -> Self {
        Self { bundle, by, root: "trusted_root.json", artifact: "echo.wasm" }
    }

    /// The exit codes for the file and for its digest.
    fn codes(&self) -> [Option<i32>; 2] {
        let digest = format!("sha256:{}", sha256(&fs::read(fixture(self.artifact)).unwrap()));
        [fixture(self.artifact).display().to_string(), digest].map(|artifact| {
            let bundle = fixture(&format!("{}.sigstore.json", self.bundle)).display().to_string();
            let root = fixture(self.root).display().to_string();
            let key;
            let by = match self.by {
                By::Key(name) => {
                    key = fixture(name).display().to_string();
                    vec!["--key", &key]
                }
                By::Certificate { identity, issuer } => {
                    vec!["--certificate-identity", identity, "--certificate-oidc-issuer", issuer]
                }
            };
            let args = [&["--bundle", &bundle], &by[..], &["--trusted-root", &root, &artifact]].concat();
            conformance(&[&["verify-bundle"], &args[..]].concat()).code
        })
    }
}

fn conformance(args: &[&str]) -> Finished {
    let home = tempfile::tempdir().unwrap();
    finish(&mut cofferdam(home.path(), &[&["sigstore-conformance"], args].concat()))
}

#[test]
fn the_command_of_the_conformance_suite_takes_what_is_valid() {
    for log in ["rekor1", "rekor1-tsa", "rekor2-tsa"] {
        for statement in ["blob", "slsa"] {
            let (keyless, key) = (format!("{log}-keyless-{statement}"), format!("{log}-key-{statement}"));
            assert_eq!(Conformance::new(&keyless, CI).codes(), [Some(0); 2], "{keyless}");
            assert_eq!(Conformance::new(&key, KEY).codes(), [Some(0); 2], "{key}");
        }
    }
    let alice = By::Certificate { identity: "alice@example.com", issuer: "https://github.com/login/oauth" };
    assert_eq!(Conformance::new("who-email", alice).codes(), [Some(0); 2]);
    assert_eq!(Conformance::new("when-tsa-in-validity", CI).codes(), [Some(0); 2]);
    let old = Conformance { artifact: "echo-old.wasm", ..Conformance::new("what-old-version", CI) };
    assert_eq!(old.codes(), [Some(0); 2]);
}

#[test]
fn the_command_of_the_conformance_suite_refuses_everything_else() {
    let identity = |identity| By::Certificate { identity, issuer: GITHUB };
    let (shorter, longer) = (&IDENTITY[..IDENTITY.len() - 1], format!("{IDENTITY}1"));
    let other_issuer = By::Certificate { identity: IDENTITY, issuer: "https://token.actions.example.com" };
    let keyless = |by| Conformance::new("rekor1-tsa-keyless-blob", by);
    let key = |by| Conformance::new("rekor1-tsa-key-blob", by);
    let mut refused = vec![
        ("the identity is shorter", keyless(identity(shorter))),
        ("the identity is longer", keyless(identity(&longer))),
        ("no identity", keyless(identity(""))),
        ("a pattern", keyless(identity("*"))),
        ("another issuer", keyless(other_issuer)),
        ("the issuer is shorter", keyless(By::Certificate { identity: IDENTITY, issuer: &GITHUB[..GITHUB.len() - 4] })),
        ("a key for a certificate", keyless(KEY)),
        ("another key", key(By::Key("test-key-other.pub"))),
        ("a certificate for a key", key(CI)),
        ("a key that is none", key(By::Key("sbom.json"))),
        ("a key without a log", Conformance::new("key-bare-blob", KEY)),
        ("an attestation by a key without a log", Conformance::new("key-bare-sbom", KEY)),
        ("another's key with this one's hint", Conformance::new("key-other-hint-lies", KEY)),
        ("an authority of another root", Conformance { root: "trusted_root.foreign.json", ..keyless(CI) }),
        ("an authority that ended", Conformance { root: "trusted_root.ca-ended.json", ..keyless(CI) }),
        ("stamps of an authority that ended", Conformance { root: "trusted_root.tsa-ended.json", ..keyless(CI) }),
        ("a log that ended", Conformance { root: "trusted_root.log-ended.json", ..keyless(CI) }),
        ("a root that is none", Conformance { root: "sbom.json", ..keyless(CI) }),
    ];
    for bundle in ["when-log-before-cert", "when-tsa-before-cert", "when-tsa-after-cert", "what-old-version"] {
        refused.push((bundle, Conformance::new(bundle, CI)));
    }
    for bundle in ["who-repo-prefix", "who-tag-suffix", "who-other-issuer", "who-email", "who-email-as-uri"] {
        refused.push((bundle, Conformance::new(bundle, CI)));
    }
    for bundle in ["rekor1-keyless-blob", "rekor1-keyless-slsa", "rekor2-tsa-keyless-blob", "rekor2-tsa-keyless-slsa"] {
        refused.push((bundle, Conformance { artifact: "echo-old.wasm", ..Conformance::new(bundle, CI) }));
    }
    for bundle in ["rekor1-key-blob", "rekor1-key-slsa", "rekor2-tsa-key-blob", "rekor2-tsa-key-slsa"] {
        refused.push((bundle, Conformance { artifact: "echo-old.wasm", ..Conformance::new(bundle, KEY) }));
    }
    for (what, conformance) in refused {
        // Refused, and not for how it was asked.
        assert_eq!(conformance.codes(), [Some(1); 2], "{what}");
    }
}

#[test]
fn the_command_of_the_conformance_suite_refuses_what_was_tampered_with() {
    let home = tempfile::tempdir().unwrap();
    let (key, root) = (fixture("test-key.pub"), fixture("trusted_root.json"));
    let code = |bundle: &Value, artifact: &Path| {
        let path = home.path().join("bundle.json");
        fs::write(&path, bundle.to_string()).unwrap();
        let [key, root, path, artifact] = [&key, &root, &path, artifact].map(|p| p.display().to_string());
        let args = ["--bundle", &path, "--key", &key, "--trusted-root", &root, &artifact];
        conformance(&[&["verify-bundle"], &args[..]].concat()).code
    };
    let bundle = fs::read(fixture("rekor1-tsa-key-blob.sigstore.json")).unwrap();
    let bundle: Value = serde_json::from_slice(&bundle).unwrap();
    assert_eq!(code(&bundle, &fixture("echo.wasm")), Some(0));
    for place in [
        "/messageSignature/signature",
        "/messageSignature/messageDigest/digest",
        "/verificationMaterial/tlogEntries/0/canonicalizedBody",
        "/verificationMaterial/tlogEntries/0/inclusionProof/rootHash",
        "/verificationMaterial/tlogEntries/0/logId/keyId",
        "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp",
    ] {
        let mut tampered = bundle.clone();
        let text = tampered.pointer_mut(place).unwrap_or_else(|| panic!("{place}: {bundle}"));
        let mut bytes = STANDARD.decode(text.as_str().unwrap()).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        *text = STANDARD.encode(bytes).into();
        assert_eq!(code(&tampered, &fixture("echo.wasm")), Some(1), "{place}");
    }
    let mut logless = bundle.clone();
    logless["verificationMaterial"]["tlogEntries"] = json!([]);
    assert_eq!(code(&logless, &fixture("echo.wasm")), Some(1));
    let mut component = fs::read(fixture("echo.wasm")).unwrap();
    *component.last_mut().unwrap() ^= 1;
    let path = home.path().join("echo.wasm");
    fs::write(&path, component).unwrap();
    assert_eq!(code(&bundle, &path), Some(1));
}

#[test]
fn the_command_of_the_conformance_suite_is_hidden_and_refuses_to_sign() {
    let cosign = Cosign::new();
    for args in [["--help"], ["help"]] {
        let help = well(cosign.cofferdam(&args));
        assert!(help.contains("verify") && !help.contains("sigstore-conformance"), "{args:?}: {help}");
    }
    let signing = conformance(&["sign-bundle", "--identity-token", "x", "--bundle", "b.json", "echo.wasm"]);
    assert_eq!((signing.code, signing.out.as_str()), (Some(1), ""));
    assert!(signing.err.contains("--skip-signing"), "{}", signing.err);
    // Both built-in roots are there, and neither knows the authorities of the fixtures.
    let [bundle, artifact] =
        ["rekor1-keyless-blob.sigstore.json", "echo.wasm"].map(|f| fixture(f).display().to_string());
    for staging in [&[] as &[&str], &["--staging"]] {
        let by = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", GITHUB];
        let args = [&["verify-bundle"], staging, &["--bundle", &bundle], &by[..], &[&artifact]].concat();
        let refused = conformance(&args);
        assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{staging:?}: {}", refused.err);
    }
    // A digest that is cut short is none, and no file of this name is there.
    let [key, root] = ["test-key.pub", "trusted_root.json"].map(|f| fixture(f).display().to_string());
    let bundle = fixture("rekor1-key-blob.sigstore.json").display().to_string();
    let digest = sha256(&fs::read(fixture("echo.wasm")).unwrap());
    for artifact in [format!("sha256:{}", &digest[1..]), digest.clone(), format!("sha512:{digest}"), "absent".into()] {
        let args = ["verify-bundle", "--bundle", &bundle, "--key", &key, "--trusted-root", &root, &artifact];
        assert_eq!(conformance(&args).code, Some(1), "{artifact}");
    }
    // Who has to have signed is always said.
    let args = ["verify-bundle", "--bundle", &bundle, "--trusted-root", &root, &format!("sha256:{digest}")];
    assert_eq!(conformance(&args).code, Some(2));
}

/// Its only use of the network: it asks for a token to sign with.
const OFFLINE_TOKEN: &str = r#"
import base64, json, time, urllib3
b64 = lambda o: base64.b64encode(json.dumps(o).encode()).decode().rstrip("=")
CLAIMS = {"email": "nobody@example.invalid", "iss": "https://example.invalid", "exp": int(time.time()) + 3600}
class Answer: data = ".".join([b64({"alg": "none"}), b64(CLAIMS), "x"]).encode()
urllib3.request = lambda *a, **k: Answer()
"#;

/// The public suite, where `SIGSTORE_CONFORMANCE` names a checkout of it. `SIGSTORE_PYTHON` is a Python that has what
/// the suite needs, if `python3` has not.
#[test]
fn the_public_conformance_suite_passes() {
    let Some(checkout) = env::var_os("SIGSTORE_CONFORMANCE") else { return };
    let home = tempfile::tempdir().unwrap();
    let client = home.path().join("client.sh");
    let text = format!("#!/bin/sh\nexec {:?} sigstore-conformance \"$@\"\n", binary().canonicalize().unwrap());
    fs::write(&client, text).unwrap();
    fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(home.path().join("offline_token.py"), OFFLINE_TOKEN).unwrap();
    let mut pytest = Command::new(env::var_os("SIGSTORE_PYTHON").unwrap_or_else(|| "python3".into()));
    pytest
        .args(["-m", "pytest", "-p", "offline_token", "-p", "no:cacheprovider", "--skip-signing", "test"])
        .arg(format!("--entrypoint={}", client.display()))
        .env("PYTHONPATH", home.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(checkout);
    let finished = finish(&mut pytest);
    let counted = finished.out.lines().last().unwrap_or_default();
    assert!(finished.code == Some(0) && counted.contains(" passed"), "{}{}", finished.out, finished.err);
}
