use super::*;

fn origin(url: &str) -> Result<String, String> {
    let uri = url.parse::<Uri>().map_err(|error| error.to_string())?;
    Origin::of(&uri).map(|origin| format!("{origin} {}", origin.port)).map_err(|error| error.to_string())
}

#[test]
fn plain_urls_are_taken_apart() {
    let cases = [
        ("https://api.example.com/x?y=1", "https://api.example.com 443"),
        ("http://api.example.com", "http://api.example.com 80"),
        ("https://API.Example.com:8443/", "https://api.example.com:8443 8443"),
        ("https://api.example.com:443/", "https://api.example.com 443"),
        ("https://api.example.com:/", "https://api.example.com 443"),
        ("http://api.example.com:443/", "http://api.example.com:443 443"),
        ("http://192.0.2.1:8080/", "http://192.0.2.1:8080 8080"),
        ("http://[::1]/", "http://[::1] 80"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443 8443"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example 443"),
        ("https://api_v1.example/", "https://api_v1.example 443"),
    ];
    for (url, expected) in cases {
        assert_eq!(origin(url).as_deref(), Ok(expected), "{url}");
    }
}

#[test]
fn other_ways_to_write_a_host_are_refused() {
    let cases = [
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://127.000.000.001/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::1%25eth0]/",
        "http://%31%32%37.0.0.1/",
        "http://example.com./",
        "http://example..com/",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com@127.0.0.1/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:80:80/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "/relative",
        "example.com:80",
        "*",
    ];
    for url in cases {
        assert!(origin(url).is_err(), "{url} was taken for {:?}", origin(url));
    }
}

#[test]
fn the_mapped_form_is_an_address_when_written_as_it_is_shown() {
    assert_eq!(origin("http://[::ffff:7f00:1]/").as_deref(), Ok("http://[::ffff:7f00:1] 80"));
}
