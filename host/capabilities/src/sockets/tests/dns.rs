//! A name server that gives the same addresses for every name, and counts who asks.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use cofferdam_egress::{Egress, EgressSettings};
use hickory_server::{
    Server,
    net::runtime::Time,
    proto::{
        op::Metadata,
        rr::{
            Name, RData, Record,
            rdata::{A, AAAA},
        },
    },
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo},
    zone_handler::MessageResponseBuilder,
};
use tokio::net::UdpSocket;
use wasmtime_wasi::async_trait;

pub(super) struct Dns {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    _server: Server<Handler>,
}

struct Handler {
    addresses: Vec<IpAddr>,
    asked: Arc<AtomicUsize>,
}

impl Dns {
    pub(super) async fn with(addresses: &[&str]) -> Self {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let asked = Arc::new(AtomicUsize::new(0));
        let mut server = Server::new(Handler { addresses, asked: asked.clone() });
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = udp.local_addr().unwrap();
        server.register_socket(udp);
        Self { address, asked, _server: server }
    }

    /// An engine that asks this.
    pub(super) fn egress(&self) -> Egress {
        Egress::new(EgressSettings { dns: vec![self.address], ..EgressSettings::default() }).unwrap()
    }

    /// How many questions there were.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn record(name: &Name, address: IpAddr) -> Record {
    let data = match address {
        IpAddr::V4(address) => RData::A(A(address)),
        IpAddr::V6(address) => RData::AAAA(AAAA(address)),
    };
    Record::from_rdata(name.clone(), 0, data)
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut handle: R) -> ResponseInfo {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let info = request.request_info().unwrap();
        let (name, kind) = (Name::from(info.query.name()), info.query.query_type());
        let records = self.addresses.iter().map(|address| record(&name, *address));
        let records: Vec<_> = records.filter(|record| record.record_type() == kind).collect();
        let metadata = Metadata::response_from_request(&request.metadata);
        let builder = MessageResponseBuilder::from_message_request(request);
        handle.send_response(builder.build(metadata, &records, [], [], [])).await.unwrap()
    }
}
