//! Opening a page outside the window.

wire! {
    /// A page to open in the browser; only `https` addresses of hosts in the configuration are opened.
    pub struct LinkRequest {
        /// The address.
        pub url: String,
    }
}
