use std::{io, process::ExitCode};

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;

pub(crate) fn run(shell: Shell) -> Result<ExitCode> {
    clap_complete::generate(shell, &mut Cli::command(), "cofferdam", &mut io::stdout());
    Ok(ExitCode::SUCCESS)
}
