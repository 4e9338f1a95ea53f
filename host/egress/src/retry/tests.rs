use http::HeaderValue;

use super::*;

const RETRY: Retry = Retry { attempts: 3, backoff: Duration::from_millis(100), longest: Duration::from_secs(2) };

#[test]
fn only_what_does_the_same_twice_is_repeated() {
    let none = HeaderMap::new();
    let keyed = HeaderMap::from_iter([(IDEMPOTENCY_KEY, HeaderValue::from_static("8e03978e"))]);
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"] {
        assert_eq!(may_repeat(Some(RETRY), &method.parse().unwrap(), &none), Repeat::Maybe, "{method}");
    }
    for method in ["POST", "PATCH", "LOCK", "get"] {
        let method = method.parse().unwrap();
        assert_eq!(may_repeat(Some(RETRY), &method, &none), Repeat::Never, "{method}");
        assert_eq!(may_repeat(Some(RETRY), &method, &keyed), Repeat::Maybe, "{method}");
    }
    assert_eq!(may_repeat(None, &Method::GET, &none), Repeat::Never);
    for attempts in [0, 1] {
        assert_eq!(may_repeat(Some(Retry { attempts, ..RETRY }), &Method::GET, &none), Repeat::Never);
    }
}

#[test]
fn retry_after_is_seconds_or_a_time() {
    let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
    let cases = [
        ("0", Some(0)),
        ("120", Some(120)),
        (" 7 ", Some(7)),
        ("99999999999999999999999", Some(u64::MAX)),
        ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
        ("Sunday, 06-Nov-94 08:50:07 GMT", Some(30)),
        ("Sun Nov  6 08:50:07 1994", Some(30)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
    ];
    for (value, expected) in cases {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
        assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{value:?}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), now), None);
}

#[test]
fn what_the_server_asks_for_counts_up_to_the_longest() {
    let seconds = Duration::from_secs;
    assert_eq!(pause(seconds(1), None, seconds(5)), Some(seconds(1)));
    assert_eq!(pause(seconds(9), None, seconds(5)), Some(seconds(5)));
    assert_eq!(pause(seconds(1), Some(seconds(3)), seconds(5)), Some(seconds(3)));
    assert_eq!(pause(seconds(4), Some(seconds(3)), seconds(5)), Some(seconds(4)));
    assert_eq!(pause(seconds(1), Some(seconds(5)), seconds(5)), Some(seconds(5)));
    assert_eq!(pause(seconds(1), Some(seconds(6)), seconds(5)), None);
}

#[test]
fn pauses_grow_and_are_as_many_as_attempts_less_one() {
    use backon::BackoffBuilder as _;
    let retry = Retry { attempts: 5, ..RETRY };
    let pauses: Vec<_> = pauses(Some(retry), Repeat::Maybe).build().collect();
    assert_eq!(pauses.len(), 4);
    for (number, pause) in (0u32..).zip(&pauses) {
        let least = RETRY.backoff * 2u32.pow(number);
        assert!((least..=least * 2).contains(pause), "{number}: {pause:?}");
    }
    assert_eq!(super::pauses(Some(retry), Repeat::Never).build().count(), 0);
    assert_eq!(super::pauses(None, Repeat::Maybe).build().count(), 0);
}
