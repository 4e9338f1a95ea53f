use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use cofferdam_catalog::{LockSigner, fetch_signed, read_policy};
use cofferdam_policy::PluginName;
use cofferdam_registry::Registry;

use crate::{
    cli::{Global, PullArgs},
    found::with_mend,
    host::{begin, runtime},
    show::{signed_by, size},
};

pub(crate) fn run(global: &Global, args: PullArgs) -> Result<ExitCode> {
    let config = begin(global, Some("error"))?;
    let policy = read_policy(&config.plugins.policy)?.policy;
    let PullArgs { reference, name, output } = args;
    let name: PluginName = match name {
        Some(name) => name,
        None => match reference.repository().rsplit('/').next().unwrap_or_default().parse() {
            Ok(name) => name,
            Err(error) => bail!("{reference}: {error}; say --name"),
        },
    };
    let directory = output.or_else(|| config.plugins.directories.first().cloned());
    let directory = directory.context("no directory is configured: say --output")?;
    runtime()?.block_on(async {
        let registry = Registry::new(config.registry.clone())?;
        let digest = registry.resolve(&reference).await.map_err(with_mend)?;
        eprintln!("{reference} is {}", reference.at(digest));
        let candidate = fetch_signed(&registry, &name, &reference, digest, &policy).await?;
        let bytes = candidate.bytes().len() as u64;
        let sha256 = candidate.digest();
        // Nothing is written that a host here would refuse.
        let verified = candidate.verify(&policy)?;
        verified.fits(&policy)?;
        let written = verified.write_to(&directory)?;
        println!("{name}  {}  sha256 {sha256}", size(bytes));
        println!("signed by {}", signed_by(&LockSigner::all_of(verified.provenance())));
        for path in written {
            println!("wrote {}", path.display());
        }
        Ok(ExitCode::SUCCESS)
    })
}
