//! What an expression gives at a time.

use faultline_model::Timestamp;

use super::super::labels::Labels;
use super::super::memory::Memory;
use super::error::Unevaluated;
use super::node::Node;
use super::{Value, aggregate, binary, quantile, rate};

/// Evaluates a part of an expression. How deep it goes was limited when it was read.
pub(super) fn evaluate(node: &Node, memory: &Memory, at: Timestamp) -> Result<Value, Unevaluated> {
    let part = |node: &Node| evaluate(node, memory, at);
    Ok(match node {
        Node::Number(number) => Value::Scalar(*number),
        Node::Select(selector) => Value::Vector(memory.newest(selector, at)),
        Node::Rate { how, selector, range_s } => {
            let ranges = memory.range(selector, at, *range_s);
            let grown = ranges.into_iter().filter_map(|(labels, points)| {
                Some((labels.clone(), rate::growth(*how, &points, at, *range_s)?))
            });
            Value::Vector(binary::nameless(grown.collect(), |value| value)?)
        }
        Node::Aggregate { how, keep, of } => {
            Value::Vector(aggregate::aggregate(*how, keep.as_ref(), vector(part(of)?)))
        }
        Node::Arithmetic { operator, left, right, matching } => {
            binary::arithmetic(*operator, part(left)?, part(right)?, matching)?
        }
        Node::Or { left, right, matching } => {
            Value::Vector(binary::or(vector(part(left)?), vector(part(right)?), matching))
        }
        Node::Negative(of) => match part(of)? {
            Value::Scalar(number) => Value::Scalar(-number),
            Value::Vector(series) => Value::Vector(binary::nameless(series, |value| -value)?),
        },
        Node::Vector(of) => Value::Vector(vector(part(of)?)),
        Node::Quantile { rank, of } => match part(rank)? {
            Value::Scalar(rank) => Value::Vector(quantile::of_buckets(rank, vector(part(of)?))),
            Value::Vector(_) => Value::Vector(Vec::new()),
        },
    })
}

/// A value as a vector. Types were checked when the expression was read; a number is a series without labels.
fn vector(value: Value) -> Vec<(Labels, f64)> {
    match value {
        Value::Scalar(number) => vec![(Labels::default(), number)],
        Value::Vector(series) => series,
    }
}
