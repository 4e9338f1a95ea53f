//! What the keys of a space are called in Redis.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::key_value::Space;

/// What stands for itself in a name. Everything else is escaped, so that no part of a space can hold what separates
/// parts, nor the braces that decide where a cluster keeps a key.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The keys of a space: `PREFIX:kv1:{PLUGIN/TENANT/BUCKET}:v`, and the same with `:i` and `:x`.
///
/// What is in braces decides about the node of a cluster, so that the three are always together, as scripts need them.
pub(super) fn names(prefix: &str, space: &Space) -> [String; 3] {
    let part = |text| utf8_percent_encode(text, ESCAPED);
    let tag = format!("{}/{}/{}", part(space.plugin()), part(space.tenant()), part(space.bucket()));
    ["v", "i", "x"].map(|kind| format!("{prefix}:kv1:{{{tag}}}:{kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(plugin: &str, tenant: &str, bucket: &str) -> [String; 3] {
        names("p", &Space::new(plugin, tenant, bucket).unwrap())
    }

    #[test]
    fn names_can_be_read() {
        assert_eq!(of("notes", "local", "default")[0], "p:kv1:{notes/local/default}:v");
        assert_eq!(of("a", "https://id.example|7", "b")[1], "p:kv1:{a/https%3A%2F%2Fid.example%7C7/b}:i");
    }

    #[test]
    fn no_spelling_reaches_another_space() {
        let all = [
            of("a", "b", "c"),
            of("a/b", "c", "d"),
            of("a", "b/c", "d"),
            of("a", "b", "c/d"),
            of("a", "b%2Fc", "d"),
            of("a", "b}", "c"),
            of("a", "{b", "c"),
            of("a", "b", "c}:v"),
            of("a", "b", "c:i"),
            of("a", "\0", "c"),
            of("a", "B", "c"),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().flatten().collect();
        assert_eq!(distinct.len(), 3 * all.len());
        for name in distinct {
            assert_eq!((name.matches('{').count(), name.matches('}').count(), name.matches('/').count()), (1, 1, 2));
        }
    }
}
