use std::collections::BTreeMap;

use cofferdam_trust::Digest;

use super::*;
use crate::Manifest;

fn sent<T: Send>(value: T) -> T {
    value
}

/// Calls are spawned by servers. Compiled, not run.
#[test]
fn every_call_may_move_between_threads() {
    let registry = Registry::new(RegistrySettings::default()).unwrap();
    let reference: Reference = "oci://127.0.0.1:1/a/b:1".parse().unwrap();
    let digest = Digest::of(b"");
    let annotations = BTreeMap::new();
    drop(sent(registry.resolve(&reference)));
    drop(sent(registry.manifest(&reference, digest)));
    drop(sent(registry.signatures(&reference, digest)));
    drop(sent(registry.push(&reference, b"", &annotations)));
    drop(sent(registry.attach(&reference, digest, b"")));
    let _component = |manifest: &Manifest| drop(sent(registry.component(&reference, manifest, 1)));
}

#[test]
fn refuses_settings_that_cannot_be_used() {
    let default = RegistrySettings::default;
    let file = tempfile::NamedTempFile::new().unwrap();
    for wrong in [
        RegistrySettings { plain_http: vec!["http://registry.lan".to_owned()], ..default() },
        RegistrySettings { plain_http: vec!["Registry.lan".to_owned()], ..default() },
        RegistrySettings { timeout: Duration::ZERO, ..default() },
        RegistrySettings { attempts: 0, ..default() },
        RegistrySettings { ca_file: Some("/nowhere/ca.pem".into()), ..default() },
        RegistrySettings { ca_file: Some(file.path().to_owned()), ..default() },
        RegistrySettings { ca_file: Some("/dev/zero".into()), ..default() },
    ] {
        let error = Registry::new(wrong.clone()).unwrap_err();
        assert!(matches!(error, RegistryError::Settings { .. }), "{wrong:?}: {error}");
        assert!(!error.is_away());
    }
}
