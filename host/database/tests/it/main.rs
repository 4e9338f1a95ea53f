//! The crate against real databases: SQLite files and a PostgreSQL server.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod postgres_hostile;
#[cfg(test)]
mod postgres_pool;
#[cfg(test)]
mod postgres_tls;
#[cfg(test)]
mod postgres_types;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod server;
#[cfg(test)]
mod sqlite_hostile;
#[cfg(test)]
mod sqlite_types;
#[cfg(test)]
mod transactions;
