use serde::{Deserialize, de::IgnoredAny};
use sigstore_types::{
    Bundle as TheirBundle, DerPublicKey, DsseEnvelope, Sha256Hash, SignatureContent, Statement as TheirStatement,
    VerificationMaterialContent,
};

use super::{
    keys::{algorithm, not_by, verify_message},
    printable,
};
use crate::{defect::Defect, proof::Statement, signature::Artifact, text::shown};

/// Most log entries, timestamps or certificates in one bundle. One or two are usual; each costs a verification.
const MOST_PARTS: usize = 16;
/// Longest type of a statement, in characters.
const LONGEST_PREDICATE: usize = 256;

const IN_TOTO: &str = "application/vnd.in-toto+json";
/// cosign 3.1 still writes the older of the two for files.
const STATEMENTS: [&str; 2] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];
/// The one statement that says nothing more than a signature does.
const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";

/// A parsed bundle.
pub(crate) struct Bundle(pub(super) TheirBundle);

/// What a bundle says its signature can be checked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Material {
    Certificate,
    Key,
}

/// As much of a JSON text as tells what it is meant to be.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    #[serde(rename = "base64Signature")]
    cosign2: Option<IgnoredAny>,
    media_type: Option<String>,
    message_signature: Option<IgnoredAny>,
    dsse_envelope: Option<IgnoredAny>,
    verification_material: Option<ProbeMaterial>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProbeMaterial {
    certificate: Option<IgnoredAny>,
    #[serde(rename = "x509CertificateChain")]
    chain: Option<IgnoredAny>,
    public_key: Option<IgnoredAny>,
}

impl Probe {
    /// Of two signatures or signers the library reads one; another program might read the other.
    fn is_ambiguous(&self) -> bool {
        let material = self.verification_material.as_ref();
        let signers = material.map_or(0, |m| count([&m.certificate, &m.chain, &m.public_key]));
        signers > 1 || count([&self.message_signature, &self.dsse_envelope]) > 1
    }
}

fn count<const N: usize>(fields: [&Option<IgnoredAny>; N]) -> usize {
    fields.into_iter().flatten().count()
}

impl Bundle {
    /// The JSON parser refuses more than 128 levels of nesting.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, Defect> {
        let unreadable = |why: &str| Defect::Unreadable { why: shown(why) };
        let text = std::str::from_utf8(json).map_err(|e| unreadable(&e.to_string()))?;
        let probe: Probe = serde_json::from_str(text).map_err(|e| unreadable(&e.to_string()))?;
        if probe.cosign2.is_some() {
            return Err(Defect::UnsupportedFormat {
                found: "the bundle format of cosign 2".to_owned(),
                mend: "convert it: cosign bundle create --artifact FILE --bundle OLD.json --key KEY.pub \
                       --out FILE.sigstore.json"
                    .to_owned(),
            });
        }
        if let Some(media_type) = &probe.media_type
            && media_type.parse::<sigstore_types::MediaType>().is_err()
        {
            return Err(Defect::UnsupportedFormat {
                found: format!("the media type {}", shown(media_type)),
                mend: "have it signed as a sigstore bundle of version 0.1, 0.2 or 0.3, as cosign 3 does".to_owned(),
            });
        }
        if probe.is_ambiguous() {
            return Err(unreadable("it holds more than one signature or signer"));
        }
        let bundle = TheirBundle::from_json(text).map_err(|e| unreadable(&e.to_string()))?;
        let material = &bundle.verification_material;
        let certificates = match &material.content {
            VerificationMaterialContent::X509CertificateChain { certificates } => certificates.len(),
            _ => 1,
        };
        let stamps = material.timestamp_verification_data.rfc3161_timestamps.len();
        if [certificates, stamps, material.tlog_entries.len()].into_iter().any(|count| count > MOST_PARTS) {
            return Err(unreadable(&format!("it has more than {MOST_PARTS} certificates, timestamps or log entries")));
        }
        match material.content {
            VerificationMaterialContent::Certificate(_)
            | VerificationMaterialContent::X509CertificateChain { .. }
            | VerificationMaterialContent::PublicKey(_) => Ok(Self(bundle)),
            _ => Err(unreadable("it names neither a certificate nor a key")),
        }
    }

    pub(crate) fn material(&self) -> Material {
        match self.0.verification_material.content {
            VerificationMaterialContent::PublicKey(_) => Material::Key,
            _ => Material::Certificate,
        }
    }

    /// What is signed. Worth something only after the signature was verified.
    pub(crate) fn statement(&self) -> Result<Statement, Defect> {
        let SignatureContent::DsseEnvelope(envelope) = &self.0.content else { return Ok(Statement::Signature) };
        let predicate = in_toto(envelope)?.predicate_type;
        Ok(if predicate == SIGNED { Statement::Signature } else { Statement::Attestation { predicate } })
    }

    /// Verifies the signature by a key alone, whatever log entries and timestamps say.
    ///
    /// By hand, because the verifier takes no bundle without one of the two, and a bundle that was made
    /// offline has neither.
    pub(crate) fn verify_bare(&self, artifact: Artifact<'_>, key: &[u8]) -> Result<(), Defect> {
        let key = DerPublicKey::from_bytes(key);
        match &self.0.content {
            SignatureContent::MessageSignature(message) => verify_message(&key, artifact, message),
            SignatureContent::DsseEnvelope(envelope) => {
                let scheme = algorithm(&key)?.default_signing_scheme();
                sigstore_crypto::verify_signature(&key, &envelope.pae(), &envelope.signature.sig, scheme)
                    .map_err(|_| not_by(&key))?;
                let ours = Sha256Hash::new(*artifact.digest().as_bytes());
                if in_toto(envelope)?.matches_sha256(&ours) {
                    return Ok(());
                }
                Err(Defect::WrongArtifact { why: "none of the digests its statement is about is this one".to_owned() })
            }
            _ => Err(Defect::Unreadable { why: "it holds no signature".to_owned() }),
        }
    }

    /// Whether there are log entries, and each has something to be verified by.
    ///
    /// The verifier asks for one proof among all entries, and under its looser options takes a timestamp
    /// in an entry's place.
    pub(super) fn has_entry(&self) -> Result<(), Defect> {
        let entries = &self.0.verification_material.tlog_entries;
        if entries.is_empty() {
            return Err(Defect::NotLogged { why: "the bundle has no log entry".to_owned() });
        }
        if entries.iter().any(|entry| entry.inclusion_proof.is_none() && entry.inclusion_promise.is_none()) {
            return Err(Defect::NotLogged { why: "a log entry has neither proof nor promise".to_owned() });
        }
        Ok(())
    }
}

/// The statement in an envelope.
fn in_toto(envelope: &DsseEnvelope) -> Result<TheirStatement, Defect> {
    let unsupported = |found: String| Defect::UnsupportedFormat {
        found,
        mend: "sign the file with `cosign sign-blob`, or attest to it with `cosign attest-blob`".to_owned(),
    };
    if envelope.payload_type != IN_TOTO {
        return Err(unsupported(format!("a signed payload of type {}", shown(&envelope.payload_type))));
    }
    let statement: TheirStatement = serde_json::from_slice(envelope.payload.as_bytes())
        .map_err(|e| Defect::Unreadable { why: shown(&e.to_string()) })?;
    if !STATEMENTS.contains(&statement.type_.as_str()) {
        return Err(unsupported(format!("a signed statement of type {}", shown(&statement.type_))));
    }
    if !printable(&statement.predicate_type, LONGEST_PREDICATE) {
        return Err(Defect::Unreadable { why: "the type of its statement is no printable text".to_owned() });
    }
    Ok(statement)
}
