//! Changes that nobody announced: a setting that has another value, an index or a column that came or went. Seen from the
//! facts of the nodes and told as deploys, so that they stand on the charts and among the suspects like every other change.
//! Pure: what is done with them is not decided here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use faultline_model::{ClusterName, Deploy, DeployKind, DeployStatus, Facts, Frame, NodeName, Timestamp};
use serde_json::Value;

/// Most facts that are remembered of one node; further ones are not compared.
const MAX_FACTS: usize = 20_000;

/// The same setting changed in the same way on another node within this time is the same change, seconds.
const SAME_CHANGE_S: f64 = 600.0;

/// Most changes of settings that are remembered for that.
const MAX_TOLD: usize = 256;

/// Most changes that one marker names; of the others it says how many there are.
const MAX_NAMED: usize = 3;

/// Longest value of a fact in a marker, characters.
const MAX_VALUE_CHARS: usize = 60;

/// Most markers of one cluster within [`CROWDED_S`]: what changes its schema all day long is no news.
const MAX_MARKERS: usize = 12;

/// See [`MAX_MARKERS`], seconds.
const CROWDED_S: f64 = 3_600.0;

/// Prefix of the facts that say with one value for a whole schema whether anything in it changed.
const WHOLE_SCHEMA: &str = "ddl:";

/// A deploy of which no end is known may still be under way after this time, seconds.
const ROLLOUT_S: f64 = 1_800.0;

/// Who is said to have made the change.
const ACTOR: &str = "seen on the server";

/// What kind of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Setting,
    Index,
    Column,
    /// All columns and indexes of a table at once.
    Table,
}

