use super::*;

fn networks(json: &str) -> Result<Networks, String> {
    serde_json::from_str(json).map_err(|e| e.to_string().split(" at line").next().unwrap().to_owned())
}

fn of(texts: &[&str]) -> Networks {
    networks(&serde_json::to_string(texts).unwrap()).unwrap()
}

#[test]
fn ranges_are_shown_as_they_are_written() {
    for good in [
        "10.0.0.0/8",
        "10.1.2.3/32",
        "169.254.0.0/16",
        "168.63.129.16/32",
        "fd00:1::/32",
        "::1/128",
        "fc00::/7",
        "64:ff9b::/96",
        "2001:db8::/32",
    ] {
        assert_eq!(serde_json::to_value(of(&[good])).unwrap(), serde_json::json!([good]));
    }
}

/// What people read when they make a mistake.
#[test]
fn mistakes_are_answered_with_the_right_form() {
    for (json, expected) in [
        ("[]", r#"`networks = []` grants nothing: leave `networks` out, or write networks = ["10.1.0.0/16"]"#),
        (
            r#""10.0.0.0/8""#,
            r#"invalid type: string "10.0.0.0/8", expected a list of networks, such as ["10.1.0.0/16"]"#,
        ),
        ("[10]", r#"invalid type: integer `10`, expected a network, such as "10.1.0.0/16""#),
        (
            r#"["internal"]"#,
            r#""internal" is no network: write a range of addresses, such as "10.1.0.0/16" or "fd00:1::/32""#,
        ),
        (
            r#"["010.0.0.0/8"]"#,
            r#""010.0.0.0/8" is no network: write a range of addresses, such as "10.1.0.0/16" or "fd00:1::/32""#,
        ),
        (
            r#"["10.0/8"]"#,
            r#""10.0/8" is no network: write a range of addresses, such as "10.1.0.0/16" or "fd00:1::/32""#,
        ),
        (r#"["10.1.2.3"]"#, r#""10.1.2.3" is no network: write "10.1.2.3/32" for this address alone"#),
        (r#"["::1"]"#, r#""::1" is no network: write "::1/128" for this address alone"#),
        (
            r#"["10.0.0.0/33"]"#,
            r#""10.0.0.0/33" is no network: after the slash stands a number from 0 to 32, as in "10.0.0.0/32""#,
        ),
        (
            r#"["10.0.0.0/"]"#,
            r#""10.0.0.0/" is no network: after the slash stands a number from 0 to 32, as in "10.0.0.0/32""#,
        ),
        (
            r#"["10.0.0.0/+8"]"#,
            r#""10.0.0.0/+8" is no network: after the slash stands a number from 0 to 32, as in "10.0.0.0/32""#,
        ),
        (
            r#"["fd00::/129"]"#,
            r#""fd00::/129" is no network: after the slash stands a number from 0 to 128, as in "fd00::/128""#,
        ),
        (r#"["0.0.0.0/0"]"#, r#""0.0.0.0/0" is too much to be anybody's network: name ranges of /8 and smaller"#),
        (r#"["128.0.0.0/1"]"#, r#""128.0.0.0/1" is too much to be anybody's network: name ranges of /8 and smaller"#),
        (r#"["::/0"]"#, r#""::/0" is too much to be anybody's network: name ranges of /7 and smaller"#),
        (
            r#"["10.1.2.3/8"]"#,
            r#""10.1.2.3/8" has bits after its first 8: write "10.0.0.0/8", or "10.1.2.3/32" for this address alone"#,
        ),
        (
            r#"["fd00::1/32"]"#,
            r#""fd00::1/32" has bits after its first 32: write "fd00::/32", or "fd00::1/128" for this address alone"#,
        ),
        (r#"["10.0.0.0/08"]"#, r#""10.0.0.0/08" has another spelling here: write "10.0.0.0/8""#),
        (r#"["FD00::/16"]"#, r#""FD00::/16" has another spelling here: write "fd00::/16""#),
        (
            r#"["::ffff:10.0.0.0/104"]"#,
            r#""::ffff:10.0.0.0/104" is no network: it is IPv4 in another dress: write "10.0.0.0/8""#,
        ),
        (
            r#"["224.0.0.0/8"]"#,
            r#""224.0.0.0/8" has addresses that are no single machine's: nothing can connect there"#,
        ),
        (r#"["0.0.0.0/8"]"#, r#""0.0.0.0/8" has addresses that are no single machine's: nothing can connect there"#),
        (r#"["::/96"]"#, r#""::/96" has addresses that are no single machine's: nothing can connect there"#),
        (r#"["ff02::/16"]"#, r#""ff02::/16" has addresses that are no single machine's: nothing can connect there"#),
        (
            r#"["1.1.1.0/24"]"#,
            r#""1.1.1.0/24" has public addresses, which need no grant: name ranges that have none, such as "10.1.0.0/16""#,
        ),
        (
            r#"["172.0.0.0/8"]"#,
            r#""172.0.0.0/8" has public addresses, which need no grant: name ranges that have none, such as "10.1.0.0/16""#,
        ),
        (
            r#"["2001::/16"]"#,
            r#""2001::/16" has public addresses, which need no grant: name ranges that have none, such as "10.1.0.0/16""#,
        ),
        (r#"["10.0.0.0/8", "10.0.0.0/8"]"#, "entry 2 of `networks` is there already: each thing is granted once"),
        (
            r#"["10.1.0.0/16", "10.0.0.0/8"]"#,
            "the network 10.1.0.0/16 lies in 10.0.0.0/8, which is there as well: leave one of them out",
        ),
    ] {
        assert_eq!(networks(json).unwrap_err(), expected, "for {json}");
    }
    let many: Vec<_> = (0..65).map(|n| format!("10.{n}.0.0/16")).collect();
    let many = serde_json::to_string(&many).unwrap();
    assert_eq!(networks(&many).unwrap_err(), "has more than 64 entries; nobody reads that many");
}

/// An address where a name could stand, with what is granted beside it.
#[test]
fn an_address_is_public_or_granted() {
    let host = |text: &str| Host::try_from(text.to_owned()).unwrap();
    let none = Networks::default();
    for public in ["1.1.1.1", "172.15.255.255", "172.32.0.0", "100.128.0.0", "[2606:4700::1111]", "example.com"] {
        assert_eq!(none.suit(&host(public)), Ok(()), "{public}");
    }
    for special in [
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "[::1]",
        "[::2]",
        "[64:ff9b::1]",
        "[100::1]",
        "[2001::1]",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
        "[3fff::1]",
        "[fd00::1]",
        "[fe80::1]",
    ] {
        let host = host(special);
        let net = IpNet::from(host.address().unwrap());
        let why = format!("{} is no public address: add \"{net}\" to `networks` if it is meant", net.addr());
        assert_eq!(none.suit(&host), Err(why), "{special}");
        assert_eq!(of(&[&net.to_string()]).suit(&host), Ok(()), "{special}");
        assert!(of(&["10.9.0.0/16"]).suit(&host).is_err(), "{special}");
    }
    for nobody in ["0.0.0.0", "224.0.0.1", "255.255.255.255", "[::]", "[ff02::1]"] {
        let address = host(nobody).address().unwrap();
        let why = format!("{address} is no single machine's address: nothing can connect there");
        assert_eq!(none.suit(&host(nobody)), Err(why));
    }
}

#[test]
fn what_is_within_what() {
    let none = Networks::default();
    for (own, wider) in [
        (none.clone(), none.clone()),
        (none.clone(), of(&["10.0.0.0/8"])),
        (of(&["10.1.0.0/16"]), of(&["10.0.0.0/8"])),
        // Two that make one together.
        (of(&["10.0.0.0/15"]), of(&["10.0.0.0/16", "10.1.0.0/16"])),
    ] {
        assert_eq!(own.within(&wider), Ok(()));
    }
    for (own, wider, why) in [
        (of(&["10.1.0.0/16"]), none, "the network 10.1.0.0/16"),
        (of(&["10.0.0.0/8"]), of(&["10.0.0.0/16"]), "the network 10.0.0.0/8"),
        (of(&["10.0.0.0/8", "127.0.0.1/32"]), of(&["10.0.0.0/8"]), "the network 127.0.0.1/32"),
        (of(&["::1/128"]), of(&["127.0.0.1/32"]), "the network ::1/128"),
    ] {
        assert_eq!(own.within(&wider), Err(why.to_owned()));
    }
}

#[test]
fn private_is_what_others_cannot_listen_to() {
    for (text, expected) in [
        ("127.0.0.1", true),
        ("::1", true),
        ("10.255.255.255", true),
        ("172.16.0.1", true),
        ("192.168.0.1", true),
        ("fd00::1", true),
        ("169.254.169.254", false),
        ("100.64.0.1", false),
        ("fe80::1", false),
        ("1.1.1.1", false),
        ("::ffff:127.0.0.1", false),
    ] {
        assert_eq!(is_private(text.parse().unwrap()), expected, "{text}");
    }
}
