//! One statement on a connection.

use std::pin::pin;

use futures::{TryStreamExt as _, future::try_join};
use tokio::time::Instant;
use tokio_postgres::{Statement as Prepared, Transaction, error::Severity, types::ToSql};

use super::{
    decode::Field,
    encode::Parameter,
    errors::Words,
    form::{Form, type_name},
};
use crate::{
    Column, Rows, SqlError, Value, limits,
    session::{Outcome, Statement},
};

/// What a caller waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wants {
    Rows,
    Count,
}

/// What the connection is at afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The statement has ended.
    Idle,
    /// It may go on, or the connection is broken.
    Doubt,
}

/// What went wrong, and how that left the connection.
struct Failure {
    error: SqlError,
    state: State,
}

/// Ours: the server was not asked, or has answered.
impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self { error, state: State::Idle }
    }
}

/// Runs a statement.
pub(crate) async fn run(
    transaction: &Transaction<'_>,
    statement: Statement,
    wants: Wants,
    words: &Words,
) -> (Result<Outcome, SqlError>, State) {
    match attempt(transaction, statement, wants, words).await {
        Ok(outcome) => (Ok(outcome), State::Idle),
        Err(Failure { error, state }) => (Err(error), state),
    }
}

/// The settings under which every statement is run, whatever the ones before it set: its time, and how strings are
/// read, on which [`statement`](crate::statement) relies. They go with the transaction.
pub(crate) fn settings(until: Instant, deadline: Instant) -> String {
    let millis = |at: Instant| at.saturating_duration_since(Instant::now()).as_millis().max(1);
    format!(
        "SET LOCAL statement_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {}; \
         SET LOCAL standard_conforming_strings = on; SET LOCAL client_encoding = 'UTF8'",
        millis(until),
        millis(deadline)
    )
}

async fn attempt(
    transaction: &Transaction<'_>,
    statement: Statement,
    wants: Wants,
    words: &Words,
) -> Result<Outcome, Failure> {
    let of_server = |e: tokio_postgres::Error| failure(words, &e);
    let Statement { sql, parameters, bounds, until, .. } = statement;
    // Sent at once, answered in turn.
    let settings = settings(until, until + limits::GRACE);
    let ((), prepared) =
        try_join(transaction.batch_execute(&settings), transaction.prepare(&sql)).await.map_err(of_server)?;
    let parameters = bind(parameters, &prepared)?;
    let parameters = parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync));
    match wants {
        Wants::Count => {
            let count = transaction.execute_raw(&prepared, parameters).await.map_err(of_server)?;
            Ok(Outcome::Count(count))
        }
        Wants::Rows => {
            let columns = columns(&prepared)?;
            let portal = transaction.bind_raw(&prepared, parameters).await.map_err(of_server)?;
            // One more than wanted, to know that there are more; the server makes no others.
            let most = i32::try_from(bounds.rows.saturating_add(1)).unwrap_or(i32::MAX);
            let rows = transaction.query_portal_raw(&portal, most).await.map_err(of_server)?;
            let mut rows = pin!(rows);
            let mut answer = Answer::new(columns, bounds.rows, bounds.bytes)?;
            while let Some(row) = rows.try_next().await.map_err(of_server)? {
                // Whatever is wrong with a row, others are on their way.
                answer.add(&row).map_err(|error| Failure { error, state: State::Doubt })?;
            }
            Ok(Outcome::Rows(answer.rows))
        }
    }
}

fn failure(words: &Words, e: &tokio_postgres::Error) -> Failure {
    let idle = e.as_db_error().is_some_and(|e| {
        // A name that the client library gave to a statement of its own was taken away or used.
        let taken = matches!(e.code().code(), "26000" | "42P05" | "34000" | "42P03");
        e.parsed_severity() == Some(Severity::Error) && !taken
    });
    Failure { error: words.of(e), state: if idle { State::Idle } else { State::Doubt } }
}

/// The parameters, each for the type that the server found for it.
fn bind(values: Vec<Value>, prepared: &Prepared) -> Result<Vec<Parameter>, SqlError> {
    let types = prepared.params();
    if types.len() != values.len() {
        let message = format!("the statement has {} parameters, and {} were given", types.len(), values.len());
        return Err(SqlError::Parameter { index: types.len().min(values.len()) + 1, message });
    }
    let pairs = values.into_iter().zip(types).enumerate();
    pairs
        .map(|(at, (value, kind))| {
            Parameter::new(value, kind).map_err(|message| SqlError::Parameter { index: at + 1, message })
        })
        .collect()
}

/// The columns, if all of them can be returned: asked before the statement runs.
fn columns(prepared: &Prepared) -> Result<Vec<Column>, SqlError> {
    if prepared.columns().len() > limits::COLUMNS {
        let message = format!("an answer has at most {} columns", limits::COLUMNS);
        return Err(SqlError::Invalid { message, position: None });
    }
    let columns = prepared.columns().iter().map(|column| {
        let (name, type_name) = (column.name().to_owned(), type_name(column.type_()));
        match Form::of(column.type_()) {
            Some(_) => Ok(Column { name, type_name }),
            None => {
                let mend = "cast it, for example to text";
                Err(SqlError::UnsupportedType { column: name, type_name, mend })
            }
        }
    });
    columns.collect()
}

/// Rows as they arrive, within their bounds.
struct Answer {
    rows: Rows,
    most: u64,
    bytes: u64,
    left: u64,
}

impl Answer {
    fn new(columns: Vec<Column>, most: u64, bytes: u64) -> Result<Self, SqlError> {
        let names = columns.iter().map(|c| limits::VALUE + (c.name.len() + c.type_name.len()) as u64).sum();
        let mut answer = Self { rows: Rows { columns, rows: Vec::new(), truncated: false }, most, bytes, left: bytes };
        answer.count(names)?;
        Ok(answer)
    }

    fn add(&mut self, row: &tokio_postgres::Row) -> Result<(), SqlError> {
        if self.rows.rows.len() as u64 >= self.most {
            self.rows.truncated = true;
            return Ok(());
        }
        self.count(limits::VALUE)?;
        let mut values = Vec::with_capacity(self.rows.columns.len());
        for at in 0..self.rows.columns.len() {
            let field = row
                .try_get::<_, Option<Field>>(at)
                .map_or(Err("an unknown form"), |f| f.map_or(Ok(Value::Null), |f| f.0));
            let value = field.map_err(|what| {
                let Column { name, type_name } = self.rows.columns[at].clone();
                SqlError::Unrepresentable { column: name, type_name, what }
            })?;
            self.count(value.size())?;
            values.push(value);
        }
        self.rows.rows.push(values);
        Ok(())
    }

    fn count(&mut self, bytes: u64) -> Result<(), SqlError> {
        self.left = self.left.checked_sub(bytes).ok_or(SqlError::TooLarge { what: "the answer", most: self.bytes })?;
        Ok(())
    }
}
