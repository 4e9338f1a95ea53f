//! What a policy wants of a component beside one good signature.

use cofferdam_tests::sha256;
use serde_json::{Value, json};

use super::{
    bench::{ALICE, Bench, CI, key, ops, policy, with_more},
    fixture,
};

const BY_CI: &str = r#"{ any_of = ["ci"] }"#;
const IDENTITY: &str = "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1.4.0";

fn by_two() -> (Vec<u8>, Vec<u8>) {
    (fixture("rekor2-tsa-keyless-blob.sigstore.json"), fixture("who-email.sigstore.json"))
}

#[test]
fn two_signers_are_two_different_ones() {
    let (ci, alice) = by_two();
    let again = fixture("rekor1-keyless-blob.sigstore.json");
    let signers = format!("{CI}{ALICE}{}", ops("none"));
    let mut bench = Bench::new(&policy(r#"{ any_of = ["ci", "alice", "ops"], min = 2 }"#, "", &signers));
    let both: [(&str, &[u8]); 2] = [(".ci.sigstore.json", &ci), (".alice.sigstore.json", &alice)];
    bench.verify("ci and alice", "echo.wasm", &both).accepted(&["alice", "ci"]);
    bench.verify("ci alone", "echo.wasm", &both[..1]).refused("too-few-signers");
    let twice: [(&str, &[u8]); 2] = [(".one.sigstore.json", &ci), (".two.sigstore.json", &again)];
    bench.verify("ci twice", "echo.wasm", &twice).refused("too-few-signers");
    let same: [(&str, &[u8]); 2] = [(".one.sigstore.json", &ci), (".two.sigstore.json", &ci)];
    bench.verify("ci with the same bundle twice", "echo.wasm", &same).refused("too-few-signers");
    let with_key: [(&str, &[u8]); 2] = [(".sigstore.json", &ci), (".sig", &fixture("echo.wasm.sig"))];
    bench.verify("ci and a bare signature", "echo.wasm", &with_key).accepted(&["ci", "ops"]);
    bench.say("min = 3");
    bench.policy(&policy(r#"{ any_of = ["ci", "alice", "ops"], min = 3 }"#, "", &signers));
    bench.verify("ci and alice", "echo.wasm", &both).refused("too-few-signers");
    bench.golden("trust-thresholds.txt");
}

#[test]
fn all_of_wants_every_one() {
    let (ci, alice) = by_two();
    let signers = format!("{CI}{ALICE}{}", ops("none"));
    let mut bench = Bench::new(&policy(r#"{ all_of = ["ci", "alice"] }"#, "", &signers));
    let both: [(&str, &[u8]); 2] = [(".ci.sigstore.json", &ci), (".alice.sigstore.json", &alice)];
    bench.verify("ci and alice", "echo.wasm", &both).accepted(&["alice", "ci"]);
    bench.verify("ci alone", "echo.wasm", &both[..1]).refused("too-few-signers");
    bench.verify("alice alone", "echo.wasm", &both[1..]).refused("too-few-signers");
    bench.say("and one of those in any_of");
    bench.policy(&policy(r#"{ all_of = ["ci"], any_of = ["alice", "ops"] }"#, "", &signers));
    bench.verify("ci and alice", "echo.wasm", &both).accepted(&["alice", "ci"]);
    bench.verify("ci alone", "echo.wasm", &both[..1]).refused("too-few-signers");
    bench.verify("alice alone", "echo.wasm", &both[1..]).refused("too-few-signers");
    bench.golden("trust-all-of.txt");
}

/// The identity of `ci`, under another name.
fn alias() -> String {
    format!(
        "\n[[signer]]\nname = \"alias\"\nkind = \"oidc\"\nissuer = \"https://token.actions.githubusercontent.com\"\nuri = \"{IDENTITY}\"\n"
    )
}

/// That one identity does not fill this, however often it signed, and that alice beside it does.
fn takes_two(bench: &mut Bench, signed_by: &str, both: &[&str]) {
    let (ci, alice) = by_two();
    let again = fixture("rekor1-keyless-blob.sigstore.json");
    let beside: [(&str, &[u8]); 3] =
        [(".ci.sigstore.json", &ci), (".ci-again.sigstore.json", &again), (".alice.sigstore.json", &alice)];
    bench.say(&format!("signed_by = {signed_by}"));
    bench.policy(&policy(signed_by, "", &format!("{CI}{ALICE}{}", alias())));
    bench.verify("two signatures by two", "echo.wasm", &[beside[0], beside[2]]).accepted(both);
    bench.verify("one signature", "echo.wasm", &beside[..1]).refused("too-few-signers");
    bench.verify("two signatures by one", "echo.wasm", &beside[..2]).refused("too-few-signers");
}

#[test]
fn one_identity_under_two_names_is_one_signer() {
    let mut bench = Bench::new("version = 1\n");
    let three = ["alias", "alice", "ci"];
    takes_two(&mut bench, r#"{ any_of = ["ci", "alias", "alice"], min = 2 }"#, &three);
    // Nobody can be those two.
    let signed_by = r#"{ all_of = ["ci", "alias"] }"#;
    bench.say(&format!("signed_by = {signed_by}"));
    bench.policy(&policy(signed_by, "", &format!("{CI}{}", alias())));
    bench.bundle("rekor2-tsa-keyless-blob").refused("too-few-signers");
    bench.golden("trust-one-person.txt");
}

#[test]
fn one_identity_does_not_count_for_all_of_and_again_for_any_of() {
    let mut bench = Bench::new("version = 1\n");
    takes_two(&mut bench, r#"{ all_of = ["ci"], any_of = ["alias", "alice"] }"#, &["alias", "alice", "ci"]);
    takes_two(&mut bench, r#"{ all_of = ["ci"], any_of = ["ci", "alice"] }"#, &["alice", "ci"]);
    bench.golden("trust-both-lists.txt");
}

#[test]
fn an_attestation_that_is_wanted_is_missed() {
    let (ci, _) = by_two();
    let slsa = fixture("rekor2-tsa-keyless-slsa.sigstore.json");
    let vuln = fixture("what-vuln.sigstore.json");
    let wanted = |by: &str| format!("attestations = [{{ predicate = \"https://slsa.dev/provenance/v1\"{by} }}]");
    let mut bench = Bench::new(&policy(BY_CI, &wanted(r#", signed_by = "ci""#), &format!("{CI}{ALICE}")));
    let with = |more: &'static str, bytes: &[u8]| -> Vec<(&'static str, Vec<u8>)> {
        vec![(".sigstore.json", ci.clone()), (more, bytes.to_vec())]
    };
    let ask = |bench: &mut Bench, what: &str, beside: &[(&'static str, Vec<u8>)]| {
        let beside: Vec<(&str, &[u8])> = beside.iter().map(|(suffix, bytes)| (*suffix, bytes.as_slice())).collect();
        bench.verify(what, "echo.wasm", &beside)
    };
    let (good, other) = (with(".slsa.sigstore.json", &slsa), with(".vuln.sigstore.json", &vuln));
    ask(&mut bench, "signature and provenance", &good).accepted(&["ci"]);
    ask(&mut bench, "no attestation", &good[..1]).refused("missing-attestation");
    ask(&mut bench, "an attestation of something else", &other).refused("missing-attestation");
    ask(&mut bench, "provenance without a signature", &good[1..]).refused("not-a-signature");
    let of_another = with(".slsa.sigstore.json", &fixture("rekor2-tsa-key-slsa.sigstore.json"));
    ask(&mut bench, "provenance by somebody else", &of_another).refused("missing-attestation");
    bench.say("by anybody who may sign it");
    bench.policy(&policy(BY_CI, &wanted(""), CI));
    ask(&mut bench, "signature and provenance", &good).accepted(&["ci"]);
    ask(&mut bench, "no attestation", &good[..1]).refused("missing-attestation");
    bench.say("by alice");
    bench.policy(&policy(BY_CI, &wanted(r#", signed_by = "alice""#), &format!("{CI}{ALICE}")));
    ask(&mut bench, "provenance by ci", &good).refused("missing-attestation");
    bench.golden("trust-attestations.txt");
}

#[test]
fn what_is_revoked_is_refused_whoever_vouches_for_it() {
    let (ci, alice) = by_two();
    let signers = format!("{CI}{ALICE}{}", ops("none"));
    let any = r#"{ any_of = ["ci", "alice", "ops"] }"#;
    let revoked = |signed_by: &str, more: &str| policy(signed_by, "", &format!("{signers}\n[revoked]\n{more}\n"));
    let echo = sha256(&fixture("echo.wasm"));
    let mut bench = Bench::new(&policy(any, "", &signers));
    // The fingerprint that the program itself prints.
    let raw = fixture("echo.wasm.sig");
    bench.lay(("echo.wasm", &fixture("echo.wasm")), &[(".sig", &raw)]);
    let report: Value = serde_json::from_str(&bench.run(&["verify", "echo.wasm", "--json"]).0.out).unwrap();
    let fingerprint = report["signers"][0]["identity"].as_str().unwrap().to_owned();

    bench.say("the digest");
    bench.policy(&revoked(any, &format!("sha256 = [\"{echo}\"]")));
    bench.bundle("rekor2-tsa-keyless-blob").refused("revoked");
    let pinned = format!("sha256 = [\"{echo}\"]");
    bench.policy(&policy(any, &pinned, &format!("{signers}\n[revoked]\nsha256 = [\"{echo}\"]\n")));
    bench.verify("and pinned in its entry", "echo.wasm", &[]).refused("revoked");
    bench.policy(&revoked(any, &format!("sha256 = [\"{}\"]", sha256(&fixture("other.wasm")))));
    bench.bundle("rekor2-tsa-keyless-blob").accepted(&["ci"]);

    bench.say("the key");
    bench.policy(&revoked(any, &format!("keys = [\"{fingerprint}\"]")));
    bench.verify("echo.wasm.sig", "echo.wasm", &[(".sig", &raw)]).refused("revoked");
    bench.bundle("rekor1-key-blob").refused("revoked");
    bench.bundle("rekor2-tsa-keyless-blob").accepted(&["ci"]);
    let two: [(&str, &[u8]); 2] = [(".sig", &raw), (".sigstore.json", &ci)];
    bench.verify("the key and ci", "echo.wasm", &two).accepted(&["ci"]);
    bench.policy(&revoked(r#"{ any_of = ["ci", "ops"], min = 2 }"#, &format!("keys = [\"{fingerprint}\"]")));
    bench.verify("the key and ci, where two are wanted", "echo.wasm", &two).refused("revoked");

    bench.say("an identity");
    bench.policy(&revoked(any, &format!("identities = [\"{IDENTITY}\"]")));
    bench.bundle("rekor2-tsa-keyless-blob").refused("revoked");
    bench.bundle("who-email").accepted(&["alice"]);
    let both: [(&str, &[u8]); 2] = [(".ci.sigstore.json", &ci), (".alice.sigstore.json", &alice)];
    bench.verify("ci and alice", "echo.wasm", &both).accepted(&["alice"]);
    bench.policy(&revoked(r#"{ any_of = ["ci", "alice"], min = 2 }"#, &format!("identities = [\"{IDENTITY}\"]")));
    bench.verify("ci and alice, where two are wanted", "echo.wasm", &both).refused("revoked");
    bench.golden("trust-revoked.txt");
}

#[test]
fn nobody_may_sign_what_names_nobody() {
    let mut bench = Bench::new(&policy("{}", "", CI));
    let given: [(&str, &str); 4] = [
        ("signed_by = {}", "{}"),
        ("any_of is empty", "{ any_of = [] }"),
        ("all_of is empty", "{ all_of = [] }"),
        ("both are", "{ all_of = [], any_of = [] }"),
    ];
    // Nor does what holds for all plugins come in where a plugin's own word is empty.
    for default in ["", "signed_by = { any_of = [\"ci\"] }\n"] {
        for (what, signed_by) in given {
            bench.policy(&policy(signed_by, "", CI).replace("[trust]\n", &format!("[trust]\n{default}")));
            bench.say(what);
            bench.bundle("rekor2-tsa-keyless-blob").refused("no-signer");
        }
    }
    bench.say("signed_by is absent");
    bench.policy(&policy("{}", "", CI).replace("signed_by = {}\n", ""));
    bench.bundle("rekor2-tsa-keyless-blob").refused("no-signer");
    bench.policy(&policy(BY_CI, "", CI));
    bench.bundle("rekor2-tsa-keyless-blob").accepted(&["ci"]);
    bench.golden("trust-nobody.txt");
}

#[test]
fn unsigned_runs_as_exactly_the_bytes_that_the_policy_names() {
    let unsigned = fixture("unsigned.wasm");
    let pinned =
        |digest: &str| policy(BY_CI, &format!("sha256 = [\"{digest}\"]"), CI).replace("acme-echo", "acme-unsigned");
    let mut bench = Bench::new(&pinned(&sha256(&unsigned)));
    let verdict = bench.verify("its sha256 is in the policy", "unsigned.wasm", &[]);
    verdict.accepted(&[]);
    assert!(verdict.0.out.contains("unsigned"), "{}", verdict.0.out);
    bench.verify_bytes("a section more", &with_more(&unsigned), &[]).refused("unsigned");
    bench.policy(&pinned(&sha256(&fixture("echo.wasm"))));
    bench.verify("another's sha256 is in the policy", "unsigned.wasm", &[]).refused("unsigned");
    // Under another name it is nobody.
    bench.policy(&format!("{}\n[[plugin]]\nname = \"other\"\n", pinned(&sha256(&unsigned))));
    bench.run(&["verify", "echo.wasm", "--name", "other"]).refused("no-signer");
    bench.golden("trust-pinned.txt");
}

#[test]
fn programs_are_told_the_same_as_people() {
    let signers = format!("{CI}{}", ops("none"));
    let pinned = format!("sha256 = [\"{}\"]", sha256(&fixture("echo-old.wasm")));
    let mut bench = Bench::new(&policy(r#"{ any_of = ["ci", "ops"] }"#, &pinned, &signers));
    let mut ask = |what: &str, component: &str, beside: &[(&str, &[u8])]| -> Value {
        bench.lay(("echo.wasm", &fixture(component)), beside);
        bench.say(what);
        let finished = bench.run(&["verify", "echo.wasm", "--json"]).0;
        let report: Value = serde_json::from_str(&finished.out).unwrap();
        assert_eq!(finished.code == Some(0), report["verified"] == true, "{report}");
        report
    };
    let (ci, _) = by_two();
    let report = ask("a workflow", "echo.wasm", &[(".sigstore.json", &ci)]);
    assert_eq!((&report["verified"], &report["signed"]), (&json!(true), &json!(true)));
    assert_eq!(report["signers"][0]["identity"], IDENTITY);
    let report = ask("a key", "echo.wasm", &[(".sig", &fixture("echo.wasm.sig"))]);
    assert_eq!((&report["signers"][0]["name"], &report["signers"][0]["kind"]), (&json!("ops"), &json!("key")));
    let report = ask("nobody, and pinned", "echo-old.wasm", &[]);
    assert_eq!((&report["verified"], &report["signed"]), (&json!(true), &json!(false)));
    let report = ask("somebody else", "echo.wasm", &[(".sigstore.json", &fixture("who-branch.sigstore.json"))]);
    assert_eq!((&report["verified"], &report["reason"]), (&json!(false), &json!("wrong-signer")));
    let report = ask("nobody", "echo.wasm", &[]);
    assert_eq!((&report["reason"], &report["step"]), (&json!("unsigned"), &json!("verify")));
    bench.golden("trust-json.txt");
}

#[test]
fn a_stranger_beside_a_good_signature_changes_nothing() {
    let (ci, alice) = by_two();
    let mut bench = Bench::new(&policy(BY_CI, "", &format!("{CI}{}", key("ops", "test-key.pub", "none"))));
    let strangers: [(&str, Vec<u8>); 4] = [
        ("a stranger's", alice),
        ("no bundle at all", b"{}".to_vec()),
        ("nothing", Vec::new()),
        ("another component's", fixture("what-other.sigstore.json")),
    ];
    for (what, stranger) in strangers {
        // Before it in the order of names, and after it.
        for suffix in [".a.sigstore.json", ".z.sigstore.json"] {
            let beside: [(&str, &[u8]); 2] = [(".m.sigstore.json", &ci), (suffix, &stranger)];
            bench.verify(&format!("{what}{suffix}"), "echo.wasm", &beside).accepted(&["ci"]);
        }
        let verdict = bench.verify(what, "echo.wasm", &[(".sigstore.json", &stranger)]);
        assert_eq!(verdict.0.code, Some(1), "{what}: {}", verdict.0.out);
    }
    bench.golden("trust-strangers.txt");
}
