//! Names, words, literals and signs of a condition or statement, as far as looking for columns and aliases needs them. Not
//! a parser.

/// Words that are no table's name where one is looked for.
const KEYWORDS: &[&str] = &[
    "and",
    "as",
    "between",
    "by",
    "cross",
    "exists",
    "for",
    "from",
    "group",
    "having",
    "in",
    "inner",
    "is",
    "join",
    "left",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "on",
    "or",
    "order",
    "outer",
    "right",
    "select",
    "straight_join",
    "union",
    "using",
    "where",
    "with",
];

/// One part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// A name or word, without its quotes.
    Name(String),
    /// A string or number; which one is nobody's business.
    Literal,
    /// Any other sign.
    Sign(char),
}

impl Term {
    /// Whether it is this word, in any case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Name(name) if name.eq_ignore_ascii_case(word))
    }

    /// Whether it is a word that is no table's name.
    pub(super) fn is_keyword(&self) -> bool {
        KEYWORDS.iter().any(|word| self.is_word(word))
    }
}

/// The parts of a text, blanks left out.
pub(super) fn terms(text: &str) -> Vec<Term> {
    let mut found = Vec::new();
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            _ if sign.is_whitespace() => {}
            '`' => found.push(Term::Name(quoted(&mut signs, '`'))),
            '\'' | '"' => {
                quoted(&mut signs, sign);
                found.push(Term::Literal);
            }
            _ if sign.is_ascii_digit() => {
                while signs.next_if(|next| next.is_ascii_alphanumeric() || *next == '.').is_some() {}
                found.push(Term::Literal);
            }
            _ if sign.is_alphabetic() || sign == '_' || sign == '$' => {
                let mut name = String::from(sign);
                while let Some(next) =
                    signs.next_if(|next| next.is_alphanumeric() || matches!(next, '_' | '$'))
                {
                    name.push(next);
                }
                found.push(Term::Name(name));
            }
            _ => found.push(Term::Sign(sign)),
        }
    }
    found
}

/// What stands up to the closing quote, doubled quotes being one; strings know the backslash too.
fn quoted(signs: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) -> String {
    let mut inner = String::new();
    while let Some(sign) = signs.next() {
        if sign == '\\' && quote != '`' {
            signs.next();
        } else if sign == quote {
            if signs.next_if_eq(&quote).is_none() {
                break;
            }
            inner.push(quote);
        } else {
            inner.push(sign);
        }
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fall_into_terms() {
        let name = |text: &str| Term::Name(text.to_owned());
        assert_eq!(
            terms(r#"`a``b`.c = 'it''s \' all' and d<>1.5e3 and "x" "#),
            [
                name("a`b"),
                Term::Sign('.'),
                name("c"),
                Term::Sign('='),
                Term::Literal,
                name("and"),
                name("d"),
                Term::Sign('<'),
                Term::Sign('>'),
                Term::Literal,
                name("and"),
                Term::Literal,
            ]
        );
    }
}
