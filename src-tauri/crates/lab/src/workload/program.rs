//! What a version of a service does, ready to run: its routes with their steps, and how it is connected. Built from the
//! plan before the load starts, so that a version that makes no sense is told then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::check::{MAX_CONNECTIONS, highest_placeholder};
use super::file::lookup;
use super::values::Sources;
use super::{Place, Route, Service, Step, Version};
use crate::error::{Error, Result};

/// A version of a service, ready to run.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) service: String,
    pub(super) version: String,
    pub(super) connections: usize,
    pub(super) connect_per_request: bool,
    pub(super) statement_timeout_ms: u32,
    /// By the route's number in the service; a version may lack routes that another has.
    pub(super) routes: Vec<Option<Arc<Task>>>,
}

/// What one request of a route does.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    /// Relative to the other routes.
    pub(super) weight: f64,
    pub(super) transaction: bool,
    pub(super) steps: Vec<Act>,
}

/// A step, ready to run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Act {
    pub(super) what: What,
    pub(super) times: u32,
    pub(super) share: f64,
    pub(super) cached: f64,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// Runs a statement.
    Run { sql: Arc<str>, params: Vec<usize>, on: Place },
    /// Lets time pass.
    Pause(Duration),
}

/// All versions of a service; the first is the one at the beginning.
#[derive(Debug)]
pub(super) struct Programs {
    /// Names of the routes of all versions.
    pub(super) routes: Vec<String>,
    pub(super) all: Vec<Arc<Program>>,
}

impl Programs {
    /// Those of a service of a checked workload, and of its versions.
    pub(super) fn of(service: &Service, versions: &[Version], sources: &Sources) -> Result<Self> {
        let versions: Vec<&Version> = versions.iter().filter(|of| of.service == service.name).collect();
        let mut routes: Vec<String> = service.routes.iter().map(|route| route.route.clone()).collect();
        for route in versions.iter().flat_map(|version| &version.routes) {
            if !routes.contains(&route.route) {
                routes.push(route.route.clone());
            }
        }
        let first = Program {
            service: service.name.clone(),
            version: service.version.clone(),
            connections: service.connections,
            connect_per_request: false,
            statement_timeout_ms: service.statement_timeout_ms,
            routes: tasks(&routes, &service.routes, service, sources)?,
        };
        let mut all = vec![Arc::new(first)];
        for version in versions {
            all.push(Arc::new(changed(service, version, &routes, sources)?));
        }
        Ok(Self { routes, all })
    }

    /// The version with that name; one that nobody has described does what the first does.
    pub(super) fn version(&self, name: &str) -> Arc<Program> {
        if let Some(known) = self.all.iter().find(|program| program.version == name) {
            return Arc::clone(known);
        }
        let first = &self.all[0];
        Arc::new(Program {
            service: first.service.clone(),
            version: name.to_owned(),
            routes: first.routes.clone(),
            ..**first
        })
    }
}

/// What a version of the service does.
fn changed(service: &Service, version: &Version, names: &[String], sources: &Sources) -> Result<Program> {
    let unknown = |what: &str, name: &str| {
        wrong(format!(
            "version {} of {} changes the {what} {name:?}, which {} does not have",
            version.version, service.name, service.name
        ))
    };
    let mut routes: BTreeMap<&str, Route> =
        service.routes.iter().map(|route| (route.route.as_str(), route.clone())).collect();
    for name in version.remove.iter().chain(version.replace.iter().map(|replacement| &replacement.step)) {
        let mut steps = service.routes.iter().flat_map(|route| &route.steps);
        if !steps.any(|step| step.name.as_ref() == Some(name)) {
            return Err(unknown("step", name));
        }
    }
    for route in routes.values_mut() {
        let is = |step: &Step, name: &String| step.name.as_ref() == Some(name);
        route.steps.retain(|step| !version.remove.iter().any(|name| is(step, name)));
        for step in &mut route.steps {
            if let Some(replacement) = version.replace.iter().find(|replacement| is(step, &replacement.step))
            {
                *step = replacement.with.clone();
            }
        }
    }
    for route in &version.routes {
        routes.insert(&route.route, route.clone());
    }
    for addition in &version.add {
        let route = routes.get_mut(addition.route.as_str());
        route.ok_or_else(|| unknown("route", &addition.route))?.steps.push(addition.step.clone());
    }
    let routes: Vec<Route> = routes.into_values().collect();
    let connections = version.connections.unwrap_or(service.connections);
    if !(1..=MAX_CONNECTIONS).contains(&connections) {
        let (version, service) = (&version.version, &service.name);
        return Err(wrong(format!(
            "version {version} of {service} has {connections} connections: 1 to {MAX_CONNECTIONS} are possible"
        )));
    }
    Ok(Program {
        service: service.name.clone(),
        version: version.version.clone(),
        connections,
        connect_per_request: version.connect_per_request,
        statement_timeout_ms: version.statement_timeout_ms.unwrap_or(service.statement_timeout_ms),
        routes: tasks(names, &routes, service, sources)?,
    })
}

