//! The `cofferdam` program.
#![forbid(unsafe_code)]
// A command's output is its purpose; libraries have no business there.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod client;
mod commands;
mod config;
mod facts;
mod files;
mod found;
mod host;
mod services;
mod show;

use std::process::ExitCode;

use clap::Parser;
use cofferdam_sandbox::compile::WORKER_COMMAND;

use crate::{
    cli::{Cli, Command, PolicyCommand},
    commands::sigstore_conformance,
};

fn main() -> ExitCode {
    // Not a command for people, so the command line does not know it.
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some(WORKER_COMMAND) => return commands::compile_worker::run(&args.next().unwrap_or_default()),
        Some(sigstore_conformance::COMMAND) => {
            return end(sigstore_conformance::run(&sigstore_conformance::ConformanceArgs::parse_from(
                std::env::args().skip(1),
            )));
        }
        _ => {}
    }
    let cli = Cli::parse();
    end(match cli.command {
        Command::Serve(args) => commands::serve::run(&cli.global, args),
        Command::Stdio => commands::stdio::run(&cli.global),
        Command::Plugins { json } => commands::plugins::run(&cli.global, json.into()),
        Command::Inspect { file, json } => commands::inspect::run(&file, json.into()),
        Command::Init(args) => commands::init::run(&args),
        Command::Verify(args) => commands::verify::run(&cli.global, &args),
        Command::Diff(args) => commands::diff::run(&cli.global, &args),
        Command::Keygen(args) => commands::keygen::run(&args),
        Command::Sign(args) => commands::sign::run(&args),
        Command::Stamp(args) => commands::stamp::run(&args),
        Command::Pull(args) => commands::pull::run(&cli.global, args),
        Command::Push(args) => commands::push::run(&cli.global, &args),
        Command::Approve(args) => commands::approve::run(&cli.global, &args),
        Command::Call(args) => commands::call::run(&cli.global, args),
        Command::ClientConfig(args) => commands::client_config::run(&cli.global, &args),
        Command::Policy(PolicyCommand::Check { policy, json }) => {
            commands::policy::check(&cli.global, policy, json.into())
        }
        Command::Policy(PolicyCommand::Explain(args)) => commands::explain::run(&cli.global, &args),
        Command::Policy(PolicyCommand::Schema) => commands::policy::schema(),
        Command::Completions { shell } => commands::completions::run(shell),
    })
}

fn end(done: anyhow::Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        eprintln!("cofferdam: {error:#}");
        ExitCode::FAILURE
    })
}
