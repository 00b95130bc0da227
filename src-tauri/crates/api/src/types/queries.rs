//! The top queries of a range with their change against the baseline.

wire! {
    /// Which queries. Either `from` and `to`, or `last_s` for a range that ends now.
    pub struct QueriesRequest {
        /// The cluster.
        pub cluster: String,
        /// Begin of the range, Unix seconds.
        pub from: Option<f64>,
        /// End of the range, Unix seconds.
        pub to: Option<f64>,
        /// Length of a range that ends now, seconds; wins over `from` and `to`.
        pub last_s: Option<f64>,
        /// At most so many rows.
        pub limit: u32,
    }

    /// One query over the range.
    pub struct QueryRow {
        /// Its fingerprint.
        pub fp: String,
        /// Its normalised text; empty while not known.
        pub text: String,
        /// Mean load over the range, average active sessions.
        pub load_aas: f64,
        /// The same less its baseline.
        pub delta_aas: f64,
        /// Calls per second.
        pub calls_per_s: f64,
        /// Mean time of a call, milliseconds.
        pub mean_ms: f64,
        /// Mean rows of a call, where counted.
        pub rows_per_call: Option<f64>,
        /// Seen for the first time within the range.
        pub is_new: bool,
        /// When it was first seen, Unix seconds.
        pub first_seen: f64,
        /// Role that runs it, where known.
        pub user: Option<String>,
        /// Database that it runs in, where known.
        pub database: Option<String>,
    }
}
