//! Completions: what begins like what the user typed.

use crate::bindings::cofferdam::plugin::types::ToolError;
use crate::bindings::exports::cofferdam::plugin::completions::{Completion, Reference};
use crate::prompts::WITH_ARGUMENTS;
use crate::resources::TEMPLATE;

pub fn complete(subject: &Reference, argument: &str, value: &str) -> Result<Completion, ToolError> {
    let known: &[&str] = match (subject, argument) {
        (Reference::Prompt(name), "arg1") if name == WITH_ARGUMENTS => &["paris", "park", "party"],
        (Reference::Prompt(name), "arg2") if name == WITH_ARGUMENTS => &["word", "work", "world"],
        (Reference::Resource(uri), "id") if uri == TEMPLATE => &["1", "12", "123"],
        _ => {
            let message = format!("nothing is known about an argument `{argument}` there");
            return Err(ToolError::NotFound(message));
        }
    };
    let values: Vec<String> =
        known.iter().filter(|known| known.starts_with(value)).map(|known| (*known).into()).collect();
    Ok(Completion { total: u32::try_from(values.len()).ok(), values, has_more: false })
}

#[cfg(test)]
mod tests;
