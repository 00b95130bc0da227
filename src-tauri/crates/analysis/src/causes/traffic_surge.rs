//! More of the same work from many clients.

use faultline_model::{Cause, CauseVerdict, signal};

use super::clues::{Way, agreement};
use super::words::{percent, share};
use super::{missing, scored};
use crate::evidence::{Evidence, TrafficBasis};
use crate::stats::{probability_above, rise};

/// Growth from which traffic matters.
const GROWTH: f64 = 1.25;

/// Least error of a ratio: two stretches of the same traffic differ by this much.
const ERROR_MIN: f64 = 0.03;

/// Judges it.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    let Some(traffic) = evidence.traffic else {
        return missing(
            Cause::TrafficSurge,
            "not observed: calls of known queries, requests_per_s, throughput",
        );
    };
    let ratio = traffic.ratio;
    let grown = probability_above(ratio, GROWTH, ERROR_MIN);
    let spread = percent(1.0 + ratio.error.max(ERROR_MIN)).replace('+', "±");
    let growth = percent(ratio.value);
    let verdict_word = if grown < 0.5 { ": not traffic" } else { "" };
    match traffic.basis {
        TrafficBasis::Throughput => by_signals(evidence, grown, &growth),
        basis => {
            let attribution = &evidence.attribution;
            let explained = if attribution.positive > 0.0 {
                (attribution.parts.traffic / attribution.positive).clamp(0.0, 1.0)
            } else {
                1.0
            };
            // Saturated, the same work costs more: dearer calls across the board are traffic's as well.
            let shared = attribution.cost_ratio.map_or(0.0, |cost| if cost.value > 1.2 { 0.3 } else { 0.0 });
            let score = grown * rise(explained + shared, 0.25, 0.3);
            let what = match basis {
                TrafficBasis::Requests => "requests".to_owned(),
                _ => format!("calls of the {} other queries", ratio.count),
            };
            let part =
                if grown < 0.5 { String::new() } else { format!(", {} of the extra load", share(explained)) };
            scored(Cause::TrafficSurge, score, format!("{what} {growth} ({spread}){part}{verdict_word}"))
        }
    }
}

/// Without queries and requests: more work finished, more of everything that goes with it.
fn by_signals(evidence: &Evidence<'_>, grown: f64, growth: &str) -> CauseVerdict {
    let clues = [
        (signal::THROUGHPUT, Way::Up, 2.0),
        (signal::NET_IN_BYTES_PER_S, Way::Up, 1.0),
        (signal::NET_OUT_BYTES_PER_S, Way::Up, 1.0),
        (signal::ACTIVE_SESSIONS, Way::Up, 1.0),
        (signal::CPU_USER, Way::Up, 0.5),
    ];
    match agreement(evidence, &clues) {
        Some((agreement, sentence)) => {
            scored(Cause::TrafficSurge, 0.95 * grown.max(0.1) * rise(agreement, 0.5, 0.5), sentence)
        }
        None => {
            missing(Cause::TrafficSurge, format!("throughput {growth}, but requests_per_s is not observed"))
        }
    }
}
