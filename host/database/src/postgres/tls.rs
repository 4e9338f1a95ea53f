//! TLS to the server, by rustls with aws-lc. The certificate and the host's name are always checked.

use std::{fs::File, io::Read as _, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{OpenError, limits};

/// What makes a connection TLS: with the authorities of the file, or the public ones.
pub(crate) fn connector(name: &str, ca_file: Option<&Path>) -> Result<MakeRustlsConnect, OpenError> {
    let wrong = |why: String| OpenError::Certificates { name: name.to_owned(), why };
    let roots = match ca_file {
        None => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
        Some(path) => read(path).map_err(wrong)?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| OpenError::Tls { name: name.to_owned(), why: e.to_string() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn read(path: &Path) -> Result<RootCertStore, String> {
    let cannot = |e: std::io::Error| format!("it cannot be read: {}", e.kind());
    let mut pem = Vec::new();
    File::open(path).map_err(cannot)?.take(limits::CERTIFICATES + 1).read_to_end(&mut pem).map_err(cannot)?;
    if pem.len() as u64 > limits::CERTIFICATES {
        return Err(format!("it has more than {} bytes", limits::CERTIFICATES));
    }
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| "it is not PEM".to_owned())?;
        roots.add(certificate).map_err(|_| "it has a certificate that cannot be an authority's".to_owned())?;
    }
    if roots.is_empty() { Err("it has no certificate".to_owned()) } else { Ok(roots) }
}
