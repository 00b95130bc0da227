//! Events, each by itself: whom and what they name, and when they are.

use super::{Checked, Names, Place, event, list, not_blank, not_negative, positive};
use crate::scenario::{Action, Deploy, Event, RollBack, Sql, Traffic};
use crate::workload::OWN_ROLES;

/// Checks all events.
pub(super) fn check(names: &Names<'_>) -> Checked {
    for (number, one) in names.scenario.events.iter().enumerate() {
        let place = event(number);
        times(names, one, &place)?;
        match &one.action {
            Action::Deploy(deploy) => check_deploy(names, one, deploy, &place)?,
            Action::RollBack(back) => check_roll_back(names, back, &place)?,
            Action::Sql(sql) => check_sql(names, sql, &place)?,
            Action::Traffic(traffic) => check_traffic(names, traffic, &place)?,
            Action::CacheLoss(_) => {}
        }
    }
    Ok(())
}

/// Every event must be within the recording, however the seed moves its beginning.
fn times(names: &Names<'_>, one: &Event, place: &Place) -> Checked {
    let phases = names.scenario.phases;
    let (first_s, last_s) = (phases.healthy_jitter_s - phases.healthy_s, phases.after_s);
    let within = |at_s: f64, what: &str, place: Place| {
        if !at_s.is_finite() {
            return place.wrong(format!("{at_s} is no time"));
        }
        if at_s < first_s {
            return place.wrong(format!("{what} at {at_s} s is before the recording begins: {first_s} s is the earliest with these phases"));
        }
        if at_s > last_s {
            return place.wrong(format!(
                "{what} at {at_s} s is after the recording's end at {last_s} s (phases.after_s)"
            ));
        }
        Ok(())
    };
    within(one.at_s, "this", place.key("at_s"))?;
    if let Action::Deploy(Deploy { takes_s, .. }) | Action::RollBack(RollBack { takes_s, .. }) = &one.action {
        not_negative(*takes_s, &place.key("takes_s"))?;
        within(one.at_s + takes_s, "its end", place.key("at_s"))?;
    }
    if let Some(until_s) = one.action.until_s() {
        let place = place.key("until_s");
        if until_s <= one.at_s {
            return place.wrong(format!("until_s ({until_s}) must be after at_s ({})", one.at_s));
        }
        within(until_s, "its end", place)?;
    }
    Ok(())
}

fn check_deploy(names: &Names<'_>, one: &Event, deploy: &Deploy, place: &Place) -> Checked {
    names.service(&deploy.service, &place.key("service"))?;
    not_blank(&deploy.version, &place.key("version"))?;
    statements(&deploy.statements, place)?;
    let (mut last_at_s, mut last_share) = (one.at_s, 0.0);
    for (number, stage) in deploy.stages.iter().enumerate() {
        let place = place.key("stages").number(number);
        if stage.at_s < last_at_s || (number > 0 && stage.at_s <= last_at_s) {
            return place.wrong(format!(
                "a stage at {} s must be after {last_at_s} s, when the one before it is",
                stage.at_s
            ));
        }
        if !stage.at_s.is_finite() || stage.at_s > names.scenario.phases.after_s {
            return place.wrong(format!("a stage at {} s is after the recording's end", stage.at_s));
        }
        if !(stage.share > last_share && stage.share <= 1.0) {
            return place.wrong(format!(
                "a stage's share must be more than the {last_share} before it and at most 1, not {}",
                stage.share
            ));
        }
        (last_at_s, last_share) = (stage.at_s, stage.share);
    }
    if !deploy.stages.is_empty() && last_share < 1.0 {
        return place
            .key("stages")
            .number(deploy.stages.len() - 1)
            .wrong(format!("the last stage has a share of {last_share}: it must be 1"));
    }
    Ok(())
}

fn check_roll_back(names: &Names<'_>, back: &RollBack, place: &Place) -> Checked {
    names.service(&back.service, &place.key("service"))?;
    statements(&back.statements, place)
}

fn check_sql(names: &Names<'_>, sql: &Sql, place: &Place) -> Checked {
    let services = names.workload.services.iter().map(|service| service.name.as_str());
    let roles: Vec<&str> = OWN_ROLES.into_iter().chain(services).collect();
    if !roles.contains(&sql.role.as_str()) {
        return place.key("role").wrong(format!(
            "there is no role {:?}; there is {}",
            sql.role,
            list(&roles)
        ));
    }
    not_blank(&sql.application, &place.key("application"))?;
    if sql.statements.is_empty() {
        return place.key("statements").wrong("`sql` needs statements");
    }
    statements(&sql.statements, place)?;
    for (name, number) in [("connections", sql.connections), ("times", sql.times)] {
        if number == 0 {
            return place.key(name).wrong(format!("{name} must be 1 or more"));
        }
    }
    not_negative(sql.hold_s, &place.key("hold_s"))?;
    match sql.every_s {
        Some(_) if sql.times == 1 => place.key("every_s").wrong("every_s needs `times` of 2 or more"),
        Some(every_s) => positive(every_s, &place.key("every_s")),
        None => Ok(()),
    }
}

fn statements(statements: &[String], place: &Place) -> Checked {
    let mut numbered = statements.iter().enumerate();
    numbered.try_for_each(|(number, statement)| not_blank(statement, &place.key("statements").number(number)))
}

fn check_traffic(names: &Names<'_>, traffic: &Traffic, place: &Place) -> Checked {
    positive(traffic.factor, &place.key("factor"))?;
    not_negative(traffic.ramp_s, &place.key("ramp_s"))?;
    check_clients(traffic, place)?;
    for (number, service) in traffic.services.iter().enumerate() {
        names.service(service, &place.key("services").number(number))?;
    }
    let services = || {
        let all = names.workload.services.iter();
        all.filter(|service| traffic.services.is_empty() || traffic.services.contains(&service.name))
    };
    for (number, route) in traffic.routes.iter().enumerate() {
        if !services().flat_map(|service| names.routes(service)).any(|known| known.route == *route) {
            let routes = services().flat_map(|service| names.routes(service)).map(|route| &route.route);
            let message = format!(
                "there is no route {route:?} of {}; there is {}",
                whose(&traffic.services),
                list(routes)
            );
            return place.key("routes").number(number).wrong(message);
        }
    }
    Ok(())
}

/// Few clients are those of what is more; less traffic comes from nobody.
fn check_clients(traffic: &Traffic, place: &Place) -> Checked {
    match traffic.clients {
        Some(0) => place.key("clients").wrong("must be at least 1".to_owned()),
        Some(_) if traffic.factor <= 1.0 => {
            place.key("clients").wrong("are those of more traffic; the factor must be above 1".to_owned())
        }
        _ => Ok(()),
    }
}

fn whose(services: &[String]) -> String {
    if services.is_empty() { "any service".to_owned() } else { services.join(" or ") }
}
