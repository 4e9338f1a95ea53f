//! Networks that are not public and were granted by name.
//!
//! A name says little about where a connection ends up: whoever runs its DNS decides, and can point
//! it at the machine's own services or at a cloud's metadata. So every rule reaches public addresses
//! alone, and those of the networks that it names. What is public is decided where connections are
//! made; the tables here only tell an operator what would never do what it seems to say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    host::Host,
    http::read::{list, shown, text},
    list::{checked, spoken},
};

/// More ranges than a rule can be about.
const MOST: usize = 64;
/// A site's whole private network is no larger: 10.0.0.0/8 and fc00::/7.
const WIDEST_V4: u8 = 8;
const WIDEST_V6: u8 = 7;

const EXAMPLE: &str = r#"["10.1.0.0/16"]"#;

/// Networks that a host's addresses may lie in, beside the public ones. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    pub fn ranges(&self) -> &[IpNet] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That an address that stands where a name could is public or granted here. A rule for another
    /// would never do anything.
    pub(crate) fn suit(&self, host: &Host) -> Result<(), String> {
        let Some(address) = host.address() else { return Ok(()) };
        let net = IpNet::from(address);
        if overlaps(net, &NOBODY_V4, &NOBODY_V6) {
            return Err(format!("{address} is no single machine's address: nothing can connect there"));
        }
        if is_special(net) && !self.0.iter().any(|granted| granted.contains(&net)) {
            return Err(format!("{address} is no public address: add \"{net}\" to `networks` if it is meant"));
        }
        Ok(())
    }

    pub(crate) fn within(&self, wider: &Self) -> Result<(), String> {
        let granted = IpNet::aggregate(&wider.0);
        match self.0.iter().find(|net| !granted.iter().any(|wider| wider.contains(*net))) {
            Some(net) => Err(format!("the network {net}")),
            None => Ok(()),
        }
    }

    /// Words that follow where somebody may connect to; nothing when that is public addresses.
    pub(crate) fn describe(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let ranges: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        format!(", also where that is an address in {}", spoken(&ranges))
    }
}

/// One range, as somebody wrote it.
struct Range(IpNet);

impl TryFrom<String> for Range {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let found = shown(&text);
        let wrong = |why: String| Err(format!("{found} is no network: {why}"));
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.as_str(), None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return wrong("write a range of addresses, such as \"10.1.0.0/16\" or \"fd00:1::/32\"".into());
        };
        let Some(prefix) = prefix else {
            return wrong(format!("write \"{}\" for this address alone", IpNet::from(address)));
        };
        let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
        let Some(net) = prefix.parse().ok().filter(|_| digits).and_then(|bits| IpNet::new(address, bits).ok()) else {
            let most = if address.is_ipv4() { 32 } else { 128 };
            return wrong(format!("after the slash stands a number from 0 to {most}, as in \"{address}/{most}\""));
        };
        if let IpNet::V6(v6) = net
            && let Some(v4) = v6.addr().to_ipv4_mapped()
        {
            let bits = v6.prefix_len().saturating_sub(96);
            return wrong(format!("it is IPv4 in another dress: write \"{v4}/{bits}\""));
        }
        let widest = if address.is_ipv4() { WIDEST_V4 } else { WIDEST_V6 };
        if net.prefix_len() < widest {
            return Err(format!("{found} is too much to be anybody's network: name ranges of /{widest} and smaller"));
        }
        if net.trunc() != net {
            return Err(format!(
                "{found} has bits after its first {}: write \"{}\", or \"{}\" for this address alone",
                net.prefix_len(),
                net.trunc(),
                IpNet::from(address)
            ));
        }
        let right = net.to_string();
        if right != text {
            return Err(format!("{found} has another spelling here: write \"{right}\""));
        }
        if overlaps(net, &NOBODY_V4, &NOBODY_V6) {
            return Err(format!("{found} has addresses that are no single machine's: nothing can connect there"));
        }
        // Whoever names a public range means to bind the host to it, which this does not do.
        if !is_special(net) {
            return Err(format!(
                "{found} has public addresses, which need no grant: name ranges that have none, such as \"10.1.0.0/16\""
            ));
        }
        Ok(Self(net))
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a network, such as \"10.1.0.0/16\"")
    }
}

