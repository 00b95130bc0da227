//! Lexemes → fewer lexemes: what stands for a value becomes one value, lists of values become one value, rows that
//! are alike become one row.

use std::collections::HashSet;

use crate::lex::Lexeme;
use crate::words;

/// Deepest nesting of `values` in `values` that is folded; deeper ones stay as they are.
const MAX_DEPTH: usize = 32;

/// Folds everything that stands for values.
pub(crate) fn fold(lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    let values = signs(casts(names_of_savepoints(constants(lexemes))));
    let mut folded = Vec::with_capacity(values.len());
    lists(&values, 0, &mut folded);
    while matches!(folded.last(), Some(Lexeme::Semicolon | Lexeme::Comma)) {
        folded.pop();
    }
    folded
}

/// `null`, `true` and `false` are values, unless they are syntax: `is null`, `not null`, `on delete set null`.
fn constants(mut lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    for at in 0..lexemes.len() {
        let constant = matches!(lexemes[at].word(), Some("null" | "true" | "false"));
        let before = at.checked_sub(1).map(|before| &lexemes[before]);
        let part_of_name = before == Some(&Lexeme::Dot);
        let syntax = before.and_then(Lexeme::word).is_some_and(words::makes_constant_syntax);
        if constant && !part_of_name && !syntax {
            lexemes[at] = Lexeme::Value;
        }
    }
    lexemes
}

/// The name of a savepoint is made up by the driver: `savepoint ?`, `release savepoint ?`, `rollback to savepoint ?`.
fn names_of_savepoints(mut lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    let position = lexemes.iter().take(4).position(|lexeme| lexeme.word() == Some("savepoint"));
    let starts = lexemes.first().and_then(Lexeme::word);
    let is_savepoint = match position {
        Some(0) => true,
        Some(_) => matches!(starts, Some("release" | "rollback")),
        None => false,
    };
    if let (true, Some(position)) = (is_savepoint, position)
        && let Some(name) = lexemes.get_mut(position + 1).filter(|name| name.is_name())
    {
        *name = Lexeme::Value;
    }
    lexemes
}

/// A value with a cast is a value: `$1::uuid`, `'1'::numeric(10, 2)`, `?::timestamp with time zone[]`.
fn casts(lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    let mut folded: Vec<Lexeme> = Vec::with_capacity(lexemes.len());
    let mut rest = lexemes.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        if *first == Lexeme::Cast
            && folded.last() == Some(&Lexeme::Value)
            && let Some(after) = after_type(tail)
        {
            rest = after;
            continue;
        }
        folded.push(first.clone());
        rest = tail;
    }
    folded
}

/// What follows the name of a type; `None` when there is no type.
fn after_type(lexemes: &[Lexeme]) -> Option<&[Lexeme]> {
    let (first, mut rest) = lexemes.split_first().filter(|(first, _)| first.is_name())?;
    while let [Lexeme::Dot, name, tail @ ..] = rest
        && name.is_name()
    {
        rest = tail;
    }
    let of_several_words: &[&[&str]] = match first.word() {
        Some("double") => &[&["precision"]],
        Some("character" | "bit" | "char") => &[&["varying"]],
        _ => &[],
    };
    rest = after_words(rest, of_several_words);
    if let [Lexeme::Open, tail @ ..] = rest {
        let end = tail.iter().position(|part| !matches!(part, Lexeme::Value | Lexeme::Comma))?;
        if end > 0 && tail[end] == Lexeme::Close {
            rest = &tail[end + 1..];
        }
    }
    if matches!(first.word(), Some("time" | "timestamp")) {
        rest = after_words(rest, &[&["with", "time", "zone"], &["without", "time", "zone"]]);
    }
    loop {
        rest = match rest {
            [Lexeme::OpenBracket, Lexeme::CloseBracket, tail @ ..] => tail,
            [Lexeme::OpenBracket, Lexeme::Value, Lexeme::CloseBracket, tail @ ..] => tail,
            _ => return Some(rest),
        };
    }
}

/// What follows one of the given sequences of words, or everything when none is there.
fn after_words<'a>(lexemes: &'a [Lexeme], sequences: &[&[&str]]) -> &'a [Lexeme] {
    let is_there = |words: &&&[&str]| {
        lexemes.len() >= words.len()
            && words.iter().zip(lexemes).all(|(word, lexeme)| lexeme.word() == Some(*word))
    };
    sequences.iter().find(is_there).map_or(lexemes, |words| &lexemes[words.len()..])
}

