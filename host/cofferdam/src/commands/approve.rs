use std::{
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use cofferdam_catalog::{Candidate, Lock, LockEntry, Plugin};
use cofferdam_policy::PluginName;

use crate::{
    cli::{ApproveArgs, Global},
    host::{Host, begin, runtime},
    show::{first_line, size, table},
};

pub(crate) fn run(global: &Global, args: &ApproveArgs) -> Result<ExitCode> {
    let config = begin(global, Some("error"))?;
    let name: PluginName = args.plugin.trim_end_matches(".wasm").parse()?;
    let paths = config.plugins.directories.iter().map(|d| d.join(format!("{name}.wasm")));
    let Some(path) = paths.into_iter().find(|p| p.is_file()) else {
        let directories: Vec<String> = config.plugins.directories.iter().map(|d| d.display().to_string()).collect();
        bail!("there is no {name}.wasm in {}", directories.join(", "));
    };
    runtime()?.block_on(async {
        let host = Host::new(&config)?;
        let (policy, mut lock) = (host.policy.policy, host.policy.lock);
        let candidate = Candidate::read(name.clone(), &path, policy.admission())?;
        let digest = candidate.digest();
        if lock.accepts(&name, &digest) {
            println!("{name} {} is approved already.", digest.short());
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("Looking at {} ({})", path.display(), digest.short());
        let compiled = candidate.for_the_operator().compile(&host.place, policy.admission()).await?;
        let plugin = compiled.describe(&host.place, &policy).await?.into_plugin();
        show(&plugin, &lock);
        if !args.yes && !ask(&name)? {
            println!("Nothing was approved.");
            return Ok(ExitCode::FAILURE);
        }
        lock.put(LockEntry {
            name: name.clone(),
            sha256: digest,
            imports: plugin.imports.iter().map(|i| i.name.clone()).collect(),
            tools: plugin.tools.iter().map(|t| t.name.to_string()).collect(),
        });
        lock.write(&config.plugins.lock)?;
        println!("Approved {name} in {}.", config.plugins.lock.display());
        Ok(ExitCode::SUCCESS)
    })
}

fn show(plugin: &Plugin, lock: &Lock) {
    println!("{}  {}  sha256 {}  (unsigned)", plugin.name, size(plugin.size), plugin.digest);
    if let Some(before) = lock.get(&plugin.name) {
        println!("It would replace sha256 {}.", before.sha256);
        for import in plugin.imports.iter().filter(|i| !before.imports.contains(&i.name)) {
            println!("  new import: {}", import.name.escape_debug());
        }
        for gone in before.imports.iter().filter(|b| !plugin.imports.iter().any(|i| i.name == **b)) {
            println!("  gone import: {}", gone.escape_debug());
        }
        for tool in plugin.tools.iter().filter(|t| !before.tools.iter().any(|b| b == t.name.as_str())) {
            println!("  new tool: {}", tool.name);
        }
        for gone in before.tools.iter().filter(|b| !plugin.tools.iter().any(|t| t.name.as_str() == b.as_str())) {
            println!("  gone tool: {gone}");
        }
    }
    let mut rows = table(&["IMPORTS", "WHAT IT GETS"]);
    for import in &plugin.imports {
        rows.add_row([import.name.escape_debug().to_string(), import.means()]);
    }
    println!("\n{rows}\n");
    let mut rows = table(&["OFFERS", "NAME", "WHAT IT SAYS"]);
    for tool in &plugin.tools {
        rows.add_row(["tool", tool.id.as_str(), &first_line(&tool.description)]);
    }
    for prompt in &plugin.prompts {
        let says = prompt.description.as_deref().map(first_line).unwrap_or_default();
        rows.add_row(["prompt", prompt.id.as_str(), &says]);
    }
    for resource in &plugin.resources {
        rows.add_row(["resource", &resource.uri, &resource.name]);
    }
    for template in &plugin.templates {
        rows.add_row(["template", &template.uri_template, &template.name]);
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
