use super::*;

fn pattern(text: &str) -> HostPattern {
    HostPattern::try_from(text.to_owned()).unwrap()
}

fn host(text: &str) -> Host {
    Host::try_from(text.to_owned()).unwrap()
}

#[test]
fn one_spelling_is_read_and_shown() {
    for good in [
        "example.com",
        "localhost",
        "a.b.c.d.example.com",
        "xn--gthub-n2e.com",
        "3com.com",
        "10.1.2.3",
        "[2001:db8::1]",
        "[::1]",
        "*.example.com",
        "*.xn--gthub-n2e.com",
        &format!("{}.{}.example", "a".repeat(63), "b".repeat(63)),
    ] {
        assert_eq!(pattern(good).to_string(), good);
    }
}

/// What people read when they make a mistake.
#[test]
fn every_other_spelling_is_answered_with_the_right_one() {
    let label = "a".repeat(64);
    let long = ["a"; 127].join(".") + ".com";
    let cases = [
        ("", r#""" is no host: write "example.com", or an address"#),
        ("*", r#""*" is no host: write "example.com", or "*.example.com" for the names below it"#),
        ("*com", r#""*com" is no host: write "example.com", or "*.example.com" for the names below it"#),
        ("a.*.com", r#""a.*.com" is no host: write "example.com", or "*.example.com" for the names below it"#),
        ("**.x.com", r#""**.x.com" is no host: write "example.com", or "*.example.com" for the names below it"#),
        ("*.*.x.com", r#""*.*.x.com" is no host: write "example.com", or "*.example.com" for the names below it"#),
        ("a*.x.com", r#""a*.x.com" is no host: write "example.com", or "*.example.com" for the names below it"#),
        ("*.", r#""*." is no host: write "example.com", or "*.example.com" for the names below it"#),
        ("*.10.0.0.1", r#""*.10.0.0.1" is no host: write "example.com", or "*.example.com" for the names below it"#),
        ("*.[::1]", r#""*.[::1]" is no host: write "example.com", or "*.example.com" for the names below it"#),
        (
            "*.com",
            r#""*.com" is every name of a whole top-level domain: write two labels after the star, as in "*.example.com""#,
        ),
        (
            ".example.com",
            r#"".example.com" is no host: write "example.com", or "*.example.com" for the names below it"#,
        ),
        ("*..com", r#""*..com" is no host: write "example.com", or "*.example.com" for the names below it"#),
        ("example.com.", r#""example.com." ends with a dot: write "example.com""#),
        ("*.example.com.", r#""example.com." ends with a dot: write "example.com""#),
        ("a..example.com", r#""a..example.com" is no host: it has two dots in a row"#),
        ("GitHub.com", r#""GitHub.com" has capitals: write "github.com""#),
        (
            "my_host.example.com",
            r#""my_host.example.com" is no host: '_' does not occur in host names, which have a-z, 0-9, - and dots"#,
        ),
        (
            "user@example.com",
            r#""user@example.com" is no host: '@' does not occur in host names, which have a-z, 0-9, - and dots"#,
        ),
        (
            "ex%61mple.com",
            r#""ex%61mple.com" is no host: '%' does not occur in host names, which have a-z, 0-9, - and dots"#,
        ),
        (
            "-a.example.com",
            r#""-a.example.com" is no host: what stands between two dots neither begins nor ends with -"#,
        ),
        (
            "a-.example.com",
            r#""a-.example.com" is no host: what stands between two dots neither begins nor ends with -"#,
        ),
        ("exa mple.com", r#""exa mple.com" is no host: it has a space or a control character"#),
        ("example.com\n", r#""example.com\n" is no host: it has a space or a control character"#),
        ("example.com\0", r#""example.com\u{0}" is no host: it has a space or a control character"#),
        // Cyrillic; a full stop of another script; letters twice as wide; what no name has.
        (
            "gіthub.com",
            r#""g\u{456}thub.com" has letters outside ASCII, which can look like others: write "xn--gthub-n2e.com" if that is the name"#,
        ),
        (
            "api.gіthub.com",
            r#""api.g\u{456}thub.com" has letters outside ASCII, which can look like others: write "api.xn--gthub-n2e.com" if that is the name"#,
        ),
        ("example。com", r#""example\u{3002}com" has letters outside ASCII: write "example.com""#),
        ("ｅxample.com", r#""\u{ff45}xample.com" has letters outside ASCII: write "example.com""#),
        ("１２７.0.0.1", r#""\u{ff11}\u{ff12}\u{ff17}.0.0.1" has letters outside ASCII: write "127.0.0.1""#),
        ("a\u{202e}b.com", r#""a\u{202e}b.com" is no host: it has letters outside ASCII that no name has"#),
        ("xn--a.com", r#""xn--a.com" is no host: what follows xn-- does not decode to a name"#),
        (
            "xn--example-.com",
            r#""xn--example-.com" is no host: what stands between two dots neither begins nor ends with -"#,
        ),
        ("0177.0.0.1", r#""0177.0.0.1" is a roundabout way to write an address: write "127.0.0.1""#),
        ("0x7f.1", r#""0x7f.1" is a roundabout way to write an address: write "127.0.0.1""#),
        ("2130706433", r#""2130706433" is a roundabout way to write an address: write "127.0.0.1""#),
        ("127.1", r#""127.1" is a roundabout way to write an address: write "127.0.0.1""#),
        ("010.0.0.1", r#""010.0.0.1" is a roundabout way to write an address: write "8.0.0.1""#),
        (
            "1.2.3.4.5",
            r#""1.2.3.4.5" is no host: it ends with a number, as an address does, and is none: write four numbers from 0 to 255"#,
        ),
        (
            "256.1.1.1",
            r#""256.1.1.1" is no host: it ends with a number, as an address does, and is none: write four numbers from 0 to 255"#,
        ),
        ("::1", r#""::1" has another spelling here: write "[::1]""#),
        ("[2001:DB8::1]", r#""[2001:DB8::1]" has another spelling here: write "[2001:db8::1]""#),
        ("[2001:db8:0::1]", r#""[2001:db8:0::1]" has another spelling here: write "[2001:db8::1]""#),
        ("[::1", r#""[::1" has another spelling here: write "[::1]""#),
        (
            "[fe80::1%eth0]",
            r#""[fe80::1%eth0]" names a zone, which means something on one machine only: write "[fe80::1]""#,
        ),
        ("[::ffff:127.0.0.1]", r#""[::ffff:127.0.0.1]" is an IPv4 address in another dress: write "127.0.0.1""#),
        ("[v1.x]", r#""[v1.x]" is no IPv6 address: write one such as "[2001:db8::1]""#),
        (&label, &format!("\"{label}\" is no host: what stands between two dots has at most 63 characters")),
        (&long, &format!("\"{}\"... is no host: a name has at most 253 characters", &long[..80])),
    ];
    for (text, expected) in cases {
        assert_eq!(HostPattern::try_from(text.to_owned()).unwrap_err(), *expected, "for {text}");
    }
}

#[test]
fn a_star_is_one_label() {
    let below = pattern("*.example.com");
    for (name, expected) in [
        ("a.example.com", true),
        ("xn--gthub-n2e.example.com", true),
        ("a.b.example.com", false),
        ("example.com", false),
        ("aexample.com", false),
        ("a.example.com.evil.org", false),
        ("a.example.org", false),
        ("10.0.0.1", false),
        ("[::1]", false),
    ] {
        assert_eq!(below.matches(&host(name)), expected, "{name}");
        // An exact host is covered just when it is matched.
        assert_eq!(below.covers(&pattern(name)), expected, "{name}");
        assert_eq!(below.meets(&pattern(name)), expected, "{name}");
        assert!(pattern(name).matches(&host(name)));
    }
    assert!(below.covers(&below));
    for other in ["*.a.example.com", "*.example.org"] {
        assert!(!below.covers(&pattern(other)) && !pattern(other).covers(&below) && !below.meets(&pattern(other)));
    }
}

#[test]
fn requests_may_have_capitals_and_nothing_else() {
    assert_eq!(Host::of_request("API.GitHub.com"), Ok(host("api.github.com")));
    assert_eq!(Host::of_request("[2001:DB8::1]"), Ok(host("[2001:db8::1]")));
    for other in [
        "",
        "api.github.com.",
        "127.1",
        "0x7f000001",
        "[::ffff:127.0.0.1]",
        "a_b.com",
        "*.com",
        "gіthub.com",
        "[::1%25lo]",
        "a%2ecom",
        &"a.".repeat(100_000),
    ] {
        assert!(Host::of_request(other).is_err(), "{other}");
    }
}

#[test]
fn shared_labels_count_from_the_right() {
    for (a, b, count) in [
        ("api.github.com", "github.com", 2),
        ("api.github.com", "api.github.org", 0),
        ("api.github.com", "api.gitlab.com", 1),
        ("10.0.0.1", "10.0.0.1", 0),
    ] {
        assert_eq!(host(a).labels_shared(&host(b)), count);
    }
}
