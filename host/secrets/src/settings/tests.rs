use super::*;

fn settings(source: Source) -> SecretsSettings {
    SecretsSettings { secrets: [("token".parse().unwrap(), source)].into(), ..SecretsSettings::default() }
}

fn vault() -> VaultSettings {
    VaultSettings {
        address: "https://vault.example".parse().unwrap(),
        auth: VaultAuth::TokenFile("/run/token".into()),
        namespace: None,
        ca_file: None,
        timeout: Duration::from_secs(10),
    }
}

fn in_vault(path: &str, mount: &str, field: &str) -> Source {
    Source::Vault { path: path.to_owned(), mount: mount.to_owned(), field: field.to_owned() }
}

fn error(settings: &SecretsSettings) -> String {
    settings.check().unwrap_err().to_string()
}

#[test]
fn settings_that_can_be() {
    SecretsSettings::default().check().unwrap();
    settings(Source::Environment { variable: "GITHUB_TOKEN_2".to_owned() }).check().unwrap();
    settings(Source::File { path: "/run/secrets/token".into() }).check().unwrap();
    let good = SecretsSettings { vault: Some(vault()), ..settings(in_vault("github/bot", "team/kv", "token")) };
    good.check().unwrap();
}

#[test]
fn settings_that_cannot() {
    for (settings, expected) in [
        (
            settings(Source::Environment { variable: "2\u{1b}=".to_owned() }),
            r#"secret token: "2\u{1b}=" is no variable's name: letters, digits and _, not beginning with a digit"#,
        ),
        (settings(Source::File { path: PathBuf::new() }), "secret token: the path of its file is empty"),
        (
            settings(in_vault("a", "secret", "f")),
            "secret token: it comes from Vault, and no Vault is configured: say where Vault is",
        ),
        (
            SecretsSettings { vault: Some(vault()), ..settings(in_vault("a/../b", "secret", "f")) },
            "secret token: \"a/../b\" cannot be Vault's path: its parts are between single slashes, none of them is . or \
             .., and it neither begins nor ends with /",
        ),
        (
            SecretsSettings { vault: Some(vault()), ..settings(in_vault("a", "secret?x", "f")) },
            "secret token: \"secret?x\" cannot be Vault's mount: it has none of ?, #, %, \\ and no control characters",
        ),
        (
            SecretsSettings { vault: Some(vault()), ..settings(in_vault("a", "secret", "")) },
            "secret token: \"\" cannot be Vault's field: it has 1 to 256 bytes",
        ),
        (
            SecretsSettings { refresh: Duration::ZERO, ..SecretsSettings::default() },
            "refresh is 0ns: it is between 100 ms and 24 h",
        ),
        (
            SecretsSettings {
                vault: Some(VaultSettings { timeout: Duration::from_secs(301), ..vault() }),
                ..SecretsSettings::default()
            },
            "Vault's timeout is 301s: it is between 100 ms and 5 min",
        ),
    ] {
        assert_eq!(error(&settings), expected);
    }
}
