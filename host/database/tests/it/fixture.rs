//! A database of its own for each test, of either kind.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use cofferdam_database::{
    Access, Bounds, ConnectionUrl, Create, Database, DatabaseSettings, Element, SqlError, Tls, Value, open,
};
use tempfile::TempDir;
use tokio_postgres::Client;

use crate::server::{PASSWORD, Server};

pub(crate) const READ: Bounds =
    Bounds { access: Access::Read, rows: 1000, bytes: 1 << 20, timeout: Duration::from_secs(20) };
pub(crate) const WRITE: Bounds = Bounds { access: Access::Write, ..READ };

/// A database, and what a test needs to look at it from outside.
pub(crate) struct Fixture {
    pub(crate) database: Database,
    pub(crate) outside: Outside,
}

pub(crate) enum Outside {
    Sqlite(TempDir),
    Postgres(Postgres),
}

/// A database on the shared server, and a role `tool` that may read and change rows.
pub(crate) struct Postgres {
    pub(crate) server: Arc<Server>,
    pub(crate) admin: Client,
    pub(crate) name: String,
}

/// How many connections the pool of a fixture has.
pub(crate) const POOL: u32 = 3;

/// Both kinds, with the tables that this makes.
pub(crate) async fn both(setup: &str) -> [Fixture; 2] {
    [Fixture::sqlite(setup).await, Fixture::postgres(setup).await]
}

impl Fixture {
    pub(crate) async fn sqlite(setup: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("test.db");
        let settings = DatabaseSettings::Sqlite { file: file.clone(), create: Create::IfMissing };
        let database = open("test", &settings).await.unwrap();
        rusqlite::Connection::open(&file).unwrap().execute_batch(setup).unwrap();
        Self { database, outside: Outside::Sqlite(directory) }
    }

    pub(crate) async fn postgres(setup: &str) -> Self {
        let postgres = Postgres::new(setup).await;
        Self { database: postgres.open(POOL).await, outside: Outside::Postgres(postgres) }
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.outside, Outside::Sqlite(_))
    }

    /// What a query from outside finds in the first column of the first row.
    pub(crate) async fn look(&self, sql: &str) -> i64 {
        match &self.outside {
            Outside::Sqlite(directory) => {
                let connection = rusqlite::Connection::open(directory.path().join("test.db")).unwrap();
                connection.query_row(sql, (), |row| row.get(0)).unwrap()
            }
            Outside::Postgres(postgres) => postgres.admin.query_one(sql, &[]).await.unwrap().get(0),
        }
    }
}

impl Postgres {
    pub(crate) async fn new(setup: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = Server::shared().await;
        let name = format!("t{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let admin = server.admin("postgres").await;
        // A server of its own begins to count anew; what is left of another test does not matter.
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let role = format!(
            "DO $$ BEGIN CREATE ROLE tool LOGIN PASSWORD '{PASSWORD}'; EXCEPTION WHEN others THEN NULL; END $$"
        );
        admin.batch_execute(&role).await.unwrap();
        let admin = server.admin(&name).await;
        let rights = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO tool; \
                      GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tool";
        admin.batch_execute(&format!("{setup};{rights}")).await.unwrap();
        Self { server, admin, name }
    }

    pub(crate) fn url(&self, role: &str) -> ConnectionUrl {
        ConnectionUrl::new(format!("postgres://{role}:{PASSWORD}@localhost:{}/{}", self.server.port, self.name))
    }

    pub(crate) fn settings(&self, role: &str, pool: u32) -> DatabaseSettings {
        DatabaseSettings::Postgres {
            url: self.url(role),
            ca_file: None,
            tls: Tls::Off,
            pool,
            connect_timeout: Duration::from_secs(10),
        }
    }

    pub(crate) async fn open(&self, pool: u32) -> Database {
        open("test", &self.settings("tool", pool)).await.unwrap()
    }

    /// As the superuser: what no operator should grant, and what is fenced all the same.
    pub(crate) async fn open_as_superuser(&self) -> Database {
        open("test", &self.settings("postgres", POOL)).await.unwrap()
    }
}

pub(crate) fn int(number: i64) -> Value {
    Value::Element(Element::Integer(number))
}

pub(crate) fn text(text: &str) -> Value {
    Value::Element(Element::Text(text.to_owned()))
}

/// The only value of a query's only row.
pub(crate) async fn one(database: &Database, sql: &str, parameters: Vec<Value>) -> Result<Value, SqlError> {
    let mut rows = database.query(sql, parameters, &READ).await?.rows;
    assert_eq!((rows.len(), rows[0].len()), (1, 1), "{sql}");
    Ok(rows.remove(0).remove(0))
}
