//! `policy.toml`: how the security owner writes it, and the [`Policy`] it becomes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cofferdam_trust::{Digest, SignerName};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    AdmissionLimits, Bytes, Capability, Ceiling, Denied, Document, DocumentError, FirstSight, Grants, Limits, Permit,
    PluginName, Principal, Problem, ReadFile, Requirement, Target, ToolName, Transport,
    limits::LimitsEntry,
    signing::{
        AttestationEntry, OwnSigning, PluginSigning, RevokedEntry, SignedByEntry, SignerEntry, Signing, TrustEntry,
    },
};

/// Half of a thread's stack, which the host's own frames share.
const DEFAULT_STACK: Bytes = Bytes::kib(512);
const LARGEST_STACK: Bytes = Bytes::mib(8);

/// The policy file, as it is written.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Cofferdam policy")]
struct PolicyFile {
    /// Version of this format: 1.
    #[serde(rename = "version")]
    _version: u32,
    /// What a call gets unless its plugin or tool says otherwise.
    #[serde(default)]
    limits: LimitsEntry,
    /// What is one for all calls.
    #[serde(default)]
    engine: EngineLimits,
    /// What admitting a plugin may cost.
    #[serde(default)]
    admission: AdmissionLimits,
    /// Whose signatures count, for every plugin that does not say otherwise.
    #[serde(default)]
    trust: TrustEntry,
    /// Those who may sign, by name.
    #[serde(default)]
    signer: Vec<SignerEntry>,
    /// What is not believed any more.
    #[serde(default)]
    revoked: RevokedEntry,
    /// The plugins this policy says something about.
    #[serde(default)]
    plugin: Vec<PluginEntry>,
}

