//! What the tray says: the same words as the window, drawn together.

use faultline_api::Api;
use faultline_api::types::{ClusterState, ClusterView, IncidentState, IncidentSummary, Overview};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Most incidents in the menu.
const MAX_INCIDENTS: usize = 5;

/// Most clusters that the tooltip names.
const MAX_NAMED: usize = 5;

/// Longest label of an incident, characters.
const MAX_LABEL_CHARS: usize = 70;

/// The worst state of all clusters; a later one is worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// All is well.
    Ok,
    /// Nothing was seen of a cluster, or nothing is watched.
    #[default]
    NoData,
    /// Something may be wrong.
    Suspicious,
    /// An incident is open.
    Incident,
}

/// An entry of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IncidentEntry {
    pub(super) id: String,
    pub(super) label: String,
}

/// What the tray shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) state: State,
    pub(super) tooltip: String,
    pub(super) incidents: Vec<IncidentEntry>,
}

impl Summary {
    /// As things stand.
    pub(super) async fn of(api: &Api) -> Self {
        let overview: Option<Overview> = ask(api, "overview", "get", json!({})).await;
        let list = json!({ "cluster": null, "limit": MAX_INCIDENTS });
        let incidents: Option<Vec<IncidentSummary>> = ask(api, "incidents", "list", list).await;
        let clusters = overview.map(|overview| overview.clusters).unwrap_or_default();
        Self {
            state: worst(&clusters),
            tooltip: tooltip(&clusters),
            incidents: incidents
                .unwrap_or_default()
                .iter()
                .take(MAX_INCIDENTS)
                .map(|incident| entry(incident, &TimeZone::system()))
                .collect(),
        }
    }
}

async fn ask<T: DeserializeOwned>(api: &Api, domain: &str, name: &str, args: Value) -> Option<T> {
    match api.call(domain, name, args).await {
        Ok(answer) => serde_json::from_value(answer).ok(),
        Err(error) => {
            tracing::debug!(domain, name, message = error.message, "The tray was not answered.");
            None
        }
    }
}

fn state(cluster: &ClusterView) -> State {
    match cluster.state {
        ClusterState::Ok => State::Ok,
        ClusterState::NoData => State::NoData,
        ClusterState::Suspicious => State::Suspicious,
        ClusterState::Incident => State::Incident,
    }
}

fn worst(clusters: &[ClusterView]) -> State {
    clusters.iter().map(state).max().unwrap_or_default()
}

fn tooltip(clusters: &[ClusterView]) -> String {
    if clusters.is_empty() {
        return "Nothing is watched yet".to_owned();
    }
    let mut unwell: Vec<_> = clusters
        .iter()
        .map(|cluster| (state(cluster), cluster))
        .filter(|(state, _)| *state != State::Ok)
        .collect();
    if unwell.is_empty() {
        return "All is well".to_owned();
    }
    unwell.sort_by_key(|(state, _)| std::cmp::Reverse(*state));
    let word = |state: State| match state {
        State::Ok => "ok",
        State::NoData => "no data",
        State::Suspicious => "suspicious",
        State::Incident => "incident",
    };
    let lines: Vec<_> = unwell
        .iter()
        .take(MAX_NAMED)
        .map(|(state, cluster)| format!("{}: {}", plain(&cluster.name), word(*state)))
        .collect();
    let rest = unwell.len() - lines.len();
    let more = if rest > 0 { format!("\nand {rest} more") } else { String::new() };
    lines.join("\n") + &more
}

fn entry(incident: &IncidentSummary, zone: &TimeZone) -> IncidentEntry {
    let state = match incident.state {
        IncidentState::Open => "open, ",
        IncidentState::Recovering => "recovering, ",
        IncidentState::Resolved => "",
    };
    let label = format!(
        "{} {}: {state}{}",
        local_time(incident.onset, zone),
        plain(&incident.cluster),
        plain(&incident.headline)
    );
    let label = match label.char_indices().nth(MAX_LABEL_CHARS) {
        Some((end, _)) => format!("{}…", &label[..end]),
        None => label,
    };
    IncidentEntry { id: incident.id.clone(), label }
}

/// Day and time; no "minutes ago", which would change the menu all the time.
fn local_time(unix_s: f64, zone: &TimeZone) -> String {
    // Whole milliseconds are exact in this type for ages to come.
    let at = Timestamp::from_millisecond((unix_s * 1000.0) as i64).unwrap_or_default();
    at.to_zoned(zone.clone()).strftime("%b %-d %H:%M").to_string()
}

/// Texts from outside, on one line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use faultline_api::types::{PrimaryObserved, SeverityView};

    use super::*;

    fn cluster(name: &str, state: ClusterState) -> ClusterView {
        ClusterView {
            name: name.to_owned(),
            environment: "production".to_owned(),
            state,
            load_aas: None,
            load_ratio: None,
            primary_observed: PrimaryObserved::None,
            explained: None,
            nodes: Vec::new(),
            open_incident: None,
        }
    }

    #[test]
    fn the_worst_state_is_shown_and_named_first() {
        let check = |states: &[ClusterState], expected: State, text: &str| {
            let clusters: Vec<_> =
                states.iter().zip('a'..).map(|(s, n)| cluster(&n.to_string(), *s)).collect();
            assert_eq!((worst(&clusters), tooltip(&clusters).as_str()), (expected, text));
        };
        use ClusterState::{Incident, NoData, Ok, Suspicious};
        check(&[], State::NoData, "Nothing is watched yet");
        check(&[Ok, Ok], State::Ok, "All is well");
        check(&[Ok, NoData], State::NoData, "b: no data");
        check(&[NoData, Suspicious, Ok], State::Suspicious, "b: suspicious\na: no data");
        check(&[Ok, Incident, Suspicious], State::Incident, "b: incident\nc: suspicious");
        check(
            &[NoData; 7],
            State::NoData,
            "a: no data\nb: no data\nc: no data\nd: no data\ne: no data\nand 2 more",
        );
    }

    #[test]
    fn an_incident_is_one_short_line() {
        let check = |headline: &str, state: IncidentState, label: &str| {
            let incident = IncidentSummary {
                id: "7".to_owned(),
                cluster: "shop".to_owned(),
                onset: 1_750_000_000.4,
                opened: 1_750_000_004.0,
                resolved: None,
                severity: SeverityView::Critical,
                load_ratio: None,
                headline: headline.to_owned(),
                state,
            };
            assert_eq!(entry(&incident, &TimeZone::UTC).label, label);
        };
        check("checkout v142", IncidentState::Open, "Jun 15 15:06 shop: open, checkout v142");
        check("a\nb", IncidentState::Resolved, "Jun 15 15:06 shop: a b");
        let long = "é".repeat(100);
        check(
            &long,
            IncidentState::Recovering,
            &format!("Jun 15 15:06 shop: recovering, {}…", "é".repeat(39)),
        );
    }
}
