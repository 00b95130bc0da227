//! Whether a scenario makes sense: everything that it names exists, and everything that happens can happen then. What
//! is found is told with the file, the line and what to write instead.

mod events;
mod steps;
mod timeline;
mod truth;

use std::collections::BTreeSet;

use super::values::list;
use super::{Action, Deploy, Scenario};
use crate::error::Result;
use crate::spans;
use crate::workload::{Route, Service, Workload};

/// Checks a scenario as it is now, with its chosen variant or without one.
///
/// # Errors
/// The first thing that makes no sense.
pub(super) fn check(scenario: &Scenario, workload: &Workload) -> Result<()> {
    let names = Names { scenario, workload };
    let found = head(scenario)
        .and_then(|()| steps::check(&names))
        .and_then(|()| events::check(&names))
        .and_then(|()| timeline::check(&names))
        .and_then(|()| truth::check(&names));
    found.map_err(|Problem { place, message }| {
        let variant =
            scenario.chosen.as_ref().map_or_else(String::new, |name| format!("in the variant {name}: "));
        spans::wrong(
            &scenario.path,
            &scenario.text,
            spans::offset_of(&scenario.text, &place.0),
            variant + &message,
        )
    })
}

/// Something that makes no sense, and where.
struct Problem {
    place: Place,
    message: String,
}

type Checked = std::result::Result<(), Problem>;

/// The way to an entry of the file: keys, and numbers of entries of lists.
#[derive(Clone, Debug, Default)]
struct Place(Vec<String>);

impl Place {
    fn at(name: &str) -> Self {
        Self::default().key(name)
    }

    fn key(&self, name: &str) -> Self {
        Self(self.0.iter().cloned().chain([name.to_owned()]).collect())
    }

    fn number(&self, number: usize) -> Self {
        self.key(&number.to_string())
    }

    /// An error here.
    fn wrong(&self, message: impl Into<String>) -> Checked {
        Err(Problem { place: self.clone(), message: message.into() })
    }
}

/// What there is to be named.
struct Names<'a> {
    scenario: &'a Scenario,
    workload: &'a Workload,
}

impl<'a> Names<'a> {
    fn service(&self, name: &str, place: &Place) -> std::result::Result<&'a Service, Problem> {
        let found = self.workload.services.iter().find(|service| service.name == name);
        found.ok_or_else(|| Problem {
            place: place.clone(),
            message: format!(
                "there is no service {name:?}; there is {}",
                list(self.workload.services.iter().map(|s| &s.name))
            ),
        })
    }

    /// A service's routes: those of the workload, and those of the scenario's versions.
    fn routes(&self, service: &'a Service) -> impl Iterator<Item = &'a Route> {
        let versions = self.scenario.versions.iter().filter(|version| version.service == service.name);
        service.routes.iter().chain(versions.flat_map(|version| &version.routes))
    }

    /// The deploys, with their numbers among the events.
    fn deploys(&self) -> impl Iterator<Item = (usize, &'a Deploy)> {
        self.scenario.events.iter().enumerate().filter_map(|(number, event)| match &event.action {
            Action::Deploy(deploy) => Some((number, deploy)),
            _ => None,
        })
    }
}

fn event(number: usize) -> Place {
    Place::at("event").number(number)
}

/// What is said before versions and events.
fn head(scenario: &Scenario) -> Checked {
    let stem = scenario.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    if stem.as_ref() != Some(&scenario.name) {
        let stem = stem.unwrap_or_default();
        return Place::at("name").wrong(format!(
            "the file is called {stem}.toml and the scenario {:?}: give both the same name",
            scenario.name
        ));
    }
    if scenario.name.is_empty()
        || !scenario.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    {
        return Place::at("name").wrong("a scenario's name has small letters, digits and - only");
    }
    for (name, text) in [("title", &scenario.title), ("about", &scenario.about)] {
        not_blank(text, &Place::at(name))?;
    }
    positive(scenario.scale, &Place::at("scale"))?;
    positive(scenario.rate, &Place::at("rate"))?;
    phases(scenario)?;
    let mut known = BTreeSet::new();
    for (name, variant) in &scenario.variants {
        let place = Place::at("variant").key(name);
        positive(variant.intensity, &place.key("intensity"))?;
        if variant.values.is_empty() {
            return place.wrong(format!(
                "the variant {name} changes nothing: give it values that differ from [values]"
            ));
        }
        if !known
            .insert(variant.values.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>())
        {
            return place.wrong(format!("the variant {name} is the same as another one"));
        }
    }
    Ok(())
}

fn phases(scenario: &Scenario) -> Checked {
    let (place, phases) = (Place::at("phases"), scenario.phases);
    not_negative(phases.warm_up_s, &place.key("warm_up_s"))?;
    positive(phases.healthy_s, &place.key("healthy_s"))?;
    not_negative(phases.healthy_jitter_s, &place.key("healthy_jitter_s"))?;
    if phases.healthy_jitter_s >= phases.healthy_s {
        return place.key("healthy_jitter_s").wrong("healthy_jitter_s must be less than healthy_s");
    }
    not_negative(phases.after_s, &place.key("after_s"))
}

fn positive(number: f64, place: &Place) -> Checked {
    if number.is_finite() && number > 0.0 {
        Ok(())
    } else {
        place.wrong(format!("{number} must be more than 0"))
    }
}

fn not_negative(number: f64, place: &Place) -> Checked {
    if number.is_finite() && number >= 0.0 {
        Ok(())
    } else {
        place.wrong(format!("{number} must not be less than 0"))
    }
}

fn not_blank(text: &str, place: &Place) -> Checked {
    if text.trim().is_empty() { place.wrong("this must not be empty") } else { Ok(()) }
}
