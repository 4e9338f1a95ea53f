//! Whether the signatures that came with a component are those it needs.

use std::collections::{BTreeMap, BTreeSet};

use cofferdam_trust::{Artifact, Defect, Digest, Identity, Proof, Signature, Signer, SignerName, Statement, TrustRoot};
use thiserror::Error;

use crate::{PluginName, Policy, Requirement, signing::Revoked};

/// A signature as it was found, under the name it was found by.
#[derive(Debug)]
pub struct Beside {
    /// The file's name, or what a registry calls it.
    pub name: String,
    pub signature: Result<Signature, Defect>,
}

/// What a component and its signatures are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Of the component's bytes.
    pub digest: Digest,
    /// What was signed: those bytes, or the manifest that names them.
    pub artifact: Artifact<'a>,
    pub signatures: &'a [Beside],
}

/// One signer's word for a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouch {
    pub signer: SignerName,
    /// `key`, `oidc` or `github-actions`.
    pub kind: &'static str,
    pub identity: Identity,
    /// What the certificate says beside the identity, as far as it was relied on.
    pub claims: BTreeMap<String, String>,
    /// When it was signed, as a log or a timestamp authority says; RFC 3339.
    pub signed_at: Option<String>,
}

/// Why a component may run, as far as signatures go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Nobody signed it; the policy names its exact digest.
    Unsigned,
    /// Those who signed it, in order of their names; never empty.
    Signed(Vec<Vouch>),
}

impl Provenance {
    /// The names of the signers, for people.
    pub fn label(&self) -> String {
        match self {
            Self::Unsigned => "unsigned".into(),
            Self::Signed(vouches) => vouches.iter().map(|v| v.signer.to_string()).collect::<Vec<_>>().join(", "),
        }
    }

    pub fn is_signed(&self) -> bool {
        matches!(self, Self::Signed(_))
    }

    pub fn vouches(&self) -> &[Vouch] {
        match self {
            Self::Unsigned => &[],
            Self::Signed(vouches) => vouches,
        }
    }
}

/// Why a component may not run, for the operator.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{found}")]
pub struct NotTrusted {
    /// One word for logs and programs, such as `unsigned` or `wrong-signer`.
    pub reason: &'static str,
    pub found: String,
    pub mend: String,
}

fn no(reason: &'static str, found: impl Into<String>, mend: impl Into<String>) -> NotTrusted {
    NotTrusted { reason, found: found.into(), mend: mend.into() }
}

impl Policy {
    /// Decides whether this component may run under this name.
    ///
    /// # Errors
    /// What is missing, or what was found instead.
    pub fn judge(&self, plugin: &PluginName, evidence: Evidence<'_>) -> Result<Provenance, NotTrusted> {
        let signing = self.signing(plugin);
        let revoked = &self.signatures().revoked;
        let manifest = match evidence.artifact {
            Artifact::Digest(manifest) => Some(manifest),
            Artifact::Bytes(_) => None,
        };
        for digest in std::iter::once(evidence.digest).chain(manifest) {
            if revoked.sha256.contains(&digest) {
                let found = format!("sha256 {digest} is revoked");
                return Err(no(REVOKED, found, "`revoked.sha256` of the policy names it: use another version"));
            }
        }
        let pinned = self.accepts_digest(plugin, &evidence.digest);
        let signed = match (&signing.requirement, &self.signatures().root) {
            (Some(requirement), Some(root)) => weigh(requirement, root, revoked, evidence),
            _ => Err(no(
                "no-signer",
                "the policy names nobody who may sign it",
                "name a signer under `signed_by`, in its entry or in [trust]",
            )),
        };
        match signed {
            Ok(vouches) => Ok(Provenance::Signed(vouches)),
            Err(_) if pinned => Ok(Provenance::Unsigned),
            Err(why) => Err(why),
        }
    }
}

/// The reason of what is not believed any more.
const REVOKED: &str = "revoked";

/// Whose signatures counted for one list.
#[derive(Default)]
struct Counted {
    identities: BTreeSet<Identity>,
    names: BTreeSet<SignerName>,
}

impl Counted {
    fn count(&self) -> usize {
        self.identities.len().min(self.names.len())
    }
}

struct Seen<'a> {
    signer: &'a Signer,
    proof: Proof,
}

