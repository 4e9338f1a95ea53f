use std::process::ExitCode;

use anyhow::Result;

use crate::{
    cli::Global,
    host::{Host, Purpose, begin, runtime, until_told_to_end},
};

pub(crate) fn run(global: &Global) -> Result<ExitCode> {
    let config = begin(global, None)?;
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let closing = until_told_to_end()?;
        let host = Host::new(&config, Purpose::Serve).await?;
        let over = closing.child_token();
        let server = host.server(&config, over.clone());
        tokio::spawn(host.secrets.keep(closing.clone()));
        tokio::spawn(host.keeper.keep(closing.clone()));
        cofferdam_transport::stdio::serve(server, host.gate, config.http.grace.get(), closing, over).await?;
        Ok(ExitCode::SUCCESS)
    });
    // Standard input may be read on a thread that cannot be told to stop.
    runtime.shutdown_background();
    done
}
