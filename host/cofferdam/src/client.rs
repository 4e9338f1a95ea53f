//! What each client wants in its configuration.

use std::path::Path;

use clap::ValueEnum;
use serde_json::{Value, json};

/// A client that we know the configuration of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    ClaudeDesktop,
    ClaudeCode,
    Cursor,
    Vscode,
}

/// How the client reaches the host.
#[derive(Clone, Debug)]
pub(crate) enum Reach<'a> {
    /// It starts this program.
    Start { program: &'a Path, config: Option<&'a Path> },
    /// It connects to a host that runs.
    Connect { url: &'a str },
}

impl Client {
    /// The entry, and where it goes.
    pub(crate) fn config(self, reach: &Reach<'_>) -> (Value, &'static str) {
        let typed = matches!(self, Self::ClaudeCode | Self::Vscode);
        let mut server = match reach {
            Reach::Start { program, config } => {
                let mut args = vec!["stdio".to_owned()];
                if let Some(config) = config {
                    args.extend(["--config".to_owned(), config.display().to_string()]);
                }
                json!({ "command": program.display().to_string(), "args": args })
            }
            Reach::Connect { url } => json!({ "url": url }),
        };
        if typed {
            server["type"] = match reach {
                Reach::Start { .. } => "stdio".into(),
                Reach::Connect { .. } => "http".into(),
            };
        }
        match self {
            Self::ClaudeDesktop => (
                json!({ "mcpServers": { "cofferdam": server } }),
                "Claude Desktop: Settings > Developer > Edit Config (claude_desktop_config.json), then restart it",
            ),
            Self::ClaudeCode => {
                (json!({ "mcpServers": { "cofferdam": server } }), "Claude Code: .mcp.json in the project's directory")
            }
            Self::Cursor => (
                json!({ "mcpServers": { "cofferdam": server } }),
                "Cursor: ~/.cursor/mcp.json, or .cursor/mcp.json in the project",
            ),
            Self::Vscode => {
                (json!({ "servers": { "cofferdam": server } }), "VS Code: .vscode/mcp.json in the workspace")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_gets_its_own_shape() {
        let start = Reach::Start { program: Path::new("/bin/cofferdam"), config: Some(Path::new("/etc/c.toml")) };
        let server = json!({ "command": "/bin/cofferdam", "args": ["stdio", "--config", "/etc/c.toml"] });
        let mut typed = server.clone();
        typed["type"] = "stdio".into();
        assert_eq!(Client::ClaudeDesktop.config(&start).0, json!({ "mcpServers": { "cofferdam": server } }));
        assert_eq!(Client::Cursor.config(&start).0, json!({ "mcpServers": { "cofferdam": server } }));
        assert_eq!(Client::ClaudeCode.config(&start).0, json!({ "mcpServers": { "cofferdam": typed } }));
        assert_eq!(Client::Vscode.config(&start).0, json!({ "servers": { "cofferdam": typed } }));
        let connect = Reach::Connect { url: "http://127.0.0.1:3000/mcp" };
        assert_eq!(
            Client::Vscode.config(&connect).0,
            json!({ "servers": { "cofferdam": { "type": "http", "url": "http://127.0.0.1:3000/mcp" } } })
        );
    }
}