/// What is one for all calls, because it is part of the engine they run in.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct EngineLimits {
    /// Stack of a guest. Default 512KiB. A change takes a restart.
    stack: Option<Bytes>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PluginEntry {
    /// The plugin's name: the stem of its file.
    name: PluginName,
    /// Whose signature it needs; what [trust] says when absent.
    signed_by: Option<SignedByEntry>,
    /// Attestations it needs beside its signature; what [trust] says when absent.
    attestations: Option<Vec<AttestationEntry>>,
    /// What becomes of it when it was never seen before; what [trust] says when absent.
    first_sight: Option<FirstSight>,
    /// Signers whose updates of it need no approval as long as they widen nothing; what [trust] says
    /// when absent.
    auto_update: Option<Vec<SignerName>>,
    /// The name that its component embeds; the plugin's own when absent.
    component: Option<String>,
    /// The lowest version, of those that components embed, that may run.
    #[schemars(with = "Option<String>")]
    min_version: Option<semver::Version>,
    /// Components that may run under this name without a signature, by exact digest. An empty list
    /// means none.
    #[serde(default)]
    sha256: Vec<Digest>,
    /// What its tools' names begin with; the plugin's name when absent, nothing when empty.
    prefix: Option<String>,
    /// Whether it serves at all.
    #[serde(default = "yes")]
    enabled: bool,
    /// What each of its tools may reach.
    #[serde(default)]
    grants: Grants,
    /// What a call of any of its tools may spend.
    #[serde(default)]
    limits: LimitsEntry,
    /// Its tools by their own names, without prefix.
    #[serde(default)]
    tools: BTreeMap<ToolName, ToolEntry>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ToolEntry {
    /// Whether it is listed and callable.
    #[serde(default = "yes")]
    enabled: bool,
    /// All that this tool may reach; what its plugin may when absent. Where the plugin's own grants
    /// name a capability, this may narrow it and not widen it.
    grants: Option<Grants>,
    /// What a call of this tool may spend.
    #[serde(default)]
    limits: LimitsEntry,
}

fn yes() -> bool {
    true
}

/// The JSON Schema of `policy.toml`.
pub fn policy_schema() -> Schema {
    schema_for!(PolicyFile)
}

/// A policy file that cannot be used. Nothing of it is.
#[derive(Debug, Error)]
pub enum PolicyError {
    #[error(transparent)]
    Document(#[from] DocumentError),
}

/// What the tools of a plugin are called by clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix<'a> {
    /// The plugin's own name.
    Name,
    /// What the policy says; empty for bare names.
    Text(&'a str),
}

/// Everything the security owner decided. The default grants nothing and accepts nothing.
#[derive(Debug)]
pub struct Policy {
    defaults: Limits,
    admission: AdmissionLimits,
    ceiling: Ceiling,
    signing: Signing,
    plugins: BTreeMap<PluginName, PluginRules>,
}

#[derive(Debug)]
struct PluginRules {
    signing: PluginSigning,
    component: Option<String>,
    min_version: Option<semver::Version>,
    sha256: BTreeSet<Digest>,
    prefix: Option<String>,
    enabled: bool,
    grants: Arc<Grants>,
    limits: Limits,
    tools: BTreeMap<ToolName, ToolRules>,
}

#[derive(Debug)]
struct ToolRules {
    enabled: bool,
    /// All that it may reach, its plugin's entry thought of.
    grants: Arc<Grants>,
    /// Whether that is its own entry's doing.
    decides: bool,
    limits: Limits,
}

impl Default for Policy {
    fn default() -> Self {
        let defaults = Limits::default();
        let ceiling = Ceiling::over(&defaults, DEFAULT_STACK);
        Self {
            defaults,
            admission: AdmissionLimits::default(),
            ceiling,
            signing: Signing::default(),
            plugins: BTreeMap::new(),
        }
    }
}

impl Policy {
    /// Parses a whole policy, or says everything that is wrong with it. `file` is what errors call
    /// it; `read` is asked for the keys and roots that it names.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn parse(file: &str, text: &str, read: ReadFile<'_>) -> Result<Self, PolicyError> {
        let written: PolicyFile = Document::parse(file, text, &policy_schema())?.into_value()?;
        let mut problems = problems(&written);
        let signing = Signing::new(written.trust, written.signer, written.revoked, read, &mut problems);
        let defaults = written.limits.over(&Limits::default());
        let mut ceiling = Ceiling::over(&defaults, written.engine.stack.unwrap_or(DEFAULT_STACK));
        let mut plugins = BTreeMap::new();
        for (at, entry) in written.plugin.into_iter().enumerate() {
            let own = OwnSigning {
                signed_by: entry.signed_by,
                attestations: entry.attestations,
                first_sight: entry.first_sight,
                auto_update: entry.auto_update,
            };
            let own = signing.of_plugin(&own, &format!("plugin[{at}]"), &mut problems);
            let limits = entry.limits.over(&defaults);
            ceiling = ceiling.max(Ceiling::over(&limits, ceiling.stack));
            let grants = Arc::new(entry.grants.clone());
            let mut tools = BTreeMap::new();
            for (name, tool) in entry.tools {
                let limits = tool.limits.over(&limits);
                ceiling = ceiling.max(Ceiling::over(&limits, ceiling.stack));
                let decides = tool.grants.is_some();
                let grants = if decides { entry.grants.of_tool(tool.grants.as_ref()).into() } else { grants.clone() };
                tools.insert(name, ToolRules { enabled: tool.enabled, grants, decides, limits });
            }
            let rules = PluginRules {
                signing: own,
                component: entry.component,
                min_version: entry.min_version,
                sha256: entry.sha256.into_iter().collect(),
                prefix: entry.prefix,
                enabled: entry.enabled,
                grants,
                limits,
                tools,
            };
            plugins.insert(entry.name, rules);
        }
        if !problems.is_empty() {
            return Err(DocumentError { file: file.into(), problems }.into());
        }
        Ok(Self { defaults, admission: written.admission, ceiling, signing, plugins })
    }

    pub fn admission(&self) -> &AdmissionLimits {
        &self.admission
    }

    pub fn ceiling(&self) -> &Ceiling {
        &self.ceiling
    }

    /// The plugins it has entries for.
    pub fn plugin_names(&self) -> impl Iterator<Item = &PluginName> {
        self.plugins.keys()
    }

    /// Whether a component of exactly these bytes may run under this name without a signature.
    pub fn accepts_digest(&self, plugin: &PluginName, digest: &Digest) -> bool {
        self.plugins.get(plugin).is_some_and(|p| p.sha256.contains(digest))
    }

    pub(crate) fn signatures(&self) -> &Signing {
        &self.signing
    }

    pub(crate) fn signing(&self, plugin: &PluginName) -> &PluginSigning {
        self.plugins.get(plugin).map_or(&self.signing.defaults, |p| &p.signing)
    }

    /// Whose word a plugin needs; `None` when nobody's will do.
    pub fn requirement(&self, plugin: &PluginName) -> Option<&Requirement> {
        self.signing(plugin).requirement.as_ref()
    }

    /// Whose word a plugin needs that has no entry.
    pub fn default_requirement(&self) -> Option<&Requirement> {
        self.signing.defaults.requirement.as_ref()
    }

    /// Whether the policy names this component as one that is not to run any more.
    pub fn revokes(&self, digest: &Digest) -> bool {
        self.signing.revoked.sha256.contains(digest)
    }

    /// What becomes of a component of this plugin that was never seen before.
    pub fn first_sight(&self, plugin: &PluginName) -> FirstSight {
        self.signing(plugin).first_sight
    }

    /// Whether this signer's updates of a plugin need no approval as long as they widen nothing.
    pub fn auto_updates(&self, plugin: &PluginName, signer: &SignerName) -> bool {
        self.signing(plugin).auto_update.contains(signer)
    }

    /// The name that a plugin's component has to embed, if it embeds one.
    pub fn component_name<'a>(&'a self, plugin: &'a PluginName) -> &'a str {
        self.plugins.get(plugin).and_then(|p| p.component.as_deref()).unwrap_or(plugin.as_str())
    }

    /// The lowest version of a plugin's component that may run.
    pub fn min_version(&self, plugin: &PluginName) -> Option<&semver::Version> {
        self.plugins.get(plugin).and_then(|p| p.min_version.as_ref())
    }

    pub fn prefix(&self, plugin: &PluginName) -> Prefix<'_> {
        match self.plugins.get(plugin).and_then(|p| p.prefix.as_deref()) {
            Some(text) => Prefix::Text(text),
            None => Prefix::Name,
        }
    }

    /// What any tool of a plugin has: what its component is linked with.
    pub fn capabilities(&self, plugin: &PluginName) -> BTreeSet<Capability> {
        let Some(rules) = self.plugins.get(plugin) else { return Grants::default().capabilities() };
        let of_tools = rules.tools.values().flat_map(|tool| tool.grants.capabilities());
        rules.grants.capabilities().into_iter().chain(of_tools).collect()
    }

    /// The names of what any tool of a plugin was granted.
    pub fn granted(&self, plugin: &PluginName) -> Vec<&'static str> {
        self.capabilities(plugin).into_iter().filter(|c| !c.is_given()).map(Capability::key).collect()
    }

    /// What any tool was granted, under the name of its plugin.
    pub fn all_grants(&self) -> impl Iterator<Item = (&PluginName, &Grants)> {
        self.plugins.iter().flat_map(|(name, rules)| {
            let of_tools = rules.tools.values().map(|tool| &*tool.grants);
            std::iter::once(&*rules.grants).chain(of_tools).map(move |grants| (name, grants))
        })
    }

    /// What a call of this target may reach.
    pub fn grants(&self, target: &Target) -> Arc<Grants> {
        let Some(plugin) = self.plugins.get(target.plugin()) else { return Arc::default() };
        match target {
            Target::Tool { tool, .. } => plugin.tools.get(tool).map_or(&plugin.grants, |t| &t.grants).clone(),
            Target::Plugin(_) => plugin.grants.clone(),
        }
    }

    /// Where the policy says what a target may reach; `None` when it says nothing of it.
    pub fn decided_at(&self, target: &Target) -> Option<String> {
        let rules = self.plugins.get(target.plugin())?;
        Some(match target {
            Target::Tool { tool, .. } if rules.tools.get(tool).is_some_and(|t| t.decides) => {
                format!("[plugin.tools.{tool}.grants]")
            }
            _ => "[plugin.grants]".into(),
        })
    }

    /// What a call of this target may spend.
    pub fn limits(&self, target: &Target) -> &Limits {
        let Some(plugin) = self.plugins.get(target.plugin()) else { return &self.defaults };
        match target {
            Target::Plugin(_) => &plugin.limits,
            Target::Tool { tool, .. } => plugin.tools.get(tool).map_or(&plugin.limits, |t| &t.limits),
        }
    }

    /// Whether the policy lets anyone use this target.
    ///
    /// # Errors
    /// The rule that switches it off.
    pub fn allows(&self, target: &Target) -> Result<(), Denied> {
        let Some(plugin) = self.plugins.get(target.plugin()) else { return Ok(()) };
        if !plugin.enabled {
            return Err(Denied::PluginOff(target.plugin().clone()));
        }
        if let Target::Tool { plugin: name, tool, .. } = target
            && plugin.tools.get(tool).is_some_and(|t| !t.enabled)
        {
            return Err(Denied::ToolOff(name.clone(), tool.clone()));
        }
        Ok(())
    }

    /// Decides whether this principal may do this with this component.
    ///
    /// # Errors
    /// The rule that stands against it.
    pub fn permit(&self, principal: Principal, target: Target, digest: Digest) -> Result<Permit, Denied> {
        self.allows(&target)?;
        let limits = self.limits(&target).clone();
        let grants = self.grants(&target);
        Ok(Permit::new(principal, target, digest, limits, grants))
    }

    /// The permit under which a component is asked what it offers: nothing granted, little to spend.
    pub fn permit_description(&self, plugin: PluginName, digest: Digest) -> Permit {
        let target = Target::Plugin(plugin);
        let limits = self.limits(&target).for_description(&self.admission);
        Permit::new(Principal::of(Transport::Admission), target, digest, limits, Arc::default())
    }
}

