//! `wasi:http`, as a client.

use serde_json::{json, Map, Value};
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    http_error_code, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::poll::poll;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use crate::{given, lossy, number, text};

/// What did not work, and in which words.
struct Failure {
    /// `header`, `url`, `send`, `upload`, `response`, `body` or `trailers`.
    at: &'static str,
    code: String,
    detail: String,
}

impl Failure {
    /// Of an error of the bindings, such as `ErrorCode::HttpResponseBodySize(Some(1))`.
    fn new(at: &'static str, error: impl std::fmt::Debug) -> Self {
        let detail = format!("{error:?}");
        let name = detail.split(['(', ' ', '{']).next().unwrap_or_default();
        let name = name.rsplit("::").next().unwrap_or_default();
        let mut code = String::new();
        for c in name.chars() {
            if c.is_ascii_uppercase() && !code.is_empty() {
                code.push('-');
            }
            code.push(c.to_ascii_lowercase());
        }
        Self { at, code, detail }
    }

    fn of_stream(at: &'static str, error: StreamError) -> Self {
        match error {
            StreamError::Closed => Self::new(at, "Closed"),
            StreamError::LastOperationFailed(why) => match http_error_code(&why) {
                Some(code) => Self::new(at, code),
                None => Self { at, code: "other".into(), detail: why.to_debug_string() },
            },
        }
    }

    fn told(self) -> Value {
        json!({ "at": self.at, "error": self.code, "detail": self.detail })
    }
}

/// `{ method?, url, headers?, body?, filler?, read?, keep?, backwards?, tell?, then?, connect_ms?,
/// first_byte_ms?, between_bytes_ms? }`
///
/// `filler` is a body of so many bytes; `read` is how many bytes of the answer are read, and `keep`
/// how many of them are shown. `backwards` turns every text of the answer around, so that it shows
/// what was seen here to somebody who takes secrets out of what is shown. `then` is a request that is
/// sent when the first piece of the answer is there.
pub fn fetch(arguments: &Value) -> Value {
    start(arguments).and_then(|sent| sent.finish(arguments)).unwrap_or_else(Failure::told)
}

/// `{ requests, at_once? }`: in a row, or all at once, each answer read when it is there.
pub fn fetch_many(arguments: &Value) -> Value {
    let requests = arguments["requests"].as_array().cloned().unwrap_or_default();
    if arguments["at_once"] != true {
        return json!({ "answers": requests.iter().map(fetch).collect::<Vec<_>>() });
    }
    let mut answers = vec![Value::Null; requests.len()];
    let mut under_way = Vec::new();
    for (n, request) in requests.iter().enumerate() {
        match start(request) {
            Ok(sent) => under_way.push((n, sent)),
            Err(failure) => answers[n] = failure.told(),
        }
    }
    while !under_way.is_empty() {
        let waiting: Vec<_> = under_way.iter().map(|(_, sent)| sent.future.subscribe()).collect();
        let mut ready = poll(&waiting.iter().collect::<Vec<_>>());
        drop(waiting);
        // The last first: those before it stay where they are.
        ready.sort_unstable();
        for at in ready.into_iter().rev() {
            let (n, sent) = under_way.remove(at as usize);
            answers[n] = sent.finish(&requests[n]).unwrap_or_else(Failure::told);
        }
    }
    json!({ "answers": answers })
}

/// A request that was handed over.
struct Sent {
    future: FutureIncomingResponse,
    /// What went wrong with its body.
    upload: Option<Failure>,
}

