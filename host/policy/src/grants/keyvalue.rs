//! `keyvalue`: buckets of a plugin's own, kept between its calls.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Access, list::checked};
use crate::{BucketName, Bytes, Span};

const EXAMPLE: &str = r#"[{ bucket = "default", access = "read-write" }]"#;

/// Buckets. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Bucket>")]
pub struct KeyValueGrant(Vec<Bucket>);

impl JsonSchema for KeyValueGrant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KeyValueGrant".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "minItems": 1, "items": generator.subschema_for::<Bucket>() })
    }
}

/// One bucket. Each plugin has its own of a name, and each tenant of its callers another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// What the plugin opens it as, such as "default".
    pub bucket: BucketName,
    /// read or read-write. Default read.
    #[serde(default)]
    pub access: Access,
    /// Keys it may hold. Default 10000.
    #[serde(default = "most_keys")]
    pub keys: u32,
    /// Bytes that its keys and values may have together. Default 16MiB.
    #[serde(default = "most_bytes")]
    pub bytes: Bytes,
    /// Bytes of one value. Default 1MiB.
    #[serde(default = "largest_value")]
    pub value: Bytes,
    /// How long what was written stays. For ever when absent.
    pub ttl: Option<Span>,
}

fn most_keys() -> u32 {
    10_000
}

fn most_bytes() -> Bytes {
    Bytes::mib(16)
}

fn largest_value() -> Bytes {
    Bytes::mib(1)
}

impl TryFrom<Vec<Bucket>> for KeyValueGrant {
    type Error = String;

    fn try_from(list: Vec<Bucket>) -> Result<Self, String> {
        let list = checked(list, "keyvalue", EXAMPLE)?;
        for (n, bucket) in list.iter().enumerate() {
            if bucket.keys == 0 {
                return Err("`keys` counts from 1".into());
            }
            if list[..n].iter().any(|other| other.bucket == bucket.bucket) {
                return Err(format!("bucket {} is there twice: put both into one", bucket.bucket));
            }
        }
        Ok(Self(list))
    }
}

impl KeyValueGrant {
    pub fn buckets(&self) -> &[Bucket] {
        &self.0
    }

    /// The bucket of this name.
    pub fn bucket(&self, name: &str) -> Option<&Bucket> {
        self.0.iter().find(|b| b.bucket.as_ref() == name)
    }

    pub(crate) fn writes(&self) -> bool {
        self.0.iter().any(|b| b.access.writes())
    }

    pub(crate) fn within(&self, wider: &Self) -> Result<(), String> {
        for own in &self.0 {
            let fits = |w: &Bucket| {
                own.access <= w.access
                    && own.keys <= w.keys
                    && own.bytes <= w.bytes
                    && own.value <= w.value
                    && w.ttl.is_none_or(|most| own.ttl.is_some_and(|ttl| ttl <= most))
            };
            if !wider.bucket(own.bucket.as_ref()).is_some_and(fits) {
                return Err(format!("bucket {} with this access, these quotas and this ttl", own.bucket));
            }
        }
        Ok(())
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        let line = |b: &Bucket| {
            let ttl = b.ttl.map(|ttl| format!(", each for {ttl}")).unwrap_or_default();
            match b.access {
                Access::Read => format!("read its own bucket {}", b.bucket),
                Access::ReadWrite => {
                    format!(
                        "keep up to {} keys and {} in its own bucket {}, apart for each tenant{ttl}",
                        b.keys, b.bytes, b.bucket
                    )
                }
            }
        };
        self.0.iter().map(line).collect()
    }
}
