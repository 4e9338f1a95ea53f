//! What a tool can do, in plain words, and where that was decided.

use std::{collections::BTreeSet, process::ExitCode};

use anyhow::{Result, bail};
use cofferdam_capabilities::Offer;
use cofferdam_catalog::{Lock, LockEntry};
use cofferdam_policy::{Capability, PluginName, Policy, Prefix, Principal, Target, ToolId, ToolName, Transport};
use serde_json::{Value, json};

use crate::{
    cli::{ExplainArgs, Global},
    config::Config,
    show::{Output, signed_by, table},
};

pub(crate) fn run(global: &Global, args: &ExplainArgs) -> Result<ExitCode> {
    let config = Config::load(global.config.as_deref())?;
    let (read, lock) = config.keeper(false).read()?;
    let policy = read.policy;
    let (found, entry) = find(&args.tool, &policy, &lock)?;
    let caller = args.caller.map(|transport| Principal::of(transport.into()));
    let explained = Explained::of(&policy, found, entry, caller);
    match Output::from(args.json) {
        Output::Json => println!("{}", serde_json::to_string_pretty(&explained.to_json())?),
        Output::Human => println!("{}", explained.to_text()),
    }
    Ok(ExitCode::SUCCESS)
}

/// A tool, by all of its names.
struct Found {
    plugin: PluginName,
    tool: ToolName,
    id: ToolId,
}

/// The tool that clients know under this name.
///
/// The lock knows what plugins offer; the policy alone knows what they may be called. So a tool can
/// be explained before its plugin is there, as long as it can be told whose it is.
fn find<'a>(text: &str, policy: &Policy, lock: &'a Lock) -> Result<(Found, Option<&'a LockEntry>)> {
    let mut known = Vec::new();
    let names: BTreeSet<&PluginName> = policy.plugin_names().chain(lock.entries().map(|e| &e.name)).collect();
    let mut by_prefix = None;
    for name in names {
        let prefix = match policy.prefix(name) {
            Prefix::Name => name.as_str(),
            Prefix::Text(text) => text,
        };
        let entry = lock.get(name.as_str());
        for tool in entry.iter().flat_map(|e| e.tools()) {
            let Ok(id) = ToolId::new(prefix, &tool) else { continue };
            if id.as_str() == text {
                return Ok((Found { plugin: name.clone(), tool, id }, entry));
            }
            known.push(id.to_string());
        }
        let tool = if prefix.is_empty() { None } else { text.strip_prefix(prefix).and_then(|t| t.strip_prefix('_')) };
        if let Some(tool) = tool.and_then(|t| t.parse::<ToolName>().ok())
            && let Ok(id) = ToolId::new(prefix, &tool)
        {
            by_prefix = Some((Found { plugin: name.clone(), tool, id }, entry));
        }
    }
    if let Some((found, entry)) = by_prefix {
        if entry.is_some() {
            bail!("there is no tool {text:?} in what was approved of {}; there is {}", found.plugin, known.join(", "));
        }
        return Ok((found, entry));
    }
    match known.as_slice() {
        [] => bail!(
            "there is no tool {text:?}: no plugin was approved yet, and the policy names none that it could be of"
        ),
        known => bail!("there is no tool {text:?}; there is {}", known.join(", ")),
    }
}

struct Explained {
    id: String,
    plugin: PluginName,
    tool: ToolName,
    /// Why nobody can call it.
    off: Option<String>,
    caller: Option<Principal>,
    needs: String,
    signers: Option<String>,
    /// What it can do, and where that was decided.
    can: Vec<(Capability, Vec<String>, String)>,
    /// What its component imports and it does not get.
    asks: Vec<(Capability, String)>,
    network: bool,
    writes: bool,
    limits: Vec<(&'static str, String)>,
}

impl Explained {
    fn of(policy: &Policy, found: Found, entry: Option<&LockEntry>, caller: Option<Principal>) -> Self {
        let Found { plugin, tool, id } = found;
        let target = Target::Tool { plugin: plugin.clone(), tool: tool.clone(), id: id.clone() };
        let grants = policy.grants(&target);
        let decided = policy.decided_at(&target);
        let can = grants
            .describe()
            .into_iter()
            .map(|(capability, words)| {
                let stated = grants.states(capability);
                let why = match &decided {
                    Some(place) if stated => place.clone(),
                    _ => "every tool has it".into(),
                };
                (capability, words, why)
            })
            .collect();
        let imports = entry.map(|e| e.imports.as_slice()).unwrap_or_default();
        let mut asks: Vec<(Capability, String)> = Vec::new();
        for import in imports {
            if let Offer::Granted(capability) = Offer::of(import)
                && !grants.has(capability)
                && !asks.iter().any(|(known, _)| *known == capability)
            {
                asks.push((capability, import.clone()));
            }
        }
        let reach = grants.reach();
        let l = policy.limits(&target);
        let limits = vec![
            ("fuel", l.fuel.to_string()),
            ("memory", l.memory.to_string()),
            ("deadline", l.deadline.to_string()),
            ("output", l.output.to_string()),
            ("host_calls", l.host_calls.to_string()),
            ("requests", l.requests.to_string()),
            ("concurrency", l.concurrency.to_string()),
        ];
        Self {
            id: id.to_string(),
            off: policy.allows(&target).err().map(|denied| denied.to_string()),
            caller,
            needs: match policy.requirement(&plugin) {
                Some(by) => format!("It needs a signature by {}.", by.describe()),
                None => "Nobody may sign it: only components run that the policy names by their sha256.".into(),
            },
            signers: entry.map(|e| signed_by(&e.signer)),
            plugin,
            tool,
            can,
            asks,
            network: reach.network,
            writes: reach.writes,
            limits,
        }
    }

