//! Bodies of requests: counted while they flow, and ended when they are too long or nobody wants them.

use bytes::Bytes;
use cofferdam_egress::{BodyError, End, Terms, full};
use futures::{StreamExt as _, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use tokio::{io::AsyncWriteExt as _, sync::mpsc};

use crate::{
    server::{Server, echo, head, status},
    setting::{egress, get, pieces, post, silence, terms, text, until},
};

/// Says how much there was of a body, and whether it was all.
async fn measure(request: Request<Incoming>) -> Response<cofferdam_egress::Body> {
    let mut body = request.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes += frame.data_ref().map_or(0, Bytes::len),
            Err(_) => return Response::new(full("broken off")),
        }
    }
    Response::new(full(bytes.to_string()))
}

#[tokio::test]
async fn a_request_within_its_bound_and_one_byte_beyond() {
    let server = Server::new(measure).await;
    for (largest_request, expected) in [(8, Ok("8")), (7, Err("request-too-large"))] {
        let terms = Terms { largest_request, ..terms() };
        for body in [full("12345678"), pieces(["1234".into(), "5678".into()])] {
            match (egress().send(post(server.url("/"), body), &terms).await, expected) {
                (Ok(sent), Ok(bytes)) => assert_eq!(text(sent).await, bytes),
                (Err(error), Err(code)) => assert_eq!(error.code(), code),
                (other, _) => panic!("{other:?} with {largest_request}"),
            }
        }
    }
}

#[tokio::test]
async fn a_request_without_end_is_broken_off() {
    let server = Server::new(measure).await;
    let endless = pieces(std::iter::repeat_with(|| Bytes::from(vec![0; 1 << 14])));
    let error = egress().send(post(server.url("/"), endless), &terms()).await.unwrap_err();
    assert_eq!(error.code(), "request-too-large", "{error}");
    until("the connection is closed", || server.open() == 0).await;
}

#[tokio::test]
async fn a_large_request_flows_through() {
    let server = Server::new(measure).await;
    let terms = Terms { largest_request: 256 << 20, ..terms() };
    let piece = Bytes::from(vec![0; 1 << 20]);
    let sent = egress().send(post(server.url("/"), pieces(vec![piece; 256])), &terms).await.unwrap();
    assert_eq!(sent.traffic.sent(), 256 << 20);
    assert_eq!(text(sent).await, (256 << 20).to_string());
}

/// A caller can send a piece when it has read the answer to the one before.
#[tokio::test]
async fn both_directions_flow_at_once() {
    let server = Server::new(echo).await;
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let frames = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    let body = StreamBody::new(frames.map(|piece| Ok::<_, BodyError>(Frame::data(piece)))).boxed_unsync();
    let sending =
        tokio::spawn(
            async move { egress().send(post(server.url("/"), body), &terms()).await.map(|sent| (sent, server)) },
        );
    sender.send("one".into()).await.unwrap();
    let (sent, _server) = sending.await.unwrap().unwrap();
    let (mut answer, traffic) = (sent.response.into_body(), sent.traffic);
    for piece in ["one", "two", "three"] {
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), piece);
        if piece == "one" {
            sender.send("two".into()).await.unwrap();
        } else if piece == "two" {
            sender.send("three".into()).await.unwrap();
        }
    }
    drop(sender);
    assert!(answer.frame().await.is_none());
    let totals = traffic.finished().await;
    assert_eq!((totals.sent, totals.received, totals.end), (11, 11, End::Complete));
}

#[tokio::test]
async fn a_caller_that_breaks_off_breaks_off_the_request() {
    let server = Server::new(measure).await;
    let frames = [Ok(Frame::data(Bytes::from("half"))), Err(BodyError::Source("the guest trapped".into()))];
    let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
    let error = egress().send(post(server.url("/"), body), &terms()).await.unwrap_err();
    assert_eq!(error.code(), "request-body-failed", "{error}");
    until("the connection is closed", || server.open() == 0).await;
}

#[tokio::test]
async fn a_body_shorter_than_it_says_is_no_request() {
    let server = Server::new(measure).await;
    let mut request = post(server.url("/"), pieces(["1234".into()]));
    request.headers_mut().insert("content-length", "8".parse().unwrap());
    let error = egress().send(request, &terms()).await.unwrap_err();
    assert_eq!(error.code(), "invalid-request", "{error}");
}

#[tokio::test]
async fn a_body_longer_than_it_says_does_not_spill_into_the_next_request() {
    let server = Server::new(measure).await;
    let mut request =
        post(server.url("/"), pieces(["1234".into(), "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n".into()]));
    request.headers_mut().insert("content-length", "4".parse().unwrap());
    let egress = egress();
    if let Ok(sent) = egress.send(request, &terms()).await {
        assert_eq!(text(sent).await, "4");
    }
    text(egress.send(get(server.url("/after")), &terms()).await.unwrap()).await;
    assert!(server.seen().iter().all(|seen| ["/", "/after"].contains(&seen.target.as_str())), "{:?}", server.seen());
}

/// The answer is there before the request is; dropping it ends what is left of the request.
#[tokio::test]
async fn an_early_answer_that_is_dropped_ends_the_request() {
    let server = Server::raw("127.0.0.1:0", |mut stream, _| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nno!").await;
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await;
    })
    .await;
    let sent = egress().send(post(server.url("/"), silence()), &terms()).await.unwrap();
    assert_eq!(sent.response.status(), 413);
    let mut body = sent.response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "no!");
    assert!(body.frame().await.is_none());
    assert_eq!(server.open(), 1, "the request may go on while its answer is held");
    drop(body);
    until("the connection is closed", || server.open() == 0).await;
}

#[tokio::test]
async fn statuses_are_answers_like_others() {
    let server = Server::new(|_| async { status(500) }).await;
    let sent = egress().send(post(server.url("/"), full("x")), &terms()).await.unwrap();
    assert_eq!((sent.response.status().as_u16(), sent.attempts), (500, 1));
}
