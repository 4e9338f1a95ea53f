//! A database, whichever kind.

use std::time::Duration;

use crate::{
    Access, Bounds, DatabaseSettings, OpenError, Rows, SqlError, Value,
    postgres::Postgres,
    session::{Session, Statement, deadline},
    sqlite::Sqlite,
    statement::{Dialect, Kind},
};

/// A database that was opened. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Database {
    engine: Engine,
}

/// A transaction: statements that see each other's changes, and take effect together or not at all. One for reading
/// sees the database as it was when the transaction began.
///
/// After a statement failed, the others fail with [`SqlError::Aborted`], and so does committing. Dropping it rolls back.
#[derive(Debug)]
pub struct Transaction {
    session: Session,
}

#[derive(Clone, Debug)]
enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// Opens a database. A server is connected to when it is first asked something.
///
/// # Errors
///
/// Settings that cannot be used: see [`OpenError`].
pub async fn open(name: &str, settings: &DatabaseSettings) -> Result<Database, OpenError> {
    let engine = match settings {
        DatabaseSettings::Sqlite { file, create } => Engine::Sqlite(Sqlite::open(name, file, *create).await?),
        DatabaseSettings::Postgres { url, ca_file, tls, pool, connect_timeout } => {
            Engine::Postgres(Postgres::new(name, url, ca_file.as_deref(), *tls, *pool, *connect_timeout)?)
        }
    };
    Ok(Database { engine })
}

impl Database {
    /// Asks for rows. With [`Access::Write`], what the statement changes (`INSERT .. RETURNING`) has taken effect when
    /// the answer is there.
    ///
    /// # Errors
    ///
    /// See [`SqlError`]. After an error nothing has changed, but for [`SqlError::Unavailable`] and
    /// [`SqlError::Timeout`] while committing, when it is not known.
    pub async fn query(&self, sql: &str, parameters: Vec<Value>, bounds: &Bounds) -> Result<Rows, SqlError> {
        let statement = self.statement(sql, parameters, bounds)?;
        let session = self.session_for(&statement).await?;
        let rows = session.run(statement).await?;
        session.commit().await?;
        Ok(rows)
    }

    /// Changes rows, and tells how many. Needs [`Access::Write`].
    ///
    /// # Errors
    ///
    /// As for [`query`](Self::query).
    pub async fn execute(&self, sql: &str, parameters: Vec<Value>, bounds: &Bounds) -> Result<u64, SqlError> {
        let statement = self.statement(sql, parameters, bounds)?.for_execute()?;
        let session = self.session_for(&statement).await?;
        let count = session.change(statement).await?;
        session.commit().await?;
        Ok(count)
    }

    /// Begins a transaction. Its connection is taken, and on SQLite with [`Access::Write`] every other writer waits,
    /// until it ends or `bounds.timeout` has passed.
    ///
    /// # Errors
    ///
    /// [`SqlError::Unavailable`], [`SqlError::Timeout`] and [`SqlError::Conflict`], when another has the database.
    pub async fn begin(&self, bounds: &Bounds) -> Result<Transaction, SqlError> {
        Ok(Transaction { session: self.engine.begin(bounds.access, bounds.timeout).await? })
    }

    /// Whether the database can be asked something now.
    ///
    /// # Errors
    ///
    /// [`SqlError::Unavailable`] and [`SqlError::Timeout`].
    pub async fn check(&self) -> Result<(), SqlError> {
        let bounds = Bounds { access: Access::Read, rows: 1, bytes: 1024, timeout: CHECK };
        self.query("SELECT 1", Vec::new(), &bounds).await.map(drop)
    }

    fn statement(&self, sql: &str, parameters: Vec<Value>, bounds: &Bounds) -> Result<Statement, SqlError> {
        Statement::new(sql, parameters, bounds, self.engine.dialect(), bounds.access)
    }

    /// A session for one statement.
    async fn session_for(&self, statement: &Statement) -> Result<Session, SqlError> {
        // On SQLite nothing that begins so can write, and there is one writer at a time.
        let reads = self.engine.dialect() == Dialect::Sqlite && statement.kind == Kind::Read;
        let access = if reads { Access::Read } else { statement.bounds.access };
        self.engine.begin(access, statement.bounds.timeout).await
    }
}

impl Transaction {
    /// Asks for rows. The lesser of the transaction's and the bounds' access counts.
    ///
    /// # Errors
    ///
    /// See [`SqlError`].
    pub async fn query(&self, sql: &str, parameters: Vec<Value>, bounds: &Bounds) -> Result<Rows, SqlError> {
        self.session.query(sql, parameters, bounds).await
    }

    /// Changes rows, and tells how many. Needs [`Access::Write`] of the transaction and of the bounds.
    ///
    /// # Errors
    ///
    /// See [`SqlError`].
    pub async fn execute(&self, sql: &str, parameters: Vec<Value>, bounds: &Bounds) -> Result<u64, SqlError> {
        self.session.execute(sql, parameters, bounds).await
    }

    /// Makes the changes last.
    ///
    /// # Errors
    ///
    /// [`SqlError::Conflict`] and [`SqlError::Constraint`], for rules that are checked last; [`SqlError::Aborted`] after
    /// a statement failed, and [`SqlError::Timeout`] or [`SqlError::Closed`] when the transaction's time is up. Nothing
    /// has changed then; after [`SqlError::Unavailable`] it is not known.
    pub async fn commit(self) -> Result<(), SqlError> {
        self.session.commit().await
    }

    /// Undoes the changes.
    ///
    /// # Errors
    ///
    /// [`SqlError::Closed`] and [`SqlError::Timeout`], when it had ended already: the changes are undone all the same.
    pub async fn rollback(self) -> Result<(), SqlError> {
        self.session.rollback().await
    }
}

impl Engine {
    fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    async fn begin(&self, access: Access, timeout: Duration) -> Result<Session, SqlError> {
        let deadline = deadline(timeout);
        match self {
            Self::Sqlite(sqlite) => sqlite.begin(access, deadline).await,
            Self::Postgres(postgres) => postgres.begin(access, deadline).await,
        }
    }
}

/// How long a database may take to show that it works.
const CHECK: Duration = Duration::from_secs(5);
