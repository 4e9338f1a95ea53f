//! What a component says it offers, checked.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use cofferdam_capabilities::exports::cofferdam::plugin::{prompts, resources, tools};
use cofferdam_policy::{AdmissionLimits, PluginName, Policy, Reach, Target, ToolId, ToolName};
use cofferdam_sandbox::Definitions;
use serde_json::{Value, json};
use url::Url;

use crate::{
    Refusal, Schema, Step,
    text::{Lines, deceptive},
};

const LONGEST_TITLE: usize = 200;
/// Longer ones cost every conversation that lists them.
const LONGEST_DESCRIPTION: usize = 8 * 1024;
const LONGEST_URI: usize = 2048;
const MOST_ARGUMENTS: usize = 50;

/// A tool, as a plugin defines it.
#[derive(Debug)]
pub struct ToolDefinition {
    pub id: ToolId,
    pub name: ToolName,
    pub title: Option<String>,
    pub description: String,
    pub input: Schema,
    pub output: Option<Schema>,
    pub hints: Hints,
    /// The grants it runs with, by the names the policy has for them.
    pub grants: Vec<&'static str>,
}

/// What a tool does to the world, as far as its grants bear out what it claims. All four are always
/// told, because a client that is told nothing assumes the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hints {
    pub read_only: bool,
    pub destructive: bool,
    pub idempotent: bool,
    pub open_world: bool,
}

impl Hints {
    /// What a tool claims, as far as what it was granted makes it true. Somebody who can write is
    /// not believed to read only; somebody who can reach nobody is in no open world, whatever it
    /// claims. What grants can neither prove nor disprove stands as it was claimed.
    fn borne_out(claimed: &tools::ToolHints, reach: Reach) -> Self {
        let Reach { network, writes } = reach;
        let read_only = claimed.read_only.unwrap_or(false) && !writes;
        Self {
            read_only,
            destructive: !read_only && claimed.destructive.unwrap_or(true),
            idempotent: claimed.idempotent.unwrap_or(false),
            open_world: network,
        }
    }
}

#[derive(Clone, Debug)]
pub struct PromptDefinition {
    pub id: ToolId,
    pub name: ToolName,
    pub title: Option<String>,
    pub description: Option<String>,
    pub arguments: Vec<Argument>,
}

#[derive(Clone, Debug)]
pub struct Argument {
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub required: bool,
}

#[derive(Clone, Debug)]
pub struct ResourceDefinition {
    pub uri: String,
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub mime_type: Option<String>,
    pub size: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct TemplateDefinition {
    pub uri_template: String,
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub mime_type: Option<String>,
}

impl TemplateDefinition {
    /// What every URI of this template begins with.
    pub fn literal_prefix(&self) -> &str {
        self.uri_template.split('{').next().unwrap_or_default()
    }
}

/// Everything one plugin offers.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) tools: Vec<ToolDefinition>,
    pub(crate) prompts: Vec<PromptDefinition>,
    pub(crate) resources: Vec<ResourceDefinition>,
    pub(crate) templates: Vec<TemplateDefinition>,
    /// Each definition as the plugin gave it, under what the lock calls it.
    pub(crate) definitions: BTreeMap<String, Value>,
}

pub(crate) struct Checker<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) plugin: &'a PluginName,
    /// What names begin with; empty for bare names.
    pub(crate) prefix: &'a str,
    pub(crate) limits: &'a AdmissionLimits,
}

