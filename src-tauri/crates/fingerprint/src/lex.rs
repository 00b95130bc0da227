//! SQL text → lexemes, with literals gone and identifiers in one spelling. The work is sqlparser's tokenizer; where it
//! gives up (a string or comment that was cut off), a small lexer of our own takes the rest.

use sqlparser::dialect::{Dialect as SqlDialect, MySqlDialect, PostgreSqlDialect};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::{Dialect, words};

/// From this many digits on, a run of digits within a name is a date or a serial number and not part of the name:
/// `orders_20260301` and `orders_20260302` are one table.
const SERIAL_DIGITS: usize = 6;

/// The smallest part of a normalised statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lexeme {
    /// A literal or placeholder.
    Value,
    /// A keyword or an identifier that needs no quotes, lower case.
    Word(String),
    /// An identifier that needs its quotes, without them.
    Quoted(String),
    /// An operator or any other sign.
    Operator(String),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `,`
    Comma,
    /// `.`
    Dot,
    /// `::`
    Cast,
    /// `;`
    Semicolon,
}

impl Lexeme {
    /// The word, if it is one.
    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether it is a name or keyword, quoted or not.
    pub(crate) fn is_name(&self) -> bool {
        matches!(self, Self::Word(_) | Self::Quoted(_))
    }

    /// Whether a value ends here, so that a sign after it is an operator between two values.
    pub(crate) fn ends_operand(&self) -> bool {
        match self {
            Self::Value | Self::Quoted(_) | Self::Close | Self::CloseBracket => true,
            Self::Word(word) => !words::is_reserved(word) || word == "end",
            _ => false,
        }
    }

    /// Whether it is the operator `sign`.
    pub(crate) fn is_operator(&self, sign: &str) -> bool {
        matches!(self, Self::Operator(operator) if operator == sign)
    }
}

/// Splits a text into lexemes; nothing but literals, comments and spaces is lost.
pub(crate) fn lex(sql: &str, dialect: Dialect) -> Vec<Lexeme> {
    let sql_dialect: &dyn SqlDialect = match dialect {
        Dialect::Postgres => &PostgreSqlDialect {},
        Dialect::Mysql => &MySqlDialect {},
    };
    let mut tokens: Vec<TokenWithSpan> = Vec::new();
    let complete = Tokenizer::new(sql_dialect, sql).tokenize_with_location_into_buf(&mut tokens).is_ok();
    let rest_begins = tokens.last().map_or(Location { line: 1, column: 1 }, |last| last.span.end);

    let mut builder = Builder::new(dialect, tokens.len());
    for TokenWithSpan { token, .. } in tokens {
        builder.token(token);
    }
    if !complete {
        builder.rest(&sql[offset_of(sql, rest_begins)..]);
    }
    builder.lexemes
}

/// Where a location lies in the text, bytes. Counts as the tokenizer does: characters, from 1.
fn offset_of(sql: &str, location: Location) -> usize {
    let (mut line, mut column) = (1, 1);
    for (offset, character) in sql.char_indices() {
        if (line, column) >= (location.line, location.column) {
            return offset;
        }
        if character == '\n' {
            line += 1;
            column = 1;
        } else {
            column += 1;
        }
    }
    sql.len()
}

/// Puts lexemes together from tokens.
struct Builder {
    dialect: Dialect,
    lexemes: Vec<Lexeme>,
    /// Whether nothing stood between the last lexeme and what comes.
    adjacent: bool,
    /// Whether the last lexeme was a quoted string, which a next string continues.
    after_string: bool,
}

impl Builder {
    fn new(dialect: Dialect, tokens: usize) -> Self {
        Self { dialect, lexemes: Vec::with_capacity(tokens), adjacent: false, after_string: false }
    }

    fn token(&mut self, token: Token) {
        match token {
            Token::Whitespace(_) => {
                self.adjacent = false;
                return;
            }
            Token::EOF => return,
            Token::Word(word) => match word.quote_style {
                None => self.word(&word.value),
                Some(_) => self.identifier(&word.value),
            },
            Token::Number(..) | Token::Placeholder(_) | Token::Question => self.push(Lexeme::Value),
            token if is_string(&token) => self.string(),
            Token::LParen => self.push(Lexeme::Open),
            Token::RParen => self.push(Lexeme::Close),
            Token::LBracket => self.push(Lexeme::OpenBracket),
            Token::RBracket => self.push(Lexeme::CloseBracket),
            Token::Comma => self.push(Lexeme::Comma),
            Token::SemiColon => self.push(Lexeme::Semicolon),
            Token::DoubleColon => self.push(Lexeme::Cast),
            Token::Period => self.dot(),
            Token::Char(character) => self.sign(character),
            operator => self.push(Lexeme::Operator(operator.to_string())),
        }
        self.adjacent = true;
    }

