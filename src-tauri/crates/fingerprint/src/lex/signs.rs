//! Comments, operators and the signs that begin placeholders and variables.

use super::{Last, Lexer, literals};
use crate::lexeme::Lexeme;
use crate::{Dialect, bytes};

/// Operators of MySQL that have more than one character, longest first.
const MYSQL_OPERATORS: &[&str] = &["<=>", "->>", "->", ":=", "<<", ">>", "<=", ">=", "<>", "!=", "||", "&&"];

impl<'a> Lexer<'a> {
    /// Takes what begins with a sign; `false` at the end.
    pub(super) fn sign(&mut self, first: u8) -> bool {
        if self.comment(first) {
            return true;
        }
        match first {
            b'"' if self.dialect == Dialect::Mysql => self.string(first, true),
            b'"' => self.identifier(first),
            b'`' if self.dialect == Dialect::Mysql => self.identifier(first),
            b'$' => self.dollar(),
            b'.' => self.dot(),
            b':' => self.colon(),
            b'?' => self.question(),
            b'%' if !self.after_operand() && formatted_parameter_length(self.rest()) > 0 => {
                self.at += formatted_parameter_length(self.rest());
                self.push(Lexeme::Value);
            }
            b'@' if self.dialect == Dialect::Mysql => self.variable(),
            _ => self.operator(first),
        }
        self.end_lexeme()
    }

    /// Passes a comment, or the beginning or end of one that is code.
    fn comment(&mut self, first: u8) -> bool {
        let rest = self.rest();
        let mysql = self.dialect == Dialect::Mysql;
        let second = rest.get(1).copied();
        let length = match (first, second) {
            (b'/', Some(b'*')) if mysql => match code_comment_length(rest) {
                Some(length) => {
                    self.in_code_comment = true;
                    length
                }
                None => plain_comment_length(rest),
            },
            (b'/', Some(b'*')) => nested_comment_length(rest),
            (b'*', Some(b'/')) if self.in_code_comment => {
                self.in_code_comment = false;
                2
            }
            // MySQL wants a space, so that `5--3` is a difference.
            (b'-', Some(b'-')) if !mysql || rest.get(2).is_none_or(|third| *third <= b' ') => {
                line_length(rest)
            }
            (b'#', _) if mysql => line_length(rest),
            _ => return false,
        };
        self.at += length;
        true
    }

    /// A dot, a number that it begins, or `...`, which is what MySQL's digests write for values that they left out.
    fn dot(&mut self) {
        let rest = self.rest();
        if rest.starts_with(b"...") {
            self.at += 3;
            return self.push(Lexeme::Value);
        }
        let after_name = self.lexemes.last().is_some_and(Lexeme::is_name) && self.is_adjacent();
        let qualifies = after_name && self.dialect == Dialect::Mysql;
        match literals::number_after_dot_length(rest).filter(|_| !qualifies) {
            Some(length) => {
                self.at += length;
                self.push(Lexeme::Value);
            }
            None => {
                self.at += 1;
                self.push(Lexeme::Dot);
                self.last = if qualifies { Last::Qualifier } else { Last::Plain };
            }
        }
    }

    /// `::`, `:=`, `:name` or `:1`. After an operand a lone colon divides the bounds of a slice.
    fn colon(&mut self) {
        let rest = self.rest();
        match rest.get(1) {
            Some(b':') => {
                self.at += 2;
                self.push(Lexeme::Cast);
            }
            Some(b'=') => {
                let operator = self.take(2);
                self.push(Lexeme::Operator(operator));
            }
            Some(next) if bytes::in_word(*next) && !self.after_operand() => {
                self.at += 1 + bytes::word_length(&rest[1..]).0;
                self.push(Lexeme::Value);
            }
            _ => {
                let operator = self.take(1);
                self.push(Lexeme::Operator(operator));
            }
        }
    }

