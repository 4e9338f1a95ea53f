//! Texts that people read, kept in `tests/golden`.

use std::{env, fs};

use crate::{Finished, repository};

/// Compares `text` with the file of this name; with `UPDATE_GOLDEN=1` writes it.
///
/// The widths of columns follow what is in them, and the ends of lines are not seen: neither counts.
#[track_caller]
pub fn golden(name: &str, text: &str) {
    let text: String = text.lines().map(|line| squeezed(line.trim_end()) + "\n").collect();
    let path = repository().join("tests/golden").join(name);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
        return;
    }
    let wanted =
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; UPDATE_GOLDEN=1 writes it", path.display()));
    if text != wanted {
        let differs = text.lines().zip(wanted.lines()).position(|(a, b)| a != b);
        let at = differs.unwrap_or(text.lines().count().min(wanted.lines().count()));
        let line = |text: &str| text.lines().nth(at).unwrap_or("(its end)").to_owned();
        panic!("{name}:{}: found\n  {}\nwanted\n  {}\nall of it:\n{text}", at + 1, line(&text), line(&wanted));
    }
}

/// A command, and all that came of it.
pub fn transcript(args: &[&str], finished: &Finished) -> String {
    let code = finished.code.map_or("by a signal".into(), |code| code.to_string());
    let mut text = format!("$ cofferdam {}\n", args.join(" "));
    for (name, stream) in [("out", &finished.out), ("err", &finished.err)] {
        if !stream.is_empty() {
            text.push_str(&format!("--- {name}\n{}\n", stream.trim_end()));
        }
    }
    text + &format!("--- exit {code}\n\n")
}

/// `line` with the spaces between its columns cut to two. Indentation stays.
pub fn squeezed(line: &str) -> String {
    let body = line.trim_start();
    let columns: Vec<&str> = body.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
    line[..line.len() - body.len()].to_owned() + &columns.join("  ")
}
