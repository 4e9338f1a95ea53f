//! The component: exports that hand over to the logic, and the host behind [`Host`].
#![allow(unsafe_code, unreachable_pub)] // the exports that `export!` writes

use std::time::Duration;

use crate::bindings::cofferdam::plugin::changes::{self, Listing};
use crate::bindings::cofferdam::plugin::log::{self, Level};
use crate::bindings::cofferdam::plugin::progress;
use crate::bindings::cofferdam::plugin::types::{Context, ToolError};
use crate::bindings::exports::cofferdam::plugin::completions::{self as completing, Reference};
use crate::bindings::exports::cofferdam::plugin::prompts as prompting;
use crate::bindings::exports::cofferdam::plugin::resources as reading;
use crate::bindings::exports::cofferdam::plugin::tools as calling;
use crate::fixture::Call;
use crate::host::Host;
use crate::{completions, prompts, resources, tools};

struct Component;

impl calling::Guest for Component {
    fn list() -> Vec<calling::Tool> {
        tools::list()
    }

    fn call(name: String, arguments: String, context: Context) -> Result<calling::Outcome, ToolError> {
        let call = Call { arguments: &arguments, context: &context, host: &Outside };
        tools::call(&name, &call)
    }
}

impl reading::Guest for Component {
    fn list() -> Vec<reading::ResourceInfo> {
        resources::list()
    }

    fn templates() -> Vec<reading::ResourceTemplate> {
        resources::templates()
    }

    fn read(uri: String, _: Context) -> Result<reading::Outcome, ToolError> {
        resources::read(&uri).map(reading::Outcome::Complete)
    }
}

impl prompting::Guest for Component {
    fn list() -> Vec<prompting::Prompt> {
        prompts::list()
    }

    fn get(name: String, arguments: Vec<(String, String)>, context: Context) -> Result<prompting::Outcome, ToolError> {
        prompts::get(&name, &arguments, &context)
    }
}

impl completing::Guest for Component {
    fn complete(
        subject: Reference,
        argument: String,
        value: String,
        _: Vec<(String, String)>,
        _: Context,
    ) -> Result<completing::Completion, ToolError> {
        completions::complete(&subject, &argument, &value)
    }
}

struct Outside;

impl Host for Outside {
    fn log(&self, message: &str) {
        log::emit(Level::Info, message, None);
    }

    fn progress(&self, done: f64, total: f64) {
        progress::report(done, Some(total), None);
    }

    fn announce(&self, what: Listing) {
        changes::announce(what);
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

crate::bindings::export!(Component);
