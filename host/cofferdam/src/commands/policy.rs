use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use cofferdam_catalog::read_policy;
use cofferdam_policy::{PluginName, Policy, Prefix, Target, policy_schema};
use serde_json::{Value, json};

use crate::{
    cli::Global,
    config::Config,
    show::{Output, table},
};

pub(crate) fn check(global: &Global, policy: Option<PathBuf>, output: Output) -> Result<ExitCode> {
    let config = match &policy {
        Some(_) => None,
        None => Some(Config::load(global.config.as_deref())?),
    };
    let file = policy.or_else(|| config.as_ref().map(|c| c.plugins.policy.clone())).unwrap_or_default();
    let shown = file.display().to_string();
    let policy = read_policy(&file)?.policy;
    for missing in config.iter().flat_map(|c| c.reach.missing(&policy)) {
        eprintln!("cofferdam: {missing}");
    }
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&summary(&policy))?),
        Output::Human => {
            println!("{shown} is a valid policy.");
            let mut rows =
                table(&["PLUGIN", "SIGNED BY", "NAMES", "FUEL", "MEMORY", "DEADLINE", "OUTPUT", "AT A TIME", "GRANTS"]);
            for name in policy.plugin_names() {
                let target = Target::Plugin(name.clone());
                let limits = policy.limits(&target);
                let names = match policy.prefix(name) {
                    Prefix::Name => format!("{name}_*"),
                    Prefix::Text("") => "*".into(),
                    Prefix::Text(prefix) => format!("{prefix}_*"),
                };
                let grants = if policy.allows(&target).is_err() {
                    "switched off".into()
                } else {
                    policy.granted(name).join(", ")
                };
                rows.add_row([
                    name.to_string(),
                    signers(&policy, name),
                    names,
                    limits.fuel.to_string(),
                    limits.memory.to_string(),
                    limits.deadline.to_string(),
                    limits.output.to_string(),
                    limits.concurrency.to_string(),
                    if grants.is_empty() { "none".into() } else { grants },
                ]);
            }
            match policy.default_requirement() {
                Some(by) => println!("Plugins that say nothing of their own need a signature by {}.", by.describe()),
                None => println!("Nobody may sign plugins that say nothing of their own."),
            }
            if policy.plugin_names().next().is_some() {
                println!("\n{rows}");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whose word a plugin needs.
fn signers(policy: &Policy, name: &PluginName) -> String {
    policy.requirement(name).map_or("nobody may".into(), |r| r.describe())
}

fn summary(policy: &Policy) -> Value {
    let plugins: Vec<Value> = policy
        .plugin_names()
        .map(|name| {
            let target = Target::Plugin(name.clone());
            let limits = policy.limits(&target);
            json!({
                "name": name.as_str(),
                "enabled": policy.allows(&target).is_ok(),
                "signed_by": policy.requirement(name).map(|r| r.describe()),
                "grants": policy.granted(name),
                "limits": {
                    "fuel": limits.fuel.units(),
                    "memory": limits.memory.get(),
                    "deadline_ms": limits.deadline.get().as_millis() as u64,
                    "output": limits.output.get(),
                    "concurrency": limits.concurrency,
                },
            })
        })
        .collect();
    json!({ "valid": true, "plugins": plugins })
}

pub(crate) fn schema() -> Result<ExitCode> {
    println!("{}", serde_json::to_string_pretty(policy_schema().as_value())?);
    Ok(ExitCode::SUCCESS)
}
