//! The session itself: bus, screen and window manager.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::part::{self, START_DEADLINE};
use crate::error::{Result, io};
use crate::folder::Folder;
use crate::process::Process;

/// How long a screenshot may take on a busy machine.
const SHOT_DEADLINE: Duration = Duration::from_secs(30);
/// Size of the private screen, pixels.
const SCREEN: &str = "1440x900x24";

/// A private session. Its parts end in the order of the fields.
#[derive(Debug)]
pub struct Session {
    notification_server: Option<Process>,
    /// Only where there is a screen.
    _screen: Option<(Process, Process)>,
    _bus: Process,
    bus_address: String,
    variables: Vec<(&'static str, String)>,
    folder: Folder,
}

impl Session {
    /// Starts bus, screen and window manager.
    ///
    /// # Errors
    /// When a program is missing or does not start.
    pub async fn start() -> Result<Self> {
        let mut session = Self::without_screen().await?;
        let path = session.folder.path();
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp", "-noreset"]);
        let (screen, number) = part::speaking("Xvfb", &mut command, path).await?;
        session.variables.extend([
            ("DISPLAY", format!(":{number}")),
            // There is no graphics card behind this screen: a web view that composites in software falls seconds behind.
            ("WEBKIT_DISABLE_COMPOSITING_MODE", "1".to_owned()),
            ("XDG_SESSION_TYPE", "x11".to_owned()),
            ("GDK_BACKEND", "x11".to_owned()),
            ("NO_AT_BRIDGE", "1".to_owned()),
        ]);
        let mut command = Command::new("openbox");
        let window_manager = part::quiet("openbox", command.envs(session.variables.clone()), path)?;
        session._screen = Some((window_manager, screen));
        Ok(session)
    }

    /// Starts the bus alone, for programs without a window.
    ///
    /// # Errors
    /// When `dbus-daemon` is missing or does not start.
    pub async fn without_screen() -> Result<Self> {
        let folder = Folder::create(None)?;
        let path = folder.path();
        let configuration = folder.write("bus.conf", &bus_configuration(path))?;
        let mut command = Command::new("dbus-daemon");
        command
            .arg(format!("--config-file={}", configuration.display()))
            .args(["--nofork", "--print-address=1"]);
        let (bus, bus_address) = part::speaking("dbus-daemon", &mut command, path).await?;
        let mut variables = vec![("DBUS_SESSION_BUS_ADDRESS", bus_address.clone())];
        for (variable, name) in [
            ("HOME", "home"),
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
        Ok(Self { notification_server: None, _screen: None, _bus: bus, bus_address, variables, folder })
    }

    /// Starts `dunst` as the notification server, with a configuration file.
    ///
    /// # Errors
    /// When it is missing.
    pub fn serve_notifications(&mut self, configuration: &Path) -> Result<()> {
        let mut command = Command::new("dunst");
        command.arg("-conf").arg(configuration).envs(self.variables.clone());
        self.notification_server = Some(part::quiet("dunst", &mut command, self.folder.path())?);
        Ok(())
    }

    /// The session's environment variables.
    pub fn variables(&self) -> &[(&'static str, String)] {
        &self.variables
    }

    /// Address of the session bus.
    pub fn bus_address(&self) -> &str {
        &self.bus_address
    }

    /// The session's folder for temporary files.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Takes a picture of the whole screen.
    ///
    /// # Errors
    /// When ImageMagick is missing or there is no screen.
    pub async fn shoot(&self, to: &Path) -> Result<()> {
        let mut command = Command::new("import");
        command.args(["-window", "root"]).arg(to).envs(self.variables.clone());
        part::finish("import", &mut command, self.folder.path(), SHOT_DEADLINE).await
    }

    /// Runs a small program of the session to its end.
    ///
    /// # Errors
    /// When it is missing, fails or takes too long.
    pub async fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(program);
        command.args(arguments).envs(self.variables.clone());
        part::finish(program, &mut command, self.folder.path(), START_DEADLINE).await
    }

    /// The same, and gives what it says, which no log keeps.
    ///
    /// # Errors
    /// When it is missing, fails or takes too long.
    pub async fn output(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(program);
        command.args(arguments).envs(self.variables.clone());
        part::said(program, &mut command, self.folder.path(), START_DEADLINE).await
    }
}

fn private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
        .map_err(io(format!("close {}", folder.display())))
}

/// A bus that starts no services by itself, so that nobody else answers in a service's place.
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
