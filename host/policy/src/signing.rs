//! Who may sign what, as the security owner writes it and as it is decided by.

use std::collections::{BTreeMap, BTreeSet};

use cofferdam_trust::{
    Digest, GithubActions, Instance, LogRule, Pattern, PublicKey, Rule, Signer, SignerName, Subject, TrustRoot,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Problem;

/// More signers than an organisation has; each costs a verification per signature.
const MOST_SIGNERS: usize = 64;

/// `[trust]`: what holds for every plugin that does not say otherwise.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TrustEntry {
    /// Certificate authorities and logs that are believed: "public-good" (the default), "staging", or
    /// the path of a trusted_root.json, relative to this file.
    root: Option<String>,
    /// Whose signature a plugin needs that does not say so itself. Absent, nobody's will do.
    signed_by: Option<SignedByEntry>,
    /// Attestations a plugin needs that does not say so itself.
    attestations: Vec<AttestationEntry>,
    /// What becomes of a component that was never seen before: "admit" (the default) or "approve".
    first_sight: FirstSight,
    /// Signers whose updates need no approval as long as they widen nothing.
    auto_update: Vec<SignerName>,
}

/// What becomes of a component that the lock does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FirstSight {
    /// It is admitted with what the policy grants it, and written to the lock.
    #[default]
    Admit,
    /// It waits for `cofferdam approve`.
    Approve,
}

/// Whose signatures are needed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SignedByEntry {
    /// Every one of these.
    all_of: Vec<SignerName>,
    /// And of these as many as `min` says.
    any_of: Vec<SignerName>,
    /// How many of `any_of`. Default 1.
    min: Option<u32>,
}

/// A statement about the component that is needed beside its signature.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AttestationEntry {
    /// The type of its predicate, such as "https://slsa.dev/provenance/v1".
    predicate: String,
    /// Who has to state it; any of those who may sign the component when absent.
    signed_by: Option<SignerName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum SignerKind {
    /// Whoever holds a private key.
    Key,
    /// Whoever an identity provider says it is.
    Oidc,
    /// A workflow of a repository on GitHub.
    GithubActions,
}

/// Whether a signature has to be in a transparency log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Log {
    Required,
    None,
}

/// `[[signer]]`: somebody the policy knows by name.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignerEntry {
    /// What this policy calls the signer.
    name: SignerName,
    /// How the signer is known: "key", "oidc" or "github-actions".
    kind: SignerKind,
    /// key: the PEM file of the public key, relative to this file.
    public_key: Option<String>,
    /// key: "required" (the default) or "none".
    log: Option<Log>,
    /// oidc: the identity provider's URL, exactly.
    issuer: Option<String>,
    /// oidc: the e-mail address in the certificate, exactly.
    email: Option<String>,
    /// oidc: the URI in the certificate, exactly.
    uri: Option<String>,
    /// oidc: what the URI in the certificate begins with; ends with a separator.
    uri_prefix: Option<String>,
    /// github-actions: owner/name.
    repository: Option<String>,
    /// github-actions: the workflow's file, such as ".github/workflows/release.yml".
    workflow: Option<String>,
    /// github-actions: the git reference, such as "refs/tags/v*"; one * that never crosses a /.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// github-actions: where it has to run. Default "github-hosted".
    runner: Option<String>,
    /// github-actions: what may have started it. Default ["push", "release"].
    triggers: Option<Vec<String>>,
}

/// `[revoked]`: what is not believed any more, whoever vouches for it.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RevokedEntry {
    /// Components, or manifests in a registry.
    sha256: Vec<Digest>,
    /// Keys, by the fingerprint that `cofferdam verify` prints.
    keys: Vec<Digest>,
    /// Identities in certificates, exactly.
    identities: Vec<String>,
}

/// What a plugin's own entry says about signatures.
#[derive(Debug, Default)]
pub(crate) struct OwnSigning {
    pub(crate) signed_by: Option<SignedByEntry>,
    pub(crate) attestations: Option<Vec<AttestationEntry>>,
    pub(crate) first_sight: Option<FirstSight>,
    pub(crate) auto_update: Option<Vec<SignerName>>,
}

