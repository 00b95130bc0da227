//! Lists of values become one value, rows that are alike become one row.

use crate::lexeme::Lexeme;
use crate::statements::group_end;
use crate::{values, words};

/// Deepest nesting of lists, and of `values` in `values`, that is folded; deeper ones stay as they are.
const MAX_DEPTH: usize = 32;

/// Most different rows of one `values` that are compared; more stay as they are.
const MAX_DIFFERENT_ROWS: usize = 16;

/// Folds the lists of a text.
pub(crate) fn fold<'a>(lexemes: &[Lexeme<'a>]) -> Vec<Lexeme<'a>> {
    let mut folded = Vec::with_capacity(lexemes.len() + 2);
    lists(lexemes, 0, &mut folded);
    values::take_off_loose_end(&mut folded);
    folded
}

/// A list of values is one value after `in`, `any`, `values` and within `array[]`; rows of `values` that are alike are
/// one.
fn lists<'a>(lexemes: &[Lexeme<'a>], depth: usize, folded: &mut Vec<Lexeme<'a>>) {
    let mut rest = lexemes;
    while let Some((first, tail)) = rest.split_first() {
        folded.push(*first);
        rest = match (first, tail.first()) {
            (Lexeme::Word("values" | "value"), Some(Lexeme::Open)) if depth < MAX_DEPTH => {
                rows(tail, depth, folded)
            }
            (Lexeme::Word("in" | "any" | "some"), Some(Lexeme::Open))
            | (Lexeme::Word("array"), Some(Lexeme::OpenBracket)) => match after_literals(tail, false) {
                Some(after) => {
                    literal_group(tail[0], folded);
                    after
                }
                None => tail,
            },
            // Some libraries put the parentheses in with the values.
            (Lexeme::Word("in"), Some(Lexeme::Value)) => {
                literal_group(Lexeme::Open, folded);
                &tail[1..]
            }
            _ => tail,
        };
    }
}

/// Folds the rows at the beginning of `lexemes` and returns what follows them.
fn rows<'a, 'b>(lexemes: &'b [Lexeme<'a>], depth: usize, folded: &mut Vec<Lexeme<'a>>) -> &'b [Lexeme<'a>] {
    let begin = folded.len();
    // Where the different rows are within `folded`.
    let mut seen: Vec<(usize, usize)> = Vec::new();
    let mut rest = lexemes;
    loop {
        if !seen.is_empty() {
            folded.push(Lexeme::Comma);
        }
        let from = folded.len();
        let (complete, after) = row(rest, depth, folded);
        let is_known = seen.iter().any(|(start, end)| folded[*start..*end] == folded[from..]);
        // A row that was cut off says nothing that the rows before it have not said.
        if is_known || !(complete || seen.is_empty()) {
            folded.truncate(from - 1);
        } else if seen.len() < MAX_DIFFERENT_ROWS {
            seen.push((from, folded.len()));
        }
        match after {
            [Lexeme::Comma] => return &[],
            [Lexeme::Comma, Lexeme::Open, ..] => rest = &after[1..],
            after => {
                debug_assert!(folded.len() > begin, "there is a row");
                return after;
            }
        }
    }
}

/// Folds the row at the beginning of `lexemes`; says whether it ends, and what follows it.
fn row<'a, 'b>(
    lexemes: &'b [Lexeme<'a>],
    depth: usize,
    folded: &mut Vec<Lexeme<'a>>,
) -> (bool, &'b [Lexeme<'a>]) {
    if let Some(after) = after_literals(lexemes, true) {
        literal_group(Lexeme::Open, folded);
        return (true, after);
    }
    let end = group_end(lexemes);
    let (row, after) = lexemes.split_at(end.unwrap_or(lexemes.len()));
    lists(row, depth + 1, folded);
    (end.is_some(), after)
}

/// `(?)` or `[?]`.
fn literal_group<'a>(open: Lexeme<'a>, folded: &mut Vec<Lexeme<'a>>) {
    let close = if open == Lexeme::Open { Lexeme::Close } else { Lexeme::CloseBracket };
    folded.extend([open, Lexeme::Value, close]);
}

/// What follows a group in parentheses or brackets that holds literals and nothing else; `None` when it holds anything
/// else. A group that was cut off ends with the text. In the rows of `values` what the server fills in is a literal too:
/// `default`, `now()`; an array is none.
fn after_literals<'a, 'b>(lexemes: &'b [Lexeme<'a>], in_row: bool) -> Option<&'b [Lexeme<'a>]> {
    let (mut depth, mut has_value) = (0_usize, false);
    let mut rest = lexemes;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            // Deeper ones would be gone through once for each level.
            Lexeme::Open | Lexeme::OpenBracket if depth == MAX_DEPTH => return None,
            Lexeme::Open | Lexeme::OpenBracket => depth += 1,
            Lexeme::Close | Lexeme::CloseBracket => depth = depth.saturating_sub(1),
            Lexeme::Value => has_value = true,
            Lexeme::Comma | Lexeme::Operator("-" | "+" | "*" | "/") => {}
            Lexeme::Cast => rest = values::after_type(tail)?,
            Lexeme::Word("array" | "row") if !in_row => {}
            Lexeme::Word(word) if in_row => {
                rest = after_value_of_server(word, tail)?;
                has_value = true;
            }
            _ => return None,
        }
        if depth == 0 {
            break;
        }
    }
    has_value.then_some(rest)
}

/// What follows `default`, `now()` or `current_timestamp(6)`, of which `word` is the beginning.
fn after_value_of_server<'a, 'b>(word: &str, rest: &'b [Lexeme<'a>]) -> Option<&'b [Lexeme<'a>]> {
    match rest {
        [Lexeme::Open, Lexeme::Close, after @ ..] if !words::is_reserved(word) => Some(after),
        [Lexeme::Open, Lexeme::Value, Lexeme::Close, after @ ..] if tells_time(word) => Some(after),
        _ => words::is_value_of_server(word).then_some(rest),
    }
}

/// Functions whose only argument is the precision.
fn tells_time(word: &str) -> bool {
    matches!(word, "current_time" | "current_timestamp" | "localtime" | "localtimestamp" | "now" | "sysdate")
        || matches!(word, "utc_time" | "utc_timestamp")
}
