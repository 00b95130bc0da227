//! The settings as types. Whatever is in here has been checked.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use faultline_model::{ClientCertificate, Engine, Role, StatementSeries};

/// Everything that the configuration says, with defaults for what it leaves out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// How often things are looked at.
    pub intervals: Intervals,
    /// The databases, names unique.
    pub clusters: Vec<ClusterConfig>,
    /// Which roles and applications belong to which service, names unique.
    pub services: Vec<ServiceConfig>,
    /// Metric endpoints of clusters named in `clusters`.
    pub metrics: Vec<MetricsConfig>,
    /// Where word of deploys comes from.
    pub deploys: Vec<DeployFeedConfig>,
    /// The ways back, at most one a service.
    pub rollbacks: Vec<RollbackConfig>,
    /// What of the history is kept.
    pub retention: Retention,
    /// Where the history is.
    pub store: StoreConfig,
    /// How the desktop program behaves.
    pub desktop: DesktopConfig,
}

impl Config {
    /// The metric endpoints of a cluster.
    pub fn metrics_of<'a>(&'a self, cluster: &'a str) -> impl Iterator<Item = &'a MetricsConfig> {
        self.metrics.iter().filter(move |endpoint| endpoint.cluster == cluster)
    }
}

/// How the desktop program behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DesktopConfig {
    /// Whether closing the window leaves the program in the tray, where there is one.
    pub close_to_tray: bool,
}

impl Default for DesktopConfig {
    fn default() -> Self {
        Self { close_to_tray: true }
    }
}

/// How often things are looked at, seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intervals {
    /// Samples of the sessions, 0.5–60.
    pub sessions_s: f64,
    /// Statement counters while all is quiet, 1–3600.
    pub counters_s: f64,
    /// Metric endpoints, 1–3600.
    pub metrics_s: f64,
    /// Slow facts: settings, tables, plans; 5–86400.
    pub facts_s: f64,
}

impl Default for Intervals {
    fn default() -> Self {
        Self { sessions_s: 1.0, counters_s: 15.0, metrics_s: 5.0, facts_s: 60.0 }
    }
}

/// Databases that replicate one data set.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterConfig {
    /// Its name, without `/`.
    pub name: String,
    /// Deploys to this environment concern it.
    pub environment: String,
    /// Its servers, names unique in the cluster. May be empty when only metrics are there.
    pub nodes: Vec<NodeConfig>,
}

/// One server.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeConfig {
    /// Its name, without `/`.
    pub name: String,
    /// Its family; never `Unknown`.
    pub engine: Engine,
    /// Where it is, with user, database and options, without a password.
    pub url: String,
    /// Where the password is.
    pub password: Option<SecretRef>,
    /// Its role, where stated; else it is detected.
    pub role: Option<Role>,
}

/// Which database roles and applications belong to a service that is deployed on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceConfig {
    /// Its name, as in deploys.
    pub name: String,
    /// Database roles; `*` stands for any text.
    pub roles: Vec<String>,
    /// Application names; `*` stands for any text.
    pub applications: Vec<String>,
}

/// A metric endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsConfig {
    /// The cluster, one of the configured.
    pub cluster: String,
    /// The node that the signals belong to: one of the cluster's or a new one, such as `edge`.
    pub node: String,
    /// How the endpoint is asked.
    pub kind: MetricsKind,
    /// Where it is: http or https, without a password.
    pub url: String,
    /// How Faultline says who it is.
    pub auth: MetricsAuth,
    /// Further headers of every request.
    pub headers: BTreeMap<String, HeaderText>,
    /// PEM file with the certificates to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// The client certificate, where the endpoint asks for one.
    pub client: Option<ClientCertificate>,
    /// Canonical signal → expression; may be empty where a preset or `statements` says what is read.
    pub signals: BTreeMap<String, String>,
    /// Names of presets, whose expressions are used where `signals` states none.
    pub presets: Vec<String>,
    /// What every expression of a preset is narrowed to, `{instance="db-1:9187"}`; empty for all.
    pub selector: String,
    /// The role of the node, where stated.
    pub role: Option<Role>,
    /// Whose series tell of single statements, where there are such.
    pub statements: Option<StatementSeries>,
}

/// How a metric endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsKind {
    /// The exporter's own text; expressions are evaluated here.
    Scrape,
    /// A Prometheus-compatible server; expressions are sent as they are.
    Promql,
}

/// How Faultline says who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricsAuth {
    /// Not at all.
    None,
    /// `Authorization: Bearer …`.
    Bearer(SecretRef),
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        user: String,
        /// Where the password is.
        password: SecretRef,
    },
}

/// The value of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderText {
    /// As it stands in the file.
    Plain(String),
    /// A secret that the file names.
    Secret(SecretRef),
}

/// Where word of deploys comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeployFeedConfig {
    /// Deploy systems send it to us.
    Webhook {
        /// A loopback address and port.
        listen: SocketAddr,
        /// Key of the signature, or the bearer token.
        secret: SecretRef,
    },
}

/// How the deploys of a service are undone.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackConfig {
    /// The service.
    pub service: String,
    /// Whether the notification's button runs it at once, without the prepared sheet.
    pub one_click: bool,
    /// How.
    pub provider: RollbackProvider,
}

/// How a deploy is undone. Addresses, headers and bodies are templates with `{service}`, `{version}`, `{previous}`,
/// `{environment}` and `{id}`.
#[derive(Clone, Debug, PartialEq)]
pub enum RollbackProvider {
    /// By hand, on the deploy system's own page.
    Link {
        /// Template of its address.
        url: String,
    },
    /// By one HTTP request.
    Http(Box<HttpRollbackConfig>),
}

/// A rollback by one HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpRollbackConfig {
    /// `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Template of the address.
    pub url: String,
    /// Templates of further headers.
    pub headers: BTreeMap<String, HeaderText>,
    /// Template of the body: JSON.
    pub body: Option<String>,
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<SecretRef>,
    /// How the run is followed to its end; the answer decides where there is no such table.
    pub progress: Option<ProgressConfig>,
}

/// How a rollback is followed to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgressConfig {
    /// Template of the address that tells how the run stands; `{run}` stands for the `id` of the answer.
    pub status_url: Option<String>,
    /// Words that mean success, besides the usual ones.
    pub success: Vec<String>,
    /// Words that mean failure, besides the usual ones.
    pub failure: Vec<String>,
    /// Seconds between two looks, 1–300; the provider's own when `None`.
    pub interval_s: Option<f64>,
    /// After this many seconds the outcome is unknown, 10–86400; the provider's own when `None`.
    pub deadline_s: Option<f64>,
}

/// What of the history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days, 1–3650.
    pub days: u32,
    /// Most megabytes (10⁶ bytes) that the store may take, 50–1000000; the oldest goes first. No limit when `None`.
    pub max_mb: Option<u32>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 30, max_mb: None }
    }
}

/// Where the history is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreConfig {
    /// The folder; the platform's data folder when `None`. `--data` goes before it.
    pub path: Option<PathBuf>,
}

/// Where a secret is. The secret itself is never in the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretRef {
    /// `keyring:NAME`: entry NAME of the service `faultline` in the system's keyring.
    Keyring(String),
    /// `env:NAME`: an environment variable.
    Env(String),
}

/// As it stands in the file.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyring(name) => write!(f, "keyring:{name}"),
            Self::Env(name) => write!(f, "env:{name}"),
        }
    }
}