/// Whose word a component needs.
#[derive(Clone, Debug)]
pub struct Requirement {
    pub(crate) all_of: Vec<Signer>,
    pub(crate) any_of: Vec<Signer>,
    /// At most as many as `any_of` has; zero when that is empty.
    pub(crate) min: usize,
    pub(crate) attestations: Vec<Attested>,
}

/// A statement that is needed, and who may make it.
#[derive(Clone, Debug)]
pub(crate) struct Attested {
    pub(crate) predicate: String,
    pub(crate) by: Vec<Signer>,
}

impl Requirement {
    /// Everybody it names, each once.
    pub(crate) fn signers(&self) -> Vec<&Signer> {
        let mut all: BTreeMap<&SignerName, &Signer> = BTreeMap::new();
        let attesting = self.attestations.iter().flat_map(|a| &a.by);
        for signer in self.all_of.iter().chain(&self.any_of).chain(attesting) {
            all.insert(&signer.name, signer);
        }
        all.into_values().collect()
    }

    /// Those whose signature counts, in words.
    pub fn describe(&self) -> String {
        let names = |signers: &[Signer]| signers.iter().map(|s| s.name.to_string()).collect::<Vec<_>>().join(", ");
        let mut parts = Vec::new();
        match self.all_of.as_slice() {
            [] => {}
            [one] => parts.push(one.name.to_string()),
            all => parts.push(format!("all of {}", names(all))),
        }
        match (self.any_of.as_slice(), self.min) {
            ([], _) => {}
            ([one], _) => parts.push(one.name.to_string()),
            (_, min) => parts.push(format!("{min} of {}", names(&self.any_of))),
        }
        parts.join(" and ")
    }
}

/// What is not believed any more.
#[derive(Debug, Default)]
pub(crate) struct Revoked {
    pub(crate) sha256: BTreeSet<Digest>,
    pub(crate) keys: BTreeSet<Digest>,
    pub(crate) identities: BTreeSet<String>,
}

/// What is decided about one plugin's signatures.
#[derive(Clone, Debug, Default)]
pub(crate) struct PluginSigning {
    /// `None`: nobody may sign it.
    pub(crate) requirement: Option<Requirement>,
    pub(crate) first_sight: FirstSight,
    pub(crate) auto_update: BTreeSet<SignerName>,
}

/// Everything that is decided about signatures.
#[derive(Debug, Default)]
pub(crate) struct Signing {
    /// Absent when there is no signer to check with it.
    pub(crate) root: Option<TrustRoot>,
    pub(crate) revoked: Revoked,
    /// For plugins that do not say otherwise.
    pub(crate) defaults: PluginSigning,
    signers: BTreeMap<SignerName, Signer>,
    /// Those whose entry is wrong, which was said where it stands.
    unusable: BTreeSet<SignerName>,
    default_signed_by: Option<SignedByEntry>,
    default_attestations: Vec<AttestationEntry>,
}

/// Reads a file that the policy names, by the path that is written there.
pub type ReadFile<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

impl Signing {
    pub(crate) fn new(
        trust: TrustEntry,
        signers: Vec<SignerEntry>,
        revoked: RevokedEntry,
        read: ReadFile<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut signing = Self {
            revoked: Revoked {
                sha256: revoked.sha256.into_iter().collect(),
                keys: revoked.keys.into_iter().collect(),
                identities: revoked.identities.into_iter().collect(),
            },
            ..Self::default()
        };
        if signers.len() > MOST_SIGNERS {
            problems.push(problem("signer", format!("{} signers; at most {MOST_SIGNERS} are allowed", signers.len())));
            return signing;
        }
        let mut keys: BTreeMap<Digest, SignerName> = BTreeMap::new();
        for (at, entry) in signers.into_iter().enumerate() {
            let path = format!("signer[{at}]");
            let name = entry.name.clone();
            match entry.rule(read) {
                Ok(rule) => {
                    // Two names for one key would let one person be two of `min = 2`.
                    if let Rule::Key { key, .. } = &rule
                        && let Some(other) = keys.insert(key.fingerprint(), name.clone())
                    {
                        problems.push(problem(&path, format!("has the key of signer {other}: keep one of them")));
                    }
                    let signer = Signer { name: name.clone(), rule };
                    if signing.signers.insert(name.clone(), signer).is_some() {
                        problems.push(problem(&format!("{path}.name"), format!("{name} has an entry already")));
                    }
                }
                Err((key, message)) => {
                    problems.push(problem(&format!("{path}.{key}"), message));
                    signing.unusable.insert(name);
                }
            }
        }
        match trust_root(trust.root.as_deref().unwrap_or("public-good"), read) {
            Ok(root) => signing.root = Some(root),
            Err(message) => problems.push(problem("trust.root", message)),
        }
        signing.default_signed_by = trust.signed_by;
        signing.default_attestations = trust.attestations;
        signing.defaults.first_sight = trust.first_sight;
        signing.defaults.auto_update = signing.known(&trust.auto_update, "trust.auto_update", problems);
        signing.defaults.requirement =
            signing.requirement(signing.default_signed_by.as_ref(), &signing.default_attestations, "trust", problems);
        signing
    }