impl Family {
    /// The families of facts; a table has none of its own.
    const OF_FACTS: [(Self, &'static str); 3] =
        [(Self::Setting, "setting:"), (Self::Index, "index:"), (Self::Column, "column:")];

    /// The family of a fact, and the name of what it is about.
    fn of(key: &str) -> Option<(Self, &str)> {
        Self::OF_FACTS.iter().find_map(|(family, prefix)| Some((*family, key.strip_prefix(prefix)?)))
    }

    fn kind(self) -> DeployKind {
        match self {
            Self::Setting => DeployKind::Config,
            Self::Index | Self::Column | Self::Table => DeployKind::Schema,
        }
    }
}

/// The table that an index or a column is of (`index:item.item_pkey`).
fn table_of(key: &str) -> Option<&str> {
    match Family::of(key)? {
        (Family::Setting, _) => None,
        (_, name) => name.rsplit_once('.').map(|(table, _)| table),
    }
}

/// One thing that changed. Its value is null when it was not there before, or is not there any more.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    family: Family,
    name: String,
    old: Value,
    new: Value,
}

impl Change {
    /// `work_mem 4MB → 64MB`, `index item.item_order_id_idx dropped`.
    fn words(&self) -> String {
        let (name, old, new) = (&self.name, shown(&self.old), shown(&self.new));
        match (self.family, self.old.is_null(), self.new.is_null()) {
            (Family::Setting, true, _) => format!("{name} set to {new}"),
            (Family::Setting, _, true) => format!("{name} {old} → not set"),
            (Family::Setting, ..) => format!("{name} {old} → {new}"),
            (Family::Index, true, _) => format!("index {name} created"),
            (Family::Index, _, true) => format!("index {name} dropped"),
            (Family::Index, ..) => format!("index {name} changed"),
            (Family::Column, true, _) => format!("column {name} added"),
            (Family::Column, _, true) => format!("column {name} dropped"),
            (Family::Column, ..) => format!("column {name} {old} → {new}"),
            (Family::Table, _, true) => format!("table {name} dropped"),
            (Family::Table, ..) => format!("table {name} created"),
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(MAX_VALUE_CHARS).collect();
    if chars.next().is_some() { format!("{start}…") } else { start }
}

/// What is known of one node.
#[derive(Debug, Default)]
struct Known {
    facts: BTreeMap<String, Value>,
    families: BTreeSet<Family>,
    /// When its facts were last looked at.
    looked: Option<Timestamp>,
    /// When anything was last seen of it.
    seen: Option<Timestamp>,
}

/// The facts of a cluster, and what changed in them.
#[derive(Debug)]
pub(crate) struct Changes {
    cluster: ClusterName,
    environment: String,
    nodes: BTreeMap<NodeName, Known>,
    /// Changes that were told lately, with the node that they were seen on.
    told: VecDeque<(Timestamp, NodeName, Change)>,
    /// When the last markers were made.
    marked: VecDeque<Timestamp>,
}

impl Changes {
    pub(crate) fn new(cluster: ClusterName, environment: String) -> Self {
        Self { cluster, environment, nodes: BTreeMap::new(), told: VecDeque::new(), marked: VecDeque::new() }
    }

    /// Learns from history: nothing in it is told again.
    pub(crate) fn remember(&mut self, frame: &Frame) {
        let known = self.nodes.entry(frame.node.clone()).or_default();
        known.seen = known.seen.max(Some(frame.at));
        known.learn(&frame.facts);
    }

    /// History ends here. The last look that it holds was at most `facts_s` seconds before its last frame.
    pub(crate) fn begin(&mut self, facts_s: f64) {
        for known in self.nodes.values_mut() {
            known.looked = known.seen.map(|seen| seen - facts_s);
        }
    }

    /// Takes a frame in; `facts_due` says whether the facts were looked at for it, changed or not. The markers of what
    /// changed since the look before.
    pub(crate) fn see(&mut self, frame: &Frame, facts_due: bool) -> Vec<Deploy> {
        let known = self.nodes.entry(frame.node.clone()).or_default();
        known.seen = known.seen.max(Some(frame.at));
        let since = known.looked.unwrap_or(frame.at);
        if facts_due {
            known.looked = Some(frame.at);
        }
        if !frame.facts.keys().any(|key| Family::of(key).is_some() || key.starts_with(WHOLE_SCHEMA)) {
            return Vec::new();
        }
        let changed = known.take_in(&frame.facts);
        let news: Vec<Change> =
            changed.into_iter().filter(|change| !self.is_repeated(change, &frame.node, frame.at)).collect();
        let markers = [DeployKind::Config, DeployKind::Schema]
            .into_iter()
            .filter_map(|kind| self.marker(kind, &frame.node, &news, since, frame.at))
            .collect();
        for change in news {
            self.told.push_back((frame.at, frame.node.clone(), change));
        }
        while self.told.len() > MAX_TOLD {
            self.told.pop_front();
        }
        self.not_too_many(markers, frame.at)
    }

    fn not_too_many(&mut self, mut markers: Vec<Deploy>, at: Timestamp) -> Vec<Deploy> {
        self.marked.retain(|marked| at.secs_since(*marked).abs() < CROWDED_S);
        markers.truncate(MAX_MARKERS.saturating_sub(self.marked.len()));
        self.marked.extend(markers.iter().map(|_| at));
        markers
    }

    /// Whether another node of the cluster has told of the change: replicas repeat the schema of their primary, and a
    /// setting is rolled out over all nodes in one go.
    fn is_repeated(&self, change: &Change, node: &NodeName, at: Timestamp) -> bool {
        let told_before = self.told.iter().any(|(told, other, before)| {
            other != node && before == change && at.secs_since(*told).abs() <= SAME_CHANGE_S
        });
        let others = || self.nodes.iter().filter(|(other, _)| *other != node).map(|(_, known)| known);
        told_before
            || change.family.kind() == DeployKind::Schema && others().any(|known| known.has_come_to(change))
    }

    fn marker(
        &self,
        kind: DeployKind,
        node: &NodeName,
        news: &[Change],
        since: Timestamp,
        at: Timestamp,
    ) -> Option<Deploy> {
        let news: Vec<&Change> = news.iter().filter(|change| change.family.kind() == kind).collect();
        let first = &news.first()?.name;
        let named: Vec<String> = news.iter().take(MAX_NAMED).map(|change| change.words()).collect();
        let mut what = named.join(", ");
        if news.len() > MAX_NAMED {
            what = format!("{what} and {} more", news.len() - MAX_NAMED);
        }
        let (cluster, second) = (&self.cluster, at.as_micros().div_euclid(1_000_000));
        let (id, service) = match kind {
            DeployKind::Schema => (format!("schema:{cluster}:{first}:{second}"), cluster.to_string()),
            _ => (format!("config:{cluster}/{node}:{first}:{second}"), node.to_string()),
        };
        Some(Deploy {
            id: id.into(),
            service: service.into(),
            version: Some(what),
            previous: None,
            environment: self.environment.clone(),
            started: Some(since.min(at)),
            finished: Some(at),
            status: DeployStatus::Succeeded,
            kind,
            actor: Some(ACTOR.to_owned()),
            url: None,
            cluster: Some(cluster.clone()),
        })
    }
}

impl Known {
    fn learn(&mut self, facts: &Facts) {
        for (key, value) in facts {
            if let Some((family, _)) = Family::of(key) {
                self.families.insert(family);
            } else if !key.starts_with(WHOLE_SCHEMA) {
                continue;
            }
            if self.facts.len() < MAX_FACTS || self.facts.contains_key(key) {
                self.facts.insert(key.clone(), value.clone());
            }
        }
    }

    /// Learns `facts`; what changed by them.
    fn take_in(&mut self, facts: &Facts) -> Vec<Change> {
        let gone: Vec<String> = self.gone(facts).cloned().collect();
        let changed = self.changed(facts);
        let tables: BTreeSet<&str> = facts
            .iter()
            .filter(|(_, value)| value.is_null())
            .map(|(key, _)| key)
            .chain(&gone)
            .filter_map(|key| table_of(key))
            .collect();
        let were: BTreeSet<String> =
            tables.into_iter().filter(|table| self.has_parts(table)).map(str::to_owned).collect();
        let gone_values = gone.iter().filter_map(|key| Some((key.clone(), self.facts.get(key)?.clone())));
        let gone_changes =
            gone_values.filter_map(|(key, old)| part(&key, old, Value::Null)).collect::<Vec<_>>();
        self.learn(facts);
        for key in gone {
            self.facts.insert(key, Value::Null);
        }
        let dropped: BTreeSet<String> = were.into_iter().filter(|table| !self.has_parts(table)).collect();
        let is_of_dropped = |change: &Change| {
            change.family.kind() == DeployKind::Schema
                && change.name.rsplit_once('.').is_some_and(|(table, _)| dropped.contains(table))
        };
        let mut changes: Vec<Change> =
            changed.into_iter().chain(gone_changes).filter(|change| !is_of_dropped(change)).collect();
        changes.extend(dropped.iter().map(|table| of_table(table, true.into(), Value::Null)));
        changes
    }

    /// What `facts` change of what is known. The first word of a family is no change, for that is how things are; nor is
    /// the first word of a table, unless something changed in the schema as a whole: it may just have grown large enough
    /// to be followed.
    fn changed(&self, facts: &Facts) -> Vec<Change> {
        let differs = |key: &String, value: &Value| self.facts.get(key).is_some_and(|known| known != value);
        let schema_changed =
            facts.iter().any(|(key, value)| key.starts_with(WHOLE_SCHEMA) && differs(key, value));
        let mut changes = Vec::new();
        for (key, new) in facts {
            let old = self.facts.get(key).cloned().unwrap_or_default();
            let Some(change) = part(key, old, new.clone()) else { continue };
            if !self.families.contains(&change.family) || change.old == change.new {
                continue;
            }
            match table_of(key).filter(|table| !self.knows_table(table)) {
                None => changes.push(change),
                Some(table) => {
                    let created = of_table(table, Value::Null, true.into());
                    if schema_changed && !changes.contains(&created) {
                        changes.push(created);
                    }
                }
            }
        }
        changes
    }

    /// A source tells what changed, and everything once when it is opened. What is then missing went meanwhile.
    fn gone<'a>(&'a self, facts: &'a Facts) -> impl Iterator<Item = &'a String> {
        let told_anew: BTreeSet<Family> = facts
            .iter()
            .filter(|(key, value)| self.facts.get(*key) == Some(value))
            .filter_map(|(key, _)| Family::of(key))
            .map(|(family, _)| family)
            .collect();
        let missing = self.facts.iter().filter(|(key, value)| !value.is_null() && !facts.contains_key(*key));
        missing
            .filter(move |(key, _)| Family::of(key).is_some_and(|(family, _)| told_anew.contains(&family)))
            .map(|(key, _)| key)
    }

    /// Columns and indexes of a table, those that are gone included.
    fn parts<'a>(&'a self, table: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
        ["index:", "column:"].into_iter().flat_map(move |prefix| {
            let start = format!("{prefix}{table}.");
            self.facts
                .range(start.clone()..)
                .take_while(move |(key, _)| key.starts_with(&start))
                .filter(move |(key, _)| table_of(key) == Some(table))
        })
    }

    fn knows_table(&self, table: &str) -> bool {
        self.parts(table).next().is_some()
    }

    fn has_parts(&self, table: &str) -> bool {
        self.parts(table).any(|(_, value)| !value.is_null())
    }

    /// Whether this node stands where the change of another leads.
    fn has_come_to(&self, change: &Change) -> bool {
        let prefix = match change.family {
            Family::Setting => return false,
            Family::Table if change.new.is_null() => {
                return self.knows_table(&change.name) && !self.has_parts(&change.name);
            }
            Family::Table => return self.has_parts(&change.name),
            Family::Index => "index:",
            Family::Column => "column:",
        };
        self.facts.get(&format!("{prefix}{}", change.name)) == Some(&change.new)
    }
}

fn part(key: &str, old: Value, new: Value) -> Option<Change> {
    let (family, name) = Family::of(key)?;
    Some(Change { family, name: name.to_owned(), old, new })
}

fn of_table(table: &str, old: Value, new: Value) -> Change {
    Change { family: Family::Table, name: table.to_owned(), old, new }
}

/// Whether an announced change explains what was seen: it is of a kind that makes such changes, and was under way between
/// the two looks.
pub(crate) fn explains(announced: &Deploy, marker: &Deploy) -> bool {
    let makes_such = match marker.kind {
        DeployKind::Schema => {
            matches!(announced.kind, DeployKind::Deploy | DeployKind::Rollback | DeployKind::Schema)
        }
        _ => matches!(announced.kind, DeployKind::Config | DeployKind::Restart),
    };
    let (Some(from), Some(to), Some(begun)) = (marker.started, marker.finished, announced.earliest()) else {
        return false;
    };
    let ended = announced.finished.unwrap_or(match announced.status {
        DeployStatus::Started => begun + ROLLOUT_S,
        _ => begun,
    });
    makes_such && announced.cluster.is_none() && begun <= to && ended >= from
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
