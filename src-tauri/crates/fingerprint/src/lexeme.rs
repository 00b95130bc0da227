//! The smallest part of a statement. Lexemes borrow from the lower-cased text; nothing is known here of their order.

use crate::words;

/// The smallest part of a normalised statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lexeme<'a> {
    /// A literal or placeholder.
    Value,
    /// A keyword or an identifier that needs no quotes, lower case.
    Word(&'a str),
    /// An identifier that needs its quotes: what stands between them, quotes in it still doubled.
    Quoted(&'a str),
    /// An operator or any other sign.
    Operator(&'a str),
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

impl<'a> Lexeme<'a> {
    /// The word, if it is one.
    pub(crate) fn word(&self) -> Option<&'a str> {
        match *self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether it is the word `wanted`.
    pub(crate) fn is_word(&self, wanted: &str) -> bool {
        matches!(self, Self::Word(word) if *word == wanted)
    }

    /// Whether it is a name or keyword, quoted or not.
    pub(crate) fn is_name(&self) -> bool {
        matches!(self, Self::Word(_) | Self::Quoted(_))
    }

    /// Whether it is the operator `sign`.
    pub(crate) fn is_operator(&self, sign: &str) -> bool {
        matches!(self, Self::Operator(operator) if *operator == sign)
    }

    /// Whether a value ends here, so that a sign after it is an operator between two values.
    pub(crate) fn ends_operand(&self) -> bool {
        match self {
            Self::Value | Self::Quoted(_) | Self::Close | Self::CloseBracket => true,
            Self::Word(word) => !words::is_reserved(word) || *word == "end",
            _ => false,
        }
    }

    /// Most bytes that it takes in the normalised text, with the space before it and with what folding may put beside
    /// it (`in ?` becomes `in (?)`, `release x` becomes `release savepoint ?`).
    pub(crate) fn longest_spelling(&self) -> usize {
        match self {
            Self::Value => 4,
            Self::Word(text) | Self::Operator(text) => text.len() + 1,
            Self::Quoted(name) => name.len() + 3,
            Self::Cast => 3,
            Self::Semicolon => 2 + " savepoint".len(),
            _ => 2,
        }
    }
}
