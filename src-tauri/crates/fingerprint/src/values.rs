//! What belongs to a value becomes part of it: a sign, a cast, the name of a type in front, a second string. Values in
//! lists are not looked at here.

use crate::lexeme::Lexeme;
use crate::{Dialect, words};

/// Folds everything that belongs to one value.
pub(crate) fn fold<'a>(lexemes: &[Lexeme<'a>], dialect: Dialect) -> Vec<Lexeme<'a>> {
    let mut values = Values { folded: Vec::with_capacity(lexemes.len()), dialect, after_interval: false };
    let mut rest = lexemes;
    while let Some((first, tail)) = rest.split_first() {
        rest = match first {
            Lexeme::Value => {
                values.value();
                if values.after_interval { after_units(tail) } else { tail }
            }
            Lexeme::Cast if values.folded.last() == Some(&Lexeme::Value) => {
                after_type(tail).unwrap_or_else(|| {
                    values.folded.push(*first);
                    tail
                })
            }
            _ => {
                values.folded.push(*first);
                tail
            }
        };
    }
    take_off_loose_end(&mut values.folded);
    values.folded
}

/// Takes off what the end of a text leaves hanging.
pub(crate) fn take_off_loose_end(lexemes: &mut Vec<Lexeme<'_>>) {
    while matches!(lexemes.last(), Some(Lexeme::Semicolon | Lexeme::Comma)) {
        lexemes.pop();
    }
}

struct Values<'a> {
    folded: Vec<Lexeme<'a>>,
    dialect: Dialect,
    /// Whether the last value is an interval of PostgreSQL, which units may follow.
    after_interval: bool,
}

impl Values<'_> {
    /// Takes a value, and back what belongs to it.
    fn value(&mut self) {
        self.after_interval = false;
        loop {
            let length = self.folded.len();
            let taken_back = match self.folded.as_slice() {
                // Strings side by side are one.
                [.., Lexeme::Value] => return,
                // No operand follows another, so that this `?` is no operator either.
                [.., operand, Lexeme::Value, Lexeme::Operator("?")] if operand.ends_operand() => 1,
                [before @ .., Lexeme::Operator("-" | "+")]
                    if !before.last().is_some_and(Lexeme::ends_operand) =>
                {
                    1
                }
                [.., Lexeme::Value, Lexeme::Word("uescape")] => 1,
                lexemes => self.type_length(lexemes),
            };
            if taken_back == 0 {
                return self.folded.push(Lexeme::Value);
            }
            self.after_interval |= self.folded[length - taken_back].is_word("interval");
            self.folded.truncate(length - taken_back);
        }
    }

    /// Length of the type at the end of `lexemes` that makes a literal with the value after it: `date`,
    /// `interval (0)`, `timestamp with time zone`.
    fn type_length(&self, lexemes: &[Lexeme<'_>]) -> usize {
        let postgres = self.dialect == Dialect::Postgres;
        let (name, length) = match lexemes {
            [
                ..,
                name,
                Lexeme::Open,
                Lexeme::Value,
                Lexeme::Close,
                Lexeme::Word("with" | "without"),
                Lexeme::Word("time"),
                Lexeme::Word("zone"),
            ] if postgres => (name, 7),
            [.., name, Lexeme::Word("with" | "without"), Lexeme::Word("time"), Lexeme::Word("zone")]
                if postgres =>
            {
                (name, 4)
            }
            [.., Lexeme::Word("double"), Lexeme::Word("precision")] if postgres => return 2,
            [.., name, Lexeme::Open, Lexeme::Value, Lexeme::Close] if postgres => (name, 4),
            [.., name] => (name, 1),
            [] => return 0,
        };
        let is_column = lexemes.iter().nth_back(length) == Some(&Lexeme::Dot);
        let is_type = name.word().is_some_and(|name| {
            words::is_literal_type(name) || (postgres && words::is_postgres_literal_type(name))
        });
        if is_type && !is_column { length } else { 0 }
    }
}

/// What follows the units of an interval: `day`, `day to second (3)`.
fn after_units<'a, 'b>(lexemes: &'b [Lexeme<'a>]) -> &'b [Lexeme<'a>] {
    let after_unit = |lexemes: &'b [Lexeme<'a>]| match lexemes {
        [unit, Lexeme::Open, Lexeme::Value, Lexeme::Close, rest @ ..] if is_unit(unit) => Some(rest),
        [unit, rest @ ..] if is_unit(unit) => Some(rest),
        _ => None,
    };
    match after_unit(lexemes) {
        Some([to, rest @ ..]) if to.is_word("to") => after_unit(rest).unwrap_or(rest),
        Some(rest) => rest,
        None => lexemes,
    }
}

fn is_unit(lexeme: &Lexeme<'_>) -> bool {
    lexeme.word().is_some_and(words::is_interval_unit)
}

/// What follows the name of a type: `uuid`, `numeric(10, 2)`, `timestamp with time zone[]`; `None` when there is no
/// type.
pub(crate) fn after_type<'a, 'b>(lexemes: &'b [Lexeme<'a>]) -> Option<&'b [Lexeme<'a>]> {
    let (first, mut rest) = lexemes.split_first().filter(|(first, _)| first.is_name())?;
    while let [Lexeme::Dot, name, tail @ ..] = rest
        && name.is_name()
    {
        rest = tail;
    }
    rest = match (first.word(), rest) {
        (Some("double"), [Lexeme::Word("precision"), rest @ ..]) => rest,
        (Some("character" | "bit" | "char"), [Lexeme::Word("varying"), rest @ ..]) => rest,
        (Some("interval"), rest) => after_units(rest),
        _ => rest,
    };
    if let [Lexeme::Open, tail @ ..] = rest {
        let is_modifier =
            |part: &Lexeme<'_>| matches!(part, Lexeme::Value | Lexeme::Comma | Lexeme::Operator("-" | "+"));
        let end = tail.iter().position(|part| !is_modifier(part)).unwrap_or(tail.len());
        match &tail[end..] {
            [] => rest = &[],
            [Lexeme::Close, after @ ..] if end > 0 => rest = after,
            _ => {}
        }
    }
    if let (
        Some("time" | "timestamp"),
        [Lexeme::Word("with" | "without"), Lexeme::Word("time"), zone, after @ ..],
    ) = (first.word(), rest)
        && zone.is_word("zone")
    {
        rest = after;
    }
    loop {
        rest = match rest {
            [Lexeme::OpenBracket, Lexeme::CloseBracket, tail @ ..] => tail,
            [Lexeme::OpenBracket, Lexeme::Value, Lexeme::CloseBracket, tail @ ..] => tail,
            _ => return Some(rest),
        };
    }
}
