//! Whether a signature is a signer's.

use std::collections::BTreeMap;

use crate::{
    defect::Defect,
    github::Mismatch,
    key::PublicKey,
    proof::{Identity, Proof, Statement},
    root::TrustRoot,
    signature::{Artifact, Form, Signature},
    signer::{LogRule, Rule, Signer},
    sigstore::{self, Certified, Match, Material},
    text::shown,
};

impl Signer {
    /// Whether this signature is over this artefact and by this signer, and what it proves then.
    ///
    /// # Errors
    ///
    /// The first defect found. A proof of [`Statement::Attestation`] is no error here: whether an
    /// attestation is wanted, the caller knows.
    pub fn check(&self, root: &TrustRoot, artifact: Artifact<'_>, signature: &Signature) -> Result<Proof, Defect> {
        match &self.rule {
            Rule::Key { key, log } => self.check_key(root, artifact, signature, key, *log),
            Rule::Oidc { .. } | Rule::GithubActions(_) => self.check_certificate(root, artifact, signature),
        }
    }

    fn check_key(
        &self,
        root: &TrustRoot,
        artifact: Artifact<'_>,
        signature: &Signature,
        key: &PublicKey,
        log: LogRule,
    ) -> Result<Proof, Defect> {
        let proof = |statement, logged, signed_at| Proof {
            identity: Identity::Key { fingerprint: key.fingerprint() },
            statement,
            logged,
            signed_at,
            claims: BTreeMap::new(),
        };
        match (&signature.0, log) {
            (Form::Bundle(bundle), _) if bundle.material() == Material::Certificate => {
                Err(self.wrong("it was signed with a certificate, not with a bare key", &wanted_key(key)))
            }
            (Form::Bundle(bundle), LogRule::Required) => {
                let signed_at = root.anchors().logged_key(artifact, bundle, key.der())?;
                Ok(proof(bundle.statement()?, true, signed_at))
            }
            (Form::Bundle(bundle), LogRule::None) => {
                bundle.verify_bare(artifact, key.der())?;
                Ok(proof(bundle.statement()?, false, None))
            }
            (Form::Raw(_) | Form::SimpleSigning(_), LogRule::Required) => Err(Defect::NotLogged {
                why: format!("a bare signature has no log entry, and signer {} wants one", self.name),
            }),
            (Form::Raw(bytes), LogRule::None) => {
                sigstore::verify_artifact(key.der(), artifact, bytes)?;
                Ok(proof(Statement::Signature, false, None))
            }
            (Form::SimpleSigning(signing), LogRule::None) => {
                sigstore::verify_artifact(key.der(), Artifact::Bytes(&signing.payload), &signing.signature)?;
                if signing.manifest != artifact.digest() {
                    return Err(Defect::WrongArtifact { why: format!("it names the manifest {:?}", signing.manifest) });
                }
                Ok(proof(Statement::Signature, false, None))
            }
        }
    }

    fn check_certificate(
        &self,
        root: &TrustRoot,
        artifact: Artifact<'_>,
        signature: &Signature,
    ) -> Result<Proof, Defect> {
        let bundle = match &signature.0 {
            Form::Bundle(bundle) if bundle.material() == Material::Certificate => bundle,
            Form::Bundle(_) | Form::Raw(_) | Form::SimpleSigning(_) => {
                return Err(self.wrong("it was signed with a bare key, which names nobody", &self.wanted_certificate()));
            }
        };
        let certified = root.anchors().keyless(artifact, bundle, Match::Anybody)?;
        let claims = self.matches(&certified)?;
        Ok(Proof {
            statement: bundle.statement()?,
            logged: true,
            signed_at: certified.signed_at,
            identity: certified.identity(),
            claims,
        })
    }

    /// The claims relied on, when this verified certificate is the signer's.
    fn matches(&self, certified: &Certified) -> Result<BTreeMap<String, String>, Defect> {
        let mismatch = match &self.rule {
            Rule::GithubActions(rule) => match rule.matches(certified) {
                Ok(claims) => return Ok(claims),
                Err(mismatch) => mismatch,
            },
            Rule::Oidc { issuer, .. } if *issuer != certified.issuer => {
                Mismatch { found: None, wants: format!("the issuer {}", shown(issuer)) }
            }
            Rule::Oidc { subject, .. } if subject.matches(&certified.name) => return Ok(BTreeMap::new()),
            Rule::Oidc { subject, .. } => Mismatch { found: None, wants: subject.wants() },
            Rule::Key { key, .. } => Mismatch { found: None, wants: wanted_key(key) },
        };
        let mut found = format!("it was signed by {certified}");
        if let Some(more) = mismatch.found {
            found = format!("{found}, but {more}");
        }
        Err(self.wrong(&found, &mismatch.wants))
    }

    fn wanted_certificate(&self) -> String {
        match &self.rule {
            Rule::Oidc { subject, .. } => format!("a certificate with {}", subject.wants()),
            Rule::GithubActions(rule) => {
                format!("a certificate of a workflow of repository {}", shown(&rule.repository))
            }
            Rule::Key { key, .. } => wanted_key(key),
        }
    }

    fn wrong(&self, found: &str, wants: &str) -> Defect {
        Defect::WrongSigner { found: found.to_owned(), rule: format!("signer {} wants {wants}", self.name) }
    }
}

fn wanted_key(key: &PublicKey) -> String {
    format!("key sha256:{}", key.fingerprint())
}
