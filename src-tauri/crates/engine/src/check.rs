//! `faultctl check`: tests every target of the configuration once, each by itself and all at the same time, and says of
//! every cluster whether its primary is seen and how much of its load statements explain.

use std::sync::Arc;
use std::time::Duration;

use faultline_history::History;
use faultline_model::{
    Clock, ClusterName, Due, Engine, HealthLevel, HealthRow, NodeId, NodeSpec, Role, Source, TimeRange,
};
use faultline_sources::QueryBook;
use futures::StreamExt as _;
use futures::stream;
use secrecy::SecretString;

use crate::config::{ClusterConfig, Config, DeployFeedConfig, Intervals};
use crate::coverage::{self, Coverage};
use crate::health::HealthBoard;
use crate::secrets::Secrets;
use crate::status::{ClusterStatus, SeenBy};
use crate::target::{self, Database, Endpoint, Means, Target};
use crate::voices::Voice;
use crate::ways_back::WaysBack;

/// Most targets that are tested at the same time.
const MAX_AT_ONCE: usize = 32;

/// Longest test of one target; each of its round trips has a shorter deadline of its own.
const TARGET_DEADLINE: Duration = Duration::from_secs(30);

/// Share of the load that statements should explain.
const EXPLAINED_MIN: f64 = 0.7;

/// What fixes a primary that is not seen.
const PRIMARY_HINT: &str = "add it as a [[cluster.node]] with a login that has pg_monitor
or read its exporter by a [[metrics]] with role = \"primary\": faultctl primary queries-yaml prints what that needs
or let it write its statements down for its replicas: faultctl primary table-sql prints the script";

/// One target of the configuration.
struct Tested {
    id: NodeId,
    name: String,
    voice: Voice,
    target: Box<dyn Target>,
}

/// What a target turned out to be.
struct Outcome {
    cluster: ClusterName,
    rows: Vec<HealthRow>,
    /// How a primary is seen by it.
    primary: Option<SeenBy>,
    /// Whether anything was seen at all.
    is_up: bool,
}

/// Tests every node, endpoint, feed and rollback that the configuration names. `store` is the history of an earlier or
/// running watch, where there is one.
pub async fn check(
    config: &Config,
    secrets: &Secrets,
    clock: &Arc<dyn Clock>,
    store: Option<&History>,
) -> Vec<HealthRow> {
    let targets: Vec<Tested> =
        config.clusters.iter().flat_map(|cluster| targets(cluster, config, secrets, clock)).collect();
    let outcomes: Vec<Outcome> = stream::iter(targets)
        .map(|tested| test(tested, config.intervals))
        .buffered(MAX_AT_ONCE)
        .collect()
        .await;
    let mut rows = Vec::new();
    for cluster in &config.clusters {
        let name = ClusterName::from(cluster.name.as_str());
        let own = || outcomes.iter().filter(|outcome| outcome.cluster == name);
        rows.extend(own().flat_map(|outcome| outcome.rows.iter().cloned()));
        if !cluster.nodes.is_empty() && own().any(|outcome| outcome.is_up) {
            rows.push(primary(&name, own().filter_map(|outcome| outcome.primary).min()));
            if let Some(history) = store {
                rows.push(explained(&name, history, clock).await);
            }
        }
    }
    rows.extend(ways_back(config, secrets).await);
    if rows.is_empty() {
        rows.push(
            HealthRow::new(
                "configuration",
                "clusters",
                HealthLevel::Warning,
                "The configuration names nothing to watch.",
            )
            .with_hint("Add a [[cluster]] with a [[cluster.node]]; config.example.toml shows how."),
        );
    }
    rows
}

async fn ways_back(config: &Config, secrets: &Secrets) -> Vec<HealthRow> {
    let board = HealthBoard::default();
    WaysBack::open(config, secrets, &board).await;
    let mut rows = board.rows();
    for DeployFeedConfig::Webhook { listen, secret } in &config.deploys {
        let target = format!("webhook {listen}");
        rows.push(match secrets.resolve(secret).await {
            Ok(_) => HealthRow::new(target, "secret", HealthLevel::Ok, "The secret is there."),
            Err(error) => HealthRow::new(target, "secret", HealthLevel::Error, error.to_string()),
        });
    }
    rows
}

