//! Outgoing HTTP for tools: that a request goes where it was granted to go, and stays within bounds.
//!
//! ```text
//! request -> origin -> breaker -> pooled connection, or: resolve -> check -> connect -> TLS -> exchange -> response
//! ```
//!
//! The caller has decided that this method and this URL may be used, and whose request it is. Here is made sure that the
//! decision holds on the wire. Both ends are hostile: the guest chooses the URL, the headers and the body, and whoever
//! runs the server, or the zone its name is in, chooses the rest.
//!
//! What holds, whatever they do:
//!
//! * **Pinned.** A name is resolved once for a connection, by its absolute form; each address of the answer is judged by
//!   [`Networks`], and the socket is opened to one that passed. There is no second lookup that could say something else.
//!   Addresses that may not be used are dropped from an answer, and the request fails when none is left: one bad record
//!   beside good ones is more often a mistake than an attack, and the bad one is not used in either case. Operators see it.
//! * **Nobody else's connection.** A connection is used again only for the same [`PoolKey`], scheme, host, port *and* granted
//!   networks. One opened under a wider grant is never used under a narrower.
//! * **Straight.** No redirects, no proxies of the environment, no cookies, no decompression, no upgrade, no `CONNECT`.
//!   Fields about the connection are ours to write; those of a guest are removed.
//! * **Bounded.** Bytes and fields in both directions, connections, time: of connecting, until the first byte, between bytes,
//!   and of all of it, with the body and whether or not anybody reads it. What is no body (interim answers, empty
//!   frames, chunk extensions, pings) has a budget of its own. No body is held as a whole, and nothing reads ahead of the reader.
//! * **Dropped is gone.** Dropping the future or the body of the response ends the exchange and the connection or stream
//!   that it had. Nothing goes on behind it.
//!
//! Connections are kept in a pool of this crate, upon hyper's connections. The client of `hyper-util` was the alternative:
//! its pool knows a connection by scheme and authority only, makes connections in the background when the request that
//! wanted them is over, and sends requests again by rules of its own. The breaker is ours as well: `failsafe` lets all
//! callers through when half open, and `recloser` counts rates in a ring; what is wanted is one probe.
//!
//! This crate knows nothing of WebAssembly, policies, secrets or MCP. It decides about no name, method or path, it masks
//! nothing in a body, and it writes no record: [`Sent`] and [`Traffic`] say what such a record needs.
#![forbid(unsafe_code)]

mod body;
mod breaker;
mod clock;
mod connect;
mod download;
mod egress;
mod error;
mod exchange;
mod limits;
mod meter;
mod networks;
mod origin;
mod pool;
mod request;
mod resolve;
mod retry;
mod settings;
mod slots;
mod terms;
mod tls;
mod traffic;
mod upload;

pub use body::{Body, BodyError, empty, full};
pub use egress::{Egress, Sent};
pub use error::{BusyWith, EgressError, Message, Wait};
pub use networks::{AddressKind, Forbidden, Networks};
pub use settings::{EgressSettings, SettingsError};
pub use terms::{Breaker, PoolKey, Retry, Terms};
pub use traffic::{End, Totals, Traffic};
pub use url::Host;
