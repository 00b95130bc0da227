//! Everything that a scenario is played on, set up in order: servers, data, load, Faultline.

use std::sync::Arc;
use std::time::Duration;

use super::Options;
use super::faultline::{Faultctl, Watch};
use crate::clock::unix_now;
use crate::configuration;
use crate::edge::Edge;
use crate::error::Result;
use crate::postgres::{self, Pair};
use crate::scenario::Scenario;
use crate::workload::{self, Load, LoadOptions, Workload};

/// Connections that a server takes; above what the services of any scenario have.
const MAX_CONNECTIONS: &str = "300";

/// The whole stage. Faultline ends first, the servers last.
pub(super) struct Stage {
    pub(super) watch: Watch,
    pub(super) faultctl: Faultctl,
    pub(super) load: Arc<Load>,
    pub(super) workload: Arc<Workload>,
    pub(super) pair: Arc<Pair>,
    pub(super) edge: Edge,
    /// When Faultline began to watch, Unix seconds.
    pub(super) watched_from: f64,
}

impl Stage {
    /// Sets everything up; when it is done, the shop has been open for a while and Faultline has begun to watch.
    pub(super) async fn set_up(options: &Options, scenario: &Scenario, say: impl Fn(&str)) -> Result<Self> {
        say(&format!("starting a PostgreSQL {} primary and its streaming standby", options.postgres));
        let settings = postgres::Options::new(options.postgres).setting("max_connections", MAX_CONNECTIONS);
        let settings =
            scenario.settings.iter().fold(settings, |settings, (name, value)| settings.setting(name, value));
        let pair = Arc::new(Pair::start_with(settings).await?);
        let workload = scenario.workload()?;
        say("filling the tables");
        workload::set_up(&pair, &workload, scenario.scale).await?;
        let load = Arc::new(Load::start(
            LoadOptions {
                workload: Arc::clone(&workload),
                scale: scenario.scale,
                versions: scenario.versions.clone(),
                seed: options.seed,
                rate: scenario.rate,
            },
            &pair.primary,
            &pair.standby,
        )?);
        say("the services are open");
        tokio::time::sleep(Duration::from_secs_f64(scenario.phases.warm_up_s)).await;
        let edge = Edge::start(Arc::clone(&load)).await?;
        let services = workload.services.iter().map(|service| service.name.as_str());
        let config = configuration::clusters(&pair)
            + &configuration::services(services)
            + &configuration::edge(&edge.url());
        let faultctl = Faultctl::new(&options.faultctl, &config, pair.primary.password())?;
        let (watched_from, watch) = (unix_now(), faultctl.watch()?);
        say("Faultline is watching");
        Ok(Self { watch, faultctl, load, workload, pair, edge, watched_from })
    }
}
