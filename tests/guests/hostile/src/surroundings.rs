//! Looks around for what a plugin without grants must not see.

use crate::arguments::Arguments;
use crate::{results, Reply};
use serde_json::{json, Value};
use std::{env, fs, io};

pub fn environment(_: &Arguments) -> Reply {
    results::json(&json!({
        "variables": env::vars().collect::<Vec<_>>(),
        "arguments": env::args().collect::<Vec<_>>(),
        "root": or_error(names_in("/").map(Value::from)),
    }))
}

pub fn open_file(arguments: &Arguments) -> Reply {
    let contents = fs::read_to_string(arguments.text("path")?);
    results::json(&or_error(contents.map(Value::from)))
}

fn names_in(folder: &str) -> io::Result<Vec<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn or_error(found: io::Result<Value>) -> Value {
    found.unwrap_or_else(|error| json!({ "error": error.to_string() }))
}
