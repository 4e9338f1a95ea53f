//! The host's side of `wasi:sockets`, driven as a guest would, with a name server and a server of
//! our own.

mod dns;

use std::net::SocketAddr;

use cofferdam_secrets::Masker;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use wasmtime::component::Resource;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, Network, Pollable as _, SocketResult, TcpSocket,
    bindings::sockets::{
        instance_network::Host as _,
        ip_name_lookup::{Host as _, HostResolveAddressStream},
        network::{ErrorCode, IpAddress, IpAddressFamily},
        tcp::HostTcpSocket,
        tcp_create_socket::Host as _,
        udp_create_socket::Host as _,
    },
};

use self::dns::Dns;
use super::{lookup::Lookup, *};
use crate::effects::{Effect, Verdict};

/// One call with its sockets.
struct Call {
    own: Sockets,
    table: ResourceTable,
}

impl Call {
    fn open(grant: Option<Value>, egress: &Egress) -> Self {
        let grant: Option<SocketsGrant> = grant.map(|grant| serde_json::from_value(grant).unwrap());
        let own = open(grant.as_ref(), egress, &Recorder::new(Masker::nothing()));
        Self { own, table: ResourceTable::new() }
    }

    fn view(&mut self) -> View<'_> {
        View { own: &mut self.own, table: &mut self.table }
    }

    fn network(&mut self) -> Resource<Network> {
        self.view().wasi().instance_network().unwrap()
    }

    fn socket(&mut self) -> Result<Resource<TcpSocket>, ErrorCode> {
        code(self.view().create_tcp_socket(IpAddressFamily::Ipv4))
    }

    async fn resolve(&mut self, name: &str) -> Result<Vec<IpAddress>, ErrorCode> {
        let network = self.network();
        let stream = code(self.view().resolve_addresses(network, name.into()))?;
        self.table.get_mut(&Resource::<Lookup>::new_borrow(stream.rep())).unwrap().ready().await;
        let mut found = Vec::new();
        let ended = loop {
            let borrowed = Resource::new_borrow(stream.rep());
            match code(self.view().resolve_next_address(borrowed)) {
                Ok(Some(address)) => found.push(address),
                Ok(None) => break Ok(found),
                Err(error) => break Err(error),
            }
        };
        HostResolveAddressStream::drop(&mut self.view(), stream).unwrap();
        ended
    }

    async fn connect(
        &mut self,
        to: SocketAddr,
    ) -> Result<(Resource<TcpSocket>, Resource<DynInputStream>, Resource<DynOutputStream>), ErrorCode> {
        let (socket, network) = (self.socket()?, self.network());
        let borrowed = Resource::new_borrow(socket.rep());
        if let Err(error) = code(self.view().start_connect(borrowed, network, to.into())) {
            self.drop(socket);
            return Err(error);
        }
        self.table.get_mut(&socket).unwrap().ready().await;
        let borrowed = Resource::new_borrow(socket.rep());
        match code(self.view().finish_connect(borrowed)) {
            Ok((input, output)) => Ok((socket, input, output)),
            Err(error) => {
                self.drop(socket);
                Err(error)
            }
        }
    }

    fn drop(&mut self, socket: Resource<TcpSocket>) {
        HostTcpSocket::drop(&mut self.view(), socket).unwrap();
    }

    fn finish(self) -> Vec<Effect> {
        let Self { own, table } = self;
        let recorder = own.recorder.clone();
        drop((table, own));
        recorder.finish().list
    }
}

fn code<T>(result: SocketResult<T>) -> Result<T, ErrorCode> {
    result.map_err(|error| error.downcast().unwrap())
}

/// A server that sends back what it gets, once.
async fn echo() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 5];
        stream.read_exact(&mut bytes).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
    });
    (address, served)
}

fn loopback(address: &str) -> Value {
    json!([{ "address": address, "networks": ["127.0.0.0/8"] }])
}

