//! What a plugin may reach beyond its own memory.
//!
//! A grant is a type of its own for each kind of thing, parsed once from `policy.toml` into values
//! that cannot say anything wrong. What is not granted is not there: the default of [`Grants`] is
//! nothing, beside time, chance, log and progress, which the host bounds and the policy can take
//! away.
//!
//! A plugin's entry speaks for all of its tools. A tool's own entry is the whole of what that tool
//! gets: each thing in it has to be within what the plugin's entry says of the same capability, and
//! may be anything where that says nothing. So a tool never has more than its plugin where both
//! speak, and something can be granted to one tool alone. The rejected alternative, a tool's entry
//! that adds to its plugin's, makes a reader sum up two places to know what a tool can do.

mod capability;
mod filesystem;
mod given;
mod host;
mod http;
mod keyvalue;
mod list;
mod named;
mod network;
mod path;
mod sockets;
mod sql;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use capability::Capability;
pub use filesystem::{Access, Directory, FilesystemGrant, HostPath};
pub use given::{Clock, Random};
pub use host::{Host, HostPattern};
pub use http::{Attach, AttachAs, Breaker, HttpDenied, HttpGrant, HttpRule, Methods, Retry, Scheme, UrlPattern};
pub use keyvalue::{Bucket, KeyValueGrant};
pub use named::{ConfigGrant, EnvironmentGrant, SecretsGrant, VariableName};
pub use network::Networks;
pub use path::PathPattern;
pub use sockets::{SocketRule, SocketsGrant};
pub use sql::{DatabaseRule, SqlAccess, SqlGrant};

/// What a plugin or one of its tools may reach. The default is nothing, beside what every plugin is
/// given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Which time it sees: real, coarse, frozen, or one moment. Default coarse.
    pub clock: Option<Clock>,
    /// Values it can look up by name (`wasi:config`). No secrets.
    pub config: Option<ConfigGrant>,
    /// Variables of the host's environment that it sees.
    pub environment: Option<EnvironmentGrant>,
    /// Directories it sees (`wasi:filesystem`).
    pub filesystem: Option<FilesystemGrant>,
    /// May read the host's uptime, load, memory and versions (`cofferdam:plugin/host-info`).
    pub host_info: Option<bool>,
    /// Requests it may send (`wasi:http`).
    pub http: Option<HttpGrant>,
    /// Buckets of its own for keys and values (`wasi:keyvalue`).
    pub keyvalue: Option<KeyValueGrant>,
    /// May write lines of log (`cofferdam:plugin/log`). Default true.
    pub log: Option<bool>,
    /// May report progress (`cofferdam:plugin/progress`). Default true.
    pub progress: Option<bool>,
    /// Where its random bytes come from: real or a seed. Default real.
    pub random: Option<Random>,
    /// Secrets it may ask after, without seeing one (`cofferdam:plugin/secrets`).
    pub secrets: Option<SecretsGrant>,
    /// Hosts and ports it may connect to by TCP (`wasi:sockets`).
    pub sockets: Option<SocketsGrant>,
    /// Databases it may use (`cofferdam:plugin/sql`).
    pub sql: Option<SqlGrant>,
}

/// What grants let a tool do to the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// It can exchange data with somebody outside this host.
    pub network: bool,
    /// It can change something that outlives the call.
    pub writes: bool,
}

impl Grants {
    /// What these grants let a tool do to the world.
    ///
    /// A database is not the open world: the operator named the one there is.
    pub fn reach(&self) -> Reach {
        // Taken apart, so that a grant that is added has to be thought of here.
        let Self {
            clock: _,
            config: _,
            environment: _,
            filesystem,
            host_info: _,
            http,
            keyvalue,
            log: _,
            progress: _,
            random: _,
            secrets: _,
            sockets,
            sql,
        } = self;
        let writes = filesystem.as_ref().is_some_and(FilesystemGrant::writes)
            || http.as_ref().is_some_and(HttpGrant::writes)
            || keyvalue.as_ref().is_some_and(KeyValueGrant::writes)
            || sql.as_ref().is_some_and(SqlGrant::writes)
            || sockets.is_some();
        Reach { network: http.is_some() || sockets.is_some(), writes }
    }

    /// What a tool gets whose own entry is `tool`, under this entry of its plugin.
    pub fn of_tool(&self, tool: Option<&Self>) -> Self {
        let Some(tool) = tool else { return self.clone() };
        Self {
            // What is given stays given, as the plugin has it, unless the tool says otherwise.
            clock: tool.clock.or(self.clock),
            log: tool.log.or(self.log),
            progress: tool.progress.or(self.progress),
            random: tool.random.clone().or_else(|| self.random.clone()),
            ..tool.clone()
        }
    }

