//! Databases, by a guest that wants more of them than it was granted: the same against SQLite and
//! PostgreSQL.

mod away;
mod bounds;
mod secrecy;
mod statements;
mod types;

use std::path::PathBuf;

use cofferdam_tests::{HostBuilder, PostgresDatabase, PostgresServer, TestHost, guest};
use serde_json::{Value, json};

/// A host whose plugin `probe` has the database `main`, and somebody who looks at it from outside.
struct Fixture {
    host: TestHost,
    outside: Outside,
}

enum Outside {
    Sqlite(PathBuf),
    Postgres(PostgresDatabase),
}

/// Both kinds of databases with what `setup` makes, and `main` granted with `more`.
fn both(setup: &str, more: &str) -> [Fixture; 2] {
    [sqlite(setup, more), postgres(setup, more)]
}

fn sqlite(setup: &str, more: &str) -> Fixture {
    let builder = builder(more).config("[database.main.sqlite]\nfile = \"main.db\"");
    let file = builder.path("main.db");
    rusqlite::Connection::open(&file).unwrap().execute_batch(setup).unwrap();
    Fixture { host: builder.start(), outside: Outside::Sqlite(file) }
}

fn postgres(setup: &str, more: &str) -> Fixture {
    let database = PostgresServer::shared().database(setup);
    let host = on(&database, builder(more), 4).start();
    Fixture { host, outside: Outside::Postgres(database) }
}

/// With this database of PostgreSQL as `main`.
fn on(database: &PostgresDatabase, builder: HostBuilder, pool: u32) -> HostBuilder {
    let settings = format!("postgres = {{ url_file = \"url\", tls = \"off\", pool = {pool} }}");
    builder.file("url", database.url()).config(&format!("[database.main]\n{settings}"))
}

/// Tools named `sql` have `main` with `more`; those named `sql_too` do not.
fn builder(more: &str) -> HostBuilder {
    // A machine that is busy takes its time. Whoever tests time says how much.
    let patience = if more.contains("timeout") { "" } else { "timeout = \"25s\"" };
    let rule: Vec<&str> = ["database = \"main\"", patience, more].into_iter().filter(|part| !part.is_empty()).collect();
    HostBuilder::new()
        .named_plugin("probe", &guest("probe"))
        .policy(&format!("[[plugin]]\nname = \"probe\"\n[plugin.tools.sql.grants]\nsql = [{{ {} }}]", rule.join(", ")))
}

const WRITE: &str = r#"access = "write""#;

impl Fixture {
    fn is_sqlite(&self) -> bool {
        matches!(self.outside, Outside::Sqlite(_))
    }

    /// What somebody outside sees: the first value of an answer, as text.
    fn look(&self, sql: &str) -> String {
        match &self.outside {
            Outside::Postgres(database) => database.look(sql),
            Outside::Sqlite(file) => {
                let connection = rusqlite::Connection::open(file).unwrap();
                let value = connection.query_row(sql, (), |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
                match value {
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    other => panic!("{sql}: {other:?}"),
                }
            }
        }
    }

    /// Runs statements, each by itself.
    #[track_caller]
    fn run(&self, op: &str, statements: Value) -> Value {
        run(&self.host, json!({ "database": "main", "op": op, "statements": statements }))
    }

    /// The error of one statement, or `null`.
    #[track_caller]
    fn error(&self, op: &str, sql: &str) -> Value {
        self.run(op, json!([{ "sql": sql }]))["error"].clone()
    }

    /// The only value of a query's only row.
    #[track_caller]
    fn one(&self, sql: &str, parameters: Value) -> Value {
        let answer = self.run("query", json!([{ "sql": sql, "parameters": parameters }]));
        assert!(answer["error"].is_null(), "{sql}: {answer}");
        answer["results"][0]["rows"][0][0].clone()
    }
}

#[track_caller]
fn run(host: &TestHost, arguments: Value) -> Value {
    let reply = host.rpc().call("probe_sql", arguments);
    assert!(!reply.failed(), "{}", reply.message);
    reply.result()["structuredContent"].clone()
}