impl Checker<'_> {
    pub(crate) fn check(&self, found: Definitions) -> Result<Checked, Refusal> {
        self.bounded(&found)?;
        let claims: Vec<Value> = found.tools.iter().map(|t| claims(&t.hints)).collect();
        let mut names = BTreeSet::new();
        let tools: Vec<ToolDefinition> =
            found.tools.into_iter().map(|t| self.tool(t, &mut names)).collect::<Result<_, _>>()?;
        let mut names = BTreeSet::new();
        let prompts: Vec<PromptDefinition> =
            found.prompts.into_iter().map(|p| self.prompt(p, &mut names)).collect::<Result<_, _>>()?;
        let mut uris = BTreeSet::new();
        let resources: Vec<ResourceDefinition> =
            found.resources.into_iter().map(|r| self.resource(r, &mut uris)).collect::<Result<_, _>>()?;
        let templates: Vec<TemplateDefinition> =
            found.templates.into_iter().map(|t| self.template(t, &mut uris)).collect::<Result<_, _>>()?;
        let definitions = definitions(&tools, &claims, &prompts, &resources, &templates);
        Ok(Checked { tools, prompts, resources, templates, definitions })
    }

    fn bounded(&self, found: &Definitions) -> Result<(), Refusal> {
        let most = self.limits.entries as usize;
        let counts = [
            ("tools", found.tools.len()),
            ("prompts", found.prompts.len()),
            ("resources", found.resources.len()),
            ("resource templates", found.templates.len()),
        ];
        for (what, count) in counts {
            if count > most {
                let found = format!("it offers {count} {what}");
                return Err(self.refuse(found, format!("`admission.entries` allows {most}")));
            }
        }
        let bytes = size(found);
        let most = self.limits.definitions.get();
        if bytes > most {
            let found = format!("its definitions have {bytes} bytes");
            return Err(self.refuse(found, format!("`admission.definitions` allows {}", self.limits.definitions)));
        }
        Ok(())
    }

    fn tool(&self, tool: tools::Tool, names: &mut BTreeSet<String>) -> Result<ToolDefinition, Refusal> {
        let (name, id) = self.name("tool", &tool.name, names)?;
        let what = format!("tool {name}");
        let input = Schema::of_arguments(&tool.input_schema)
            .map_err(|e| self.refuse(format!("the input schema of {what}: {e}"), "its author has to mend it"))?;
        let output = tool
            .output_schema
            .as_deref()
            .map(Schema::parse)
            .transpose()
            .map_err(|e| self.refuse(format!("the output schema of {what}: {e}"), "its author has to mend it"))?;
        let target = Target::Tool { plugin: self.plugin.clone(), tool: name.clone(), id: id.clone() };
        let grants = self.policy.grants(&target);
        Ok(ToolDefinition {
            grants: grants.names(),
            title: self.line(&what, "title", tool.title)?,
            description: self.prose(&what, tool.description)?,
            hints: Hints::borne_out(&tool.hints, grants.reach()),
            id,
            name,
            input,
            output,
        })
    }

    fn prompt(&self, prompt: prompts::Prompt, names: &mut BTreeSet<String>) -> Result<PromptDefinition, Refusal> {
        let (name, id) = self.name("prompt", &prompt.name, names)?;
        let what = format!("prompt {name}");
        if prompt.arguments.len() > MOST_ARGUMENTS {
            return Err(self.refuse(
                format!("{what} has {} arguments", prompt.arguments.len()),
                format!("{MOST_ARGUMENTS} are allowed"),
            ));
        }
        let mut seen = BTreeSet::new();
        let mut arguments = Vec::with_capacity(prompt.arguments.len());
        for argument in prompt.arguments {
            let name = self.required_line(&what, "argument name", argument.name)?;
            if !seen.insert(name.clone()) {
                return Err(self.refuse(format!("{what} has two arguments {name:?}"), "its author has to mend it"));
            }
            arguments.push(Argument {
                name,
                title: self.line(&what, "argument title", argument.title)?,
                description: argument.description.map(|d| self.prose(&what, d)).transpose()?,
                required: argument.required,
            });
        }
        Ok(PromptDefinition {
            title: self.line(&what, "title", prompt.title)?,
            description: prompt.description.map(|d| self.prose(&what, d)).transpose()?,
            id,
            name,
            arguments,
        })
    }

    fn resource(&self, r: resources::ResourceInfo, uris: &mut BTreeSet<String>) -> Result<ResourceDefinition, Refusal> {
        let uri = self.uri(r.uri, uris)?;
        let what = format!("resource {uri}");
        Ok(ResourceDefinition {
            name: self.required_line(&what, "name", r.name)?,
            title: self.line(&what, "title", r.title)?,
            description: r.description.map(|d| self.prose(&what, d)).transpose()?,
            mime_type: self.line(&what, "MIME type", r.mime_type)?,
            size: r.size,
            uri,
        })
    }

    fn template(
        &self,
        t: resources::ResourceTemplate,
        uris: &mut BTreeSet<String>,
    ) -> Result<TemplateDefinition, Refusal> {
        let shown: String = t.uri_template.chars().take(100).collect();
        let wrong = |why: &str| self.refuse(format!("resource template {shown:?} {why}"), "its author has to mend it");
        let literal = t.uri_template.split('{').next().unwrap_or_default();
        // The part before the first brace decides which plugin is asked: `a:/{x}` may not catch all.
        let authority = literal.split_once(':').map_or("", |(_, rest)| rest.trim_matches('/'));
        if Url::parse(literal).is_err() || authority.is_empty() {
            return Err(wrong("has no scheme and name before its first brace"));
        }
        if t.uri_template.len() > LONGEST_URI || !t.uri_template.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong("is too long or holds characters that are not printable ASCII"));
        }
        if !uris.insert(t.uri_template.clone()) {
            return Err(wrong("is there twice"));
        }
        let what = format!("resource template {}", t.uri_template);
        Ok(TemplateDefinition {
            name: self.required_line(&what, "name", t.name)?,
            title: self.line(&what, "title", t.title)?,
            description: t.description.map(|d| self.prose(&what, d)).transpose()?,
            mime_type: self.line(&what, "MIME type", t.mime_type)?,
            uri_template: t.uri_template,
        })
    }

    fn name(&self, kind: &str, text: &str, names: &mut BTreeSet<String>) -> Result<(ToolName, ToolId), Refusal> {
        let refuse =
            |found: &dyn Display| self.refuse(format!("a {kind}'s name: {found}"), "its author has to mend it");
        let name: ToolName = text.parse().map_err(|e| refuse(&e))?;
        let id = ToolId::new(self.prefix, &name).map_err(|e| refuse(&e))?;
        // `Echo` beside `echo` is a trap for whoever reads the list.
        if !names.insert(text.to_ascii_lowercase()) {
            return Err(refuse(&format!("{name} is there twice, letter case aside")));
        }
        Ok((name, id))
    }

    fn uri(&self, text: String, uris: &mut BTreeSet<String>) -> Result<String, Refusal> {
        let shown: String = text.chars().take(100).collect();
        let wrong = |why: &str| self.refuse(format!("resource {shown:?} {why}"), "its author has to mend it");
        if text.len() > LONGEST_URI || !text.bytes().all(|b| b.is_ascii_graphic()) || Url::parse(&text).is_err() {
            return Err(wrong("is no absolute URI of printable ASCII"));
        }
        if !uris.insert(text.clone()) {
            return Err(wrong("is there twice"));
        }
        Ok(text)
    }

    fn required_line(&self, what: &str, part: &str, text: String) -> Result<String, Refusal> {
        if text.is_empty() {
            return Err(self.refuse(format!("the {part} of {what} is empty"), "its author has to mend it"));
        }
        self.line(what, part, Some(text)).map(Option::unwrap_or_default)
    }

    fn line(&self, what: &str, part: &str, text: Option<String>) -> Result<Option<String>, Refusal> {
        let Some(text) = text else { return Ok(None) };
        self.readable(what, part, &text, Lines::One, LONGEST_TITLE)?;
        Ok(Some(text))
    }

    fn prose(&self, what: &str, text: String) -> Result<String, Refusal> {
        self.readable(what, "description", &text, Lines::Many, LONGEST_DESCRIPTION)?;
        Ok(text)
    }

    fn readable(&self, what: &str, part: &str, text: &str, lines: Lines, longest: usize) -> Result<(), Refusal> {
        if text.len() > longest {
            let found = format!("the {part} of {what} has {} bytes", text.len());
            return Err(self.refuse(found, format!("{longest} are allowed")));
        }
        match deceptive(text, lines) {
            Some(c) => Err(self.refuse(
                format!("the {part} of {what} holds the character {c:?}, which readers cannot see"),
                "ask its author why",
            )),
            None => Ok(()),
        }
    }

    fn refuse(&self, found: impl Display, mend: impl Into<String>) -> Refusal {
        Refusal::new(self.plugin, Step::Describe, found, mend)
    }
}

