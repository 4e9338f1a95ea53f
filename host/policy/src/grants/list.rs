//! Lists in grants: never empty, never long, nothing twice.

/// More entries than anybody reads are no policy.
pub(crate) const MOST: usize = 256;

/// Checks a list that grants something.
///
/// An empty one grants nothing, and is mostly meant to grant something else: it is refused, with
/// what to write instead.
pub(crate) fn checked<T: PartialEq>(list: Vec<T>, key: &str, example: &str) -> Result<Vec<T>, String> {
    if list.is_empty() {
        return Err(format!("`{key} = []` grants nothing: leave `{key}` out, or write {key} = {example}"));
    }
    if list.len() > MOST {
        return Err(format!("`{key}` has {} entries; at most {MOST} can be granted", list.len()));
    }
    if let Some(at) = (1..list.len()).find(|at| list[..*at].contains(&list[*at])) {
        return Err(format!("entry {} of `{key}` is there already: each thing is granted once", at + 1));
    }
    Ok(list)
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn spoken<T: AsRef<str>>(words: &[T]) -> String {
    match words {
        [] => "nothing".into(),
        [one] => one.as_ref().into(),
        [rest @ .., last] => {
            format!("{} and {}", rest.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "), last.as_ref())
        }
    }
}
