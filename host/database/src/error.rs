//! Why a statement was not carried out: once for the operator, once for the guest.
//!
//! Neither text has a connection string, a host name or a file's path. The database's own words go to the guest where they are about
//! its statement: they are what a model mends its SQL by. They are cut, and what they say about the server
//! (`Unavailable`) stays with the operator.

use thiserror::Error;

/// What kept a statement from its answer.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SqlError {
    /// The database did not accept the statement, or failed while running it.
    #[error("the database refused the statement: {message}{}", at(*position))]
    Invalid {
        /// In the database's words.
        message: String,
        /// Where in the statement, in characters from 1.
        position: Option<u32>,
    },
    /// A rule of the schema would not have held.
    #[error("{kind}: {message}")]
    Constraint { kind: ConstraintKind, message: String },
    /// The role may not do that, or there is a rule against it.
    #[error("not permitted: {message}")]
    Denied { message: String },
    /// A kind of statement that a guest never runs, or a part of one.
    #[error("{what} cannot be used here: {allowed}")]
    Refused { what: String, allowed: &'static str },
    /// The statement would change something, and only reading is granted.
    #[error("the statement changes something, and only reading is granted")]
    ReadOnly,
    /// None, or several.
    #[error("one statement at a time: {why}")]
    NotOneStatement { why: &'static str },
    /// A column whose type has no value here.
    #[error("column {column:?} has type {type_name}, which cannot be returned; {mend}")]
    UnsupportedType { column: String, type_name: String, mend: &'static str },
    /// A value that its kind of value cannot tell.
    #[error("column {column:?} of type {type_name} has {what}, which cannot be returned")]
    Unrepresentable { column: String, type_name: String, what: &'static str },
    /// A parameter that does not fit, or too many or few. The index counts from 1.
    #[error("parameter {index}: {message}")]
    Parameter { index: usize, message: String },
    /// It took too long, and was stopped.
    #[error("stopped: the time was up")]
    Timeout,
    /// More bytes than the answer, the statement or its parameters may have.
    #[error("{what} has more than {most} bytes")]
    TooLarge { what: &'static str, most: u64 },
    /// Somebody else was at it at the same time. The same again may succeed.
    #[error("in conflict with another transaction: {message}; try again")]
    Conflict { message: String },
    /// An earlier statement of the transaction failed, so that nothing but rolling back is left.
    #[error("an earlier statement of this transaction failed: roll it back")]
    Aborted,
    /// The database cannot be reached, or cannot work now.
    #[error("the database is not available: {why}")]
    Unavailable { why: String },
    /// The transaction or its connection has ended.
    #[error("the transaction has ended")]
    Closed,
}

/// Which kind of rule did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    Unique,
    ForeignKey,
    NotNull,
    Check,
    Exclusion,
    Other,
}

impl std::fmt::Display for ConstraintKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unique => "unique constraint",
            Self::ForeignKey => "foreign key",
            Self::NotNull => "value required",
            Self::Check => "check",
            Self::Exclusion => "exclusion constraint",
            Self::Other => "constraint",
        })
    }
}

impl SqlError {
    /// What the guest reads.
    pub fn to_guest(&self) -> String {
        match self {
            // What is wrong with the server is not the guest's to know.
            Self::Unavailable { .. } => "the database is not available; try again later".to_owned(),
            other => other.to_string(),
        }
    }

    /// A short name from a closed set, for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::Constraint { .. } => "constraint",
            Self::Denied { .. } => "denied",
            Self::Refused { .. } => "refused",
            Self::ReadOnly => "read_only",
            Self::NotOneStatement { .. } => "not_one_statement",
            Self::UnsupportedType { .. } => "unsupported_type",
            Self::Unrepresentable { .. } => "unrepresentable",
            Self::Parameter { .. } => "parameter",
            Self::Timeout => "timeout",
            Self::TooLarge { .. } => "too_large",
            Self::Conflict { .. } => "conflict",
            Self::Aborted => "aborted",
            Self::Unavailable { .. } => "unavailable",
            Self::Closed => "closed",
        }
    }

    pub(crate) fn unavailable(why: impl Into<String>) -> Self {
        Self::Unavailable { why: why.into() }
    }
}

/// Settings that cannot be used. Names the database, and never what its settings hold.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The file is not there, or not in the form of one.
    #[error("database {name}: {why}")]
    File { name: String, why: String },
    /// The address cannot be used.
    #[error("database {name}: url: {why}")]
    Url { name: String, why: String },
    /// The address and the settings say different things about encryption.
    #[error("database {name}: {why}")]
    Tls { name: String, why: String },
    /// Certificates cannot be read.
    #[error("database {name}: ca_file: {why}")]
    Certificates { name: String, why: String },
    /// No connection, or more than there can be; no time, or too much.
    #[error("database {name}: {what} must be {range}")]
    Range { name: String, what: &'static str, range: String },
}

fn at(position: Option<u32>) -> String {
    position.map_or_else(String::new, |position| format!(" (at character {position})"))
}

/// Words of a database, made fit for one line: cut, and nothing in them that a terminal acts upon.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (at, character) in text.chars().enumerate() {
        if at == crate::limits::MESSAGE {
            shown.push_str("...");
            break;
        }
        match character {
            // Line breaks are common in hints.
            '\n' => shown.push(' '),
            // Control characters, and those that turn the direction of text.
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                shown.extend(c.escape_unicode());
            }
            c => shown.push(c),
        }
    }
    shown
}
