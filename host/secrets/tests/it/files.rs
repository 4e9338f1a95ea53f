//! Values from files and from the environment.

use std::{env, fs, os::unix::fs::symlink, path::Path, time::Duration};

use cofferdam_secrets::{SecretError, Secrets, SecretsSettings, Source, Unfit};
use tokio::time::sleep;

use crate::service::{Kept, becomes, error, name, value};

/// So long that only being told of a change makes it seen in time.
const NEVER: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(100);

fn file(path: &Path, refresh: Duration) -> SecretsSettings {
    let source = Source::File { path: path.to_owned() };
    SecretsSettings { secrets: [(name("token"), source)].into(), vault: None, refresh }
}

fn environment(variable: &str) -> SecretsSettings {
    let source = Source::Environment { variable: variable.to_owned() };
    SecretsSettings { secrets: [(name("token"), source)].into(), ..SecretsSettings::default() }
}

#[tokio::test]
async fn a_file_that_is_replaced_is_read_again() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("token");
    fs::write(&path, "the-first-value\n").unwrap();
    // Told by the kernel, or looked at.
    for refresh in [NEVER, SOON] {
        let kept = Kept::open(file(&path, refresh)).await;
        assert_eq!(value(&kept.secrets, "token").await, "the-first-value");
        let next = home.path().join("next");
        // The watch may not be there yet: replaced again, it is seen at last.
        let replacing = async {
            loop {
                fs::write(&next, "the-second-value\n").unwrap();
                fs::rename(&next, &path).unwrap();
                sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::select! {
            () = replacing => {}
            () = becomes(&kept.secrets, "token", "the-second-value", &["the-first-value"]) => {}
        }
        kept.close().await;
        fs::write(&path, "the-first-value\n").unwrap();
    }
}

/// As Kubernetes mounts a secret: the file is a link into `..data`, which is a link to a directory, and is exchanged.
#[tokio::test]
async fn kubernetes_exchanges_a_link() {
    let home = tempfile::tempdir().unwrap();
    let in_home = |path: &str| home.path().join(path);
    for (directory, text) in [("..1", "the-first-value"), ("..2", "the-second-value")] {
        fs::create_dir(in_home(directory)).unwrap();
        fs::write(in_home(directory).join("token"), text).unwrap();
    }
    symlink("..1", in_home("..data")).unwrap();
    symlink("..data/token", in_home("token")).unwrap();
    let kept = Kept::open(file(&in_home("token"), NEVER)).await;
    assert_eq!(value(&kept.secrets, "token").await, "the-first-value");
    let exchanging = async {
        loop {
            symlink("..2", in_home("..data_tmp")).unwrap();
            fs::rename(in_home("..data_tmp"), in_home("..data")).unwrap();
            sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        () = exchanging => {}
        () = becomes(&kept.secrets, "token", "the-second-value", &["the-first-value"]) => {}
    }
    kept.close().await;
}

#[tokio::test]
async fn an_unusable_file_leaves_the_old_value() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("token");
    fs::write(&path, "the-first-value").unwrap();
    let secrets = Secrets::open(file(&path, SOON)).await.unwrap();
    for unusable in [&b""[..], b"short", b"two\nlines-of-it", b"not-text\xff\xfe", b"nul\0nul\0nul\0", &[b'a'; 100_000]]
    {
        fs::write(&path, unusable).unwrap();
        sleep(SOON * 2).await;
        assert_eq!(value(&secrets, "token").await, "the-first-value");
    }
    fs::remove_file(&path).unwrap();
    sleep(SOON * 2).await;
    assert_eq!(value(&secrets, "token").await, "the-first-value");
    fs::write(&path, "the-second-value").unwrap();
    becomes(&secrets, "token", "the-second-value", &["the-first-value"]).await;
}

#[tokio::test]
async fn a_file_that_comes_later_is_had_later() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("token");
    let secrets = Secrets::open(file(&path, SOON)).await.unwrap();
    let missing = error(&secrets, "token").await;
    assert_eq!(
        missing.to_string(),
        format!("secret token: {} cannot be read: No such file or directory (os error 2)", path.display())
    );
    assert!(secrets.masker(&[name("token")]).await.is_err());
    fs::write(&path, "two\nlines-of-it").unwrap();
    sleep(SOON * 2).await;
    let place = path.display().to_string();
    assert_eq!(
        error(&secrets, "token").await,
        SecretError::Unfit { name: name("token"), place, why: Unfit::LineBreak }
    );
    fs::write(&path, "the-first-value").unwrap();
    sleep(SOON * 2).await;
    assert_eq!(value(&secrets, "token").await, "the-first-value");
}

#[tokio::test]
async fn a_masker_covers_the_value_of_now_and_the_one_before() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("token");
    fs::write(&path, "the-first-value").unwrap();
    let secrets = Secrets::open(file(&path, SOON)).await.unwrap();
    let first = secrets.masker(&[name("token"), name("token")]).await.unwrap();
    assert_eq!(first.text("the-first-value"), "[masked]");
    let again = secrets.masker(&[name("token")]).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &again), "made once");
    fs::write(&path, "the-second-value").unwrap();
    becomes(&secrets, "token", "the-second-value", &["the-first-value"]).await;
    let second = secrets.masker(&[name("token")]).await.unwrap();
    assert_eq!(second.text("the-first-value the-second-value"), "[masked] [masked]");
    fs::write(&path, "the-third-value").unwrap();
    becomes(&secrets, "token", "the-third-value", &["the-second-value"]).await;
    let third = secrets.masker(&[name("token")]).await.unwrap();
    assert_eq!(third.text("the-first-value the-second-value the-third-value"), "the-first-value [masked] [masked]");
}

#[tokio::test]
async fn the_environment_is_read() {
    let secrets = Secrets::open(environment("CARGO_PKG_NAME")).await.unwrap();
    assert_eq!(value(&secrets, "token").await, env::var("CARGO_PKG_NAME").unwrap());
    let secrets = Secrets::open(environment("COFFERDAM_NOT_SET")).await.unwrap();
    assert_eq!(
        error(&secrets, "token").await.to_string(),
        "secret token: the variable COFFERDAM_NOT_SET is not set: set it and start again"
    );
    // A few digits.
    let secrets = Secrets::open(environment("CARGO_PKG_VERSION")).await.unwrap();
    assert_eq!(
        error(&secrets, "token").await.to_string(),
        "secret token: the variable CARGO_PKG_VERSION cannot be used: it has fewer than 8 bytes, so few that ordinary \
         text would be masked: use a longer one"
    );
}

#[tokio::test]
async fn what_is_not_configured_is_not_there() {
    let secrets = Secrets::none();
    assert!(!secrets.is_configured(&name("token")));
    assert_eq!(error(&secrets, "token").await.to_string(), "secret token: no such secret is configured");
    assert!(secrets.masker(&[]).await.unwrap().is_empty());
    assert_eq!(secrets.masker(&[name("token")]).await.unwrap_err(), SecretError::Unknown { name: name("token") });
    assert_eq!(format!("{secrets:?}"), "{}");
    let secrets = Secrets::open(environment("CARGO_PKG_NAME")).await.unwrap();
    assert!(secrets.is_configured(&name("token")));
    assert_eq!(format!("{secrets:?} {:?}", environment("CARGO_PKG_NAME")).matches("cofferdam").count(), 0);
}
