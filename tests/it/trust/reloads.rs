//! Policies that change under a host that serves.

use cofferdam_tests::{HostBuilder, TEST_SIGNER, TestKey, forge, guest, sha256, test_key};

use super::home::{Home, fingerprint, reason};

/// Two plugins, one by the key of the tests and one by another.
fn two(key: &TestKey) -> (Vec<u8>, Vec<u8>, Home) {
    let (one, two) = (guest("greeter"), forge::patch_greeting(&guest("greeter"), "Salut"));
    let mut home = Home::new(HostBuilder::new().policy(&policy("")));
    home.put("keys/other.pub", key.public_pem().as_bytes());
    home.names.digest("the other key", &fingerprint(&key.public_pem()));
    home.names.component("one", &one);
    home.names.component("two", &two);
    home.drop_in("one", &one);
    home.drop_in_by("two", &two, key);
    (one, two, home)
}

fn policy(more: &str) -> String {
    let other = TEST_SIGNER.replace("\"test\"", "\"other\"").replace("test.pub", "other.pub");
    format!("[trust]\nsigned_by = {{ any_of = [\"test\", \"other\"] }}\n{TEST_SIGNER}{other}\n{more}")
}

#[test]
fn what_is_revoked_ends_serving_and_comes_back_when_it_is_not() {
    let key = TestKey::other();
    let (one, _, mut home) = two(&key);
    let host = home.serve();
    host.tools_are(&["one_greet", "two_greet"]);
    let revocations = [
        ("its digest", format!("sha256 = [\"{}\"]", sha256(&one)), "one", "two_greet"),
        ("its key", format!("keys = [\"{}\"]", fingerprint(&test_key().public_pem())), "one", "two_greet"),
        ("the other key", format!("keys = [\"{}\"]", fingerprint(&key.public_pem())), "two", "one_greet"),
    ];
    for (what, revoked, plugin, left) in revocations {
        home.policy(&policy(&format!("[revoked]\n{revoked}\n")));
        host.tools_are(&[left]);
        home.head(what);
        home.say(&["plugins"]);
        assert_eq!(reason(&home.plugins(), plugin), "revoked", "{what}");
        assert_eq!(home.run(&["approve", plugin, "--yes"]).code, Some(1), "{what}");
        home.policy(&policy(""));
        host.tools_are(&["one_greet", "two_greet"]);
    }
    home.golden("trust-revoked-serving.txt");
}

#[test]
fn a_signer_that_the_policy_drops_ends_serving() {
    let (_, _, home) = two(&TestKey::other());
    let host = home.serve();
    host.tools_are(&["one_greet", "two_greet"]);
    home.policy(&policy("").replace("[\"test\", \"other\"]", "[\"test\"]"));
    host.tools_are(&["one_greet"]);
    home.policy(&policy("[[plugin]]\nname = \"one\"\nsigned_by = {}\n"));
    host.tools_are(&["two_greet"]);
    home.policy(&policy(""));
    host.tools_are(&["one_greet", "two_greet"]);
}

#[test]
fn a_key_file_that_is_replaced_is_read_again() {
    let (key, heir) = (TestKey::other(), TestKey::other());
    let (_, two, mut home) = two(&key);
    home.names.digest("the heir's key", &fingerprint(&heir.public_pem()));
    let host = home.serve();
    host.tools_are(&["one_greet", "two_greet"]);
    home.put("keys/other.pub", heir.public_pem().as_bytes());
    host.tools_are(&["one_greet"]);
    host.refuses("two", "bad-signature");
    home.say(&["plugins"]);
    // By the new key it is the same component by somebody else under the same name.
    home.drop_in_by("two", &two, &heir);
    host.refuses("two", "signer-changed");
    home.head("signed by the new key");
    home.say(&["plugins"]);
    assert_eq!(home.run(&["approve", "two", "--yes"]).code, Some(1));
    assert_eq!(home.run(&["approve", "two", "--yes", "--signer", "other"]).code, Some(0));
    host.tools_are(&["one_greet", "two_greet"]);
    // A file that is no key changes nothing.
    home.put("keys/other.pub", b"no key");
    cofferdam_tests::eventually("it is told", || {
        host.log().iter().any(|l| l["message"] == "policy and lock stay as they were").then_some(())
    });
    assert_eq!(host.rpc().tools(), ["one_greet", "two_greet"]);
    home.golden("trust-key-replaced.txt");
}

#[test]
fn a_key_that_comes_after_the_policy_that_names_it_is_waited_for() {
    let (key, late) = (TestKey::other(), TestKey::other());
    let (_, _, home) = two(&key);
    let three = forge::patch_greeting(&guest("greeter"), "Aloha");
    let host = home.serve();
    host.tools_are(&["one_greet", "two_greet"]);
    let signer = TEST_SIGNER.replace("\"test\"", "\"late\"").replace("test.pub", "late.pub");
    home.policy(&policy(&format!("{signer}[[plugin]]\nname = \"three\"\nsigned_by = {{ any_of = [\"late\"] }}\n")));
    let told = || host.log().iter().filter(|l| l["message"] == "policy and lock stay as they were").count();
    cofferdam_tests::eventually("it is told", || (told() > 0).then_some(()));
    home.drop_in_by("three", &three, &late);
    host.refuses("three", "bad-signature");
    // Nothing but this file comes; the policy that names it lies there already.
    home.put("keys/late.pub", late.public_pem().as_bytes());
    host.tools_are(&["one_greet", "three_greet", "two_greet"]);
    assert_eq!(told(), 1, "once, however often it was tried");
}
