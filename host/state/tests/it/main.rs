//! Both stores against the same tests, and each against what only it can meet.

#[cfg(test)]
mod atomic;
#[cfg(test)]
mod embedded;
#[cfg(test)]
mod expiry;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod other_process;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod quota;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod server;
#[cfg(test)]
mod stores;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod values;