    /// A placeholder, or an operator of PostgreSQL that begins with `?`.
    fn question(&mut self) {
        const OPERATORS: &[&[u8]] = &[b"?-|", b"?||", b"?|", b"?&", b"?#"];
        let rest = self.rest();
        let postgres = self.dialect == Dialect::Postgres;
        if postgres
            && self.after_operand()
            && let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(operator))
        {
            let operator = self.take(operator.len());
            return self.push(Lexeme::Operator(operator));
        }
        let digits = bytes::run(&rest[1..], |byte| byte.is_ascii_digit());
        self.at += 1 + digits;
        self.push(Lexeme::Value);
        if postgres && digits == 0 {
            self.last = Last::Question;
        }
    }

    /// `@name` and `@@name` of MySQL, or a placeholder `@p1`.
    fn variable(&mut self) {
        let rest = self.rest();
        let signs = if rest.starts_with(b"@@") { 2 } else { 1 };
        let (length, _) = bytes::word_length(&rest[signs..]);
        let name = self.take(signs + length);
        let is_placeholder = name
            .strip_prefix("@p")
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()));
        self.push(match length {
            0 => Lexeme::Operator(name),
            _ if is_placeholder => Lexeme::Value,
            _ => Lexeme::Word(name),
        });
    }

    fn operator(&mut self, first: u8) {
        let rest = self.rest();
        if self.dialect == Dialect::Postgres {
            let length = postgres_operator_length(rest);
            let next = rest.get(length).copied();
            if rest[..length] == *b"@" && next.is_some_and(bytes::starts_word) && !self.after_operand() {
                self.at += 1 + bytes::word_length(&rest[1..]).0;
                return self.push(Lexeme::Value);
            }
            let operator = self.take(length);
            return self.push(Lexeme::Operator(if operator == "!=" { "<>" } else { operator }));
        }
        let of_several = MYSQL_OPERATORS.iter().find(|operator| rest.starts_with(operator.as_bytes()));
        let operator = self.take(of_several.map_or(1, |operator| operator.len()));
        debug_assert!(first.is_ascii(), "letters beyond ASCII are words");
        self.push(Lexeme::Operator(if operator == "!=" { "<>" } else { operator }));
    }
}

/// Length of `%s` or `%(name)s`, or 0.
fn formatted_parameter_length(rest: &[u8]) -> usize {
    let name = if rest.get(1) == Some(&b'(') {
        let name = bytes::run(&rest[2..], bytes::in_word);
        if rest.get(2 + name) == Some(&b')') { name + 2 } else { return 0 }
    } else {
        0
    };
    let ends = !rest.get(name + 2).is_some_and(|next| bytes::in_word(*next));
    if rest.get(name + 1) == Some(&b's') && ends { name + 2 } else { 0 }
}

/// Whether `%s`, `%(name)s` or `@name` comes.
fn begins_parameter(text: &[u8]) -> bool {
    match text {
        [b'%', ..] => formatted_parameter_length(text) > 0,
        [b'@', next, ..] => bytes::starts_word(*next),
        _ => false,
    }
}

/// Length of the operator as PostgreSQL's own lexer finds it: the longest one, which a comment ends and which ends with
/// a sign only if it has a character that the standard's operators have not. `?` begins a placeholder except in `@?`.
fn postgres_operator_length(text: &[u8]) -> usize {
    let mut length = 0;
    while text.get(length).is_some_and(|byte| bytes::in_operator(*byte)) {
        let begins_comment = matches!(text[length..], [b'-', b'-', ..] | [b'/', b'*', ..]);
        if begins_comment || (text[length] == b'?' && text[..length] != *b"@") {
            break;
        }
        let compares = matches!(&text[..length], b"=" | b"<>" | b"!=" | b"<=" | b">=" | b"||");
        if compares && begins_parameter(&text[length..]) {
            break;
        }
        length += 1;
        if text[..length] == *b"@?" {
            break;
        }
    }
    let is_free = text[..length].iter().any(|byte| b"~!@#%^&|`?".contains(byte));
    while !is_free && length > 1 && matches!(text[length - 1], b'+' | b'-') {
        length -= 1;
    }
    length.max(1)
}

/// Length of the beginning of a comment that is code: `/*!`, `/*!80013`, MariaDB's `/*M!100100`.
fn code_comment_length(text: &[u8]) -> Option<usize> {
    let mark = if text.starts_with(b"/*!") {
        3
    } else if text.starts_with(b"/*m!") {
        4
    } else {
        return None;
    };
    Some(mark + bytes::run(&text[mark..], |byte| byte.is_ascii_digit()))
}

fn plain_comment_length(text: &[u8]) -> usize {
    text[2..].windows(2).position(|end| end == b"*/").map_or(text.len(), |end| end + 4)
}

fn nested_comment_length(text: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1_usize);
    while at < text.len() {
        match text[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

fn line_length(text: &[u8]) -> usize {
    bytes::run(text, |byte| byte != b'\n')
}
