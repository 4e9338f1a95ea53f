//! Secrets from files, the environment, a real OpenBao, and from servers that do harm.

#[cfg(test)]
mod bao;
#[cfg(test)]
mod files;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod kubernetes;
#[cfg(test)]
mod service;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod vault;
