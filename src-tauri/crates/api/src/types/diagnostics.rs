//! What helps somebody else to see what is wrong here.

wire! {
    /// Diagnostics to copy.
    pub struct DiagnosticsView {
        /// Plain text: versions, self-test, last errors, configuration. No secret is in it.
        pub text: String,
    }
}
