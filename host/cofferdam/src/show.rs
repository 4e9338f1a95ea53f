//! Output for people.

use cofferdam_catalog::LockSigner;
use comfy_table::{ContentArrangement, Table, presets::NOTHING};

/// Who reads a command's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Human,
    Json,
}

/// A table without lines, that keeps to the terminal's width.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    table
}

/// The first sentence of a description.
pub(crate) fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let end = line.find(". ").map_or(line.len(), |at| at + 1);
    line[..end].to_owned()
}

/// A size for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// Who signed a component.
pub(crate) fn signed_by(signers: &[LockSigner]) -> String {
    match signers {
        [] => "nobody: it is UNSIGNED, and the policy names exactly these bytes".into(),
        some => some.iter().map(LockSigner::describe).collect::<Vec<_>>().join(", "),
    }
}
