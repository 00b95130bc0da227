//! The program's own settings, and the self-test: how each aspect of each target stands and what fixes it.

use faultline_model::{HealthLevel, HealthRow};

wire! {
    /// How the program is set up.
    pub struct SettingsView {
        /// The configuration file.
        pub config_file: String,
        /// The folder of the store.
        pub data_folder: String,
        /// The folder of the logs; null where none are written.
        pub log_folder: Option<String>,
        /// What is wrong with the configuration file; the last good configuration goes on working meanwhile.
        pub config_trouble: Option<String>,
        /// Whether closing the window leaves the program in the tray.
        pub close_to_tray: bool,
        /// Whether there is a tray; null where the program is no desktop program.
        pub tray: Option<bool>,
        /// Whether the program starts with the session; null where that cannot be set.
        pub autostart: Option<bool>,
    }

    /// Settings to be changed; null leaves one as it is.
    pub struct SettingsChangeRequest {
        /// Whether closing the window leaves the program in the tray.
        pub close_to_tray: Option<bool>,
        /// Whether the program starts with the session.
        pub autostart: Option<bool>,
    }


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
