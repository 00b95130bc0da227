//! Whether a workload makes sense. What does not is told with the place in its file and what would be right.

use std::collections::{BTreeMap, BTreeSet};

use super::{Param, Route, Service, Step, Workload};

/// Most connections that a service may have to each server.
pub const MAX_CONNECTIONS: usize = 400;
/// Most requests per second of a service; one driver sends them all.
pub const MAX_REQUESTS_PER_S: f64 = 10_000.0;
/// Highest exponent of a Zipf distribution; above it nearly all draws are the first.
const MAX_EXPONENT: f64 = 4.0;
/// Roles that are no service's and that set-up makes: the tables' owner, who reports, and who makes backups.
pub const OWN_ROLES: [&str; 3] = ["owner", "reporting", "backup"];

/// What is wrong, and where: the keys that lead there, numbers for lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) place: Vec<String>,
    pub(super) message: String,
}

pub(super) type Checked<T = ()> = Result<T, Problem>;

/// A place in a file.
#[derive(Clone, Debug)]
struct At(Vec<String>);

impl At {
    fn key(&self, key: impl ToString) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.to_string());
        Self(keys)
    }

    fn wrong<T>(&self, message: impl Into<String>) -> Checked<T> {
        Err(Problem { place: self.0.clone(), message: message.into() })
    }

    fn expect(&self, right: bool, message: impl FnOnce() -> String) -> Checked {
        if right { Ok(()) } else { self.wrong(message()) }
    }
}

/// What was seen so far and may not come again, and what may be named.
#[derive(Debug)]
pub(super) struct Known {
    params: BTreeSet<String>,
    services: BTreeSet<String>,
    steps: BTreeSet<String>,
}

/// Checks sizes and parameters.
pub(super) fn head(workload: &Workload) -> Checked<Known> {
    let root = At(Vec::new());
    for (name, size) in &workload.sizes {
        let at = root.key("sizes").key(name);
        at.expect(is_identifier(name), || identifier("a size", name))?;
        at.expect(*size > 0, || format!("{name} is 0: write 1 or more"))?;
    }
    for (name, param) in &workload.params {
        let at = root.key("params").key(name);
        at.expect(is_identifier(name), || identifier("a parameter", name))?;
        check_param(param, &workload.sizes, &at)?;
    }
    let params = workload.params.keys().cloned().collect();
    Ok(Known { params, services: BTreeSet::new(), steps: BTreeSet::new() })
}

/// A file's name that stays in the folder.
pub(super) fn plain_name(name: &str, place: &[String]) -> Checked {
    let plain = !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
    At(place.to_vec()).expect(plain, || format!("{name:?} is no file's name: name one in the same folder"))
}

/// Checks what takes all files.
pub(super) fn whole(workload: &Workload) -> Checked {
    let root = At(Vec::new());
    plain_name(&workload.schema, &root.key("schema").0)?;
    root.expect(!workload.services.is_empty(), || {
        "there is no service: add [[services]], or files with one each to service_files".to_owned()
    })
}

/// Checks that every `{name}` in the schema's text is a size; the byte where one is not.
pub(super) fn schema(text: &str, sizes: &BTreeMap<String, u64>) -> Result<(), (usize, String)> {
    for (offset, name) in placeholders(text) {
        if !sizes.contains_key(name) {
            return Err((offset, format!("there is no size {name:?}; there is {}", list(sizes.keys()))));
        }
    }
    Ok(())
}

/// Every `{name}` in a text with the byte where it begins. Braces around anything else are SQL.
pub(super) fn placeholders(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('{').filter_map(|(offset, _)| {
        let (name, _) = text[offset + 1..].split_once('}')?;
        is_identifier(name).then_some((offset, name))
    })
}

fn check_param(param: &Param, sizes: &BTreeMap<String, u64>, at: &At) -> Checked {
    let check_size = |name: &String| {
        at.expect(sizes.contains_key(name), || {
            format!("there is no size {name:?}; there is {}", list(sizes.keys()))
        })
    };
    match param {
        Param::Uniform(of) => check_size(of),
        Param::Zipf { of, exponent } => {
            check_size(of)?;
            at.expect((0.0..=MAX_EXPONENT).contains(exponent), || {
                format!("an exponent is 0 to {MAX_EXPONENT}, not {exponent}")
            })
        }
        Param::Between(low, high) => {
            at.expect(low <= high, || format!("nothing is between {low} and {high}: the lower one is first"))
        }
        Param::OneOf(texts) => at.expect(!texts.is_empty(), || "one of nothing: add a text".to_owned()),
        Param::Text { pattern, of } => {
            check_size(of)?;
            at.expect(pattern.matches("{}").count() == 1, || {
                format!("{pattern:?} needs exactly one {{}}, where the number goes")
            })
        }
    }
}

