//! What differs between what was accepted and what is there now.

use std::{collections::BTreeMap, fmt};

use cofferdam_capabilities::Offer;
use cofferdam_trust::Digest;
use serde::Serialize;
use serde_json::Value;

use crate::lock::{LockEntry, LockSigner, same_signers};

/// How much of a description is quoted.
const LONGEST_QUOTE: usize = 160;

/// How much a difference matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// It asks for more, or gets more, or claims to do more harm, or somebody else speaks for it.
    Wider,
    /// What models and people are told of it, and what it takes and gives.
    Definitions,
    /// Nothing that changes what it can do or what is said of it.
    Cosmetic,
}

impl Group {
    pub const ALL: [Self; 3] = [Self::Wider, Self::Definitions, Self::Cosmetic];

    /// The heading over such differences.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Wider => "WIDER CAPABILITIES",
            Self::Definitions => "CHANGED DEFINITIONS",
            Self::Cosmetic => "COSMETIC",
        }
    }
}

/// One difference, for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub group: Group,
    /// Escaped where it repeats a component's own words.
    pub text: String,
}

/// A change that nobody may accept by the way: it is approved by naming it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grave {
    /// Other signers than before.
    Signer,
    /// A lower version than before.
    Older,
}

/// One side of a comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side<'a> {
    pub(crate) entry: &'a LockEntry,
    /// The definitions themselves; a lock has only their digests.
    pub(crate) definitions: Option<&'a BTreeMap<String, Value>>,
}

/// What of this difference has to be approved by name.
pub fn grave(before: &LockEntry, after: &LockEntry) -> Vec<Grave> {
    let mut found = Vec::new();
    if !same_signers(&before.signer, &after.signer) {
        found.push(Grave::Signer);
    }
    if is_older(before, after) {
        found.push(Grave::Older);
    }
    found
}

