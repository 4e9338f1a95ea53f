use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::{
    cli::{ClientArgs, Global},
    client::{Client, Reach},
    config::Config,
};

pub(crate) fn run(global: &Global, args: &ClientArgs) -> Result<ExitCode> {
    let config = Config::load(global.config.as_deref())?;
    let program = std::env::current_exe().context("cannot find this program")?;
    if args.client == Client::ClaudeDesktop && args.url.is_some() {
        bail!(
            "the file of Claude Desktop is for programs that it starts: leave --url out, or add the URL under \
             Settings > Connectors, where it is dialled from the vendor's cloud and so has to be public"
        );
    }
    let reach = match &args.url {
        Some(url) => Reach::Connect { url },
        // The client starts the host from a directory of its own choosing.
        None if config.file.is_none() => {
            bail!("there is no cofferdam.toml: run this where one is, or name it with --config")
        }
        None => Reach::Start { program: &program, config: config.file.as_deref() },
    };
    let (entry, place) = args.client.config(&reach);
    println!("{}", serde_json::to_string_pretty(&entry)?);
    // Not on standard output, which may go straight into a file.
    eprintln!("{place}");
    Ok(ExitCode::SUCCESS)
}
