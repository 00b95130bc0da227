//! The self-test: how each aspect of each target stands and what fixes it.

use faultline_model::{HealthLevel, HealthRow};

wire! {
    /// How one aspect of one target stands.
    pub struct HealthRowView {
        /// The target: `cluster/node`, `webhook`, `notifications`, `keyring`, `store`.
        pub target: String,
        /// The aspect: `connection`, `pg_stat_statements`, `privileges`, …
        pub aspect: String,
        /// How it stands.
        pub level: HealthLevelView,
        /// What was found, one sentence.
        pub message: String,
        /// The command or the steps that fix it.
        pub hint: Option<String>,
    }
}

wire_enum! {
    /// How an aspect stands.
    HealthLevelView from HealthLevel {
        /// Does not apply here.
        NotApplicable,
        /// Works.
        Ok,
        /// Works with less.
        Warning,
        /// Does not work.
        Error,
    }
}

impl From<HealthRow> for HealthRowView {
    fn from(row: HealthRow) -> Self {
        Self {
            target: row.target,
            aspect: row.aspect,
            level: row.level.into(),
            message: row.message,
            hint: row.hint,
        }
    }
}
