//! Names to addresses, once, and only those that may be connected to.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use hickory_resolver::{
    TokioResolver,
    config::{
        ConnectionConfig, LookupIpStrategy, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig,
        ResolverOpts,
    },
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::rr::Name,
    system_conf::read_system_conf,
};
use url::Host;

use crate::{
    error::{EgressError, Wait, causes},
    limits,
    networks::Networks,
    settings::SettingsError,
};

/// Asks the name servers.
#[derive(Clone, Debug)]
pub(crate) struct Resolver(TokioResolver);

/// The addresses of a host that may be connected to: at least one.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) addresses: Vec<SocketAddr>,
    /// How many more there were that may not be.
    pub(crate) withheld: usize,
}

// === impl Resolver ===

impl Resolver {
    /// Asks `dns`, or the machine's name servers when that is empty.
    pub(crate) fn new(dns: Vec<SocketAddr>) -> Result<Self, SettingsError> {
        let unusable = |error: NetError| SettingsError::NameServers { why: causes(&error) };
        let (servers, hosts_file, mut options) = if dns.is_empty() {
            let (machine, options) = read_system_conf().map_err(unusable)?;
            (machine.name_servers, ResolveHosts::Always, options)
        } else {
            (dns.into_iter().map(name_server).collect(), ResolveHosts::Never, ResolverOpts::default())
        };
        if servers.is_empty() {
            return Err(SettingsError::NameServers { why: "there are none".to_owned() });
        }
        options.use_hosts_file = hosts_file;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = limits::LOOKUP;
        options.attempts = limits::LOOKUPS;
        options.cache_size = limits::LOOKUP_CACHE;
        options.positive_max_ttl = Some(limits::LONGEST_POSITIVE);
        options.negative_max_ttl = Some(limits::LONGEST_NEGATIVE);
        // No domain and no search list: a name is what it says.
        let config = ResolverConfig::from_parts(None, Vec::new(), servers);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()
            .map(Self)
            .map_err(unusable)
    }

    /// The addresses of `host` that `networks` admits, in the order of the answer, families alternating.
    pub(crate) async fn resolve(&self, host: &Host, port: u16, networks: &Networks) -> Result<Resolved, EgressError> {
        let found = match host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(name) => self.lookup(name).await?,
        };
        judge(host, &found, port, networks)
    }

    async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, EgressError> {
        let missing = || EgressError::NoSuchHost { host: host.to_owned() };
        let mut name = Name::from_ascii(host).map_err(|_| missing())?;
        name.set_fqdn(true);
        match self.0.lookup_ip(name).await {
            Ok(answer) => Ok(alternating(answer.iter().take(limits::ADDRESSES))),
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Err(missing()),
            Err(error) if is_timeout(&error) => {
                let after = limits::LOOKUP * u32::try_from(limits::LOOKUPS).unwrap_or(1);
                Err(EgressError::Timeout { host: host.to_owned(), wait: Wait::Resolve, after })
            }
            Err(error) => Err(EgressError::NameServers { host: host.to_owned(), why: causes(&error) }),
        }
    }
}

/// Keeps what may be connected to. One forbidden address beside good ones is dropped and told to the operator.
fn judge(host: &Host, found: &[IpAddr], port: u16, networks: &Networks) -> Result<Resolved, EgressError> {
    let mut forbidden = Vec::new();
    let mut addresses = Vec::new();
    for address in found {
        match networks.admits(*address) {
            Ok(()) => addresses.push(SocketAddr::new(*address, port)),
            Err(refused) => forbidden.push(refused),
        }
    }
    for refused in &forbidden {
        tracing::warn!(%host, address = %refused.address, granted = %networks, "not connecting: {refused}");
    }
    match (addresses.is_empty(), forbidden.first()) {
        (false, _) => Ok(Resolved { addresses, withheld: forbidden.len() }),
        (true, Some(first)) => {
            Err(EgressError::Forbidden { host: host.to_string(), first: *first, count: forbidden.len() })
        }
        (true, None) => Err(EgressError::NoSuchHost { host: host.to_string() }),
    }
}

/// IPv6 and IPv4 in turn, so that neither of them is tried last when it is the one that works (RFC 8305, 4).
fn alternating(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let (six, four): (Vec<_>, Vec<_>) = addresses.partition(IpAddr::is_ipv6);
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    std::iter::from_fn(|| match (six.next(), four.next()) {
        (None, None) => None,
        pair => Some([pair.0, pair.1]),
    })
    .flatten()
    .flatten()
    .collect()
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp]
        .map(|protocol| {
            let mut connection = ConnectionConfig::new(protocol);
            connection.port = address.port();
            connection
        })
        .to_vec();
    NameServerConfig::new(address.ip(), true, connections)
}

fn is_timeout(error: &NetError) -> bool {
    match error {
        NetError::Timeout => true,
        NetError::Io(error) => error.kind() == io::ErrorKind::TimedOut,
        _ => false,
    }
}
