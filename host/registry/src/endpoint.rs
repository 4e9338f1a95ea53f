//! Where requests go, and where a registry may send them on to.

use url::{Host, Url};

use crate::Reference;

#[cfg(test)]
mod tests;

/// Whether this host is the machine itself, by its name alone.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback() || address.is_unspecified())
        }
        None => false,
    }
}

/// The address of a registry's interface: `scheme://host[:port]/v2/`. `None` for what is no address, which no
/// reference is.
pub(crate) fn root(registry: &str, plain: &[String]) -> Option<Url> {
    // Docker Hub answers under another name than the one it goes by.
    let host = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
    let url = Url::parse(&format!("http://{host}/v2/")).ok()?;
    if is_loopback(&url) || plain.iter().any(|listed| listed == registry) {
        return Some(url);
    }
    Url::parse(&format!("https://{host}/v2/")).ok()
}

/// An address within a repository. The last part is a tag, digest or word of ours: nothing in it needs escaping.
pub(crate) fn within(root: &Url, reference: &Reference, kind: &str, last: &str) -> Option<Url> {
    root.join(&format!("{}/{kind}/{last}", reference.repository())).ok()
}

/// Whether a registry may send us to this address: to storage, to a place for an upload, to a token service.
///
/// From TLS never to plain HTTP, and from elsewhere never to the machine itself: its services take what comes from
/// loopback for their own. Addresses of the network around us cannot be told from storage that stands there.
pub(crate) fn may_lead_to(root: &Url, target: &Url) -> Result<(), &'static str> {
    match target.scheme() {
        "https" => {}
        "http" if root.scheme() == "http" => {}
        "http" => return Err("it leads from TLS to plain HTTP"),
        _ => return Err("it leads to something that is not HTTP"),
    }
    if !target.username().is_empty() || target.password().is_some() {
        return Err("it leads to an address with a password in it");
    }
    if is_loopback(target) && !is_loopback(root) {
        return Err("it leads to this machine");
    }
    Ok(())
}
