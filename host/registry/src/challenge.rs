//! What a registry wants to know of who asks: the `WWW-Authenticate` header of RFC 9110, section 11.6.1.

use std::collections::BTreeMap;

#[cfg(test)]
mod tests;

/// The way to answer, of those a registry offers, that we know and prefer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A token of the service at this address, by docker's token protocol.
    Bearer { realm: String, service: Option<String> },
    /// User and password with every request.
    Basic,
}

/// Reads the values of all such headers of one answer. Unknown schemes are skipped.
pub(crate) fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut basic = false;
    for header in headers {
        for (scheme, mut parameters) in split(header) {
            match scheme.as_str() {
                "bearer" => {
                    if let Some(realm) = parameters.remove("realm") {
                        return Some(Challenge::Bearer { realm, service: parameters.remove("service") });
                    }
                }
                "basic" => basic = true,
                _ => {}
            }
        }
    }
    basic.then_some(Challenge::Basic)
}

/// The challenges of one header. A word without `=` begins one; words with it are its parameters.
fn split(header: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut found: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return found;
        }
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let name = name.to_ascii_lowercase();
        let Some(value) = after.strip_prefix('=') else {
            found.push((name, BTreeMap::new()));
            rest = after;
            continue;
        };
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let (value, after) = value.split_at(value.find([' ', '\t', ',']).unwrap_or(value.len()));
                (value.to_owned(), after)
            }
        };
        if let Some((_, parameters)) = found.last_mut() {
            parameters.entry(name).or_insert(value);
        }
        rest = after;
    }
}

/// The text up to the closing quote, without its escapes, and what follows.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}
