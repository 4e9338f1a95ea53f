//! The engine against name servers and servers on loopback, most of which do harm.

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod dns;
#[cfg(test)]
mod dropped;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod pool;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod server;
#[cfg(test)]
mod setting;
#[cfg(test)]
mod straight;
#[cfg(test)]
mod times;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod uploads;