/// What a tool claims about itself, in the protocol's words.
fn claims(hints: &tools::ToolHints) -> Value {
    let all = [
        ("readOnlyHint", hints.read_only),
        ("destructiveHint", hints.destructive),
        ("idempotentHint", hints.idempotent),
        ("openWorldHint", hints.open_world),
    ];
    all.into_iter().filter_map(|(name, claim)| Some((name.to_owned(), Value::from(claim?)))).collect()
}

/// Every definition as the plugin gave it: its own names, without prefix, and its claims before the
/// grants are held against them, so that the same component has the same definitions under every
/// policy.
fn definitions(
    tools: &[ToolDefinition],
    claims: &[Value],
    prompts: &[PromptDefinition],
    resources: &[ResourceDefinition],
    templates: &[TemplateDefinition],
) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for (tool, claims) in tools.iter().zip(claims) {
        let definition = json!({
            "name": tool.name.as_str(), "title": tool.title, "description": tool.description,
            "inputSchema": tool.input.document().as_ref(),
            "outputSchema": tool.output.as_ref().map(|s| s.document().as_ref()), "annotations": claims,
        });
        all.insert(format!("tool {}", tool.name), definition);
    }
    for prompt in prompts {
        let arguments: Vec<Value> = prompt
            .arguments
            .iter()
            .map(|a| json!({ "name": a.name, "title": a.title, "description": a.description, "required": a.required }))
            .collect();
        let definition = json!({
            "name": prompt.name.as_str(), "title": prompt.title, "description": prompt.description,
            "arguments": arguments,
        });
        all.insert(format!("prompt {}", prompt.name), definition);
    }
    for r in resources {
        // Not its size: that is of what it is about, and changes with it.
        let definition = json!({
            "uri": r.uri, "name": r.name, "title": r.title, "description": r.description, "mimeType": r.mime_type,
        });
        all.insert(format!("resource {}", r.uri), definition);
    }
    for t in templates {
        let definition = json!({
            "uriTemplate": t.uri_template, "name": t.name, "title": t.title, "description": t.description,
            "mimeType": t.mime_type,
        });
        all.insert(format!("template {}", t.uri_template), definition);
    }
    all
}

