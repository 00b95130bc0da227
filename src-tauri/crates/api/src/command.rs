//! The door: a command by domain and name, its arguments and its answer as JSON.

use std::sync::Arc;
use std::time::Instant;

use faultline_engine::Engine;
use serde_json::Value;

use crate::error::ApiError;
use crate::types::{
    ApiErrorView, ChartsDraw, Command, DeploysList, IncidentsGet, IncidentsList, LinksOpen, OverviewGet,
    QueriesTop, RollbackPreview, RollbackRun, SettingsHealth,
};
use crate::{charts, deploys, incidents, links, overview, queries, rollback, settings};

/// Opens a page in the user's browser.
pub(crate) type OpenPage = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// Everything that can be asked.
pub struct Api {
    pub(crate) engine: Arc<Engine>,
    pub(crate) open_page: OpenPage,
}

impl Api {
    /// A door to the engine. `open_page` opens an address that was found allowed.
    pub fn new(
        engine: Arc<Engine>,
        open_page: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { engine, open_page: Box::new(open_page) }
    }

    /// Carries a command out.
    ///
    /// # Errors
    /// With a code, a message and perhaps a hint, for the window.
    pub async fn call(&self, domain: &str, name: &str, args: Value) -> Result<Value, ApiErrorView> {
        let asked = Instant::now();
        let answered = self.dispatch(domain, name, args).await.map_err(ApiErrorView::from);
        tracing::debug!(domain, name, elapsed_ms = asked.elapsed().as_millis(), "A command was answered.");
        answered
    }

    async fn dispatch(&self, domain: &str, name: &str, args: Value) -> Result<Value, ApiError> {
        match (domain, name) {
            ("overview", "get") => answer::<OverviewGet>(args, async |_| Ok(overview::get(self))).await,
            ("charts", "draw") => {
                answer::<ChartsDraw>(args, async |args| charts::draw(self, args).await).await
            }
            ("queries", "top") => {
                answer::<QueriesTop>(args, async |args| queries::top(self, args).await).await
            }
            ("incidents", "list") => {
                answer::<IncidentsList>(args, async |args| incidents::list(self, args).await).await
            }
            ("incidents", "get") => {
                answer::<IncidentsGet>(args, async |args| incidents::get(self, args).await).await
            }
            ("deploys", "list") => {
                answer::<DeploysList>(args, async |args| deploys::list(self, args).await).await
            }
            ("rollback", "preview") => {
                answer::<RollbackPreview>(args, async |args| rollback::preview(self, args).await).await
            }
            ("rollback", "run") => {
                answer::<RollbackRun>(args, async |args| rollback::run(self, args).await).await
            }
            ("settings", "health") => {
                answer::<SettingsHealth>(args, async |_| Ok(settings::health(self))).await
            }
            ("links", "open") => answer::<LinksOpen>(args, async |args| links::open(self, &args)).await,
            _ => Err(ApiError::UnknownCommand { domain: domain.to_owned(), name: name.to_owned() }),
        }
    }
}

async fn answer<C: Command>(
    args: Value,
    function: impl AsyncFnOnce(C::Args) -> Result<C::Answer, ApiError>,
) -> Result<Value, ApiError> {
    let args = serde_json::from_value(args).map_err(|source| ApiError::BadArguments {
        command: format!("{}|{}", C::NAME.domain, C::NAME.name),
        source,
    })?;
    serde_json::to_value(function(args).await?).map_err(ApiError::Answer)
}
