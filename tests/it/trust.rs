//! Who may run, and who may not: each refusal beside a twin that differs in one thing and runs.
//!
//! What the program says is compared with `tests/golden/trust-*.txt`, with paths, digests and times
//! named; `UPDATE_GOLDEN=1` writes them anew. Whether something is refused, and for which reason, the
//! tests say themselves.

mod bench;
mod fixtures;
mod forged;
mod home;
mod locks;
mod needs;
mod policies;
mod reloads;
mod sight;
mod updates;

use std::{collections::BTreeMap, fs, path::PathBuf};

use cofferdam_tests::{binary, repository, sha256};

/// The signed components, bundles and roots that real cosign made.
fn fixtures() -> PathBuf {
    repository().join("tests/fixtures/sigstore")
}

/// One of them.
fn fixture(name: &str) -> Vec<u8> {
    let path = fixtures().join(name);
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// What differs from run to run, and what a golden file calls it.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    /// Names a digest, long and short.
    fn digest(&mut self, name: &str, digest: &str) {
        self.text(digest, &format!("<sha256 of {name}>"));
        self.text(&digest[..12], &format!("<{name}>"));
    }

    /// Names the digest and the size of a component.
    fn component(&mut self, name: &str, bytes: &[u8]) {
        self.digest(name, &sha256(bytes));
        if bytes.len() >= 1024 {
            self.text(&format!("{:.1} KiB", bytes.len() as f64 / 1024.0), "<size>");
            self.text(&format!("\"size\": {}", bytes.len()), "\"size\": <size>");
        }
    }

    fn text(&mut self, text: &str, name: &str) {
        self.0.insert(text.to_owned(), name.to_owned());
    }

    fn apply(&self, text: &str) -> String {
        // The longest first: a short digest is part of a long one.
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(found, _)| std::cmp::Reverse(found.len()));
        all.into_iter().fold(text.to_owned(), |text, (found, name)| text.replace(found, name))
    }
}

/// Compares `text` with the file of this name, or writes it.
#[track_caller]
fn golden(name: &str, names: &Names, text: &str) {
    let program = binary().canonicalize().unwrap().display().to_string();
    let text = names.apply(text).replace(&program, "<cofferdam>");
    let text = text.replace(&fixtures().display().to_string(), "<fixtures>");
    // How the names of temporary files begin; six characters follow.
    let mut parts = text.split("/.tmp");
    let first = parts.next().unwrap_or_default().to_owned();
    let text = parts.fold(first, |text, part| text + "/<temporary>" + part.get(6..).unwrap_or_default());
    let text: String =
        text.lines().map(|line| timeless(&undigested(&cofferdam_tests::squeezed(line.trim_end()))) + "\n").collect();
    cofferdam_tests::golden(name, &text);
}

/// `line` with digests named that nobody has a name for.
fn undigested(line: &str) -> String {
    let mut text = String::new();
    let mut run = String::new();
    for c in line.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        text.push_str(if run.len() == 64 { "<sha256>" } else { &run });
        run.clear();
        text.push(c);
    }
    text.trim_end_matches('\n').to_owned()
}

/// `line` with the times in it named.
fn timeless(line: &str) -> String {
    let is_time = |word: &str| {
        let bytes = word.as_bytes();
        bytes.len() >= 20 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[10] == b'T' && word.ends_with('Z')
    };
    let words = line.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || "-:.".contains(c)));
    words
        .map(|word| {
            let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            if is_time(bare) { word.replace(bare, "<time>") } else { word.to_owned() }
        })
        .collect()
}
