//! Lexemes → text with one spacing, which reads back as the same lexemes.

use crate::lexeme::Lexeme;
use crate::{Dialect, words};

/// Writes lexemes as text.
pub(crate) fn render(lexemes: &[Lexeme<'_>], dialect: Dialect) -> String {
    let mut text = String::with_capacity(lexemes.iter().map(Lexeme::longest_spelling).sum());
    for (at, lexeme) in lexemes.iter().enumerate() {
        if at > 0 && needs_space(lexemes, at) {
            text.push(' ');
        }
        write(lexeme, dialect, &mut text);
    }
    text
}

fn write(lexeme: &Lexeme<'_>, dialect: Dialect, text: &mut String) {
    match lexeme {
        Lexeme::Value => text.push('?'),
        Lexeme::Word(word) | Lexeme::Operator(word) => text.push_str(word),
        Lexeme::Quoted(name) => {
            let quote = if dialect == Dialect::Postgres { '"' } else { '`' };
            text.push(quote);
            text.push_str(name);
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
fn needs_space(lexemes: &[Lexeme<'_>], at: usize) -> bool {
    let (before, lexeme) = (&lexemes[at - 1], &lexemes[at]);
    match (before, lexeme) {
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
fn is_qualifier(lexeme: &Lexeme<'_>) -> bool {
    lexeme.is_name() || matches!(lexeme, Lexeme::Close | Lexeme::CloseBracket)
}

/// Whether `lexeme` may follow at once on the dot after `qualifier`. A name of MySQL may begin with a digit, which would
/// make a number of dot and name where no name is before it.
fn is_qualified(qualifier: &Lexeme<'_>, lexeme: &Lexeme<'_>) -> bool {
    let like_number =
        lexeme.word().is_some_and(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    is_qualifier(qualifier)
        && (lexeme.is_name() || lexeme.is_operator("*"))
        && (qualifier.is_name() || !like_number)
}

fn ends_name_or_value(lexeme: &Lexeme<'_>) -> bool {
    lexeme.is_name() || matches!(lexeme, Lexeme::Value | Lexeme::Close | Lexeme::CloseBracket)
}

/// Whether the parenthesis at `at` opens the arguments of a function named just before it.
fn is_called(lexemes: &[Lexeme<'_>], at: usize, name: &Lexeme<'_>) -> bool {
    let is_no_function = |word| words::is_reserved(word) || words::takes_no_arguments(word);
    if !name.is_name() || name.word().is_some_and(is_no_function) {
        return false;
    }
    let mut first = at - 1;
    while first >= 2 && lexemes[first - 1] == Lexeme::Dot && lexemes[first - 2].is_name() {
        first -= 2;
    }
    let is_table = first > 0 && lexemes[first - 1].word().is_some_and(words::precedes_table);
    !is_table
}
