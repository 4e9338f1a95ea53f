//! The table of tools, and the way from a name to an answer.

use crate::bindings::cofferdam::plugin::types::ToolError;
use crate::bindings::exports::cofferdam::plugin::tools::Tool;
use crate::fixture::{Answered, Call, Fixture};
use crate::{content, diagnostics, elicitation, input_required, sampling, tasks};

/// In the order of the listing. The suite calls the first listed tool without arguments, and the
/// first with an `x-mcp-header` for its header checks.
const FAMILIES: [&[Fixture]; 6] = [
    &content::FIXTURES,
    &sampling::FIXTURES,
    &elicitation::FIXTURES,
    &diagnostics::FIXTURES,
    &input_required::FIXTURES,
    &tasks::FIXTURES,
];

fn fixtures() -> impl Iterator<Item = &'static Fixture> {
    FAMILIES.into_iter().flatten()
}

pub fn list() -> Vec<Tool> {
    fixtures().map(Fixture::define).collect()
}

pub fn call(name: &str, call: &Call<'_>) -> Answered {
    let fixture = fixtures()
        .find(|fixture| fixture.name == name)
        .ok_or_else(|| ToolError::NotFound(format!("this plugin has no tool `{name}`")))?;
    (fixture.run)(call)
}

impl Fixture {
    fn define(&self) -> Tool {
        Tool {
            name: self.name.into(),
            title: None,
            description: self.description.into(),
            input_schema: self.input_schema.into(),
            output_schema: None,
            hints: self.hints,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
