//! What the program tells the window unasked.

wire! {
    /// Something changed; the window asks again for what it shows.
    pub struct Changed {
        /// What.
        pub topic: Topic,
        /// In which cluster; null when it is not about one.
        pub cluster: Option<String>,
        /// The incident, deploy or rollback that it is about. With `navigate`: the incident to show.
        pub id: Option<String>,
        /// With `navigate`: the deploy whose rollback is to be prepared; null when only the incident is to be shown.
        pub rollback: Option<String>,
        /// With `navigate`: the deploy to show; null when it is not about one.
        pub deploy: Option<String>,
    }
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// New observations.
    Frames,
    /// An incident.
    Incident,
    /// Deploys.
    Deploys,
    /// A rollback.
    Rollback,
    /// The self-test.
    Health,
    /// The configuration was read anew, or cannot be read any more.
    Configuration,
    /// Show something: a notification or a deep link was used.
    Navigate,
}
