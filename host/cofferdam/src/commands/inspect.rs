use std::{collections::BTreeSet, path::Path, process::ExitCode};

use anyhow::{Result, bail};
use cofferdam_capabilities::Offer;
use cofferdam_catalog::Candidate;
use cofferdam_policy::{AdmissionLimits, Capability, PluginName};
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
    let asked = |of: fn(Offer) -> Option<Capability>| -> BTreeSet<Capability> {
        inspected.imports.iter().filter_map(|i| of(Offer::of(&i.name))).collect()
    };
    let needed = asked(|offer| if let Offer::Granted(capability) = offer { Some(capability) } else { None });
    let possible = asked(|offer| if let Offer::Filled(capability) = offer { Some(capability) } else { None });
    let grants: Vec<&str> = needed.iter().map(|c| c.key()).collect();
    let mut entry = format!("[[plugin]]\nname = \"{name}\"\n");
    if !signed {
        entry.push_str(&format!("sha256 = [\"{digest}\"]  # unsigned: exactly these bytes\n"));
    }
    if signed && !grants.is_empty() && inspected.name.is_none() {
        entry.push_str(
            "# It embeds no name, and so waits for `cofferdam approve`: `cofferdam sign --name` embeds one.\n",
        );
    }
    if !needed.is_empty() || !possible.is_empty() {
        entry.push_str("[plugin.grants]\n");
        if !needed.is_empty() {
            entry.push_str("# It asks for these. Write down what it is to have, not what it asks for:\n");
        }
        needed.iter().for_each(|c| entry.push_str(&format!("# {}\n", c.example())));
        if !possible.is_empty() {
            entry.push_str("# Every program of its language imports these; it may not need them:\n");
            possible.iter().for_each(|c| entry.push_str(&format!("# {}\n", c.example())));
        }
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
