use std::{collections::BTreeMap, process::ExitCode};

use anyhow::Result;
use cofferdam_catalog::Candidate;
use cofferdam_policy::{AdmissionLimits, PluginName};
use cofferdam_registry::Registry;

use super::sign;
use crate::{
    cli::{Global, PushArgs},
    found::with_mend,
    host::{begin, runtime},
};

/// What a component says of itself, where registries show it.
const TITLE: &str = "org.opencontainers.image.title";
const VERSION: &str = "org.opencontainers.image.version";

pub(crate) fn run(global: &Global, args: &PushArgs) -> Result<ExitCode> {
    let config = begin(global, Some("error"))?;
    let key = args.key.as_deref().map(sign::open_key).transpose()?;
    let name: PluginName = args
        .file
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default()
        .parse()
        .or_else(|_| "component".parse())?;
    let candidate = Candidate::read(name.clone(), &args.file, &AdmissionLimits::default())?;
    let bytes = candidate.bytes().to_vec();
    let inspected = candidate.for_the_operator()?.inspected().clone();
    let mut annotations = BTreeMap::from([(TITLE.to_owned(), format!("{name}.wasm"))]);
    if let Some(version) = inspected.version {
        annotations.insert(VERSION.to_owned(), version);
    }
    runtime()?.block_on(async {
        let registry = Registry::new(config.registry.clone())?;
        let manifest = registry.push(&args.reference, &bytes, &annotations).await.map_err(with_mend)?;
        let pinned = args.reference.at(manifest);
        println!("Pushed {} as {pinned}", args.file.display());
        match key {
            Some(key) => {
                let bundle = key.sign_manifest(args.reference.repository(), manifest)?;
                registry.attach(&args.reference, manifest, bundle.as_bytes()).await.map_err(with_mend)?;
                println!("Signed it there with key sha256:{}", key.public_key().fingerprint());
            }
            None => {
                let bare = pinned.to_string();
                println!("Sign it there: cosign sign {}", bare.trim_start_matches("oci://"));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
