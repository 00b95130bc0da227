//! More work from few clients or on few routes: a bot, a flood, a runaway client.

use std::collections::BTreeMap;

use faultline_model::{Cause, CauseVerdict, NodeName, signal};

use super::words::{percent, share};
use super::{missing, scored};
use crate::evidence::Evidence;
use crate::stats::rise;
use crate::window::Window;

/// Clients that count as few.
const FEW: usize = 2;

/// Judges it: requests by distinct clients where both are observed, else clients of the sessions.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    if let (Some(requests), Some(clients)) =
        (evidence.shift(signal::REQUESTS_PER_S), evidence.shift(signal::REQUEST_CLIENTS))
    {
        let each = requests.ratio() / clients.ratio().max(0.05);
        let score = rise(requests.ratio(), 1.5, 0.6) * rise(each, 1.5, 0.6);
        let why = format!(
            "requests {}, distinct clients {}: {} a client",
            percent(requests.ratio()),
            percent(clients.ratio()),
            percent(each)
        );
        return scored(Cause::Abuse, score, why);
    }
    let (before, after) = (by_client(evidence.before), by_client(&evidence.after));
    if after.is_empty() || before.len() <= FEW {
        return missing(
            Cause::Abuse,
            "not observed: request_clients, or enough clients of sessions to compare",
        );
    }
    let mut more: Vec<(f64, &str)> = after
        .iter()
        .map(|(client, load)| (load - before.get(client).copied().unwrap_or(0.0), *client))
        .filter(|(extra, _)| *extra > 0.0)
        .collect();
    more.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let all: f64 = more.iter().map(|(extra, _)| extra).sum();
    let few: f64 = more.iter().take(FEW).map(|(extra, _)| extra).sum();
    let of_extra = if all > 0.0 { few / all } else { 0.0 };
    // A query that is new came with a release, not with a client.
    let new: f64 = evidence.attribution.queries.values().map(|split| split.parts.new_query.max(0.0)).sum();
    let is_new = if evidence.attribution.positive > 0.0 {
        (new / evidence.attribution.positive).min(1.0)
    } else {
        0.0
    };
    let score = rise(of_extra, 0.8, 0.3) * (1.0 - is_new) * 0.8;
    let why = format!("{} of the extra sessions come from {FEW} of {} clients", share(of_extra), after.len());
    scored(Cause::Abuse, score, why)
}

fn by_client(windows: &BTreeMap<NodeName, Window>) -> BTreeMap<&str, f64> {
    let mut clients = BTreeMap::new();
    for (client, load) in windows.values().flat_map(|window| &window.clients) {
        *clients.entry(client.as_str()).or_default() += load;
    }
    clients
}
