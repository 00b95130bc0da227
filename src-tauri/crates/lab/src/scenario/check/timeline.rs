//! Events together: what runs when, and which one the trouble begins with.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checked, Names, event};
use crate::scenario::{Action, Event};

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

/// What every service runs, from event to event.
fn versions(names: &Names<'_>) -> Checked {
    let services = names.workload.services.iter();
    let mut running: BTreeMap<&str, Vec<&str>> =
        services.map(|service| (service.name.as_str(), vec![service.version.as_str()])).collect();
    let mut ids = BTreeSet::new();
    let mut events: Vec<(usize, &Event)> = names.scenario.events.iter().enumerate().collect();
    events.sort_by(|(_, one), (_, other)| one.at_s.total_cmp(&other.at_s));
    for (number, one) in events {
        match &one.action {
            Action::Deploy(deploy) => {
                let Some(versions) = running.get_mut(deploy.service.as_str()) else { continue };
                let (service, version) = (&deploy.service, deploy.version.as_str());
                if versions.last() == Some(&version) {
                    let message = format!("{service} runs {version} already: deploy another version");
                    return event(number).key("version").wrong(message);
                }
                if !ids.insert(deploy.id()) {
                    let message = format!(
                        "{service} {version} is deployed twice, and its id would be the same: choose another version"
                    );
                    return event(number).key("version").wrong(message);
                }
                versions.push(version);
            }
            Action::RollBack(back) => {
                let Some(versions) = running.get_mut(back.service.as_str()) else { continue };
                if versions.len() < 2 {
                    let message = format!(
                        "{} has nothing to go back to: deploy a version before {} s",
                        back.service, one.at_s
                    );
                    return event(number).key("service").wrong(message);
                }
                versions.pop();
            }
            Action::Sql(_) | Action::Traffic(_) | Action::CacheLoss(_) => {}
        }
    }
    Ok(())
}
