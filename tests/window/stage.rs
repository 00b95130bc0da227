//! What the story is played on: servers under load, the deploy system, a private session, and a user's configuration.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use faultline_lab::deploys::{DeploySystem, Production, Webhook};
use faultline_lab::desktop::{Behaviour, Keyring, NotificationServer, Session};
use faultline_lab::error::Result;
use faultline_lab::folder::Folder;
use faultline_lab::postgres::Pair;
use faultline_lab::shop;
use faultline_lab::webdriver::{Driver, Engine};
use faultline_lab::workload::Load;

/// Environment variables with the secrets that the configuration names.
const WEBHOOK_SECRET: &str = "FAULTLINE_TEST_WEBHOOK_SECRET";
const DEPLOY_TOKEN: &str = "FAULTLINE_TEST_DEPLOY_TOKEN";
/// A comment of the user's, which no edit may lose.
pub(crate) const COMMENT: &str = "# Ask #shop-oncall before you change anything in here.";

/// The servers with the shop on them.
pub(crate) struct Shop {
    pub(crate) deploys: DeploySystem,
    pub(crate) webhook: Webhook,
    pub(crate) load: Arc<Load>,
    pub(crate) pair: Pair,
    token: String,
}

/// The stage. The servers end last.
pub(crate) struct Stage {
    pub(crate) notices: NotificationServer,
    _keyring: Keyring,
    pub(crate) session: Session,
    shop: Option<Shop>,
    folder: Folder,
}

impl Stage {
    /// Everything.
    pub(crate) async fn set_up() -> Result<Self> {
        let pair = Pair::start(18).await?;
        let load = shop::open(&pair).await?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let webhook = Webhook {
            url: format!("http://127.0.0.1:{port}/v1/deploys"),
            secret: "canary-webhook-5c1f".to_owned(),
        };
        let token = "canary-token-77ab".to_owned();
        let production: Arc<dyn Production> = load.clone();
        let deploys =
            DeploySystem::start(token.clone(), &shop::running(), production, Some(webhook.clone())).await?;
        let mut stage = Self::without_servers().await?;
        stage.folder.write("config.toml", &configuration(port, &deploys.url()))?;
        stage.shop = Some(Shop { deploys, webhook, load, pair, token });
        Ok(stage)
    }

    /// The session alone, and a configuration with nothing in it.
    pub(crate) async fn without_servers() -> Result<Self> {
        let session = Session::start().await?;
        let keyring = Keyring::unlocked(&session).await?;
        let behaviour = Behaviour::with(&["actions", "body", "body-markup"]);
        let notices = NotificationServer::start(session.bus_address(), behaviour).await?;
        let folder = Folder::create(None)?;
        folder.write("config.toml", COMMENT)?;
        Ok(Self { notices, _keyring: keyring, session, shop: None, folder })
    }

    pub(crate) fn shop(&self) -> &Shop {
        self.shop.as_ref().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn configuration(&self) -> String {
        std::fs::read_to_string(self.path("config.toml")).unwrap()
    }

    /// What the program logs.
    pub(crate) fn log(&self) -> PathBuf {
        self.path("data/log/faultline.log")
    }

    /// What the driver says, and the program on its streams.
    pub(crate) fn driver_log(&self) -> PathBuf {
        self.path("driver.log")
    }

    /// What the program says of incidents and rollbacks.
    pub(crate) fn events(&self) -> PathBuf {
        self.path("events.jsonl")
    }

    /// The program's arguments.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        vec!["--config".to_owned(), path("config.toml"), "--data".to_owned(), path("data")]
    }

    /// The program's environment.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = self.session.variables().to_vec();
        variables.push(("FAULTLINE_EVENTS_FILE", self.events().display().to_string()));
        variables.push(("FAULTLINE_LOG", "info,faultline_engine=debug,faultline_sources=debug".to_owned()));
        if let Some(shop) = &self.shop {
            variables.push((WEBHOOK_SECRET, shop.webhook.secret.clone()));
            variables.push((DEPLOY_TOKEN, shop.token.clone()));
        }
        variables
    }

    /// Starts what drives the window.
    pub(crate) async fn driver(&self) -> Result<Driver> {
        let engine =
            Engine::Program { binary: faultline_tests::faultline().to_owned(), arguments: self.arguments() };
        Driver::start(engine, &self.variables(), &self.driver_log()).await
    }

    /// Every secret that somebody typed or set somewhere.
    pub(crate) fn canaries(&self) -> Vec<(&'static str, String)> {
        let shop = self.shop();
        vec![
            ("the database password", shop.pair.primary.password().to_owned()),
            ("the password that was wrong", crate::first_run::WRONG_PASSWORD.to_owned()),
            ("the webhook's secret", shop.webhook.secret.clone()),
            ("the deploy system's token", shop.token.clone()),
        ]
    }

    pub(crate) async fn close(&self) {
        self.shop().load.stop().await;
    }
}

/// What the team has written before anybody added a database.
fn configuration(webhook_port: u16, deploy_system: &str) -> String {
    format!(
        r#"{COMMENT}

[[service]]
name = "checkout"              # carts, orders, payments
roles = ["checkout"]
applications = ["checkout@*"]

[[service]]
name = "search"
roles = ["search"]
applications = ["search@*"]

# The pipeline posts here.
[[deploys]]
provider = "webhook"
listen = "127.0.0.1:{webhook_port}"
secret = "env:{WEBHOOK_SECRET}"

[[rollback]]
service = "checkout"
provider = "http"
method = "POST"
url = "{deploy_system}/services/{{service}}/rollback"
body = '{{"to":"{{previous}}"}}'
token = "env:{DEPLOY_TOKEN}"
one_click = false              # somebody looks at it first
"#
    )
}
