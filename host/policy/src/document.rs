//! TOML that a person wrote: read strictly, and answered helpfully.
//!
//! A key that nothing reads is an error, for a typo in a limit must not mean "no limit". The keys
//! that exist are taken from the same JSON Schema that editors use, so that the parser, the check
//! and the documentation cannot tell different stories; `serde`'s own `deny_unknown_fields` stands
//! behind it but knows neither the nearest key nor, for nested values, the line.

use std::fmt;

use schemars::Schema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;
use toml_edit::{Document as Parsed, DocumentMut, Item, Table, TableLike};

/// One thing that is wrong in a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the key, such as `plugin[0].limits.fuel`; empty when the file is no TOML.
    pub path: String,
    /// Line and column, from 1; absent for what comes from elsewhere, such as the environment.
    pub place: Option<(usize, usize)>,
    /// What was found and what to write instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong in a file; never empty.
#[derive(Debug, Error)]
#[error("{}", .problems.iter().map(|p| format!("{file}:{p}")).collect::<Vec<_>>().join("\n"))]
pub struct DocumentError {
    pub file: String,
    pub problems: Vec<Problem>,
}

/// A TOML text whose keys all exist.
#[derive(Debug)]
pub struct Document {
    file: String,
    text: String,
    tree: DocumentMut,
    schema: Value,
    /// What was laid over the text, for errors about the whole.
    over: Vec<String>,
}

impl Document {
    /// Parses `text` and checks that its `version` is 1 and that `schema` knows each key.
    ///
    /// `file` is only what errors call it.
    pub fn parse(file: &str, text: &str, schema: &Schema) -> Result<Self, DocumentError> {
        let fail = |problems| DocumentError { file: file.into(), problems };
        let parsed = Parsed::parse(text).map_err(|e| {
            let place = e.span().map(|s| line_and_column(text, s.start));
            fail(vec![Problem { path: String::new(), place, message: e.message().trim_end().into() }])
        })?;
        let schema = schema.as_value().clone();
        let mut walk = Walk { text, schema: &schema, problems: Vec::new() };
        walk.table(parsed.as_table(), &schema, "");
        match parsed.get("version").and_then(Item::as_integer) {
            Some(1) => {}
            Some(other) => walk.problems.push(Problem {
                path: "version".into(),
                place: None,
                message: format!("this program reads version 1, not {other}"),
            }),
            None => walk.problems.push(Problem {
                path: "version".into(),
                place: None,
                message: "begin the file with `version = 1`".into(),
            }),
        }
        if !walk.problems.is_empty() {
            let problems = walk.problems;
            return Err(fail(problems));
        }
        Ok(Self { file: file.into(), text: text.into(), tree: parsed.into_mut(), schema, over: Vec::new() })
    }

    /// Lays one value over the file's, as an environment variable does. `path` names the key from
    /// the top; a value that is not TOML is taken as text.
    pub fn set(&mut self, source: &str, path: &[&str], value: &str) -> Result<(), DocumentError> {
        let fail = |message| DocumentError {
            file: source.into(),
            problems: vec![Problem { path: path.join("."), place: None, message }],
        };
        let mut schema = &self.schema;
        let mut table: &mut Table = self.tree.as_table_mut();
        let Some((last, tables)) = path.split_last() else { return Err(fail("names no key".into())) };
        for key in tables {
            schema = property(&self.schema, schema, key).map_err(&fail)?;
            table = table
                .entry(key)
                .or_insert_with(|| Item::Table(Table::new()))
                .as_table_mut()
                .ok_or_else(|| fail("holds no keys".into()))?;
        }
        property(&self.schema, schema, last).map_err(&fail)?;
        let parsed = value.parse::<toml_edit::Value>().unwrap_or_else(|_| value.into());
        table.insert(last, Item::Value(parsed));
        self.over.push(source.to_owned());
        Ok(())
    }

