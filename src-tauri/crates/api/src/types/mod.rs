//! What crosses the border between the window and the program: arguments, answers, errors and events, as plain data.
//!
//! They are types of their own, apart from the model's, so that the program can change inside without the window
//! noticing. All times are Unix seconds, all durations seconds. `ui/src/bindings.ts` is written from them.

/// Derives what every wire type needs.
macro_rules! wire {
    ($($item:item)*) => {
        $(
            #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
            $item
        )*
    };
}

/// A wire enumeration with the same variants as one of the model's, written in snake case.
macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident from $model:path { $($(#[$variant_doc:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl From<$model> for $name {
            fn from(value: $model) -> Self {
                match value {
                    $(<$model>::$variant => Self::$variant,)*
                }
            }
        }
    };
}

mod charts;
mod commands;
mod databases;
mod deploys;
mod diagnostics;
mod error;
mod events;
mod incidents;
mod links;
mod overview;
mod queries;
mod rollback;
mod secrets;
mod settings;

pub use charts::{
    BandView, ChartGroup, ChartRequest, ChartsView, FlagView, MarkView, PanelId, PanelView, PlotArea,
    SeriesView, Theme,
};
pub use commands::{
    COMMANDS, ChartsDraw, Command, CommandName, DatabasesAdd, DatabasesList, DatabasesRemove, DatabasesTest,
    DeploysList, DiagnosticsGet, IncidentsGet, IncidentsList, LinksOpen, NoArgs, OverviewGet, QueriesTop,
    RollbackPreview, RollbackRun, SecretsDelete, SecretsList, SecretsSet, SecretsTest, SettingsChange,
    SettingsGet, SettingsHealth, Visitor, visit_commands,
};
pub use databases::{
    DatabaseAddRequest, DatabaseRemoveRequest, DatabaseTestRequest, DatabaseTested, DatabaseView,
    PasswordInput,
};
pub use deploys::{DeployKindView, DeployStatusView, DeployView, DeploysRequest};
pub use diagnostics::DiagnosticsView;
pub use error::ApiErrorView;
pub use events::{Changed, Topic};
pub use incidents::{
    CauseView, FindingView, IncidentQueryView, IncidentRequest, IncidentState, IncidentSummary, IncidentView,
    IncidentsRequest, SeverityView, SuspectView, TimelineEntry,
};
pub use links::LinkRequest;
pub use overview::{
    ClusterState, ClusterView, EngineView, NodeState, NodeView, Overview, PrimaryObserved, RoleView,
    SeenByView,
};
pub use queries::{QueriesRequest, QueryRow};
pub use rollback::{PreviewView, RollbackPreviewRequest, RollbackRunRequest, RollbackState, RollbackView};
pub use secrets::{
    Keep, SecretDeleteRequest, SecretInput, SecretRequest, SecretSetRequest, SecretState, SecretView,
};
pub use settings::{HealthLevelView, HealthRowView, SettingsChangeRequest, SettingsView};
