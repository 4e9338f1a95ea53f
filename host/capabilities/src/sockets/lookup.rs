//! `ip-name-lookup`: granted names, and only those.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use cofferdam_egress::{Egress, EgressError};
use cofferdam_policy::{Host, SocketRule, SocketsGrant};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::Resource;
use wasmtime_wasi::{
    async_trait,
    p2::{
        DynPollable, Network, Pollable, SocketError,
        bindings::sockets::{
            ip_name_lookup::{Host as LookupHost, HostResolveAddressStream, ResolveAddressStream},
            network::{ErrorCode, IpAddress},
        },
        subscribe,
    },
};

use super::{
    LOOKUPS, View,
    admitted::{Admitted, networks},
};
use crate::{effects::Pending, refusal::NOT_GRANTED};

/// Characters of a name that are looked at: more than any name has.
const LONGEST: usize = 260;

/// A lookup that was begun.
///
/// wasmtime-wasi has a type for this that nobody else can make. In the call's table lies one of
/// ours, and the guest's number of it is the same: the table knows what it has, and gives a thing to
/// nobody who asks for another.
pub(super) struct Lookup {
    /// `None` once it was taken.
    coming: Option<oneshot::Receiver<Result<Vec<IpAddr>, ErrorCode>>>,
    found: Result<std::vec::IntoIter<IpAddr>, ErrorCode>,
    /// Ends with it.
    _task: AbortOnDropHandle<()>,
}

impl Lookup {
    fn take(&mut self, answer: Result<Vec<IpAddr>, ErrorCode>) {
        self.coming = None;
        self.found = answer.map(Vec::into_iter);
    }
}

#[async_trait]
impl Pollable for Lookup {
    async fn ready(&mut self) {
        if let Some(coming) = &mut self.coming {
            let answer = coming.await.unwrap_or(Err(ErrorCode::Unknown));
            self.take(answer);
        }
    }
}

fn own(stream: &Resource<ResolveAddressStream>) -> Resource<Lookup> {
    Resource::new_borrow(stream.rep())
}

/// A name or an address in the spelling that grants have.
fn host(name: &str) -> Option<Host> {
    let name = &name[..name.floor_char_boundary(LONGEST)];
    if let Ok(address) = name.parse::<Ipv6Addr>() {
        return Some(Host::V6(address));
    }
    Host::try_from(name.to_ascii_lowercase()).ok()
}

/// Asks once for each of the networks that the host's rules name, and keeps what fits.
async fn resolve(
    egress: Egress,
    grant: Arc<SocketsGrant>,
    host: Host,
    admitted: Arc<Admitted>,
    effect: Pending,
) -> Result<Vec<IpAddr>, ErrorCode> {
    let asked = match &host {
        Host::Name(name) => cofferdam_egress::Host::Domain(name.as_str().to_owned()),
        Host::V4(address) => cofferdam_egress::Host::Ipv4(*address),
        Host::V6(address) => cofferdam_egress::Host::Ipv6(*address),
    };
    let (mut found, mut error) = (Vec::new(), None);
    let mut answers: Vec<(&SocketRule, Vec<IpAddr>)> = Vec::new();
    for rule in grant.rules().iter().filter(|rule| rule.host == host) {
        let known = answers.iter().find(|(other, _)| other.networks == rule.networks).map(|(_, known)| known.clone());
        let answer = match known {
            Some(known) => known,
            None => match egress.resolve(&asked, rule.port, &networks(rule)).await {
                Ok(answer) => answer.into_iter().map(|address| address.ip()).collect(),
                Err(why) => {
                    error.get_or_insert(why);
                    continue;
                }
            },
        };
        for address in admitted.admit(rule, answer.iter().copied()) {
            if !found.contains(&address) {
                found.push(address);
            }
        }
        answers.push((rule, answer));
    }
    if !found.is_empty() {
        effect.allowed();
        return Ok(found);
    }
    match error {
        Some(error @ EgressError::Forbidden { .. }) => effect.refused(error.to_string()),
        Some(error) => {
            effect.failed(error.to_string());
            return Err(match error {
                EgressError::NoSuchHost { .. } => ErrorCode::NameUnresolvable,
                EgressError::NameServers { .. } | EgressError::Timeout { .. } => ErrorCode::TemporaryResolverFailure,
                _ => ErrorCode::PermanentResolverFailure,
            });
        }
        None => effect.refused("none of its addresses lies in a granted network"),
    }
    Err(ErrorCode::AccessDenied)
}

impl LookupHost for View<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<Network>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        self.table.get(&network)?;
        let effect = self.begin("resolve", &name);
        let Some(grant) = self.own.grant.clone() else {
            effect.refused(NOT_GRANTED);
            return Err(ErrorCode::AccessDenied.into());
        };
        let granted = host(&name).filter(|host| grant.rules().iter().any(|rule| rule.host == *host));
        let Some(host) = granted else {
            effect.refused("no granted host has this name, and nobody was asked");
            return Err(ErrorCode::AccessDenied.into());
        };
        let Some(left) = self.own.lookups_left.checked_sub(1) else {
            effect.refused(format!("a call may look up {LOOKUPS} names"));
            return Err(ErrorCode::TemporaryResolverFailure.into());
        };
        self.own.lookups_left = left;

        let (tell, coming) = oneshot::channel();
        let resolved = resolve(self.own.egress.clone(), grant, host, self.own.admitted.clone(), effect);
        let task = tokio::spawn(async move {
            // Nobody waits for it when the guest has dropped it.
            let _ = tell.send(resolved.await);
        });
        let found = Ok(Vec::new().into_iter());
        let lookup = Lookup { coming: Some(coming), found, _task: AbortOnDropHandle::new(task) };
        let lookup = self.table.push(lookup)?;
        Ok(Resource::new_own(lookup.rep()))
    }
}

impl HostResolveAddressStream for View<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let lookup = self.table.get_mut(&own(&stream))?;
        if let Some(coming) = &mut lookup.coming {
            let answer = match coming.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => return Err(ErrorCode::WouldBlock.into()),
                Err(oneshot::error::TryRecvError::Closed) => Err(ErrorCode::Unknown),
                Ok(answer) => answer,
            };
            lookup.take(answer);
        }
        match &mut lookup.found {
            Ok(found) => Ok(found.next().map(IpAddress::from)),
            Err(code) => Err((*code).into()),
        }
    }

    fn subscribe(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, own(&stream))
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Lookup>::new_own(stream.rep()))?;
        Ok(())
    }
}
