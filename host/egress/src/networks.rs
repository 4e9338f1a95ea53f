//! Which addresses may be connected to.
//!
//! Public ones, and those in a network that the operator granted by name. What counts as public is the table in
//! [`class`]; everything that is not there is. An IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4 and their
//! like) is two destinations: it may be connected to only when both may. A granted IPv4 network therefore never admits
//! the IPv6 form of an address in it, which would reach the same machine by a path that the operator did not think of;
//! and a granted IPv6 prefix of a translator does not open the private IPv4 networks behind it.

mod class;
#[cfg(test)]
mod tests;

use std::{fmt, net::IpAddr};

use ipnet::IpNet;
use thiserror::Error;

pub use class::AddressKind;

/// Networks that were granted beside the public ones. None by default.
///
/// Two values are equal when they hold the same networks, in whatever order they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Networks(Vec<IpNet>);

/// An address that is not public and that no granted network holds.
///
/// It names an address of the inside: for operators, never for a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{}{kind}, and no granted network holds {}", self.subject(), self.inner.unwrap_or(self.address))]
pub struct Forbidden {
    /// The address that was asked for.
    pub address: IpAddr,
    /// What it is, or what the IPv4 address inside it is.
    pub kind: AddressKind,
    /// The IPv4 address inside an IPv6 address, when that is what was refused.
    pub inner: Option<IpAddr>,
}

// === impl Networks ===

impl Networks {
    /// These networks; bits behind a prefix do not count.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        let mut networks: Vec<IpNet> = networks.into_iter().map(|network| network.trunc()).collect();
        networks.sort_unstable();
        networks.dedup();
        Self(networks)
    }

    /// Whether `address` may be connected to.
    ///
    /// # Errors
    /// [`Forbidden`] when it is not public and no granted network holds it; or when that is so of the IPv4 address in it.
    pub fn admits(&self, address: IpAddr) -> Result<(), Forbidden> {
        self.admits_itself(address).map_err(|kind| Forbidden { address, kind, inner: None })?;
        let IpAddr::V6(outer) = address else { return Ok(()) };
        for inner in class::carried(outer) {
            let inner = IpAddr::V4(inner);
            self.admits_itself(inner).map_err(|kind| Forbidden { address, kind, inner: Some(inner) })?;
        }
        Ok(())
    }

    fn admits_itself(&self, address: IpAddr) -> Result<(), AddressKind> {
        match class::of(address) {
            Some(kind) if !self.0.iter().any(|network| network.contains(&address)) => Err(kind),
            _ => Ok(()),
        }
    }
}

// === impl Forbidden ===

impl Forbidden {
    fn subject(&self) -> String {
        match self.inner {
            Some(inner) => format!("{} carries {inner}, which is ", self.address),
            None => format!("{} is ", self.address),
        }
    }
}

impl FromIterator<IpNet> for Networks {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self::new(networks)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut networks = self.0.iter();
        match networks.next() {
            None => f.write_str("none"),
            Some(first) => {
                write!(f, "{first}")?;
                networks.try_for_each(|network| write!(f, ", {network}"))
            }
        }
    }
}
