//! Whose values these are.

use std::fmt;

use thiserror::Error;

use super::limits;
use crate::text::shown;

/// Names that make no space.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{text:?} cannot be the {part} of a space: 1 to {most} bytes")]
pub struct NotASpace {
    part: &'static str,
    text: String,
    most: usize,
}

/// What one plugin keeps for one tenant under one name. Spaces share nothing.
///
/// The three names may hold any characters; they are compared by their bytes, part by part. Stores keep the parts apart
/// by columns or by escaping, never by a separator that a name could hold.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Space {
    plugin: String,
    tenant: String,
    bucket: String,
}

impl Space {
    /// # Errors
    ///
    /// A part that is empty or longer than [`limits`] allow. There is no "no tenant": a caller that has one tenant
    /// gives it a name.
    pub fn new(
        plugin: impl Into<String>,
        tenant: impl Into<String>,
        bucket: impl Into<String>,
    ) -> Result<Self, NotASpace> {
        Ok(Self {
            plugin: part("plugin", plugin.into(), limits::PLUGIN)?,
            tenant: part("tenant", tenant.into(), limits::TENANT)?,
            bucket: part("bucket", bucket.into(), limits::BUCKET)?,
        })
    }

    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    pub fn bucket(&self) -> &str {
        &self.bucket
    }
}

fn part(part: &'static str, text: String, most: usize) -> Result<String, NotASpace> {
    if (1..=most).contains(&text.len()) { Ok(text) } else { Err(NotASpace { part, text: shown(&text), most }) }
}

/// Escaped: tenants and buckets are texts of others.
impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Space({}, {}, {})", shown(&self.plugin), shown(&self.tenant), shown(&self.bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_bounded_and_never_empty() {
        assert!(Space::new("p", "t\0/{}", "b\n").is_ok());
        assert!(Space::new("p".repeat(64), "t".repeat(512), "b".repeat(256)).is_ok());
        for (plugin, tenant, bucket) in [
            (String::new(), "t".to_owned(), "b".to_owned()),
            ("p".to_owned(), String::new(), "b".to_owned()),
            ("p".to_owned(), "t".to_owned(), String::new()),
            ("p".repeat(65), "t".to_owned(), "b".to_owned()),
            ("p".to_owned(), "t".repeat(513), "b".to_owned()),
            ("p".to_owned(), "t".to_owned(), "b".repeat(257)),
        ] {
            assert!(Space::new(plugin, tenant, bucket).is_err());
        }
    }
}
