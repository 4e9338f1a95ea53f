use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cofferdam_policy::{Limits, PluginName, Policy, Provenance, Target, ToolId};
use cofferdam_registry::Reference;
use cofferdam_sandbox::Prepared;
use cofferdam_trust::Digest;
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::{
    Approval, Import, PromptDefinition, Refusal, ResourceDefinition, TemplateDefinition, ToolDefinition,
    definitions::Checked,
};

/// An admitted plugin.
#[derive(Debug)]
pub struct Plugin {
    pub name: PluginName,
    pub digest: Digest,
    /// The registry it came from, if it did.
    pub source: Option<Reference>,
    /// The version it embeds.
    pub version: Option<String>,
    /// Who signed it.
    pub provenance: Provenance,
    pub approval: Approval,
    pub imports: Vec<Import>,
    pub prepared: Arc<Prepared>,
    pub tools: Vec<Arc<ToolDefinition>>,
    pub prompts: Vec<Arc<PromptDefinition>>,
    pub resources: Vec<Arc<ResourceDefinition>>,
    pub templates: Vec<Arc<TemplateDefinition>>,
    /// Bytes of the component.
    pub size: u64,
    /// How long admission took, compiling included.
    pub took: Duration,
    /// Whether machine code came from the cache.
    pub cached: bool,
}

/// A tool in the catalog.
#[derive(Clone, Debug)]
pub struct Tool {
    pub definition: Arc<ToolDefinition>,
    pub plugin: Arc<Plugin>,
    pub target: Target,
    /// As many places as calls of it may run at the same time.
    pub slots: Arc<Semaphore>,
}

#[derive(Clone, Debug)]
pub struct Prompt {
    pub definition: Arc<PromptDefinition>,
    pub plugin: Arc<Plugin>,
}

#[derive(Clone, Debug)]
pub struct Resource {
    pub definition: Arc<ResourceDefinition>,
    pub plugin: Arc<Plugin>,
}

#[derive(Clone, Debug)]
pub struct Template {
    pub definition: Arc<TemplateDefinition>,
    pub plugin: Arc<Plugin>,
}

/// Everything that is served at one moment, under one policy. Immutable; all in order of name.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Counts publications; zero is the empty catalog before the first.
    pub version: u64,
    pub policy: Arc<Policy>,
    pub plugins: BTreeMap<PluginName, Arc<Plugin>>,
    pub tools: BTreeMap<ToolId, Tool>,
    pub prompts: BTreeMap<ToolId, Prompt>,
    pub resources: BTreeMap<String, Resource>,
    /// Longest prefix first, so that the first that fits is the one that is meant.
    pub templates: Vec<Template>,
    /// What is not served and why. A plugin may be here and served: an older version of it.
    pub refusals: Vec<Refusal>,
}

/// Two plugins want one name.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("its {kind} {name} would have the name of {owner}'s")]
pub struct Collision {
    kind: &'static str,
    name: String,
    owner: PluginName,
}

impl Catalog {
    pub(crate) fn new(version: u64, policy: Arc<Policy>, refusals: Vec<Refusal>) -> Self {
        Self { version, policy, refusals, ..Self::default() }
    }

    /// Adds a plugin whole, or nothing of it.
    pub(crate) fn add(&mut self, plugin: &Arc<Plugin>, slots: &mut Slots) -> Result<(), Collision> {
        self.collisions(plugin)?;
        for definition in &plugin.tools {
            let id = definition.id.clone();
            let target = Target::Tool { plugin: plugin.name.clone(), tool: definition.name.clone(), id: id.clone() };
            // What the policy switches off is not there, for anybody.
            if self.policy.allows(&target).is_err() {
                continue;
            }
            let slots = slots.of(&id, self.policy.limits(&target));
            let tool = Tool { definition: definition.clone(), plugin: plugin.clone(), target, slots };
            self.tools.insert(id, tool);
        }
        if self.policy.allows(&Target::Plugin(plugin.name.clone())).is_ok() {
            for definition in &plugin.prompts {
                let prompt = Prompt { definition: definition.clone(), plugin: plugin.clone() };
                self.prompts.insert(definition.id.clone(), prompt);
            }
            for definition in &plugin.resources {
                let resource = Resource { definition: definition.clone(), plugin: plugin.clone() };
                self.resources.insert(definition.uri.clone(), resource);
            }
            for definition in &plugin.templates {
                self.templates.push(Template { definition: definition.clone(), plugin: plugin.clone() });
            }
            self.templates.sort_by_key(|t| {
                let prefix = t.definition.literal_prefix().len();
                (std::cmp::Reverse(prefix), t.definition.uri_template.clone())
            });
        }
        self.plugins.insert(plugin.name.clone(), plugin.clone());
        Ok(())
    }

