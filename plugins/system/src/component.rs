//! The component: exports that hand over to the logic, and the host behind [`Host`].
#![allow(unsafe_code, unreachable_pub)] // the exports that `export!` writes

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::bindings::cofferdam::plugin::host_info::{self, Info, Refusal};
use crate::bindings::cofferdam::plugin::types::{Context, ToolError};
use crate::bindings::exports::cofferdam::plugin::tools::{Guest, Outcome, Tool};
use crate::host::Host;
use crate::tools;

struct Component;

impl Guest for Component {
    fn list() -> Vec<Tool> {
        tools::list()
    }

    fn call(name: String, arguments: String, _: Context) -> Result<Outcome, ToolError> {
        tools::call(&name, &arguments, &Outside).map(Outcome::Complete)
    }
}

struct Outside;

impl Host for Outside {
    fn now(&self) -> Option<Duration> {
        SystemTime::now().duration_since(UNIX_EPOCH).ok()
    }

    fn info(&self) -> Result<Info, Refusal> {
        host_info::read()
    }
}

crate::bindings::export!(Component);
