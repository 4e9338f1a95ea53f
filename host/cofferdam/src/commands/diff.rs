use std::{path::Path, process::ExitCode};

use anyhow::{Result, bail};
use cofferdam_catalog::{Candidate, Change, Described, Rules, Workshop};
use cofferdam_policy::{PluginName, Policy};
use serde_json::json;

use super::approve::print_changes;
use crate::{
    cli::{DiffArgs, Global},
    found::candidate,
    host::{Host, Purpose, begin, runtime},
};

/// As `diff` does: 1 means that there is something to see, 2 that nothing could be seen.
const FAILED: u8 = 2;

pub(crate) fn run(global: &Global, args: &DiffArgs) -> Result<ExitCode> {
    compare(global, args).or_else(|error| {
        eprintln!("cofferdam: {error:#}");
        Ok(ExitCode::from(FAILED))
    })
}

fn compare(global: &Global, args: &DiffArgs) -> Result<ExitCode> {
    let config = begin(global, Some("error"))?;
    runtime()?.block_on(async {
        let Host { workshop, rules, .. } = Host::new(&config, Purpose::Look).await?;
        let (before, changes) = match &args.new {
            Some(new) => between_files(&workshop, &rules, Path::new(&args.old), new).await?,
            None => {
                let name: PluginName = args.old.trim_end_matches(".wasm").parse()?;
                let Some(before) = rules.lock.get(name.as_str()) else {
                    bail!("{name} was never approved: `cofferdam approve {name}` shows all of it");
                };
                let candidate = candidate(&config, &workshop, &rules, &name).await?;
                let described = describe(&workshop, &rules.policy, candidate).await?;
                let known = workshop.known(&name, &rules).await;
                (before.sha256, described.changes(before, known.as_ref(), &rules.policy))
            }
        };
        tell(args, &before.to_string(), &changes)
    })
}

async fn describe(workshop: &Workshop, policy: &Policy, candidate: Candidate) -> Result<Described> {
    let approved = candidate.verify(policy)?.for_approval(policy)?;
    Ok(approved.compile(&workshop.place, policy).await?.describe(&workshop.place, policy).await?)
}

/// Two files, whoever signed them: nothing of either is served for it.
async fn between_files(
    workshop: &Workshop,
    rules: &Rules,
    old: &Path,
    new: &Path,
) -> Result<(cofferdam_trust::Digest, Vec<Change>)> {
    let policy = &rules.policy;
    let mut described = Vec::with_capacity(2);
    for path in [old, new] {
        let stem = old.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        // One name for both: it is one plugin, before and after.
        let name: PluginName = stem.parse().or_else(|_| "component".parse())?;
        let candidate = Candidate::read(name, path, policy.admission())?;
        let approved = candidate.for_the_operator()?;
        let compiled = approved.compile(&workshop.place, policy).await?;
        described.push(compiled.describe(&workshop.place, policy).await?);
    }
    let [old, new] = described.as_slice() else { bail!("two files are needed") };
    let before = old.entry(policy);
    Ok((before.sha256, new.changes(&before, Some(old), policy)))
}

fn tell(args: &DiffArgs, before: &str, changes: &[Change]) -> Result<ExitCode> {
    if args.json {
        println!("{}", serde_json::to_string_pretty(&json!({ "before": before, "changes": changes }))?);
    } else if changes.is_empty() {
        println!("Nothing changed.");
    } else {
        println!("Changes since sha256 {before}");
        print_changes(changes);
    }
    Ok(if changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
