use std::{
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use cofferdam_catalog::{Change, Described, Grave, Group, LockEntry, LockSigner, grave};
use cofferdam_policy::PluginName;

use crate::{
    cli::{ApproveArgs, Global},
    found::candidate,
    host::{Host, Purpose, begin, runtime},
    show::{signed_by, size, table},
};

pub(crate) fn run(global: &Global, args: &ApproveArgs) -> Result<ExitCode> {
    let config = begin(global, Some("error"))?;
    let name: PluginName = args.plugin.trim_end_matches(".wasm").parse()?;
    runtime()?.block_on(async {
        let Host { workshop, rules, .. } = Host::new(&config, Purpose::Serve).await?;
        let candidate = candidate(&config, &workshop, &rules, &name).await?;
        eprintln!("Looking at {name} ({})", candidate.digest().short());
        // An approval adds to a signature and never stands for one.
        let verified = candidate.verify(&rules.policy)?;
        let compiled = verified.for_approval(&rules.policy)?.compile(&workshop.place, &rules.policy).await?;
        let described = compiled.describe(&workshop.place, &rules.policy).await?;
        let entry = described.entry(&rules.policy);
        let before = rules.lock.get(name.as_str());
        if before.is_some_and(|b| same(b, &entry)) {
            println!("{name} {} is approved already.", entry.sha256.short());
            return Ok(ExitCode::SUCCESS);
        }
        let known = workshop.known(&name, &rules).await;
        let changes = before.map(|before| described.changes(before, known.as_ref(), &rules.policy));
        show(&entry, changes.as_deref(), described.size());
        if let Some(before) = before {
            insist(args, before, &entry)?;
        }
        offers(&described);
        if !args.yes && !ask(&name)? {
            println!("Nothing was approved.");
            return Ok(ExitCode::FAILURE);
        }
        workshop.accept(described, &rules).await?;
        println!("Approved {name} in {}.", config.plugins.lock.display());
        Ok(ExitCode::SUCCESS)
    })
}

/// Whether the lock says so already, what is granted included; when it was signed aside.
fn same(before: &LockEntry, now: &LockEntry) -> bool {
    let bare = |entry: &LockEntry| LockEntry {
        signer: entry.signer.iter().map(|s| LockSigner { signed_at: None, ..s.clone() }).collect(),
        ..entry.clone()
    };
    bare(before) == bare(now)
}

/// What may be an attack is approved by naming it, with --yes as without.
fn insist(args: &ApproveArgs, before: &LockEntry, now: &LockEntry) -> Result<()> {
    for found in grave(before, now) {
        match found {
            Grave::Signer => {
                let named = args.signer.as_deref();
                let fits = match now.signer.as_slice() {
                    [] => named == Some("unsigned"),
                    signers => signers.iter().any(|s| named == Some(s.name.as_str())),
                };
                if !fits && now.signer.is_empty() {
                    bail!("nobody signs it any more: say --signer unsigned if that is right");
                }
                if !fits {
                    let names: Vec<&str> = now.signer.iter().map(|s| s.name.as_str()).collect();
                    let name = names.first().copied().unwrap_or("unsigned");
                    bail!("others signed it than before: say --signer {name} if that is right");
                }
            }
            Grave::Older if !args.older => {
                bail!("it is a lower version than the one that was approved: say --older if that is right");
            }
            Grave::Older => {}
        }
    }
    Ok(())
}

fn show(entry: &LockEntry, changes: Option<&[Change]>, bytes: u64) {
    let version = entry.version.as_deref().map(|v| format!("  version {}", v.escape_debug())).unwrap_or_default();
    println!("{}{version}  {}  sha256 {}", entry.name, size(bytes), entry.sha256);
    println!("signed by {}", signed_by(&entry.signer));
    if let Some(source) = &entry.source {
        println!("from {source}");
    }
    let granted = if entry.granted.is_empty() { "nothing".into() } else { entry.granted.join(", ") };
    println!("the policy grants it {granted}");
    if let Some(changes) = changes {
        println!("\nWhat changed since it was approved:");
        print_changes(changes);
    }
}

/// Changes under the headings of their groups.
pub(crate) fn print_changes(changes: &[Change]) {
    for group in Group::ALL {
        let of_group: Vec<&Change> = changes.iter().filter(|c| c.group == group).collect();
        if !of_group.is_empty() {
            println!("\n{}", group.heading());
            of_group.iter().for_each(|c| println!("  {}", c.text));
        }
    }
}

fn offers(described: &Described) {
    let mut rows = table(&["IMPORTS", "WHAT IT GETS"]);
    for import in described.imports() {
        rows.add_row([import.name.escape_debug().to_string(), import.means()]);
    }
    println!("\n{rows}\n");
    let mut rows = table(&["OFFERS", "NAME", "WHAT IT SAYS"]);
    for (key, definition) in described.definitions() {
        let (kind, name) = key.split_once(' ').unwrap_or((key, ""));
        // All of it: what is approved is what models will read.
        let says = definition.get("description").and_then(|d| d.as_str()).unwrap_or_default();
        rows.add_row([kind, name, says]);
    }
    println!("{rows}\n");
}

fn ask(name: &PluginName) -> Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("there is nobody to ask: say --yes to approve {name}");
    }
    print!("Let {name} run? [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
