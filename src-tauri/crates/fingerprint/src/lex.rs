//! SQL text → lexemes, with literals gone and identifiers in one spelling. Any text has lexemes: a string, comment or
//! identifier that was cut off ends with the text. What lexemes mean together is not known here, but for what decides
//! between two readings of a sign (`?`, `@`, `:`, `%`).
//!
//! The lexer is our own and not sqlparser's, which takes longer for its tokens alone than normalising may take, and
//! gives up on texts that were cut off. Tests hold the two against each other.

mod literals;
mod signs;

use crate::lexeme::Lexeme;
use crate::{Dialect, MAX_SQL_BYTES, bytes, serials, within_limit, words};

/// What was found in a text.
pub(crate) struct Lexed<'a> {
    pub(crate) lexemes: Vec<Lexeme<'a>>,
    /// Whether a name has a serial number that is no part of it.
    pub(crate) has_serials: bool,
}

/// Splits a text into lexemes; nothing but literals, comments and spaces is lost, and what would make the normalised
/// text longer than [`MAX_SQL_BYTES`]. `lower` is `raw` in lower case.
pub(crate) fn lex<'a>(raw: &'a str, lower: &'a str, dialect: Dialect) -> Lexed<'a> {
    let mut lexer = Lexer {
        raw: raw.as_bytes(),
        lower,
        text: lower.as_bytes(),
        at: 0,
        dialect,
        lexemes: Vec::with_capacity(lower.len() / 4 + 4),
        last_end: 0,
        last: Last::Plain,
        in_code_comment: false,
        budget: MAX_SQL_BYTES - Lexeme::Semicolon.longest_spelling(),
        has_serials: false,
    };
    while lexer.step() {}
    Lexed { lexemes: lexer.lexemes, has_serials: lexer.has_serials }
}

/// What is to be known of the last lexeme beyond itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Plain,
    /// A lone `?`: a placeholder, or an operator if a value follows it.
    Question,
    /// A dot right after a name, so that what follows is a name even if it begins with a digit.
    Qualifier,
}

struct Lexer<'a> {
    raw: &'a [u8],
    lower: &'a str,
    text: &'a [u8],
    /// Offset of what comes next.
    at: usize,
    dialect: Dialect,
    lexemes: Vec<Lexeme<'a>>,
    /// Where the last lexeme ended.
    last_end: usize,
    last: Last,
    /// Whether we are within `/*! … */`, which is code.
    in_code_comment: bool,
    /// Bytes that the normalised text may still grow by.
    budget: usize,
    has_serials: bool,
}

