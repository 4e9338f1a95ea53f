//! What a line is made from.

use std::{fs::File, io::Read as _, net::IpAddr, path::Path, time::Duration};

use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisError, TlsCertificates, io::tcp::TcpSettings,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::{StateError, text::shown};

/// Bytes of a file with certificates. The list of all public authorities has a quarter of that.
const CERTIFICATES: u64 = 1 << 20;

/// What a line is made from: checked settings.
pub(crate) struct LineSettings {
    pub(super) client: Client,
    pub(super) server: String,
    pub(super) password: Option<String>,
    pub(super) timeout: Duration,
}

impl LineSettings {
    /// Reads the file with authorities, if one is named, and connects to nothing.
    pub(crate) fn new(url: &str, ca_file: Option<&Path>, timeout: Duration) -> Result<Self, StateError> {
        if timeout.is_zero() {
            return Err(settings("the timeout for Redis is zero; give it a second or more"));
        }
        let tls = match url.split_once("://") {
            Some(("redis", _)) => false,
            Some(("rediss", _)) => true,
            // The address may hold a password, so it is not repeated.
            _ => return Err(settings("the address of Redis does not begin with redis:// or rediss://")),
        };
        if url.contains('#') {
            return Err(settings(
                "the address of Redis has a #; it takes no such options, and in a password it is %23",
            ));
        }
        let unusable = |error: RedisError| unusable(&error);
        let info = url.into_connection_info().map_err(unusable)?;
        let password = info.redis_settings().password().map(str::to_owned).filter(|password| !password.is_empty());
        let server = info.addr().to_string();
        if !tls && password.is_some() && !is_near(&info) {
            tracing::warn!(%server, "the password for Redis goes over the network unencrypted; use rediss://");
        }
        // Small requests do not wait for each other, and a peer that is gone is noticed.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = match (tls, ca_file) {
            (false, None) => Client::open(info),
            (false, Some(_)) => return Err(settings("ca_file is for rediss://, and the address is redis://")),
            (true, ca_file) => {
                choose_cryptography();
                let root_cert = ca_file.map(certificates).transpose()?;
                Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
            }
        };
        Ok(Self { client: client.map_err(unusable)?, server, password, timeout })
    }
}

/// The library takes the cryptography that the process has chosen, and panics when there are several to choose from.
fn choose_cryptography() {
    if CryptoProvider::get_default().is_none() {
        // Somebody else may have chosen in between, which is as good.
        aws_lc_rs::default_provider().install_default().ok();
    }
}

fn certificates(file: &Path) -> Result<Vec<u8>, StateError> {
    let failed = |what: &str| settings(&format!("ca_file {}: {what}", file.display()));
    let mut pem = Vec::new();
    let opened = File::open(file).and_then(|opened| opened.take(CERTIFICATES + 1).read_to_end(&mut pem));
    opened.map_err(|error| failed(&error.to_string()))?;
    if pem.len() as u64 > CERTIFICATES {
        return Err(failed("more than 1 MiB of certificates"));
    }
    // No certificates would mean that nobody is trusted, which is hardly what was meant.
    if !pem.windows(BEGIN.len()).any(|window| window == BEGIN) {
        return Err(failed("holds no certificate in PEM"));
    }
    Ok(pem)
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

fn is_near(info: &ConnectionInfo) -> bool {
    match info.addr() {
        ConnectionAddr::Tcp(host, _) => {
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        _ => true,
    }
}

fn settings(what: &str) -> StateError {
    StateError::Settings { what: what.to_owned() }
}

/// What is wrong in words of the library alone: what it quotes could be a piece of the address.
fn unusable(error: &RedisError) -> StateError {
    let why = if error.detail().is_none() { error.to_string() } else { error.category().to_owned() };
    settings(&format!("the address of Redis, or what belongs to it, cannot be used: {}", shown(&why)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Result<LineSettings, StateError> {
        LineSettings::new(url, None, Duration::from_secs(1))
    }

    #[test]
    fn addresses_are_not_repeated() {
        for url in [
            "hunter2",
            "http://u:hunter2@h/",
            "unix:///hunter2",
            "redis://u:hunter2@/",
            "redis://u:hunter2@h:99999/",
            "redis://u:hunter2@h/notanumber",
            "rediss://u:hunter2@h/#insecure",
            "redis://u:hunter2@0.0.0.0/",
        ] {
            let error = of(url).map(|_| ()).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(matches!(error, StateError::Settings { .. }), "{error:?}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn the_password_is_known_as_the_server_knows_it() {
        let line = of("redis://u:h%23nter2@127.0.0.1:7/3").unwrap();
        assert_eq!(line.password.as_deref(), Some("h#nter2"));
        assert_eq!(line.server, "127.0.0.1:7");
    }

    #[test]
    fn authorities_are_for_tls_and_must_be_there() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        let with = |url: &str| LineSettings::new(url, Some(&file), Duration::from_secs(1)).map(|_| ());
        assert!(with("redis://127.0.0.1/").unwrap_err().to_string().contains("rediss"));
        assert!(with("rediss://127.0.0.1/").unwrap_err().to_string().contains("ca.pem"));
        std::fs::write(&file, "nothing").unwrap();
        assert!(with("rediss://127.0.0.1/").unwrap_err().to_string().contains("no certificate"));
    }
}