    fn cannot(&self) -> Vec<&'static str> {
        let all = [
            (Capability::Filesystem, "see no file of this machine"),
            (Capability::Http, "send no request"),
            (Capability::Sockets, "open no connection of its own"),
            (Capability::Sql, "use no database"),
            (Capability::KeyValue, "keep nothing between calls"),
            (Capability::Environment, "see no variable of the environment"),
        ];
        all.into_iter().filter(|(c, _)| !self.can.iter().any(|(has, ..)| has == c)).map(|(_, words)| words).collect()
    }

    fn to_text(&self) -> String {
        let mut text = format!("{}: the tool {} of the plugin {}\n", self.id, self.tool, self.plugin);
        match &self.off {
            Some(why) => text.push_str(&format!("\nNobody can call it: {why}.\n")),
            None => {
                let who = match &self.caller {
                    Some(caller) => format!("The caller `{}`", caller.id()),
                    None => "Everybody who reaches this host".into(),
                };
                text.push_str(&format!("\n{who} can call it: the policy has no rules about callers.\n"));
            }
        }
        if self.signers.is_none() {
            text.push_str(&format!(
                "No plugin {} was approved yet: whether it has this tool, and what it imports, is not known.\n",
                self.plugin
            ));
        }
        text.push_str(&self.needs);
        if let Some(signers) = &self.signers {
            text.push_str(&format!(" What was approved is signed by {signers}."));
        }
        let mut rows = table(&["IT CAN", "", "BECAUSE OF"]);
        for (capability, words, why) in &self.can {
            for words in words {
                rows.add_row([capability.key(), words, why]);
            }
        }
        text.push_str(&format!("\n\n{rows}\n"));
        let cannot = self.cannot();
        if !cannot.is_empty() {
            text.push_str(&format!("\nIt can {}.\n", cannot.join(", ")));
        }
        text.push_str(match (self.network, self.writes) {
            (false, false) => "Nothing it does leaves this host or outlives the call.\n",
            (true, false) => "It can reach others, and is granted nothing that changes data.\n",
            (false, true) => "It can change what outlives the call, and reaches nobody outside.\n",
            (true, true) => "It can reach others and change what outlives the call.\n",
        });
        for (capability, import) in &self.asks {
            text.push_str(&format!(
                "\nIt imports {}, and gets nothing of it: {capability} is not granted.",
                import.escape_debug()
            ));
        }
        if !self.asks.is_empty() {
            text.push('\n');
        }
        let mut rows = table(&["LIMIT", "A CALL GETS"]);
        for (limit, value) in &self.limits {
            rows.add_row([*limit, value]);
        }
        text.push_str(&format!("\n{rows}"));
        text
    }

    fn to_json(&self) -> Value {
        json!({
            "tool": self.id, "plugin": self.plugin.as_str(), "name": self.tool.as_str(),
            "caller": self.caller.as_ref().map(Principal::id), "callable": self.off.is_none(), "off": self.off,
            "needs": self.needs, "approved": self.signers.is_some(), "signed_by": self.signers,
            "can": self.can.iter().map(|(c, words, why)| json!({ "capability": c, "words": words, "because": why })).collect::<Vec<_>>(),
            "cannot": self.cannot(),
            "asks": self.asks.iter().map(|(c, import)| json!({ "capability": c, "import": import })).collect::<Vec<_>>(),
            "reach": { "network": self.network, "writes": self.writes },
            "limits": self.limits.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        })
    }
}

/// Callers as the policy knows them: by the way they come.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum CallerName {
    Stdio,
    Http,
    Sse,
    Local,
}

impl From<CallerName> for Transport {
    fn from(name: CallerName) -> Self {
        match name {
            CallerName::Stdio => Self::Stdio,
            CallerName::Http => Self::Http,
            CallerName::Sse => Self::Sse,
            CallerName::Local => Self::Local,
        }
    }
}
