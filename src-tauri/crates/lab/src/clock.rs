//! The lab's clock. What the lab knows to be true (when a version began to serve) carries this time.

/// Unix seconds with a fraction.
pub fn unix_now() -> f64 {
    // Microseconds fit a 64-bit float without loss for centuries.
    jiff::Timestamp::now().as_microsecond() as f64 / 1e6
}
