//! Sound signatures by somebody else.

use cofferdam_trust::{GithubActions, Rule, Subject};

use crate::fixtures::{GITHUB, IDENTITY, ci, oidc, over_echo, refused, signer};

const ALICE: &str = "alice@example.com";
const LOGIN: &str = "https://github.com/login/oauth";

/// Each with what the message must name.
const STRANGERS: [(&str, &str); 13] = [
    ("who-repo-prefix", "acme/plugins-evil"),
    ("who-owner-prefix", "acme-evil/plugins"),
    ("who-other-workflow", "pr.yml"),
    ("who-workflow-suffix", "release.yml.yml"),
    ("who-branch", "refs/heads/main"),
    ("who-tag-suffix", "refs/tags/v1.4.0/evil"),
    ("who-pull-request", "refs/pull/7/merge"),
    ("who-self-hosted", "says runner_environment self-hosted, and signer ci wants runner_environment github-hosted"),
    ("who-claims-differ", "says source_repository_uri https://github.com/evil/plugins, and signer ci wants"),
    ("who-no-claims", "does not say source_repository_uri"),
    ("who-other-issuer", "https://token.actions.example.com"),
    ("who-email", "the e-mail address alice@example.com"),
    ("who-email-as-uri", "alice@example.com"),
];

#[test]
fn no_stranger_passes_for_the_workflow() {
    for (name, says) in STRANGERS {
        let defect = refused(over_echo(&ci(), name), "wrong-signer").to_string();
        assert!(defect.contains(says) && defect.contains("signer ci wants "), "{name}: {defect}");
    }
}

#[test]
fn an_address_counts_as_an_address_only() {
    let alice = oidc(LOGIN, Subject::Email(ALICE.to_owned()));
    let proof = over_echo(&alice, "who-email").unwrap();
    assert_eq!(proof.identity.to_string(), "alice@example.com (issuer https://github.com/login/oauth)");
    assert!(proof.claims.is_empty());
    for (name, _) in STRANGERS.into_iter().filter(|(name, _)| *name != "who-email") {
        refused(over_echo(&alice, name), "wrong-signer");
    }
    refused(over_echo(&oidc(GITHUB, Subject::Email(ALICE.to_owned())), "who-email"), "wrong-signer");
    refused(over_echo(&oidc(LOGIN, Subject::Email("malice@example.com".to_owned())), "who-email"), "wrong-signer");
    refused(over_echo(&oidc(LOGIN, Subject::Uri(ALICE.to_owned())), "who-email"), "wrong-signer");
}

#[test]
fn an_exact_uri_sees_the_name_and_not_the_claims() {
    let exact = oidc(GITHUB, Subject::Uri(IDENTITY.to_owned()));
    let passes = ["who-self-hosted", "who-claims-differ", "who-no-claims"];
    for (name, _) in STRANGERS {
        assert_eq!(over_echo(&exact, name).is_ok(), passes.contains(&name), "{name}");
    }
}

#[test]
fn a_prefix_takes_no_look_alike() {
    let passes =
        |prefix: &str, name: &str| over_echo(&oidc(GITHUB, Subject::uri_prefix(prefix).unwrap()), name).is_ok();
    for (prefix, name, expected) in [
        ("https://github.com/acme/", "rekor1-keyless-blob", true),
        ("https://github.com/acme/", "who-repo-prefix", true),
        ("https://github.com/acme/", "who-owner-prefix", false),
        ("https://github.com/acme/plugins/", "rekor1-keyless-blob", true),
        ("https://github.com/acme/plugins/", "who-repo-prefix", false),
        ("https://github.com/acme/plugins/.github/workflows/release.yml@", "rekor1-keyless-blob", true),
        ("https://github.com/acme/plugins/.github/workflows/release.yml@", "who-workflow-suffix", false),
        ("https://github.com/acme/plugins/.github/workflows/release.yml@", "who-branch", true),
        ("https://github.com/acme/", "who-other-issuer", false),
    ] {
        assert_eq!(passes(prefix, name), expected, "{prefix} {name}");
    }
    let unsafely = Subject::UriPrefix("https://github.com/acme".to_owned());
    refused(over_echo(&oidc(GITHUB, unsafely), "who-owner-prefix"), "wrong-signer");
}

#[test]
fn every_word_of_the_workflow_counts() {
    let Rule::GithubActions(rule) = ci().rule else { unreachable!() };
    let tries = |alter: &dyn Fn(&mut GithubActions)| {
        let mut rule = rule.clone();
        alter(&mut rule);
        over_echo(&signer("ci", Rule::GithubActions(rule)), "rekor1-keyless-blob")
    };
    tries(&|_| {}).unwrap();
    tries(&|rule| rule.reference = "refs/tags/v1.4.0".parse().unwrap()).unwrap();
    let alterations: [&dyn Fn(&mut GithubActions); 10] = [
        &|rule| rule.repository = "acme/plugin".to_owned(),
        &|rule| rule.repository = "acme".to_owned(),
        &|rule| rule.repository = String::new(),
        &|rule| rule.repository = "Acme/plugins".to_owned(),
        &|rule| rule.workflow = ".github/workflows/release".to_owned(),
        &|rule| rule.workflow = String::new(),
        &|rule| rule.reference = "refs/tags/v2*".parse().unwrap(),
        &|rule| rule.runner = "self-hosted".to_owned(),
        &|rule| rule.triggers = vec!["pus".to_owned(), "release".to_owned()],
        // Nothing may start it: an empty list allows nothing.
        &|rule| rule.triggers.clear(),
    ];
    for (at, alter) in alterations.into_iter().enumerate() {
        let defect = tries(alter).expect_err(&at.to_string());
        assert_eq!(defect.label(), "wrong-signer", "{at}: {defect}");
    }
}
