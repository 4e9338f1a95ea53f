use cofferdam_trust::SigningKey;

use super::*;

const COMPONENT: &[u8] = b"\0asm, some component";

struct Keys(Vec<(&'static str, SigningKey)>);

impl Keys {
    fn new(names: &[&'static str]) -> Self {
        Self(names.iter().map(|n| (*n, SigningKey::generate().unwrap())).collect())
    }

    /// A policy that knows these keys, each under its name.
    fn policy(&self, rest: &str) -> Result<Policy, String> {
        let entries = self.0.iter().map(|(name, _)| {
            format!("[[signer]]\nname = \"{name}\"\nkind = \"key\"\npublic_key = \"{name}.pub\"\nlog = \"none\"\n")
        });
        let text = format!("version = 1\n{}{rest}", entries.collect::<String>());
        let mut read = |path: &str| {
            let key = self.0.iter().find(|(name, _)| format!("{name}.pub") == path);
            key.map(|(_, key)| key.public_key().to_pem()).ok_or_else(|| format!("cannot read {path}"))
        };
        Policy::parse("p", &text, &mut read).map_err(|e| e.to_string())
    }

    fn sign(&self, name: &str, bytes: &[u8]) -> Beside {
        let (_, key) = self.0.iter().find(|(known, _)| *known == name).unwrap();
        let bundle = key.sign_blob(bytes).unwrap();
        Beside { name: format!("a.wasm.{name}.sigstore.json"), signature: Signature::bundle(bundle.as_bytes()) }
    }
}

fn judge(policy: &Policy, signatures: &[Beside]) -> Result<String, &'static str> {
    let evidence = Evidence { digest: Digest::of(COMPONENT), artifact: Artifact::Bytes(COMPONENT), signatures };
    policy.judge(&"a".parse().unwrap(), evidence).map(|p| p.label()).map_err(|e| e.reason)
}

#[test]
fn nobody_is_believed_who_is_not_named() {
    let keys = Keys::new(&["one", "two"]);
    let signed = [keys.sign("one", COMPONENT)];
    for policy in ["", "[trust]\nsigned_by = {}\n", "[trust]\nsigned_by = { any_of = [] }\n"] {
        assert_eq!(judge(&keys.policy(policy).unwrap(), &signed), Err("no-signer"), "{policy}");
    }
    let named = keys.policy("[trust]\nsigned_by = { any_of = [\"two\"] }\n").unwrap();
    assert_eq!(judge(&named, &signed), Err("bad-signature"));
    assert_eq!(judge(&named, &[]), Err("unsigned"));
    assert_eq!(judge(&named, &[keys.sign("two", COMPONENT)]), Ok("two".into()));
    assert_eq!(judge(&named, &[keys.sign("two", b"something else")]), Err("wrong-artifact"));
}

#[test]
fn a_plugins_own_word_stands_over_the_default() {
    let keys = Keys::new(&["one", "two"]);
    let policy = keys
        .policy("[trust]\nsigned_by = { any_of = [\"one\"] }\n[[plugin]]\nname = \"a\"\nsigned_by = { any_of = [\"two\"] }\n")
        .unwrap();
    assert_eq!(judge(&policy, &[keys.sign("one", COMPONENT)]), Err("bad-signature"));
    assert_eq!(judge(&policy, &[keys.sign("two", COMPONENT)]), Ok("two".into()));
    let nobody =
        keys.policy("[trust]\nsigned_by = { any_of = [\"one\"] }\n[[plugin]]\nname = \"a\"\nsigned_by = {}\n").unwrap();
    assert_eq!(judge(&nobody, &[keys.sign("one", COMPONENT)]), Err("no-signer"));
}

#[test]
fn thresholds_count_people_and_not_signatures() {
    let keys = Keys::new(&["one", "two", "three"]);
    let sign = |names: &[&str]| names.iter().map(|n| keys.sign(n, COMPONENT)).collect::<Vec<_>>();
    let two = keys.policy("[trust]\nsigned_by = { any_of = [\"one\", \"two\", \"three\"], min = 2 }\n").unwrap();
    assert_eq!(judge(&two, &sign(&["one", "one"])), Err("too-few-signers"));
    assert_eq!(judge(&two, &sign(&["one", "three"])), Ok("one, three".into()));
    let both = keys.policy("[trust]\nsigned_by = { all_of = [\"one\", \"two\"], any_of = [\"three\"] }\n").unwrap();
    assert_eq!(judge(&both, &sign(&["one", "three"])), Err("too-few-signers"));
    assert_eq!(judge(&both, &sign(&["one", "two"])), Err("too-few-signers"));
    assert_eq!(judge(&both, &sign(&["one", "two", "three"])), Ok("one, three, two".into()));
}

#[test]
fn what_is_revoked_counts_for_nothing() {
    let keys = Keys::new(&["one", "two"]);
    let fingerprint = keys.0[0].1.public_key().fingerprint();
    let policy = keys
        .policy(&format!(
            "[trust]\nsigned_by = {{ any_of = [\"one\", \"two\"] }}\n[revoked]\nkeys = [\"{fingerprint}\"]\n"
        ))
        .unwrap();
    assert_eq!(judge(&policy, &[keys.sign("one", COMPONENT)]), Err("revoked"));
    assert_eq!(judge(&policy, &[keys.sign("one", COMPONENT), keys.sign("two", COMPONENT)]), Ok("two".into()));
    let digest = Digest::of(COMPONENT);
    let revoked = format!(
        "[trust]\nsigned_by = {{ any_of = [\"two\"] }}\n[revoked]\nsha256 = [\"{digest}\"]\n[[plugin]]\nname = \"a\"\nsha256 = [\"{digest}\"]\n"
    );
    assert_eq!(judge(&keys.policy(&revoked).unwrap(), &[keys.sign("two", COMPONENT)]), Err("revoked"));
}

#[test]
fn exact_bytes_may_run_unsigned_and_are_called_so() {
    let keys = Keys::new(&["one"]);
    let digest = Digest::of(COMPONENT);
    let policy = keys
        .policy(&format!(
            "[trust]\nsigned_by = {{ any_of = [\"one\"] }}\n[[plugin]]\nname = \"a\"\nsha256 = [\"{digest}\"]\n"
        ))
        .unwrap();
    assert_eq!(judge(&policy, &[]), Ok("unsigned".into()));
    assert_eq!(judge(&policy, &[keys.sign("one", COMPONENT)]), Ok("one".into()));
}

#[test]
fn what_can_never_be_meant_is_said() {
    let keys = Keys::new(&["one", "two"]);
    let wrong = |rest: &str, says: &str| {
        let error = keys.policy(rest).unwrap_err();
        assert!(error.contains(says), "{rest}: {error}");
    };
    wrong("[trust]\nsigned_by = { any_of = [\"three\"] }\n", "there is no [[signer]] named three");
    wrong("[trust]\nsigned_by = { any_of = [\"one\"], min = 2 }\n", "min is 2, and any_of has 1");
    wrong("[trust]\nsigned_by = { any_of = [\"one\"], min = 0 }\n", "min is 0, and any_of has 1");
    wrong("[trust]\nsigned_by = { any_of = [\"one\", \"one\"] }\n", "one is there twice");
    wrong("[trust]\nauto_update = [\"nobody\"]\n", "there is no [[signer]] named nobody");
    wrong("[trust]\nroot = \"absent.json\"\n", "cannot read absent.json");
    wrong("[[signer]]\nname = \"x\"\nkind = \"key\"\npublic_key = \"one.pub\"\n", "has the key of signer one");
    wrong("[[signer]]\nname = \"x\"\nkind = \"key\"\n", "a signer of kind \"key\" needs it");
    wrong("[[signer]]\nname = \"x\"\nkind = \"key\"\npublic_key = \"one.pub\"\nissuer = \"y\"\n", "means nothing");
    wrong("[[signer]]\nname = \"x\"\nkind = \"oidc\"\nissuer = \"y\"\n", "exactly one of");
    wrong("[[signer]]\nname = \"x\"\nkind = \"oidc\"\nissuer = \"y\"\nuri_prefix = \"https://a/acme\"\n", "uri_prefix");
    let github = "[[signer]]\nname = \"x\"\nkind = \"github-actions\"\nworkflow = \"w.yml\"\n";
    wrong(&format!("{github}repository = \"acme\"\nref = \"r\"\n"), "no owner/name");
    wrong(&format!("{github}repository = \"acme/x\"\n"), "ref: a signer");
    wrong(&format!("{github}repository = \"acme/x\"\nref = \"*/*\"\n"), "ref");
}
