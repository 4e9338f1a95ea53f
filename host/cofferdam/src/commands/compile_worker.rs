use std::process::ExitCode;

/// Becomes a compiler for one component.
pub(crate) fn run(order: &str) -> ExitCode {
    u8::try_from(cofferdam_sandbox::compile::worker(order)).map_or(ExitCode::FAILURE, ExitCode::from)
}