/// Tries out a database that is not in the configuration, or not yet.
pub(crate) async fn try_out(
    engine: Engine,
    url: String,
    password: Option<SecretString>,
    clock: &Arc<dyn Clock>,
) -> Vec<HealthRow> {
    let id = NodeId { cluster: "new".into(), node: "database".into() };
    let name = id.to_string();
    let spec = NodeSpec { id, engine, url, password, role: None };
    match faultline_sources::open(spec, Arc::clone(clock), QueryBook::default()) {
        Ok(mut source) => {
            let rows = self_test(source.as_mut(), &name).await;
            source.close().await;
            rows
        }
        Err(error) => vec![broken(&name, error.to_string())],
    }
}

fn targets(
    cluster: &ClusterConfig,
    config: &Config,
    secrets: &Secrets,
    clock: &Arc<dyn Clock>,
) -> Vec<Tested> {
    let means =
        Means { secrets: secrets.clone(), clock: Arc::clone(clock), book: target::book(cluster, config) };
    let name = ClusterName::from(cluster.name.as_str());
    let databases = cluster.nodes.iter().map(|node| {
        let id = NodeId { cluster: name.clone(), node: node.name.as_str().into() };
        let target = Box::new(Database { id: id.clone(), config: node.clone(), means: means.clone() });
        Tested { name: id.to_string(), id, voice: Voice::Direct, target }
    });
    let endpoints: Vec<_> = config.metrics_of(&cluster.name).cloned().collect();
    let names = target::endpoint_names(&endpoints);
    let endpoints = endpoints.into_iter().zip(names).enumerate().map(|(place, (endpoint, label))| {
        let id = NodeId { cluster: name.clone(), node: endpoint.node.as_str().into() };
        let interval_s = config.intervals.metrics_s;
        let target =
            Box::new(Endpoint { id: id.clone(), config: endpoint, interval_s, means: means.clone() });
        Tested { id, name: label, voice: Voice::Endpoint(place), target }
    });
    databases.chain(endpoints).collect()
}

/// Tests one target within its deadline.
async fn test(tested: Tested, intervals: Intervals) -> Outcome {
    let Tested { id, name, voice, target: tested } = tested;
    let mut outcome = Outcome { cluster: id.cluster.clone(), rows: Vec::new(), primary: None, is_up: false };
    let mut source = match tested.open().await {
        Ok(source) => source,
        Err(error) => {
            outcome.rows.push(broken(&name, error.to_string()));
            return outcome;
        }
    };
    outcome.rows = self_test(source.as_mut(), &id.to_string()).await;
    let look = look(source.as_mut(), &id, voice, intervals, &mut outcome);
    if tokio::time::timeout(TARGET_DEADLINE, look).await.is_err() {
        tracing::debug!(target = name, "The looks after the self-test did not end in time.");
    }
    source.close().await;
    target::name_rows(&mut outcome.rows, &id, &name);
    outcome
}

/// The self-test of one source, within its deadline.
async fn self_test(source: &mut dyn Source, target: &str) -> Vec<HealthRow> {
    let tested = tokio::time::timeout(TARGET_DEADLINE, source.self_test()).await;
    tested.unwrap_or_else(|_| {
        vec![broken(
            target,
            format!(
                "the self-test did not end within {} s; is the server overloaded?",
                TARGET_DEADLINE.as_secs()
            ),
        )]
    })
}

fn broken(target: &str, message: String) -> HealthRow {
    HealthRow::new(target, "configuration", HealthLevel::Error, message)
}

