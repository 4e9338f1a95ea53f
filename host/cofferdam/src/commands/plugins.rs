use std::process::ExitCode;

use anyhow::Result;
use cofferdam_catalog::LockSigner;
use serde_json::{Value, json};

use crate::{
    cli::Global,
    host::{Host, Purpose, begin, runtime},
    show::{Output, size, table},
};

pub(crate) fn run(global: &Global, output: Output) -> Result<ExitCode> {
    let config = begin(global, Some("error"))?;
    runtime()?.block_on(async {
        let host = Host::new(&config, Purpose::Look).await?;
        host.keeper.once().await;
        let catalog = host.gate.catalog().await;
        match output {
            Output::Json => {
                let served: Vec<Value> = catalog
                    .plugins
                    .values()
                    .map(|p| {
                        json!({
                            "name": p.name.as_str(), "sha256": p.digest.to_string(), "version": p.version,
                            "signed": p.provenance.is_signed(), "signers": LockSigner::all_of(&p.provenance),
                            "approved_by": p.approval.label(), "source": p.source, "size": p.size,
                            "imports": p.imports.iter().map(|i| i.name.as_str()).collect::<Vec<_>>(),
                            "tools": p.tools.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(),
                            "prompts": p.prompts.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(),
                            "resources": p.resources.iter().map(|r| r.uri.as_str()).collect::<Vec<_>>(),
                        })
                    })
                    .collect();
                let refused: Vec<Value> = catalog
                    .refusals
                    .iter()
                    .map(|r| json!({ "plugin": r.plugin, "step": r.step.label(), "reason": r.reason, "found": r.found, "mend": r.mend }))
                    .collect();
                println!("{}", serde_json::to_string_pretty(&json!({ "served": served, "refused": refused }))?);
            }
            Output::Human => {
                let mut rows = table(&["PLUGIN", "VERSION", "DIGEST", "SIGNED BY", "APPROVED BY", "SIZE", "TOOLS", "PROMPTS", "RESOURCES"]);
                for p in catalog.plugins.values() {
                    rows.add_row([
                        p.name.to_string(),
                        p.version.as_deref().unwrap_or("-").escape_debug().to_string(),
                        p.digest.short(),
                        if p.provenance.is_signed() { p.provenance.label() } else { "UNSIGNED".into() },
                        p.approval.label().into(),
                        size(p.size),
                        p.tools.len().to_string(),
                        p.prompts.len().to_string(),
                        (p.resources.len() + p.templates.len()).to_string(),
                    ]);
                }
                println!("{rows}");
                for refusal in &catalog.refusals {
                    let served = catalog.plugins.values().find(|p| p.name.as_str() == refusal.plugin);
                    let reason = if refusal.reason == refusal.step.label() { String::new() } else { format!(" ({})", refusal.reason) };
                    println!("\n{} is refused at {}{reason}: {}", refusal.plugin, refusal.step, refusal.found);
                    if let Some(served) = served {
                        println!("  {} goes on serving", served.digest.short());
                    }
                    println!("  {}", refusal.mend);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
