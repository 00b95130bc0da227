//! Scenarios: one declarative file each, the catalogue of those that come with the lab, and what is wrong with a file.
//! Playing one is not in here.

mod catalogue;
mod check;
mod model;
mod read;
mod table;
#[cfg(test)]
mod tests;
mod values;

pub use catalogue::Catalogue;
pub use model::{
    Action, CacheLoss, DelayFrom, Deploy, DeployKind, Event, Phases, RollBack, Scenario, Sql, Stage, Traffic,
    Truth, Variant,
};
