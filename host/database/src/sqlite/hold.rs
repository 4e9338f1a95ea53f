//! The holder of a connection for the length of one transaction: a thread.

use std::path::Path;

use rusqlite::Connection;
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{connect, errors, run};
use crate::{
    Access, SqlError,
    session::{Command, Commands, Course, Outcome, Step},
};

/// One transaction.
pub(crate) fn run(
    file: &Path,
    access: Access,
    deadline: Instant,
    ready: oneshot::Sender<Result<(), SqlError>>,
    commands: Commands,
    runtime: &Handle,
) {
    let begun = connect::open(file, access, deadline).and_then(|connection| {
        begin(&connection, access)?;
        Ok(connection)
    });
    match begun {
        Ok(connection) => {
            if ready.send(Ok(())).is_ok() {
                transact(connection, access, deadline, commands, runtime);
            }
        }
        Err(e) => {
            ready.send(Err(errors::of(&e, ""))).ok();
        }
    }
    // What has not been committed is undone as the connection closes.
}

fn begin(connection: &Connection, access: Access) -> Result<(), rusqlite::Error> {
    match access {
        Access::Read => {
            connection.execute_batch("BEGIN")?;
            // Takes the snapshot.
            connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))
        }
        // Waits for its turn now, and not in the middle, where waiting could not help.
        Access::Write => connection.execute_batch("BEGIN IMMEDIATE"),
    }
}

fn transact(mut connection: Connection, access: Access, deadline: Instant, mut commands: Commands, runtime: &Handle) {
    let mut course = Course::default();
    // Nobody there any more, or the time is up: undone either way.
    while let Ok(Some(Command { step, answer })) = runtime.block_on(timeout_at(deadline, commands.recv())) {
        let (statement, wants) = match step {
            Step::Query(statement) => (statement, run::Wants::Rows),
            Step::Execute(statement) => (statement, run::Wants::Count),
            Step::Rollback => {
                let ended = connection.execute_batch("ROLLBACK");
                answer.send(ended.map(|()| Outcome::Ended).map_err(|e| errors::of(&e, ""))).ok();
                return;
            }
            Step::Commit => {
                let ended = course.check().and_then(|()| commit(&connection, access));
                answer.send(ended.map(|()| Outcome::Ended)).ok();
                return;
            }
        };
        if let Err(aborted) = course.check() {
            answer.send(Err(aborted)).ok();
            continue;
        }
        let (outcome, answer) = run::run(&mut connection, statement, wants, answer);
        course.note(&outcome);
        if answer.send(outcome).is_err() {
            return;
        }
    }
}

fn commit(connection: &Connection, access: Access) -> Result<(), SqlError> {
    let end = if access == Access::Read { "ROLLBACK" } else { "COMMIT" };
    connection.execute_batch(end).map_err(|e| errors::of(&e, ""))
}