    fn collisions(&self, plugin: &Plugin) -> Result<(), Collision> {
        let collision =
            |kind, name: &str, owner: &Plugin| Collision { kind, name: name.into(), owner: owner.name.clone() };
        for tool in &plugin.tools {
            let id = tool.id.as_str();
            // Names that differ in letter case only are one name to a reader.
            if let Some((_, other)) = self.tools.iter().find(|(known, _)| known.as_str().eq_ignore_ascii_case(id)) {
                return Err(collision("tool", id, &other.plugin));
            }
        }
        for prompt in &plugin.prompts {
            let id = prompt.id.as_str();
            if let Some((_, other)) = self.prompts.iter().find(|(known, _)| known.as_str().eq_ignore_ascii_case(id)) {
                return Err(collision("prompt", id, &other.plugin));
            }
        }
        for resource in &plugin.resources {
            if let Some(other) = self.resources.get(&resource.uri) {
                return Err(collision("resource", &resource.uri, &other.plugin));
            }
            if let Some(other) = self.template_for(&resource.uri) {
                return Err(collision("resource", &resource.uri, &other.plugin));
            }
        }
        for template in &plugin.templates {
            let prefix = template.literal_prefix();
            let overlaps = |other: &&Template| {
                let known = other.definition.literal_prefix();
                known.starts_with(prefix) || prefix.starts_with(known)
            };
            if let Some(other) = self.templates.iter().find(overlaps) {
                return Err(collision("resource template", &template.uri_template, &other.plugin));
            }
            if let Some((_, other)) = self.resources.iter().find(|(uri, _)| uri.starts_with(prefix)) {
                return Err(collision("resource template", &template.uri_template, &other.plugin));
            }
        }
        Ok(())
    }

    /// The template whose URIs begin as this one does.
    pub fn template_for(&self, uri: &str) -> Option<&Template> {
        self.templates.iter().find(|t| uri.starts_with(t.definition.literal_prefix()))
    }

    /// Whether clients see other tools in `newer`. Prompts and resources have their own.
    pub fn tools_differ(&self, newer: &Self) -> bool {
        // What is told of a tool follows from its component, from who signed it and from its grants.
        let told = |c: &Self| {
            let of = |t: &Tool| (t.plugin.digest, t.definition.hints, t.definition.grants.clone());
            c.tools.iter().map(|(id, t)| (id.clone(), of(t), t.plugin.provenance.clone())).collect::<Vec<_>>()
        };
        told(self) != told(newer)
    }

    pub fn prompts_differ(&self, newer: &Self) -> bool {
        let ids = |c: &Self| c.prompts.iter().map(|(id, p)| (id.clone(), p.plugin.digest)).collect::<Vec<_>>();
        ids(self) != ids(newer)
    }

    pub fn resources_differ(&self, newer: &Self) -> bool {
        let uris = |c: &Self| {
            let listed = c.resources.iter().map(|(uri, r)| (uri.clone(), r.plugin.digest));
            let described = c.templates.iter().map(|t| (t.definition.uri_template.clone(), t.plugin.digest));
            listed.chain(described).collect::<Vec<_>>()
        };
        uris(self) != uris(newer)
    }
}

/// The places of each tool. They outlive a snapshot, so that a reload does not double how many
/// calls may run.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    known: BTreeMap<ToolId, (u32, Arc<Semaphore>)>,
}

impl Slots {
    fn of(&mut self, id: &ToolId, limits: &Limits) -> Arc<Semaphore> {
        match self.known.get(id) {
            Some((places, slots)) if *places == limits.concurrency => slots.clone(),
            _ => {
                let slots = Arc::new(Semaphore::new(limits.concurrency as usize));
                self.known.insert(id.clone(), (limits.concurrency, slots.clone()));
                slots
            }
        }
    }

    pub(crate) fn keep_only(&mut self, catalog: &Catalog) {
        self.known.retain(|id, _| catalog.tools.contains_key(id));
    }
}

impl Plugin {
    pub(crate) fn new(parts: PluginParts, checked: Checked) -> Self {
        let PluginParts { name, digest, source, version, provenance, approval, imports, prepared, size, took, cached } =
            parts;
        let Checked { tools, prompts, resources, templates, definitions: _ } = checked;
        Self {
            tools: tools.into_iter().map(Arc::new).collect(),
            prompts: prompts.into_iter().map(Arc::new).collect(),
            resources: resources.into_iter().map(Arc::new).collect(),
            templates: templates.into_iter().map(Arc::new).collect(),
            name,
            digest,
            source,
            version,
            provenance,
            approval,
            imports,
            prepared,
            size,
            took,
            cached,
        }
    }
}

/// What is known of a plugin beside its definitions.
pub(crate) struct PluginParts {
    pub(crate) name: PluginName,
    pub(crate) digest: Digest,
    pub(crate) source: Option<Reference>,
    pub(crate) version: Option<String>,
    pub(crate) provenance: Provenance,
    pub(crate) approval: Approval,
    pub(crate) imports: Vec<Import>,
    pub(crate) prepared: Arc<Prepared>,
    pub(crate) size: u64,
    pub(crate) took: Duration,
    pub(crate) cached: bool,
}
