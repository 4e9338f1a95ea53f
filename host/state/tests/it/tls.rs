//! TLS, with authorities of the test's own.

use std::{fs, path::PathBuf, time::Duration};

use cofferdam_state::{StateError, StateSettings, open};

use crate::{
    server::Server,
    stores::{ample, key, space},
};

/// A certificate for 127.0.0.1 that is its own authority, and its key.
fn certificate(directory: &tempfile::TempDir, name: &str) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) =
        (directory.path().join(format!("{name}.pem")), directory.path().join(format!("{name}.key")));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (certificate, key)
}

#[tokio::test]
async fn the_authority_that_is_named_counts_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let (ours, our_key) = certificate(&directory, "ours");
    let (another, _) = certificate(&directory, "another");
    let server = Server::with_tls(ours.to_str().unwrap(), our_key.to_str().unwrap()).await;
    let port = server.port;
    let settings = |scheme: &str, ca_file: Option<&PathBuf>| StateSettings::Redis {
        url: format!("{scheme}://127.0.0.1:{port}/"),
        prefix: "test".to_owned(),
        ca_file: ca_file.cloned(),
        timeout: Duration::from_secs(5),
    };
    let store = open(&settings("rediss", Some(&ours))).await.unwrap();
    store.set(&space(), &key("k"), b"v".to_vec(), &ample()).await.unwrap();
    assert_eq!(store.get(&space(), &key("k")).await.unwrap(), Some(b"v".to_vec()));
    for untrusting in [settings("rediss", Some(&another)), settings("rediss", None), settings("redis", None)] {
        let error = open(&untrusting).await.map(drop).unwrap_err();
        assert!(matches!(error, StateError::Away { .. } | StateError::Refused { .. }), "{error:?}");
    }
}
