//! An expression as it is evaluated.

use super::selector::Selector;

/// A part of an expression, with its parts.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Number(f64),
    /// The newest value of each series.
    Select(Selector),
    /// How fast each series grows over a range.
    Rate {
        how: Growth,
        selector: Selector,
        range_s: f64,
    },
    Aggregate {
        how: Aggregation,
        keep: Option<Grouping>,
        of: Box<Node>,
    },
    Arithmetic {
        operator: Operator,
        left: Box<Node>,
        right: Box<Node>,
        matching: Matching,
    },
    Or {
        left: Box<Node>,
        right: Box<Node>,
        matching: Matching,
    },
    Negative(Box<Node>),
    /// `vector(scalar)`.
    Vector(Box<Node>),
    /// `histogram_quantile(rank, buckets)`.
    Quantile {
        rank: Box<Node>,
        of: Box<Node>,
    },
}

/// A function over a range of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    Rate,
    Increase,
    InstantRate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregation {
    Sum,
    Average,
    Max,
    Min,
    Count,
}

/// Which labels a group has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// Which labels must be the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Matching {
    On(Vec<String>),
    /// All but these and the metric's name.
    Ignoring(Vec<String>),
}

impl Operator {
    pub(super) fn apply(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
        }
    }

    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}

impl Node {
    /// Calls `see` with every part.
    pub(super) fn visit(&self, see: &mut impl FnMut(&Self)) {
        see(self);
        match self {
            Self::Number(_) | Self::Select(_) | Self::Rate { .. } => {}
            Self::Aggregate { of, .. } | Self::Negative(of) | Self::Vector(of) => of.visit(see),
            Self::Arithmetic { left, right, .. } | Self::Or { left, right, .. } => {
                left.visit(see);
                right.visit(see);
            }
            Self::Quantile { rank, of } => {
                rank.visit(see);
                of.visit(see);
            }
        }
    }
}