fn is_older(before: &LockEntry, after: &LockEntry) -> bool {
    let version = |e: &LockEntry| e.version.as_deref().and_then(|v| semver::Version::parse(v).ok());
    match (version(before), version(after)) {
        (Some(before), Some(after)) => after < before,
        // A version that is gone, or that is none any more, cannot be told from an old one.
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Everything that differs, the graver first.
pub(crate) fn changes(before: Side<'_>, after: Side<'_>) -> Vec<Change> {
    let mut list = List(Vec::new());
    let (b, a) = (before.entry, after.entry);
    list.provenance(b, a);
    for import in a.imports.iter().filter(|i| !b.imports.contains(i)) {
        let shown = import.escape_debug();
        match Offer::of(import) {
            Offer::Granted(grant) => list.wider(format!("it imports {shown}, which asks for `{grant}`")),
            // Only what is granted is in it, and every language's runtime imports it.
            Offer::Filled(_) | Offer::Given(_) => list.cosmetic(format!("it imports {shown}, which every plugin gets")),
            Offer::Absent => list.wider(format!("it imports {shown}, which this host does not offer")),
            Offer::Always => list.cosmetic(format!("it imports {shown}, which every plugin gets")),
        }
    }
    for import in b.imports.iter().filter(|i| !a.imports.contains(i)) {
        list.cosmetic(format!("it does not import {} any more", import.escape_debug()));
    }
    for grant in a.granted.iter().filter(|g| !b.granted.contains(g)) {
        list.wider(format!("the policy grants it `{grant}` now"));
    }
    for grant in b.granted.iter().filter(|g| !a.granted.contains(g)) {
        list.cosmetic(format!("the policy does not grant it `{grant}` any more"));
    }
    for (key, digest) in &a.definitions {
        match b.definitions.get(key) {
            Some(known) if known == digest => {}
            Some(_) => list.changed(key, before.definitions, after.definitions),
            // A new tool has what its plugin has.
            None if key.starts_with("tool ") && !a.granted.is_empty() => {
                list.wider(format!("{} is new, with the grants {}", key.escape_debug(), a.granted.join(", ")));
            }
            None => list.definition(format!("{} is new", key.escape_debug())),
        }
    }
    for key in b.definitions.keys().filter(|k| !a.definitions.contains_key(*k)) {
        list.definition(format!("{} is gone", key.escape_debug()));
    }
    if b.sha256 != a.sha256 {
        list.cosmetic(format!("its code: sha256 {} -> {}", b.sha256, a.sha256));
    }
    list.0.sort_by_key(|c| c.group);
    list.0
}

struct List(Vec<Change>);

impl List {
    fn add(&mut self, group: Group, text: String) {
        self.0.push(Change { group, text });
    }

    fn wider(&mut self, text: String) {
        self.add(Group::Wider, text);
    }

    fn definition(&mut self, text: String) {
        self.add(Group::Definitions, text);
    }

    fn cosmetic(&mut self, text: String) {
        self.add(Group::Cosmetic, text);
    }

    fn provenance(&mut self, before: &LockEntry, after: &LockEntry) {
        let who = |entry: &LockEntry| match entry.signer.as_slice() {
            [] => "nobody".to_owned(),
            signers => signers.iter().map(LockSigner::describe).collect::<Vec<_>>().join(", "),
        };
        if !same_signers(&before.signer, &after.signer) {
            self.wider(format!("it was signed by {} and is signed by {}", who(before), who(after)));
        } else if before.signer.len() < after.signer.len() {
            self.cosmetic(format!("it is signed by {} now", who(after)));
        }
        if before.source != after.source {
            let from = |e: &LockEntry| e.source.as_ref().map_or("a directory".to_owned(), ToString::to_string);
            self.wider(format!("it came from {} and comes from {}", from(before), from(after)));
        }
        if before.component != after.component {
            let name = |e: &LockEntry| e.component.as_deref().unwrap_or("nothing").escape_debug().to_string();
            self.definition(format!("it called itself {} and calls itself {}", name(before), name(after)));
        }
        if before.version != after.version {
            let version = |e: &LockEntry| e.version.as_deref().unwrap_or("none").escape_debug().to_string();
            let text = format!("version {} -> {}", version(before), version(after));
            if is_older(before, after) { self.wider(format!("{text}, which is lower")) } else { self.cosmetic(text) }
        }
    }

    fn changed(
        &mut self,
        key: &str,
        before: Option<&BTreeMap<String, Value>>,
        after: Option<&BTreeMap<String, Value>>,
    ) {
        let of = |side: Option<&BTreeMap<String, Value>>| side.and_then(|d| d.get(key)).cloned();
        let (Some(Value::Object(before)), Some(Value::Object(after))) = (of(before), of(after)) else {
            // Without the words of before, what changed may be anything.
            return self.wider(format!("{} changed, and what it was is not kept", key.escape_debug()));
        };
        let parts: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for part in parts {
            let (b, a) = (before.get(part).unwrap_or(&Value::Null), after.get(part).unwrap_or(&Value::Null));
            if b == a {
                continue;
            }
            let place = format!("{}, {part}", key.escape_debug());
            let text = format!("{place}: {} -> {}", Quote(b), Quote(a));
            match (b, a) {
                (Value::String(b), Value::String(a)) if b.split_whitespace().eq(a.split_whitespace()) => {
                    self.cosmetic(format!("{place}: white space"));
                }
                _ if part == "annotations" && loosens(b, a) => self.wider(text),
                _ => self.definition(text),
            }
        }
    }
}

/// Whether a tool claims less restraint than it did.
fn loosens(before: &Value, after: &Value) -> bool {
    // What a client assumes of a tool that says nothing.
    let claim = |side: &Value, name: &str, unsaid: bool| side.get(name).and_then(Value::as_bool).unwrap_or(unsaid);
    let lost = |name| claim(before, name, false) && !claim(after, name, false);
    let gained = |name| !claim(before, name, true) && claim(after, name, true);
    lost("readOnlyHint") || gained("destructiveHint") || gained("openWorldHint")
}

/// A part of a definition, shortened and escaped.
struct Quote<'a>(&'a Value);

impl fmt::Display for Quote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            Value::Null => return f.write_str("nothing"),
            other => other.to_string(),
        };
        let short: String = text.chars().take(LONGEST_QUOTE).collect();
        let more = if short.len() < text.len() { "…" } else { "" };
        // JSON escapes control characters, and leaves the rest of what deceives readers.
        write!(f, "{}{more}", short.escape_debug().to_string().replace("\\\"", "\"").replace("\\\\", "\\"))
    }
}

/// The digest of a definition: over its canonical JSON (RFC 8785), so that it does not depend on the
/// order of keys.
pub(crate) fn digest(definition: &Value) -> Digest {
    // A JSON value has a canonical form.
    Digest::of(&serde_json_canonicalizer::to_vec(definition).unwrap_or_default())
}

#[cfg(test)]
mod tests;
