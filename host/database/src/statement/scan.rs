//! Words and symbols of SQL, as the two databases' own scanners cut them.
//!
//! A library's tokenizer was rejected: for a rule about the *first* word it has to agree with the database to the
//! byte, and they differ in what ends a comment (`\r` for PostgreSQL alone), whether comments nest, and what is
//! white space.

use super::Dialect;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A keyword or a plain name.
    Word(&'t str),
    /// A string, a quoted name or a number.
    Other,
    Symbol(char),
}

pub(super) struct Scanner<'t> {
    rest: &'t str,
    dialect: Dialect,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(sql: &'t str, dialect: Dialect) -> Self {
        Self { rest: sql, dialect }
    }

    /// Takes this many bytes, or all that is left.
    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, of: impl Fn(char) -> bool) -> &'t str {
        self.take(self.rest.find(|c| !of(c)).unwrap_or(self.rest.len()))
    }

    /// Takes up to and with the end, or all that is left.
    fn take_through(&mut self, end: &str) {
        self.take(self.rest.find(end).map_or(self.rest.len(), |at| at + end.len()));
    }

    fn skip_space(&mut self) {
        let postgres = self.dialect == Dialect::Postgres;
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}') || (postgres && c == '\u{b}'));
            if self.rest.starts_with("--") {
                self.take_while(|c| c != '\n' && !(postgres && c == '\r'));
            } else if self.rest.starts_with("/*") {
                self.skip_comment();
            } else {
                return;
            }
        }
    }

    fn skip_comment(&mut self) {
        self.take(2);
        if self.dialect == Dialect::Sqlite {
            return self.take_through("*/");
        }
        let mut depth = 1;
        while depth > 0 && !self.rest.is_empty() {
            if self.rest.starts_with("/*") {
                self.take(2);
                depth += 1;
            } else if self.rest.starts_with("*/") {
                self.take(2);
                depth -= 1;
            } else {
                let mut characters = self.rest.chars();
                characters.next();
                self.rest = characters.as_str();
            }
        }
    }

    /// From an opening quote to the closing one. A doubled quote needs no rule: it ends one string and begins another.
    fn skip_quoted(&mut self, quote: char) {
        self.take(1);
        self.take_while(|c| c != quote);
        self.take(1);
    }

    /// PostgreSQL's `E'..'`: a backslash takes the next character with it. Such a string goes on as one of its kind
    /// after a line break, whatever comment is there.
    fn skip_escaped(&mut self) {
        loop {
            self.take(1);
            loop {
                self.take_while(|c| c != '\'' && c != '\\');
                if !self.rest.starts_with('\\') {
                    break;
                }
                let mut characters = self.rest.chars();
                characters.next();
                characters.next();
                self.rest = characters.as_str();
            }
            self.take(1);
            // A doubled quote, or a continued string: either goes on in the same way.
            let ended = self.rest;
            if !self.rest.starts_with('\'') {
                self.skip_space();
            }
            if !self.rest.starts_with('\'') {
                self.rest = ended;
                return;
            }
        }
    }

    /// PostgreSQL's `$tag$ .. $tag$`, if it is one.
    fn skip_dollar_quoted(&mut self) -> bool {
        let after = &self.rest[1..];
        let tag = after.find(|c: char| !is_name(c) || c == '$').unwrap_or(after.len());
        if !after[tag..].starts_with('$') || after.starts_with(|c: char| c.is_ascii_digit()) {
            return false;
        }
        let mark = self.take(tag + 2);
        self.take_through(mark);
        true
    }
}

impl<'t> Iterator for Scanner<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        self.skip_space();
        let first = self.rest.chars().next()?;
        let postgres = self.dialect == Dialect::Postgres;
        match first {
            'e' | 'E' if postgres && self.rest[1..].starts_with('\'') => {
                self.take(1);
                self.skip_escaped();
            }
            '\'' | '"' => self.skip_quoted(first),
            '`' if !postgres => self.skip_quoted('`'),
            '[' if !postgres => self.take_through("]"),
            '$' if postgres && self.skip_dollar_quoted() => {}
            // Letters after a number are a word of their own: some servers read `1INTO` so.
            '0'..='9' => {
                self.take_while(|c| c.is_ascii_digit() || c == '.' || c == '_');
            }
            _ if is_name(first) && first != '$' => return Some(Token::Word(self.take_while(is_name))),
            _ => {
                self.take(first.len_utf8());
                return Some(Token::Symbol(first));
            }
        }
        Some(Token::Other)
    }
}

/// Whether a name may have it, other than in front.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}
