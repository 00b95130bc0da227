//! The configuration that a played scenario gives to Faultline: the pair, and which roles and applications are which
//! service of its workload.

use std::fmt::Write as _;

use crate::configuration::clusters;
use crate::postgres::Pair;
use crate::workload::Workload;

/// The whole text of `config.toml`.
pub(super) fn text(pair: &Pair, workload: &Workload) -> String {
    workload.services.iter().fold(clusters(pair), |mut text, service| {
        let name = &service.name;
        let _infallible = write!(
            text,
            "\n[[service]]\nname = \"{name}\"\nroles = [\"{name}\"]\napplications = [\"{name}@*\"]\n"
        );
        text
    })
}