impl<'a> Lexer<'a> {
    /// Takes the next lexeme or space; `false` at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.text.get(self.at).copied() else { return false };
        let lexeme = match first {
            b'a'..=b'z' | b'_' | 0x80.. => {
                self.word_or_string();
                return self.end_lexeme();
            }
            b'0'..=b'9' => {
                self.number();
                return self.end_lexeme();
            }
            b'(' => Lexeme::Open,
            b')' => Lexeme::Close,
            b'[' => Lexeme::OpenBracket,
            b']' => Lexeme::CloseBracket,
            b',' => Lexeme::Comma,
            b';' => {
                self.at += 1;
                if !matches!(self.lexemes.last(), None | Some(Lexeme::Semicolon)) {
                    self.push(Lexeme::Semicolon);
                }
                return self.end_lexeme();
            }
            b'\'' => {
                self.string(first, self.dialect == Dialect::Mysql);
                return self.end_lexeme();
            }
            0..=b' ' | 0x7f => {
                self.at += 1;
                return true;
            }
            _ => return self.sign(first),
        };
        self.at += 1;
        self.push(lexeme);
        self.end_lexeme()
    }

    fn end_lexeme(&mut self) -> bool {
        self.last_end = self.at;
        self.budget > 0
    }

    fn push(&mut self, lexeme: Lexeme<'a>) {
        let mut lexeme = lexeme;
        if lexeme.longest_spelling() > self.budget {
            let Some(shorter) = self.cut(lexeme) else {
                self.budget = 0;
                return;
            };
            lexeme = shorter;
        }
        let cost = lexeme.longest_spelling();
        self.budget -= cost;
        if self.last == Last::Question
            && lexeme == Lexeme::Value
            && let [.., before, question] = self.lexemes.as_mut_slice()
            && before.ends_operand()
        {
            *question = Lexeme::Operator("?");
        }
        self.last = Last::Plain;
        self.lexemes.push(lexeme);
    }

    /// As much of a word as there is room for.
    fn cut(&self, lexeme: Lexeme<'a>) -> Option<Lexeme<'a>> {
        let word = lexeme.word().filter(|word| word.bytes().next().is_some_and(bytes::starts_word))?;
        let shorter = within_limit(word, self.budget.saturating_sub(1));
        (!shorter.is_empty()).then_some(Lexeme::Word(shorter))
    }

    /// What is left of the text.
    fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    /// Whether nothing stands between the last lexeme and what comes.
    fn is_adjacent(&self) -> bool {
        self.last_end == self.at && !self.lexemes.is_empty()
    }

    fn after_operand(&self) -> bool {
        self.lexemes.last().is_some_and(Lexeme::ends_operand)
    }

    /// A word, or a string with a letter in front of it.
    fn word_or_string(&mut self) {
        let rest = self.rest();
        let postgres = self.dialect == Dialect::Postgres;
        match (rest[0], rest.get(1)) {
            (b'e', Some(b'\'')) if postgres => return self.prefixed_string(1, true),
            (b'n', Some(b'\'')) => return self.prefixed_string(1, !postgres),
            (b'b' | b'x', Some(b'\'')) => return self.prefixed_string(1, false),
            (b'u', Some(b'&')) if postgres => match rest.get(2) {
                Some(b'\'') => return self.prefixed_string(2, false),
                Some(b'"') => {
                    self.at += 2;
                    return self.identifier(b'"');
                }
                _ => {}
            },
            _ => {}
        }
        let (length, has_digit) = bytes::word_length(rest);
        let word = self.take(length);
        self.has_serials |= has_digit && serials::has_serial(word.as_bytes());
        self.word(word);
    }

    fn word(&mut self, word: &'a str) {
        let is_syntax = || match self.lexemes.last() {
            Some(Lexeme::Dot) => true,
            Some(Lexeme::Word(before)) => words::makes_constant_syntax(before),
            _ => false,
        };
        let is_value = words::is_constant(word) && !is_syntax();
        self.push(if is_value { Lexeme::Value } else { Lexeme::Word(word) });
    }

    /// An identifier in quotes, which it loses when it reads the same without.
    fn identifier(&mut self, quote: u8) {
        self.at += 1;
        let rest = self.rest();
        let (plain_length, has_digit) = bytes::word_length(rest);
        let (length, after) =
            if rest.get(plain_length) == Some(&quote) && rest.get(plain_length + 1) != Some(&quote) {
                (plain_length, plain_length + 1)
            } else {
                literals::quoted_length(rest, quote, false)
            };
        let name = &self.lower[self.at..self.at + length];
        self.at += after;
        self.has_serials |= (has_digit || length > plain_length) && serials::has_serial(name.as_bytes());
        let plain = length == plain_length
            && name.as_bytes().first().is_some_and(|first| bytes::starts_word(*first))
            && !words::is_reserved(name)
            && !words::is_charset_introducer(name);
        self.push(if plain { Lexeme::Word(name) } else { Lexeme::Quoted(name) });
    }

    /// The next `length` bytes, which are passed.
    fn take(&mut self, length: usize) -> &'a str {
        let taken = &self.lower[self.at..self.at + length];
        self.at += length;
        taken
    }
}