    /// What holds for a plugin: its own word first, then what holds for all.
    pub(crate) fn of_plugin(&self, own: &OwnSigning, path: &str, problems: &mut Vec<Problem>) -> PluginSigning {
        let signed_by = own.signed_by.as_ref().or(self.default_signed_by.as_ref());
        let attestations = own.attestations.as_ref().unwrap_or(&self.default_attestations);
        // What is wrong with the defaults was said where they stand.
        let at = if own.signed_by.is_some() || own.attestations.is_some() { path } else { "trust" };
        let mut again = Vec::new();
        let requirement = self.requirement(signed_by, attestations, at, &mut again);
        if at == path {
            problems.append(&mut again);
        }
        let auto_update = match &own.auto_update {
            Some(names) => self.known(names, &format!("{path}.auto_update"), problems),
            None => self.defaults.auto_update.clone(),
        };
        PluginSigning { requirement, first_sight: own.first_sight.unwrap_or(self.defaults.first_sight), auto_update }
    }

    fn requirement(
        &self,
        signed_by: Option<&SignedByEntry>,
        attestations: &[AttestationEntry],
        path: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Requirement> {
        let signed_by = signed_by?;
        let here = |part: &str| format!("{path}.signed_by.{part}");
        let all_of = self.signers(&signed_by.all_of, &here("all_of"), problems);
        let any_of = self.signers(&signed_by.any_of, &here("any_of"), problems);
        if signed_by.all_of.is_empty() && signed_by.any_of.is_empty() {
            // Written down, it means nobody; it cannot mean anybody.
            return None;
        }
        let most = signed_by.any_of.len();
        let min = signed_by.min.map_or(usize::from(most > 0), |min| min as usize);
        if min > most || (min == 0 && most > 0) {
            problems.push(problem(&here("min"), format!("min is {min}, and any_of has {most}")));
        }
        let accepted: Vec<Signer> = all_of.iter().chain(&any_of).cloned().collect();
        let attestations = attestations
            .iter()
            .enumerate()
            .map(|(at, wanted)| {
                let by = match &wanted.signed_by {
                    Some(name) => {
                        let path = format!("{path}.attestations[{at}].signed_by");
                        self.signers(std::slice::from_ref(name), &path, problems)
                    }
                    None => accepted.clone(),
                };
                Attested { predicate: wanted.predicate.clone(), by }
            })
            .collect();
        Some(Requirement { all_of, any_of, min, attestations })
    }

    fn signers(&self, names: &[SignerName], path: &str, problems: &mut Vec<Problem>) -> Vec<Signer> {
        let names = self.known(names, path, problems);
        names.iter().filter_map(|name| self.signers.get(name).cloned()).collect()
    }

    fn known(&self, names: &[SignerName], path: &str, problems: &mut Vec<Problem>) -> BTreeSet<SignerName> {
        let mut known = BTreeSet::new();
        for name in names {
            if !self.signers.contains_key(name) && !self.unusable.contains(name) {
                problems.push(problem(path, format!("there is no [[signer]] named {name}")));
            } else if !known.insert(name.clone()) {
                problems.push(problem(path, format!("{name} is there twice")));
            }
        }
        known
    }
}

fn trust_root(written: &str, read: ReadFile<'_>) -> Result<TrustRoot, String> {
    let embedded = match written {
        "public-good" => Instance::PublicGood,
        "staging" => Instance::Staging,
        path => {
            let text = read(path)?;
            return TrustRoot::from_json(&text).map_err(|e| format!("{path}: {e}"));
        }
    };
    TrustRoot::embedded(embedded).map_err(|e| e.to_string())
}

impl SignerEntry {
    /// The rule it says, or which key is wrong and why.
    fn rule(self, read: ReadFile<'_>) -> Result<Rule, (&'static str, String)> {
        let kind = self.kind;
        let given: [(&'static str, bool, SignerKind); 11] = [
            ("public_key", self.public_key.is_some(), SignerKind::Key),
            ("log", self.log.is_some(), SignerKind::Key),
            ("issuer", self.issuer.is_some(), SignerKind::Oidc),
            ("email", self.email.is_some(), SignerKind::Oidc),
            ("uri", self.uri.is_some(), SignerKind::Oidc),
            ("uri_prefix", self.uri_prefix.is_some(), SignerKind::Oidc),
            ("repository", self.repository.is_some(), SignerKind::GithubActions),
            ("workflow", self.workflow.is_some(), SignerKind::GithubActions),
            ("ref", self.reference.is_some(), SignerKind::GithubActions),
            ("runner", self.runner.is_some(), SignerKind::GithubActions),
            ("triggers", self.triggers.is_some(), SignerKind::GithubActions),
        ];
        if let Some((key, ..)) = given.iter().find(|(_, given, of)| *given && *of != kind) {
            return Err((key, format!("means nothing for a signer of kind {:?}", kind.label())));
        }
        let needed = |key: &'static str, value: Option<String>| {
            value
                .filter(|v| !v.is_empty())
                .ok_or_else(|| (key, format!("a signer of kind {:?} needs it", kind.label())))
        };
        match kind {
            SignerKind::Key => {
                let path = needed("public_key", self.public_key)?;
                let pem = read(&path).map_err(|e| ("public_key", e))?;
                let key = PublicKey::from_pem(&pem).map_err(|e| ("public_key", format!("{path}: {e}")))?;
                let log = match self.log {
                    Some(Log::None) => LogRule::None,
                    Some(Log::Required) | None => LogRule::Required,
                };
                Ok(Rule::Key { key, log })
            }
            SignerKind::Oidc => {
                let issuer = needed("issuer", self.issuer)?;
                if self.email.as_deref().is_some_and(|e| !e.contains('@')) {
                    return Err(("email", "is no e-mail address".into()));
                }
                if self.uri.as_deref() == Some("") {
                    return Err(("uri", "is empty, and nobody is called so".into()));
                }
                let subject = match (self.email, self.uri, self.uri_prefix) {
                    (Some(email), None, None) => Subject::Email(email),
                    (None, Some(uri), None) => Subject::Uri(uri),
                    (None, None, Some(prefix)) => {
                        Subject::uri_prefix(&prefix).map_err(|e| ("uri_prefix", e.to_string()))?
                    }
                    _ => return Err(("issuer", "goes with exactly one of email, uri and uri_prefix".into())),
                };
                Ok(Rule::Oidc { issuer, subject })
            }
            SignerKind::GithubActions => {
                let repository = needed("repository", self.repository)?;
                let parts: Vec<&str> = repository.split('/').collect();
                let plain = |part: &&str| {
                    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
                };
                if parts.len() != 2 || !parts.iter().all(plain) {
                    return Err(("repository", format!("{repository:?} is no owner/name")));
                }
                let reference = needed("ref", self.reference)?;
                let reference: Pattern = reference.parse().map_err(|e| ("ref", format!("{e}")))?;
                Ok(Rule::GithubActions(GithubActions {
                    repository,
                    workflow: needed("workflow", self.workflow)?,
                    reference,
                    runner: self.runner.unwrap_or_else(|| "github-hosted".into()),
                    triggers: self.triggers.unwrap_or_else(|| vec!["push".into(), "release".into()]),
                }))
            }
        }
    }
}

impl SignerKind {
    fn label(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Oidc => "oidc",
            Self::GithubActions => "github-actions",
        }
    }
}

fn problem(path: &str, message: String) -> Problem {
    Problem { path: path.into(), place: None, message }
}
