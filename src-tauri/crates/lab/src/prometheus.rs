//! A real Prometheus server: with targets to scrape, or with samples that were there before it began. Installed from
//! Debian (`prometheus`).

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::error::{Error, Result, io};
use crate::folder::Folder;
use crate::http;
use crate::process::Process;

/// How long a server may take until it answers.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How often a starting server is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How much of a log goes into an error, bytes.
const LOG_TAIL_BYTES: usize = 2_000;

/// How a Prometheus server is set up.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `host:port` of what is scraped at `/metrics`, each with its job.
    pub targets: Vec<(String, String)>,
    /// Time between two scrapes; a second when zero.
    pub scrape_every: Duration,
    /// `--web.config.file`: TLS, client certificates, users. Files in it are named with their full paths.
    pub web_config: Option<String>,
    /// Samples with times, as OpenMetrics, that it has from the beginning.
    pub samples: Option<String>,
}

/// A running Prometheus. Dropping it stops it and removes its data.
#[derive(Debug)]
pub struct Prometheus {
    /// Stopped before the folder goes.
    daemon: Daemon,
    options: Options,
    folder: Folder,
}

impl Prometheus {
    /// Starts a server on a free port of this machine.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn start(options: Options) -> Result<Self> {
        let folder = Folder::create(None)?;
        folder.write("prometheus.yml", &configuration(&options))?;
        if let Some(web_config) = &options.web_config {
            folder.write("web.yml", web_config)?;
        }
        if let Some(samples) = &options.samples {
            import(&folder, samples)?;
        }
        let daemon = Self::run(&folder, &options, free_port()?).await?;
        Ok(Self { daemon, options, folder })
    }

    async fn run(folder: &Folder, options: &Options, port: u16) -> Result<Daemon> {
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", path("prometheus.yml")))
            .arg(format!("--storage.tsdb.path={}", path("data")))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=warn");
        if options.web_config.is_some() {
            command.arg(format!("--web.config.file={}", path("web.yml")));
        }
        // Behind a certificate of its own nobody but its clients can ask whether it is ready: it listens when it is.
        let ready = options.web_config.is_none().then(|| format!("http://127.0.0.1:{port}/-/ready"));
        Daemon::start("prometheus", command, &folder.path().join("log"), port, ready).await
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.daemon.port
    }

    /// Its address.
    pub fn url(&self) -> String {
        let scheme = if self.options.web_config.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.daemon.port)
    }

    /// Stops it and starts it again, with its data, on the same port.
    ///
    /// # Errors
    /// When it does not start again.
    pub async fn restart(&mut self) -> Result<()> {
        self.daemon.process.end();
        self.daemon = Self::run(&self.folder, &self.options, self.daemon.port).await?;
        Ok(())
    }
}

fn configuration(options: &Options) -> String {
    let every = if options.scrape_every.is_zero() { Duration::from_secs(1) } else { options.scrape_every };
    let mut lines = format!(
        "global:\n  scrape_interval: {0}ms\n  scrape_timeout: {0}ms\nscrape_configs:\n",
        every.as_millis()
    );
    for (job, target) in &options.targets {
        lines += &format!("  - job_name: {job}\n    static_configs:\n      - targets: ['{target}']\n");
    }
    if options.targets.is_empty() {
        lines = lines.replace("scrape_configs:\n", "");
    }
    lines
}

/// Writes samples into the server's data, before it begins.
fn import(folder: &Folder, samples: &str) -> Result<()> {
    let file = folder.write("samples.txt", samples)?;
    let output = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .arg(file)
        .arg(folder.path().join("data"))
        .output()
        .map_err(|source| Error::Spawn { program: "promtool".to_owned(), source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Ended {
        program: "promtool".to_owned(),
        status: output.status.to_string(),
        log: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A server that is there as long as this is.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) process: Process,
    pub(crate) port: u16,
}

impl Daemon {
    /// Starts a server and waits until it is ready: until `ready` answers with success, or else until it listens.
    pub(crate) async fn start(
        name: &str,
        mut command: Command,
        log: &Path,
        port: u16,
        ready: Option<String>,
    ) -> Result<Self> {
        let cannot = || format!("write {}", log.display());
        let file = File::options().create(true).append(true).open(log).map_err(io(cannot()))?;
        let again = file.try_clone().map_err(io(cannot()))?;
        command.stdout(file).stderr(again);
        let process = Process::spawn(name, &mut command, Signal::SIGTERM)?;
        let mut daemon = Self { process, port };
        let (client, started) = (http::client()?, Instant::now());
        loop {
            if let Some(status) = daemon.process.try_wait()? {
                return Err(Error::Ended {
                    program: name.to_owned(),
                    status: status.to_string(),
                    log: tail(log),
                });
            }
            let is_ready = match &ready {
                Some(url) => client.get(url).send().await.is_ok_and(|answer| answer.status().is_success()),
                None => tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok(),
            };
            if is_ready {
                return Ok(daemon);
            }
            if started.elapsed() > START_DEADLINE {
                let what = format!("an answer of the new {name}");
                return Err(Error::Deadline { what, deadline: START_DEADLINE, log: tail(log) });
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

/// A port of this machine that nobody listens on at the moment.
pub(crate) fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(io("find a free port"))?;
    Ok(listener.local_addr().map_err(io("find a free port"))?.port())
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text[text.floor_char_boundary(text.len().saturating_sub(LOG_TAIL_BYTES))..].to_owned()
}