fn method(name: &str) -> Method {
    match name {
        "" | "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

/// Taken apart at its first signs only: what is wrong with a URL is for the host to find.
fn url(request: &OutgoingRequest, url: &str) -> Result<(), Failure> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let scheme = match scheme {
        "http" => Some(Scheme::Http),
        "https" => Some(Scheme::Https),
        "" => None,
        other => Some(Scheme::Other(other.to_owned())),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let invalid = |what: &'static str| move |()| Failure { at: "url", code: "invalid".into(), detail: what.into() };
    request.set_scheme(scheme.as_ref()).map_err(invalid("scheme"))?;
    request.set_authority(Some(authority)).map_err(invalid("authority"))?;
    request.set_path_with_query((!path.is_empty()).then_some(path)).map_err(invalid("path"))
}

fn start(arguments: &Value) -> Result<Sent, Failure> {
    let fields = Fields::new();
    for pair in arguments["headers"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let of = |n: usize| pair[n].as_str().unwrap_or_default();
        fields.append(of(0), of(1).as_bytes()).map_err(|error| Failure::new("header", error))?;
    }
    let request = OutgoingRequest::new(fields);
    let invalid = |()| Failure { at: "url", code: "invalid".into(), detail: "method".into() };
    request.set_method(&method(text(arguments, "method"))).map_err(invalid)?;
    url(&request, text(arguments, "url"))?;
    let options = RequestOptions::new();
    let wait = |name: &str| arguments[name].as_u64().map(|ms| ms * 1_000_000);
    // Asking for less time is always possible.
    let _set = options.set_connect_timeout(wait("connect_ms"));
    let _set = options.set_first_byte_timeout(wait("first_byte_ms"));
    let _set = options.set_between_bytes_timeout(wait("between_bytes_ms"));
    let (body, filler) = (text(arguments, "body"), number(arguments, "filler", 0));
    let out = (!body.is_empty() || filler > 0).then(|| request.body());
    let future = handle(request, Some(options)).map_err(|error| Failure::new("send", error))?;
    let upload = match out {
        Some(Ok(out)) => upload(out, body.as_bytes(), filler).err(),
        _ => None,
    };
    Ok(Sent { future, upload })
}

/// Bytes of one write, at most what the interface takes.
const PIECE: usize = 4096;

fn upload(body: OutgoingBody, text: &[u8], filler: u64) -> Result<(), Failure> {
    let broken = |error| Failure::of_stream("upload", error);
    {
        let stream = body.write().map_err(|()| Failure::new("upload", "Closed"))?;
        let write = |stream: &OutputStream, bytes: &[u8]| stream.blocking_write_and_flush(bytes).map_err(broken);
        text.chunks(PIECE).try_for_each(|piece| write(&stream, piece))?;
        let (piece, mut left) = ([b'x'; PIECE], filler);
        while left > 0 {
            let now = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            write(&stream, &piece[..now])?;
            left -= now as u64;
        }
    }
    OutgoingBody::finish(body, None).map_err(|error| Failure::new("upload", error))
}

impl Sent {
    fn finish(self, arguments: &Value) -> Result<Value, Failure> {
        let response = loop {
            if let Some(answered) = self.future.get() {
                // It is given once, and this is the first time.
                let answered = answered.map_err(|()| Failure::new("response", "Taken"))?;
                break answered.map_err(|error| Failure::new("response", error));
            }
            self.future.subscribe().block();
        };
        let upload = self.upload.map(Failure::told);
        let mut all = match response {
            Ok(response) => read(response, arguments),
            Err(failure) => failure.told(),
        };
        if let (Some(upload), Some(all)) = (upload, all.as_object_mut()) {
            all.insert("upload".into(), upload);
        }
        Ok(all)
    }
}

/// What was read of an answer's body.
#[derive(Default)]
struct Got {
    kept: Vec<u8>,
    length: u64,
    pieces: u64,
    then: Option<Value>,
    whole: bool,
}

fn read(response: IncomingResponse, arguments: &Value) -> Value {
    let show = |bytes: &[u8]| {
        let text = lossy(bytes);
        match arguments["backwards"] == true {
            true => text.chars().rev().collect(),
            false => text,
        }
    };
    let pairs = |fields: Vec<(String, Vec<u8>)>| -> Value {
        fields.into_iter().map(|(name, value)| json!([name, show(&value)])).collect()
    };
    let mut all = Map::new();
    all.insert("status".into(), response.status().into());
    all.insert("headers".into(), pairs(response.headers().entries()));
    let mut got = Got::default();
    let mut failure = None;
    if let Ok(body) = response.consume() {
        if let Ok(stream) = body.stream() {
            failure = pieces(&stream, arguments, &mut got).err();
        }
        if got.whole {
            match trailers(body) {
                Ok(Some(fields)) => drop(all.insert("trailers".into(), pairs(fields.entries()))),
                Ok(None) => {}
                Err(error) => failure = Some(error),
            }
        }
    }
    all.insert("body".into(), show(&got.kept).into());
    all.insert("length".into(), got.length.into());
    all.insert("pieces".into(), got.pieces.into());
    all.insert("whole".into(), got.whole.into());
    all.extend(got.then.map(|then| ("then".to_owned(), then)));
    if let Some(Value::Object(failure)) = failure.map(Failure::told) {
        all.extend(failure);
    }
    all.into()
}

fn pieces(stream: &InputStream, arguments: &Value, got: &mut Got) -> Result<(), Failure> {
    let (most, keep) = (number(arguments, "read", u64::MAX), number(arguments, "keep", 64 * 1024));
    while got.length < most {
        let piece = match stream.blocking_read((most - got.length).min(64 * 1024)) {
            Ok(piece) => piece,
            Err(StreamError::Closed) => {
                got.whole = true;
                return Ok(());
            }
            Err(error) => return Err(Failure::of_stream("body", error)),
        };
        if piece.is_empty() {
            continue;
        }
        let room = usize::try_from(keep).unwrap_or(usize::MAX).saturating_sub(got.kept.len());
        got.kept.extend_from_slice(&piece[..piece.len().min(room)]);
        got.length += piece.len() as u64;
        got.pieces += 1;
        if arguments["tell"] == true {
            given::progress(&json!({ "done": got.pieces }));
        }
        if got.pieces == 1 && arguments["then"].is_object() {
            got.then = Some(fetch(&arguments["then"]));
        }
    }
    Ok(())
}

fn trailers(body: IncomingBody) -> Result<Option<Fields>, Failure> {
    let future = IncomingBody::finish(body);
    loop {
        if let Some(found) = future.get() {
            let found = found.map_err(|()| Failure::new("trailers", "Taken"))?;
            return found.map_err(|error| Failure::new("trailers", error));
        }
        future.subscribe().block();
    }
}
