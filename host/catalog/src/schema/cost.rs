//! How much work a schema can make of a value.
//!
//! A schema is a program: `allOf` twice the same reference, ten levels deep, checks one number a
//! thousand times, and a reference to itself checks it for ever. So the parts that apply to one
//! value are counted here, once, for the worst value there is: one that has every property the
//! schema speaks of. The count is followed into properties and items until nothing new turns up,
//! or for as many levels as a doubling needs to show.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::SchemaError;

/// Parts that may apply to one value. Honest schemas stay under a hundred.
const MOST: u64 = 2000;
/// Enough for a count that doubles with each level to go past [`MOST`].
const LEVELS: usize = 12;
/// Different sets of parts that may apply to some value.
const MOST_SETS: usize = 2000;

/// JSON Pointers of the parts that apply to one value, and how many times each does.
type Parts = BTreeMap<String, u64>;

pub(super) fn check(root: &Value) -> Result<(), SchemaError> {
    let schema = Graph { root, anchors: anchors(root)? };
    let mut seen = BTreeSet::new();
    let mut level = vec![Parts::from([(String::new(), 1)])];
    for _ in 0..LEVELS {
        let mut next = Vec::new();
        for parts in level {
            let mut all = Parts::new();
            for (part, times) in &parts {
                schema.gather(part, *times, &mut all, &mut Vec::new())?;
            }
            if seen.insert(all.clone()) {
                next.extend(schema.children(&all));
            }
            if seen.len() > MOST_SETS {
                return Err(SchemaError::TooCostly(MOST));
            }
        }
        if next.is_empty() {
            break;
        }
        next.sort();
        next.dedup();
        level = next;
    }
    Ok(())
}

struct Graph<'a> {
    root: &'a Value,
    anchors: BTreeMap<String, String>,
}

impl Graph<'_> {
    /// Adds `part` and everything it applies to the same value.
    fn gather(&self, part: &str, times: u64, all: &mut Parts, path: &mut Vec<String>) -> Result<(), SchemaError> {
        if path.iter().any(|p| p == part) {
            return Err(SchemaError::Endless(format!("#{part}")));
        }
        *all.entry(part.to_owned()).or_default() += times;
        if all.values().fold(0, |sum: u64, n| sum.saturating_add(*n)) > MOST {
            return Err(SchemaError::TooCostly(MOST));
        }
        let Some(Value::Object(schema)) = self.root.pointer(part) else { return Ok(()) };
        path.push(part.to_owned());
        for key in ["$ref", "$dynamicRef", "$recursiveRef"] {
            if let Some(target) = schema.get(key).and_then(Value::as_str).and_then(|to| self.target(to)) {
                self.gather(&target, times, all, path)?;
            }
        }
        for key in ["not", "if", "then", "else"] {
            if schema.contains_key(key) {
                self.gather(&format!("{part}/{key}"), times, all, path)?;
            }
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            let count = schema.get(key).and_then(Value::as_array).map_or(0, Vec::len);
            for at in 0..count {
                self.gather(&format!("{part}/{key}/{at}"), times, all, path)?;
            }
        }
        for key in ["dependentSchemas", "dependencies"] {
            for name in keys(schema, key) {
                self.gather(&format!("{part}/{key}/{}", escape(name)), times, all, path)?;
            }
        }
        path.pop();
        Ok(())
    }

    /// The parts that apply to each property or item of a value that `all` apply to.
    fn children(&self, all: &Parts) -> Vec<Parts> {
        let mut named: BTreeMap<String, Parts> = BTreeMap::new();
        let mut any = Parts::new();
        for (part, times) in all {
            let Some(Value::Object(schema)) = self.root.pointer(part) else { continue };
            for name in keys(schema, "properties") {
                let child = format!("{part}/properties/{}", escape(name));
                *named.entry(name.clone()).or_default().entry(child).or_default() += times;
            }
            for name in keys(schema, "patternProperties") {
                *any.entry(format!("{part}/patternProperties/{}", escape(name))).or_default() += times;
            }
            for key in [
                "additionalProperties",
                "unevaluatedProperties",
                "propertyNames",
                "additionalItems",
                "unevaluatedItems",
                "contains",
                "items",
            ] {
                match schema.get(key) {
                    Some(Value::Object(_)) => *any.entry(format!("{part}/{key}")).or_default() += times,
                    Some(Value::Array(items)) => {
                        (0..items.len()).for_each(|at| *any.entry(format!("{part}/{key}/{at}")).or_default() += times);
                    }
                    _ => {}
                }
            }
            let tuple = schema.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
            for at in 0..tuple {
                let child = format!("{part}/prefixItems/{at}");
                *named.entry(format!("[{at}]")).or_default().entry(child).or_default() += times;
            }
        }
        let mut children: Vec<Parts> = named
            .into_values()
            .map(|mut parts| {
                any.iter().for_each(|(part, times)| *parts.entry(part.clone()).or_default() += times);
                parts
            })
            .collect();
        if !any.is_empty() {
            children.push(any);
        }
        children
    }

    fn target(&self, reference: &str) -> Option<String> {
        let fragment = percent_decode_str(reference.strip_prefix('#')?).decode_utf8_lossy();
        if fragment.is_empty() || fragment.starts_with('/') {
            // A pointer that does not resolve counts as nothing; the validator refuses it.
            return Some(fragment.into_owned());
        }
        self.anchors.get(fragment.as_ref()).cloned()
    }
}

fn keys<'a>(schema: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = &'a String> {
    schema.get(key).and_then(Value::as_object).into_iter().flat_map(Map::keys)
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Where each anchor points. A name that is there twice, or a part with an identity of its own, would
/// let a reference mean something else here than it means to the validator.
fn anchors(root: &Value) -> Result<BTreeMap<String, String>, SchemaError> {
    fn walk(value: &Value, here: &str, found: &mut BTreeMap<String, String>) -> Result<(), SchemaError> {
        match value {
            Value::Object(members) => {
                for key in ["$anchor", "$dynamicAnchor"] {
                    if let Some(name) = members.get(key).and_then(Value::as_str)
                        && found.insert(name.to_owned(), here.to_owned()).is_some()
                    {
                        return Err(SchemaError::Ambiguous(name.chars().take(80).collect()));
                    }
                }
                if let Some(id) = members.get("$id").and_then(Value::as_str)
                    && (!here.is_empty() || id.contains('#'))
                {
                    return Err(SchemaError::Ambiguous(id.chars().take(80).collect()));
                }
                members.iter().try_for_each(|(key, member)| walk(member, &format!("{here}/{}", escape(key)), found))
            }
            Value::Array(items) => {
                items.iter().enumerate().try_for_each(|(at, item)| walk(item, &format!("{here}/{at}"), found))
            }
            _ => Ok(()),
        }
    }
    let mut found = BTreeMap::new();
    walk(root, "", &mut found)?;
    Ok(found)
}
