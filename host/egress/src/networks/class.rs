//! What kind of address an address is, by the special-purpose registries of IANA (RFC 6890, RFC 8190).
//!
//! The tables are stricter than the registries in four places. All of 192.0.0.0/24 and 2001::/23 are refused with the few
//! anycast addresses in them that are globally reachable: no tool needs them. IPv6 outside 2000::/3 is refused as a whole,
//! as IANA has given none of it to the public. The address of the platform's agent in one large cloud, 168.63.129.16, is
//! public by the registries and answers with a machine's secrets. And ISATAP addresses look like any host's.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{Ipv4Net, Ipv6Net};

/// Why an address is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressKind {
    /// 0.0.0.0/8 and `::`: this host, on most systems another way to write loopback.
    Unspecified,
    /// 127.0.0.0/8 and `::1`.
    Loopback,
    /// 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16 (RFC 1918).
    Private,
    /// 100.64.0.0/10 (RFC 6598): behind a provider's translator; also used by overlay networks and clouds.
    SharedAddressSpace,
    /// 169.254.0.0/16 and fe80::/10.
    LinkLocal,
    /// Where a cloud tells a machine its credentials.
    Metadata,
    /// fc00::/7 (RFC 4193).
    UniqueLocal,
    /// fec0::/10, deprecated and still routed inside some sites.
    SiteLocal,
    /// 224.0.0.0/4 and ff00::/8.
    Multicast,
    /// 255.255.255.255.
    Broadcast,
    /// Networks for examples in documents.
    Documentation,
    /// 198.18.0.0/15 and 2001:2::/48.
    Benchmarking,
    /// 192.0.0.0/24 and 2001::/23: assignments for protocols.
    ProtocolAssignment,
    /// 100::/64 and 100:0:0:1::/64: what is sent there is thrown away.
    Discard,
    /// 192.88.99.0/24 and 2002::/16: 6to4, or its relays.
    SixToFour,
    /// 2001::/32.
    Teredo,
    /// 64:ff9b::/96 and 64:ff9b:1::/48: an IPv4 address behind a translator.
    Nat64,
    /// `::ffff:0:0/96`: an IPv4 address in an IPv6 socket.
    Ipv4Mapped,
    /// `::ffff:0:0:0/96`: an IPv4 address behind a stateless translator (RFC 2765).
    Ipv4Translated,
    /// `::/96`, deprecated.
    Ipv4Compatible,
    /// An interface identifier of ISATAP (RFC 5214): an IPv4 address reached through a tunnel.
    Isatap,
    /// 240.0.0.0/4, and IPv6 that is given to nobody.
    Reserved,
}

use AddressKind::{
    Benchmarking, Broadcast, Discard, Documentation, Ipv4Compatible, Ipv4Mapped, Ipv4Translated, Isatap, LinkLocal,
    Loopback, Metadata, Multicast, Nat64, Private, ProtocolAssignment, Reserved, SharedAddressSpace, SiteLocal,
    SixToFour, Teredo, UniqueLocal, Unspecified,
};

/// The first network that holds an address says what it is.
const V4: [(Ipv4Net, AddressKind); 19] = [
    (v4([169, 254, 169, 254], 32), Metadata),
    (v4([100, 100, 100, 200], 32), Metadata),
    (v4([168, 63, 129, 16], 32), Metadata),
    (v4([192, 0, 0, 192], 32), Metadata),
    (v4([0, 0, 0, 0], 8), Unspecified),
    (v4([10, 0, 0, 0], 8), Private),
    (v4([100, 64, 0, 0], 10), SharedAddressSpace),
    (v4([127, 0, 0, 0], 8), Loopback),
    (v4([169, 254, 0, 0], 16), LinkLocal),
    (v4([172, 16, 0, 0], 12), Private),
    (v4([192, 0, 0, 0], 24), ProtocolAssignment),
    (v4([192, 0, 2, 0], 24), Documentation),
    (v4([192, 88, 99, 0], 24), SixToFour),
    (v4([192, 168, 0, 0], 16), Private),
    (v4([198, 18, 0, 0], 15), Benchmarking),
    (v4([198, 51, 100, 0], 24), Documentation),
    (v4([203, 0, 113, 0], 24), Documentation),
    (v4([224, 0, 0, 0], 4), Multicast),
    (v4([255, 255, 255, 255], 32), Broadcast),
];