fn tasks(
    names: &[String],
    routes: &[Route],
    service: &Service,
    sources: &Sources,
) -> Result<Vec<Option<Arc<Task>>>> {
    let task = |name: &String| {
        let route = routes.iter().find(|route| route.route == *name);
        route.map(|route| task(route, service, sources).map(Arc::new)).transpose()
    };
    names.iter().map(task).collect()
}

fn task(route: &Route, service: &Service, sources: &Sources) -> Result<Task> {
    let steps: Result<Vec<Act>> = route.steps.iter().map(|step| act(step, route, service, sources)).collect();
    Ok(Task { weight: route.weight, transaction: route.transaction, steps: steps? })
}

fn act(step: &Step, route: &Route, service: &Service, sources: &Sources) -> Result<Act> {
    let step = &lookup(step, &service.steps).unwrap_or_else(|| step.clone());
    let at = || format!("a step of {:?} of {}", route.route, service.name);
    let what = match (&step.sql, step.pause_ms) {
        (Some(sql), None) => {
            let number = |name: &String| {
                sources
                    .number(name)
                    .ok_or_else(|| wrong(format!("{} has an unknown parameter {name:?}", at())))
            };
            let params: Vec<usize> = step.params.iter().map(number).collect::<Result<_>>()?;
            if highest_placeholder(sql) != params.len() {
                return Err(wrong(format!(
                    "{} has {} placeholders and {} parameters: {sql}",
                    at(),
                    highest_placeholder(sql),
                    params.len()
                )));
            }
            let on =
                if route.transaction { Place::Primary } else { step.on.unwrap_or_else(|| place_of(sql)) };
            What::Run { sql: Arc::from(sql.as_str()), params, on }
        }
        (None, Some(pause_ms)) => What::Pause(Duration::from_millis(pause_ms)),
        _ => {
            return Err(wrong(format!(
                "{} has neither `sql` nor `pause_ms`, or both: {:?}",
                at(),
                step.name
            )));
        }
    };
    Ok(Act { what, times: step.times, share: step.share, cached: step.cached })
}

fn wrong(what: String) -> Error {
    Error::Wrong { what }
}

/// Where a statement goes that nobody has said anything about: reads to the replica, the rest to the primary.
pub(super) fn place_of(sql: &str) -> Place {
    let sql = sql.to_lowercase();
    let words: Vec<&str> = sql.split_whitespace().collect();
    let reads = words.first().is_some_and(|first| matches!(*first, "select" | "with" | "values" | "table"));
    let writes = ["insert", "update", "delete", "merge"];
    // `with … as (insert …)` and `select … for update` are writes.
    let changes = words.iter().any(|word| writes.contains(&word.trim_start_matches('(')));
    let locks = words.windows(2).any(|pair| pair[0] == "for" && matches!(pair[1], "share" | "no" | "key"));
    if reads && !changes && !locks { Place::Replica } else { Place::Primary }
}
