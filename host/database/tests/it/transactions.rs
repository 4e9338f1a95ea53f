//! Transactions, and callers that go away.

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use cofferdam_database::{Bounds, SqlError};
use tokio::time::{Instant, sleep, timeout};

use crate::fixture::{Fixture, READ, WRITE, both, int, one};

const T: &str = "CREATE TABLE t (a integer PRIMARY KEY); INSERT INTO t VALUES (1)";
const COUNT: &str = "SELECT count(*) FROM t";
const SLOW: &str = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

async fn insert(transaction: &cofferdam_database::Transaction, number: i64) -> Result<u64, SqlError> {
    transaction.execute("INSERT INTO t VALUES ($1)", vec![int(number)], &WRITE).await
}

/// Waits until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(10);
    while !is_so().await {
        assert!(Instant::now() < patience, "{what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Polls until it waits, and drops it.
async fn dropped_after(future: impl Future, time: Duration) {
    assert!(timeout(time, future).await.is_err(), "it was done too early");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_seen_inside_and_last_after_the_end() {
    for fixture in both(T).await {
        let transaction = fixture.database.begin(&WRITE).await.unwrap();
        assert_eq!(insert(&transaction, 2).await, Ok(1));
        assert_eq!(transaction.query(COUNT, vec![], &WRITE).await.unwrap().rows, [[int(2)]]);
        assert_eq!(fixture.look(COUNT).await, 1);
        transaction.commit().await.unwrap();
        assert_eq!(fixture.look(COUNT).await, 2);
        let transaction = fixture.database.begin(&WRITE).await.unwrap();
        insert(&transaction, 3).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(fixture.look(COUNT).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_sees_one_state() {
    for fixture in both(T).await {
        let transaction = fixture.database.begin(&READ).await.unwrap();
        fixture.database.execute("INSERT INTO t VALUES (2)", vec![], &WRITE).await.unwrap();
        for _ in 0..2 {
            assert_eq!(transaction.query(COUNT, vec![], &READ).await.unwrap().rows, [[int(1)]]);
        }
        transaction.commit().await.unwrap();
        assert_eq!(one(&fixture.database, COUNT, vec![]).await, Ok(int(2)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_transaction_undoes_it() {
    for fixture in both(T).await {
        for _ in 0..8 {
            let transaction = fixture.database.begin(&WRITE).await.unwrap();
            insert(&transaction, 2).await.unwrap();
            drop(transaction);
        }
        // Its locks are gone: the next one need not wait long.
        let transaction = fixture.database.begin(&WRITE).await.unwrap();
        assert_eq!(insert(&transaction, 2).await, Ok(1));
        transaction.commit().await.unwrap();
        assert_eq!(fixture.look(COUNT).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_only_the_end_is_left() {
    for fixture in both(T).await {
        let transaction = fixture.database.begin(&WRITE).await.unwrap();
        insert(&transaction, 2).await.unwrap();
        assert!(matches!(insert(&transaction, 2).await, Err(SqlError::Constraint { .. })));
        assert_eq!(insert(&transaction, 3).await, Err(SqlError::Aborted));
        assert_eq!(transaction.query(COUNT, vec![], &READ).await, Err(SqlError::Aborted));
        assert_eq!(transaction.commit().await, Err(SqlError::Aborted));
        assert_eq!(fixture.look(COUNT).await, 1);
        let transaction = fixture.database.begin(&WRITE).await.unwrap();
        assert!(matches!(insert(&transaction, 1).await, Err(SqlError::Constraint { .. })));
        assert_eq!(transaction.rollback().await, Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_ends_when_its_time_is_up() {
    for fixture in both(T).await {
        let short = Bounds { timeout: Duration::from_millis(400), ..WRITE };
        let transaction = fixture.database.begin(&short).await.unwrap();
        insert(&transaction, 2).await.unwrap();
        // While it was asked nothing: another one gets in.
        let other = fixture.database.begin(&WRITE).await.unwrap();
        until("the row is free again", async || insert(&other, 2).await.is_ok()).await;
        drop(other);
        sleep(Duration::from_millis(400)).await;
        assert_eq!(insert(&transaction, 3).await, Err(SqlError::Timeout));
        assert_eq!(transaction.commit().await, Err(SqlError::Timeout));
        // Nor does a statement's own time prolong it.
        let transaction = fixture.database.begin(&short).await.unwrap();
        let begun = Instant::now();
        assert_eq!(transaction.query(SLOW, vec![], &WRITE).await, Err(SqlError::Timeout));
        assert!(begun.elapsed() < Duration::from_secs(5));
        drop(transaction);
        assert_eq!(fixture.look(COUNT).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_nothing_behind() {
    for fixture in both(T).await {
        // More often than there are connections or threads.
        for round in 0..12 {
            dropped_after(fixture.database.query(SLOW, vec![], &READ), Duration::from_millis(30)).await;
            let transaction = fixture.database.begin(&WRITE).await.unwrap();
            insert(&transaction, 2).await.unwrap();
            dropped_after(transaction.query(SLOW, vec![], &WRITE), Duration::from_millis(30)).await;
            if round % 2 == 0 {
                drop(transaction);
            } else {
                // What it was at is not known any more.
                assert!(insert(&transaction, 3).await.is_err());
                assert!(transaction.commit().await.is_err());
            }
        }
        assert_eq!(fixture.look(COUNT).await, 1);
        let transaction = fixture.database.begin(&WRITE).await.unwrap();
        assert_eq!(insert(&transaction, 2).await, Ok(1));
        transaction.commit().await.unwrap();
    }
}

/// Dropped at every point at which it waits, one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn dropping_at_any_point_leaves_all_or_nothing() {
    for fixture in both(T).await {
        for step in 0..40 {
            let mut polls = 0;
            let sql = "INSERT INTO t VALUES ($1)";
            let done = {
                let mut future = pin!(fixture.database.execute(sql, vec![int(100 + step)], &WRITE));
                std::future::poll_fn(|cx| {
                    polls += 1;
                    match future.as_mut().poll(cx) {
                        Poll::Ready(result) => Poll::Ready(Some(result)),
                        Poll::Pending if polls > step => Poll::Ready(None),
                        Poll::Pending => Poll::Pending,
                    }
                })
                .await
            };
            if let Some(result) = done {
                assert_eq!(result, Ok(1));
            }
        }
        // Whatever was left behind is gone: it can be written, and the next transaction is a clean one.
        let transaction = fixture.database.begin(&WRITE).await.unwrap();
        insert(&transaction, 2).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(fixture.look("SELECT count(*) FROM t WHERE a = 2").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_do_not_overwrite_each_other() {
    for fixture in both("CREATE TABLE n (id integer PRIMARY KEY, v bigint); INSERT INTO n VALUES (1, 0)").await {
        let add = async |fixture: &Fixture| {
            let sql = "UPDATE n SET v = v + 1 WHERE id = 1";
            until("a turn", async || match fixture.database.execute(sql, vec![], &WRITE).await {
                Ok(count) => count == 1,
                Err(SqlError::Conflict { .. }) => false,
                Err(error) => panic!("{error}"),
            })
            .await;
        };
        futures::future::join_all((0..20).map(|_| add(&fixture))).await;
        assert_eq!(fixture.look("SELECT v FROM n").await, 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_waits_too_long_is_told() {
    for fixture in both(T).await {
        let first = fixture.database.begin(&WRITE).await.unwrap();
        insert(&first, 2).await.unwrap();
        let short = Bounds { timeout: Duration::from_millis(300), ..WRITE };
        let error = fixture.database.execute("INSERT INTO t VALUES (2)", vec![], &short).await.unwrap_err();
        assert!(matches!(error, SqlError::Timeout | SqlError::Conflict { .. }), "{error}");
        first.commit().await.unwrap();
        assert_eq!(fixture.look(COUNT).await, 2);
    }
}