#[tokio::test]
async fn a_granted_name_leads_to_its_addresses_and_port() {
    let dns = Dns::with(&["127.0.0.1"]).await;
    let (server, served) = echo().await;
    let mut call = Call::open(Some(loopback(&format!("db.test:{}", server.port()))), &dns.egress());
    // Not before it was looked up, however well it was guessed.
    assert_eq!(call.connect(server).await.unwrap_err(), ErrorCode::AccessDenied);
    let found = call.resolve("DB.test").await.unwrap();
    assert!(matches!(found[..], [IpAddress::Ipv4((127, 0, 0, 1))]), "{found:?}");
    let mut next = server;
    next.set_port(server.port() ^ 1);
    assert_eq!(call.connect(next).await.unwrap_err(), ErrorCode::AccessDenied);

    let (_socket, input, output) = call.connect(server).await.unwrap();
    let output = call.table.get_mut(&output).unwrap();
    output.blocking_write_and_flush("12345".into()).await.unwrap();
    let echoed = call.table.get_mut(&input).unwrap().blocking_read(100).await.unwrap();
    assert_eq!(echoed, "12345");
    served.await.unwrap();

    let effects = call.finish();
    let allowed: Vec<_> = effects.iter().filter(|effect| effect.verdict == Verdict::Allowed).collect();
    assert_eq!(allowed.iter().map(|effect| effect.operation).collect::<Vec<_>>(), ["resolve", "connect"]);
    assert_eq!((allowed[1].sent, allowed[1].received), (5, 5));
    assert_eq!(allowed[1].target, format!("db.test:{} at 127.0.0.1", server.port()));
    assert_eq!(effects.iter().filter(|effect| matches!(effect.verdict, Verdict::Refused(_))).count(), 2);
}

#[tokio::test]
async fn nobody_is_asked_for_other_names() {
    let dns = Dns::with(&["127.0.0.1"]).await;
    let mut call = Call::open(Some(loopback("db.test:5432")), &dns.egress());
    for name in ["secret-data.evil.test", "db.test.", "db.test.evil.test", "x.db.test", "", "127.0.0.1", "db.test\0"] {
        assert_eq!(call.resolve(name).await.unwrap_err(), ErrorCode::AccessDenied, "{name:?}");
    }
    assert_eq!(dns.asked(), 0);
    assert!(call.finish().iter().all(|effect| matches!(effect.verdict, Verdict::Refused(_))));
}

#[tokio::test]
async fn addresses_in_no_granted_network_are_not_given() {
    for addresses in [&["127.0.0.1"][..], &["169.254.169.254"], &["10.0.0.1", "192.168.0.1"]] {
        let dns = Dns::with(addresses).await;
        let mut call = Call::open(Some(json!(["db.test:5432"])), &dns.egress());
        assert_eq!(call.resolve("db.test").await.unwrap_err(), ErrorCode::AccessDenied);
        let to = SocketAddr::new(addresses[0].parse().unwrap(), 5432);
        assert_eq!(call.connect(to).await.unwrap_err(), ErrorCode::AccessDenied);
    }
    // Of several, those that are.
    let dns = Dns::with(&["10.0.0.1", "127.0.0.9"]).await;
    let mut call = Call::open(Some(loopback("db.test:5432")), &dns.egress());
    let found = call.resolve("db.test").await.unwrap();
    assert!(matches!(found[..], [IpAddress::Ipv4((127, 0, 0, 9))]), "{found:?}");
    assert_eq!(call.connect("10.0.0.1:5432".parse().unwrap()).await.unwrap_err(), ErrorCode::AccessDenied);
}

