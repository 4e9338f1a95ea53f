//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use cofferdam_policy::PluginName;
use cofferdam_registry::Reference;

use crate::{
    client::Client,
    commands::{explain::CallerName, keygen::KeygenArgs, sign::SignArgs, stamp::StampArgs},
    show::Output,
};

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
    /// Write a configuration, a policy, a lock and a development key to start from.
    Init(InitArgs),
    /// Say who signed a component, and whether the policy takes their word.
    Verify(VerifyArgs),
    /// Show what changed since a plugin was approved, or between two components.
    Diff(DiffArgs),
    /// Look at a plugin and accept it as it is: writes it into cofferdam.lock.
    Approve(ApproveArgs),
    /// Make a pair of keys to sign with.
    Keygen(KeygenArgs),
    /// Sign components.
    Sign(SignArgs),
    /// Embed a name and a version in a component, before something else signs it.
    Stamp(StampArgs),
    /// Fetch a plugin from a registry, once the policy takes the word of who signed it.
    Pull(PullArgs),
    /// Put a component into a registry.
    Push(PushArgs),
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
    /// Accept that others signed it than before: the name of a signer it has now, or "unsigned".
    #[arg(long, value_name = "NAME")]
    pub(crate) signer: Option<String>,
    /// Accept that it is a lower version than before.
    #[arg(long)]
    pub(crate) older: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Where to write; files that are there already are left alone.
    #[arg(default_value = ".", value_name = "DIRECTORY")]
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The component, or oci://REGISTRY/REPOSITORY:TAG.
    pub(crate) file: String,
    /// The plugin it is to run as; the name of the file when absent.
    #[arg(long, value_name = "PLUGIN")]
    pub(crate) name: Option<PluginName>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// A plugin, against what was approved of it; or a component's file, with another to compare.
    pub(crate) old: String,
    /// The other component's file.
    pub(crate) new: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// Where it is, such as oci://registry.example.com/acme/github:1.
    pub(crate) reference: Reference,
    /// The plugin it is to run as; the last part of the repository when absent.
    #[arg(long, value_name = "PLUGIN")]
    pub(crate) name: Option<PluginName>,
    /// The directory to write to; the first of `plugins.directories` when absent.
    #[arg(long, short, value_name = "DIRECTORY")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// The component.
    pub(crate) file: PathBuf,
    /// Where to put it, such as oci://registry.example.com/acme/github:1.
    pub(crate) reference: Reference,
    /// Sign it there with this private key, as `cosign sign` would.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<PathBuf>,
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
    /// Say what a tool can do, in plain words, and where that was decided.
    Explain(ExplainArgs),
    /// Print the JSON Schema of policy.toml, for editors.
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The tool, as clients see it.
    pub(crate) tool: String,
    /// For whom: a caller, as the policy knows it.
    #[arg(long, value_enum)]
    pub(crate) caller: Option<CallerName>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
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
