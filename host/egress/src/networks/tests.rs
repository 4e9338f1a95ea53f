use super::{AddressKind as Kind, *};

fn granted(networks: &[&str]) -> Networks {
    networks.iter().map(|network| network.parse::<IpNet>().unwrap()).collect()
}

fn kind(networks: &Networks, address: &str) -> Option<Kind> {
    networks.admits(address.parse().unwrap()).err().map(|forbidden| forbidden.kind)
}

/// The IANA IPv4 Special-Purpose Address Registry, all of it but the blocks in `GLOBAL`: name of the block, what we call it.
const SPECIAL_V4: &[(&str, Kind)] = &[
    ("0.0.0.0/8", Kind::Unspecified),
    ("0.0.0.0/32", Kind::Unspecified),
    ("10.0.0.0/8", Kind::Private),
    ("100.64.0.0/10", Kind::SharedAddressSpace),
    ("127.0.0.0/8", Kind::Loopback),
    ("169.254.0.0/16", Kind::LinkLocal),
    ("172.16.0.0/12", Kind::Private),
    ("192.0.0.0/24", Kind::ProtocolAssignment),
    ("192.0.0.0/29", Kind::ProtocolAssignment),
    ("192.0.0.8/32", Kind::ProtocolAssignment),
    ("192.0.0.9/32", Kind::ProtocolAssignment),
    ("192.0.0.10/32", Kind::ProtocolAssignment),
    ("192.0.0.170/32", Kind::ProtocolAssignment),
    ("192.0.0.171/32", Kind::ProtocolAssignment),
    ("192.0.2.0/24", Kind::Documentation),
    ("192.88.99.0/24", Kind::SixToFour),
    ("192.88.99.2/32", Kind::SixToFour),
    ("192.168.0.0/16", Kind::Private),
    ("198.18.0.0/15", Kind::Benchmarking),
    ("198.51.100.0/24", Kind::Documentation),
    ("203.0.113.0/24", Kind::Documentation),
    ("224.0.0.0/4", Kind::Multicast),
    ("240.0.0.0/4", Kind::Reserved),
    ("255.255.255.255/32", Kind::Broadcast),
];

/// The IANA IPv6 Special-Purpose Address Registry, likewise, with what other registries keep from the public.
const SPECIAL_V6: &[(&str, Kind)] = &[
    ("::1/128", Kind::Loopback),
    ("::/128", Kind::Unspecified),
    ("::ffff:0:0/96", Kind::Ipv4Mapped),
    ("64:ff9b::/96", Kind::Nat64),
    ("64:ff9b:1::/48", Kind::Nat64),
    ("100::/64", Kind::Discard),
    ("100:0:0:1::/64", Kind::Discard),
    ("2001::/32", Kind::Teredo),
    ("2001:1::1/128", Kind::ProtocolAssignment),
    ("2001:1::2/128", Kind::ProtocolAssignment),
    ("2001:1::3/128", Kind::ProtocolAssignment),
    ("2001:2::/48", Kind::Benchmarking),
    ("2001:3::/32", Kind::ProtocolAssignment),
    ("2001:4:112::/48", Kind::ProtocolAssignment),
    ("2001:10::/28", Kind::ProtocolAssignment),
    ("2001:20::/28", Kind::ProtocolAssignment),
    ("2001:30::/28", Kind::ProtocolAssignment),
    ("2001:db8::/32", Kind::Documentation),
    ("2002::/16", Kind::SixToFour),
    ("3ffe::/16", Kind::Reserved),
    ("3fff::/20", Kind::Documentation),
    ("5f00::/16", Kind::Reserved),
    ("fc00::/7", Kind::UniqueLocal),
    ("fe80::/10", Kind::LinkLocal),
    ("fec0::/10", Kind::SiteLocal),
    ("ff00::/8", Kind::Multicast),
    ("::ffff:0:0:0/96", Kind::Ipv4Translated),
    ("::7f00:1/128", Kind::Ipv4Compatible),
    ("4000::/3", Kind::Reserved),
    ("e000::/4", Kind::Reserved),
    ("200::/7", Kind::Reserved),
];

/// Blocks of both registries that are globally reachable, public networks, and neighbours of special ones.
const PUBLIC: &[&str] = &[
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "191.255.255.255",
    "192.0.1.0",
    "192.0.3.0",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.98.255",
    "192.167.255.255",
    "192.169.0.0",
    "192.175.48.1",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "203.0.112.255",
    "223.255.255.255",
    "168.63.129.15",
    "168.63.129.17",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2001:db7:ffff::1",
    "2001:db9::1",
    "2003::1",
    "2606:4700:4700::1111",
    "2620:4f:8000::1",
    "3ffd:ffff::1",
    "3fff:1000::1",
    "2a00:1450:4001:81b::200e",
];

#[test]
fn special_blocks_are_refused_from_their_first_address_to_their_last() {
    let none = Networks::default();
    for (block, expected) in SPECIAL_V4.iter().chain(SPECIAL_V6) {
        let net: IpNet = block.parse().unwrap();
        for address in [net.network(), net.broadcast()] {
            let found = none.admits(address).expect_err(block).kind;
            // The last address of a block can have a kind of its own.
            let of_its_own = [Kind::Broadcast, Kind::Unspecified, Kind::Loopback].contains(&found);
            assert!(found == *expected || of_its_own, "{address} of {block} is {found:?}");
        }
    }
}

