//! Why an expression cannot be read, or not be evaluated.

use super::super::labels::Labels;

/// Why an expression cannot be read, or is more than is evaluated here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct ExpressionError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What is wrong there, and what to do.
    pub problem: String,
}

/// Why series do not fit an operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unevaluated {
    /// Several series on one side of an operator belong to one on the other.
    #[error(
        "on the {side} of {operator} several series have the labels {labels}: only one-to-one matching is evaluated; \
         aggregate that side, or match on more labels"
    )]
    ManyToMany {
        /// `left` or `right`.
        side: &'static str,
        /// The operator.
        operator: String,
        /// What they have in common.
        labels: Labels,
    },
    /// An operation that takes the metric's name away leaves two series with the same labels.
    #[error("several series become {labels} when their metric's name is taken away; select one metric")]
    SameLabels {
        /// What they have in common.
        labels: Labels,
    },
}
