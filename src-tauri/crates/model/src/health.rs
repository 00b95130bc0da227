//! The self-test: partial failure as data. One row says how one aspect of one target stands and what fixes it.

use serde::{Deserialize, Serialize};

/// How an aspect stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthLevel {
    /// Does not apply here.
    NotApplicable,
    /// Works.
    Ok,
    /// Works with less; the hint says how to get the rest.
    Warning,
    /// Does not work; the hint says what to do.
    Error,
}

/// How one aspect of one target stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthRow {
    /// The target: `cluster/node`, `webhook`, `notifications`, `keyring`, `store`.
    pub target: String,
    /// The aspect: `connection`, `pg_stat_statements`, `privileges`, `track_io_timing`, …
    pub aspect: String,
    /// How it stands.
    pub level: HealthLevel,
    /// What was found, one sentence.
    pub message: String,
    /// The command or the steps that fix it, where there is something to fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl HealthRow {
    /// A row without a hint.
    pub fn new(
        target: impl Into<String>,
        aspect: impl Into<String>,
        level: HealthLevel,
        message: impl Into<String>,
    ) -> Self {
        Self { target: target.into(), aspect: aspect.into(), level, message: message.into(), hint: None }
    }

    /// The same row with what fixes it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