    /// What of a tool's entry goes beyond this entry of its plugin, and in which words.
    pub(crate) fn widened_by(&self, tool: &Self) -> Vec<(Capability, String)> {
        fn over<T>(
            plugin: Option<&T>,
            tool: Option<&T>,
            within: impl Fn(&T, &T) -> Result<(), String>,
        ) -> Option<String> {
            within(tool?, plugin?).err()
        }
        let on = |own: &bool, wider: &bool| if *own && !wider { Err("true".to_owned()) } else { Ok(()) };
        let all = [
            (Capability::Clock, over(self.clock.as_ref(), tool.clock.as_ref(), |o, w| o.within(*w))),
            (Capability::Config, over(self.config.as_ref(), tool.config.as_ref(), ConfigGrant::within)),
            (
                Capability::Environment,
                over(self.environment.as_ref(), tool.environment.as_ref(), EnvironmentGrant::within),
            ),
            (Capability::Filesystem, over(self.filesystem.as_ref(), tool.filesystem.as_ref(), FilesystemGrant::within)),
            (Capability::HostInfo, over(self.host_info.as_ref(), tool.host_info.as_ref(), on)),
            (Capability::Http, over(self.http.as_ref(), tool.http.as_ref(), HttpGrant::within)),
            (Capability::KeyValue, over(self.keyvalue.as_ref(), tool.keyvalue.as_ref(), KeyValueGrant::within)),
            (Capability::Log, over(self.log.as_ref(), tool.log.as_ref(), on)),
            (Capability::Progress, over(self.progress.as_ref(), tool.progress.as_ref(), on)),
            (Capability::Random, over(self.random.as_ref(), tool.random.as_ref(), Random::within)),
            (Capability::Secrets, over(self.secrets.as_ref(), tool.secrets.as_ref(), SecretsGrant::within)),
            (Capability::Sockets, over(self.sockets.as_ref(), tool.sockets.as_ref(), SocketsGrant::within)),
            (Capability::Sql, over(self.sql.as_ref(), tool.sql.as_ref(), SqlGrant::within)),
        ];
        all.into_iter().filter_map(|(capability, why)| Some((capability, why?))).collect()
    }

    /// Whether there is anything of this kind.
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Clock | Capability::Random => true,
            Capability::Config => self.config.is_some(),
            Capability::Environment => self.environment.is_some(),
            Capability::Filesystem => self.filesystem.is_some(),
            Capability::HostInfo => self.host_info.unwrap_or(false),
            Capability::Http => self.http.is_some(),
            Capability::KeyValue => self.keyvalue.is_some(),
            Capability::Log => self.log.unwrap_or(true),
            Capability::Progress => self.progress.unwrap_or(true),
            Capability::Secrets => self.secrets.is_some(),
            Capability::Sockets => self.sockets.is_some(),
            Capability::Sql => self.sql.is_some(),
        }
    }

    /// Whether the policy says something of this kind, even if it is what every plugin gets.
    pub fn states(&self, capability: Capability) -> bool {
        match capability {
            Capability::Clock => self.clock.is_some(),
            Capability::HostInfo => self.host_info.is_some(),
            Capability::Log => self.log.is_some(),
            Capability::Progress => self.progress.is_some(),
            Capability::Random => self.random.is_some(),
            other => self.has(other),
        }
    }

    /// Everything there is: what a component is linked with.
    pub fn capabilities(&self) -> BTreeSet<Capability> {
        Capability::ALL.into_iter().filter(|c| self.has(*c)).collect()
    }

    /// The names of what was granted, as the policy spells them; what every plugin is given is not
    /// among them.
    pub fn names(&self) -> Vec<&'static str> {
        self.capabilities().into_iter().filter(|c| !c.is_given()).map(Capability::key).collect()
    }

    /// Which time it sees.
    pub fn clock(&self) -> Clock {
        self.clock.unwrap_or_default()
    }

    /// Where its random bytes come from.
    pub fn random(&self) -> Random {
        self.random.clone().unwrap_or_default()
    }

    /// What each grant lets a tool do, in plain words that follow "it can".
    pub fn describe(&self) -> Vec<(Capability, Vec<String>)> {
        let said = |on: bool, text: &str| if on { vec![text.to_owned()] } else { Vec::new() };
        let words = |capability| match capability {
            Capability::Clock => vec![self.clock().describe()],
            Capability::Config => self.config.as_ref().map(ConfigGrant::describe).unwrap_or_default(),
            Capability::Environment => self.environment.as_ref().map(EnvironmentGrant::describe).unwrap_or_default(),
            Capability::Filesystem => self.filesystem.as_ref().map(FilesystemGrant::describe).unwrap_or_default(),
            Capability::HostInfo => said(self.has(capability), "read the host's uptime, load, memory and versions"),
            Capability::Http => self.http.as_ref().map(HttpGrant::describe).unwrap_or_default(),
            Capability::KeyValue => self.keyvalue.as_ref().map(KeyValueGrant::describe).unwrap_or_default(),
            Capability::Log => said(self.has(capability), "write lines of log, within its limits"),
            Capability::Progress => said(self.has(capability), "report progress, within its limits"),
            Capability::Random => vec![self.random().describe()],
            Capability::Secrets => self.secrets.as_ref().map(SecretsGrant::describe).unwrap_or_default(),
            Capability::Sockets => self.sockets.as_ref().map(SocketsGrant::describe).unwrap_or_default(),
            Capability::Sql => self.sql.as_ref().map(SqlGrant::describe).unwrap_or_default(),
        };
        Capability::ALL.into_iter().map(|c| (c, words(c))).filter(|(_, words)| !words.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests;
