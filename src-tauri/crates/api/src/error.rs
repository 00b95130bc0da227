//! Why a command was not carried out, and how the window is told.

use faultline_engine::EngineError;
use faultline_engine::secrets::SecretError;

use crate::types::ApiErrorView;

/// An error of a command.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is no such command.
    #[error("there is no command {domain}|{name}")]
    UnknownCommand {
        /// The domain that was asked for.
        domain: String,
        /// The name that was asked for.
        name: String,
    },
    /// The arguments are not of the command's form.
    #[error("the arguments of {command} are not of its form: {source}")]
    BadArguments {
        /// `domain|name`
        command: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A value is out of its range.
    #[error("{message}")]
    BadRequest {
        /// What is wrong and what is allowed.
        message: String,
    },
    /// What was asked for is not there.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// It may not be done.
    #[error("{message}")]
    Refused {
        /// Why.
        message: String,
        /// What to do instead.
        hint: &'static str,
    },
    /// The engine could not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The store could not answer.
    #[error(transparent)]
    History(#[from] faultline_engine::HistoryError),
    /// A chart could not be drawn.
    #[error("the chart could not be drawn: {0}")]
    Chart(#[from] faultline_chart::ChartError),
    /// A secret could not be had, kept or deleted.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The command itself failed.
    #[error("Faultline itself failed at {command}; what happened is in the log")]
    Panicked {
        /// `domain|name`
        command: String,
    },
    /// The answer could not be written.
    #[error("the answer could not be written: {0}")]
    Answer(serde_json::Error),
}

impl ApiError {
    /// A stable word for the window.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownCommand { .. } | Self::BadArguments { .. } | Self::BadRequest { .. } => {
                "bad_request"
            }
            Self::NotFound { .. } | Self::Engine(EngineError::UnknownDeploy { .. }) => "not_found",
            Self::Refused { .. }
            | Self::Engine(
                EngineError::PreviewChanged | EngineError::NoRollback { .. } | EngineError::Rollback { .. },
            ) => "refused",
            Self::Secret(error) | Self::Engine(EngineError::Secret(error)) => error.code(),
            Self::Engine(EngineError::Config(_)) => "configuration",
            Self::Panicked { .. } | Self::Engine(_) | Self::History(_) | Self::Chart(_) | Self::Answer(_) => {
                "internal"
            }
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { hint, .. } => Some((*hint).to_owned()),
            Self::Panicked { .. } => Some("Copy the diagnostics in the settings and report this.".to_owned()),
            _ => None,
        }
    }
}

/// The error as the window sees it; the whole chain has gone to the log.
impl From<ApiError> for ApiErrorView {
    fn from(error: ApiError) -> Self {
        if error.code() == "internal" {
            tracing::error!(%error, "A command failed.");
        }
        Self { code: error.code().to_owned(), message: error.to_string(), hint: error.hint() }
    }
}
