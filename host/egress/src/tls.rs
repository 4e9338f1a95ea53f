//! TLS to servers: public authorities and those of the operator, by a provider that is named.

use std::{io::Read as _, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName},
};
use url::Host;

use crate::{limits, settings::SettingsError};

/// Names of protocols in the handshake (RFC 7301).
pub(crate) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// What all handshakes have in common.
///
/// No session is resumed: tickets would tell a server which of two tenants it had seen before.
pub(crate) fn config(ca_files: &[impl AsRef<Path>]) -> Result<Arc<ClientConfig>, SettingsError> {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for path in ca_files {
        add(&mut roots, path.as_ref())?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Tls { why: error.to_string() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The name that a certificate must have: the host of the URL, wherever it is connected to.
pub(crate) fn server_name(host: &Host) -> Option<ServerName<'static>> {
    match host {
        Host::Domain(name) => ServerName::try_from(name.clone()).ok(),
        Host::Ipv4(address) => Some(ServerName::IpAddress((*address).into())),
        Host::Ipv6(address) => Some(ServerName::IpAddress((*address).into())),
    }
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), SettingsError> {
    let unfit = |why: String| SettingsError::CaFile { path: path.to_owned(), why };
    let mut text = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(limits::CERTIFICATES + 1).read_to_end(&mut text))
        .map_err(|error| unfit(error.to_string()))?;
    if text.len() as u64 > limits::CERTIFICATES {
        return Err(unfit(format!("it has more than {} bytes", limits::CERTIFICATES)));
    }
    let blocks = pem::parse_many(&text).map_err(|error| unfit(format!("it is not PEM: {error}")))?;
    let mut added = 0;
    for block in blocks.into_iter().filter(|block| block.tag() == "CERTIFICATE") {
        roots
            .add(CertificateDer::from(block.into_contents()))
            .map_err(|error| unfit(format!("certificate {} is none of an authority: {error}", added + 1)))?;
        added += 1;
    }
    if added == 0 {
        return Err(unfit("it has no certificate".to_owned()));
    }
    Ok(())
}
