use super::*;
use crate::body::{empty, full};

fn origin() -> Origin {
    Origin::of(&Uri::from_static("https://api.example:8443/")).unwrap()
}

fn request(fields: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder().method("PUT").uri("https://api.example:8443/a?b=c");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

fn head(fields: &[(&str, &str)], body: Body) -> Result<Head, EgressError> {
    Head::of(request(fields, body), &origin(), 100).map(|(head, _)| head)
}

#[test]
fn fields_about_the_connection_are_removed_and_all_else_stays() {
    let fields = [
        ("connection", "keep-alive, x-other"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authorization", "Basic eDp5"),
        ("transfer-encoding", "chunked"),
        ("te", "trailers"),
        ("upgrade", "websocket"),
        ("http2-settings", "AAMAAABk"),
        ("expect", "100-continue"),
        ("host", "metadata.internal"),
        ("x-other", "stays"),
        ("authorization", "Bearer stays"),
        ("cookie", "stays=1"),
    ];
    let head = head(&fields, empty()).unwrap();
    let mut names: Vec<_> = head.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["authorization", "cookie", "host", "x-other"]);
    assert_eq!(head.headers()[HOST], "api.example:8443");
}

#[test]
fn each_protocol_has_the_place_where_it_wants_it() {
    let head = head(&[("x-a", "b")], empty()).unwrap();
    let one = head.request(Speaks::Http1, &origin(), ()).unwrap();
    assert_eq!((one.uri().to_string().as_str(), one.version()), ("/a?b=c", Version::HTTP_11));
    assert_eq!(one.headers()[HOST], "api.example:8443");
    let two = head.request(Speaks::Http2, &origin(), ()).unwrap();
    assert_eq!(two.uri().to_string(), "https://api.example:8443/a?b=c");
    assert_eq!((two.version(), two.headers().get(HOST)), (Version::HTTP_2, None));
}

#[test]
fn a_length_is_one_number_that_is_true() {
    for fields in [&[][..], &[("content-length", "4")], &[("content-length", "004")]] {
        assert!(head(fields, full("body")).is_ok(), "{fields:?}");
    }
    let wrong = [
        &[("content-length", "5")][..],
        &[("content-length", "3")],
        &[("content-length", "+4")],
        &[("content-length", "4, 4")],
        &[("content-length", "0x4")],
        &[("content-length", "")],
        &[("content-length", "4"), ("content-length", "4")],
        &[("content-length", "99999999999999999999999")],
    ];
    for fields in wrong {
        assert!(matches!(head(fields, full("body")), Err(EgressError::Request { .. })), "{fields:?}");
    }
}

#[test]
fn what_is_known_to_be_too_large_is_not_begun() {
    assert!(head(&[], full(vec![0; 100])).is_ok());
    assert!(matches!(head(&[], full(vec![0; 101])), Err(EgressError::RequestTooLarge { most: 100 })));
}

#[test]
fn tunnels_are_not_made() {
    let mut request = request(&[], empty());
    *request.method_mut() = Method::CONNECT;
    assert!(matches!(Head::of(request, &origin(), 100), Err(EgressError::Request { .. })));
}

#[test]
fn fields_have_a_bound() {
    let of = |count: usize, bytes: usize| {
        let mut request = request(&[], empty());
        for number in 0..count {
            let name = HeaderName::try_from(format!("x-{number}")).unwrap();
            request.headers_mut().insert(name, HeaderValue::try_from("v".repeat(bytes)).unwrap());
        }
        Head::of(request, &origin(), 100).map(|_| ())
    };
    assert!(of(limits::HEADERS - 1, 1).is_ok());
    assert!(matches!(of(limits::HEADERS, 1), Err(EgressError::HeadersTooLarge { .. })));
    assert!(of(8, limits::HEADER_BYTES / 9).is_ok());
    assert!(matches!(of(8, limits::HEADER_BYTES / 8), Err(EgressError::HeadersTooLarge { .. })));
}