#[tokio::test]
async fn a_granted_address_needs_no_lookup() {
    let dns = Dns::with(&[]).await;
    let (server, served) = echo().await;
    let mut call = Call::open(Some(loopback(&server.to_string())), &dns.egress());
    let (_socket, input, output) = call.connect(server).await.unwrap();
    call.table.get_mut(&output).unwrap().blocking_write_and_flush("12345".into()).await.unwrap();
    assert_eq!(call.table.get_mut(&input).unwrap().blocking_read(5).await.unwrap(), "12345");
    served.await.unwrap();
    assert_eq!(call.resolve("127.0.0.1").await.unwrap().len(), 1);
    assert_eq!(dns.asked(), 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_failed() {
    let dns = Dns::with(&[]).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut call = Call::open(Some(loopback(&closed.to_string())), &dns.egress());
    assert_eq!(call.connect(closed).await.unwrap_err(), ErrorCode::ConnectionRefused);
    let effects = call.finish();
    assert_eq!(effects[0].verdict, Verdict::Failed("connection-refused".into()));
}

#[tokio::test]
async fn nobody_connects_to_a_call() {
    let dns = Dns::with(&[]).await;
    let mut call = Call::open(Some(loopback("127.0.0.1:80")), &dns.egress());
    let (socket, network) = (call.socket().unwrap(), call.network());
    let own = || Resource::new_borrow(socket.rep());
    let any: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let denied = ErrorCode::AccessDenied;
    assert_eq!(code(call.view().start_bind(own(), network, any.into()).await), Err(denied));
    assert_eq!(code(call.view().start_listen(own()).await), Err(denied));
    assert_eq!(code(call.view().accept(own())).map(|_| ()), Err(denied));
    assert_eq!(code(call.view().create_udp_socket(IpAddressFamily::Ipv6).await).map(|_| ()), Err(denied));
    let refused: Vec<_> = call.finish().into_iter().map(|effect| effect.operation).collect();
    assert_eq!(refused, ["bind", "listen", "accept", "create-udp-socket"]);
}

#[tokio::test]
async fn beneath_it_wasi_refuses_too() {
    let dns = Dns::with(&[]).await;
    let mut call = Call::open(Some(loopback("127.0.0.1:80")), &dns.egress());
    let (socket, network) = (call.socket().unwrap(), call.network());
    let own = || Resource::new_borrow(socket.rep());
    let to: SocketAddr = "127.0.0.1:81".parse().unwrap();
    code(call.view().wasi().start_connect(own(), network, to.into())).unwrap();
    call.table.get_mut(&socket).unwrap().ready().await;
    let connected = code(call.view().wasi().finish_connect(own())).map(|_| ());
    assert_eq!(connected, Err(ErrorCode::AccessDenied));
}

#[tokio::test]
async fn without_a_grant_there_is_nothing() {
    let dns = Dns::with(&["127.0.0.1"]).await;
    let mut call = Call::open(None, &dns.egress());
    assert_eq!(call.socket().unwrap_err(), ErrorCode::AccessDenied);
    assert_eq!(call.resolve("db.test").await.unwrap_err(), ErrorCode::AccessDenied);
    assert_eq!(dns.asked(), 0);
    assert!(call.finish().iter().all(|effect| effect.verdict == Verdict::Refused("not granted".into())));
}

#[tokio::test]
async fn sockets_connections_and_lookups_are_counted() {
    let dns = Dns::with(&["127.0.0.1"]).await;
    let mut call = Call::open(Some(loopback("db.test:1")), &dns.egress());
    let sockets: Vec<_> = (0..SOCKETS).map(|_| call.socket().unwrap()).collect();
    assert_eq!(call.socket().unwrap_err(), ErrorCode::NewSocketLimit);
    for socket in sockets {
        call.drop(socket);
    }
    call.socket().unwrap();
    for _ in 0..LOOKUPS {
        call.resolve("db.test").await.unwrap();
    }
    assert_eq!(call.resolve("db.test").await.unwrap_err(), ErrorCode::TemporaryResolverFailure);
    call.own.connections_left = 0;
    let to = "127.0.0.1:1".parse().unwrap();
    assert_eq!(call.connect(to).await.unwrap_err(), ErrorCode::NewSocketLimit);
}

#[test]
fn a_zone_makes_another_address() {
    let grant = serde_json::from_value(json!([{ "address": "[fd00::1]:80", "networks": ["fd00::/16"] }])).unwrap();
    let admitted = Admitted::of(Some(&grant));
    assert!(admitted.host_of("[fd00::1]:80".parse().unwrap()).is_some());
    assert!(admitted.host_of("[fd00::1%2]:80".parse().unwrap()).is_none());
    assert!(admitted.host_of("[fd00::2]:80".parse().unwrap()).is_none());
    assert!(admitted.host_of("[fd00::1]:81".parse().unwrap()).is_none());
}

#[test]
fn no_two_functions_claim_one_name() {
    struct Data(Capabilities);

    impl HasCapabilities for Data {
        fn capabilities(&mut self) -> &mut Capabilities {
            &mut self.0
        }
    }

    let mut linker = Linker::<Data>::new(&wasmtime::Engine::default());
    link(&mut linker).unwrap();
    crate::filesystem::link(&mut linker).unwrap();
}
