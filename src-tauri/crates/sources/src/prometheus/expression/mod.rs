//! The expressions that are evaluated here, over what was scraped: a part of PromQL, with its meaning. Selectors, `rate`,
//! `irate` and `increase`, `sum`, `avg`, `max`, `min` and `count`, `+ - * /` and `or`, `histogram_quantile`, `vector` and
//! numbers. Anything more is an error that says what and where. Not in here: where the samples come from.

mod aggregate;
mod binary;
mod error;
mod evaluate;
mod node;
mod parse;
mod quantile;
mod rate;
mod selector;

use faultline_model::Timestamp;

pub use error::{ExpressionError, Unevaluated};
pub use selector::Selector;

use self::node::Node;
use super::labels::Labels;
use super::memory::Memory;

/// Longest expression, bytes.
pub const MAX_EXPRESSION_BYTES: usize = 8 << 10;

/// Deepest nesting of an expression.
pub const MAX_DEPTH: usize = 64;

/// Longest range that an expression may look back over, seconds: so much of every series is kept.
pub const MAX_RANGE_S: f64 = 3_600.0;

/// A readable expression.
#[derive(Clone, Debug)]
pub struct Expression {
    root: Node,
    selectors: Vec<Selector>,
    range_s: f64,
}

/// What an expression gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number without labels.
    Scalar(f64),
    /// A number for each series.
    Vector(Vec<(Labels, f64)>),
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What cannot be read or is not evaluated here, and where it stands.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let root = parse::parse(text)?;
        let (mut selectors, mut range_s) = (Vec::new(), 0.0_f64);
        root.visit(&mut |node| match node {
            Node::Select(selector) => selectors.push(selector.clone()),
            Node::Rate { selector, range_s: own_s, .. } => {
                selectors.push(selector.clone());
                range_s = range_s.max(*own_s);
            }
            _ => {}
        });
        Ok(Self { root, selectors, range_s })
    }

    /// What it reads.
    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// How far it looks back, seconds; 0 where the newest sample is enough.
    pub fn range_s(&self) -> f64 {
        self.range_s
    }

    /// What it gives at a time, of what is remembered.
    ///
    /// # Errors
    /// Where the series do not fit the operation.
    pub fn evaluate(&self, memory: &Memory, at: Timestamp) -> Result<Value, Unevaluated> {
        evaluate::evaluate(&self.root, memory, at)
    }
}

pub(super) use parse::{instant_selectors, narrow};
