//! Plugins that come from a registry: a real docker-registry, what real cosign signs there, and what becomes of both.
//!
//! What the program says is compared with `tests/golden/registry-*.txt`; `UPDATE_GOLDEN=1` writes them anew.

use std::{cell::RefCell, fs, path::PathBuf, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use cofferdam_tests::{
    DockerRegistry, HostBuilder, TestHost, binary, eventually, forge, golden, guest, run_cli, sha256, transcript,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cosign::{Cosign, Version, fingerprint, finish, trusted_root, trusting, well};

const REPOSITORY: &str = "acme/hello";

/// A registry, one who pushes and signs there, and what a host keeps between its runs.
struct Publisher {
    registry: DockerRegistry,
    cosign: Cosign,
    /// The lock and the copies of one host.
    state: TempDir,
    names: RefCell<Vec<(String, String)>>,
}

impl Publisher {
    fn new() -> Self {
        Self::to(DockerRegistry::start())
    }

    fn to(registry: DockerRegistry) -> Self {
        let cosign = Cosign::with_key();
        let names = vec![
            (registry.address().to_owned(), "<registry>".to_owned()),
            (fingerprint(&cosign.path("ops.pub")), "<key>".to_owned()),
        ];
        let publisher = Self { registry, cosign, state: tempfile::tempdir().unwrap(), names: RefCell::new(names) };
        publisher.forget();
        publisher
    }

    /// Nothing was ever approved, and nothing is kept.
    fn forget(&self) {
        fs::remove_dir_all(self.state.path()).unwrap();
        fs::create_dir(self.state.path()).unwrap();
        fs::write(self.lock_file(), "version = 1\n").unwrap();
    }

    fn lock_file(&self) -> PathBuf {
        self.state.path().join("cofferdam.lock")
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.lock_file()).unwrap()
    }

    /// The copy that a host keeps of a component, or a file beside it.
    fn copy_of(&self, component: &[u8], beside: &str) -> PathBuf {
        self.state.path().join("store/hello").join(sha256(component)).join(format!("component.wasm{beside}"))
    }

    /// What `plugins.oci` and commands call it.
    fn reference(&self, tag: &str) -> String {
        format!("oci://{}/{REPOSITORY}:{tag}", self.registry.address())
    }

    /// The same as cosign has it.
    fn image(&self, manifest: &str) -> String {
        format!("{}/{REPOSITORY}@sha256:{manifest}", self.registry.address())
    }

    /// Pushes a component that output calls by this name, and returns the digest of its manifest.
    fn push(&self, name: &str, component: &[u8], tag: &str) -> String {
        self.push_with(name, component, tag, &[])
    }

    fn push_with(&self, name: &str, component: &[u8], tag: &str, more: &[&str]) -> String {
        self.cosign.write(&format!("{name}.wasm"), component);
        let (file, reference) = (format!("{name}.wasm"), self.reference(tag));
        let said = well(self.cosign.cofferdam(&[&["push", &file, &reference], more].concat()));
        let manifest = said.split("@sha256:").nth(1).unwrap_or_default().get(..64).unwrap_or_default().to_owned();
        assert!(manifest.bytes().all(|b| b.is_ascii_hexdigit()) && !manifest.is_empty(), "{said}");
        let digest = sha256(component);
        let mut names = self.names.borrow_mut();
        for (bytes, name) in [(component.len(), "<bytes>"), (component.len() - 1, "<bytes less one>")] {
            names.push((format!("{bytes} "), format!("{name} ")));
        }
        names.push((format!("{:.1} KiB", component.len() as f64 / 1024.0), "<size>".into()));
        for (digest, name) in [(digest, format!("sha256 of {name}")), (manifest.clone(), format!("manifest of {name}"))]
        {
            names.push((digest[..12].to_owned(), format!("<short {name}>")));
            names.push((digest, format!("<{name}>")));
        }
        manifest
    }

    /// Pushes it, and lets cosign 3 sign it there.
    fn publish(&self, name: &str, component: &[u8], tag: &str) -> String {
        let manifest = self.push(name, component, tag);
        self.cosign.sign(Version::Three, "ops", &self.image(&manifest));
        manifest
    }

    /// A host that has the plugin `hello` from there.
    fn host(&self) -> HostBuilder {
        self.host_of(&self.reference("1"))
    }

    fn host_of(&self, reference: &str) -> HostBuilder {
        let path = |name: &str| self.state.path().join(name).display().to_string();
        HostBuilder::new().policy(&trusting(&self.cosign.path("ops.pub"))).config(&format!(
            "[registry]\ntimeout = \"5s\"\nattempts = 2\n[plugins]\npoll = \"1s\"\nlock = {:?}\nstore = {:?}\n\
             [[plugins.oci]]\nname = \"hello\"\nreference = {reference:?}\n",
            path("cofferdam.lock"),
            path("store"),
        ))
    }

    /// Output with what differs from run to run named.
    fn named(&self, text: &str) -> String {
        let mut names = self.names.borrow().clone();
        // What is in another goes first.
        names.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        names.iter().fold(text.to_owned(), |text, (what, name)| text.replace(what, name))
    }

    /// Runs a command over the files of a host, and tells what came of it.
    fn transcript(&self, home: &std::path::Path, args: &[&str]) -> String {
        let text = transcript(args, &run_cli(home, args));
        let home = home.canonicalize().unwrap();
        let state = self.state.path().canonicalize().unwrap();
        let text = text.replace(&home.display().to_string(), "<home>");
        self.named(&text.replace(&state.display().to_string(), "<state>"))
    }
}

/// Compares `text` with the file of this name, or writes it.
fn old() -> Vec<u8> {
    guest("greeter")
}

fn new() -> Vec<u8> {
    forge::patch_greeting(&old(), "Salut")
}

/// What it says to Ada; `None` when it is not served.
fn greeting(host: &TestHost) -> Option<String> {
    let reply = host.rpc().call("hello_greet", json!({ "name": "Ada" }));
    reply.error_code().is_none().then(|| reply.text().to_owned())
}

#[track_caller]
fn greets(host: &TestHost, wanted: &str) {
    eventually(&format!("it says {wanted:?}"), || (greeting(host).as_deref() == Some(wanted)).then_some(()));
}

/// Waits until this many plugins are refused.
#[track_caller]
fn refused(host: &TestHost, wanted: usize) {
    let wanted = format!("\"refused\":{wanted}");
    eventually(&wanted, || host.rpc().get("/health").1.contains(&wanted).then_some(()));
}

/// Waits until the host asked where this tag leads, and dealt with the answer.
#[track_caller]
fn polled(publisher: &Publisher, tag: &str) {
    let request = format!("/v2/{REPOSITORY}/manifests/{tag} ");
    let before = publisher.registry.requests(&request);
    // It asks again once it is done with the answer of before, and one may be under way.
    eventually("the registry is asked again", || (publisher.registry.requests(&request) > before + 2).then_some(()));
}

/// Waits for the refusal with this reason, and says at which step.
#[track_caller]
fn refusal(host: &TestHost, reason: &str) -> Value {
    host.line(reason, |l| l["message"] == "refused" && l["plugin"] == "hello" && l["reason"] == reason)
}

/// What `cofferdam plugins --json` says: served and refused.
#[track_caller]
fn plugins(host: &TestHost) -> (Vec<Value>, Vec<Value>) {
    let report: Value = serde_json::from_str(&well(host.cli(&["plugins", "--json"]))).unwrap();
    let list = |name: &str| report[name].as_array().unwrap().clone();
    (list("served"), list("refused"))
}

/// That it serves, and that the lock has where it came from and who signed it.
#[track_caller]
fn serves_and_is_recorded(publisher: &Publisher, manifest: &str) {
    let host = publisher.host().start();
    greets(&host, "Hello, Ada!");
    let lock = publisher.lock();
    for line in [
        "name = \"hello\"".to_owned(),
        format!("source = \"{}\"", publisher.reference("1")),
        format!("sha256 = \"{}\"", sha256(&old())),
        format!("manifest = \"{manifest}\""),
        "name = \"ops\"".to_owned(),
        "kind = \"key\"".to_owned(),
        format!("identity = \"{}\"", fingerprint(&publisher.cosign.path("ops.pub"))),
    ] {
        assert!(lock.lines().any(|l| l == line), "{line}: {lock}");
    }
    let (served, refused) = plugins(&host);
    assert_eq!((served.len(), refused.len()), (1, 0), "{served:?} {refused:?}");
    assert_eq!(served[0]["source"], publisher.reference("1"));
    assert_eq!(served[0]["approved_by"], "lock");
    // Looking writes nothing.
    assert_eq!(publisher.lock(), lock);
}

#[test]
fn signed_by_cosign_3_it_serves() {
    let publisher = Publisher::new();
    let manifest = publisher.publish("old", &old(), "1");
    assert_eq!(publisher.registry.tags(REPOSITORY), ["1", &format!("sha256-{manifest}")]);
    serves_and_is_recorded(&publisher, &manifest);
}

#[test]
fn signed_by_cosign_2_it_serves() {
    let publisher = Publisher::new();
    let manifest = publisher.push("old", &old(), "1");
    publisher.cosign.sign(Version::Two, "ops", &publisher.image(&manifest));
    assert_eq!(publisher.registry.tags(REPOSITORY), ["1", &format!("sha256-{manifest}.sig")]);
    serves_and_is_recorded(&publisher, &manifest);
}

#[test]
fn signed_as_it_is_pushed_it_serves_and_cosign_verifies_it() {
    let publisher = Publisher::new();
    let manifest = publisher.push_with("old", &old(), "1", &["--key", "ops.key"]);
    let root = trusted_root();
    let verify = |key: &str| {
        let offline = ["--insecure-ignore-tlog", "--trusted-root", &root];
        let image = publisher.image(&manifest);
        publisher.cosign.run(Version::Three, &[&["verify", "--key", key], &offline[..], &[&image]].concat())
    };
    let verified = well(verify("ops.pub"));
    assert!(verified.contains(&manifest), "{verified}");
    publisher.cosign.make_key("stranger");
    assert_ne!(verify("stranger.pub").code, Some(0));
    serves_and_is_recorded(&publisher, &manifest);
}

#[test]
fn commands_work_where_no_host_runs() {
    let publisher = Publisher::new();
    publisher.publish("old", &old(), "1");
    let home = publisher.host().files();
    let call = ["call", "hello_greet", r#"{"name":"Ada"}"#];
    assert_eq!(well(run_cli(home.path(), &call)), "Hello, Ada!\n");
    let report = well(run_cli(home.path(), &["plugins", "--json"]));
    assert!(report.contains("\"approved_by\": \"first sight\""), "{report}");
    // Neither wrote what only a host that serves writes.
    assert_eq!(publisher.lock(), "version = 1\n");
    well(run_cli(home.path(), &["approve", "hello", "--yes"]));
    assert!(publisher.lock().contains("name = \"hello\""), "{}", publisher.lock());
    let text = publisher.transcript(home.path(), &["plugins"])
        + &publisher.transcript(home.path(), &["diff", "hello"])
        + &publisher.transcript(home.path(), &["verify", &publisher.reference("1"), "--name", "hello"])
        + &publisher.transcript(home.path(), &["verify", &publisher.reference("2")]);
    golden("registry-commands.txt", &text);
}

#[test]
fn a_tag_that_moves_is_held_back_until_it_is_approved() {
    let publisher = Publisher::new();
    let before = publisher.publish("old", &old(), "1");
    let host = publisher.host().start();
    greets(&host, "Hello, Ada!");
    let lock = publisher.lock();
    let after = publisher.publish("new", &new(), "2");
    publisher.registry.retag(REPOSITORY, "1", &after);
    assert_eq!(refusal(&host, "drift")["step"], "approve");
    refused(&host, 1);
    assert_eq!(greeting(&host).as_deref(), Some("Hello, Ada!"));
    assert_eq!(publisher.lock(), lock);
    let home = host.path("");
    let mut text = publisher.transcript(&home, &["plugins"]) + &publisher.transcript(&home, &["diff", "hello"]);
    // Moved back, there is nothing to be said of it; and moved again there is.
    publisher.registry.retag(REPOSITORY, "1", &before);
    refused(&host, 0);
    publisher.registry.retag(REPOSITORY, "1", &after);
    refused(&host, 1);
    assert_eq!(greeting(&host).as_deref(), Some("Hello, Ada!"));
    text += &publisher.transcript(&home, &["approve", "hello", "--yes"]);
    greets(&host, "Salut, Ada!");
    refused(&host, 0);
    assert!(publisher.lock().contains(&format!("manifest = \"{after}\"")), "{}", publisher.lock());
    text += &publisher.transcript(&home, &["diff", "hello"]);
    golden("registry-drift.txt", &text);
}

#[test]
fn a_tag_that_moves_to_what_nobody_signed_is_refused() {
    let publisher = Publisher::new();
    publisher.publish("old", &old(), "1");
    let host = publisher.host().start();
    publisher.push("new", &new(), "1");
    assert_eq!(refusal(&host, "unsigned")["step"], "verify");
    refused(&host, 1);
    assert_eq!(greeting(&host).as_deref(), Some("Hello, Ada!"));
    // An approval never stands for a signature.
    let home = host.path("");
    let text = publisher.transcript(&home, &["plugins"])
        + &publisher.transcript(&home, &["approve", "hello", "--yes"])
        + &publisher.transcript(&home, &["diff", "hello"]);
    golden("registry-moved-unsigned.txt", &text);
    assert_eq!(greeting(&host).as_deref(), Some("Hello, Ada!"));
}

#[test]
fn what_is_signed_after_it_was_pushed_is_taken_then() {
    let publisher = Publisher::new();
    let manifest = publisher.push("old", &old(), "1");
    let host = publisher.host().start();
    refusal(&host, "unsigned");
    assert_eq!(greeting(&host), None);
    publisher.cosign.sign(Version::Three, "ops", &publisher.image(&manifest));
    greets(&host, "Hello, Ada!");
    refused(&host, 0);
}

#[test]
fn what_is_refused_stays_listed_when_its_registry_was_away() {
    let mut publisher = Publisher::new();
    publisher.publish("old", &old(), "1");
    let host = publisher.host().start();
    let moved = publisher.publish("new", &new(), "2");
    publisher.registry.retag(REPOSITORY, "1", &moved);
    refusal(&host, "drift");
    publisher.registry.stop();
    refusal(&host, "registry-away");
    publisher.registry.resume();
    polled(&publisher, "1");
    refused(&host, 1);
    assert_eq!(greeting(&host).as_deref(), Some("Hello, Ada!"));
}

/// The home of a host that has to refuse what is there, and what it says.
#[track_caller]
fn refuses(publisher: &Publisher, what: &str, step: &str, reason: &str) -> String {
    publisher.forget();
    let host = publisher.host().start();
    assert_eq!(refusal(&host, reason)["step"], step, "{what}");
    assert_eq!((greeting(&host), host.rpc().tools()), (None, vec![]), "{what}");
    let (served, listed) = plugins(&host);
    assert_eq!((served.len(), &listed[0]["reason"]), (0, &json!(reason)), "{what}");
    // Nothing of it stays.
    assert_eq!(publisher.lock(), "version = 1\n", "{what}");
    let call = host.cli(&["call", "hello_greet", r#"{"name":"Ada"}"#]);
    assert_eq!((call.code, call.out.as_str()), (Some(1), ""), "{what}");
    assert!(!publisher.copy_of(&old(), "").exists(), "{what}");
    format!("# {what}\n{}", publisher.transcript(&host.path(""), &["plugins"]))
}

#[test]
fn what_is_not_as_it_was_signed_is_refused() {
    let publisher = Publisher::new();
    let (component, mut text) = (old(), String::new());
    let manifest = publisher.push("old", &component, "1");
    text += &refuses(&publisher, "signed by nobody", "verify", "unsigned");
    publisher.cosign.make_key("stranger");
    publisher.cosign.sign(Version::Three, "stranger", &publisher.image(&manifest));
    text += &refuses(&publisher, "signed by a stranger", "verify", "bad-signature");
    publisher.cosign.sign(Version::Two, "stranger", &publisher.image(&manifest));
    text += &refuses(&publisher, "signed by a stranger with cosign 2 as well", "verify", "bad-signature");
    // A signature of another manifest, under the name of this one's.
    let other = publisher.push("new", &new(), "2");
    publisher.cosign.sign(Version::Two, "ops", &publisher.image(&other));
    let signature = publisher.registry.tag(REPOSITORY, &format!("sha256-{other}.sig"));
    publisher.registry.retag(REPOSITORY, &format!("sha256-{manifest}.sig"), &signature);
    text += &refuses(&publisher, "the signature is of another", "verify", "bad-signature");
    // From here on it is signed well.
    publisher.cosign.sign(Version::Three, "ops", &publisher.image(&manifest));
    let layer = publisher.registry.file_of(&sha256(&component));
    fs::write(&layer, new()).unwrap();
    text += &refuses(&publisher, "the layer has other bytes, as many", "fetch", "fetch");
    fs::write(&layer, &component[1..]).unwrap();
    text += &refuses(&publisher, "the layer is shorter", "fetch", "fetch");
    fs::remove_file(&layer).unwrap();
    text += &refuses(&publisher, "the layer is gone", "fetch", "fetch");
    fs::write(&layer, &component).unwrap();
    let file = publisher.registry.file_of(&manifest);
    let good = fs::read_to_string(&file).unwrap();
    let altered = good.replace(&sha256(&component), &sha256(&new()));
    fs::write(&file, &altered).unwrap();
    publisher.names.borrow_mut().push((sha256(altered.as_bytes()), "<altered manifest>".into()));
    text += &refuses(&publisher, "the manifest names another layer", "fetch", "fetch");
    fs::write(&file, good).unwrap();
    // The control: all of it as it was.
    publisher.forget();
    greets(&publisher.host().start(), "Hello, Ada!");
    golden("registry-refused.txt", &text);
}

#[test]
fn what_was_mended_in_its_registry_is_taken_then() {
    let publisher = Publisher::new();
    publisher.publish("old", &old(), "1");
    let layer = publisher.registry.file_of(&sha256(&old()));
    fs::write(&layer, new()).unwrap();
    let host = publisher.host().start();
    refusal(&host, "fetch");
    fs::write(&layer, old()).unwrap();
    polled(&publisher, "1");
    greets(&host, "Hello, Ada!");
    refused(&host, 0);
}

#[test]
fn what_serves_outlasts_its_registry() {
    let mut publisher = Publisher::new();
    publisher.publish("old", &old(), "1");
    let host = publisher.host().start();
    greets(&host, "Hello, Ada!");
    publisher.registry.stop();
    assert_eq!(refusal(&host, "registry-away")["step"], "fetch");
    refused(&host, 1);
    assert_eq!(greeting(&host).as_deref(), Some("Hello, Ada!"));
    assert_eq!(well(host.cli(&["call", "hello_greet", r#"{"name":"Ada"}"#])), "Hello, Ada!\n");
    let home = host.path("");
    let text = publisher.transcript(&home, &["plugins"])
        + &publisher.transcript(&home, &["approve", "hello", "--yes"])
        + &publisher.transcript(&home, &["diff", "hello"]);
    // Back where it was, nothing is refused.
    publisher.registry.resume();
    refused(&host, 0);
    assert_eq!(greeting(&host).as_deref(), Some("Hello, Ada!"));
    publisher.registry.stop();
    refused(&host, 1);
    drop(host);

    // Another host over the same lock, with the registry still away.
    let host = publisher.host().start();
    greets(&host, "Hello, Ada!");
    refusal(&host, "registry-away");
    let (served, listed) = plugins(&host);
    assert_eq!(
        (served[0]["source"].as_str(), listed[0]["reason"].as_str()),
        (Some(&*publisher.reference("1")), Some("registry-away"))
    );
    // What it keeps is verified as anything is: one whose signer is trusted no more does not serve.
    let stranger = Cosign::with_key();
    host.policy(&trusting(&stranger.path("ops.pub")));
    eventually("it serves no more", || greeting(&host).is_none().then_some(()));
    host.policy(&trusting(&publisher.cosign.path("ops.pub")));
    greets(&host, "Hello, Ada!");
    drop(host);

    // Moved on meanwhile, it is held back as ever.
    publisher.registry.resume();
    let after = publisher.publish("new", &new(), "2");
    publisher.registry.retag(REPOSITORY, "1", &after);
    let host = publisher.host().start();
    greets(&host, "Hello, Ada!");
    refusal(&host, "drift");
    assert_eq!(greeting(&host).as_deref(), Some("Hello, Ada!"));
    golden("registry-away.txt", &text);
}

#[test]
fn a_copy_that_was_altered_does_not_serve() {
    let mut publisher = Publisher::new();
    publisher.publish("old", &old(), "1");
    drop(publisher.host().start());
    publisher.registry.stop();
    let copy = |beside| publisher.copy_of(&old(), beside);
    let (component, manifest, bundle) = (copy(""), copy(".manifest.json"), copy(".0.sigstore.json"));
    let flipped = |path: &PathBuf| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        Some(bytes)
    };
    let strangers = Cosign::with_key();
    let mut changes = vec![
        ("other bytes", &component, Some(new())),
        ("a flipped bit", &component, flipped(&component)),
        ("another manifest", &manifest, flipped(&manifest)),
        ("no manifest", &manifest, None),
        ("another signature", &bundle, flipped(&bundle)),
        ("no signature", &bundle, None),
    ];
    // The bytes of another, signed by a stranger as files are.
    strangers.write("new.wasm", &new());
    well(strangers.cofferdam(&["sign", "new.wasm", "--key", "ops.key"]));
    changes.push((
        "a stranger's signature",
        &bundle,
        Some(fs::read(strangers.path("new.wasm.sigstore.json")).unwrap()),
    ));
    for (what, path, bytes) in changes {
        let good = fs::read(path).unwrap();
        match bytes {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        let host = publisher.host().start();
        refusal(&host, "registry-away");
        host.line("why the copy does not serve", |l| l["message"] == "the approved version cannot stand in");
        assert_eq!((greeting(&host), host.rpc().tools()), (None, vec![]), "{what}");
        fs::write(path, good).unwrap();
    }
    // The control: as it was.
    greets(&publisher.host().start(), "Hello, Ada!");
}

#[test]
fn a_copy_that_was_altered_is_fetched_again() {
    let publisher = Publisher::new();
    publisher.publish("old", &old(), "1");
    drop(publisher.host().start());
    let copy = |beside| publisher.copy_of(&old(), beside);
    let mut lost = Vec::new();
    for (what, beside, bytes) in [
        ("other bytes", "", Some(new())),
        ("a broken signature", ".0.sigstore.json", Some(b"{}".to_vec())),
        ("no signature", ".0.sigstore.json", None),
        ("no manifest", ".manifest.json", None),
    ] {
        let good = fs::read(copy(beside)).unwrap();
        match bytes {
            Some(bytes) => fs::write(copy(beside), bytes).unwrap(),
            None => fs::remove_file(copy(beside)).unwrap(),
        }
        let host = publisher.host().start();
        polled(&publisher, "1");
        let mended = fs::read(copy(beside)).is_ok_and(|bytes| bytes == good);
        if greeting(&host).as_deref() != Some("Hello, Ada!") || !mended {
            lost.push(what);
        }
        drop(host);
        fs::write(copy(beside), good).unwrap();
    }
    assert_eq!(lost, [""; 0], "its registry has all of it as it was");
}

#[test]
fn a_host_that_finds_no_registry_serves_once_there_is_one() {
    let mut publisher = Publisher::new();
    publisher.publish("old", &old(), "1");
    publisher.registry.stop();
    let host = publisher.host().start();
    refusal(&host, "registry-away");
    assert_eq!(greeting(&host), None);
    publisher.registry.resume();
    greets(&host, "Hello, Ada!");
    refused(&host, 0);
}

#[test]
fn a_reference_by_digest_leads_nowhere_else() {
    let publisher = Publisher::new();
    let before = publisher.publish("old", &old(), "1");
    let reference = format!("oci://{}", publisher.image(&before));
    let host = publisher.host_of(&reference).start();
    greets(&host, "Hello, Ada!");
    assert!(publisher.lock().contains(&format!("source = \"{reference}\"")), "{}", publisher.lock());
    publisher.publish("new", &new(), "1");
    let (served, listed) = plugins(&host);
    assert_eq!((served[0]["sha256"].as_str(), listed.len()), (Some(&*sha256(&old())), 0), "{listed:?}");
    // Another digest is another source, which a person has to look at.
    drop(host);
    let after = publisher.publish("new", &new(), "2");
    let host = publisher.host_of(&format!("oci://{}", publisher.image(&after))).start();
    refusal(&host, "drift");
    assert_eq!(greeting(&host).as_deref(), Some("Hello, Ada!"));
    host.approve("hello");
    greets(&host, "Salut, Ada!");
}

#[test]
fn a_plugin_that_comes_from_elsewhere_has_to_be_approved() {
    let publisher = Publisher::new();
    publisher.publish("old", &old(), "1");
    drop(publisher.host().start());
    // The same bytes, by the same signer, under another tag: whether a copy is kept makes no difference.
    publisher.publish("old", &old(), "2");
    for kept in [false, true] {
        let copy = publisher.copy_of(&old(), "");
        let aside = publisher.state.path().join("aside");
        if !kept {
            fs::rename(&copy, &aside).unwrap();
        }
        let host = publisher.host_of(&publisher.reference("2")).start();
        polled(&publisher, "2");
        assert_eq!(greeting(&host).is_some(), kept);
        let (_, listed) = plugins(&host);
        let [listed] = &listed[..] else { panic!("kept: {kept}; refused: {listed:?}") };
        assert_eq!((&listed["step"], &listed["reason"]), (&json!("approve"), &json!("drift")), "kept: {kept}");
        let found = listed["found"].as_str().unwrap();
        assert!(found.contains(&publisher.reference("1")) && found.contains(&publisher.reference("2")), "{found}");
        assert!(host.rpc().get("/health").1.contains("\"refused\":1"), "kept: {kept}");
        drop(host);
        if !kept {
            fs::rename(&aside, &copy).unwrap();
        }
    }
}

/// `alice`, whose password is `secret`, for `htpasswd -B`.
const USERS: &str = "alice:$2b$04$asjwVubOqaiXcqYQBhXHHO2ahkE0A62tR6szs1cD94ZEpluh3tU.C\n";

#[test]
fn credentials_are_those_of_docker() {
    let publisher = Publisher::to(DockerRegistry::guarded(USERS));
    let docker = |password: &str| {
        let directory = tempfile::tempdir().unwrap();
        let auth = STANDARD.encode(format!("alice:{password}"));
        let config = json!({ "auths": { publisher.registry.address(): { "auth": auth } } });
        fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
        directory
    };
    let (good, wrong, none) = (docker("secret"), docker("wrong-secret"), tempfile::tempdir().unwrap());
    let home = publisher.host().files();
    fs::write(home.path().join("hello.wasm"), old()).unwrap();
    fs::copy(publisher.cosign.path("ops.key"), home.path().join("ops.key")).unwrap();
    let run = |docker: &TempDir, args: &[&str]| {
        let mut command = Command::new(binary());
        command.args(args).current_dir(home.path()).env("DOCKER_CONFIG", docker.path());
        let finished = finish(command.env("COFFERDAM_KEY_PASSWORD", crate::cosign::PASSWORD));
        let said = format!("{}{}", finished.out, finished.err);
        assert!(!said.contains("wrong-secret"), "{said}");
        finished
    };
    let reference = publisher.reference("1");
    let push = ["push", "hello.wasm", &reference, "--key", "ops.key"];
    let call = ["call", "hello_greet", r#"{"name":"Ada"}"#];
    let pull = ["pull", &reference, "--output", "pulled"];
    let verify = ["verify", &reference];
    let mut text = String::new();
    for (who, docker) in [("nobody", &none), ("alice with a wrong password", &wrong)] {
        text += &format!("# {who}\n");
        for args in [&push as &[&str], &call, &pull, &verify] {
            let finished = run(docker, args);
            assert_eq!(finished.code, Some(1), "{who}: {args:?}: {finished:?}");
            text += &transcript(args, &finished);
        }
    }
    assert!(!home.path().join("pulled").exists());
    golden("registry-credentials.txt", &publisher.named(&text));
    well(run(&good, &push));
    assert_eq!(well(run(&good, &call)), "Hello, Ada!\n");
    well(run(&good, &verify));
    well(run(&good, &pull));
    assert_eq!(fs::read(home.path().join("pulled/hello.wasm")).unwrap(), old());
}

#[test]
fn what_is_pulled_serves_where_no_registry_is_known() {
    let mut publisher = Publisher::new();
    publisher.publish("old", &old(), "1");
    let home = publisher.host().files();
    let mut text = publisher.transcript(home.path(), &["pull", &publisher.reference("1"), "--output", "pulled"]);
    let pulled = home.path().join("pulled");
    let files = || {
        let names = fs::read_dir(&pulled).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    let expected = ["hello.wasm", "hello.wasm.0.sigstore.json", "hello.wasm.manifest.json"];
    assert_eq!(files(), expected);
    assert_eq!(fs::read(pulled.join("hello.wasm")).unwrap(), old());
    // A name of its own, and of what cosign 2 signed.
    let manifest = publisher.push("new", &new(), "2");
    publisher.cosign.sign(Version::Two, "ops", &publisher.image(&manifest));
    let renamed = ["pull", &publisher.reference("2"), "--output", "pulled", "--name", "salut"];
    text += &publisher.transcript(home.path(), &renamed);
    // What nobody signed leaves no trace, and takes the place of nothing.
    publisher.push("unsigned", &forge::patch_greeting(&old(), "Boo"), "3");
    let before = files();
    for output in ["pulled", "fresh"] {
        text += &publisher.transcript(home.path(), &["pull", &publisher.reference("3"), "--output", output]);
    }
    assert_eq!(files(), before);
    assert_eq!(fs::read(pulled.join("hello.wasm")).unwrap(), old());
    assert!(!home.path().join("fresh").exists());
    golden("registry-pull.txt", &text);

    publisher.registry.stop();
    let host = HostBuilder::new()
        .policy(&trusting(&publisher.cosign.path("ops.pub")))
        .config(&format!("plugins.directories = [{:?}]", pulled.display().to_string()))
        .start();
    greets(&host, "Hello, Ada!");
    let salut = host.rpc().call("salut_greet", json!({ "name": "Ada" }));
    assert_eq!(salut.text(), "Salut, Ada!");
    // The manifest speaks for these bytes and for no others.
    let (component, manifest) = (pulled.join("hello.wasm"), pulled.join("salut.wasm.manifest.json"));
    fs::write(&component, new()).unwrap();
    let line = host.line("the bytes are others", |l| l["message"] == "refused" && l["plugin"] == "hello");
    assert_eq!((&line["step"], &line["reason"]), (&json!("verify"), &json!("wrong-manifest")));
    fs::remove_file(manifest).unwrap();
    let line = host.line("the manifest is gone", |l| l["message"] == "refused" && l["plugin"] == "salut");
    assert_eq!(line["step"], "verify");
    // What was approved goes on serving.
    assert_eq!(greeting(&host).as_deref(), Some("Hello, Ada!"));
}