    /// The file as a value of `T`.
    pub fn into_value<T: DeserializeOwned>(self) -> Result<T, DocumentError> {
        // From the text where nothing was laid over it: its spans make better errors.
        let current = self.tree.to_string();
        toml_edit::de::from_str(&current).map_err(|e| {
            let place = e.span().filter(|_| current == self.text).map(|s| line_and_column(&current, s.start));
            let message = e.message().trim_end().to_owned();
            // Which of them it was, the types do not say.
            let file = [vec![self.file], self.over].concat().join(" with ");
            DocumentError { file, problems: vec![Problem { path: String::new(), place, message }] }
        })
    }
}

struct Walk<'a> {
    text: &'a str,
    schema: &'a Value,
    problems: Vec<Problem>,
}

impl Walk<'_> {
    fn table(&mut self, table: &dyn TableLike, schema: &Value, path: &str) {
        for (key, item) in table.iter() {
            let here = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            match property(self.schema, schema, key) {
                Ok(inner) => self.item(item, inner, &here),
                Err(message) => {
                    let place =
                        table.key(key).and_then(toml_edit::Key::span).map(|s| line_and_column(self.text, s.start));
                    self.problems.push(Problem { path: here, place, message });
                }
            }
        }
    }

    fn item(&mut self, item: &Item, schema: &Value, path: &str) {
        if let Some(table) = item.as_table_like() {
            self.table(table, schema, path);
        } else if let Some(array) = item.as_array_of_tables() {
            let items = resolve(self.schema, schema).get("items").unwrap_or(&Value::Bool(true));
            for (at, table) in array.iter().enumerate() {
                self.table(table, items, &format!("{path}[{at}]"));
            }
        } else if let Some(array) = item.as_array() {
            let items = resolve(self.schema, schema).get("items").unwrap_or(&Value::Bool(true));
            for (at, value) in array.iter().enumerate() {
                if let Some(table) = value.as_inline_table() {
                    self.table(table, items, &format!("{path}[{at}]"));
                }
            }
        }
    }
}

/// The schema of `key` in a table described by `schema`, or what to say when there is none.
fn property<'a>(root: &'a Value, schema: &'a Value, key: &str) -> Result<&'a Value, String> {
    static ANY: Value = Value::Bool(true);
    let schema = resolve(root, schema);
    let empty = Map::new();
    let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    if let Some((_, found)) = schema.get("properties").and_then(Value::as_object).and_then(|p| p.get_key_value(key)) {
        return Ok(found);
    }
    // A table whose keys are names: whether this one is a name, its type says.
    if let Some(named) = schema.get("patternProperties").and_then(Value::as_object).and_then(|p| p.values().next()) {
        return Ok(named);
    }
    match schema.get("additionalProperties") {
        Some(Value::Bool(false)) => Err(unknown(key, known.keys().map(String::as_str))),
        Some(other) => Ok(other),
        // A scalar where a table stands: the types will say so.
        None => Ok(&ANY),
    }
}

fn unknown<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let nearest = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(k, key), *k))
        .min()
        .filter(|(distance, k)| *distance <= 2.max(k.len() / 2));
    match nearest {
        Some((_, nearest)) => format!("unknown key; did you mean `{nearest}`?"),
        None => format!("unknown key; the keys here are {}", known.join(", ")),
    }
}

/// Follows `$ref` and the `anyOf` that an optional value becomes.
fn resolve<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    // The schemas are our own; the bound is against a cycle made by mistake.
    for _ in 0..16 {
        if let Some(pointer) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')) {
            match root.pointer(pointer) {
                Some(target) => schema = target,
                None => return schema,
            }
        } else if let Some(some) = schema
            .get("anyOf")
            .and_then(Value::as_array)
            .and_then(|any| any.iter().find(|s| s.get("type").and_then(Value::as_str) != Some("null")))
        {
            schema = some;
        } else {
            return schema;
        }
    }
    schema
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}
