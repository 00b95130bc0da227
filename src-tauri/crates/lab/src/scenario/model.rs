//! What a scenario is, as its file says it: the stage, the versions, what happens when, and the truth. Only the words;
//! reading and checking them is in `read.rs` and `check`, playing them in `play`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use faultline_model::Cause;
use serde::{Deserialize, Deserializer, Serialize};

use crate::workload::{Place, Version};

/// A scenario. Times of events are seconds from the moment at which the trouble begins; what is before it is negative.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file that it is from; empty for text of no file.
    #[serde(skip)]
    pub path: PathBuf,
    /// The file's text, with values in place of their names.
    #[serde(skip)]
    pub(super) text: String,
    /// The file's text as it is: another variant is read from it.
    #[serde(skip)]
    pub(super) original: String,
    /// Which variant this is; none for the scenario as it is.
    #[serde(skip)]
    pub chosen: Option<String>,
    /// What it is called, which is its file's name too.
    pub name: String,
    /// In a few words.
    pub title: String,
    /// What happens and why it hurts, or does not.
    pub about: String,
    /// The workload: a built-in one, or a folder beside the file.
    #[serde(default = "shop")]
    pub workload: String,
    /// How much data there is: times the workload's sizes.
    #[serde(default = "one")]
    pub scale: f64,
    /// How much work there is: times the workload's rates.
    #[serde(default = "one")]
    pub rate: f64,
    /// Lines of `postgresql.conf`.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// How long what lasts.
    #[serde(default)]
    pub phases: Phases,
    /// Numbers and texts that variants change. `"$name"` as a value anywhere in the file stands for it, and so does
    /// `{name}` within a text.
    #[serde(default)]
    pub values: BTreeMap<String, toml::Value>,
    /// Other intensities of the same trouble.
    #[serde(default, rename = "variant")]
    pub variants: BTreeMap<String, Variant>,
    /// What can be deployed.
    #[serde(default, rename = "version")]
    pub versions: Vec<Version>,
    /// What happens when. Read by hand, event by event: see `read.rs`.
    #[serde(default, rename = "event", deserialize_with = "apart")]
    pub events: Vec<Event>,
    /// What is true of it.
    pub truth: Truth,
}

/// Events are taken out of the text's tables before the rest is read; their key is named for the list of known keys.
fn apart<'de, D: Deserializer<'de>>(_none: D) -> Result<Vec<Event>, D::Error> {
    Ok(Vec::new())
}

fn shop() -> String {
    "shop".to_owned()
}

fn one() -> f64 {
    1.0
}

/// How long the phases last, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Phases {
    /// Load before Faultline looks.
    pub warm_up_s: f64,
    /// Healthy load under Faultline's eyes until the trouble begins.
    pub healthy_s: f64,
    /// By how much the seed moves that, at most, in either direction.
    pub healthy_jitter_s: f64,
    /// From the beginning of the trouble to the end of the recording.
    pub after_s: f64,
}

impl Default for Phases {
    fn default() -> Self {
        Self { warm_up_s: 8.0, healthy_s: 65.0, healthy_jitter_s: 10.0, after_s: 70.0 }
    }
}

/// Another intensity.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Relative to the scenario without a variant, which has 1.
    pub intensity: f64,
    /// In place of the scenario's own.
    #[serde(default)]
    pub values: BTreeMap<String, toml::Value>,
}

impl Scenario {
    /// How strong the trouble is, relative to the scenario without a variant, which has 1.
    pub fn intensity(&self) -> f64 {
        let chosen = self.chosen.as_ref().and_then(|name| self.variants.get(name));
        chosen.map_or(1.0, |variant| variant.intensity)
    }

    /// The statement of a version's step, by the step's name or by itself.
    pub fn statement(&self, query: &str) -> Option<&str> {
        let steps = self.versions.iter().flat_map(|version| {
            let added = version.add.iter().map(|addition| &addition.step);
            let replaced = version.replace.iter().map(|replacement| &replacement.with);
            added.chain(replaced).chain(version.routes.iter().flat_map(|route| &route.steps))
        });
        let mut named = steps.filter_map(|step| Some((step.name.as_deref(), step.sql.as_deref()?)));
        named.find(|(name, sql)| *name == Some(query) || *sql == query).map(|(_, sql)| sql)
    }

    /// How long it takes to play, without setting up: until the recording ends, at most.
    pub fn length_s(&self) -> f64 {
        let Phases { warm_up_s, healthy_s, healthy_jitter_s, after_s } = self.phases;
        warm_up_s + healthy_s + healthy_jitter_s + after_s
    }
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it begins, seconds from the beginning of the trouble.
    pub at_s: f64,
    /// Whether the trouble begins with this; exactly one event does where there is trouble, and it acts at 0.
    pub onset: bool,
    /// What.
    pub action: Action,
}

impl Event {
    /// When it first changes something: a deploy does at the end of its roll-out, a staged one with its first stage.
    pub fn acts_s(&self) -> f64 {
        match &self.action {
            Action::Deploy(deploy) => {
                deploy.stages.first().map_or(self.at_s + deploy.takes_s, |stage| stage.at_s)
            }
            Action::RollBack(back) => self.at_s + back.takes_s,
            Action::Sql(_) | Action::Traffic(_) | Action::CacheLoss(_) => self.at_s,
        }
    }
}

