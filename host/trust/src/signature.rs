use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{
    Digest,
    defect::Defect,
    sigstore::Bundle,
    simple_signing::{self, SimpleSigning},
    text::shown,
};

/// Longest signature file, in bytes. A bundle has about 10 KiB; an attached SBOM makes the large ones.
pub const LARGEST_SIGNATURE: u64 = 1 << 20;

/// Longest bare signature, in bytes: the largest kind of supported key makes 4627.
const LARGEST_RAW: usize = 8 << 10;

/// What is signed.
#[derive(Clone, Copy)]
pub enum Artifact<'a> {
    /// The artefact itself.
    Bytes(&'a [u8]),
    /// Its digest, where the bytes are not at hand: an OCI manifest.
    Digest(Digest),
}

/// A signature as it lies beside an artefact: read, within bounds, and not yet checked against anything.
pub struct Signature(pub(crate) Form);

pub(crate) enum Form {
    Bundle(Box<Bundle>),
    /// Signature bytes over the artefact, by some key.
    Raw(Vec<u8>),
    SimpleSigning(SimpleSigning),
}

impl Signature {
    /// A sigstore bundle of version 0.1, 0.2 or 0.3: `NAME.wasm.sigstore.json`.
    ///
    /// # Errors
    ///
    /// [`Defect::UnsupportedFormat`] for cosign 2's own bundle and for later versions,
    /// [`Defect::Unreadable`] for everything else that is no bundle, and for more than
    /// [`LARGEST_SIGNATURE`] bytes.
    pub fn bundle(json: &[u8]) -> Result<Self, Defect> {
        bounded(json)?;
        Ok(Self(Form::Bundle(Box::new(Bundle::from_json(json)?))))
    }

    /// A bare signature in base64: `NAME.wasm.sig`, as `cosign sign-blob` 2 writes it.
    ///
    /// # Errors
    ///
    /// [`Defect::Unreadable`]: no base64, nothing in it, or more than a signature has.
    pub fn raw(base64: &[u8]) -> Result<Self, Defect> {
        bounded(base64)?;
        Ok(Self(Form::Raw(decode(base64.trim_ascii())?)))
    }

    /// A signature as cosign 2 leaves it in a registry: over a small JSON text that names a manifest.
    ///
    /// # Errors
    ///
    /// [`Defect::Unreadable`]: the text names no manifest, or the signature is no base64.
    pub fn simple_signing(payload: &[u8], base64: &str) -> Result<Self, Defect> {
        bounded(payload)?;
        bounded(base64.as_bytes())?;
        let signature = decode(base64.trim_ascii().as_bytes())?;
        Ok(Self(Form::SimpleSigning(simple_signing::read(payload, signature)?)))
    }
}

impl Artifact<'_> {
    /// The digest, made from the bytes if need be.
    pub(crate) fn digest(&self) -> Digest {
        match self {
            Self::Bytes(bytes) => Digest::of(bytes),
            Self::Digest(digest) => *digest,
        }
    }
}

fn bounded(text: &[u8]) -> Result<(), Defect> {
    if text.len() as u64 > LARGEST_SIGNATURE {
        return Err(Defect::Unreadable { why: format!("it has more than {LARGEST_SIGNATURE} bytes") });
    }
    Ok(())
}

fn decode(base64: &[u8]) -> Result<Vec<u8>, Defect> {
    let bytes = BASE64.decode(base64).map_err(|e| Defect::Unreadable {
        why: format!("a bare signature is one line of base64: {}", shown(&e.to_string())),
    })?;
    if bytes.is_empty() || bytes.len() > LARGEST_RAW {
        return Err(Defect::Unreadable { why: format!("{} bytes are no signature", bytes.len()) });
    }
    Ok(bytes)
}

impl fmt::Debug for Artifact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Digest(digest) => write!(f, "Digest({digest:?})"),
        }
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Form::Bundle(_) => "Signature(bundle)",
            Form::Raw(_) => "Signature(raw)",
            Form::SimpleSigning(_) => "Signature(simple signing)",
        })
    }
}