fn weigh(
    requirement: &Requirement,
    root: &TrustRoot,
    revoked: &Revoked,
    evidence: Evidence<'_>,
) -> Result<Vec<Vouch>, NotTrusted> {
    let wanted = requirement.describe();
    if evidence.signatures.is_empty() {
        let mend = match evidence.artifact {
            Artifact::Bytes(_) => format!(
                "put a signature by {wanted} beside it, as NAME.wasm.sigstore.json (`cofferdam sign` makes one); or name its sha256 in the policy"
            ),
            Artifact::Digest(_) => {
                format!("have it signed by {wanted}, where it is: `cosign sign`, or `cofferdam push --key`")
            }
        };
        return Err(no("unsigned", format!("it is unsigned (sha256 {})", evidence.digest), mend));
    }
    let mut seen: Vec<Seen<'_>> = Vec::new();
    let mut defects: Vec<(&str, &'static str, String, String)> = Vec::new();
    let mut attested: Vec<String> = Vec::new();
    for beside in evidence.signatures {
        let signature = match &beside.signature {
            Ok(signature) => signature,
            Err(defect) => {
                defects.push((&beside.name, defect.label(), defect.to_string(), defect.mend()));
                continue;
            }
        };
        let mut worst: Option<(Defect, bool)> = None;
        let mut counted = false;
        for signer in requirement.signers() {
            match signer.check(root, evidence.artifact, signature) {
                Ok(proof) => {
                    counted = true;
                    match revocation(revoked, &proof.identity) {
                        Some(what) => {
                            let found = format!("{what}, that signer {} signed with, is revoked", signer.name);
                            let mend = "`revoked` of the policy names it: sign it anew with another".to_owned();
                            defects.push((&beside.name, REVOKED, found, mend));
                        }
                        None => {
                            if let Statement::Attestation { predicate } = &proof.statement {
                                attested.push(predicate.clone());
                            }
                            seen.push(Seen { signer, proof });
                        }
                    }
                }
                // What is wrong with a signature by one of ours tells more than that it is by
                // somebody else, and who else tells more than that it is of another kind.
                Err(defect) => {
                    let of_kind = defect.label() != "wrong-signer" || signer.rule.kind() != "key";
                    let tells_more = match &worst {
                        None => true,
                        Some((known, known_of_kind)) => {
                            known.label() == "wrong-signer"
                                && (defect.label() != "wrong-signer" || (of_kind && !known_of_kind))
                        }
                    };
                    if tells_more {
                        worst = Some((defect, of_kind));
                    }
                }
            }
        }
        if let (false, Some((defect, _))) = (counted, worst) {
            defects.push((&beside.name, defect.label(), defect.to_string(), defect.mend()));
        }
    }
    let signatures: Vec<&Seen<'_>> = seen.iter().filter(|s| s.proof.statement == Statement::Signature).collect();
    let by = |signers: &[Signer], counted: &BTreeSet<Identity>| {
        let of = |s: &&&Seen<'_>| {
            signers.iter().any(|signer| signer.name == s.signer.name) && !counted.contains(&s.proof.identity)
        };
        let mut found = Counted::default();
        for seen in signatures.iter().filter(of) {
            found.identities.insert(seen.proof.identity.clone());
            found.names.insert(seen.signer.name.clone());
        }
        found
    };
    // One person is one person, under two names as in two lists.
    let all = by(&requirement.all_of, &BTreeSet::new());
    let any = by(&requirement.any_of, &all.identities);
    if all.count() < requirement.all_of.len() || any.count() < requirement.min {
        let signed: BTreeSet<&SignerName> = signatures.iter().map(|s| &s.signer.name).collect();
        return Err(explain(requirement, &wanted, &defects, &attested, &signed));
    }
    for needed in &requirement.attestations {
        let made = seen.iter().any(|s| {
            matches!(&s.proof.statement, Statement::Attestation { predicate } if *predicate == needed.predicate)
                && needed.by.iter().any(|b| b.name == s.signer.name)
        });
        if !made {
            let by: Vec<String> = needed.by.iter().map(|s| s.name.to_string()).collect();
            let found = format!("it is signed, and has no attestation {} by {}", needed.predicate, by.join(" or "));
            return Err(no(
                "missing-attestation",
                found,
                "attach one with `cosign attest-blob`, or `cosign attest` in a registry",
            ));
        }
    }
    let mut vouches: BTreeMap<SignerName, Vouch> = BTreeMap::new();
    for Seen { signer, proof } in seen.iter().filter(|s| s.proof.statement == Statement::Signature) {
        vouches.entry(signer.name.clone()).or_insert_with(|| Vouch {
            signer: signer.name.clone(),
            kind: signer.rule.kind(),
            identity: proof.identity.clone(),
            claims: proof.claims.clone(),
            signed_at: proof.signed_at.map(|t| t.to_string()),
        });
    }
    Ok(vouches.into_values().collect())
}

/// What of an identity is revoked.
fn revocation(revoked: &Revoked, identity: &Identity) -> Option<String> {
    match identity {
        Identity::Key { fingerprint } => revoked.keys.contains(fingerprint).then(|| format!("key {fingerprint}")),
        Identity::Certificate { subject, .. } => {
            revoked.identities.contains(subject).then(|| format!("identity {}", subject.escape_debug()))
        }
    }
}

fn explain(
    requirement: &Requirement,
    wanted: &str,
    defects: &[(&str, &'static str, String, String)],
    attested: &[String],
    signed: &BTreeSet<&SignerName>,
) -> NotTrusted {
    let each: Vec<String> = defects.iter().take(3).map(|(name, _, found, _)| format!("{name}: {found}")).collect();
    let also = if each.is_empty() { String::new() } else { format!("; {}", each.join("; ")) };
    if !signed.is_empty() {
        let names: Vec<&str> = signed.iter().map(|s| s.as_str()).collect();
        let found = format!("it is signed by {} only{also}", names.join(", "));
        if let Some((_, reason, _, mend)) = defects.iter().find(|(_, reason, ..)| *reason == REVOKED) {
            return no(reason, found, mend.clone());
        }
        let different = if requirement.min > 1 { ", different ones" } else { "" };
        return no("too-few-signers", found, format!("the policy wants {wanted}{different}"));
    }
    match defects.first() {
        Some((_, reason, _, mend)) if attested.is_empty() => no(reason, each.join("; "), mend.clone()),
        _ => {
            let found = format!("what is beside it attests ({}) and signs nothing{also}", attested.join(", "));
            no("not-a-signature", found, format!("an attestation is no signature: it needs one by {wanted}"))
        }
    }
}

#[cfg(test)]
mod tests;
