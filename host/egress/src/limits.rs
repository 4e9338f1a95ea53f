//! Bounds that no operator has a reason to change, and why they are what they are.

use std::time::Duration;

/// Fields in the head of a request or response, or in trailers. What hyper and most servers take.
pub(crate) const HEADERS: usize = 100;

/// Bytes of all names and values of these. Servers take 8 to 32 KiB; large cookies and tokens are why it is more.
pub(crate) const HEADER_BYTES: usize = 64 << 10;

/// The same as HTTP/2 counts it, which adds 32 for each field (RFC 9113, 6.5.2).
pub(crate) const HEADER_LIST: u32 = (HEADER_BYTES + 32 * HEADERS) as u32;

/// Bytes that an HTTP/1 connection reads ahead of its reader: a head, and as much again.
pub(crate) const READ_AHEAD: usize = 2 * HEADER_BYTES;

/// Bytes that an HTTP/2 peer may send ahead of the reader, of one stream and of all streams of a connection.
pub(crate) const STREAM_WINDOW: u32 = 256 << 10;
pub(crate) const CONNECTION_WINDOW: u32 = 512 << 10;

/// Bytes of request bodies that wait in an HTTP/2 connection for the peer to take them.
pub(crate) const SEND_BUFFER: usize = 256 << 10;

/// Addresses of one answer that are looked at. A large answer over TCP can hold some thousand.
pub(crate) const ADDRESSES: usize = 64;

/// Addresses of one answer that are connected to, at most: more would not be reached within the time to connect.
pub(crate) const TRIED: usize = 8;

/// How long a connection to one address is waited for before the next is tried beside it (RFC 8305, 5).
pub(crate) const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// How long a name server has for one answer, and how often it is asked. Both fit within the time to connect.
pub(crate) const LOOKUP: Duration = Duration::from_secs(2);
pub(crate) const LOOKUPS: usize = 2;

/// Answers that are remembered, and for how long, whatever their records say. A guest that may use any name below a
/// domain fills it, and no more than it.
pub(crate) const LOOKUP_CACHE: u64 = 1024;
pub(crate) const LONGEST_POSITIVE: Duration = Duration::from_secs(300);
pub(crate) const LONGEST_NEGATIVE: Duration = Duration::from_secs(30);

/// How old a connection may get and still be used for another request. Servers move, and so do their names.
pub(crate) const OLDEST: Duration = Duration::from_secs(600);

/// How long a connection may take to be ready for another request when a response is over.
pub(crate) const READY: Duration = Duration::from_secs(1);

/// How long an HTTP/2 stream has for letting go of a request body that was given up, before its connection is closed.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// Kept connections that turn out to be closed are passed over this often before a new one is made.
pub(crate) const STALE: u32 = 3;

/// Bytes of a request's body that are kept for sending it again.
pub(crate) const REPLAY: usize = 64 << 10;

/// And in how many pieces at most, as each of them costs more than its bytes.
pub(crate) const REPLAY_PIECES: usize = 1024;

/// Breakers that are remembered, over all tools. One exists only after a failure; the least used are forgotten.
pub(crate) const BREAKERS: u64 = 8192;

/// Bytes that a peer may send beside bodies: for each connection, for each exchange, and for each byte of a body. The first
/// holds a window full of what nobody has read yet, and as much again; the last a frame or chunk for every single byte.
/// What a head is unpacked to takes some hundred times its bytes in HTTP/2, so that more is not better.
pub(crate) const OVERHEAD: u64 = 1 << 20;
pub(crate) const OVERHEAD_EXCHANGE: u64 = 2 * HEADER_BYTES as u64;
pub(crate) const OVERHEAD_BYTE: u64 = 16;

/// Bytes of a file with certificates. The list of all public authorities has a quarter of that.
pub(crate) const CERTIFICATES: u64 = 1 << 20;

/// Characters of somebody else's words in one of our messages.
pub(crate) const QUOTE: usize = 200;
