use std::convert::Infallible;

use futures::{StreamExt as _, stream};
use http::HeaderValue;
use http_body_util::{BodyExt as _, StreamBody};

use super::*;
use crate::body::{empty, full};

const MOST: u64 = 1 << 20;

fn source(body: Body, repeat: Repeat, most: u64) -> (Source, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    (Source::new(body, repeat, most, "https://api.example".into(), Arc::clone(&counts)), counts)
}

fn pieces(pieces: Vec<Bytes>) -> Body {
    let frames = stream::iter(pieces).map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    StreamBody::new(frames).map_err(|never| match never {}).boxed_unsync()
}

async fn read(upload: Upload) -> Result<Bytes, BodyError> {
    upload.collect().await.map(|collected| collected.to_bytes())
}

#[tokio::test]
async fn a_small_body_can_be_had_again() {
    let (source, _) = source(pieces(vec!["one ".into(), "two".into()]), Repeat::Maybe, MOST);
    for _ in 0..3 {
        assert!(source.can_repeat());
        assert_eq!(read(source.attempt(Meter::new()).0).await.unwrap(), "one two");
    }
}

#[tokio::test]
async fn another_attempt_goes_on_where_the_last_one_stopped() {
    let (source, _) = source(pieces(vec!["one ".into(), "two ".into(), "three".into()]), Repeat::Maybe, MOST);
    let (mut first, _) = source.attempt(Meter::new());
    assert_eq!(first.frame().await.unwrap().unwrap().into_data().unwrap(), "one ");
    let (second, _) = source.attempt(Meter::new());
    assert!(matches!(first.frame().await, Some(Err(BodyError::Over))), "the first attempt is over");
    assert_eq!(read(second).await.unwrap(), "one two three");
}

#[tokio::test]
async fn a_body_that_is_too_large_to_keep_flows_through_once() {
    let large = vec![Bytes::from(vec![7; limits::REPLAY / 2]); 5];
    let (source, _) = source(pieces(large.clone()), Repeat::Maybe, MOST);
    assert!(source.can_repeat(), "nothing has been read yet");
    assert_eq!(read(source.attempt(Meter::new()).0).await.unwrap(), large.concat());
    assert!(!source.can_repeat());
}

#[tokio::test]
async fn many_small_pieces_are_not_kept() {
    let (source, _) = source(pieces(vec!["x".into(); limits::REPLAY_PIECES + 1]), Repeat::Maybe, MOST);
    assert_eq!(read(source.attempt(Meter::new()).0).await.unwrap().len(), limits::REPLAY_PIECES + 1);
    assert!(!source.can_repeat());
}

#[tokio::test]
async fn without_repetition_nothing_is_kept() {
    let (with_body, _) = source(full("body"), Repeat::Never, MOST);
    assert!(with_body.untouched());
    assert_eq!(read(with_body.attempt(Meter::new()).0).await.unwrap(), "body");
    assert!(!with_body.can_repeat() && !with_body.untouched());
    let (without, _) = source(empty(), Repeat::Never, MOST);
    let (upload, _) = without.attempt(Meter::new());
    assert!(http_body::Body::is_end_stream(&upload));
    assert_eq!(upload.size_hint().exact(), Some(0));
}

#[tokio::test]
async fn more_than_granted_ends_it() {
    for (most, fits) in [(8, true), (7, false)] {
        let (source, _) = source(pieces(vec!["four".into(), "more".into()]), Repeat::Maybe, most);
        let read = read(source.attempt(Meter::new()).0).await;
        assert_eq!(read.is_ok(), fits, "{most}");
        assert_eq!(source.can_repeat(), fits);
        assert_eq!(source.failure().map(|error| error.code()), (!fits).then_some("request-too-large"));
    }
}

#[tokio::test]
async fn trailers_are_had_again_and_have_a_bound() {
    let with = |count: usize| {
        let trailers: HeaderMap =
            (0..count).map(|number| (format!("x-{number}").parse().unwrap(), HeaderValue::from_static("v"))).collect();
        let frames = [Frame::data(Bytes::from("body")), Frame::trailers(trailers)];
        StreamBody::new(stream::iter(frames.map(Ok::<_, BodyError>))).boxed_unsync()
    };
    let (fits, _) = source(with(3), Repeat::Maybe, MOST);
    for _ in 0..2 {
        let collected = fits.attempt(Meter::new()).0.collect().await.unwrap();
        assert_eq!(collected.trailers().map(HeaderMap::len), Some(3));
    }
    let (large, _) = source(with(limits::HEADERS + 1), Repeat::Maybe, MOST);
    assert!(large.attempt(Meter::new()).0.collect().await.is_err());
    assert_eq!(large.failure().map(|error| error.code()), Some("headers-too-large"));
}

#[tokio::test]
async fn a_body_that_breaks_off_says_so() {
    let frames = [Ok(Frame::data(Bytes::from("half"))), Err(BodyError::Source("the guest trapped".into()))];
    let (source, _) = source(StreamBody::new(stream::iter(frames)).boxed_unsync(), Repeat::Maybe, MOST);
    assert!(read(source.attempt(Meter::new()).0).await.is_err());
    assert!(!source.can_repeat());
    let failure = source.failure().unwrap();
    assert_eq!(failure.code(), "request-body-failed");
    assert!(failure.to_string().contains("the guest trapped"), "{failure}");
    assert!(!failure.to_guest().contains("trapped"));
}

#[tokio::test]
async fn whoever_waits_is_told_that_it_is_over() {
    let (source, _) = source(StreamBody::new(stream::pending()).boxed_unsync(), Repeat::Maybe, MOST);
    let (upload, mut unfinished) = source.attempt(Meter::new());
    let reading = tokio::spawn(read(upload));
    tokio::task::yield_now().await;
    assert!(!unfinished.is_finished());
    source.cancel();
    assert!(matches!(reading.await.unwrap(), Err(BodyError::Over)));
    unfinished.finished().await;
    assert!(unfinished.is_finished());
}

#[tokio::test]
async fn what_is_left_has_a_size() {
    let (source, _) = source(full("12345"), Repeat::Maybe, MOST);
    assert_eq!(source.attempt(Meter::new()).0.size_hint().exact(), Some(5));
    assert_eq!(read(source.attempt(Meter::new()).0).await.unwrap(), "12345");
    let (again, _) = source.attempt(Meter::new());
    assert_eq!(again.size_hint().exact(), Some(5));
    assert!(!http_body::Body::is_end_stream(&again));
}
