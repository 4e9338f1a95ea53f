//! `cofferdam:plugin/sql`: the databases that were granted. Needs the grant `sql`.

use cofferdam_database::{
    Access, Bounds, Column, Database, Element as StoredElement, Rows, SqlError, Transaction, Value as StoredValue,
};
use cofferdam_policy::{Capability, DatabaseRule, SqlAccess};
use wasmtime::component::Resource;

use crate::{
    Capabilities,
    bindings::cofferdam::plugin::sql::{
        self, BadParameter, Element, Error, Host, HostDatabase, HostTransaction, Unsupported, Value, Violation,
    },
    effects::Pending,
    refusal::NOT_GRANTED,
};

/// A database that was opened, as far as it was granted.
#[derive(Clone, Debug)]
pub struct OpenDatabase {
    database: Database,
    name: String,
    bounds: Bounds,
}

/// A transaction under way. Dropping it rolls it back.
#[derive(Debug)]
pub struct OpenTransaction {
    transaction: Transaction,
    name: String,
    bounds: Bounds,
}

fn bounds(rule: &DatabaseRule) -> Bounds {
    let access = match rule.access {
        SqlAccess::Read => Access::Read,
        SqlAccess::Write => Access::Write,
    };
    Bounds { access, rows: rule.rows.into(), bytes: rule.bytes.get(), timeout: rule.timeout.get() }
}

impl Capabilities {
    fn statement(&self, operation: &'static str, name: &str, sql: &str) -> Pending {
        // The text without the values: those are bound, and stay out of every record.
        let text: String = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let effect = self.recorder.begin(Capability::Sql, operation, format!("{name}: {text}"));
        effect.sent(sql.len() as u64);
        effect
    }
}

impl Host for Capabilities {
    async fn open(&mut self, name: String) -> wasmtime::Result<Result<Resource<OpenDatabase>, Error>> {
        let effect = self.recorder.begin(Capability::Sql, "open", name.as_str());
        let Some(rule) = self.grants.sql.as_ref().and_then(|g| g.database(&name)) else {
            effect.refused(NOT_GRANTED);
            return Ok(Err(Error::NotPermitted));
        };
        let Some(database) = self.databases.get(&rule.database).cloned() else {
            // The policy grants what the configuration does not have: the operator's to mend.
            effect.failed(format!(
                "cofferdam.toml names no database {name}, or it could not be opened when the host started: its log says why"
            ));
            return Ok(Err(Error::Unavailable("the database is not there; the operator can see why".into())));
        };
        let opened = OpenDatabase { database, name, bounds: bounds(rule) };
        effect.allowed();
        Ok(Ok(self.table.push(opened)?))
    }
}

