//! A transaction as its caller sees it: a channel to whoever holds the connection.
//!
//! The holder alone touches the connection, and it ends in one place. A caller that goes away, between statements or
//! during one, closes a channel, which the holder sees; nothing that a caller drops is needed for cleaning up.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};

use crate::{
    Access, Bounds, Rows, SqlError, Value, limits,
    statement::{self, Dialect, Kind},
};

/// A statement that was checked as far as that goes without the database.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Value>,
    pub(crate) bounds: Bounds,
    pub(crate) kind: Kind,
    /// When it must have its answer.
    pub(crate) until: Instant,
}

/// What a session is told.
#[derive(Debug)]
pub(crate) enum Step {
    Query(Statement),
    Execute(Statement),
    Commit,
    Rollback,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Rows(Rows),
    Count(u64),
    Ended,
}

/// What a session is told, and who waits for the answer.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) step: Step,
    pub(crate) answer: oneshot::Sender<Result<Outcome, SqlError>>,
}

/// The caller's end.
#[derive(Debug)]
pub(crate) struct Session {
    dialect: Dialect,
    access: Access,
    deadline: Instant,
    commands: mpsc::Sender<Command>,
}

/// The holder's end.
pub(crate) type Commands = mpsc::Receiver<Command>;

/// The two ends of a session with a database of this kind.
pub(crate) fn session(dialect: Dialect, access: Access, deadline: Instant) -> (Session, Commands) {
    // A caller waits for its answer before it asks again; clones of a reference may not.
    let (sender, commands) = mpsc::channel(1);
    (Session { dialect, access, deadline, commands: sender }, commands)
}

/// The time at which something that may take so long must have ended.
pub(crate) fn deadline(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(limits::LONGEST)
}

impl Statement {
    /// Checks what can be checked without the database.
    pub(crate) fn new(
        sql: &str,
        parameters: Vec<Value>,
        bounds: &Bounds,
        dialect: Dialect,
        access: Access,
    ) -> Result<Self, SqlError> {
        if sql.len() > limits::STATEMENT {
            return Err(SqlError::TooLarge { what: "the statement", most: limits::STATEMENT as u64 });
        }
        if sql.contains('\0') {
            return Err(SqlError::Invalid { message: "a NUL character".to_owned(), position: None });
        }
        if parameters.len() > limits::PARAMETERS {
            let message = format!("a statement has at most {} parameters", limits::PARAMETERS);
            return Err(SqlError::Parameter { index: limits::PARAMETERS + 1, message });
        }
        if parameters.iter().map(Value::size).sum::<u64>() > limits::PARAMETER_BYTES {
            return Err(SqlError::TooLarge { what: "the parameters", most: limits::PARAMETER_BYTES });
        }
        let access = bounds.access.within(access);
        let kind = statement::check(sql, dialect, access)?;
        let bounds = Bounds { access, ..*bounds };
        Ok(Self { sql: sql.to_owned(), parameters, bounds, kind, until: deadline(bounds.timeout) })
    }

    /// Refuses one that only reads, for `execute`, and all if only reading is granted.
    pub(crate) fn for_execute(self) -> Result<Self, SqlError> {
        if self.bounds.access < Access::Write {
            return Err(SqlError::ReadOnly);
        }
        if self.kind == Kind::Read {
            let allowed = "it is for statements that change rows; ask for rows with a query";
            return Err(SqlError::Refused { what: "a statement that reads".to_owned(), allowed });
        }
        Ok(self)
    }
}

impl Session {
    pub(crate) async fn query(&self, sql: &str, parameters: Vec<Value>, bounds: &Bounds) -> Result<Rows, SqlError> {
        let statement = Statement::new(sql, parameters, bounds, self.dialect, self.access)?;
        self.run(statement).await
    }

    pub(crate) async fn execute(&self, sql: &str, parameters: Vec<Value>, bounds: &Bounds) -> Result<u64, SqlError> {
        let statement = Statement::new(sql, parameters, bounds, self.dialect, self.access)?.for_execute()?;
        self.change(statement).await
    }

    /// Runs a query that was checked.
    pub(crate) async fn run(&self, mut statement: Statement) -> Result<Rows, SqlError> {
        let until = self.within(&mut statement);
        match self.tell(Step::Query(statement), until).await? {
            Outcome::Rows(rows) => Ok(rows),
            Outcome::Count(_) | Outcome::Ended => Err(SqlError::Closed),
        }
    }

    /// Runs a change that was checked.
    pub(crate) async fn change(&self, mut statement: Statement) -> Result<u64, SqlError> {
        let until = self.within(&mut statement);
        match self.tell(Step::Execute(statement), until).await? {
            Outcome::Count(count) => Ok(count),
            Outcome::Rows(_) | Outcome::Ended => Err(SqlError::Closed),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), SqlError> {
        self.tell(Step::Commit, Instant::now() + limits::ENDING).await.map(drop)
    }

    pub(crate) async fn rollback(self) -> Result<(), SqlError> {
        self.tell(Step::Rollback, Instant::now() + limits::ENDING).await.map(drop)
    }

    /// A statement ends with its transaction at the latest.
    fn within(&self, statement: &mut Statement) -> Instant {
        statement.until = statement.until.min(self.deadline);
        statement.until
    }

    /// Tells the holder, and waits a little longer than it does itself: it may be stuck in a call.
    async fn tell(&self, step: Step, until: Instant) -> Result<Outcome, SqlError> {
        let told = async {
            let (answer, outcome) = oneshot::channel();
            let command = Command { step, answer };
            self.commands.send(command).await.map_err(|_| self.ended())?;
            outcome.await.map_err(|_| self.ended())?
        };
        timeout_at(until + 2 * limits::GRACE, told).await.unwrap_or(Err(SqlError::Timeout))
    }

    /// Why there is nobody at the other end.
    fn ended(&self) -> SqlError {
        if Instant::now() >= self.deadline { SqlError::Timeout } else { SqlError::Closed }
    }
}

/// What holds for the statements of one session, whatever the database: after one failed, none is run.
#[derive(Debug, Default)]
pub(crate) struct Course {
    failed: bool,
}

impl Course {
    /// Whether another statement may run.
    pub(crate) fn check(&self) -> Result<(), SqlError> {
        if self.failed { Err(SqlError::Aborted) } else { Ok(()) }
    }

    /// Notes what came of a statement.
    pub(crate) fn note(&mut self, outcome: &Result<Outcome, SqlError>) {
        self.failed |= outcome.is_err();
    }
}
