use std::net::Ipv4Addr;

use super::*;
use crate::{networks::Networks, terms::PoolKey};

fn all() -> Vec<EgressError> {
    let host = || "https://api.example".to_owned();
    let address = SocketAddr::from((Ipv4Addr::new(10, 1, 2, 3), 443));
    let why = || "secret words of 10.1.2.3".to_owned();
    let first = Networks::default().admits(address.ip()).unwrap_err();
    let after = Duration::from_secs(3);
    vec![
        EgressError::Url { what: "it is not absolute".to_owned() },
        EgressError::Request { what: "CONNECT would make a tunnel".to_owned() },
        EgressError::Terms { what: "its timeout has no end" },
        EgressError::NoSuchHost { host: host() },
        EgressError::NameServers { host: host(), why: why() },
        EgressError::Forbidden { host: host(), first, count: 2 },
        EgressError::Busy { host: host(), with: BusyWith::Pool { pool: PoolKey::new("secret", "tenant"), most: 3 } },
        EgressError::Busy { host: host(), with: BusyWith::All { most: 3 } },
        EgressError::Connect { host: host(), addresses: vec![address], why: why() },
        EgressError::Tls { host: host(), address, why: why() },
        EgressError::Reset { host: host(), address, why: why() },
        EgressError::Protocol { host: host(), address, why: why() },
        EgressError::Timeout { host: host(), wait: Wait::FirstByte, after },
        EgressError::RequestTooLarge { most: 10 },
        EgressError::ResponseTooLarge { host: host(), most: 10 },
        EgressError::HeadersTooLarge { host: host(), message: Message::Response },
        EgressError::BreakerOpen { host: host(), failures: 5, retry_after: after },
        EgressError::Source { why: why() },
    ]
}

#[test]
fn guests_learn_nothing_of_the_network() {
    for error in all() {
        let said = error.to_guest();
        for inside in ["10.1.2.3", "secret", "private", "tenant"] {
            assert!(!said.contains(inside), "{said}");
        }
        assert!(!said.is_empty() && said.len() < 200, "{said}");
    }
}

#[test]
fn operators_learn_where() {
    let error = all().into_iter().find(|error| error.code() == "address-forbidden").unwrap();
    assert_eq!(
        error.to_string(),
        "https://api.example: none of its 2 addresses may be connected to: 10.1.2.3 is a private address, and no granted \
         network holds 10.1.2.3; if this host is to be reached, grant the network, and nothing wider"
    );
}

#[test]
fn codes_are_a_closed_set() {
    let mut codes: Vec<_> = all().iter().map(EgressError::code).collect();
    codes.dedup();
    assert_eq!(codes, EgressError::CODES);
}

#[test]
fn words_of_others_are_one_short_line() {
    let error = std::io::Error::other("evil\r\nlevel=info forged\u{1b}[31m".repeat(100));
    let said = causes(&error);
    assert!(!said.contains(char::is_control) && said.len() < 4 * limits::QUOTE, "{said}");
}
