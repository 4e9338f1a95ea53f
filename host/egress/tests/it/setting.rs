//! What the tests have in common: an engine, terms, requests, and waiting.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use cofferdam_egress::{Body, BodyError, Egress, EgressSettings, Networks, PoolKey, Sent, Terms, empty};
use futures::stream;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};

/// Longer than anything here takes, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Short enough to wait for, long enough for what has to be done before.
pub(crate) const SHORT: Duration = Duration::from_millis(400);

pub(crate) fn networks(networks: &[&str]) -> Networks {
    networks.iter().map(|network| network.parse::<ipnet::IpNet>().unwrap()).collect()
}

/// Terms that grant loopback, and no retry and no breaker.
pub(crate) fn terms() -> Terms {
    Terms {
        pool: PoolKey::new("plugin", "tenant"),
        networks: networks(&["127.0.0.0/8"]),
        timeout: PATIENCE,
        first_byte: None,
        between_bytes: None,
        largest_request: 1 << 20,
        largest_response: 1 << 20,
        retry: None,
        breaker: None,
    }
}

/// Settings with a name server that nobody asks.
pub(crate) fn settings() -> EgressSettings {
    EgressSettings { dns: vec![SocketAddr::from(([127, 0, 0, 1], 1))], ..EgressSettings::default() }
}

pub(crate) fn egress() -> Egress {
    Egress::new(settings()).unwrap()
}

pub(crate) fn get(url: impl AsRef<str>) -> Request<Body> {
    Request::get(url.as_ref()).body(empty()).unwrap()
}

pub(crate) fn post(url: impl AsRef<str>, body: Body) -> Request<Body> {
    Request::post(url.as_ref()).body(body).unwrap()
}

/// A body of which nobody knows how long it is.
pub(crate) fn pieces(pieces: impl IntoIterator<Item = Bytes, IntoIter: Send + 'static>) -> Body {
    let frames = pieces.into_iter().map(|piece| Ok::<_, BodyError>(Frame::data(piece)));
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}

/// A body that never says anything.
pub(crate) fn silence() -> Body {
    StreamBody::new(stream::pending::<Result<Frame<Bytes>, BodyError>>()).boxed_unsync()
}

pub(crate) async fn text(sent: Sent) -> String {
    let bytes = sent.response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The code of the error with which a body ends, and how many bytes there were before.
pub(crate) async fn failure(mut body: Body) -> (&'static str, u64) {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes += frame.data_ref().map_or(0, Bytes::len) as u64,
            Err(BodyError::Egress(error)) => return (error.code(), bytes),
            Err(other) => panic!("{other}"),
        }
    }
    ("none", bytes)
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
