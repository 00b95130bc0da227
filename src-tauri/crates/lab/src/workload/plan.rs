//! What a workload is, as its files say it: services, their routes, the statements of each, and what parameters stand
//! for. Only the words; reading them is in `file.rs`, checking them in `check.rs`, running them elsewhere.

use std::collections::BTreeMap;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A workload: the data, and what the healthy services do with it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// File with the tables and their rows, beside the workload's file. `{name}` stands for a size; a statement ends
    /// with a semicolon at the end of a line.
    pub schema: String,
    /// What that file says.
    #[serde(skip)]
    pub schema_sql: String,
    /// How many rows there are of what, at scale 1.
    pub sizes: BTreeMap<String, u64>,
    /// What the values of statements' parameters are drawn from.
    pub params: BTreeMap<String, Param>,
    /// The services; each has a database role of its own name.
    #[serde(default)]
    pub services: Vec<Service>,
    /// Files with one more service each, beside the workload's file. They are among `services` once it is read.
    #[serde(default)]
    pub service_files: Vec<String>,
}

impl Workload {
    /// The text of the statement with that name.
    pub fn statement(&self, name: &str) -> Option<&str> {
        let routes = self.services.iter().flat_map(|service| &service.routes);
        let mut steps = routes.flat_map(|route| &route.steps);
        let step = steps.find(|step| step.name.as_deref() == Some(name))?;
        step.sql.as_deref()
    }

    /// The service with that name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The same with other amounts of data: times the sizes, at least one of each.
    #[must_use]
    pub fn with_scale(&self, scale: f64) -> Self {
        let scaled = |size: &u64| ((*size as f64 * scale).round() as u64).max(1);
        let sizes = self.sizes.iter().map(|(name, size)| (name.clone(), scaled(size))).collect();
        Self { sizes, ..self.clone() }
    }
}

/// What a parameter's value is drawn from. A request has one value for it, as all that is done for a customer is about
/// the same customer; where a statement names it again, or is run again, it is another one.
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
    /// Its steps by name, for its routes and versions to name; a route may also write them out.
    #[serde(default)]
    pub steps: BTreeMap<String, Step>,
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

/// One step of a request: a statement, or time that passes. Written out, or the name of one of the service's steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What routes and scenarios call it; unique within the workload.
    pub name: Option<String>,
    /// The statement, with `$1`, `$2`, … for its parameters. Exactly one of `sql` and `pause_ms` is there.
    pub sql: Option<String>,
    /// How long the service does something else, a remote call for instance, milliseconds.
    pub pause_ms: Option<u64>,
    /// Names of the parameters, in order.
    pub params: Vec<String>,
    /// Where it runs; reads go to the replica and writes to the primary when left out.
    pub on: Option<Place>,
    /// How often it runs in a request: the loop over a list.
    pub times: u32,
    /// In which share of the requests it runs at all.
    pub share: f64,
    /// Which share of it a cache in front of the database answers.
    pub cached: f64,
}

/// A step that is written out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    sql: Option<String>,
    pause_ms: Option<u64>,
    #[serde(default)]
    params: Vec<String>,
    on: Option<Place>,
    #[serde(default = "one")]
    times: u32,
    #[serde(default = "always")]
    share: f64,
    #[serde(default)]
    cached: f64,
}

impl Step {
    /// Nothing but a name: one of the service's steps.
    pub fn named(name: &str) -> Self {
        let name = Some(name.to_owned());
        Self {
            name,
            sql: None,
            pause_ms: None,
            params: Vec::new(),
            on: None,
            times: 1,
            share: 1.0,
            cached: 0.0,
        }
    }

    /// Whether it is nothing but a name.
    pub fn is_name(&self) -> bool {
        self.name.as_deref().is_some_and(|name| *self == Self::named(name))
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a step, or the name of one")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Step, E> {
        Ok(Step::named(name))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Step, A::Error> {
        let Written { name, sql, pause_ms, params, on, times, share, cached } =
            Written::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Step { name, sql, pause_ms, params, on, times, share, cached })
    }
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

/// A step that a version does in another way, wherever it occurs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// The name of the step.
    pub step: String,
    /// What it is instead.
    pub with: Step,
}
