//! Our lexer held against sqlparser's tokenizer: a statement written anew from its tokens, literals as `?`, is the same
//! statement. Texts that its tokenizer gives up on say nothing.

mod corpus;

use faultline_fingerprint::{Dialect, normalise};
use sqlparser::dialect::{Dialect as SqlDialect, MySqlDialect, PostgreSqlDialect};
use sqlparser::tokenizer::{Token, Tokenizer};

/// The statement from its tokens; `None` where the tokenizer gives up.
fn written_anew(sql: &str, dialect: &dyn SqlDialect) -> Option<String> {
    let tokens = Tokenizer::new(dialect, sql).with_unescape(false).tokenize().ok()?;
    Some(
        tokens
            .iter()
            .map(|token| match token {
                Token::Whitespace(_) => " ".to_owned(),
                Token::Number(..)
                | Token::SingleQuotedString(_)
                | Token::DoubleQuotedString(_)
                | Token::DollarQuotedString(_)
                | Token::SingleQuotedByteStringLiteral(_)
                | Token::NationalStringLiteral(_)
                | Token::EscapedStringLiteral(_)
                | Token::UnicodeStringLiteral(_)
                | Token::HexStringLiteral(_) => " ? ".to_owned(),
                token => token.to_string(),
            })
            .collect(),
    )
}

#[test]
fn tokens_are_those_of_sqlparser() {
    let sets: [(Dialect, &dyn SqlDialect, Vec<&str>); 2] = [
        (Dialect::Postgres, &PostgreSqlDialect {}, corpus::postgres_statements()),
        (Dialect::Mysql, &MySqlDialect {}, corpus::mysql_statements()),
    ];
    for (ours, theirs, statements) in sets {
        let mut compared = 0;
        for sql in &statements {
            if let Some(anew) = written_anew(sql, theirs) {
                assert_eq!(
                    normalise(sql, ours),
                    normalise(&anew, ours),
                    "{ours:?}: {sql}\nwritten anew: {anew}"
                );
                compared += 1;
            }
        }
        assert!(
            compared * 10 >= statements.len() * 9,
            "{ours:?}: {compared} of {} compared",
            statements.len()
        );
    }
}