    fn push(&mut self, lexeme: Lexeme) {
        self.lexemes.push(lexeme);
        self.after_string = false;
    }

    /// A string; strings side by side are one, and a character set in front belongs to it.
    fn string(&mut self) {
        if self.after_string {
            return;
        }
        if self.dialect == Dialect::Mysql
            && self.lexemes.last().and_then(Lexeme::word).is_some_and(words::is_charset_introducer)
        {
            self.lexemes.pop();
        }
        self.push(Lexeme::Value);
        self.after_string = true;
    }

    /// A word without quotes: a keyword, an identifier, `:name`, or a number that the tokenizer takes for a name.
    fn word(&mut self, word: &str) {
        let named_parameter = self.adjacent
            && self.lexemes.last().is_some_and(|last| last.is_operator(":"))
            && !self.lexemes.iter().nth_back(1).is_some_and(Lexeme::ends_operand);
        let word = word.to_ascii_lowercase();
        if named_parameter {
            self.lexemes.pop();
            self.push(Lexeme::Value);
        } else if let Some(number) = word.strip_prefix("0x") {
            // The tokenizer knows the small x only.
            self.push(Lexeme::Value);
            let rest = number.trim_start_matches(|digit: char| digit.is_ascii_hexdigit());
            if !rest.is_empty() {
                self.push(Lexeme::Word(without_serials(rest)));
            }
        } else if is_number_or_placeholder(&word) {
            self.push(Lexeme::Value);
        } else {
            self.push(Lexeme::Word(without_serials(&word)));
        }
    }

    /// An identifier in quotes, which it loses when it reads the same without.
    fn identifier(&mut self, name: &str) {
        let name = without_serials(&name.to_ascii_lowercase());
        let starts_plainly = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
        let plain = starts_plainly
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            && !words::is_reserved(&name)
            && !words::is_charset_introducer(&name);
        self.push(if plain { Lexeme::Word(name) } else { Lexeme::Quoted(name) });
    }

    /// A dot; three of them are what MySQL's digests write for values that they left out.
    fn dot(&mut self) {
        if let [.., Lexeme::Dot, Lexeme::Dot] = self.lexemes.as_slice() {
            self.lexemes.truncate(self.lexemes.len() - 2);
            self.push(Lexeme::Value);
        } else {
            self.push(Lexeme::Dot);
        }
    }

    /// A sign that no token is made of. A lone quote or control character carries no meaning.
    fn sign(&mut self, sign: char) {
        if !matches!(sign, '\'' | '"' | '`') && !sign.is_control() && !sign.is_whitespace() {
            self.push(Lexeme::Operator(sign.to_string()));
        }
    }

    /// Lexes what the tokenizer gave up on.
    fn rest(&mut self, mut rest: &str) {
        while let Some(first) = rest.chars().next() {
            let tail = &rest[first.len_utf8()..];
            rest = if first.is_whitespace() {
                self.adjacent = false;
                tail
            } else if let Some(comment) = comment_end(rest, self.dialect) {
                self.adjacent = false;
                comment
            } else if first == '\'' || (first == '"' && self.dialect == Dialect::Mysql) {
                self.string();
                after_quote(tail, first, self.dialect == Dialect::Mysql).1
            } else if first == '"' || first == '`' {
                let (name, tail) = after_quote(tail, first, false);
                self.identifier(&name.replace(&format!("{first}{first}"), &first.to_string()));
                tail
            } else if let Some(tail) = after_dollar(rest) {
                self.push(Lexeme::Value);
                tail
            } else if is_word_start(first) {
                let end = rest.find(|part| !is_word_part(part)).unwrap_or(rest.len());
                self.word(&rest[..end]);
                &rest[end..]
            } else if first.is_ascii_digit() {
                self.push(Lexeme::Value);
                rest.trim_start_matches(|part: char| part.is_ascii_alphanumeric() || part == '.')
            } else {
                self.punctuation(first);
                tail
            };
            self.adjacent = !rest.starts_with(char::is_whitespace);
        }
    }