/// A value with a sign is a value: `= -5`, `(+1`. Between two operands the sign is an operator and stays.
fn signs(lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    let mut folded: Vec<Lexeme> = Vec::with_capacity(lexemes.len());
    for lexeme in lexemes {
        if lexeme == Lexeme::Value {
            while let [before @ .., sign] = folded.as_slice()
                && (sign.is_operator("-") || sign.is_operator("+"))
                && !before.last().is_some_and(Lexeme::ends_operand)
            {
                folded.pop();
            }
        }
        folded.push(lexeme);
    }
    folded
}

/// A list of values is one value after `in`, `values` and within `array[]`; rows of `values` that are alike are one.
fn lists(lexemes: &[Lexeme], depth: usize, folded: &mut Vec<Lexeme>) {
    let mut rest = lexemes;
    while let Some((first, tail)) = rest.split_first() {
        folded.push(first.clone());
        rest = match (first.word(), tail.first()) {
            (Some("values" | "value"), Some(Lexeme::Open)) if depth < MAX_DEPTH => rows(tail, depth, folded),
            (Some("in"), Some(Lexeme::Open)) | (Some("array"), Some(Lexeme::OpenBracket)) => {
                match after_literals(tail) {
                    Some(after) => {
                        literal_group(&tail[0], folded);
                        after
                    }
                    None => tail,
                }
            }
            _ => tail,
        };
    }
}

/// Folds the rows at the beginning of `lexemes` and returns what follows them.
fn rows<'a>(lexemes: &'a [Lexeme], depth: usize, folded: &mut Vec<Lexeme>) -> &'a [Lexeme] {
    let mut seen: HashSet<Vec<Lexeme>> = HashSet::new();
    let mut rest = lexemes;
    loop {
        let (row, complete, after) = row(rest, depth);
        // A row that was cut off says nothing that the rows before it have not said.
        if (complete || seen.is_empty()) && !seen.contains(&row) {
            if !seen.is_empty() {
                folded.push(Lexeme::Comma);
            }
            folded.extend(row.iter().cloned());
            seen.insert(row);
        }
        match after {
            [Lexeme::Comma] => return &[],
            [Lexeme::Comma, from_row @ ..] if from_row[0] == Lexeme::Open => rest = from_row,
            after => return after,
        }
    }
}

/// The row at the beginning of `lexemes`, folded; whether it ends; and what follows it.
fn row(lexemes: &[Lexeme], depth: usize) -> (Vec<Lexeme>, bool, &[Lexeme]) {
    let mut row = Vec::new();
    if let Some(after) = after_literals(lexemes) {
        literal_group(&Lexeme::Open, &mut row);
        return (row, true, after);
    }
    let end = group_end(lexemes);
    lists(&lexemes[..end.unwrap_or(lexemes.len())], depth + 1, &mut row);
    (row, end.is_some(), &lexemes[end.unwrap_or(lexemes.len())..])
}

/// `(?)` or `[?]`.
fn literal_group(open: &Lexeme, folded: &mut Vec<Lexeme>) {
    let close = if *open == Lexeme::Open { Lexeme::Close } else { Lexeme::CloseBracket };
    folded.extend([open.clone(), Lexeme::Value, close]);
}

/// Length of the group in parentheses at the beginning of `lexemes`; `None` when it was cut off.
fn group_end(lexemes: &[Lexeme]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, lexeme) in lexemes.iter().enumerate() {
        match lexeme {
            Lexeme::Open => depth += 1,
            Lexeme::Close => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// What follows a group in parentheses or brackets that holds literals and nothing else; `None` when it holds anything
/// else. A group that was cut off ends with the text.
fn after_literals(lexemes: &[Lexeme]) -> Option<&[Lexeme]> {
    let (mut depth, mut has_value) = (0_usize, false);
    let mut rest = lexemes;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            Lexeme::Open | Lexeme::OpenBracket => depth += 1,
            Lexeme::Close | Lexeme::CloseBracket => depth = depth.saturating_sub(1),
            Lexeme::Value => has_value = true,
            Lexeme::Comma => {}
            Lexeme::Cast => rest = after_type(tail)?,
            Lexeme::Operator(sign) if matches!(sign.as_str(), "-" | "+" | "*" | "/") => {}
            Lexeme::Word(word) if word == "default" => has_value = true,
            Lexeme::Word(word) if word == "array" || word == "row" => {}
            Lexeme::Word(word) if words::is_literal_type(word) && tail.first() == Some(&Lexeme::Value) => {}
            _ => return None,
        }
        if depth == 0 {
            break;
        }
    }
    has_value.then_some(rest)
}
