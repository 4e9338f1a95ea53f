//! Logins and settings that cannot be.

use std::{fs, time::Duration};

use cofferdam_secrets::{Secrets, VaultAuth, VaultSettings};

use crate::bao::{secrets, vault_settings};

async fn error(vault: VaultSettings) -> String {
    Secrets::open(secrets(vault, &["token"])).await.unwrap_err().to_string()
}

fn file() -> VaultAuth {
    VaultAuth::TokenFile("/nowhere/token".into())
}

#[tokio::test]
async fn settings_that_cannot_be() {
    let at = |address: &str| vault_settings(address, file());
    let with = |auth: VaultAuth| vault_settings("http://127.0.0.1:1", auth);
    let kubernetes = |role: &str, mount: &str| VaultAuth::Kubernetes {
        role: role.to_owned(),
        mount: mount.to_owned(),
        jwt_file: "/nowhere/jwt".into(),
    };
    let directory = tempfile::tempdir().unwrap();
    let pem = directory.path().join("ca.pem");
    fs::write(&pem, "no certificate").unwrap();
    for (vault, expected) in [
        (
            at("http://vault.example"),
            "Vault's address cannot be used: without TLS the token can be read on the way: use https:// for what is not \
             on loopback"
                .to_owned(),
        ),
        (
            at("https://user:hunter2@vault.example"),
            "Vault's address cannot be used: it has a user or a password, which Vault does not know: configure a token \
             or a login"
                .to_owned(),
        ),
        (
            with(VaultAuth::TokenVariable("COFFERDAM_NOT_SET".to_owned())),
            "Vault's token cannot be used: the variable \"COFFERDAM_NOT_SET\" is not set".to_owned(),
        ),
        (
            // It has spaces.
            with(VaultAuth::TokenVariable("CARGO_PKG_DESCRIPTION".to_owned())),
            "Vault's token cannot be used: the variable \"CARGO_PKG_DESCRIPTION\" has what no token has".to_owned(),
        ),
        (with(VaultAuth::TokenFile("".into())), "Vault's token file cannot be used: its path is empty".to_owned()),
        (
            with(kubernetes("", "kubernetes")),
            "Vault's role cannot be used: it has 1 to 256 bytes and no control characters".to_owned(),
        ),
        (
            with(kubernetes("host", "../kubernetes")),
            "Vault's login's mount cannot be used: its parts are between single slashes, none of them is . or .., and \
             it neither begins nor ends with /"
                .to_owned(),
        ),
        (
            VaultSettings { namespace: Some("a\nb".to_owned()), ..with(file()) },
            "Vault's namespace cannot be used: it is no text for a header".to_owned(),
        ),
        (
            VaultSettings { ca_file: Some(pem.clone()), ..at("https://vault.example") },
            format!("Vault's certificates in {}: there is no certificate in it", pem.display()),
        ),
        (
            VaultSettings { timeout: Duration::ZERO, ..with(file()) },
            "Vault's timeout is 0ns: it is between 100 ms and 5 min".to_owned(),
        ),
    ] {
        assert_eq!(error(vault).await, expected);
    }
}

#[tokio::test]
async fn settings_tell_no_token() {
    let settings = secrets(
        vault_settings("http://127.0.0.1:1", VaultAuth::TokenVariable("CARGO_PKG_DESCRIPTION".to_owned())),
        &["token"],
    );
    let token = std::env::var("CARGO_PKG_DESCRIPTION").unwrap();
    assert!(!format!("{settings:?}").contains(&token));
    let error = Secrets::open(settings).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains(&token));
}
