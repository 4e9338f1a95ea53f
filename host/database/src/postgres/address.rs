//! Where a server is, read from a connection string.

use std::{fmt, path::PathBuf, str::FromStr as _};

use tokio_postgres::config::{Config, Host, LoadBalanceHosts, SslMode, SslNegotiation, TargetSessionAttrs};

use crate::{ConnectionUrl, OpenError, Tls};

/// Who to be for the server, and the places where it may be.
pub(crate) struct Address {
    pub(crate) config: Config,
    pub(crate) places: Vec<Place>,
}

/// One place where the server may be.
#[derive(Clone)]
pub(crate) enum Place {
    /// A host's name or address, the name its certificate is checked with, and the port.
    Tcp { host: String, name: String, port: u16 },
    /// A socket of this machine.
    Socket(PathBuf),
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

impl Address {
    /// Reads a connection string, and holds it to what the settings say about encryption.
    pub(crate) fn parse(name: &str, url: &ConnectionUrl, tls: Tls) -> Result<Self, OpenError> {
        let wrong = |why: &str| OpenError::Url { name: name.to_owned(), why: why.to_owned() };
        let text = url.expose().trim();
        if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
            return Err(wrong("it begins with postgres://"));
        }
        // The library's error tells parts of the text.
        let mut config = Config::from_str(text)
            .map_err(|_| wrong("it has the form postgres://user:password@host:5432/database, percent-encoded"))?;
        if config.get_user().is_none_or(str::is_empty) {
            return Err(wrong("it names no user"));
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(wrong("it names no database"));
        }
        if config.get_target_session_attrs() != TargetSessionAttrs::Any
            || config.get_load_balance_hosts() != LoadBalanceHosts::Disable
            || config.get_ssl_negotiation() != SslNegotiation::Postgres
        {
            return Err(wrong("target_session_attrs, load_balance_hosts and sslnegotiation are not supported"));
        }
        let places = places(&config).ok_or_else(|| wrong("its hosts, addresses and ports do not match"))?;
        let contradiction = |why: &str| Err(OpenError::Tls { name: name.to_owned(), why: why.to_owned() });
        let socket = places.iter().any(|place| matches!(place, Place::Socket(_)));
        match (tls, config.get_ssl_mode()) {
            (Tls::Required, SslMode::Disable) => {
                return contradiction(
                    "its url says sslmode=disable; say so in the settings as well (tls off), or remove it",
                );
            }
            (Tls::Required, _) if socket => {
                return contradiction("a socket of this machine has no TLS: set tls off");
            }
            (Tls::Off, SslMode::Require) => {
                return contradiction(
                    "its url says sslmode=require, and tls is off in the settings: remove one of them",
                );
            }
            (Tls::Required, _) => config.ssl_mode(SslMode::Require),
            (Tls::Off, _) => config.ssl_mode(SslMode::Disable),
        };
        if config.get_application_name().is_none() {
            config.application_name("cofferdam");
        }
        Ok(Self { config, places })
    }
}

/// The places, in the order in which they are tried.
fn places(config: &Config) -> Option<Vec<Place>> {
    let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let count = hosts.len().max(addresses.len());
    if count == 0
        || (!addresses.is_empty() && !hosts.is_empty() && addresses.len() != hosts.len())
        || (ports.len() > 1 && ports.len() != count)
    {
        return None;
    }
    let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
    let place = |at: usize| match (hosts.get(at), addresses.get(at)) {
        #[cfg(unix)]
        (Some(Host::Unix(directory)), None) => Some(Place::Socket(directory.join(format!(".s.PGSQL.{}", port(at))))),
        #[cfg(unix)]
        (Some(Host::Unix(_)), Some(_)) => None,
        (Some(Host::Tcp(name)), address) => {
            let host = address.map_or_else(|| name.clone(), ToString::to_string);
            Some(Place::Tcp { host, name: name.clone(), port: port(at) })
        }
        (None, address) => {
            let host = address?.to_string();
            Some(Place::Tcp { name: host.clone(), host, port: port(at) })
        }
    };
    (0..count).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, tls: Tls) -> Result<Address, String> {
        Address::parse("orders", &ConnectionUrl::new(url), tls).map_err(|e| e.to_string())
    }

    #[test]
    fn the_settings_decide_on_encryption() {
        let required = parse("postgres://u:p@h/d", Tls::Required).unwrap();
        assert_eq!(required.config.get_ssl_mode(), SslMode::Require);
        let prefer = parse("postgres://u:p@h/d?sslmode=prefer", Tls::Required).unwrap();
        assert_eq!(prefer.config.get_ssl_mode(), SslMode::Require);
        let off = parse("postgres://u:p@h/d", Tls::Off).unwrap();
        assert_eq!(off.config.get_ssl_mode(), SslMode::Disable);
        for (url, tls) in [
            ("postgres://u:p@h/d?sslmode=disable", Tls::Required),
            ("postgres://u:p@h/d?sslmode=require", Tls::Off),
            ("postgres://u:p@%2Frun%2Fpostgres/d", Tls::Required),
        ] {
            assert!(parse(url, tls).is_err(), "{url}");
        }
    }

    #[test]
    fn an_error_tells_nothing_of_the_url() {
        for url in [
            "",
            "host=secret.example password=hunter2",
            "mysql://u:hunter2@secret.example/d",
            "postgres://u:hunter2@secret.example:port/d",
            "postgres://:hunter2@secret.example/d",
            "postgres://u:hunter2@secret.example/",
            "postgres://u:hunter2@secret.example/d?nonsense=1",
            "postgres://u:hunter2@secret.example/d?target_session_attrs=read-write",
            "postgres://u:hunter2@secret.example,other/d?port=1,2,3",
            "postgres://u:hunter2@/d",
        ] {
            let error = parse(url, Tls::Required).unwrap_err();
            assert!(!error.contains("hunter2") && !error.contains("secret"), "{url}: {error}");
            assert!(error.contains("orders"), "{error}");
        }
        let shown = format!("{:?}", parse("postgres://u:hunter2@h/d", Tls::Off).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
