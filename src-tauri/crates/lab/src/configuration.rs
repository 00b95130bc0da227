//! The configuration that the lab gives to Faultline, as a user would write it. Secrets go by the environment.

use std::net::{Ipv4Addr, TcpListener};

use rand::RngExt;

use crate::error::{Result, io};
use crate::postgres::{MONITOR, Pair};
use crate::shop;

/// Environment variable with the database password.
pub const PASSWORD: &str = "FAULTLINE_LAB_PASSWORD";
/// Environment variable with the webhook's secret.
const SECRET: &str = "FAULTLINE_WEBHOOK_SECRET";
/// Environment variable with the deploy system's token.
const TOKEN: &str = "FAULTLINE_DEPLOY_TOKEN";

/// Addresses and secrets that both sides must know.
#[derive(Clone)]
pub(crate) struct Agreed {
    /// Port of Faultline's webhook.
    pub(crate) webhook_port: u16,
    pub(crate) webhook_secret: String,
    pub(crate) deploy_token: String,
}

impl Agreed {
    pub(crate) fn new() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io("find a free port"))?;
        let webhook_port = listener.local_addr().map_err(io("find a free port"))?.port();
        let secret = || format!("{:032x}", rand::rng().random::<u128>());
        Ok(Self { webhook_port, webhook_secret: secret(), deploy_token: secret() })
    }

    /// Where deploy markers go.
    pub(crate) fn webhook_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1/deploys", self.webhook_port)
    }
}

/// Which roles and applications are which service: each has a role of its own name, and applications named after it
/// and its version.
pub fn services<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let service = |name| {
        format!("\n[[service]]\nname = \"{name}\"\nroles = [\"{name}\"]\napplications = [\"{name}@*\"]\n")
    };
    names.into_iter().map(service).collect()
}

/// The shop's cluster: primary and standby.
pub fn clusters(pair: &Pair) -> String {
    let (primary, replica) = (pair.primary.address(MONITOR), pair.standby.address(MONITOR));
    format!(
        r#"[[cluster]]
name = "shop"
environment = "production"

  [[cluster.node]]
  name = "primary"
  engine = "postgres"
  url = "{primary}"
  password = "env:{PASSWORD}"

  [[cluster.node]]
  name = "replica-1"
  engine = "postgres"
  url = "{replica}"
  password = "env:{PASSWORD}"
"#
    )
}

/// The edge in front of the shop.
pub fn edge(url: &str) -> String {
    format!(
        r#"
[[metrics]]
cluster = "shop"
node = "edge"
kind = "scrape"
url = "{url}"

  [metrics.signals]
  requests_per_s = 'sum(rate(http_requests_total[15s]))'
  request_latency_ms = '1000 * sum(rate(http_request_duration_seconds_sum[15s])) / sum(rate(http_request_duration_seconds_count[15s]))'
  request_error_ratio = 'sum(rate(http_requests_total{{code=~"5.."}}[15s])) / sum(rate(http_requests_total[15s]))'
  request_clients = 'http_clients'
"#
    )
}

/// The whole text of `config.toml`: databases, services, the edge, where deploys are told and how they are taken back.
pub(crate) fn text(pair: &Pair, agreed: &Agreed, deploy_system: &str, edge_url: &str) -> String {
    let (clusters, services, port) = (clusters(pair), services(shop::SERVICES), agreed.webhook_port);
    let edge = edge(edge_url);
    format!(
        r#"{clusters}{services}{edge}
[[deploys]]
provider = "webhook"
listen = "127.0.0.1:{port}"
secret = "env:{SECRET}"

[[rollback]]
service = "checkout"
provider = "http"
method = "POST"
url = "{deploy_system}/services/{{service}}/rollback"
body = '{{"to":"{{previous}}"}}'
token = "env:{TOKEN}"
one_click = true
"#
    )
}

/// The secrets, as environment variables.
pub(crate) fn secrets(pair: &Pair, agreed: &Agreed) -> Vec<(&'static str, String)> {
    vec![
        (PASSWORD, pair.primary.password().to_owned()),
        (SECRET, agreed.webhook_secret.clone()),
        (TOKEN, agreed.deploy_token.clone()),
    ]
}