    fn punctuation(&mut self, sign: char) {
        match sign {
            '(' => self.push(Lexeme::Open),
            ')' => self.push(Lexeme::Close),
            '[' => self.push(Lexeme::OpenBracket),
            ']' => self.push(Lexeme::CloseBracket),
            ',' => self.push(Lexeme::Comma),
            ';' => self.push(Lexeme::Semicolon),
            '?' | '$' => self.push(Lexeme::Value),
            '.' => self.dot(),
            sign => self.sign(sign),
        }
    }
}

fn is_word_start(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

fn is_word_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// What follows a comment at the beginning of `text`; `None` when there is none.
fn comment_end(text: &str, dialect: Dialect) -> Option<&str> {
    if let Some(comment) = text.strip_prefix("/*") {
        return Some(comment.find("*/").map_or("", |end| &comment[end + 2..]));
    }
    let to_end_of_line = text.starts_with("--") || (dialect == Dialect::Mysql && text.starts_with('#'));
    to_end_of_line.then(|| text.find('\n').map_or("", |end| &text[end..]))
}

/// The inside of a quotation whose opening quote has just been read, and what follows it.
fn after_quote(text: &str, quote: char, backslash_escapes: bool) -> (&str, &str) {
    let mut characters = text.char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        if backslash_escapes && character == '\\' {
            characters.next();
        } else if character == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return (&text[..offset], &text[offset + quote.len_utf8()..]);
        }
    }
    (text, "")
}

/// What follows `$1` or a dollar-quoted string at the beginning of `text`; `None` when there is neither.
fn after_dollar(text: &str) -> Option<&str> {
    let after = text.strip_prefix('$')?;
    if after.starts_with(|first: char| first.is_ascii_digit()) {
        return Some(after.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    }
    let tag_end = after.find('$').filter(|end| after[..*end].chars().all(is_word_part))?;
    let delimiter = &text[..tag_end + 2];
    let body = &text[delimiter.len()..];
    Some(body.find(delimiter).map_or("", |end| &body[end + delimiter.len()..]))
}

/// Whether a token is a quoted literal of any kind.
fn is_string(token: &Token) -> bool {
    matches!(
        token,
        Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::TripleSingleQuotedString(_)
            | Token::TripleDoubleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::DoubleQuotedByteStringLiteral(_)
            | Token::TripleSingleQuotedByteStringLiteral(_)
            | Token::TripleDoubleQuotedByteStringLiteral(_)
            | Token::SingleQuotedRawStringLiteral(_)
            | Token::DoubleQuotedRawStringLiteral(_)
            | Token::TripleSingleQuotedRawStringLiteral(_)
            | Token::TripleDoubleQuotedRawStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::QuoteDelimitedStringLiteral(_)
            | Token::NationalQuoteDelimitedStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::HexStringLiteral(_)
    )
}

/// Whether a word is a number after all, or a numbered placeholder.
fn is_number_or_placeholder(word: &str) -> bool {
    let is_digits = |prefix: &str, base: u32| {
        word.strip_prefix(prefix)
            .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(base)))
    };
    let decimal = || word.starts_with(|first: char| first.is_ascii_digit()) && word.parse::<f64>().is_ok();
    is_digits("0b", 2) || is_digits("0o", 8) || is_digits("$", 10) || decimal()
}

/// The name with every long run of digits written as `0`.
fn without_serials(name: &str) -> String {
    let mut shorter = String::with_capacity(name.len());
    let mut rest = name;
    while !rest.is_empty() {
        let text_end = rest.find(|part: char| part.is_ascii_digit()).unwrap_or(rest.len());
        let (text, from_digits) = rest.split_at(text_end);
        let digits_end = from_digits.find(|part: char| !part.is_ascii_digit()).unwrap_or(from_digits.len());
        let (digits, tail) = from_digits.split_at(digits_end);
        shorter.push_str(text);
        shorter.push_str(if digits.len() >= SERIAL_DIGITS { "0" } else { digits });
        rest = tail;
    }
    shorter
}
