//! `cofferdam stamp`: puts a name and a version into a component, for whoever signs it with something else.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use cofferdam_catalog::stamp;
use cofferdam_policy::PluginName;
use cofferdam_trust::Digest;

use super::sign::{put, read_component};

#[derive(Debug, Args)]
pub(crate) struct StampArgs {
    /// The component; it is replaced.
    pub(crate) file: PathBuf,
    /// The name of the plugin: what the component may run as.
    #[arg(long, value_name = "PLUGIN")]
    pub(crate) name: Option<PluginName>,
    /// Its version.
    #[arg(long, value_name = "VERSION")]
    pub(crate) component_version: Option<semver::Version>,
}

pub(crate) fn run(args: &StampArgs) -> Result<ExitCode> {
    let (name, version) = (args.name.as_ref(), args.component_version.as_ref());
    if name.is_none() && version.is_none() {
        bail!("say --name, --component-version, or both");
    }
    let bytes = read_component(&args.file)?;
    let stamped = stamp(&bytes, name.map(PluginName::as_str), version.map(ToString::to_string).as_deref())
        .with_context(|| format!("{} stays as it was", args.file.display()))?;
    if stamped != bytes {
        put(&args.file, &stamped)?;
    }
    println!("{}  sha256 {}", args.file.display(), Digest::of(&stamped));
    Ok(ExitCode::SUCCESS)
}
