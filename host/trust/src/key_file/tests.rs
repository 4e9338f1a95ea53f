use super::*;
use crate::{PublicKey, SigningKey};

/// Made by `cosign generate-key-pair` 3.1.1 for this test, with the password `test`. It guards nothing.
const BY_COSIGN: &str = "\
-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiIvTVhxZGtoWnBwejE4T1VGRURxT0oxclludnU3dUdN
Z3NEZ1ZXVEs3cVA4PSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJBZ0MyRE5nMCtsMHJDWFh6NmxpQU05Q3ZlbXlocW13ayJ9LCJj
aXBoZXJ0ZXh0IjoiOHNpYTN2Y0lpMlZlQk83a2RNaENzZmpZYTlCKzdoY2h5d3RZ
bWFmaHhnWVp2bHY1cmhoL1lUaWdQTFdSVW9oVGVWNWdMSmlkeDZabmZQQk1mY1lJ
STFvc2VVZGpqbndrT1BwbGdkVDdUOGVCRzFkMUl0TlBVTU1lRUduQ0RGWTYxNTJP
bkFjNnlBTlZZcG9OZ0Q0eCtGN3BMV1k1RlIrQWp0aUduazdndHF5TDdWVUwwZG5x
aEI2cDJ3R2ZyZ0FVVkZjUkJ1bTFZOTQxeXc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
";

/// Its other half.
const BY_COSIGN_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4WoPfFTV340zocuWMThLJ7bV15PH
sbXGBUiIdnhdekPzjk90/qPDiHRU8T6erTFcxH4J6csUCBJORS0t/sNpKQ==
-----END PUBLIC KEY-----
";

/// The file with one field of its JSON changed.
fn altered(alter: impl Fn(&mut Sealed)) -> String {
    let mut sealed: Sealed = serde_json::from_slice(pem::parse(BY_COSIGN).unwrap().contents()).unwrap();
    alter(&mut sealed);
    pem::encode(&pem::Pem::new(SIGSTORE, serde_json::to_vec(&sealed).unwrap()))
}

fn refused(text: &str) -> KeyError {
    SigningKey::from_pem(text, b"test").unwrap_err()
}

#[test]
fn opens_what_cosign_wrote() {
    let key = SigningKey::from_pem(BY_COSIGN, b"test").unwrap();
    assert_eq!(key.public_key(), PublicKey::from_pem(BY_COSIGN_PUBLIC).unwrap());
    assert_eq!(key.public_key().to_pem(), BY_COSIGN_PUBLIC);
    let older = BY_COSIGN.replace("SIGSTORE", "COSIGN");
    assert_eq!(SigningKey::from_pem(&older, b"test").unwrap().public_key(), key.public_key());
}

#[test]
fn opens_what_it_wrote_with_that_password_alone() {
    for password in [&b"long and odd \xff"[..], b""] {
        let key = SigningKey::generate().unwrap();
        let pem = key.to_pem(password).unwrap();
        assert!(pem.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
        assert_eq!(SigningKey::from_pem(&pem, password).unwrap().public_key(), key.public_key());
        assert_eq!(SigningKey::from_pem(&pem, b"another").unwrap_err(), KeyError::WrongPassword);
    }
}

#[test]
fn no_two_files_of_a_key_are_alike() {
    let key = SigningKey::generate().unwrap();
    assert_ne!(*key.to_pem(b"test").unwrap(), *key.to_pem(b"test").unwrap());
}

#[test]
fn a_changed_box_does_not_open() {
    let changed = altered(|sealed| {
        let mut bytes = BASE64.decode(&sealed.ciphertext).unwrap();
        bytes[40] ^= 1;
        sealed.ciphertext = BASE64.encode(bytes);
    });
    assert_eq!(refused(&changed), KeyError::WrongPassword);
}

#[test]
fn a_hostile_file_costs_nothing() {
    for (n, r, p) in
        [(1 << 24, 8, 1), (1 << 16, 8, 1 << 20), (1 << 63, u32::MAX, 1), (u64::MAX, 8, 1), (2, u32::MAX, 1)]
    {
        let error = refused(&altered(|sealed| sealed.kdf.params = Cost { n, r, p }));
        assert!(matches!(error, KeyError::TooCostly { .. }), "{n} {r} {p}: {error}");
    }
    for (n, r, p) in [(0, 8, 1), (1, 8, 1), (65_535, 8, 1), (65_536, 0, 1), (65_536, 8, 0)] {
        let error = refused(&altered(|sealed| sealed.kdf.params = Cost { n, r, p }));
        assert!(matches!(error, KeyError::NotAKeyFile { .. }), "{n} {r} {p}: {error}");
    }
}

#[test]
fn other_files_are_named_for_what_they_are() {
    assert_eq!(refused("-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"), KeyError::Unencrypted);
    assert!(refused(BY_COSIGN_PUBLIC).to_string().contains("public key"));
    for other in [
        "",
        "no key",
        "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
        "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nMA==\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
        &"x".repeat(LARGEST + 1),
        &altered(|sealed| sealed.kdf.name = "pbkdf2".to_owned()),
        &altered(|sealed| sealed.cipher.name = "aes".to_owned()),
        &altered(|sealed| sealed.cipher.nonce = "AAAA".to_owned()),
        &altered(|sealed| sealed.ciphertext = "AAAA".to_owned()),
        &altered(|sealed| sealed.ciphertext = "no base64!".to_owned()),
    ] {
        let error = refused(other);
        assert!(matches!(error, KeyError::NotAKeyFile { .. }), "{other:.40}: {error}");
    }
}

#[test]
fn a_box_without_a_key_in_it_is_refused() {
    let pem = seal(b"no PKCS#8", b"test").unwrap();
    assert!(matches!(refused(&pem), KeyError::Unsupported { .. }));
}

#[test]
fn a_public_key_is_no_private_one_and_the_other_way_round() {
    let two = [BY_COSIGN_PUBLIC, BY_COSIGN_PUBLIC].concat();
    for other in ["", "x", BY_COSIGN, &two, "-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n"] {
        assert!(matches!(PublicKey::from_pem(other), Err(KeyError::NotPublic { .. })), "{other:.40}");
    }
}

#[test]
fn debugging_shows_no_private_part() {
    let key = SigningKey::from_pem(BY_COSIGN, b"test").unwrap();
    assert_eq!(
        format!("{key:?}"),
        format!("SigningKey {{ public: PublicKey({:?}), .. }}", key.public_key().fingerprint())
    );
}
