//! A name server that answers as it is told.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use cofferdam_egress::{Egress, EgressSettings};
use hickory_server::{
    Server,
    net::runtime::Time,
    proto::{
        op::{HeaderCounts, Metadata, ResponseCode},
        rr::{
            Name, RData, Record, RecordType,
            rdata::{A, AAAA, CNAME},
        },
    },
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    zone_handler::MessageResponseBuilder,
};
use tokio::net::{TcpListener, UdpSocket};

use crate::setting::settings;

/// One answer.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// These records, whatever was asked for.
    Records(Vec<Record>),
    NoSuchName,
    Fault,
    Silence,
}

/// One question: the name as it was asked, and A or AAAA.
pub(crate) type Question = (String, RecordType);

pub(crate) struct Dns {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Question>>>,
    _server: Server<Handler>,
}

/// What to answer to a name and a type that were asked so many times before.
type Told = dyn Fn(&str, RecordType, usize) -> Answer + Send + Sync;

struct Handler {
    asked: Arc<Mutex<Vec<Question>>>,
    answer: Box<Told>,
}

impl Dns {
    /// `answer` gets the name, the type, and how often just this was asked before.
    pub(crate) async fn new(answer: impl Fn(&str, RecordType, usize) -> Answer + Send + Sync + 'static) -> Self {
        let asked: Arc<Mutex<Vec<Question>>> = Arc::default();
        let mut server = Server::new(Handler { asked: Arc::clone(&asked), answer: Box::new(answer) });
        // TCP upon the port that UDP got may be taken; then another.
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(5), 64 << 10);
        Self { address, asked, _server: server }
    }

    /// A name server with the same addresses for all names.
    pub(crate) async fn with(addresses: &[&str]) -> Self {
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Self::new(move |name, kind, _| Answer::addresses(name, kind, &addresses)).await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// An engine that asks this.
    pub(crate) fn egress(&self) -> Egress {
        Egress::new(EgressSettings { dns: vec![self.address], ..settings() }).unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }
}

impl Answer {
    /// Those of `addresses` that were asked for, to be forgotten at once.
    pub(crate) fn addresses(name: &str, kind: RecordType, addresses: &[IpAddr]) -> Self {
        let records = addresses.iter().map(|address| Self::address(name, *address));
        Self::Records(records.filter(|record| record.record_type() == kind).collect())
    }

    pub(crate) fn address(name: &str, address: IpAddr) -> Record {
        let data = match address {
            IpAddr::V4(address) => RData::A(A(address)),
            IpAddr::V6(address) => RData::AAAA(AAAA(address)),
        };
        Record::from_rdata(Name::from_ascii(name).unwrap(), 0, data)
    }

    pub(crate) fn alias(name: &str, of: &str) -> Record {
        Record::from_rdata(Name::from_ascii(name).unwrap(), 0, RData::CNAME(CNAME(Name::from_ascii(of).unwrap())))
    }
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut handle: R) -> ResponseInfo {
        let info = request.request_info().unwrap();
        let question = (info.query.name().to_string(), info.query.query_type());
        let before = {
            let mut asked = self.asked.lock().unwrap();
            let before = asked.iter().filter(|other| **other == question).count();
            asked.push(question.clone());
            before
        };
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let builder = MessageResponseBuilder::from_message_request(request);
        let records = match (self.answer)(&question.0, question.1, before) {
            Answer::Records(records) => records,
            Answer::NoSuchName => {
                metadata.response_code = ResponseCode::NXDomain;
                Vec::new()
            }
            Answer::Fault => {
                metadata.response_code = ResponseCode::ServFail;
                Vec::new()
            }
            Answer::Silence => {
                return hickory_server::proto::op::Header { metadata, counts: HeaderCounts::default() }.into();
            }
        };
        handle.send_response(builder.build(metadata, &records, [], [], [])).await.unwrap()
    }
}