const V6: [(Ipv6Net, AddressKind); 22] = [
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), Metadata),
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), Metadata),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), Unspecified),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Loopback),
    (v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), Ipv4Mapped),
    (v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), Ipv4Translated),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), Ipv4Compatible),
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), Nat64),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), Nat64),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), Discard),
    (v6([0x100, 0, 0, 1, 0, 0, 0, 0], 64), Discard),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), Teredo),
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), Benchmarking),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), ProtocolAssignment),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), Documentation),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), SixToFour),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), Documentation),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), UniqueLocal),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), LinkLocal),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), SiteLocal),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Multicast),
    // Local identification of deprecated ORCHIDs and all else of 2001::/23 is above; 6bone was given back.
    (v6([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16), Reserved),
];

/// IPv4 that is given to nobody, behind the last of the table as it holds the broadcast address.
const V4_RESERVED: Ipv4Net = v4([240, 0, 0, 0], 4);

/// All IPv6 that is given to the public.
const V6_GLOBAL: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// What `address` is when it is not public.
pub(super) fn of(address: IpAddr) -> Option<AddressKind> {
    match address {
        IpAddr::V4(address) => V4
            .iter()
            .find_map(|(network, kind)| network.contains(&address).then_some(*kind))
            .or_else(|| V4_RESERVED.contains(&address).then_some(Reserved)),
        IpAddr::V6(address) => V6
            .iter()
            .find_map(|(network, kind)| network.contains(&address).then_some(*kind))
            .or_else(|| (!V6_GLOBAL.contains(&address)).then_some(Reserved))
            .or_else(|| is_isatap(address).then_some(Isatap)),
    }
}

/// The IPv4 addresses that `address` carries, each a machine that may be what is reached.
pub(super) fn carried(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let bytes = address.octets();
    let at = |places: [usize; 4]| Ipv4Addr::from(places.map(|place| bytes[place]));
    let last = at([12, 13, 14, 15]);
    match of(IpAddr::V6(address)) {
        Some(Ipv4Mapped | Ipv4Translated | Ipv4Compatible) => vec![last],
        Some(Nat64) if bytes[5] == 0 => vec![last],
        // A site chooses how long the prefix of its translator is (RFC 6052, 2.2), and we cannot know. 0.0.0.0/8 is
        // translated by none, so what reads as that is a wrong guess; when all are, the last will refuse.
        Some(Nat64) => {
            let guesses = [at([6, 7, 9, 10]), at([7, 9, 10, 11]), at([9, 10, 11, 12]), last];
            let some: Vec<_> = guesses.into_iter().filter(|guess| guess.octets()[0] != 0).collect();
            if some.is_empty() { vec![last] } else { some }
        }
        Some(SixToFour) => vec![at([2, 3, 4, 5])],
        // The server, and the client with its bits turned over.
        Some(Teredo) => vec![at([4, 5, 6, 7]), Ipv4Addr::from(!u32::from(last))],
        _ if is_isatap(address) => vec![last],
        _ => Vec::new(),
    }
}

fn is_isatap(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [_, _, _, _, 0 | 0x200, 0x5efe, _, _])
}

const fn v4(address: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = address;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(address: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = address;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unspecified => "an unspecified address",
            Loopback => "a loopback address",
            Private => "a private address",
            SharedAddressSpace => "in the shared address space of providers",
            LinkLocal => "a link-local address",
            Metadata => "the metadata service of a cloud",
            UniqueLocal => "a unique local address",
            SiteLocal => "a site-local address",
            Multicast => "a multicast address",
            Broadcast => "the broadcast address",
            Documentation => "an address for documentation",
            Benchmarking => "an address for benchmarks",
            ProtocolAssignment => "an address kept for protocols",
            Discard => "an address that discards",
            SixToFour => "an address of 6to4",
            Teredo => "an address of Teredo",
            Nat64 => "an address of a NAT64 translator",
            Ipv4Mapped => "an IPv4-mapped address",
            Ipv4Translated => "an IPv4-translated address",
            Ipv4Compatible => "an IPv4-compatible address",
            Isatap => "an address of ISATAP",
            Reserved => "a reserved address",
        })
    }
}
