//! What a guest's statement may do, action by action, as SQLite understood it.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::{Access, SqlError};

/// Why a statement was not allowed: the first action that was not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Denial(Arc<Mutex<Option<SqlError>>>);

impl Denial {
    /// What was denied, if something was.
    pub(crate) fn take(&self) -> Option<SqlError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, error: SqlError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// Decides on each action, and notes the first that is denied.
pub(crate) fn decide(context: &AuthContext<'_>, access: Access, denial: &Denial) -> Authorization {
    match judge(&context.action, access) {
        Ok(()) => Authorization::Allow,
        Err(error) => {
            denial.note(error);
            Authorization::Deny
        }
    }
}

fn judge(action: &AuthAction<'_>, access: Access) -> Result<(), SqlError> {
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Ok(()),
        AuthAction::Function { function_name } if FORBIDDEN.iter().any(|f| f.eq_ignore_ascii_case(function_name)) => {
            Err(refused(function_name))
        }
        AuthAction::Function { .. } => Ok(()),
        // Also what `pragma_table_info(..)` and its kind come to, with which a guest finds its way about.
        AuthAction::Pragma { pragma_name, .. } if HARMLESS.iter().any(|p| p.eq_ignore_ascii_case(pragma_name)) => {
            Ok(())
        }
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. } => {
            if access < Access::Write {
                Err(SqlError::ReadOnly)
            } else if is_schema(table_name) {
                Err(refused(table_name))
            } else {
                Ok(())
            }
        }
        AuthAction::Pragma { pragma_name, .. } => Err(refused(pragma_name)),
        _ => Err(refused("this kind of statement")),
    }
}

/// Tables that SQLite keeps for itself.
fn is_schema(table: &str) -> bool {
    table.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}

fn refused(what: &str) -> SqlError {
    SqlError::Refused {
        what: crate::error::shown(what),
        allowed: "rows are read and, if granted, changed; nothing else",
    }
}

/// Functions that reach beyond the database. The first two are disabled besides, the others are not compiled in.
const FORBIDDEN: [&str; 6] = ["load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "fsdir"];

/// What tells about tables and changes nothing. `data_version` is asked by full-text tables themselves.
const HARMLESS: [&str; 9] = [
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
    "data_version",
    "collation_list",
];