/// Bytes of all text in the definitions.
fn size(all: &Definitions) -> u64 {
    let text = |t: &Option<String>| t.as_ref().map_or(0, String::len);
    let tools = all
        .tools
        .iter()
        .map(|t| t.name.len() + text(&t.title) + t.description.len() + t.input_schema.len() + text(&t.output_schema));
    let prompts = all.prompts.iter().map(|p| {
        let arguments = p.arguments.iter().map(|a| a.name.len() + text(&a.title) + text(&a.description));
        p.name.len() + text(&p.title) + text(&p.description) + arguments.sum::<usize>()
    });
    let resources = all
        .resources
        .iter()
        .map(|r| r.uri.len() + r.name.len() + text(&r.title) + text(&r.description) + text(&r.mime_type));
    let templates = all
        .templates
        .iter()
        .map(|t| t.uri_template.len() + t.name.len() + text(&t.title) + text(&t.description) + text(&t.mime_type));
    tools.chain(prompts).chain(resources).chain(templates).sum::<usize>() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(read_only: bool, destructive: bool, open_world: bool, reach: Reach) -> Hints {
        let claimed = tools::ToolHints {
            read_only: Some(read_only),
            destructive: Some(destructive),
            idempotent: None,
            open_world: Some(open_world),
        };
        Hints::borne_out(&claimed, reach)
    }

    #[test]
    fn claims_stand_as_far_as_grants_make_them_true() {
        let nothing = Reach::default();
        let network = Reach { network: true, ..nothing };
        let writes = Reach { writes: true, ..nothing };
        assert!(hints(true, false, false, nothing).read_only);
        assert!(hints(true, false, false, network).read_only);
        assert!(!hints(true, false, false, writes).read_only, "it can write, whatever it says");
        assert!(!hints(false, true, true, nothing).open_world, "it reaches nobody, whatever it says");
        assert!(hints(false, false, false, network).open_world, "it reaches somebody, whatever it says");
        assert!(!hints(true, true, false, nothing).destructive, "what only reads destroys nothing");
        assert!(hints(true, true, false, writes).destructive);
    }

    #[test]
    fn what_says_nothing_is_taken_for_the_worst_it_can_be() {
        let silent = tools::ToolHints { read_only: None, destructive: None, idempotent: None, open_world: None };
        let found = Hints::borne_out(&silent, Reach::default());
        assert_eq!(found, Hints { read_only: false, destructive: true, idempotent: false, open_world: false });
    }
}