#[test]
fn public_addresses_pass_without_a_grant() {
    for address in PUBLIC {
        assert_eq!(kind(&Networks::default(), address), None, "{address}");
    }
}

#[test]
fn metadata_services_are_told_apart() {
    let addresses =
        ["169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"];
    for address in addresses {
        assert_eq!(kind(&Networks::default(), address), Some(Kind::Metadata), "{address}");
    }
}

#[test]
fn a_grant_admits_what_it_holds_and_nothing_beside_it() {
    let cases = [
        ("127.0.0.0/8", "127.0.0.1", "10.0.0.1"),
        ("10.1.2.0/24", "10.1.2.255", "10.1.3.0"),
        ("169.254.169.254/32", "169.254.169.254", "169.254.169.253"),
        ("::1/128", "::1", "127.0.0.1"),
        ("fd12:3456::/32", "fd12:3456::1", "fd12:3457::1"),
        ("0.0.0.0/0", "192.168.0.1", "fd00::1"),
        ("::/0", "fd00::1", "192.168.0.1"),
    ];
    for (network, held, beside) in cases {
        assert_eq!(kind(&granted(&[network]), held), None, "{held} in {network}");
        assert!(kind(&granted(&[network]), beside).is_some(), "{beside} in {network}");
        assert!(kind(&Networks::default(), held).is_some(), "{held} in nothing");
    }
}

/// Forms of 127.0.0.1, 10.0.0.1 and 8.8.8.8 within IPv6.
const FORMS: &[(&str, [&str; 3])] = &[
    ("mapped", ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8"]),
    ("compatible", ["::127.0.0.1", "::10.0.0.1", "::8.8.8.8"]),
    ("translated", ["::ffff:0:127.0.0.1", "::ffff:0:10.0.0.1", "::ffff:0:8.8.8.8"]),
    ("NAT64", ["64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::8.8.8.8"]),
    ("NAT64 of a site, /96", ["64:ff9b:1::127.0.0.1", "64:ff9b:1::10.0.0.1", "64:ff9b:1::8.8.8.8"]),
    ("NAT64 of a site, /48", ["64:ff9b:1:7f00:0:100::", "64:ff9b:1:a00:0:100::", "64:ff9b:1:808:8:800::"]),
    ("NAT64 of a site, /56", ["64:ff9b:1:7f:0:1::", "64:ff9b:1:a:0:1::", "64:ff9b:1:8:8:808::"]),
    ("NAT64 of a site, /64", ["64:ff9b:1:0:7f:0:100:0", "64:ff9b:1:0:a:0:100:0", "64:ff9b:1:0:8:808:800:0"]),
    ("6to4", ["2002:7f00:1::1", "2002:a00:1::1", "2002:808:808::1"]),
    ("Teredo, its client", ["2001:0:808:808::80ff:fffe", "2001:0:808:808::f5ff:fffe", "2001:0:808:808::f7f7:f7f7"]),
    ("Teredo, its server", ["2001:0:7f00:1::f7f7:f7f7", "2001:0:a00:1::f7f7:f7f7", "2001:0:808:808::f7f7:f7f7"]),
    ("ISATAP", ["2606:4700::5efe:7f00:1", "2606:4700::5efe:a00:1", "2606:4700::200:5efe:808:808"]),
];

#[test]
fn an_ipv4_address_within_ipv6_needs_a_grant_of_both() {
    for (form, [loopback, private, public]) in FORMS {
        for address in [loopback, private, public] {
            assert!(kind(&Networks::default(), address).is_some(), "{form} {address} without a grant");
            assert!(kind(&granted(&["0.0.0.0/0"]), address).is_some(), "{form} {address}: IPv4 alone");
        }
        assert_eq!(kind(&granted(&["::/0"]), public), None, "{form} {public}: IPv6 with a public one inside");
        assert_eq!(kind(&granted(&["::/0"]), loopback), Some(Kind::Loopback), "{form} {loopback}: IPv6 alone");
        assert_eq!(kind(&granted(&["::/0"]), private), Some(Kind::Private), "{form} {private}: IPv6 alone");
        assert_eq!(kind(&granted(&["::/0", "127.0.0.0/8"]), loopback), None, "{form} {loopback}: both");
        assert!(kind(&granted(&["::/0", "127.0.0.0/8"]), private).is_some(), "{form} {private}: another inside");
    }
}

#[test]
fn what_is_refused_is_named() {
    let none = Networks::default();
    let message =
        |networks: &Networks, address: &str| networks.admits(address.parse().unwrap()).unwrap_err().to_string();
    assert_eq!(message(&none, "127.0.0.1"), "127.0.0.1 is a loopback address, and no granted network holds 127.0.0.1");
    assert_eq!(
        message(&granted(&["64:ff9b::/96"]), "64:ff9b::10.0.0.1"),
        "64:ff9b::a00:1 carries 10.0.0.1, which is a private address, and no granted network holds 10.0.0.1"
    );
}

#[test]
fn order_and_bits_behind_the_prefix_do_not_count() {
    let (one, two) = (granted(&["10.0.0.0/8", "127.0.0.0/8"]), granted(&["127.0.0.1/8", "10.9.9.9/8", "10.0.0.0/8"]));
    assert_eq!(one, two);
    assert_eq!(one.to_string(), "10.0.0.0/8, 127.0.0.0/8");
    assert_eq!(Networks::default().to_string(), "none");
    assert_ne!(one, granted(&["10.0.0.0/8"]));
}
