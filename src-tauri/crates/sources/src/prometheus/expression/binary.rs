//! Operators between two sides.

use std::collections::{HashMap, HashSet};

use super::super::labels::{Labels, METRIC_NAME};
use super::Value;
use super::error::Unevaluated;
use super::node::{Matching, Operator};

/// `left operator right`.
pub(super) fn arithmetic(
    operator: Operator,
    left: Value,
    right: Value,
    matching: &Matching,
) -> Result<Value, Unevaluated> {
    Ok(match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Value::Scalar(operator.apply(left, right)),
        (Value::Vector(left), Value::Scalar(right)) => {
            Value::Vector(nameless(left, |value| operator.apply(value, right))?)
        }
        (Value::Scalar(left), Value::Vector(right)) => {
            Value::Vector(nameless(right, |value| operator.apply(left, value))?)
        }
        (Value::Vector(left), Value::Vector(right)) => {
            Value::Vector(one_to_one(operator, left, right, matching)?)
        }
    })
}

/// Each series without its metric's name, its value changed.
pub(super) fn nameless(
    vector: Vec<(Labels, f64)>,
    change: impl Fn(f64) -> f64,
) -> Result<Vec<(Labels, f64)>, Unevaluated> {
    let mut seen = HashSet::with_capacity(vector.len());
    let mut changed = Vec::with_capacity(vector.len());
    for (labels, value) in vector {
        let labels = labels.without(|name| name == METRIC_NAME);
        if !seen.insert(labels.clone()) {
            return Err(Unevaluated::SameLabels { labels });
        }
        changed.push((labels, change(value)));
    }
    Ok(changed)
}

fn one_to_one(
    operator: Operator,
    left: Vec<(Labels, f64)>,
    right: Vec<(Labels, f64)>,
    matching: &Matching,
) -> Result<Vec<(Labels, f64)>, Unevaluated> {
    let many = |side, labels| Unevaluated::ManyToMany { side, operator: operator.sign().to_owned(), labels };
    let mut partners = HashMap::with_capacity(right.len());
    for (labels, value) in right {
        let key = common(&labels, matching);
        if partners.insert(key.clone(), value).is_some() {
            return Err(many("right", key));
        }
    }
    let mut found = Vec::with_capacity(left.len());
    let mut seen = HashSet::with_capacity(left.len());
    for (labels, value) in left {
        let key = common(&labels, matching);
        let Some(partner) = partners.get(&key) else { continue };
        if !seen.insert(key.clone()) {
            return Err(many("left", key));
        }
        found.push((key, operator.apply(value, *partner)));
    }
    Ok(found)
}

/// All of the left side, and of the right side what has no partner there.
pub(super) fn or(
    left: Vec<(Labels, f64)>,
    right: Vec<(Labels, f64)>,
    matching: &Matching,
) -> Vec<(Labels, f64)> {
    let there: HashSet<Labels> = left.iter().map(|(labels, _)| common(labels, matching)).collect();
    let missing = right.into_iter().filter(|(labels, _)| !there.contains(&common(labels, matching)));
    left.into_iter().chain(missing.collect::<Vec<_>>()).collect()
}

/// The labels by which partners find each other, which are those of the result as well.
fn common(labels: &Labels, matching: &Matching) -> Labels {
    match matching {
        Matching::On(names) => labels.without(|name| !names.iter().any(|kept| kept == name)),
        Matching::Ignoring(names) => {
            labels.without(|name| name == METRIC_NAME || names.iter().any(|dropped| dropped == name))
        }
    }
}
