use std::{path::Path, process::ExitCode};

use anyhow::{Result, bail};
use cofferdam_catalog::Candidate;
use cofferdam_policy::{AdmissionLimits, PluginName};
use serde_json::json;

use crate::show::{Output, table};

pub(crate) fn run(file: &Path, output: Output) -> Result<ExitCode> {
    let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let name: PluginName = match stem.parse() {
        Ok(name) => name,
        Err(error) => bail!("{}: {error}", file.display()),
    };
    let candidate = Candidate::read(name.clone(), file, &AdmissionLimits::default())?;
    let digest = candidate.digest();
    let signed = candidate.is_accompanied();
    let inspected = candidate.for_the_operator()?.inspected().clone();
    let mut grants: Vec<&str> = inspected.imports.iter().filter_map(|i| i.needs()).collect();
    grants.sort_unstable();
    grants.dedup();
    let mut entry = format!("[[plugin]]\nname = \"{name}\"\n");
    if !signed {
        entry.push_str(&format!("sha256 = [\"{digest}\"]  # unsigned: exactly these bytes\n"));
    }
    if signed && !grants.is_empty() && inspected.name.is_none() {
        entry.push_str(
            "# It embeds no name, and so waits for `cofferdam approve`: `cofferdam sign --name` embeds one.\n",
        );
    }
    if !grants.is_empty() {
        entry.push_str("[plugin.grants]\n");
        grants.iter().for_each(|grant| entry.push_str(&format!("{grant} = true\n")));
    }
    match output {
        Output::Json => {
            let imports: Vec<_> = inspected
                .imports
                .iter()
                .map(|i| json!({ "name": i.name, "grant": i.needs(), "means": i.means() }))
                .collect();
            let report = json!({
                "name": name.as_str(), "sha256": digest.to_string(), "imports": imports,
                "exports": inspected.exports, "embeds": { "name": inspected.name, "version": inspected.version },
                "accompanied": signed, "grants": grants, "policy": entry,
            });
            println!("{}", serde_json::to_string_pretty(&report)?);
        }
        Output::Human => {
            println!("{name}  sha256 {digest}");
            let embedded = |part: &Option<String>| part.as_deref().unwrap_or("none").escape_debug().to_string();
            println!("embedded name {}, version {}", embedded(&inspected.name), embedded(&inspected.version));
            match signed {
                true => println!("there is a signature beside it; `cofferdam verify` says whose\n"),
                false => println!("there is no signature beside it\n"),
            }
            let mut rows = table(&["IMPORTS", "WHAT IT GETS"]);
            for import in &inspected.imports {
                rows.add_row([import.name.escape_debug().to_string(), import.means()]);
            }
            println!("{rows}\n\nEXPORTS");
            inspected.exports.iter().for_each(|e| println!("{}", e.escape_debug()));
            println!("\nA policy entry to start from; nothing of it was decided:\n\n{entry}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
