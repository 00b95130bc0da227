//! What a workload is, as its file says it: services, their routes, the statements of each, and what parameters stand
//! for. Only the words; reading and checking them is in `file.rs`, running them elsewhere.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A workload: the data, and what the healthy services do with it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// File with the tables, beside the workload's file. `{name}` stands for a size.
    pub schema: String,
    /// How many rows there are of what, at scale 1.
    pub sizes: BTreeMap<String, u64>,
    /// What the values of statements' parameters are drawn from.
    pub params: BTreeMap<String, Param>,
    /// The services; each has a database role of its own name.
    pub services: Vec<Service>,
}

/// What a parameter's value is drawn from, anew for each call.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Param {
    /// 1 up to a size, each as likely.
    Uniform(String),
    /// 1 up to a size, few of them often (Zipf with that exponent).
    Zipf {
        /// The size.
        of: String,
        /// 0 is uniform, 1 the classic one.
        exponent: f64,
    },
    /// A whole number between two, both included.
    Between(i64, i64),
    /// One of these texts.
    OneOf(Vec<String>),
    /// A text with a number, 1 up to a size, in place of `{}`.
    Text {
        /// With `{}`.
        pattern: String,
        /// The size.
        of: String,
    },
}

/// A service: what it is called, what it is asked, and how many connections it has.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name and that of its database role.
    pub name: String,
    /// The version that runs at the beginning.
    pub version: String,
    /// Connections to each server.
    pub connections: usize,
    /// Requests per second, on average.
    pub requests_per_s: f64,
    /// How long one of its statements may take, as the server enforces it, milliseconds.
    #[serde(default = "default_statement_timeout_ms")]
    pub statement_timeout_ms: u32,
    /// What it is asked.
    pub routes: Vec<Route>,
}

fn default_statement_timeout_ms() -> u32 {
    30_000
}

/// A route of a service and what one request of it does.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// As in `GET /cart`; unique within the service.
    pub route: String,
    /// Its share of the service's requests, relative to the other routes.
    pub weight: f64,
    /// Whether all of it is one transaction on the primary.
    #[serde(default)]
    pub transaction: bool,
    /// In this order.
    pub steps: Vec<Step>,
}

/// One step of a request: a statement, or time that passes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What the scenario calls it; unique within the workload.
    pub name: Option<String>,
    /// The statement, with `$1`, `$2`, … for its parameters. Exactly one of `sql` and `pause_ms` is there.
    pub sql: Option<String>,
    /// How long the service does something else, a remote call for instance, milliseconds.
    pub pause_ms: Option<u64>,
    /// Names of the parameters, in order.
    #[serde(default)]
    pub params: Vec<String>,
    /// Where it runs; reads go to the replica and writes to the primary when left out.
    pub on: Option<Place>,
    /// How often it runs in a request: the loop over a list.
    #[serde(default = "one")]
    pub times: u32,
    /// In which share of the requests it runs at all.
    #[serde(default = "always")]
    pub share: f64,
    /// Which share of it a cache in front of the database answers.
    #[serde(default)]
    pub cached: f64,
}

fn one() -> u32 {
    1
}

fn always() -> f64 {
    1.0
}

/// A server of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Takes the writes.
    Primary,
    /// Follows it.
    Replica,
}

/// A version of a service: what it does differently from the one at the beginning.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Whose.
    pub service: String,
    /// What it is called, as in `v142`.
    pub version: String,
    /// Steps at the end of a route's.
    #[serde(default)]
    pub add: Vec<Addition>,
    /// Named steps that are done in another way.
    #[serde(default)]
    pub replace: Vec<Replacement>,
    /// Names of steps that are gone.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Routes that are new, or work differently from begin to end.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Connections to each server.
    pub connections: Option<usize>,
    /// Whether each request opens a connection of its own.
    #[serde(default)]
    pub connect_per_request: bool,
    /// How long one of its statements may take, milliseconds.
    pub statement_timeout_ms: Option<u32>,
}

/// A step that a version adds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addition {
    /// Where.
    pub route: String,
    /// What.
    pub step: Step,
}

/// A step that a version does in another way.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// The name of the step.
    pub step: String,
    /// What it is instead.
    pub with: Step,
}
