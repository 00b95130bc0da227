//! Statements that name something which the driver made up (savepoints, prepared statements, cursors), or whose
//! arguments are no part of them (`call`, `set`): such names and arguments are values.

use crate::lexeme::Lexeme;
use crate::{Dialect, words};

/// Most lexemes between `declare name` and `cursor`.
const MAX_CURSOR_OPTIONS: usize = 6;

/// Rewrites every statement that is one of these; `None` when there is none.
pub(crate) fn fold<'a>(lexemes: &[Lexeme<'a>], dialect: Dialect) -> Option<Vec<Lexeme<'a>>> {
    let is_separator = |lexeme: &Lexeme<'_>| *lexeme == Lexeme::Semicolon;
    if !lexemes.split(is_separator).any(is_rewritten) {
        return None;
    }
    let mut folded = Vec::with_capacity(lexemes.len() + 1);
    for (at, statement) in lexemes.split(is_separator).enumerate() {
        if at > 0 {
            folded.push(Lexeme::Semicolon);
        }
        rewrite(statement, dialect, &mut folded);
    }
    Some(folded)
}

fn is_rewritten(statement: &[Lexeme<'_>]) -> bool {
    let word = statement.first().and_then(Lexeme::word);
    word.is_some_and(|word| {
        matches!(word, "call" | "close" | "deallocate" | "declare" | "execute" | "fetch" | "move" | "prepare")
            || matches!(word, "release" | "rollback" | "savepoint" | "set" | "unlisten" | "use")
    })
}

fn rewrite<'a>(statement: &[Lexeme<'a>], dialect: Dialect, folded: &mut Vec<Lexeme<'a>>) {
    let Some((first, rest)) = statement.split_first() else { return };
    let rest_after_name = match first.word() {
        Some("savepoint") => named(rest, folded, &[*first]),
        Some("close") => named(rest, folded, &[*first]),
        Some("use") if dialect == Dialect::Mysql => named(rest, folded, &[*first]),
        Some("unlisten") => match rest {
            [star, after @ ..] if star.is_operator("*") => {
                folded.extend([*first, Lexeme::Value]);
                Some(after)
            }
            _ => named(rest, folded, &[*first]),
        },
        Some("deallocate") => named(without_keyword(rest, "prepare"), folded, &[*first]),
        Some("release") => match without_keyword(rest, "savepoint") {
            [savepoint] if savepoint.is_word("savepoint") => None,
            rest => named(rest, folded, &[*first, Lexeme::Word("savepoint")]),
        },
        Some("rollback") => rollback(rest, folded),
        Some("prepare") => match rest {
            [transaction, ..] if transaction.is_word("transaction") => None,
            [_, next, ..] if next.is_word("as") || next.is_word("from") || *next == Lexeme::Open => {
                named(rest, folded, &[*first])
            }
            _ => None,
        },
        Some("declare") => {
            let is_cursor =
                rest.iter().take(MAX_CURSOR_OPTIONS).skip(1).any(|option| option.is_word("cursor"));
            if is_cursor { named(rest, folded, &[*first]) } else { None }
        }
        Some("fetch" | "move") => fetched(*first, rest, folded),
        Some("execute") => {
            let after = named(rest, folded, &[*first]);
            after.map(|after| arguments_passed(after, &mut Vec::new()))
        }
        Some("call") => {
            folded.push(*first);
            Some(called(rest, folded))
        }
        Some("set") if dialect == Dialect::Postgres => set(rest, folded),
        _ => None,
    };
    match rest_after_name {
        Some(rest) => folded.extend_from_slice(rest),
        None => folded.extend_from_slice(statement),
    }
}

/// Whether it may stand for a name: the name itself, or the value that it became.
fn is_named(lexeme: &Lexeme<'_>) -> bool {
    *lexeme == Lexeme::Value || is_made_up(lexeme)
}

/// Whether it may be a name that a driver made up, or `all`.
fn is_made_up(lexeme: &Lexeme<'_>) -> bool {
    lexeme.is_name() && !lexeme.word().is_some_and(|word| words::is_reserved(word) && word != "all")
}

/// Writes `before` and a value for the name, qualified or not, that `rest` begins with, and returns what follows; `None`, and nothing
/// written, when it begins with none.
fn named<'a, 'b>(
    rest: &'b [Lexeme<'a>],
    folded: &mut Vec<Lexeme<'a>>,
    before: &[Lexeme<'a>],
) -> Option<&'b [Lexeme<'a>]> {
    let (name, mut after) = rest.split_first().filter(|(name, _)| is_named(name))?;
    while name.is_name()
        && let [Lexeme::Dot, part, tail @ ..] = after
        && part.is_name()
    {
        after = tail;
    }
    // Values beside it become one with it.
    while let [Lexeme::Value, tail @ ..] = after {
        after = tail;
    }
    folded.extend_from_slice(before);
    folded.push(Lexeme::Value);
    Some(after)
}

