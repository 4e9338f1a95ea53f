//! A name server as a test wants it, which keeps what it was asked.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use hickory_server::{
    Server,
    net::runtime::Time,
    proto::{
        op::{Metadata, ResponseCode},
        rr::{
            RData, Record, RecordType,
            rdata::{A, AAAA},
        },
    },
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    zone_handler::MessageResponseBuilder,
};
use tokio::{
    net::UdpSocket,
    runtime::{Builder, Runtime},
};

/// A server that runs until this is dropped. Its answers may not be kept by anybody.
pub struct NameServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    runtime: Option<Runtime>,
}

impl fmt::Debug for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl NameServer {
    /// `answer` is asked for the addresses of a name, and how often this name's IPv4 addresses were asked for before.
    /// A name without any does not exist.
    pub fn start(answer: impl Fn(&str, usize) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let socket = runtime.block_on(UdpSocket::bind("127.0.0.1:0")).unwrap();
        let (address, asked) = (socket.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let handler = Handler { answer: Box::new(answer), asked: asked.clone() };
        runtime.spawn(async move {
            let mut server = Server::new(handler);
            server.register_socket(socket);
            let _ended = server.block_until_done().await;
        });
        Self { address, asked, runtime: Some(runtime) }
    }

    /// The line of a configuration that names it.
    pub fn config(&self) -> String {
        format!("egress.dns = [\"{}\"]", self.address)
    }

    /// Every question, such as `A api.test`, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// How often this name's IPv4 addresses were asked for.
    pub fn times(&self, name: &str) -> usize {
        let question = format!("A {name}");
        self.asked().iter().filter(|asked| **asked == question).count()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The addresses of a name, when it was asked for so often before.
type Addresses = Box<dyn Fn(&str, usize) -> Vec<IpAddr> + Send + Sync>;

struct Handler {
    answer: Addresses,
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut to: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let mut records = Vec::new();
        if let Ok(info) = request.request_info() {
            let name = info.query.name().to_string().trim_end_matches('.').to_owned();
            let kind = info.query.query_type();
            let before = {
                let mut asked = self.asked.lock().unwrap();
                let question = format!("A {name}");
                let before = asked.iter().filter(|other| **other == question).count();
                asked.push(format!("{kind} {name}"));
                before
            };
            // Both kinds of one look-up are of one time, whichever is asked for first.
            let time = if kind == RecordType::A { before } else { before.saturating_sub(1) };
            let found = (self.answer)(&name, time);
            if found.is_empty() {
                metadata.response_code = ResponseCode::NXDomain;
            }
            let owner = info.query.original().name().clone();
            let record = |data| Record::from_rdata(owner.clone(), 0, data);
            records.extend(found.into_iter().filter_map(|address| match (address, kind) {
                (IpAddr::V4(v4), RecordType::A) => Some(record(RData::A(A(v4)))),
                (IpAddr::V6(v6), RecordType::AAAA) => Some(record(RData::AAAA(AAAA(v6)))),
                _ => None,
            }));
        }
        let response = MessageResponseBuilder::from_message_request(request).build(metadata, &records, [], [], []);
        to.send_response(response).await.unwrap_or_else(|why| panic!("the name server cannot answer: {why}"))
    }
}