/// Looks as a watch does: what the node is, and what one look of each kind costs.
async fn look(
    source: &mut dyn Source,
    id: &NodeId,
    voice: Voice,
    intervals: Intervals,
    outcome: &mut Outcome,
) {
    let first = source.poll(Due { sessions: true, counters: false, facts: true }).await;
    outcome.is_up = !first.frames.is_empty();
    for frame in &first.frames {
        let voice = if frame.node == id.node { voice } else { Voice::Relayed };
        if frame.about.as_ref().and_then(|about| about.role) == Some(Role::Primary) {
            outcome.primary = outcome.primary.min(Some(voice.into())).or(Some(voice.into()));
        }
    }
    if voice != Voice::Direct || !outcome.is_up {
        return;
    }
    let sample = source.poll(Due { sessions: true, ..Due::default() }).await;
    let counters = source.poll(Due { counters: true, ..Due::default() }).await;
    if sample.frames.is_empty() {
        return;
    }
    let ms_per_s = sample.cost_ms / intervals.sessions_s + counters.cost_ms / intervals.counters_s;
    let message = format!(
        "a sample of the sessions takes {:.1} ms and a reading of the counters {:.1} ms, there and back: at most {:.2} % \
         of a core while all is quiet",
        sample.cost_ms,
        counters.cost_ms,
        ms_per_s / 10.0
    );
    outcome.rows.push(HealthRow::new(id.to_string(), "cost", HealthLevel::Ok, message));
}

/// Whether the primary of a cluster is seen, and how.
pub(crate) fn primary(cluster: &ClusterName, seen: Option<SeenBy>) -> HealthRow {
    let row = |level, message: &str| HealthRow::new(cluster.to_string(), "primary", level, message);
    match seen {
        Some(SeenBy::Session) => row(HealthLevel::Ok, "the primary is observed by a session on it"),
        Some(SeenBy::Table) => {
            row(HealthLevel::Ok, "the primary is observed by the table that it fills about itself")
        }
        Some(SeenBy::Metrics) => row(HealthLevel::Ok, "the primary is observed by an exporter's metrics"),
        None => row(HealthLevel::Warning, "PRIMARY NOT OBSERVED: statements that run on it are not seen")
            .with_hint(PRIMARY_HINT),
    }
}

/// How much of the load of the last minutes statements explain, by what the store holds.
async fn explained(cluster: &ClusterName, history: &History, clock: &Arc<dyn Clock>) -> HealthRow {
    let row = |level, message: String| HealthRow::new(cluster.to_string(), "coverage", level, message);
    let now = clock.now();
    let mut status = ClusterStatus::new(cluster.clone(), String::new(), []);
    match history.observations(cluster, TimeRange::last(coverage::WINDOW_S, now)).await {
        Ok(observations) => {
            for observation in &observations {
                if let faultline_model::Observation::Frame(frame) = observation {
                    status.see(frame, Voice::Direct);
                }
            }
        }
        Err(error) => return row(HealthLevel::NotApplicable, error.to_string()),
    }
    let Some(coverage) = status.coverage() else {
        let message = "not known: nothing was watched in the last minutes, or there was too little load";
        return row(HealthLevel::NotApplicable, message.to_owned());
    };
    let nodes: Vec<String> = status
        .nodes
        .iter()
        .filter_map(|(node, status)| Some(format!("{node} {}", percent(status.coverage()?))))
        .collect();
    let message =
        format!("{} of the load is explained by statements ({})", percent(coverage), nodes.join(", "));
    if coverage.explained() >= EXPLAINED_MIN {
        return row(HealthLevel::Ok, message);
    }
    row(HealthLevel::Warning, message).with_hint(
        "the rest has not finished, failed, or is not counted: look at what runs now, and at pg_stat_statements.track and \
         pg_stat_statements.max",
    )
}

fn percent(coverage: Coverage) -> String {
    format!("{:.0} %", 100.0 * coverage.explained())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_that_is_not_seen_comes_with_what_to_do() {
        let shop = ClusterName::from("shop");
        let unseen = primary(&shop, None);
        assert_eq!((unseen.target.as_str(), unseen.level), ("shop", HealthLevel::Warning));
        assert!(unseen.message.contains("PRIMARY NOT OBSERVED"), "{unseen:?}");
        assert!(unseen.hint.is_some_and(|hint| hint.contains("pg_monitor") && hint.contains("[[metrics]]")));
        for (seen, words) in [
            (SeenBy::Session, "by a session"),
            (SeenBy::Table, "by the table"),
            (SeenBy::Metrics, "by an exporter"),
        ] {
            let row = primary(&shop, Some(seen));
            assert!(row.level == HealthLevel::Ok && row.message.contains(words), "{row:?}");
        }
    }
}
