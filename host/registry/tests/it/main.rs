//! The client against registries: a real one, one that serves what cosign left, and ones that do harm.

#[cfg(test)]
mod auth;
#[cfg(test)]
mod content;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod process;
#[cfg(test)]
mod pushing;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod stub;
#[cfg(test)]
mod tls;
