//! Which kind of statement a text is, by its first word.
//!
//! This is no parser, and what it allows is no permission: the database's own rules come after it. It reads only what
//! stands before the statement's first word (white space, comments, parentheses) exactly as the database does, and
//! knows strings and comments well enough to find a `;` or an `INTO` outside of them.

mod scan;

use crate::{Access, SqlError};

use scan::{Scanner, Token};

/// Whose SQL it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Sqlite,
}

/// What a statement does, as far as its first word tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It reads; though what it calls may write.
    Read,
    /// `WITH`: either.
    Either,
    /// It changes rows.
    Write,
}

/// The kind of this statement.
///
/// # Errors
///
/// [`SqlError::NotOneStatement`], [`SqlError::Refused`] for a kind that no guest runs, and [`SqlError::ReadOnly`] for
/// one that needs more than `access`.
pub(crate) fn check(sql: &str, dialect: Dialect, access: Access) -> Result<Kind, SqlError> {
    let tokens = tokens(sql, dialect)?;
    let (kind, rest) = kind(&tokens, dialect, access)?;
    if kind == Kind::Write && access < Access::Write {
        return Err(SqlError::ReadOnly);
    }
    if dialect == Dialect::Postgres && creates_table(rest) {
        return Err(refused("INTO", access));
    }
    Ok(kind)
}

/// The words and symbols, without what ends the statement.
fn tokens(sql: &str, dialect: Dialect) -> Result<Vec<Token<'_>>, SqlError> {
    let mut tokens: Vec<Token<'_>> = Scanner::new(sql, dialect).collect();
    while tokens.last() == Some(&Token::Symbol(';')) {
        tokens.pop();
    }
    match tokens.as_slice() {
        [] => Err(SqlError::NotOneStatement { why: "this is none" }),
        tokens if tokens.contains(&Token::Symbol(';')) => {
            Err(SqlError::NotOneStatement { why: "there is more after a semicolon" })
        }
        _ => Ok(tokens),
    }
}

/// The kind, and the tokens of the statement that it is told by: for `EXPLAIN`, what is explained.
fn kind<'a, 't>(
    tokens: &'a [Token<'t>],
    dialect: Dialect,
    access: Access,
) -> Result<(Kind, &'a [Token<'t>]), SqlError> {
    let opened = tokens.iter().take_while(|t| **t == Token::Symbol('(')).count();
    let first = tokens.get(opened);
    let Some(Token::Word(word)) = first else { return Err(refused("this", access)) };
    let is = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(word));
    if is(&["EXPLAIN"]) && opened == 0 {
        let (kind, rest) = kind(explained(&tokens[1..]), dialect, access)?;
        // Without ANALYZE nothing is run; with it, the read-only transaction says no.
        return Ok((if kind == Kind::Write && access == Access::Read { Kind::Either } else { kind }, rest));
    }
    let kind = match dialect {
        _ if is(&["SELECT", "VALUES"]) => Kind::Read,
        _ if is(&["WITH"]) => Kind::Either,
        _ if is(&["INSERT", "UPDATE", "DELETE"]) => Kind::Write,
        Dialect::Postgres if is(&["TABLE"]) || (is(&["SHOW"]) && opened == 0) => Kind::Read,
        Dialect::Postgres if is(&["MERGE"]) => Kind::Write,
        Dialect::Sqlite if is(&["REPLACE"]) => Kind::Write,
        _ => return Err(refused(word, access)),
    };
    Ok((kind, tokens))
}

/// What is explained: without the options of `EXPLAIN`.
fn explained<'a, 't>(tokens: &'a [Token<'t>]) -> &'a [Token<'t>] {
    let word = |at: usize, words: &[&str]| matches!(tokens.get(at), Some(Token::Word(w)) if words.iter().any(|x| x.eq_ignore_ascii_case(w)));
    if tokens.first() == Some(&Token::Symbol('(')) {
        // In parentheses: either options, or a query.
        if word(1, &["SELECT", "VALUES", "TABLE", "WITH"]) || tokens.get(1) == Some(&Token::Symbol('(')) {
            return tokens;
        }
        let end = tokens.iter().position(|t| *t == Token::Symbol(')')).map_or(tokens.len(), |end| end + 1);
        return &tokens[end..];
    }
    let options = (0..).take_while(|at| word(*at, &["ANALYZE", "ANALYSE", "VERBOSE", "QUERY", "PLAN"])).count();
    &tokens[options..]
}

/// Whether PostgreSQL would make a table of the answer: `SELECT .. INTO`, which looks like a query. In what is no
/// statement of its own to change rows, `INTO` has no other meaning (as a name it can be quoted).
fn creates_table(tokens: &[Token<'_>]) -> bool {
    let main = match tokens.first() {
        Some(Token::Word(word)) if word.eq_ignore_ascii_case("WITH") => match after_with(tokens) {
            Some(main) => main,
            None => return false,
        },
        Some(Token::Word(word)) if changes_rows(word) => return false,
        _ => tokens,
    };
    main.iter().any(|token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case("INTO")))
}

/// The tokens after the list of a `WITH`, or none if they change rows. Where the end of the list is not plain, all.
fn after_with<'a, 't>(tokens: &'a [Token<'t>]) -> Option<&'a [Token<'t>]> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => {
                depth = depth.saturating_sub(1);
                match tokens.get(at + 1) {
                    Some(Token::Word(word)) if depth == 0 && changes_rows(word) => return None,
                    Some(Token::Word(word)) if depth == 0 && word.eq_ignore_ascii_case("AS") => {}
                    // SEARCH and CYCLE have words of their own: their end is not looked for.
                    Some(Token::Word(_)) if depth == 0 => return Some(&tokens[at + 1..]),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Some(tokens)
}

fn changes_rows(word: &str) -> bool {
    ["INSERT", "UPDATE", "DELETE", "MERGE"].iter().any(|w| w.eq_ignore_ascii_case(word))
}

fn refused(word: &str, access: Access) -> SqlError {
    let what = word.chars().take(32).flat_map(char::escape_debug).collect::<String>().to_uppercase();
    let allowed = match access {
        Access::Read => "a statement is one of SELECT, VALUES, WITH, EXPLAIN, and TABLE and SHOW of PostgreSQL",
        Access::Write => {
            "a statement is one of SELECT, VALUES, WITH, EXPLAIN, INSERT, UPDATE, DELETE, MERGE and REPLACE; transactions \
             are begun and ended by calls, and tables are made by the operator"
        }
    };
    SqlError::Refused { what, allowed }
}

#[cfg(test)]
mod tests;
