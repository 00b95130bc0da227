//! The ports between crates: what the engine expects of a source, a deploy feed, a rollback and a notifier. Only
//! signatures are in here; who implements them knows nothing of who calls.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::deploy::Deploy;
use crate::frame::{Engine, Frame, Role};
use crate::health::HealthRow;
use crate::ids::{DeployId, Fingerprint, IncidentId, NodeId, SignalName};

/// One node to watch, with its secret already looked up.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// The node.
    pub id: NodeId,
    /// Family of the server.
    pub engine: Engine,
    /// Address with user, database and options (`sslmode`), without a password.
    pub url: String,
    /// The password, where there is one.
    pub password: Option<SecretString>,
    /// The role, where the user states it; detected when `None`.
    pub role: Option<Role>,
}

/// How a metric endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointKind {
    /// The exporter's own text; expressions are evaluated here.
    Scrape,
    /// A Prometheus-compatible server; expressions are sent as they are.
    Promql,
}

/// How Faultline says who it is to a metric endpoint.
#[derive(Clone, Debug)]
pub enum EndpointAuth {
    /// `Authorization: Bearer …`.
    Bearer(SecretString),
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: SecretString,
    },
}

/// The client certificate that a metric endpoint asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// PEM file with the certificate and those between it and its authority.
    pub certificate: PathBuf,
    /// PEM file with its private key.
    pub key: PathBuf,
}

/// Whose series tell of single statements at a metric endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementSeries {
    /// postgres_exporter's: its own collector's, or those of the queries that `faultctl primary queries-yaml` prints.
    PostgresExporter,
    /// pg_exporter's.
    PgExporter,
}

/// One metric endpoint to watch, with its secrets already looked up.
#[derive(Clone, Debug)]
pub struct EndpointSpec {
    /// The node that its signals belong to: a database's, or one of its own, such as `edge`.
    pub id: NodeId,
    /// How it is asked.
    pub kind: EndpointKind,
    /// Where it is, without a password.
    pub url: String,
    /// How Faultline says who it is.
    pub auth: Option<EndpointAuth>,
    /// Further headers of every request, such as `X-Scope-OrgID`.
    pub headers: BTreeMap<String, SecretString>,
    /// PEM file with the certificates to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// The client certificate, where the endpoint asks for one.
    pub client: Option<ClientCertificate>,
    /// Canonical signal, or `x_` and a name, → expression.
    pub signals: BTreeMap<SignalName, String>,
    /// Names of the presets whose expressions are used where `signals` states none.
    pub presets: Vec<String>,
    /// Selector (`{instance="db-1:9187"}`, braces included) that every expression of a preset is narrowed to; empty
    /// for all.
    pub selector: String,
    /// The role of the node, where the user states it.
    pub role: Option<Role>,
    /// Whose series tell of single statements, where there are such.
    pub statements: Option<StatementSeries>,
    /// Usual interval between two polls, seconds.
    pub interval_s: f64,
}

/// What is due in a poll. A metric endpoint reads all that it has whenever it is polled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// One sample of the sessions and the one-row database counters.
    pub sessions: bool,
    /// The statement counters.
    pub counters: bool,
    /// Slow facts: settings, table sizes, role, clock skew.
    pub facts: bool,
}

/// What a poll brought.
#[derive(Debug, Default)]
pub struct Polled {
    /// What was seen, in the order of time; nothing when the node could not be reached. Mostly of the node itself, but a
    /// replica may also carry word of its primary.
    pub frames: Vec<Frame>,
    /// Rows that changed since the last poll (or all, after a connect).
    pub health: Vec<HealthRow>,
    /// Time that the server spent on our own statements in this poll, milliseconds (round trips, as an upper bound).
    pub cost_ms: f64,
}

/// Something that watches one node. It connects by itself, and again after a failure, with a deadline on every round
/// trip; a failure is a health row, never a panic.
#[async_trait]
pub trait Source: Send {
    /// Looks at what is due.
    async fn poll(&mut self, due: Due) -> Polled;

