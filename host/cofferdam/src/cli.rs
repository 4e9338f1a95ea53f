//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::{client::Client, show::Output};

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 failed, or the called tool failed; 2 wrong usage.

Settings come from cofferdam.toml; COFFERDAM_<SECTION>__<KEY> in the environment overrides one of them, as in \
COFFERDAM_HTTP__LISTEN=127.0.0.1:3001. The policy cannot be overridden.";

/// An MCP host that runs every tool as a WebAssembly component in a sandbox of its own.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The configuration; cofferdam.toml here, or in the user's configuration directory, when absent.
    #[arg(long, global = true, env = "COFFERDAM_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve many clients over HTTP.
    Serve(ServeArgs),
    /// Serve one client on standard input and output.
    Stdio,
    /// List what is served, what is refused, and why.
    Plugins {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what a component imports and exports, before anything of it runs.
    Inspect {
        /// The component.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look at a plugin and let it run: writes its digest into cofferdam.lock.
    Approve(ApproveArgs),
    /// Run one tool, here and now, and show what it cost.
    Call(CallArgs),
    /// Print what a client needs in its configuration.
    ClientConfig(ClientArgs),
    /// Check and explain the policy.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Print a completion script for a shell.
    Completions { shell: Shell },
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on; the configuration's when absent.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Port to listen on, at the configuration's address.
    #[arg(long, conflicts_with = "listen")]
    pub(crate) port: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The plugin: the name of its file, without .wasm.
    pub(crate) plugin: String,
    /// Approve without asking.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// The tool, as clients see it.
    pub(crate) tool: String,
    /// Its arguments: a JSON object, or - for standard input.
    #[arg(default_value = "{}", value_name = "JSON")]
    pub(crate) arguments: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    /// The client.
    #[arg(long, value_enum)]
    pub(crate) client: Client,
    /// Connect to this URL instead of starting the host on stdio.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Check a policy, and show what it says.
    Check {
        /// The policy; the configuration's when absent.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of policy.toml, for editors.
    Schema,
}

impl From<bool> for Output {
    fn from(json: bool) -> Self {
        if json { Self::Json } else { Self::Human }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
