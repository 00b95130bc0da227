//! The shop as the demo, `serve`, the benchmarks and the tests have it: its workload on a pair, and what can be deployed:
//! checkout v142, which is the deploy of the postmortem, and others that harm nobody.

use std::sync::Arc;

use crate::error::Result;
use crate::postgres::Pair;
use crate::scenario::Catalogue;
use crate::workload::{self, Load, LoadOptions, Workload};

/// The workload.
const WORKLOAD: &str = "shop";
/// The scenario whose deploy is the bad one, and in which variant.
const SCENARIO: (&str, &str) = ("n-plus-one", "strong");
/// The services.
pub const SERVICES: [&str; 4] = ["checkout", "search", "account", "fulfilment"];
/// Of what the customers do when; always the same, so that the demo is too.
const SEED: u64 = 1;
/// What services can be switched to, the version of the beginning first.
pub const VERSIONS: [(&str, [&str; 2]); 2] = [("checkout", ["v141", "v142"]), ("search", ["87", "88"])];

/// Makes the shop's tables and roles on the primary, waits for the standby, and lets the customers in.
///
/// # Errors
/// When a statement fails or the standby does not catch up.
pub async fn open(pair: &Pair) -> Result<Arc<Load>> {
    let scale = 1.0;
    let workload = Arc::new(Workload::named(WORKLOAD)?);
    workload::set_up(pair, &workload, scale).await?;
    let scenario = Catalogue::builtin()?.scenario(SCENARIO.0, Some(SCENARIO.1))?;
    let options =
        LoadOptions { workload, scale, versions: scenario.versions, seed: SEED, rate: scenario.rate };
    Ok(Arc::new(Load::start(options, &pair.primary, &pair.standby)?))
}

/// What runs at the beginning: services with their versions.
pub fn running() -> [(&'static str, &'static str); 2] {
    VERSIONS.map(|(service, [first, _])| (service, first))
}

/// Whether a version of a service can be deployed.
pub fn has(service: &str, version: &str) -> bool {
    VERSIONS.iter().any(|(name, versions)| *name == service && versions.contains(&version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_workload_and_the_scenario() {
        let workload = Workload::named(WORKLOAD).unwrap();
        let named: Vec<&str> = workload.services.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(named, SERVICES);
        for (service, first) in running() {
            assert_eq!(workload.service(service).map(|service| service.version.as_str()), Some(first));
        }
        let scenario = Catalogue::builtin().unwrap().scenario(SCENARIO.0, Some(SCENARIO.1)).unwrap();
        let described: Vec<_> =
            scenario.versions.iter().map(|of| (of.service.as_str(), of.version.as_str())).collect();
        assert_eq!(described, [("checkout", "v142")]);
    }
}
