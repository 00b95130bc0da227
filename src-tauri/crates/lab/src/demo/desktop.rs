//! Where the window opens: the user's own session, or a private one without a screen (session bus, X server, window
//! manager, notification server).

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::error::{Error, Result, io};
use crate::folder::Folder;
use crate::process::Process;

/// How long a part of the session may take to start.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// How long a screenshot may take on a busy machine.
const SHOT_DEADLINE: Duration = Duration::from_secs(30);
/// Size of the private screen, pixels.
const SCREEN: &str = "1440x900x24";

/// A private session. Its parts end in the order of the fields.
pub(super) struct Desktop {
    notification_server: Option<Process>,
    _window_manager: Process,
    _screen: Process,
    _bus: Process,
    variables: Vec<(&'static str, String)>,
    folder: Folder,
}

impl Desktop {
    /// Starts bus, screen and window manager; the notification server comes with `serve_notifications`.
    pub(super) async fn start() -> Result<Self> {
        let folder = Folder::create(None)?;
        let path = folder.path();
        let configuration = folder.write("bus.conf", &bus_configuration(path))?;
        let mut command = Command::new("dbus-daemon");
        command
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--print-address=1"]);
        let (bus, address) = speaking("dbus-daemon", &mut command, path).await?;

        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"]);
        let (screen, number) = speaking("Xvfb", &mut command, path).await?;

        let mut variables = vec![
            ("DISPLAY", format!(":{number}")),
            // There is no graphics card behind this screen: a web view that composites in software falls seconds behind.
            ("WEBKIT_DISABLE_COMPOSITING_MODE", "1".to_owned()),
            ("DBUS_SESSION_BUS_ADDRESS", address),
            ("XDG_SESSION_TYPE", "x11".to_owned()),
            ("GDK_BACKEND", "x11".to_owned()),
            ("NO_AT_BRIDGE", "1".to_owned()),
        ];
        for (variable, name) in [
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_STATE_HOME", "state"),
        ] {
            let home = path.join(name);
            std::fs::create_dir(&home).map_err(io(format!("make {}", home.display())))?;
            private(&home)?;
            variables.push((variable, home.display().to_string()));
        }
        let window_manager = quiet("openbox", Command::new("openbox").envs(variables.clone()), path)?;
        let (_window_manager, _screen, _bus) = (window_manager, screen, bus);
        Ok(Self { notification_server: None, _window_manager, _screen, _bus, variables, folder })
    }

    /// Starts the notification server with a configuration file.
    pub(super) fn serve_notifications(&mut self, configuration: &Path) -> Result<()> {
        let mut command = Command::new("dunst");
        command.arg("-conf").arg(configuration).envs(self.variables.clone());
        self.notification_server = Some(quiet("dunst", &mut command, self.folder.path())?);
        Ok(())
    }

    /// The session's environment variables.
    pub(super) fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// The session's folder for temporary files.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Takes a picture of the whole screen.
    pub(super) async fn shoot(&self, to: &Path) -> Result<()> {
        let mut command = Command::new("import");
        command.args(["-window", "root"]).arg(to).envs(self.variables.clone());
        finish("import", &mut command, self.folder.path(), SHOT_DEADLINE).await
    }

    /// Runs a small program of the session to its end.
    pub(super) async fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(program);
        command.args(arguments).envs(self.variables.clone());
        finish(program, &mut command, self.folder.path(), START_DEADLINE).await
    }
}

/// Starts a program whose first line of output says where it is to be found.
async fn speaking(name: &str, command: &mut Command, folder: &Path) -> Result<(Process, String)> {
    let log = log_file(name, folder)?;
    let mut process = Process::spawn(name, command.stdout(Stdio::piped()).stderr(log), Signal::SIGTERM)?;
    let stdout = process.take_stdout();
    let read = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        match stdout {
            Some(stdout) => BufReader::new(stdout).read_line(&mut line).map(|_bytes| line),
            None => Ok(line),
        }
    });
    let failed = || io(format!("read what {name} says"));
    let line = match tokio::time::timeout(START_DEADLINE, read).await {
        Ok(joined) => joined.map_err(|error| failed()(std::io::Error::other(error)))?.map_err(failed())?,
        Err(_elapsed) => String::new(),
    };
    let line = line.trim();
    if line.is_empty() {
        let what = format!("an answer of {name}");
        return Err(Error::Deadline { what, deadline: START_DEADLINE, log: read_log(name, folder) });
    }
    Ok((process, line.to_owned()))
}

fn quiet(name: &str, command: &mut Command, folder: &Path) -> Result<Process> {
    let log = log_file(name, folder)?;
    let again = log.try_clone().map_err(io(format!("open the log of {name}")))?;
    Process::spawn(name, command.stdout(log).stderr(again), Signal::SIGTERM)
}

async fn finish(name: &str, command: &mut Command, folder: &Path, deadline: Duration) -> Result<()> {
    let mut process = quiet(name, command, folder)?;
    let waited = tokio::task::spawn_blocking(move || process.wait(deadline)).await;
    match waited.map_err(|error| io(format!("run {name}"))(std::io::Error::other(error)))?? {
        Some(status) if status.success() => Ok(()),
        Some(status) => {
            let (program, log) = (name.to_owned(), read_log(name, folder));
            Err(Error::Ended { program, status: status.to_string(), log })
        }
        None => {
            Err(Error::Deadline { what: format!("the end of {name}"), deadline, log: read_log(name, folder) })
        }
    }
}

fn log_file(name: &str, folder: &Path) -> Result<std::fs::File> {
    let path = folder.join(format!("{name}.log"));
    std::fs::File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(io(format!("write {}", path.display())))
}

fn read_log(name: &str, folder: &Path) -> String {
    std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap_or_default()
}

fn private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
        .map_err(io(format!("close {}", folder.display())))
}

/// A bus that starts no services by itself, so that nobody else answers in the notification server's place.
fn bus_configuration(folder: &Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        folder.display()
    )
}