impl Known {
    /// Checks a service, whose names are those of no other.
    pub(super) fn service(&mut self, service: &Service, place: &[String]) -> Checked {
        let at = At(place.to_vec());
        let name = &service.name;
        at.key("name").expect(is_identifier(name), || identifier("a service", name))?;
        at.key("name").expect(!OWN_ROLES.contains(&name.as_str()), || {
            format!("{name} is a role of the lab's own: choose another name")
        })?;
        at.key("name")
            .expect(self.services.insert(name.clone()), || format!("there are two services {name}"))?;
        at.key("version").expect(!service.version.is_empty(), || "a version needs a name".to_owned())?;
        at.key("connections").expect((1..=MAX_CONNECTIONS).contains(&service.connections), || {
            format!("a service has 1 to {MAX_CONNECTIONS} connections, not {}", service.connections)
        })?;
        let rate = service.requests_per_s;
        at.key("requests_per_s").expect(rate > 0.0 && rate <= MAX_REQUESTS_PER_S, || {
            format!("requests per second are above 0 and at most {MAX_REQUESTS_PER_S}, not {rate}")
        })?;
        at.key("statement_timeout_ms")
            .expect(service.statement_timeout_ms > 0, || "a statement needs at least 1 ms".to_owned())?;
        at.expect(!service.routes.is_empty(), || format!("{name} has no routes"))?;
        self.steps(service, &at)?;
        self.routes(service, &at)
    }

    fn steps(&mut self, service: &Service, at: &At) -> Checked {
        for (name, step) in &service.steps {
            let at = at.key("steps").key(name);
            at.expect(is_identifier(name), || identifier("a step", name))?;
            at.expect(step.name.as_ref() == Some(name), || {
                format!("{name} has a name already: leave `name` out")
            })?;
            at.expect(self.steps.insert(name.clone()), || format!("there are two steps {name}"))?;
            let used = service.routes.iter().flat_map(|route| &route.steps).any(|used| used == step);
            at.expect(used, || format!("no route has the step {name}: add it to one, or leave it out"))?;
            self.step(step, &at)?;
        }
        Ok(())
    }

    fn routes(&mut self, service: &Service, at: &At) -> Checked {
        let mut seen = BTreeSet::new();
        for (number, route) in service.routes.iter().enumerate() {
            let at = at.key("routes").key(number);
            let Route { route: name, weight, steps, .. } = route;
            at.key("route").expect(!name.trim().is_empty(), || "a route needs a name".to_owned())?;
            at.key("route").expect(seen.insert(name), || format!("there are two routes {name:?}"))?;
            at.key("weight").expect(*weight > 0.0 && weight.is_finite(), || {
                format!("a weight is above 0, not {weight}")
            })?;
            at.expect(!steps.is_empty(), || format!("{name:?} has no steps"))?;
            for (number, step) in steps.iter().enumerate() {
                let at = at.key("steps").key(number);
                if step.name.as_ref().is_some_and(|name| service.steps.get(name) == Some(step)) {
                    continue;
                }
                let known = || list(service.steps.keys());
                at.expect(!step.is_name(), || {
                    format!(
                        "{} has no step {:?}; it has {}",
                        service.name,
                        step.name.as_deref().unwrap_or(""),
                        known()
                    )
                })?;
                if let Some(name) = &step.name {
                    at.expect(is_identifier(name), || identifier("a step", name))?;
                    at.expect(self.steps.insert(name.clone()), || format!("there are two steps {name}"))?;
                }
                self.step(step, &at)?;
            }
        }
        Ok(())
    }

    fn step(&self, step: &Step, at: &At) -> Checked {
        match (&step.sql, step.pause_ms) {
            (Some(sql), None) => self.statement(step, sql, at)?,
            (None, Some(_)) => {
                at.key("params").expect(step.params.is_empty(), || "a pause has no parameters".to_owned())?
            }
            _ => return at.wrong("a step has either `sql` or `pause_ms`"),
        }
        at.key("times").expect(step.times > 0, || "0 times is never: write 1 or more".to_owned())?;
        at.key("share").expect(step.share > 0.0 && step.share <= 1.0, || {
            format!("a share is above 0 and at most 1, not {}", step.share)
        })?;
        at.key("cached").expect((0.0..=1.0).contains(&step.cached), || {
            format!("a cached share is 0 to 1, not {}", step.cached)
        })
    }

    fn statement(&self, step: &Step, sql: &str, at: &At) -> Checked {
        at.key("sql").expect(!sql.trim().is_empty(), || "a statement cannot be empty".to_owned())?;
        for (number, param) in step.params.iter().enumerate() {
            at.key("params").key(number).expect(self.params.contains(param), || {
                format!("there is no parameter {param:?}; there is {}", list(&self.params))
            })?;
        }
        let (named, given) = (highest_placeholder(sql), step.params.len());
        at.key("params").expect(named == given, || {
            format!("the statement has {named} placeholders and `params` has {given} names")
        })
    }
}

/// The highest of `$1`, `$2`, … in a statement.
pub(super) fn highest_placeholder(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).filter_map(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse::<usize>().ok()
    });
    numbers.max().unwrap_or(0)
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn identifier(what: &str, name: &str) -> String {
    format!("{what} cannot be called {name:?}: use small letters, digits and _, beginning with a letter")
}

fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
