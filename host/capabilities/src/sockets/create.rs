//! Making sockets: of TCP as many as are granted, of UDP none. And what errors are.

use wasmtime::component::Resource;
use wasmtime_wasi::p2::{
    Network, SocketError, SocketResult, TcpSocket, UdpSocket,
    bindings::sockets::{
        network::{self, ErrorCode, IpAddressFamily},
        tcp_create_socket, udp_create_socket,
    },
};

use super::{SOCKETS, View, tcp::Socket};
use crate::refusal::NOT_GRANTED;

impl tcp_create_socket::Host for View<'_> {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        if self.own.grant.is_none() {
            self.begin("create-tcp-socket", "").refused(NOT_GRANTED);
            return Err(ErrorCode::AccessDenied.into());
        }
        if self.own.open.len() >= SOCKETS {
            self.begin("create-tcp-socket", "").refused(format!("a call may have {SOCKETS} sockets at a time"));
            return Err(ErrorCode::NewSocketLimit.into());
        }
        let socket = tcp_create_socket::Host::create_tcp_socket(&mut self.wasi(), family)?;
        self.own.open.insert(socket.rep(), Socket::default());
        Ok(socket)
    }
}

impl udp_create_socket::Host for View<'_> {
    async fn create_udp_socket(&mut self, _: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        self.begin("create-udp-socket", "").refused("UDP is never granted");
        Err(ErrorCode::AccessDenied.into())
    }
}

impl network::Host for View<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn network_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        self.wasi().network_error_code(error)
    }
}

impl network::HostNetwork for View<'_> {
    fn drop(&mut self, network: Resource<Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.wasi(), network)
    }
}