/// What the types cannot say.
fn problems(file: &PolicyFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |path: String, message: String| problems.push(Problem { path, place: None, message });
    let limits = |path: &str, entry: &LimitsEntry, add: &mut dyn FnMut(String, String)| {
        for (key, message) in entry.problems() {
            add(format!("{path}.{key}"), message);
        }
    };
    limits("limits", &file.limits, &mut add);
    if file.engine.stack.is_some_and(|s| s > LARGEST_STACK || s < Bytes::kib(16)) {
        add("engine.stack".into(), format!("out of range: 16KiB to {LARGEST_STACK}"));
    }
    if file.admission.entries == 0 || file.admission.entries > 10_000 {
        add("admission.entries".into(), format!("{} is out of range: 1 to 10000", file.admission.entries));
    }
    let mut seen = BTreeSet::new();
    for (at, plugin) in file.plugin.iter().enumerate() {
        let path = format!("plugin[{at}]");
        if !seen.insert(&plugin.name) {
            add(format!("{path}.name"), format!("{} has an entry already: put both into one", plugin.name));
        }
        if let Some(prefix) = &plugin.prefix
            && !prefix.is_empty()
            && prefix.parse::<ToolName>().is_err()
        {
            add(
                format!("{path}.prefix"),
                format!("{prefix:?} is no prefix: use A-Z, a-z, 0-9, _ and -, or \"\" for bare names"),
            );
        }
        limits(&format!("{path}.limits"), &plugin.limits, &mut add);
        for (name, tool) in &plugin.tools {
            limits(&format!("{path}.tools.{name}.limits"), &tool.limits, &mut add);
            for (capability, what) in tool.grants.iter().flat_map(|own| plugin.grants.widened_by(own)) {
                add(
                    format!("{path}.tools.{name}.grants.{capability}"),
                    format!(
                        "a tool never has more than its plugin: {what} is not within {path}.grants.{capability}; widen it there, narrow it here, or grant {capability} to single tools only"
                    ),
                );
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests;