    /// Looks closer, because these queries are suspected: plans, missing indexes, who blocks whom. What is found are
    /// facts. Called on suspicion only, and at most once in [`INSPECT_EVERY`]; sources that cannot look closer find nothing.
    async fn inspect(&mut self, _suspects: &[Fingerprint]) -> Polled {
        Polled::default()
    }

    /// Tests every aspect of the target: connection, privileges, extension, settings.
    async fn self_test(&mut self) -> Vec<HealthRow>;

    /// Ends the session, politely and within a deadline.
    async fn close(&mut self);
}

/// Where a deploy feed delivers. The answer comes after the deploy was stored.
#[async_trait]
pub trait DeploySink: Send + Sync {
    /// Stores the deploy (merging it with what is known under its id).
    ///
    /// # Errors
    /// A sentence for the sender, when it could not be stored.
    async fn accept(&self, deploy: Deploy) -> Result<(), String>;
}

/// What a rollback is asked to undo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollbackTarget {
    /// The deploy to undo, with the version to go back to in `previous`.
    pub deploy: Deploy,
    /// The incident that it is undone for, if any.
    pub incident: Option<IncidentId>,
    /// Sent along where the provider takes one, so that the same rollback is never run twice.
    pub idempotency_key: String,
}

/// What exactly will run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollbackPreview {
    /// Name of the provider.
    pub provider: String,
    /// One sentence: what will happen.
    pub summary: String,
    /// The requests that will be sent, secrets masked, one a line.
    pub requests: Vec<String>,
    /// Reasons to think twice.
    pub warnings: Vec<String>,
    /// A page to open instead of running anything (`link` provider).
    pub open_url: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum RollbackOutcome {
    /// The deploy system says that it is done.
    Succeeded {
        /// What it answered, one sentence.
        message: String,
    },
    /// It was refused or failed; nothing or not everything was undone.
    Failed {
        /// What it answered and what to do.
        message: String,
    },
    /// The answer never came; look before sending again.
    Unknown {
        /// What is known and what to do.
        message: String,
    },
}

/// The way back of one service.
#[async_trait]
pub trait Rollback: Send + Sync {
    /// Name of the provider.
    fn provider(&self) -> &'static str;

    /// Says what would run, without running it.
    ///
    /// # Errors
    /// A sentence for the user: why it cannot be done (no previous version, bad template, …).
    async fn preview(&self, target: &RollbackTarget) -> Result<RollbackPreview, String>;

    /// Runs it and follows it to its end. Called at most once for an idempotency key.
    async fn run(&self, target: &RollbackTarget) -> RollbackOutcome;
}

/// A native notification. Texts are plain; the notifier escapes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The incident; one incident has one notification, shown again under the same id.
    pub incident: IncidentId,
    /// The deploy that *Roll back* undoes; without one there is no such button.
    pub rollback: Option<DeployId>,
    /// First line.
    pub title: String,
    /// A few lines.
    pub body: String,
    /// Whether it stays until dismissed.
    pub critical: bool,
}

/// What the user did with a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeAction {
    /// Pressed *Roll back*.
    Rollback {
        /// The incident.
        incident: IncidentId,
        /// The deploy that the button named when it was pressed.
        deploy: DeployId,
    },
    /// Pressed *Show* or the notification itself.
    Show {
        /// The incident.
        incident: IncidentId,
    },
    /// Closed it.
    Dismissed {
        /// The incident.
        incident: IncidentId,
    },
}

/// Shows native notifications.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Shows the notice, in place of an earlier one of the same incident.
    ///
    /// # Errors
    /// A sentence for log and window, when there is no notification server or it refused.
    async fn show(&self, notice: Notice) -> Result<(), String>;

    /// Takes the incident's notification away; nothing happens if there is none.
    async fn close(&self, incident: &IncidentId);
}

/// Shortest time between two closer looks at one node.
pub const INSPECT_EVERY: Duration = Duration::from_secs(20);

/// Longest time that any one round trip to a server may take, unless a provider states a shorter one.
pub const ROUND_TRIP_DEADLINE: Duration = Duration::from_secs(10);
