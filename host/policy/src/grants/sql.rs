//! `sql`: databases that `cofferdam.toml` names.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::list::checked;
use crate::{Bytes, DatabaseName, Span};

const EXAMPLE: &str = r#"[{ database = "main", access = "read" }]"#;

/// Databases. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<DatabaseRule>")]
pub struct SqlGrant(Vec<DatabaseRule>);

impl JsonSchema for SqlGrant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SqlGrant".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "minItems": 1, "items": generator.subschema_for::<DatabaseRule>() })
    }
}

/// One database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseRule {
    /// What cofferdam.toml calls it; the plugin opens it by this name.
    pub database: DatabaseName,
    /// read runs in read-only transactions; write may change data as well. Default read.
    #[serde(default)]
    pub access: SqlAccess,
    /// Rows of one result; what is over is cut, and the plugin is told. Default 1000.
    #[serde(default = "most_rows")]
    pub rows: u32,
    /// Bytes of one result. Default 1MiB.
    #[serde(default = "most_bytes")]
    pub bytes: Bytes,
    /// How long one statement may take. Default 5s.
    #[serde(default = "timeout")]
    pub timeout: Span,
}

/// What may be done with a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SqlAccess {
    #[default]
    Read,
    Write,
}

fn most_rows() -> u32 {
    1000
}

fn most_bytes() -> Bytes {
    Bytes::mib(1)
}

fn timeout() -> Span {
    Span::secs(5)
}

impl TryFrom<Vec<DatabaseRule>> for SqlGrant {
    type Error = String;

    fn try_from(list: Vec<DatabaseRule>) -> Result<Self, String> {
        let list = checked(list, "sql", EXAMPLE)?;
        for (n, rule) in list.iter().enumerate() {
            if rule.rows == 0 || rule.rows > 1_000_000 {
                return Err(format!("`rows = {}` is out of range: 1 to 1000000", rule.rows));
            }
            if list[..n].iter().any(|other| other.database == rule.database) {
                return Err(format!("database {} is there twice: put both into one", rule.database));
            }
        }
        Ok(Self(list))
    }
}

impl SqlGrant {
    pub fn databases(&self) -> &[DatabaseRule] {
        &self.0
    }

    /// What is granted of the database of this name.
    pub fn database(&self, name: &str) -> Option<&DatabaseRule> {
        self.0.iter().find(|d| d.database.as_ref() == name)
    }

    pub(crate) fn writes(&self) -> bool {
        self.0.iter().any(|d| d.access == SqlAccess::Write)
    }

    pub(crate) fn within(&self, wider: &Self) -> Result<(), String> {
        for own in &self.0 {
            let fits = |w: &DatabaseRule| {
                own.access <= w.access && own.rows <= w.rows && own.bytes <= w.bytes && own.timeout <= w.timeout
            };
            if !wider.database(own.database.as_ref()).is_some_and(fits) {
                return Err(format!("database {} with this access and these bounds", own.database));
            }
        }
        Ok(())
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        let line = |d: &DatabaseRule| {
            let verb = match d.access {
                SqlAccess::Read => "read from",
                SqlAccess::Write => "read from and change data in",
            };
            format!(
                "{verb} the database {}, {} rows and {} a query, {} a statement",
                d.database, d.rows, d.bytes, d.timeout
            )
        };
        self.0.iter().map(line).collect()
    }
}
