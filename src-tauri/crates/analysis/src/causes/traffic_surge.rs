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

/// Growth of the clients by that of the requests from which on more clients may account for more requests: visitors who
/// were there before ask for a little more as well.
const FEWER_CLIENTS: f64 = 0.3;

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
            let many = from_more_clients(evidence);
            let score =
                grown * rise(explained + shared, 0.25, 0.3) * many.as_ref().map_or(1.0, |(score, _)| *score);
            let what = match basis {
                TrafficBasis::Requests => "requests".to_owned(),
                _ => format!("calls of the {} other queries", ratio.count),
            };
            let part =
                if grown < 0.5 { String::new() } else { format!(", {} of the extra load", share(explained)) };
            let clients =
                many.map_or_else(String::new, |(_, clients)| format!(", distinct clients {clients}"));
            let why = format!("{what} {growth} ({spread}){clients}{part}{verdict_word}");
            scored(Cause::TrafficSurge, score, why)
        }
    }
}

/// How well more clients account for more requests, 0 to 1, and how many more there are; `None` where either is not
/// observed, or requests did not grow. Few clients that ask for more are abuse.
fn from_more_clients(evidence: &Evidence<'_>) -> Option<(f64, String)> {
    let requests = evidence.shift(signal::REQUESTS_PER_S)?.ratio() - 1.0;
    let clients = evidence.shift(signal::REQUEST_CLIENTS)?.ratio();
    (requests > 0.0).then(|| (rise((clients - 1.0) / requests, FEWER_CLIENTS, 0.3), percent(clients)))
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
