use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{
    cli::{ClientArgs, Global},
    client::Reach,
    config::Config,
};

pub(crate) fn run(global: &Global, args: &ClientArgs) -> Result<ExitCode> {
    let config = Config::load(global.config.as_deref())?;
    let program = std::env::current_exe().context("cannot find this program")?;
    let reach = match &args.url {
        Some(url) => Reach::Connect { url },
        None => Reach::Start { program: &program, config: config.file.as_deref() },
    };
    let (entry, place) = args.client.config(&reach);
    println!("{}", serde_json::to_string_pretty(&entry)?);
    // Not on standard output, which may go straight into a file.
    eprintln!("{place}");
    Ok(ExitCode::SUCCESS)
}
