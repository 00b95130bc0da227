//! Runs it all: configuration, secrets, schedule, the way of a frame, the life of an incident, rollbacks, retention.
//!
//! The engine is where side effects meet: it owns the clock and the tasks, and hands time and frames to the pure crates.
//! Not in here: SQL, drawing, windows.

mod cadence;
mod changes;
mod check;
mod clock;
mod cluster;
pub mod config;
mod convert;
mod cost;
mod coverage;
mod deploy_inbox;
mod endpoint;
mod engine;
mod error;
mod health;
mod hub;
mod incidents;
pub mod logging;
mod notice;
mod pulse;
mod record;
mod recoveries;
mod reload;
mod retention;
mod rollback;
pub mod secrets;
mod silent;
mod standing;
mod start;
mod status;
mod store_lock;
mod suspicion;
mod target;
mod verification;
mod voices;
mod warm_up;
mod watcher;
mod ways_back;

pub use faultline_analysis::{AnalysisConfig, Replay};
pub use faultline_deploys::install_tls_provider;
pub use faultline_history::{
    Bucket, FILE_NAME as STORE_FILE_NAME, History, HistoryError, IncidentRecord, RollbackRecord,
    quick_step_s as history_step_s,
};

pub use faultline_model::{HealthLevel, HealthRow, NoticeAction, Notifier};
pub use faultline_notifications::DesktopNotifier;
pub use faultline_sources::primary;

pub use check::check;
pub use clock::SystemClock;
pub use convert::link_hosts;
pub use coverage::Coverage;
pub use engine::{ConfigSource, Engine, EngineOptions};
pub use error::EngineError;
pub use hub::{Destination, EngineEvent, RollbackProgress, RollbackState};
pub use notice::named_suspect;
pub use record::record;
pub use rollback::Prepared;
pub use silent::SilentNotifier;
pub use status::{ClusterStatus, NodeStatus, SeenBy};
