use std::{
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
};

use anyhow::{Context, Result};
use cofferdam_catalog::Catalog;
use cofferdam_transport::http::{self, Ended};
use tokio::net::TcpListener;

use crate::{
    cli::{Global, ServeArgs},
    host::{Host, Purpose, begin, runtime, until_told_to_end},
    show::{first_line, table},
};

pub(crate) fn run(global: &Global, args: ServeArgs) -> Result<ExitCode> {
    let config = begin(global, None)?;
    let settings = config.transport()?;
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let closing = until_told_to_end()?;
        let mut address = args.listen.unwrap_or(config.http.listen);
        if let Some(port) = args.port {
            address.set_port(port);
        }
        let host = Host::new(&config, Purpose::Serve).await?;
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}: choose another with --port or `http.listen`"))?;
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "everybody who reaches this address can call every tool: there is no authentication");
        }
        let server = host.server(&config, closing.clone());
        tracing::info!(%address, "listening");
        tell(&format!("Cofferdam listens on http://{address}/mcp"))?;
        tokio::spawn(host.secrets.keep(closing.clone()));
        tokio::spawn(host.keeper.keep(closing.clone()));
        let gate = host.gate.clone();
        tokio::spawn(async move {
            let catalog = gate.catalog().await;
            // Nobody who closed standard output misses it.
            let _closed = tell(&served(&catalog, address));
        });
        let ended = http::serve(listener, server, host.gate, settings, closing).await?;
        anyhow::Ok(ended)
    });
    // Nothing that is left is anybody's.
    runtime.shutdown_background();
    match ended? {
        Ended::Drained => {
            tracing::info!("ended");
            Ok(ExitCode::SUCCESS)
        }
        Ended::Cut => {
            tracing::warn!("ended with calls unanswered");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn served(catalog: &Catalog, address: SocketAddr) -> String {
    let mut rows = table(&["TOOL", "WHAT IT DOES"]);
    for (id, tool) in &catalog.tools {
        rows.add_row([id.as_str(), &first_line(&tool.definition.description)]);
    }
    let refused = match catalog.refusals.len() {
        0 => String::new(),
        n => format!("\n{n} refused: `cofferdam plugins` says why."),
    };
    let (tools, plugins) = (catalog.tools.len(), catalog.plugins.len());
    let s = |n: usize| if n == 1 { "" } else { "s" };
    format!("{rows}\n\n{tools} tool{} of {plugins} plugin{} at http://{address}/mcp{refused}", s(tools), s(plugins))
}

fn tell(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