/// `rest` without the keyword in front of a name.
fn without_keyword<'a, 'b>(rest: &'b [Lexeme<'a>], keyword: &str) -> &'b [Lexeme<'a>] {
    match rest {
        [first, name, ..] if first.is_word(keyword) && is_named(name) => &rest[1..],
        _ => rest,
    }
}

/// `rollback [work] to [savepoint] name`.
fn rollback<'a, 'b>(rest: &'b [Lexeme<'a>], folded: &mut Vec<Lexeme<'a>>) -> Option<&'b [Lexeme<'a>]> {
    let rest = match rest {
        [work, rest @ ..] if work.is_word("work") || work.is_word("transaction") => rest,
        rest => rest,
    };
    let (_, rest) = rest.split_first().filter(|(to, _)| to.is_word("to"))?;
    let rest = without_keyword(rest, "savepoint");
    if matches!(rest, [savepoint] if savepoint.is_word("savepoint")) {
        return None;
    }
    named(rest, folded, &["rollback", "to", "savepoint"].map(Lexeme::Word))
}

/// `fetch [options] [from | in] name`.
fn fetched<'a, 'b>(
    first: Lexeme<'a>,
    rest: &'b [Lexeme<'a>],
    folded: &mut Vec<Lexeme<'a>>,
) -> Option<&'b [Lexeme<'a>]> {
    let (_, options) = rest.split_last().filter(|(name, _)| is_made_up(name))?;
    folded.push(first);
    match options {
        [options @ .., Lexeme::Word("in")] => {
            folded.extend_from_slice(options);
            folded.push(Lexeme::Word("from"));
        }
        options => folded.extend_from_slice(options),
    }
    folded.push(Lexeme::Value);
    Some(&[])
}

/// Copies the name of what is called, without its arguments, and returns what follows.
fn called<'a, 'b>(mut rest: &'b [Lexeme<'a>], folded: &mut Vec<Lexeme<'a>>) -> &'b [Lexeme<'a>] {
    if let Some((name, after)) = rest.split_first().filter(|(name, _)| is_made_up(name)) {
        folded.push(*name);
        rest = arguments_passed(after, folded);
    }
    rest
}

/// What follows arguments and further parts of a name, which are copied. Arguments that read tables are not passed.
fn arguments_passed<'a, 'b>(mut rest: &'b [Lexeme<'a>], folded: &mut Vec<Lexeme<'a>>) -> &'b [Lexeme<'a>] {
    loop {
        rest = match rest {
            [Lexeme::Open, ..] => {
                let end = group_end(rest).unwrap_or(rest.len());
                if rest[..end].iter().any(|lexeme| lexeme.is_word("select")) {
                    return rest;
                }
                &rest[end..]
            }
            [Lexeme::Dot, name, after @ ..] if name.is_name() => {
                folded.extend([Lexeme::Dot, *name]);
                after
            }
            _ => return rest,
        }
    }
}

/// `set [session | local] name = …`, `set time zone …`, `set role …`, `set session authorization …`: all that comes is
/// the value.
fn set<'a, 'b>(rest: &'b [Lexeme<'a>], folded: &mut Vec<Lexeme<'a>>) -> Option<&'b [Lexeme<'a>]> {
    let scope = match rest {
        [scope, ..] if scope.is_word("session") || scope.is_word("local") => 1,
        _ => 0,
    };
    let mut name = 1;
    let is_setting = match &rest[scope..] {
        [role, ..] if role.is_word("role") || (scope == 1 && role.is_word("authorization")) => false,
        [time, zone, ..] if time.is_word("time") && zone.is_word("zone") => {
            name = 2;
            false
        }
        parts => {
            while let [dot, part, ..] = parts.get(name..).unwrap_or_default()
                && *dot == Lexeme::Dot
                && part.is_name()
            {
                name += 2;
            }
            let assigned = parts.get(name).is_some_and(|sign| sign.is_operator("=") || sign.is_word("to"));
            if !assigned || !parts[0].is_name() {
                return None;
            }
            true
        }
    };
    folded.push(Lexeme::Word("set"));
    folded.extend_from_slice(&rest[..scope + name]);
    if is_setting {
        folded.push(Lexeme::Operator("="));
    }
    folded.push(Lexeme::Value);
    Some(&[])
}

/// Length of the group in parentheses at the beginning of `lexemes`; `None` when it was cut off.
pub(crate) fn group_end(lexemes: &[Lexeme<'_>]) -> Option<usize> {
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
