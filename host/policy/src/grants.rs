use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a plugin may reach beyond its own memory. The default is nothing.
///
/// Clocks, randomness, log, progress and change announcements carry no grant: they are given to
/// every plugin, within the limits of the call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// May read the host's uptime, load, memory and versions (`cofferdam:plugin/host-info`).
    pub host_info: bool,
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
    pub fn reach(&self) -> Reach {
        // Taken apart, so that a grant that is added has to be thought of here.
        let Self { host_info: _ } = self;
        Reach { network: false, writes: false }
    }

    /// What is left when a tool's own entry is laid over its plugin's. Never more than either.
    pub fn narrowed_by(&self, tool: Option<&Self>) -> Self {
        match tool {
            None => self.clone(),
            Some(tool) => Self { host_info: self.host_info && tool.host_info },
        }
    }

    /// The names of what is granted, as the policy spells them.
    pub fn names(&self) -> Vec<&'static str> {
        let Self { host_info } = self;
        if *host_info { vec!["host_info"] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_can_narrow_and_never_widen() {
        let (none, all) = (Grants::default(), Grants { host_info: true });
        assert_eq!(all.narrowed_by(None), all);
        assert_eq!(all.narrowed_by(Some(&none)), none);
        assert_eq!(none.narrowed_by(Some(&all)), none);
        assert!(none.names().is_empty());
    }
}
