use super::*;

const LAYER: &str = r#"{"mediaType":"application/wasm","digest":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","size":3}"#;

fn manifest(layers: &str) -> Vec<u8> {
    format!(r#"{{"schemaVersion":2,"mediaType":"{}","layers":[{layers}]}}"#, media::MANIFEST).into_bytes()
}

#[test]
fn names_its_layer() {
    let bytes = manifest(LAYER);
    let manifest = Manifest::parse(bytes.clone()).unwrap();
    assert_eq!(manifest.layer(), (Digest::of(b"abc"), 3));
    assert_eq!((manifest.bytes(), manifest.digest()), (bytes.as_slice(), Digest::of(&bytes)));
}

#[test]
fn may_lack_its_media_type() {
    let bytes = format!(r#"{{"schemaVersion":2,"layers":[{LAYER}]}}"#);
    assert!(Manifest::parse(bytes.into_bytes()).is_ok());
}

#[test]
fn refuses_each_other_shape_as_what_it_is() {
    use RegistryError as E;
    let refusal = |bytes: &[u8]| Manifest::parse(bytes.to_vec()).unwrap_err();
    assert!(matches!(refusal(&manifest("")), E::Layers { count: 0, .. }));
    assert!(matches!(refusal(&manifest(&format!("{LAYER},{LAYER}"))), E::Layers { count: 2, .. }));
    assert!(matches!(refusal(&manifest(&LAYER.replace("wasm", "gzip"))), E::LayerType { .. }));
    let index = format!(r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[]}}"#, media::INDEX);
    assert!(matches!(refusal(index.as_bytes()), E::Index { .. }));
    assert!(matches!(refusal(br#"{"schemaVersion":2,"manifests":[]}"#), E::Index { .. }));
    assert!(matches!(refusal(&vec![b' '; 65 << 10]), E::TooLarge { .. }));
    for odd in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"schemaVersion":1,"layers":[]}"#,
        r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","layers":[]}"#,
        &format!(r#"{{"schemaVersion":2,"layers":[{LAYER}],"layers":[{LAYER}]}}"#),
        &format!(r#"{{"schemaVersion":2,"layers":[{}]}}"#, LAYER.replace("sha256:", "")),
        &format!(r#"{{"schemaVersion":2,"layers":[{}]}}"#, LAYER.replace("sha256:", "sha512:")),
        &format!(r#"{{"schemaVersion":2,"layers":[{}]}}"#, LAYER.replace(":3", ":-3")),
        &format!(r#"{{"schemaVersion":2,"layers":[{}]}}"#, LAYER.replace(":3", ":3.5")),
    ] {
        assert!(matches!(refusal(odd.as_bytes()), E::NotManifest { .. }), "{odd}");
    }
}
