//! One statement on a connection.

use std::sync::Arc;

use rusqlite::{Connection, hooks::AuthContext, limits::Limit};
use tokio::{sync::oneshot, time::Instant};

use super::{
    authorize::{Denial, decide},
    bind, column, errors,
};
use crate::{
    Column, Rows, SqlError, limits,
    session::{Outcome, Statement},
};

/// What a caller waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wants {
    Rows,
    Count,
}

/// Who waits for an outcome.
type Answer = oneshot::Sender<Result<Outcome, SqlError>>;

/// Runs a statement, under rules that are in force for as long as it takes, until its time is up or nobody waits.
pub(crate) fn run(
    connection: &mut Connection,
    statement: Statement,
    wants: Wants,
    answer: Answer,
) -> (Result<Outcome, SqlError>, Answer) {
    let denial = Denial::default();
    let (access, until) = (statement.bounds.access, statement.until);
    let waiting = Arc::new(answer);
    let (noted, waiter) = (denial.clone(), waiting.clone());
    let rules =
        connection.authorizer(Some(move |context: AuthContext<'_>| decide(&context, access, &noted))).and_then(|()| {
            let stop = move || Instant::now() >= until || waiter.is_closed();
            connection.progress_handler(limits::SQLITE_STEPS, Some(stop))
        });
    let outcome = match rules {
        Ok(()) => attempt(connection, statement, wants),
        Err(e) => Err(errors::of(&e, "")),
    };
    // The rules hold a share of the answer's sender: with them gone it is ours alone.
    let lifted = connection
        .progress_handler(0, None::<fn() -> bool>)
        .and_then(|()| connection.authorizer(None::<fn(AuthContext<'_>) -> rusqlite::hooks::Authorization>));
    let outcome = match (lifted, denial.take()) {
        (Err(e), _) => Err(errors::of(&e, "")),
        (Ok(()), Some(denied)) => Err(denied),
        (Ok(()), None) => outcome,
    };
    let answer = Arc::into_inner(waiting).unwrap_or_else(|| oneshot::channel().0);
    (outcome, answer)
}

fn attempt(connection: &Connection, statement: Statement, wants: Wants) -> Result<Outcome, SqlError> {
    let Statement { sql, parameters, bounds, .. } = statement;
    let failed = |e: rusqlite::Error| errors::within(&e, &sql, bounds.bytes);
    // No value is longer than the answer may be, nor is one that is only made on the way.
    let longest =
        i32::try_from(bounds.bytes.clamp(limits::SQLITE_SHORTEST, limits::SQLITE_LONGEST)).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest).map_err(failed)?;
    let mut prepared = connection.prepare(&sql).map_err(failed)?;
    bind::bind(&mut prepared, &parameters).map_err(|e| match e {
        bind::Error::Ours(e) => e,
        bind::Error::Sqlite(e) => failed(e),
    })?;
    if prepared.column_count() > limits::COLUMNS {
        let message = format!("an answer has at most {} columns", limits::COLUMNS);
        return Err(SqlError::Invalid { message, position: None });
    }
    let changes = !prepared.readonly();
    let columns: Vec<Column> = prepared
        .columns()
        .map(|c| Column { name: c.name().to_owned(), type_name: c.decl_type().unwrap_or_default().to_lowercase() })
        .collect();
    let hints: Vec<_> = columns.iter().map(|c| column::Hint::of(&c.type_name)).collect();
    let mut left = Left { most: bounds.bytes, left: bounds.bytes };
    for column in &columns {
        left.count(limits::VALUE + (column.name.len() + column.type_name.len()) as u64)?;
    }
    let mut answer = Rows { columns, rows: Vec::new(), truncated: false };
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next().map_err(failed)? {
        if matches!(wants, Wants::Count) {
            continue;
        }
        if answer.rows.len() as u64 >= bounds.rows {
            // All changes are made before the first row comes.
            answer.truncated = true;
            break;
        }
        left.count(limits::VALUE)?;
        let mut values = Vec::with_capacity(hints.len());
        for (at, hint) in hints.iter().enumerate() {
            let stored = row.get_ref(at).map_err(failed)?;
            let value = column::value(stored, *hint, |bytes| left.check(bytes))?.map_err(|what| {
                let Column { name, type_name } = answer.columns[at].clone();
                SqlError::Unrepresentable { column: name, type_name, what }
            })?;
            left.count(value.size())?;
            values.push(value);
        }
        answer.rows.push(values);
    }
    drop(rows);
    Ok(match wants {
        Wants::Rows => Outcome::Rows(answer),
        Wants::Count if changes => Outcome::Count(connection.changes()),
        Wants::Count => Outcome::Count(0),
    })
}

/// Bytes that an answer may still have.
struct Left {
    most: u64,
    left: u64,
}

impl Left {
    fn count(&mut self, bytes: u64) -> Result<(), SqlError> {
        self.check(bytes)?;
        self.left -= bytes;
        Ok(())
    }

    fn check(&self, bytes: u64) -> Result<(), SqlError> {
        if bytes > self.left { Err(SqlError::TooLarge { what: "the answer", most: self.most }) } else { Ok(()) }
    }
}
