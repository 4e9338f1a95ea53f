//! `wasi:sockets`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{json, Value};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, Network,
};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp_create_socket::create_udp_socket;

use crate::{lossy, number, text};

/// What did not work, and in which words.
struct Failure {
    /// `lookup`, `create`, `connect`, `bind`, `listen`, `send` or `receive`.
    at: &'static str,
    code: &'static str,
}

fn at(at: &'static str) -> impl Fn(ErrorCode) -> Failure {
    move |code| Failure { at, code: code.name() }
}

fn told(tried: Result<Value, Failure>) -> Value {
    tried.unwrap_or_else(|failure| json!({ "at": failure.at, "error": failure.code }))
}

fn resolve(network: &Network, host: &str) -> Result<Vec<IpAddr>, Failure> {
    let stream = resolve_addresses(network, host).map_err(at("lookup"))?;
    let mut found = Vec::new();
    loop {
        match stream.resolve_next_address() {
            Ok(Some(IpAddress::Ipv4((a, b, c, d)))) => found.push(Ipv4Addr::new(a, b, c, d).into()),
            Ok(Some(IpAddress::Ipv6((a, b, c, d, e, f, g, h)))) => {
                found.push(Ipv6Addr::new(a, b, c, d, e, f, g, h).into())
            }
            Ok(None) => return Ok(found),
            Err(ErrorCode::WouldBlock) => stream.subscribe().block(),
            Err(code) => return Err(at("lookup")(code)),
        }
    }
}

fn address(ip: IpAddr, port: u16) -> IpSocketAddress {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (a, b, c, d) })
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, e, f, g, h] = ip.segments();
            let address = (a, b, c, d, e, f, g, h);
            IpSocketAddress::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 })
        }
    }
}

fn family(ip: IpAddr) -> IpAddressFamily {
    if ip.is_ipv4() {
        IpAddressFamily::Ipv4
    } else {
        IpAddressFamily::Ipv6
    }
}

/// The last address there is for a host, which may be an address itself.
fn target(network: &Network, arguments: &Value) -> Result<(IpAddr, u16), Failure> {
    let (host, port) = (text(arguments, "host"), number(arguments, "port", 0));
    let port = u16::try_from(port).unwrap_or_default();
    if let Ok(ip) = host.parse() {
        return Ok((ip, port));
    }
    let found = resolve(network, host)?;
    let ip = found.last().copied().ok_or(Failure { at: "lookup", code: "name-unresolvable" })?;
    Ok((ip, port))
}

/// `{ host }`
pub fn lookup(arguments: &Value) -> Value {
    told(resolve(&instance_network(), text(arguments, "host")).map(|found| json!({ "addresses": found })))
}

/// `{ host, port, send?, read? }`
pub fn connect(arguments: &Value) -> Value {
    told(connected(arguments))
}

fn connected(arguments: &Value) -> Result<Value, Failure> {
    let network = instance_network();
    let (ip, port) = target(&network, arguments)?;
    let socket = create_tcp_socket(family(ip)).map_err(at("create"))?;
    socket.start_connect(&network, address(ip, port)).map_err(at("connect"))?;
    let (input, output) = loop {
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            done => break done.map_err(at("connect"))?,
        }
    };
    let said = text(arguments, "send");
    if !said.is_empty() {
        output.blocking_write_and_flush(said.as_bytes()).map_err(|_| Failure { at: "send", code: "closed" })?;
    }
    let read = number(arguments, "read", 0);
    let mut got = Vec::new();
    while (got.len() as u64) < read {
        match input.blocking_read(read - got.len() as u64) {
            Ok(piece) => got.extend(piece),
            Err(_) => break,
        }
    }
    Ok(json!({ "connected": true, "address": ip, "received": lossy(&got) }))
}

/// `{ op: "udp"|"bind"|"listen", host, port }`
pub fn socket(arguments: &Value) -> Value {
    told(used(arguments))
}

fn used(arguments: &Value) -> Result<Value, Failure> {
    let network = instance_network();
    let (ip, port) = target(&network, arguments)?;
    if text(arguments, "op") == "udp" {
        let socket = create_udp_socket(family(ip)).map_err(at("create"))?;
        let local = if ip.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        socket.start_bind(&network, address(local, 0)).map_err(at("bind"))?;
        socket.finish_bind().map_err(at("bind"))?;
        let _streams = socket.stream(Some(address(ip, port))).map_err(at("connect"))?;
        return Ok(json!({ "bound": true }));
    }
    let socket = create_tcp_socket(family(ip)).map_err(at("create"))?;
    socket.start_bind(&network, address(ip, port)).map_err(at("bind"))?;
    socket.finish_bind().map_err(at("bind"))?;
    if text(arguments, "op") == "listen" {
        socket.start_listen().map_err(at("listen"))?;
        socket.finish_listen().map_err(at("listen"))?;
    }
    Ok(json!({ "bound": true }))
}
