//! Where a call may connect to, as far as is known by now.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cofferdam_policy::{SocketRule, SocketsGrant};

/// Pairs of address and port, each with the host that it is an address of. There are as many as rules
/// and lookups have brought.
#[derive(Debug, Default)]
pub(super) struct Admitted(Mutex<HashMap<(IpAddr, u16), String>>);

impl Admitted {
    /// What needs no lookup: rules that name an address.
    pub(super) fn of(grant: Option<&SocketsGrant>) -> Self {
        let own = Self::default();
        for rule in grant.map(SocketsGrant::rules).unwrap_or_default() {
            if let Some(address) = rule.host.address() {
                own.admit(rule, [address]);
            }
        }
        own
    }

    /// Adds addresses of a rule's host, and gives those that may be connected to.
    ///
    /// Two rules about one host may differ in their networks, so each is asked.
    pub(super) fn admit(&self, rule: &SocketRule, found: impl IntoIterator<Item = IpAddr>) -> Vec<IpAddr> {
        let networks = networks(rule);
        let fit = |address: &IpAddr| networks.admits(*address).is_ok();
        let fitting: Vec<_> = found.into_iter().filter(fit).collect();
        let mut admitted = self.lock();
        for address in &fitting {
            admitted.insert((*address, rule.port), rule.host.to_string());
        }
        fitting
    }

    /// The host that may be connected to at this address and port.
    pub(super) fn host_of(&self, address: SocketAddr) -> Option<String> {
        if let SocketAddr::V6(v6) = address
            && (v6.scope_id() != 0 || v6.flowinfo() != 0)
        {
            // A zone makes another address of it, on another network.
            return None;
        }
        self.lock().get(&(address.ip(), address.port())).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(IpAddr, u16), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A rule's networks as the engine knows them.
pub(super) fn networks(rule: &SocketRule) -> cofferdam_egress::Networks {
    cofferdam_egress::Networks::new(rule.networks.ranges().iter().copied())
}
