use std::{path::Path, process::ExitCode};

use anyhow::{Result, bail};
use cofferdam_catalog::{Candidate, LockSigner, Refusal, fetch_signed, read_policy};
use cofferdam_policy::{PluginName, Policy, Provenance};
use cofferdam_registry::{Reference, Registry};
use serde_json::json;

use crate::{
    cli::{Global, VerifyArgs},
    config::Config,
    found::with_mend,
    host::{begin, runtime},
};

pub(crate) fn run(global: &Global, args: &VerifyArgs) -> Result<ExitCode> {
    let config = begin(global, Some("error"))?;
    let policy = read_policy(&config.plugins.policy)?.policy;
    let name = name(args)?;
    let (digest, result) = match find(args, &config, &policy, &name)? {
        Ok(candidate) => (Some(candidate.digest()), decide(candidate, &policy)),
        Err(refusal) => (None, Err(refusal)),
    };
    let wanted = policy.requirement(&name).map_or("nobody".to_owned(), |r| r.describe());
    match &result {
        Ok(provenance) => {
            let digest = digest.map(|d| d.to_string()).unwrap_or_default();
            let signers = LockSigner::all_of(provenance);
            if args.json {
                let report = json!({
                    "verified": true, "plugin": name.as_str(), "sha256": digest, "signed": provenance.is_signed(),
                    "signers": signers, "required": wanted,
                });
                println!("{}", serde_json::to_string_pretty(&report)?);
            } else {
                println!("{name}  sha256 {digest}");
                match signers.as_slice() {
                    [] => println!("unsigned: the policy names exactly these bytes"),
                    some => some.iter().for_each(tell),
                }
                if provenance.is_signed() {
                    println!("The policy lets it run as {name}: it wants a signature by {wanted}.");
                } else {
                    println!("The policy lets it run as {name} without a signature, by its digest.");
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            if args.json {
                let report = json!({
                    "verified": false, "plugin": name.as_str(), "sha256": digest, "reason": refusal.reason,
                    "step": refusal.step.label(), "found": refusal.found, "mend": refusal.mend, "required": wanted,
                });
                println!("{}", serde_json::to_string_pretty(&report)?);
            } else {
                println!("{name} is refused ({}): {}", refusal.reason, refusal.found);
                match policy.requirement(&name) {
                    Some(_) => println!("The policy wants a signature by {wanted}."),
                    None => println!("The policy names nobody who may sign it."),
                }
                println!("{}", refusal.mend);
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

fn tell(signer: &LockSigner) {
    println!("signed by {} ({})", signer.name, signer.kind);
    println!("  identity   {}", signer.identity.escape_debug());
    if let Some(issuer) = &signer.issuer {
        println!("  issuer     {}", issuer.escape_debug());
    }
    for (claim, value) in &signer.claims {
        println!("  {claim}  {}", value.escape_debug());
    }
    if let Some(time) = &signer.signed_at {
        println!("  signed at  {time}");
    }
}

fn decide(candidate: Candidate, policy: &Policy) -> Result<Provenance, Refusal> {
    let verified = candidate.verify(policy)?;
    let provenance = verified.provenance().clone();
    // What it calls itself belongs to whether it may run under this name.
    verified.fits(policy)?;
    Ok(provenance)
}

fn reference(args: &VerifyArgs) -> Result<Option<Reference>> {
    Ok(if args.file.starts_with("oci://") { Some(args.file.parse()?) } else { None })
}

fn name(args: &VerifyArgs) -> Result<PluginName> {
    if let Some(name) = &args.name {
        return Ok(name.clone());
    }
    let stem = match reference(args)? {
        Some(reference) => reference.repository().rsplit('/').next().unwrap_or_default().to_owned(),
        None => Path::new(&args.file).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    match stem.parse() {
        Ok(name) => Ok(name),
        Err(error) => bail!("{}: {error}; say --name", args.file),
    }
}

fn find(args: &VerifyArgs, config: &Config, policy: &Policy, name: &PluginName) -> Result<Result<Candidate, Refusal>> {
    let Some(reference) = reference(args)? else {
        return Ok(Candidate::read(name.clone(), Path::new(&args.file), policy.admission()));
    };
    runtime()?.block_on(async {
        let registry = Registry::new(config.registry.clone())?;
        let digest = registry.resolve(&reference).await.map_err(with_mend)?;
        Ok(fetch_signed(&registry, name, &reference, digest, policy).await)
    })
}
