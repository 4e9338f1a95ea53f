use super::*;

fn pattern(text: &str) -> PathPattern {
    PathPattern::try_from(text.to_owned()).unwrap()
}

fn matches(text: &str, path: &str) -> bool {
    pattern(text).matches(&RequestPath::parse(path).unwrap())
}

#[test]
fn patterns_are_shown_as_they_are_written() {
    for good in ["/", "/v1", "/v1/", "/*", "/*/", "/repos/*/*/issues", "/a.b/~c/d-e_f/g;h=1/i:j@k,l!$&'()+="] {
        assert_eq!(pattern(good).to_string(), good);
    }
    for (long, short) in [("/**", "/"), ("/v1/**", "/v1/"), ("/*/**", "/*/")] {
        assert_eq!(pattern(long), pattern(short));
        assert_eq!(pattern(long).to_string(), short);
    }
}

/// What people read when they make a mistake.
#[test]
fn mistakes_are_answered_with_the_right_form() {
    let long = "/".to_owned() + &"a".repeat(1025);
    let deep = "/a".repeat(65);
    let cases = [
        ("", r#""" is no path: it begins with a slash: write "/""#),
        ("v1/", r#""v1/" is no path: it begins with a slash: write "/v1/""#),
        ("//", r#""//" is no path: it has two slashes in a row"#),
        ("/a//b", r#""/a//b" is no path: it has two slashes in a row"#),
        ("/a//", r#""/a//" is no path: it has two slashes in a row"#),
        ("/a//**", r#""/a//**" is no path: it has two slashes in a row"#),
        ("/a/../b", r#""/a/../b" is no path: it has a segment of dots, which some servers take for a way up"#),
        ("/a/./b", r#""/a/./b" is no path: it has a segment of dots, which some servers take for a way up"#),
        ("/a/..;x/b", r#""/a/..;x/b" is no path: it has a segment of dots, which some servers take for a way up"#),
        ("/a/;x/b", r#""/a/;x/b" is no path: it has a segment that is empty without its parameters or blanks"#),
        ("/a/**/b", r#""/a/**/b" is no path: ** stands at the end only, after a slash"#),
        ("/a**", r#""/a**" is no path: ** stands at the end only, after a slash"#),
        ("/***", r#""/***" is no path: ** stands at the end only, after a slash"#),
        ("/v*", r#""/v*" is no path: a * stands for a whole segment, as in "/v1/*/issues""#),
        (
            "/a%20b",
            r#""/a%20b" is no path: percent-encoding has many spellings: write the characters themselves, or * for the segment"#,
        ),
        (r"/a\b", r#""/a\\b" is no path: write / instead of \"#),
        ("/a?b", r#""/a?b" is no path: leave out what follows ? or #: a rule says nothing about it"#),
        ("/a#b", r##""/a#b" is no path: leave out what follows ? or #: a rule says nothing about it"##),
        ("/a b", r#""/a b" is no path: ' ' cannot stand in a path: write * for the segment"#),
        ("/a\tb", r#""/a\tb" is no path: '\t' cannot stand in a path: write * for the segment"#),
        ("/straße", r#""/stra\u{df}e" is no path: '\u{df}' cannot stand in a path: write * for the segment"#),
        ("/{id}", r#""/{id}" is no path: '{' cannot stand in a path: write * for the segment"#),
        (&long, &format!("{} is no path: it has at most 1024 characters and 64 segments", shown(&long))),
        (&deep, &format!("{} is no path: it has at most 1024 characters and 64 segments", shown(&deep))),
    ];
    for (text, expected) in cases {
        assert_eq!(PathPattern::try_from(text.to_owned()).unwrap_err(), *expected, "for {text}");
    }
}

#[test]
fn a_star_is_one_segment_and_a_slash_at_the_end_is_all_below() {
    for (text, path, expected) in [
        ("/v1", "/v1", true),
        ("/v1", "/v1/", false),
        ("/v1", "/v1/x", false),
        ("/v1", "/v10", false),
        ("/v1", "/V1", false),
        ("/v1/", "/v1/", true),
        ("/v1/", "/v1/x", true),
        ("/v1/", "/v1/x/y/", true),
        ("/v1/", "/v1", false),
        ("/v1/", "/v10/", false),
        ("/", "/", true),
        ("/", "/x/y", true),
        ("/*", "/x", true),
        ("/*", "/", false),
        ("/*", "/x/", false),
        ("/*", "/a%20b", true),
        ("/*/", "/x/", true),
        ("/*/", "/x", false),
        ("/repos/*/*/issues", "/repos/a/b/issues", true),
        ("/repos/*/*/issues", "/repos/a/issues", false),
        ("/repos/*/*/issues", "/repos/a/b/c/issues", false),
        ("/repos/*/*/issues", "/repos/a/b/issues/1", false),
        // What means the same with and without percent-encoding, and what does not.
        ("/v1.0/a-b_c~d", "/%761%2E0/a%2db%5fc%7e%64", true),
        ("/a+b", "/a+b", true),
        ("/a+b", "/a%2Bb", false),
        ("/a:b", "/a%3Ab", false),
        ("/a;b", "/a", false),
        ("/a", "/a;b", false),
    ] {
        assert_eq!(matches(text, path), expected, "{text} {path}");
    }
}

#[test]
fn paths_that_servers_disagree_about_are_refused() {
    const DOTS: &str = "has a segment of dots, which some servers take for a way up";
    const SLASH: &str = "has a percent-encoded slash or backslash, which some servers take for a slash";
    const EMPTY: &str = "has a segment that is empty without its parameters or blanks";
    const ESCAPE: &str = "has a percent sign without two hexadecimal digits";
    const TWICE: &str = "has something that is percent-encoded twice";
    const CONTROL: &str = "has a percent-encoded control character";
    const ENCODE: &str = "has a character that has to be percent-encoded";
    for (path, why) in [
        ("/a/../b", DOTS),
        ("/a/..", DOTS),
        ("/a/./b", DOTS),
        ("/a/.", DOTS),
        ("/a/%2e%2e/b", DOTS),
        ("/a/.%2E/b", DOTS),
        ("/a/%2E./b", DOTS),
        ("/a/%2e/b", DOTS),
        ("/a/.../b", DOTS),
        ("/a/..;/b", DOTS),
        ("/a/..;x=y/b", DOTS),
        ("/a/.;/b", DOTS),
        ("/a/%2e%2e;/b", DOTS),
        ("/a/..%3b/b", DOTS),
        ("/a/..%20/b", DOTS),
        ("/a/%20../b", DOTS),
        ("/a/..%c2%a0/b", DOTS),
        ("/a/;/b", EMPTY),
        ("/a/;x=y/b", EMPTY),
        ("/a/%20/b", EMPTY),
        ("/a%2fb", SLASH),
        ("/a%2F..%2Fb", SLASH),
        ("/a%5cb", SLASH),
        ("/a/..%5c", SLASH),
        ("/a\\b", "has a backslash, which some servers take for a slash"),
        ("/a%00b", CONTROL),
        ("/a%0d%0ab", CONTROL),
        ("/a%7f", CONTROL),
        ("/a%c2%85", CONTROL),
        ("/a%", ESCAPE),
        ("/a%2", ESCAPE),
        ("/a%2g", ESCAPE),
        ("/a%%20", ESCAPE),
        ("/%u002e", ESCAPE),
        ("/a/%252e%252e/b", TWICE),
        ("/a%252fb", TWICE),
        ("/a%255cb", TWICE),
        ("/a%25252fb", TWICE),
        ("/a/%25%32%65/b", TWICE),
        ("/a%c0%afb", "has percent-encoded bytes that are not UTF-8"),
        ("/a/%c0%ae%c0%ae/b", "has percent-encoded bytes that are not UTF-8"),
        ("//", "has two slashes in a row"),
        ("/a//b", "has two slashes in a row"),
        ("//evil.example/a", "has two slashes in a row"),
        ("", "does not begin with a slash"),
        ("*", "does not begin with a slash"),
        ("/a b", ENCODE),
        ("/a\tb", ENCODE),
        ("/a\"b", ENCODE),
        ("/{a}", ENCODE),
        ("/a|b", ENCODE),
        ("/a^b", ENCODE),
        ("/straße", ENCODE),
    ] {
        assert_eq!(RequestPath::parse(path).err(), Some(why), "{path}");
    }
    assert_eq!(RequestPath::parse(&format!("/{}", "a".repeat(8 << 10))).err(), Some("is longer than 8KiB"));
}

#[test]
fn ordinary_encoded_characters_are_no_reason_to_refuse() {
    for path in [
        "/a%20b",
        "/100%25",
        "/100%25%20sure",
        "/caf%C3%A9",
        "/a%3Fb%23c",
        "/a...b",
        "/.well-known/x",
        "/a;v=1/b",
        "/..a",
    ] {
        assert!(RequestPath::parse(path).is_ok(), "{path}");
    }
}

/// All paths of up to four of the pieces that attacks are made of.
fn all_paths(mut each: impl FnMut(&str)) {
    const PIECES: [&str; 16] =
        ["/", "a", ".", "..", "%2e", "%2E", "%2f", "%5c", "%25", "2e", "%61", ";", "%3b", "%20", "%", "\\"];
    for length in 0..=4_u32 {
        for mut number in 0..PIECES.len().pow(length) {
            let mut path = "/".to_owned();
            for _ in 0..length {
                path.push_str(PIECES[number % PIECES.len()]);
                number /= PIECES.len();
            }
            each(&path);
        }
    }
}

/// What another reader makes of an accepted path has the segments that were compared, before and
/// after decoding, however often it decodes.
#[test]
fn what_was_compared_is_what_others_see() {
    let mut accepted = 0;
    all_paths(|path| {
        let Ok(parsed) = RequestPath::parse(path) else { return };
        accepted += 1;
        let url = url::Url::parse(&format!("https://example.com{path}")).unwrap();
        assert_eq!(url.path(), path);
        let seen: Vec<_> = url.path_segments().unwrap().map(unescaped).collect();
        assert_eq!(seen, parsed.0, "{path}");
        let mut decoded = path.to_owned();
        for round in 0..3 {
            decoded = percent_decode_str(&decoded).decode_utf8().unwrap().into_owned();
            let again = url::Url::parse(&format!("https://example.com{decoded}")).unwrap();
            assert_eq!(again.path_segments().unwrap().count(), parsed.0.len(), "{path} in round {round}: {decoded}");
        }
    });
    assert!(accepted > 1000, "only {accepted} paths were compared");
}

/// `covers` and `meets` are what they are for all the patterns and paths of a small world.
#[test]
fn patterns_are_compared_as_the_sets_they_are() {
    let parts = ["a", "b", "*"];
    let mut patterns = vec!["/".to_owned()];
    for x in parts {
        patterns.extend([format!("/{x}"), format!("/{x}/")]);
        for y in parts {
            patterns.extend([format!("/{x}/{y}"), format!("/{x}/{y}/")]);
        }
    }
    let mut paths = vec!["/".to_owned()];
    // A third letter, so that a star differs from both.
    for depth in 1..=4_u32 {
        for mut number in 0..3_usize.pow(depth) {
            let mut path = String::new();
            for _ in 0..depth {
                path.push('/');
                path.push_str(["a", "b", "c"][number % 3]);
                number /= 3;
            }
            paths.extend([format!("{path}/"), path]);
        }
    }
    for one in &patterns {
        for other in &patterns {
            let all = |which: &str| paths.iter().filter(|p| matches(which, p)).collect::<Vec<_>>();
            let (own, others) = (all(one), all(other));
            let covers = others.iter().all(|path| own.contains(path));
            let meets = others.iter().any(|path| own.contains(path));
            assert_eq!(pattern(one).covers(&pattern(other)), covers, "{one} covers {other}");
            assert_eq!(pattern(one).meets(&pattern(other)), meets, "{one} meets {other}");
        }
    }
}
