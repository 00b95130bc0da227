//! The truth: what it blames must have happened.

use super::steps::steps;
use super::{Action, Checked, Names, Place, list, not_blank};
use crate::scenario::DelayFrom;

/// Checks it.
pub(super) fn check(names: &Names<'_>) -> Checked {
    let (place, truth) = (Place::at("truth"), &names.scenario.truth);
    not_blank(&truth.why, &place.key("why"))?;
    let Some(cause) = truth.cause else { return innocent(names) };
    for (number, also) in truth.also.iter().enumerate() {
        let place = place.key("also").number(number);
        if *also == cause {
            return place.wrong(format!(
                "{} is the cause already: name other causes that are right too",
                cause.name()
            ));
        }
        if truth.also[..number].contains(also) {
            return place.wrong(format!("{} is named twice", also.name()));
        }
    }
    if let Some(deploy) = &truth.deploy {
        let ids: Vec<String> = names.deploys().map(|(_, deploy)| deploy.id()).collect();
        if !ids.contains(deploy) {
            return place
                .key("deploy")
                .wrong(format!("{deploy:?} is never deployed; deploys are {}", list(&ids)));
        }
    }
    for (number, query) in truth.queries.iter().enumerate() {
        if !is_known(names, query) {
            let message = format!(
                "no step is called {query:?} and no statement is that: name a step, or write a statement as it is in this file"
            );
            return place.key("queries").number(number).wrong(message);
        }
    }
    let phases = names.scenario.phases;
    match truth.counts_from_s {
        Some(from_s) if !(from_s > -phases.healthy_s && from_s < phases.after_s) => {
            place.key("counts_from_s").wrong(format!("{from_s} s is not within the recording"))
        }
        _ => Ok(()),
    }
}

/// Without a cause there is nothing to blame.
fn innocent(names: &Names<'_>) -> Checked {
    let (place, truth) = (Place::at("truth"), &names.scenario.truth);
    let blamed = [
        ("also", !truth.also.is_empty()),
        ("deploy", truth.deploy.is_some()),
        ("queries", !truth.queries.is_empty()),
        ("delay_from", truth.delay_from != DelayFrom::Onset),
        ("counts_from_s", truth.counts_from_s.is_some()),
    ];
    match blamed.iter().find(|(_, is_there)| *is_there) {
        Some((name, _)) => place
            .key(name)
            .wrong(format!("there is no cause, so there is no `{name}`: leave it out, or name the cause")),
        None => Ok(()),
    }
}

/// Whether there is such a statement: a step's name, or its text, or that of an event.
fn is_known(names: &Names<'_>, query: &str) -> bool {
    let statements = names.scenario.events.iter().flat_map(|event| match &event.action {
        Action::Sql(sql) => sql.statements.as_slice(),
        Action::Deploy(deploy) => deploy.statements.as_slice(),
        Action::RollBack(back) => back.statements.as_slice(),
        Action::Traffic(_) | Action::CacheLoss(_) => &[],
    });
    let mut steps = names.workload.services.iter().flat_map(|service| steps(&service.routes));
    steps.any(|step| {
        step.sql.as_deref().is_some_and(|sql| sql == query || step.name.as_deref() == Some(query))
    }) || names.scenario.statement(query).is_some()
        || statements.into_iter().any(|statement| statement == query)
}
