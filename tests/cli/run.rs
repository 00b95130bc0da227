//! `faultctl` in a folder of its own, with a deadline.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long any command may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(90);
/// How often a running command is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A cluster that watches nothing.
pub(crate) const EMPTY_CLUSTER: &str = "[[cluster]]\nname = \"shop\"\n";

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The code, and every word in the stream that it belongs to: stdout after success, else either.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        let said = if code == 0 { self.stdout.clone() } else { format!("{}\n{}", self.stdout, self.stderr) };
        for word in words {
            assert!(said.contains(word), "{word:?} is missing in {self:#?}");
        }
    }
}

/// A folder with a configuration and a store.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file in the folder, as an argument.
    pub(crate) fn file(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The folder of the store.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// `faultctl` with this folder's configuration and store.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.arg("--config").arg(self.path("config.toml")).arg("--data").arg(self.data());
        command
    }

    /// `faultctl` with nothing but the arguments, and a home without a configuration.
    pub(crate) fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(faultline_tests::faultctl());
        command.args(arguments).env("HOME", self.path("home")).current_dir(self.folder.path());
        for variable in ["FAULTLINE_LOG", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "PGPASSWORD"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs a command of this folder to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Running::start(self.command(arguments)).end()
    }
}

/// A running command; killed when dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    streams: Option<(JoinHandle<String>, JoinHandle<String>)>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let streams = (reader(child.stdout.take().unwrap()), reader(child.stderr.take().unwrap()));
        Self { child, streams: Some(streams) }
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < DEADLINE, "it does not end");
            std::thread::sleep(LOOK_EVERY);
        };
        let (stdout, stderr) = self.streams.take().unwrap();
        Ended { code: status.code(), stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn reader(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    })
}
