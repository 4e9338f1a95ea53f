//! What is granted by name: secrets to ask after, variables of the environment, values.

use std::{collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::list::{checked, spoken};
use crate::SecretName;

/// Secrets that a plugin may ask after. Never empty.
///
/// It learns whether each exists, no more. The secrets that `http` attaches need no entry here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<SecretName>")]
pub struct SecretsGrant(Vec<SecretName>);

impl JsonSchema for SecretsGrant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretsGrant".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "minItems": 1, "items": generator.subschema_for::<SecretName>() })
    }
}

impl TryFrom<Vec<SecretName>> for SecretsGrant {
    type Error = String;

    fn try_from(list: Vec<SecretName>) -> Result<Self, String> {
        checked(list, "secrets", r#"["api-token"]"#).map(Self)
    }
}

impl SecretsGrant {
    pub fn names(&self) -> &[SecretName] {
        &self.0
    }

    pub(crate) fn within(&self, wider: &Self) -> Result<(), String> {
        match self.0.iter().find(|name| !wider.0.contains(name)) {
            Some(name) => Err(format!("secret {name}")),
            None => Ok(()),
        }
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        vec![format!("ask whether there is a secret {}; it never sees one", spoken(&self.0))]
    }
}

/// Variables of the host's environment that a plugin sees. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<VariableName>")]
pub struct EnvironmentGrant(Vec<VariableName>);

impl JsonSchema for EnvironmentGrant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EnvironmentGrant".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "minItems": 1, "items": generator.subschema_for::<VariableName>() })
    }
}

/// The name of a variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct VariableName(String);

impl VariableName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for VariableName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for VariableName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "VariableName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$" })
    }
}

impl TryFrom<String> for VariableName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fits = (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !text.starts_with(|c: char| c.is_ascii_digit());
        let shown: String = text.chars().take(80).collect();
        if fits {
            Ok(Self(text))
        } else {
            Err(format!("{shown:?} names no variable: write names such as \"TZ\", each by itself"))
        }
    }
}

impl TryFrom<Vec<VariableName>> for EnvironmentGrant {
    type Error = String;

    fn try_from(list: Vec<VariableName>) -> Result<Self, String> {
        checked(list, "environment", r#"["TZ"]"#).map(Self)
    }
}

impl EnvironmentGrant {
    pub fn names(&self) -> &[VariableName] {
        &self.0
    }

    pub(crate) fn within(&self, wider: &Self) -> Result<(), String> {
        match self.0.iter().find(|name| !wider.0.contains(name)) {
            Some(name) => Err(format!("variable {}", name.0)),
            None => Ok(()),
        }
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        vec![format!("see the variables {} of the host's environment", spoken(&self.0))]
    }
}

/// Values that a plugin can look up by name. They are no secrets. Never empty.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct ConfigGrant(BTreeMap<String, String>);

impl JsonSchema for ConfigGrant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ConfigGrant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "minProperties": 1, "additionalProperties": { "type": "string" } })
    }
}

/// Bytes of one value; what is longer belongs into a file.
const LONGEST_VALUE: usize = 16 * 1024;

impl TryFrom<BTreeMap<String, String>> for ConfigGrant {
    type Error = String;

    fn try_from(values: BTreeMap<String, String>) -> Result<Self, String> {
        if values.is_empty() {
            return Err(
                "`config = {}` grants nothing: leave `config` out, or write config = { name = \"value\" }".into()
            );
        }
        for (key, value) in &values {
            if !(1..=128).contains(&key.len()) || key.chars().any(char::is_control) {
                return Err(format!(
                    "{:?} is no name of a value: 1 to 128 characters",
                    key.chars().take(80).collect::<String>()
                ));
            }
            if value.len() > LONGEST_VALUE {
                return Err(format!("the value of {key} has {} bytes: at most {LONGEST_VALUE}", value.len()));
            }
        }
        Ok(Self(values))
    }
}

impl fmt::Debug for ConfigGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was meant as no secret may turn out to be one.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl ConfigGrant {
    pub fn values(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    pub(crate) fn within(&self, wider: &Self) -> Result<(), String> {
        match self.0.iter().find(|(key, value)| wider.0.get(*key) != Some(value)) {
            Some((key, _)) => Err(format!("the value {key}, as it is here")),
            None => Ok(()),
        }
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        vec![format!("look up the values {}", spoken(&self.0.keys().collect::<Vec<_>>()))]
    }
}
