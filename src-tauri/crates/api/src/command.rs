//! The door: a command by domain and name, its arguments and its answer as JSON.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use faultline_engine::Engine;
use faultline_engine::logging::Logging;
use futures::FutureExt as _;
use serde_json::Value;

use crate::desktop::Desktop;
use crate::error::ApiError;
use crate::types::{
    ApiErrorView, ChartsDraw, Command, CommandName, DatabasesAdd, DatabasesList, DatabasesRemove,
    DatabasesTest, DeploysList, DiagnosticsGet, IncidentsGet, IncidentsList, LinksOpen, OverviewGet,
    QueriesTop, RollbackPreview, RollbackRun, SecretsDelete, SecretsList, SecretsSet, SecretsTest,
    SettingsChange, SettingsGet, SettingsHealth,
};
use crate::{
    charts, databases, deploys, diagnostics, incidents, links, overview, queries, rollback, secrets, settings,
};

/// Everything that can be asked.
pub struct Api {
    pub(crate) engine: Arc<Engine>,
    pub(crate) desktop: Arc<dyn Desktop>,
    pub(crate) logging: Option<Logging>,
}

impl Api {
    /// A door to the engine, with the desktop around it and the log of this process, where there is one.
    pub fn new(engine: Arc<Engine>, desktop: Arc<dyn Desktop>, logging: Option<Logging>) -> Self {
        Self { engine, desktop, logging }
    }

    /// Carries a command out.
    ///
    /// # Errors
    /// With a code, a message and perhaps a hint, for the window.
    pub async fn call(&self, domain: &str, name: &str, args: Value) -> Result<Value, ApiErrorView> {
        let asked = Instant::now();
        // A command that fails badly takes nothing else with it; the panic itself is logged where it happens.
        let answered = AssertUnwindSafe(self.dispatch(domain, name, args)).catch_unwind().await;
        let panicked = |_| Err(ApiError::Panicked { command: format!("{domain}|{name}") });
        let masker = self.engine.secrets().masker();
        let answered = answered.unwrap_or_else(panicked).map_err(ApiErrorView::from).map_err(|mut error| {
            error.message = masker.mask(&error.message).into_owned();
            error
        });
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
            ("databases", "list") => answer::<DatabasesList>(args, async |_| Ok(databases::list(self))).await,
            ("databases", "test") => {
                answer::<DatabasesTest>(args, async |args| databases::test(self, args).await).await
            }
            ("databases", "add") => {
                answer::<DatabasesAdd>(args, async |args| databases::add(self, args).await).await
            }
            ("databases", "remove") => {
                answer::<DatabasesRemove>(args, async |args| databases::remove(self, args).await).await
            }
            ("secrets", "list") => answer::<SecretsList>(args, async |_| Ok(secrets::list(self).await)).await,
            ("secrets", "set") => {
                answer::<SecretsSet>(args, async |args| secrets::set(self, args).await).await
            }
            ("secrets", "test") => {
                answer::<SecretsTest>(args, async |args| secrets::test(self, &args).await).await
            }
            ("secrets", "delete") => {
                answer::<SecretsDelete>(args, async |args| secrets::delete(self, &args).await).await
            }
            ("settings", "get") => answer::<SettingsGet>(args, async |_| Ok(settings::get(self))).await,
            ("settings", "change") => {
                answer::<SettingsChange>(args, async |args| settings::change(self, &args).await).await
            }
            ("settings", "health") => {
                answer::<SettingsHealth>(args, async |_| Ok(settings::health(self))).await
            }
            ("diagnostics", "get") => {
                answer::<DiagnosticsGet>(args, async |_| Ok(diagnostics::get(self))).await
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
    let args = serde_json::from_value(args).map_err(|source| bad_arguments(C::NAME, source))?;
    serde_json::to_value(function(args).await?).map_err(ApiError::Answer)
}

/// Arguments that hold secrets are not repeated, not even wrong ones.
fn bad_arguments(command: CommandName, source: serde_json::Error) -> ApiError {
    let holds_secrets = matches!(command.domain, "secrets" | "databases");
    let source = match holds_secrets {
        true => serde::de::Error::custom("look at the command's type"),
        false => source,
    };
    ApiError::BadArguments { command: format!("{}|{}", command.domain, command.name), source }
}
