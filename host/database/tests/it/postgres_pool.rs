//! Connections: bounded, waited for, made anew when the server takes them away.

use std::time::Duration;

use cofferdam_database::{Bounds, ConnectionUrl, DatabaseSettings, SqlError, Tls, open};
use tokio::time::Instant;

use crate::{
    fixture::{Fixture, Outside, POOL, Postgres, READ, WRITE, int, one},
    server::PASSWORD,
};

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded_and_waited_for() {
    let fixture = Fixture::postgres("").await;
    let mut held = Vec::new();
    for _ in 0..POOL {
        held.push(fixture.database.begin(&READ).await.unwrap());
    }
    let begun = Instant::now();
    let short = Bounds { timeout: Duration::from_millis(200), ..READ };
    assert_eq!(fixture.database.query("SELECT 1", vec![], &short).await, Err(SqlError::Timeout));
    assert!(begun.elapsed() < Duration::from_secs(5));
    held.pop();
    assert_eq!(one(&fixture.database, "SELECT 1", vec![]).await, Ok(int(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_a_time_share_few_connections() {
    let fixture = Fixture::postgres("").await;
    let asked = (0..60).map(|n| {
        let database = fixture.database.clone();
        tokio::spawn(async move { one(&database, "SELECT $1::bigint", vec![int(n)]).await == Ok(int(n)) })
    });
    for answer in futures::future::join_all(asked.collect::<Vec<_>>()).await {
        assert!(answer.unwrap());
    }
    let Outside::Postgres(postgres) = &fixture.outside else { unreachable!("it is PostgreSQL") };
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND usename = 'tool'", postgres.name);
    assert!(fixture.look(&sql).await <= i64::from(POOL));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_the_server_ends_are_made_anew() {
    let fixture = Fixture::postgres("").await;
    let Outside::Postgres(postgres) = &fixture.outside else { unreachable!("it is PostgreSQL") };
    let transaction = fixture.database.begin(&WRITE).await.unwrap();
    let sql = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{}' AND usename = 'tool'",
        postgres.name
    );
    assert_eq!(fixture.look(&sql).await, 1);
    let error = transaction.query("SELECT 1", vec![], &READ).await.unwrap_err();
    assert!(matches!(error, SqlError::Unavailable { .. }), "{error}");
    assert_eq!(one(&fixture.database, "SELECT 1", vec![]).await, Ok(int(1)));
    // While it is idle in the pool, too.
    let patience = Instant::now() + Duration::from_secs(10);
    assert!(fixture.look(&sql).await >= 1);
    while one(&fixture.database, "SELECT 1", vec![]).await.is_err() {
        assert!(Instant::now() < patience, "it stays broken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_used_again() {
    let postgres = Postgres::new("").await;
    let database = postgres.open(1).await;
    let first = one(&database, "SELECT pg_backend_pid()", vec![]).await.unwrap();
    for sql in ["SELECT 1", "SELECT nonsense", "SELECT 1/0", "DELETE FROM nothing"] {
        database.query(sql, vec![], &READ).await.ok();
        drop(database.begin(&WRITE).await.unwrap());
        assert_eq!(one(&database, "SELECT pg_backend_pid()", vec![]).await.as_ref(), Ok(&first), "{sql}");
    }
    let short = Bounds { timeout: Duration::from_millis(300), ..READ };
    assert_eq!(database.query("SELECT pg_sleep(60)", vec![], &short).await, Err(SqlError::Timeout));
    assert_eq!(
        one(&database, "SELECT pg_backend_pid()", vec![]).await,
        Ok(first),
        "the server's own timeout came first"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_told_without_its_address() {
    let postgres = Postgres::new("").await;
    let port = postgres.server.port;
    // Nobody listens on it: it was free a moment ago, and is the port of nothing here.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let wrong = [
        (format!("postgres://tool:{PASSWORD}@127.0.0.1:{free}/x"), "refused"),
        (format!("postgres://tool:wrong-{PASSWORD}@127.0.0.1:{port}/{}", postgres.name), "password"),
        (format!("postgres://nobody_{PASSWORD}:x@127.0.0.1:{port}/{}", postgres.name), "password"),
        (format!("postgres://tool:{PASSWORD}@127.0.0.1:{port}/no_such_database"), "database"),
        (format!("postgres://tool:{PASSWORD}@no-such-host.invalid:{port}/x"), "host"),
    ];
    for (url, said) in wrong {
        let settings = DatabaseSettings::Postgres {
            url: ConnectionUrl::new(&url),
            ca_file: None,
            tls: Tls::Off,
            pool: 1,
            connect_timeout: Duration::from_secs(5),
        };
        let database = open("orders", &settings).await.unwrap();
        for error in [database.check().await.unwrap_err(), database.query("SELECT 1", vec![], &READ).await.unwrap_err()]
        {
            assert!(error.to_string().contains(said), "{error}");
            let all = format!("{error} {error:?} {}", error.to_guest());
            for secret in [PASSWORD, "127.0.0.1", "no-such-host", &port.to_string(), "no_such_database"] {
                assert!(!all.contains(secret), "{all}");
            }
        }
        let shown = format!("{settings:?} {database:?}");
        assert!(!shown.contains(PASSWORD) && !shown.contains("127.0.0.1"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_not_waited_for_long() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = DatabaseSettings::Postgres {
        url: ConnectionUrl::new(format!("postgres://a:b@{}/c", silent.local_addr().unwrap())),
        ca_file: None,
        tls: Tls::Off,
        pool: 1,
        connect_timeout: Duration::from_millis(300),
    };
    let database = open("orders", &settings).await.unwrap();
    let begun = Instant::now();
    let error = database.query("SELECT 1", vec![], &READ).await.unwrap_err();
    assert!(matches!(error, SqlError::Unavailable { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn settings_out_of_range_are_told() {
    for (pool, connect_timeout, said) in [(0, 1, "pool"), (100_000, 1, "pool"), (1, 0, "connect_timeout")] {
        let settings = DatabaseSettings::Postgres {
            url: ConnectionUrl::new("postgres://a:b@c/d"),
            ca_file: None,
            tls: Tls::Off,
            pool,
            connect_timeout: Duration::from_secs(connect_timeout),
        };
        let error = open("orders", &settings).await.unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("orders"), "{error}");
    }
}
