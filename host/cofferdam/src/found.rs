//! Where the plugin that a person names comes from.

use anyhow::{Context, Error, Result, anyhow, bail};
use cofferdam_catalog::{Candidate, Rules, Workshop, fetch_signed};
use cofferdam_policy::PluginName;
use cofferdam_registry::RegistryError;

use crate::config::Config;

/// What is there of a plugin now: its file, or what its reference leads to.
pub(crate) async fn candidate(
    config: &Config,
    workshop: &Workshop,
    rules: &Rules,
    name: &PluginName,
) -> Result<Candidate> {
    if let Some(remote) = config.plugins.oci.iter().find(|r| r.name == *name) {
        let registry = workshop.registry.as_ref().context("no registry is configured")?;
        let digest = registry.resolve(&remote.reference).await.map_err(with_mend)?;
        return Ok(fetch_signed(registry, name, &remote.reference, digest, &rules.policy).await?);
    }
    let paths = config.plugins.directories.iter().map(|d| d.join(format!("{name}.wasm")));
    let Some(path) = paths.into_iter().find(|p| p.is_file()) else {
        let directories: Vec<String> = config.plugins.directories.iter().map(|d| d.display().to_string()).collect();
        bail!("there is no {name}.wasm in {}", directories.join(", "));
    };
    Ok(Candidate::read(name.clone(), &path, rules.policy.admission())?)
}

/// What a registry said, and what to do about it.
#[allow(clippy::needless_pass_by_value)] // As `map_err` gives it.
pub(crate) fn with_mend(error: RegistryError) -> Error {
    anyhow!("{error}; {}", error.mend())
}
