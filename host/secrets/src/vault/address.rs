//! Where in Vault something is.

use url::{Host, Url};

#[cfg(test)]
mod tests;

/// Bytes of a path within Vault.
const LONGEST: usize = 512;

/// Whether a token may be sent there.
pub(super) fn check(address: &Url) -> Result<(), &'static str> {
    match address.scheme() {
        "https" => {}
        "http" if is_loopback(address) => {}
        "http" => return Err("without TLS the token can be read on the way: use https:// for what is not on loopback"),
        _ => return Err("it starts with https://"),
    }
    if address.cannot_be_a_base() || !address.has_host() {
        return Err("it names no host");
    }
    if !address.username().is_empty() || address.password().is_some() {
        return Err("it has a user or a password, which Vault does not know: configure a token or a login");
    }
    if address.query().is_some() || address.fragment().is_some() {
        return Err("it has a query or a fragment: leave out what begins with ? or #");
    }
    Ok(())
}

fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Whether this can stand in the path of an address and mean what it says.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > LONGEST {
        return Err("it has 1 to 512 bytes");
    }
    if path.contains(['?', '#', '%', '\\']) || path.chars().any(char::is_control) {
        return Err("it has none of ?, #, %, \\ and no control characters");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(
            "its parts are between single slashes, none of them is . or .., and it neither begins nor ends with /",
        );
    }
    Ok(())
}

/// `/v1/` and these paths, which were checked, within the address.
pub(super) fn within(address: &Url, paths: &[&str]) -> Url {
    let mut url = address.clone();
    // An address that has no path was refused.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push("v1").extend(paths.iter().flat_map(|path| path.split('/')));
    }
    url
}