impl HostDatabase for Capabilities {
    async fn query(
        &mut self,
        handle: Resource<OpenDatabase>,
        text: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<sql::Rows, Error>> {
        let OpenDatabase { database, name, bounds } = self.table.get(&handle)?.clone();
        let effect = self.statement("query", &name, &text);
        let parameters = parameters.into_iter().map(stored).collect();
        Ok(answered(effect, database.query(&text, parameters, &bounds).await))
    }

    async fn execute(
        &mut self,
        handle: Resource<OpenDatabase>,
        text: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        let OpenDatabase { database, name, bounds } = self.table.get(&handle)?.clone();
        let effect = self.statement("execute", &name, &text);
        let parameters = parameters.into_iter().map(stored).collect();
        Ok(concluded(effect, database.execute(&text, parameters, &bounds).await))
    }

    async fn begin(
        &mut self,
        handle: Resource<OpenDatabase>,
    ) -> wasmtime::Result<Result<Resource<OpenTransaction>, Error>> {
        let OpenDatabase { database, name, bounds } = self.table.get(&handle)?.clone();
        let effect = self.recorder.begin(Capability::Sql, "begin", name.as_str());
        match concluded(effect, database.begin(&bounds).await) {
            Ok(transaction) => Ok(Ok(self.table.push(OpenTransaction { transaction, name, bounds })?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn drop(&mut self, handle: Resource<OpenDatabase>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

impl HostTransaction for Capabilities {
    async fn query(
        &mut self,
        handle: Resource<OpenTransaction>,
        text: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<sql::Rows, Error>> {
        let name = self.table.get(&handle)?.name.clone();
        let effect = self.statement("query", &name, &text);
        let parameters = parameters.into_iter().map(stored).collect();
        let open = self.table.get(&handle)?;
        Ok(answered(effect, open.transaction.query(&text, parameters, &open.bounds).await))
    }

    async fn execute(
        &mut self,
        handle: Resource<OpenTransaction>,
        text: String,
        parameters: Vec<Value>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        let name = self.table.get(&handle)?.name.clone();
        let effect = self.statement("execute", &name, &text);
        let parameters = parameters.into_iter().map(stored).collect();
        let open = self.table.get(&handle)?;
        Ok(concluded(effect, open.transaction.execute(&text, parameters, &open.bounds).await))
    }

    async fn commit(&mut self, handle: Resource<OpenTransaction>) -> wasmtime::Result<Result<(), Error>> {
        let open = self.table.delete(handle)?;
        let effect = self.recorder.begin(Capability::Sql, "commit", open.name);
        Ok(concluded(effect, open.transaction.commit().await))
    }

    async fn rollback(&mut self, handle: Resource<OpenTransaction>) -> wasmtime::Result<Result<(), Error>> {
        let open = self.table.delete(handle)?;
        let effect = self.recorder.begin(Capability::Sql, "rollback", open.name);
        Ok(concluded(effect, open.transaction.rollback().await))
    }

    async fn drop(&mut self, handle: Resource<OpenTransaction>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

fn answered(effect: Pending, result: Result<Rows, SqlError>) -> Result<sql::Rows, Error> {
    if let Ok(rows) = &result {
        effect.received(rows.rows.iter().flatten().map(size).sum());
    }
    concluded(effect, result).map(|Rows { columns, rows, truncated }| sql::Rows {
        columns: columns.into_iter().map(|Column { name, type_name }| sql::Column { name, type_name }).collect(),
        rows: rows.into_iter().map(|row| row.into_iter().map(given).collect()).collect(),
        truncated,
    })
}

fn concluded<T>(effect: Pending, result: Result<T, SqlError>) -> Result<T, Error> {
    let error = match result {
        Ok(value) => {
            effect.allowed();
            return Ok(value);
        }
        Err(error) => error,
    };
    let told = error.to_guest();
    match error {
        SqlError::ReadOnly => {
            effect.refused(error.to_string());
            Err(Error::NotPermitted)
        }
        SqlError::Refused { .. } | SqlError::NotOneStatement { .. } => {
            effect.refused(error.to_string());
            Err(Error::Refused(told))
        }
        other => {
            // The database's own words quote values; what is wrong with itself does not.
            match &other {
                SqlError::Unavailable { why } => effect.failed(format!("unavailable: {why}")),
                other => effect.failed(other.kind()),
            }
            Err(failure(other, told))
        }
    }
}

fn failure(error: SqlError, told: String) -> Error {
    match error {
        SqlError::ReadOnly => Error::NotPermitted,
        SqlError::Refused { .. } | SqlError::NotOneStatement { .. } | SqlError::Denied { .. } => Error::Refused(told),
        SqlError::Invalid { .. } | SqlError::Aborted => Error::Invalid(told),
        SqlError::Constraint { kind, message } => Error::Constraint(Violation { kind: kind.to_string(), message }),
        SqlError::UnsupportedType { column, type_name, .. } | SqlError::Unrepresentable { column, type_name, .. } => {
            Error::UnsupportedType(Unsupported { column, type_name })
        }
        SqlError::Parameter { index, message } => {
            Error::Parameter(BadParameter { index: u32::try_from(index).unwrap_or(u32::MAX), message })
        }
        SqlError::Timeout => Error::Timeout,
        SqlError::TooLarge { .. } => Error::TooLarge(told),
        SqlError::Conflict { .. } => Error::Conflict(told),
        SqlError::Unavailable { .. } => Error::Unavailable(told),
        SqlError::Closed => Error::Closed,
    }
}

fn size(value: &StoredValue) -> u64 {
    match value {
        StoredValue::Null => 0,
        StoredValue::Element(element) => element_size(element),
        StoredValue::Array(list) => list.iter().flatten().map(element_size).sum(),
        StoredValue::Vector(list) => 4 * list.len() as u64,
    }
}

fn element_size(element: &StoredElement) -> u64 {
    match element {
        StoredElement::Boolean(_) => 1,
        StoredElement::Integer(_) | StoredElement::Float(_) => 8,
        StoredElement::Binary(bytes) => bytes.len() as u64,
        StoredElement::Decimal(text)
        | StoredElement::Text(text)
        | StoredElement::Date(text)
        | StoredElement::Time(text)
        | StoredElement::Timestamp(text)
        | StoredElement::Instant(text)
        | StoredElement::Uuid(text)
        | StoredElement::Json(text) => text.len() as u64,
    }
}

fn stored(value: Value) -> StoredValue {
    match value {
        Value::Null => StoredValue::Null,
        Value::Element(element) => StoredValue::Element(stored_element(element)),
        Value::Array(list) => StoredValue::Array(list.into_iter().map(|e| e.map(stored_element)).collect()),
        Value::Vector(list) => StoredValue::Vector(list),
    }
}

fn given(value: StoredValue) -> Value {
    match value {
        StoredValue::Null => Value::Null,
        StoredValue::Element(element) => Value::Element(given_element(element)),
        StoredValue::Array(list) => Value::Array(list.into_iter().map(|e| e.map(given_element)).collect()),
        StoredValue::Vector(list) => Value::Vector(list),
    }
}

/// The two sides have the same elements under two types: one is the contract's, one the store's.
macro_rules! same_elements {
    ($name:ident: $from:ident => $to:ident) => {
        fn $name(element: $from) -> $to {
            match element {
                $from::Boolean(v) => $to::Boolean(v),
                $from::Integer(v) => $to::Integer(v),
                $from::Float(v) => $to::Float(v),
                $from::Decimal(v) => $to::Decimal(v),
                $from::Text(v) => $to::Text(v),
                $from::Binary(v) => $to::Binary(v),
                $from::Date(v) => $to::Date(v),
                $from::Time(v) => $to::Time(v),
                $from::Timestamp(v) => $to::Timestamp(v),
                $from::Instant(v) => $to::Instant(v),
                $from::Uuid(v) => $to::Uuid(v),
                $from::Json(v) => $to::Json(v),
            }
        }
    };
}
same_elements!(stored_element: Element => StoredElement);
same_elements!(given_element: StoredElement => Element);
