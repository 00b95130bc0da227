//! The table of figures, beside those to reach.

use super::account::Cost;
use super::peers::COUNTERS_EVERY;
use super::{EXPORTER, PG_ACTIVITY, say};
use crate::error::Result;
use crate::postgres::MONITOR;

/// Figures to reach, from the design.
const COUNTERS_MS: f64 = 10.0;
const CORE_PERCENT: f64 = 0.3;
const KB_PER_S: f64 = 30.0;
const PER_CENT: f64 = 100.0;
const KILOBYTE: f64 = 1_000.0;

/// Prints what each role cost.
pub(super) fn print(costs: &[Cost], page_bytes_per_s: f64) -> Result<()> {
    say(&format!(
        "{:<34}{:>16}{:>16}{:>14}{:>12}{:>10}",
        "", "ms a counters", "ms a sessions", "other ms/s", "% of a core", "kB/s"
    ))?;
    for cost in costs {
        let name = match cost.role.as_str() {
            MONITOR => "Faultline, quiet",
            EXPORTER => "postgres_exporter, every 15 s",
            PG_ACTIVITY => "pg_activity, every 2 s",
            other => other,
        };
        // A kind that is asked for less than a few times is no poll of its own.
        let each = |kind: &str| match cost.kinds.get(kind) {
            Some(kind) if kind.calls >= 1.0 => format!("{:.2} ({:.0}×)", kind.ms / kind.calls, kind.calls),
            _ => "-".to_owned(),
        };
        let other_ms = cost.kinds.get("other").map_or(0.0, |kind| kind.ms);
        say(&format!(
            "{name:<34}{:>16}{:>16}{:>14.2}{:>12.3}{:>10.1}{}",
            each("counters"),
            each("sessions"),
            other_ms / cost.seconds,
            cost.core * PER_CENT,
            cost.bytes_per_s / KILOBYTE,
            if cost.steady { "" } else { "  (connected anew meanwhile: the share is too small)" }
        ))?;
    }
    say(&format!(
        "to reach: {COUNTERS_MS} ms a counters poll, {CORE_PERCENT} % of a core, {KB_PER_S} kB/s, at most half of the peer; \
         the exporter's pages go on to Prometheus with {:.1} kB/s, every {} s",
        page_bytes_per_s / KILOBYTE,
        COUNTERS_EVERY.as_secs()
    ))
}
