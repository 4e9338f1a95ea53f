//! `sockets`: hosts and ports that a plugin may connect to by TCP.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
    ser::SerializeMap,
};

use super::{
    host::Host,
    http::{
        read::{list, shown},
        url::port_of,
    },
    list::{MOST, checked},
    network::Networks,
};

const EXAMPLE: &str = r#"["db.example.com:5432"]"#;
const FORM: &str = r#"write "db.example.com:5432", or { address = "db.internal:5432", networks = ["10.1.0.0/16"] }"#;

/// Hosts and ports. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SocketsGrant(Vec<SocketRule>);

/// One port of one host. There are no patterns: what speaks no HTTP is a server that somebody set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketRule {
    pub host: Host,
    pub port: u16,
    /// Where the host's addresses may lie, beside the public ones.
    pub networks: Networks,
}

impl SocketsGrant {
    pub fn rules(&self) -> &[SocketRule] {
        &self.0
    }

    /// Whether a plugin may look up the addresses of this name: some rule is about it.
    pub fn permits_name(&self, name: &str) -> bool {
        Host::of_request(name).is_ok_and(|asked| self.0.iter().any(|rule| rule.host == asked))
    }

    pub(crate) fn within(&self, wider: &Self) -> Result<(), String> {
        for own in &self.0 {
            let Some(around) = wider.0.iter().find(|w| w.host == own.host && w.port == own.port) else {
                return Err(own.address());
            };
            own.networks.within(&around.networks).map_err(|what| format!("{} ({what})", own.address()))?;
        }
        Ok(())
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        let line = |rule: &SocketRule| {
            format!("connect to {} by TCP{}, and say anything there", rule.address(), rule.networks.describe())
        };
        self.0.iter().map(line).collect()
    }
}

impl TryFrom<Vec<SocketRule>> for SocketsGrant {
    type Error = String;

    fn try_from(rules: Vec<SocketRule>) -> Result<Self, String> {
        let rules = checked(rules, "sockets", EXAMPLE)?;
        for (n, rule) in rules.iter().enumerate() {
            if rules[..n].iter().any(|other| other.host == rule.host && other.port == rule.port) {
                return Err(format!("{} is there already: put the networks of both into one", rule.address()));
            }
        }
        Ok(Self(rules))
    }
}

impl<'de> Deserialize<'de> for SocketsGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rules: Vec<SocketRule> = list(deserializer, "a list, such as [\"db.example.com:5432\"]", MOST)?;
        Self::try_from(rules).map_err(D::Error::custom)
    }
}

impl JsonSchema for SocketsGrant {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SocketsGrant".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "minItems": 1, "maxItems": MOST, "items": generator.subschema_for::<SocketRule>() })
    }
}

impl SocketRule {
    /// `host:port`, as it is written.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn new(address: &str, networks: Networks) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("{} is no host with its port: {why}", shown(address)));
        if address.contains('/') {
            return wrong(FORM);
        }
        // The colons before a bracket belong to an address.
        let Some((host, port)) = address.rsplit_once(':').filter(|(_, port)| !port.contains(']')) else {
            return wrong(FORM);
        };
        if host.contains('*') {
            return wrong("a connection goes to one host, which is named in full, such as \"db.example.com:5432\"");
        }
        let host = Host::try_from(host.to_owned())?;
        let port = port_of(port)?;
        networks.suit(&host)?;
        Ok(Self { host, port, networks })
    }
}

/// A rule as a table.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SocketTable")]
struct Table {
    /// The host and its port, such as "db.example.com:5432". No patterns.
    #[schemars(required)]
    address: Option<String>,
    /// Networks that are not public and that the host's addresses may lie in, such as ["10.1.0.0/16"].
    /// Default: none.
    #[serde(default)]
    networks: Networks,
}

impl Serialize for SocketRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.networks.is_empty() {
            return serializer.serialize_str(&self.address());
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("address", &self.address())?;
        map.serialize_entry("networks", &self.networks)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for SocketRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rules;

        impl<'de> Visitor<'de> for Rules {
            type Value = SocketRule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a host with its port: {FORM}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SocketRule, E> {
                SocketRule::new(text, Networks::default()).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SocketRule, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                let address = table.address.ok_or_else(|| A::Error::custom(format!("`address` is missing: {FORM}")))?;
                SocketRule::new(&address, table.networks).map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_any(Rules)
    }
}

impl JsonSchema for SocketRule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SocketRule".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        // The table comes first: what looks for keys takes the first that is there.
        json_schema!({ "anyOf": [
            generator.subschema_for::<Table>(),
            { "type": "string", "pattern": "^[^/*]+:[0-9]{1,5}$", "description": "A host with its port, such as db.example.com:5432" },
        ] })
    }
}

#[cfg(test)]
mod tests;
