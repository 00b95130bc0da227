//! Lexemes → text with one spacing, which reads back as the same lexemes.

use crate::lex::Lexeme;
use crate::{Dialect, words};

/// Writes lexemes as text.
pub(crate) fn render(lexemes: &[Lexeme], dialect: Dialect) -> String {
    let mut text = String::with_capacity(lexemes.len() * 8);
    for at in 0..lexemes.len() {
        if at > 0 && needs_space(lexemes, at) {
            text.push(' ');
        }
        write(&lexemes[at], dialect, &mut text);
    }
    text
}

fn write(lexeme: &Lexeme, dialect: Dialect, text: &mut String) {
    match lexeme {
        Lexeme::Value => text.push('?'),
        Lexeme::Word(word) | Lexeme::Operator(word) => text.push_str(word),
        Lexeme::Quoted(name) => {
            let quote = if dialect == Dialect::Postgres { '"' } else { '`' };
            text.push(quote);
            for character in name.chars() {
                if character == quote {
                    text.push(quote);
                }
                text.push(character);
            }
            text.push(quote);
        }
        Lexeme::Open => text.push('('),
        Lexeme::Close => text.push(')'),
        Lexeme::OpenBracket => text.push('['),
        Lexeme::CloseBracket => text.push(']'),
        Lexeme::Comma => text.push(','),
        Lexeme::Dot => text.push('.'),
        Lexeme::Cast => text.push_str("::"),
        Lexeme::Semicolon => text.push(';'),
    }
}

/// Whether a space stands between the lexeme at `at` and the one before it.
fn needs_space(lexemes: &[Lexeme], at: usize) -> bool {
    let (before, lexeme) = (&lexemes[at - 1], &lexemes[at]);
    match (before, lexeme) {
        // MySQL reads `@` and what touches it as one name.
        (before, _) if before.is_operator("@") => true,
        (_, Lexeme::Comma | Lexeme::Close | Lexeme::CloseBracket | Lexeme::Semicolon) => false,
        (Lexeme::Open | Lexeme::OpenBracket, _) => false,
        (before, Lexeme::Dot) => !is_qualifier(before),
        (Lexeme::Dot, lexeme) => !(at >= 2 && is_qualified(&lexemes[at - 2], lexeme)),
        (before, Lexeme::Cast) => !ends_name_or_value(before),
        (Lexeme::Cast, lexeme) => !lexeme.is_name(),
        (before, Lexeme::OpenBracket) => !ends_name_or_value(before),
        (before, Lexeme::Open) => !is_called(lexemes, at, before),
        _ => true,
    }
}

/// Whether a dot may follow at once. After a value it would become part of a number.
fn is_qualifier(lexeme: &Lexeme) -> bool {
    lexeme.is_name() || matches!(lexeme, Lexeme::Close | Lexeme::CloseBracket)
}

/// Whether `lexeme` may follow at once on the dot after `qualifier`. A name of MySQL may begin with a digit, which would
/// make a number of dot and name where no name is before it.
fn is_qualified(qualifier: &Lexeme, lexeme: &Lexeme) -> bool {
    let like_number =
        lexeme.word().is_some_and(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    is_qualifier(qualifier)
        && (lexeme.is_name() || lexeme.is_operator("*"))
        && (qualifier.is_name() || !like_number)
}

fn ends_name_or_value(lexeme: &Lexeme) -> bool {
    lexeme.is_name() || matches!(lexeme, Lexeme::Value | Lexeme::Close | Lexeme::CloseBracket)
}

/// Whether the parenthesis at `at` opens the arguments of a function named just before it.
fn is_called(lexemes: &[Lexeme], at: usize, name: &Lexeme) -> bool {
    if !name.is_name() || name.word().is_some_and(words::is_reserved) {
        return false;
    }
    let mut first = at - 1;
    while first >= 2 && lexemes[first - 1] == Lexeme::Dot && lexemes[first - 2].is_name() {
        first -= 2;
    }
    let is_table = first > 0 && lexemes[first - 1].word().is_some_and(words::precedes_table);
    !is_table
}
