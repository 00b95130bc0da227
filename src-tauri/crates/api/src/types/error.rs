//! What the window gets instead of an answer.

wire! {
    /// Why a command was not carried out.
    pub struct ApiErrorView {
        /// What kind of error, stable, snake case: `not_found`, `bad_request`, `refused`, `internal`.
        pub code: String,
        /// What happened, one sentence.
        pub message: String,
        /// What to do about it.
        pub hint: Option<String>,
    }
}
