//! A real Secret Service (GNOME keyring) on the session's bus, its files in the session's folder.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::part::{START_DEADLINE, read_log};
use super::{Session, bus};
use crate::error::{Error, Result, io};
use crate::process::Process;

/// The Secret Service's name on the bus.
const NAME: &str = "org.freedesktop.secrets";
/// The daemon.
const DAEMON: &str = "gnome-keyring-daemon";
/// How often is looked whether it is there.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running Secret Service. Its entries stay in the session's folder when it ends.
#[derive(Debug)]
pub struct Keyring {
    _daemon: Process,
}

impl Keyring {
    /// Starts it unlocked, with an empty password.
    ///
    /// # Errors
    /// When it is missing or does not appear on the bus.
    pub async fn unlocked(session: &Session) -> Result<Self> {
        Self::start(session, Some("\n")).await
    }

    /// Starts it unlocked, with a password: what is stored now is locked for one that starts without it.
    ///
    /// # Errors
    /// When it is missing or does not appear on the bus.
    pub async fn with_password(session: &Session, password: &str) -> Result<Self> {
        Self::start(session, Some(&format!("{password}\n"))).await
    }

    /// Starts it without its password: what an earlier one left is locked.
    ///
    /// # Errors
    /// When it is missing or does not appear on the bus.
    pub async fn locked(session: &Session) -> Result<Self> {
        Self::start(session, None).await
    }

    async fn start(session: &Session, password: Option<&str>) -> Result<Self> {
        let name = DAEMON;
        let folder = session.folder();
        let log = folder.path().join(format!("{name}.log"));
        let cannot = || format!("write {}", log.display());
        let output = std::fs::File::create(&log).map_err(io(cannot()))?;
        let again = output.try_clone().map_err(io(cannot()))?;
        let mut command = Command::new(name);
        command.args(["--components=secrets", "--foreground"]).envs(session.variables().iter().cloned());
        let mut input = Stdio::null();
        if let Some(password) = password {
            command.arg("--unlock");
            let file = folder.write("keyring-password", password)?;
            input = std::fs::File::open(&file).map_err(io(format!("read {}", file.display())))?.into();
        }
        command.stdout(output).stderr(again);
        let mut daemon = Process::spawn_reading(name, &mut command, Signal::SIGTERM, input)?;
        appears(session, &mut daemon).await?;
        Ok(Self { _daemon: daemon })
    }
}

/// Waits until the service has its name on the bus.
async fn appears(session: &Session, daemon: &mut Process) -> Result<()> {
    let what = "look for the Secret Service";
    let connection = zbus::connection::Builder::address(session.bus_address()).build().await;
    let connection = connection.map_err(bus(what))?;
    let names = zbus::fdo::DBusProxy::new(&connection).await.map_err(bus(what))?;
    let wanted = zbus::names::BusName::try_from(NAME).map_err(bus(what))?;
    let started = Instant::now();
    let log = || read_log(DAEMON, session.folder().path());
    loop {
        if names.name_has_owner(wanted.clone()).await.map_err(|error| bus(what)(error.into()))? {
            return Ok(());
        }
        if let Some(status) = daemon.try_wait()? {
            let program = daemon.name().to_owned();
            return Err(Error::Ended { program, status: status.to_string(), log: log() });
        }
        if started.elapsed() > START_DEADLINE {
            let what = format!("the appearance of {NAME} on the bus");
            return Err(Error::Deadline { what, deadline: START_DEADLINE, log: log() });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
