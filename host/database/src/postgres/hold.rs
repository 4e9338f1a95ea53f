//! The holder of a connection for the length of one transaction.
//!
//! ```text
//! taken from the pool -> begun -> statements -> ended -> cleaned -> back to the pool
//!                          any doubt on the way -> asked to stop -> closed
//! ```

use deadpool::managed::Object;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout, timeout_at},
};
use tokio_postgres::{Client, IsolationLevel, SimpleQueryMessage, Transaction};

use super::{
    connect::{Connection, Manager},
    errors::Words,
    run::{self, State, Wants},
};
use crate::{
    Access, SqlError, limits,
    session::{Command, Commands, Course, Outcome, Step},
};

/// A connection that is held.
pub(crate) struct Hold {
    connection: Object<Manager>,
    words: Words,
}

/// What can be done with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// The transaction has ended, and the server said so.
    Ended,
    /// It may be in the middle of something.
    Doubt,
}

impl Hold {
    pub(crate) fn new(connection: Object<Manager>, words: Words) -> Self {
        Self { connection, words }
    }

    /// One transaction, and what comes after it.
    pub(crate) async fn run(
        mut self,
        access: Access,
        deadline: Instant,
        ready: oneshot::Sender<Result<(), SqlError>>,
        commands: Commands,
    ) {
        let after = transact(&mut self.connection, &self.words, access, deadline, ready, commands).await;
        if after == After::Ended && timeout(limits::ENDING, clean(&self.connection.client)).await == Ok(true) {
            return;
        }
        // Before its place in the pool is free: who makes statements that must be stopped waits for that.
        self.connection.canceller().cancel().await;
        drop(Object::take(self.connection));
    }
}

async fn transact(
    connection: &mut Connection,
    words: &Words,
    access: Access,
    deadline: Instant,
    ready: oneshot::Sender<Result<(), SqlError>>,
    mut commands: Commands,
) -> After {
    let longest = connection.longest.clone();
    let transaction = match timeout_at(deadline, begin(connection, access, deadline)).await {
        Ok(Ok(transaction)) => transaction,
        Ok(Err(e)) => {
            ready.send(Err(words.of(&e))).ok();
            return After::Doubt;
        }
        Err(_) => {
            ready.send(Err(SqlError::Timeout)).ok();
            return After::Doubt;
        }
    };
    if ready.send(Ok(())).is_err() {
        return ended(transaction.rollback()).await;
    }
    let mut course = Course::default();
    loop {
        // Nobody there any more, or the time is up: undone either way.
        let Ok(Some(Command { step, mut answer })) = timeout_at(deadline, commands.recv()).await else {
            return ended(transaction.rollback()).await;
        };
        let (statement, wants) = match step {
            Step::Query(statement) => (statement, Wants::Rows),
            Step::Execute(statement) => (statement, Wants::Count),
            Step::Rollback => {
                let after = ended(transaction.rollback()).await;
                answer.send(Ok(Outcome::Ended)).ok();
                return after;
            }
            Step::Commit => {
                if let Err(aborted) = course.check() {
                    let after = ended(transaction.rollback()).await;
                    answer.send(Err(aborted)).ok();
                    return after;
                }
                let (after, outcome) = commit(transaction, access, words).await;
                answer.send(outcome.map(|()| Outcome::Ended)).ok();
                return after;
            }
        };
        if let Err(aborted) = course.check() {
            answer.send(Err(aborted)).ok();
            continue;
        }
        let most = statement.bounds.bytes;
        longest.set(most);
        // The server's timeout comes first, and leaves a connection of use.
        let patience = statement.until + limits::GRACE;
        let ran = tokio::select! {
            ran = timeout_at(patience, run::run(&transaction, statement, wants, words)) => ran,
            () = answer.closed() => return After::Doubt,
        };
        let Ok((mut outcome, state)) = ran else {
            answer.send(Err(SqlError::Timeout)).ok();
            return After::Doubt;
        };
        if outcome.is_err() && longest.was_exceeded() {
            outcome = Err(SqlError::TooLarge { what: "the answer", most });
        }
        course.note(&outcome);
        answer.send(outcome).ok();
        if state == State::Doubt {
            return After::Doubt;
        }
    }
}

/// Makes the connection as if it were new. All of `DISCARD ALL` but what the client library prepared for
/// itself; what a guest got prepared, through a function that runs text, is a reason to close it.
async fn clean(client: &Client) -> bool {
    let Ok(messages) = client.simple_query(CLEAN).await else { return false };
    let prepared = messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    prepared == Some("0")
}

/// Begins, and takes the snapshot of a read, after which no statement can make the transaction anything but read-only.
async fn begin(
    connection: &mut Connection,
    access: Access,
    deadline: Instant,
) -> Result<Transaction<'_>, tokio_postgres::Error> {
    let new = connection.client.build_transaction();
    let new = match access {
        Access::Read => new.isolation_level(IsolationLevel::RepeatableRead).read_only(true),
        // The role's own defaults count: one that only reads by default is not made to write.
        Access::Write => new,
    };
    let transaction = new.start().await?;
    transaction.batch_execute(&format!("{}; SELECT 1", run::settings(deadline, deadline))).await?;
    Ok(transaction)
}

/// Waits for the end of a transaction that is undone.
async fn ended(rollback: impl Future<Output = Result<(), tokio_postgres::Error>>) -> After {
    match timeout(limits::ENDING, rollback).await {
        Ok(Ok(())) => After::Ended,
        _ => After::Doubt,
    }
}

/// Ends a transaction for good. One that only read is rolled back: settings that its statements changed go with it,
/// and no notification is sent.
async fn commit(transaction: Transaction<'_>, access: Access, words: &Words) -> (After, Result<(), SqlError>) {
    if access == Access::Read {
        return (ended(transaction.rollback()).await, Ok(()));
    }
    let unknown =
        || SqlError::unavailable("the connection was lost while committing: whether it took effect is not known");
    match timeout(limits::ENDING, transaction.commit()).await {
        Ok(Ok(())) => (After::Ended, Ok(())),
        Ok(Err(e)) if e.as_db_error().is_some() => (After::Ended, Err(words.of(&e))),
        Ok(Err(_)) | Err(_) => (After::Doubt, Err(unknown())),
    }
}

/// What `DISCARD ALL` does, without its `DEALLOCATE ALL`, and then how much a guest prepared.
const CLEAN: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
    SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES; \
    SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_statements WHERE from_sql";
