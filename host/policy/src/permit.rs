//! The proof that a call may run.

use std::sync::Arc;

use cofferdam_trust::Digest;
use serde::Serialize;
use thiserror::Error;

use crate::{Grants, Limits, PluginName, ToolId, ToolName};

/// How a principal reached the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Stdio,
    Http,
    Sse,
    /// The command line of this program.
    Local,
    /// The host itself, while it admits a plugin.
    Admission,
}

/// Who a call is for. There is one on every transport.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    id: Arc<str>,
    transport: Transport,
}

impl Principal {
    /// The one caller of a transport that knows its callers by the way they came only.
    pub fn of(transport: Transport) -> Self {
        let id = match transport {
            Transport::Stdio => "stdio",
            Transport::Http => "http",
            Transport::Sse => "sse",
            Transport::Local => "local",
            Transport::Admission => "admission",
        };
        Self { id: id.into(), transport }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whose data it shares. Until principals belong to tenants there is one.
    pub fn tenant(&self) -> &str {
        "default"
    }

    pub fn transport(&self) -> Transport {
        self.transport
    }
}

/// What a principal wants to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Call one tool. The policy knows it by the plugin's own name for it.
    Tool { plugin: PluginName, tool: ToolName, id: ToolId },
    /// Use what else a plugin offers: a resource, a prompt, a completion.
    Plugin(PluginName),
}

impl Target {
    pub fn plugin(&self) -> &PluginName {
        match self {
            Self::Tool { plugin, .. } | Self::Plugin(plugin) => plugin,
        }
    }
}

/// This principal may do this, with this component, within these limits and grants.
///
/// Only the policy makes one, running consumes it, and it cannot be copied:
///
/// ```compile_fail
/// fn twice(permit: cofferdam_policy::Permit) {
///     fn run(_: cofferdam_policy::Permit) {}
///     run(permit);
///     run(permit);
/// }
/// ```
///
/// ```compile_fail
/// fn forge(limits: cofferdam_policy::Limits) -> cofferdam_policy::Permit {
///     cofferdam_policy::Permit { limits, ..Default::default() }
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    principal: Principal,
    target: Target,
    digest: Digest,
    limits: Limits,
    grants: Arc<Grants>,
}

impl Permit {
    pub(crate) fn new(
        principal: Principal,
        target: Target,
        digest: Digest,
        limits: Limits,
        grants: Arc<Grants>,
    ) -> Self {
        Self { principal, target, digest, limits, grants }
    }

    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The component this permit is for; it runs no other.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn grants(&self) -> &Arc<Grants> {
        &self.grants
    }
}

/// Why there is no permit. The text is for the operator; callers learn only that there is none.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Denied {
    #[error("the policy switches plugin {0} off (`enabled = false`)")]
    PluginOff(PluginName),
    #[error("the policy switches tool {1} of plugin {0} off (`enabled = false`)")]
    ToolOff(PluginName, ToolName),
}