/// What can happen. An action that lasts has `until_s`, on the same scale as `at_s`; without it, to the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A service gets another version, or something else is changed in its name.
    Deploy(Deploy),
    /// Back to the version before, as somebody who pressed *Roll back* would have it.
    RollBack(RollBack),
    /// Somebody's statements: a job, a migration, a person.
    Sql(Sql),
    /// More, or less, of the services' requests.
    Traffic(Traffic),
    /// The cache in front of the database is empty and stays so.
    CacheLoss(CacheLoss),
}

impl Action {
    /// What `do` can be.
    pub(super) const NAMES: [&str; 5] = ["deploy", "roll_back", "sql", "traffic", "cache_loss"];

    /// When it is over, for those that last.
    pub fn until_s(&self) -> Option<f64> {
        match self {
            Self::Sql(sql) => sql.until_s,
            Self::Traffic(traffic) => traffic.until_s,
            Self::CacheLoss(loss) => loss.until_s,
            Self::Deploy(_) | Self::RollBack(_) => None,
        }
    }
}

/// A deploy. Its id is `service-version`, as in `checkout-v142`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// The service.
    pub service: String,
    /// One of the scenario's versions, or a name that nothing changes with.
    pub version: String,
    /// As deploys are told apart: `deploy`, `config`, `schema`, `flag`, `restart`.
    #[serde(default)]
    pub kind: DeployKind,
    /// How long it takes to be rolled out, seconds; the switch comes at its end. With stages those alone say when.
    #[serde(default = "two_seconds")]
    pub takes_s: f64,
    /// Share by share instead of at once; times as `at_s`, the last share is 1.
    #[serde(default)]
    pub stages: Vec<Stage>,
    /// Statements that the primary's owner runs at the moment of the switch: a migration.
    #[serde(default)]
    pub statements: Vec<String>,
}

impl Deploy {
    /// What its marker is called.
    pub fn id(&self) -> String {
        format!("{}-{}", self.service, self.version)
    }
}

fn two_seconds() -> f64 {
    2.0
}

/// A part of a staged deploy.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// When.
    pub at_s: f64,
    /// Of the service's instances that have the new version from then on, 0 to 1.
    pub share: f64,
}

/// What kind of change a deploy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeployKind {
    /// New code.
    #[default]
    Deploy,
    /// Other settings.
    Config,
    /// Other tables, columns or indexes.
    Schema,
    /// A feature switched.
    Flag,
    /// The same again.
    Restart,
}

/// The way back from a deploy.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    /// The service.
    pub service: String,
    /// How long it takes, seconds.
    #[serde(default = "two_seconds")]
    pub takes_s: f64,
    /// Statements that undo a migration, run by the primary's owner.
    #[serde(default)]
    pub statements: Vec<String>,
}

/// Statements of somebody who is no service.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    /// The database role: `owner`, `reporting`, `backup`, or a service.
    pub role: String,
    /// The application's name, as sessions show it.
    pub application: String,
    /// Where.
    #[serde(default = "primary")]
    pub on: Place,
    /// In this order.
    pub statements: Vec<String>,
    /// Whether all of them are one transaction.
    #[serde(default)]
    pub transaction: bool,
    /// How long the connection is held after the last statement, seconds; within the transaction if there is one.
    #[serde(default)]
    pub hold_s: f64,
    /// On how many connections at once.
    #[serde(default = "once")]
    pub connections: u32,
    /// How often, one after the other.
    #[serde(default = "once")]
    pub times: u32,
    /// From the beginning of one time to that of the next, seconds; at once after the last when left out.
    pub every_s: Option<f64>,
    /// When it is cut short.
    pub until_s: Option<f64>,
}

fn once() -> u32 {
    1
}

fn primary() -> Place {
    Place::Primary
}

/// Another rate of requests.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Of these services; of all when left out.
    #[serde(default)]
    pub services: Vec<String>,
    /// Of these routes alone; of all when left out.
    #[serde(default)]
    pub routes: Vec<String>,
    /// Times the rate at the beginning.
    pub factor: f64,
    /// How long it takes to get there, seconds.
    #[serde(default)]
    pub ramp_s: f64,
    /// How many clients all that is more comes from; when left out, more requests come from more clients.
    pub clients: Option<u32>,
    /// When it is over.
    pub until_s: Option<f64>,
}

/// An empty cache.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheLoss {
    /// When it is full again.
    pub until_s: Option<f64>,
}

/// What is true of a scenario.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// The cause, by its name; none where nothing is wrong and no incident is due.
    pub cause: Option<Cause>,
    /// Causes that are accepted as well.
    #[serde(default)]
    pub also: Vec<Cause>,
    /// Why they are, and why the cause is what it is.
    pub why: String,
    /// The guilty deploy's id; none where no deploy is guilty.
    pub deploy: Option<String>,
    /// The guilty queries: names of steps, or whole statements; the worst first.
    #[serde(default)]
    pub queries: Vec<String>,
    /// From where delays count.
    #[serde(default)]
    pub delay_from: DelayFrom,
    /// Before this nothing that is said counts for or against, seconds on the scale of `at_s`: a job that Faultline has
    /// not seen often enough.
    pub counts_from_s: Option<f64>,
}

/// From where delays count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DelayFrom {
    /// The first second in which the change acts.
    #[default]
    Onset,
    /// The first of three seconds in a row with load or latency above the healthy 99th percentile.
    Effect,
}
