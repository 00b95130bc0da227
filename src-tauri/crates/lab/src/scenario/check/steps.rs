//! Versions: what they change must be there, and what they do must be possible.

use std::collections::BTreeSet;

use super::{Checked, Names, Place, Problem, list, not_blank, positive};
use crate::workload::{Route, Service, Step, Version};

/// Checks all versions.
pub(super) fn check(names: &Names<'_>) -> Checked {
    let mut seen = BTreeSet::new();
    for (number, version) in names.scenario.versions.iter().enumerate() {
        let place = Place::at("version").number(number);
        let service = names.service(&version.service, &place.key("service"))?;
        not_blank(&version.version, &place.key("version"))?;
        let (name, of) = (&version.version, &version.service);
        if *name == service.version {
            return place
                .key("version")
                .wrong(format!("{name} is what {of} runs at the beginning: choose another name"));
        }
        if !seen.insert((of, name)) {
            return place.key("version").wrong(format!("there is a version {name} of {of} already"));
        }
        if !names.deploys().any(|(_, deploy)| deploy.service == *of && deploy.version == *name) {
            return place
                .key("version")
                .wrong(format!("{of} {name} is never deployed: add an event that does, or leave it out"));
        }
        check_version(names, service, version, &place)?;
    }
    Ok(())
}

fn check_version(names: &Names<'_>, service: &Service, version: &Version, place: &Place) -> Checked {
    for (number, addition) in version.add.iter().enumerate() {
        let place = place.key("add").number(number);
        let mut routes = service.routes.iter().chain(&version.routes);
        if !routes.any(|route| route.route == addition.route) {
            return place.key("route").wrong(unknown_route(service, &addition.route));
        }
        check_step(names, service, &addition.step, &place.key("step"))?;
    }
    let has_step = |name: &str| steps(&service.routes).any(|step| step.name.as_deref() == Some(name));
    for (number, replacement) in version.replace.iter().enumerate() {
        let place = place.key("replace").number(number);
        if !has_step(&replacement.step) {
            return place.key("step").wrong(unknown_step(service, &replacement.step));
        }
        check_step(names, service, &replacement.with, &place.key("with"))?;
    }
    for (number, name) in version.remove.iter().enumerate() {
        if !has_step(name) {
            return place.key("remove").number(number).wrong(unknown_step(service, name));
        }
    }
    for (number, route) in version.routes.iter().enumerate() {
        let place = place.key("routes").number(number);
        positive(route.weight, &place.key("weight"))?;
        if route.steps.is_empty() {
            return place.wrong("a route needs steps");
        }
        for (number, step) in route.steps.iter().enumerate() {
            check_step(names, service, step, &place.key("steps").number(number))?;
        }
    }
    if version.connections == Some(0) {
        return place.key("connections").wrong("a service needs at least 1 connection");
    }
    if version.statement_timeout_ms == Some(0) {
        return place.key("statement_timeout_ms").wrong("a statement needs at least 1 ms");
    }
    if changes_nothing(version) {
        return place.wrong("this version changes nothing: deploys may name versions that are not listed");
    }
    Ok(())
}

fn changes_nothing(version: &Version) -> bool {
    let Version {
        add, replace, remove, routes, connections, connect_per_request, statement_timeout_ms, ..
    } = version;
    let same_steps = add.is_empty() && replace.is_empty() && remove.is_empty() && routes.is_empty();
    same_steps && connections.is_none() && !connect_per_request && statement_timeout_ms.is_none()
}

fn check_step(names: &Names<'_>, service: &Service, step: &Step, place: &Place) -> Checked {
    if let Some(name) = step.name.as_deref().filter(|_| step.is_name()) {
        let is_known = service.steps.contains_key(name)
            || steps(&service.routes).any(|step| step.name.as_deref() == Some(name));
        return if is_known { Ok(()) } else { place.wrong(unknown_step(service, name)) };
    }
    match (&step.sql, step.pause_ms) {
        (Some(sql), None) => {
            not_blank(sql, &place.key("sql"))?;
            check_params(names, step, sql, place)?;
        }
        (None, Some(_)) if step.params.is_empty() => {}
        (None, Some(_)) => return place.key("params").wrong("a pause has no parameters"),
        _ => return place.wrong("a step has either `sql` or `pause_ms`"),
    }
    if step.times == 0 {
        return place.key("times").wrong("0 times is never: write 1 or more");
    }
    if !(step.share > 0.0 && step.share <= 1.0) {
        return place.key("share").wrong(format!("a share is above 0 and at most 1, not {}", step.share));
    }
    if !(0.0..=1.0).contains(&step.cached) {
        return place.key("cached").wrong(format!("a cached share is 0 to 1, not {}", step.cached));
    }
    Ok(())
}

fn check_params(names: &Names<'_>, step: &Step, sql: &str, place: &Place) -> Checked {
    for (number, param) in step.params.iter().enumerate() {
        if !names.workload.params.contains_key(param) {
            let message =
                format!("there is no parameter {param:?}; there is {}", list(names.workload.params.keys()));
            return place.key("params").number(number).wrong(message);
        }
    }
    let (wanted, given) = (highest_placeholder(sql), step.params.len());
    if wanted == given {
        Ok(())
    } else {
        Err(Problem {
            place: place.key("params"),
            message: format!("the statement has {wanted} placeholders and `params` has {given} names"),
        })
    }
}

/// The highest of `$1`, `$2`, … in a statement.
fn highest_placeholder(sql: &str) -> usize {
    let after = sql.split('$').skip(1);
    let numbers = after.filter_map(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse::<usize>().ok()
    });
    numbers.max().unwrap_or(0)
}

pub(super) fn steps(routes: &[Route]) -> impl Iterator<Item = &Step> {
    routes.iter().flat_map(|route| &route.steps)
}

fn unknown_step(service: &Service, name: &str) -> String {
    let names = steps(&service.routes).filter_map(|step| step.name.as_ref());
    format!("{} has no step {name:?}; it has {}", service.name, list(names))
}

fn unknown_route(service: &Service, route: &str) -> String {
    format!(
        "{} has no route {route:?}; it has {}",
        service.name,
        list(service.routes.iter().map(|route| &route.route))
    )
}