impl TryFrom<Vec<IpNet>> for Networks {
    type Error = String;

    fn try_from(nets: Vec<IpNet>) -> Result<Self, String> {
        let nets = checked(nets, "networks", EXAMPLE)?;
        for (n, net) in nets.iter().enumerate() {
            let around = nets.iter().enumerate().find(|(m, other)| *m != n && other.contains(net));
            if let Some((_, around)) = around {
                return Err(format!(
                    "the network {net} lies in {around}, which is there as well: leave one of them out"
                ));
            }
        }
        Ok(Self(nets))
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let nets: Vec<Range> = list(deserializer, "a list of networks, such as [\"10.1.0.0/16\"]", MOST)?;
        Self::try_from(nets.into_iter().map(|range| range.0).collect::<Vec<_>>()).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Networks {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Networks".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "minItems": 1,
            "maxItems": MOST,
            "items": { "type": "string", "pattern": "^[0-9a-f.:]+/[0-9]{1,3}$", "description": "A range of addresses, such as 10.1.0.0/16" },
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, c: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits)
}

/// What is not public among the IPv4 addresses: IANA's special-purpose registry, and the address of
/// an agent that one cloud has on each machine.
const SPECIAL_V4: [Ipv4Net; 13] = [
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(168, 63, 129, 16, 32),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
];

/// What is given out of IPv6 at all, and what is special in it: protocols, examples, what carries
/// IPv4 addresses, and a test network that was given back.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);
const SPECIAL_V6: [Ipv6Net; 5] =
    [v6(0x2001, 0, 0, 23), v6(0x2001, 0xdb8, 0, 32), v6(0x2002, 0, 0, 16), v6(0x3ffe, 0, 0, 16), v6(0x3fff, 0, 0, 20)];

/// This machine and private networks: what goes there in clear is read by nobody on the way but who
/// runs them.
const PRIVATE_V4: [Ipv4Net; 4] =
    [v4(10, 0, 0, 0, 8), v4(127, 0, 0, 0, 8), v4(172, 16, 0, 0, 12), v4(192, 168, 0, 0, 16)];
const PRIVATE_V6: [Ipv6Net; 2] = [v6(0xfc00, 0, 0, 7), Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)];

/// Addresses of no single machine: "this network", multicast, reserved, unspecified.
const NOBODY_V4: [Ipv4Net; 3] = [v4(0, 0, 0, 0, 8), v4(224, 0, 0, 0, 4), v4(240, 0, 0, 0, 4)];
const NOBODY_V6: [Ipv6Net; 2] = [v6(0xff00, 0, 0, 8), Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128)];

/// Whether there is no public address in a range.
fn is_special(net: IpNet) -> bool {
    let given_out = match net {
        IpNet::V4(_) => true,
        IpNet::V6(net) => GLOBAL_V6.contains(&net) || net.contains(&GLOBAL_V6),
    };
    !given_out || inside(net, &SPECIAL_V4, &SPECIAL_V6)
}

/// Whether an address is one of this machine or of a private network.
pub(crate) fn is_private(address: IpAddr) -> bool {
    inside(address.into(), &PRIVATE_V4, &PRIVATE_V6)
}

fn overlaps(net: IpNet, v4: &[Ipv4Net], v6: &[Ipv6Net]) -> bool {
    match net {
        IpNet::V4(net) => v4.iter().any(|other| other.contains(&net) || net.contains(other)),
        IpNet::V6(net) => v6.iter().any(|other| other.contains(&net) || net.contains(other)),
    }
}

fn inside(net: IpNet, v4: &[Ipv4Net], v6: &[Ipv6Net]) -> bool {
    match net {
        IpNet::V4(net) => v4.iter().any(|other| other.contains(&net)),
        IpNet::V6(net) => v6.iter().any(|other| other.contains(&net)),
    }
}

#[cfg(test)]
mod tests;
