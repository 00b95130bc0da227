//! Events together: what runs when, and which one the trouble begins with.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checked, Names, event};
use crate::scenario::{Action, Deploy, Event, RollBack};

/// How far from 0 the moment may be at which the trouble begins, seconds.
const TOLERANCE_S: f64 = 1e-6;

/// Checks them all.
pub(super) fn check(names: &Names<'_>) -> Checked {
    onset(names)?;
    versions(names)
}

/// With trouble exactly one event begins it, without none does.
fn onset(names: &Names<'_>) -> Checked {
    let events = names.scenario.events.iter().enumerate();
    let onsets: Vec<(usize, &Event)> = events.filter(|(_, event)| event.onset).collect();
    match (onsets.as_slice(), names.scenario.truth.cause) {
        ([], None) => Ok(()),
        ([], Some(_)) => super::Place::at("truth").key("cause").wrong(
            "there is a cause and no trouble: give the event that begins it `onset = true`, or leave the cause out",
        ),
        ([(number, _), ..], None) => event(*number).key("onset").wrong(
            "this begins a trouble that has no cause: name it in [truth], or leave `onset` out",
        ),
        ([_, (number, _), ..], Some(_)) => event(*number).key("onset").wrong(
            "two events begin the trouble: leave `onset` to the first one that acts",
        ),
        ([(number, one)], Some(_)) if one.acts_s().abs() > TOLERANCE_S => {
            let place = event(*number).key("at_s");
            let acts_s = one.acts_s();
            place.wrong(format!(
                "times count from the moment at which the trouble begins, and this acts at {acts_s} s: let it begin at {} s",
                one.at_s - acts_s
            ))
        }
        ([_], Some(_)) => Ok(()),
    }
}

/// What a service runs.
struct Running<'a> {
    /// The newest last.
    versions: Vec<&'a str>,
    /// When the last change of it is complete, seconds.
    until_s: f64,
}

/// What every service runs, from event to event.
fn versions(names: &Names<'_>) -> Checked {
    let of = |version| Running { versions: vec![version], until_s: f64::NEG_INFINITY };
    let services = names.workload.services.iter();
    let mut running: BTreeMap<&str, Running<'_>> =
        services.map(|service| (service.name.as_str(), of(service.version.as_str()))).collect();
    let mut ids = BTreeSet::new();
    let mut events: Vec<(usize, &Event)> = names.scenario.events.iter().enumerate().collect();
    events.sort_by(|(_, one), (_, other)| one.at_s.total_cmp(&other.at_s));
    for (number, one) in events {
        let place = event(number);
        let (Action::Deploy(Deploy { service, .. }) | Action::RollBack(RollBack { service, .. })) =
            &one.action
        else {
            continue;
        };
        let Some(running) = running.get_mut(service.as_str()) else { continue };
        if one.at_s < running.until_s {
            let version = running.versions.last().copied().unwrap_or_default();
            let message = format!(
                "{service} is on its way to {version} until {} s: change it after that",
                running.until_s
            );
            return place.key("at_s").wrong(message);
        }
        match &one.action {
            Action::Deploy(deploy) => {
                let version = deploy.version.as_str();
                if running.versions.last() == Some(&version) {
                    let message = format!("{service} runs {version} already: deploy another version");
                    return place.key("version").wrong(message);
                }
                if !ids.insert(deploy.id()) {
                    let message = format!(
                        "{service} {version} is deployed twice, and its id would be the same: choose another version"
                    );
                    return place.key("version").wrong(message);
                }
                running.versions.push(version);
                let last_stage_s = deploy.stages.last().map(|stage| stage.at_s);
                running.until_s = last_stage_s.unwrap_or(one.at_s + deploy.takes_s);
            }
            Action::RollBack(back) => {
                if running.versions.len() < 2 {
                    let message = format!(
                        "{service} has nothing to go back to: deploy a version before {} s",
                        one.at_s
                    );
                    return place.key("service").wrong(message);
                }
                running.versions.pop();
                running.until_s = one.at_s + back.takes_s;
            }
            Action::Sql(_) | Action::Traffic(_) | Action::CacheLoss(_) => {}
        }
    }
    Ok(())
}
