//! The driver's process, and the session that it gives.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fantoccini::ClientBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use nix::sys::signal::Signal;
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;

use super::Page;
use crate::error::{Error, Result, io};
use crate::process::Process;

/// How long a driver may take until it listens.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// How long the program or the browser may take until it can be driven, on a machine that just compiled it.
const SESSION_DEADLINE: Duration = Duration::from_secs(90);
/// How often a starting driver is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// Size of a browser's window, pixels.
const BROWSER_SIZE: &str = "1280,800";

/// What is driven.
#[derive(Clone, Debug)]
pub enum Engine {
    /// A program with a WebKitGTK window.
    Program {
        /// The program.
        binary: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// Headless Chromium.
    Browser {
        /// Its folder for what it keeps.
        profile: PathBuf,
    },
}

impl Engine {
    fn driver(&self) -> &'static str {
        match self {
            Self::Program { .. } => "WebKitWebDriver",
            Self::Browser { .. } => "chromedriver",
        }
    }

    fn capabilities(&self) -> Map<String, Value> {
        let (name, options) = match self {
            Self::Program { binary, arguments } => {
                ("webkitgtk:browserOptions", json!({ "binary": binary, "args": arguments }))
            }
            Self::Browser { profile } => {
                let arguments = [
                    "--headless=new".to_owned(),
                    // Under root there is no sandbox; the only page that is opened is ours.
                    "--no-sandbox".to_owned(),
                    "--disable-dev-shm-usage".to_owned(),
                    "--disable-gpu".to_owned(),
                    "--no-first-run".to_owned(),
                    format!("--window-size={BROWSER_SIZE}"),
                    format!("--user-data-dir={}", profile.display()),
                ];
                ("goog:chromeOptions", json!({ "args": arguments }))
            }
        };
        let mut capabilities = Map::from_iter([(name.to_owned(), options)]);
        if matches!(self, Self::Browser { .. }) {
            capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
        }
        capabilities
    }
}

/// A running driver. Ends when dropped, with everything that it started.
#[derive(Debug)]
pub struct Driver {
    process: Process,
    engine: Engine,
    port: u16,
    log: PathBuf,
}

impl Driver {
    /// Starts the driver of an engine on a free port. What it and the program say goes to `log`; the program gets
    /// `variables` in its environment.
    ///
    /// # Errors
    /// When the driver is missing or does not listen in time.
    pub async fn start(engine: Engine, variables: &[(&'static str, String)], log: &Path) -> Result<Self> {
        let port = free_port()?;
        let output = std::fs::File::create(log).map_err(io(format!("write {}", log.display())))?;
        let again = output.try_clone().map_err(io(format!("write {}", log.display())))?;
        let name = engine.driver();
        let mut command = Command::new(name);
        command.arg(format!("--port={port}")).envs(variables.iter().cloned()).stdout(output).stderr(again);
        if matches!(engine, Engine::Program { .. }) {
            // Makes the program's web view take orders.
            command.arg("--host=127.0.0.1").env("TAURI_WEBVIEW_AUTOMATION", "true");
        }
        let process = Process::spawn(name, &mut command, Signal::SIGTERM)?;
        let mut driver = Self { process, engine, port, log: log.to_owned() };
        driver.listens().await?;
        Ok(driver)
    }

    /// Starts the program or the browser and gives its page.
    ///
    /// # Errors
    /// When it does not start or cannot be driven.
    pub async fn open(&self) -> Result<Page> {
        let url = format!("http://127.0.0.1:{}", self.port);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connecting = builder.capabilities(self.engine.capabilities()).connect(&url);
        match tokio::time::timeout(SESSION_DEADLINE, connecting).await {
            Ok(Ok(client)) => Ok(Page::new(client)),
            Ok(Err(error)) => {
                let reason = format!("{error}; last words:\n{}", self.last_words());
                Err(Error::Page { what: format!("open a session of {}", self.process.name()), reason })
            }
            Err(_elapsed) => {
                let what = format!("a session of {}", self.process.name());
                Err(Error::Deadline { what, deadline: SESSION_DEADLINE, log: self.last_words() })
            }
        }
    }

    /// What the driver and the program said.
    pub fn last_words(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    async fn listens(&mut self) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_err() {
            if let Some(status) = self.process.try_wait()? {
                let program = self.process.name().to_owned();
                return Err(Error::Ended { program, status: status.to_string(), log: self.last_words() });
            }
            if started.elapsed() > START_DEADLINE {
                let what = format!("an answer of {}", self.process.name());
                return Err(Error::Deadline { what, deadline: START_DEADLINE, log: self.last_words() });
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        Ok(())
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io("find a free port"))?;
    Ok(listener.local_addr().map_err(io("find a free port"))?.port())
}
