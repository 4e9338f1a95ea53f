use super::*;

const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn reads_what_it_writes() {
    for text in [
        "oci://registry.example.com/acme/echo:1.4.0",
        "oci://registry.example.com:5000/echo:latest",
        "oci://localhost:5000/a/b/c:v1",
        "oci://127.0.0.1:5000/acme/echo_two__x.y--z:_1",
        "oci://[::1]:5000/acme/echo:1",
        &format!("oci://registry.example.com/acme/echo@sha256:{HEX}"),
    ] {
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.to_string(), text);
        assert_eq!(serde_json::to_string(&reference).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Reference>(&format!("\"{text}\"")).unwrap(), reference);
    }
}

#[test]
fn knows_its_parts() {
    let reference: Reference = "oci://registry.example.com:5000/acme/echo:1.4.0".parse().unwrap();
    assert_eq!(
        (reference.registry(), reference.repository(), reference.tag(), reference.pinned()),
        ("registry.example.com:5000", "acme/echo", Some("1.4.0"), None)
    );
    let digest = Digest::of(b"abc");
    let pinned = reference.at(digest);
    assert_eq!((pinned.tag(), pinned.pinned()), (None, Some(digest)));
    assert_eq!(pinned.to_string(), format!("oci://registry.example.com:5000/acme/echo@sha256:{HEX}"));
}

#[test]
fn asks_for_a_version() {
    let error = "oci://registry.example.com/acme/echo".parse::<Reference>().unwrap_err().to_string();
    assert!(error.contains("add :TAG, or @sha256:DIGEST"), "{error}");
}

#[test]
fn refuses_every_other_spelling() {
    for wrong in [
        "",
        "registry.example.com/acme/echo:1",
        "docker://registry.example.com/acme/echo:1",
        "OCI://registry.example.com/acme/echo:1",
        "oci://",
        "oci:///acme/echo:1",
        "oci://registry.example.com",
        "oci://registry.example.com/:1",
        "oci://Registry.example.com/acme/echo:1",
        "oci://user@registry.example.com/acme/echo:1",
        "oci://user:password@registry.example.com/acme/echo:1",
        "oci://registry.example.com:0/acme/echo:1",
        "oci://registry.example.com:05000/acme/echo:1",
        "oci://registry.example.com:70000/acme/echo:1",
        "oci://registry.example.com:/acme/echo:1",
        "oci://registry..example.com/acme/echo:1",
        "oci://-registry.example.com/acme/echo:1",
        "oci://127.1/acme/echo:1",
        "oci://0177.0.0.1/acme/echo:1",
        "oci://[::1/acme/echo:1",
        "oci://[::1]5000/acme/echo:1",
        "oci://[0:0:0:0:0:0:0:1]/acme/echo:1",
        "oci://registry.example.com/Acme/echo:1",
        "oci://registry.example.com/acme//echo:1",
        "oci://registry.example.com/acme/../echo:1",
        "oci://registry.example.com/acme/-echo:1",
        "oci://registry.example.com/acme/echo-:1",
        "oci://registry.example.com/acme/e___cho:1",
        "oci://registry.example.com/acme/e._cho:1",
        "oci://registry.example.com/acme/echo:",
        "oci://registry.example.com/acme/echo:.1",
        "oci://registry.example.com/acme/echo:1:2",
        "oci://registry.example.com/acme/echo:1/2",
        "oci://registry.example.com/acme/echo:1?x=y",
        "oci://registry.example.com/acme/echo:1 ",
        "oci://registry.example.com/acme/echo@",
        "oci://registry.example.com/acme/echo@sha512:00",
        &format!("oci://registry.example.com/acme/echo@{HEX}"),
        &format!("oci://registry.example.com/acme/echo@sha256:{}", HEX.to_uppercase()),
        &format!("oci://registry.example.com/acme/echo:1@sha256:{HEX}"),
        &format!("oci://registry.example.com/{}:1", "a".repeat(256)),
        &format!("oci://registry.example.com/acme/echo:{}", "a".repeat(129)),
    ] {
        assert!(wrong.parse::<Reference>().is_err(), "{wrong:?}");
    }
}
