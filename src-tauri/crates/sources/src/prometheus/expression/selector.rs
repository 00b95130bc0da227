//! Which series an expression reads.

use std::fmt;

use promql_parser::label::{MatchOp, Matcher};

use super::super::labels::{Labels, METRIC_NAME};

/// A selector: `http_requests_total{code=~"5.."}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    name: Option<String>,
    matchers: Vec<Matcher>,
}

impl Selector {
    pub(super) fn new(name: Option<String>, matchers: Vec<Matcher>) -> Self {
        Self { name, matchers }
    }

    /// Whether it picks a series.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.name.as_deref().is_none_or(|name| labels.metric() == name)
            && self.matchers.iter().all(|matcher| matcher.is_match(labels.get(&matcher.name)))
    }

    /// Whether it may pick series of this metric.
    pub fn matches_metric(&self, metric: &str) -> bool {
        let about_name = |matcher: &&Matcher| matcher.name == METRIC_NAME;
        self.name.as_deref().is_none_or(|name| metric == name)
            && self.matchers.iter().filter(about_name).all(|matcher| matcher.is_match(metric))
    }
}

/// As it is written.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_deref().unwrap_or_default())?;
        if self.matchers.is_empty() {
            return Ok(());
        }
        let matchers: Vec<String> = self.matchers.iter().map(Matcher::to_string).collect();
        write!(f, "{{{}}}", matchers.join(","))
    }
}

/// Whether a matcher wants something, so that not every series without the label passes.
pub(super) fn is_strict(matcher: &Matcher) -> bool {
    !matcher.is_match("") || matches!(matcher.op, MatchOp::NotEqual | MatchOp::NotRe(_))
}
