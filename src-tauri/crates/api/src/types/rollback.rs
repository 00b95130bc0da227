//! The way back: preview, confirmation and progress.

wire! {
    /// Which rollback to prepare.
    pub struct RollbackPreviewRequest {
        /// The deploy to undo.
        pub deploy_id: String,
        /// The incident that it is undone for, if any.
        pub incident_id: Option<String>,
    }

    /// Which rollback to run.
    pub struct RollbackRunRequest {
        /// The deploy to undo.
        pub deploy_id: String,
        /// The incident that it is undone for, if any.
        pub incident_id: Option<String>,
        /// From the preview that the user saw; anything else is refused.
        pub confirm_token: String,
    }

    /// What exactly will run.
    pub struct PreviewView {
        /// Name of the provider.
        pub provider: String,
        /// One sentence: what will happen.
        pub summary: String,
        /// The requests that will be sent, secrets masked, one a line.
        pub requests: Vec<String>,
        /// Reasons to think twice.
        pub warnings: Vec<String>,
        /// A page to open instead of running anything.
        pub open_url: Option<String>,
        /// To be given back when it is run.
        pub confirm_token: String,
    }

    /// A rollback and how it stands.
    pub struct RollbackView {
        /// Its idempotency key.
        pub key: String,
        /// The deploy that is undone.
        pub deploy_id: String,
        /// How it stands.
        pub state: RollbackState,
        /// One sentence.
        pub message: String,
        /// When it was asked for, Unix seconds.
        pub started: f64,
        /// When it ended, Unix seconds.
        pub finished: Option<f64>,
    }
}

impl PreviewView {
    /// The preview with the token that confirms it.
    pub fn new(preview: faultline_model::RollbackPreview, confirm_token: String) -> Self {
        Self {
            provider: preview.provider,
            summary: preview.summary,
            requests: preview.requests,
            warnings: preview.warnings,
            open_url: preview.open_url,
            confirm_token,
        }
    }
}

/// How a rollback stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum RollbackState {
    /// Asked for, not yet sent.
    Requested,
    /// The deploy system is at it.
    Running,
    /// The deploy system says that it is done; the database is being watched.
    Succeeded,
    /// It was refused or failed.
    Failed,
    /// The answer never came; look before sending again.
    Unknown,
    /// The database recovered.
    Verified,
    /// It was done, and did not help.
    NotVerified,
}
