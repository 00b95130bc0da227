//! Cleans up when this process dies without a chance to do it itself (a crash, `kill -9`). One small shell process,
//! outside our process group, reads from a pipe what exists; the end of the pipe is the end of us, and then it stops
//! what is left and removes the folders. It does nothing after a proper end, because everything was crossed off.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::error::{Result, io};

/// Lines `+entry` and `-entry`; an entry is `p<signal> <process group>` or `d<folder>`.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
set -f
nl='
'
IFS=$nl
entries=
while read -r line; do
  case $line in
    +*) entries="$entries$nl${line#+}" ;;
    -*) kept=
        for entry in $entries; do [ "$entry" = "${line#-}" ] || kept="$kept$nl$entry"; done
        entries=$kept ;;
  esac
done
[ -n "$entries" ] || exit 0
for entry in $entries; do
  case $entry in p*) signal=${entry%% *}; kill -s "${signal#p}" -- "-${entry#* }" 2>/dev/null ;; esac
done
sleep 2
for entry in $entries; do
  case $entry in p*) kill -s KILL -- "-${entry#* }" 2>/dev/null ;; esac
done
for attempt in 1 2 3 4 5; do
  left=
  for entry in $entries; do
    case $entry in d*) rm -rf -- "${entry#d}" 2>/dev/null; [ ! -e "${entry#d}" ] || left=yes ;; esac
  done
  [ -n "$left" ] || exit 0
  sleep 1
done
"#;

static PIPE: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// Something that the watchdog removes unless this is dropped first.
#[derive(Debug)]
pub(crate) struct Watched(String);

impl Watched {
    /// Watches over a process group, which gets `signal` (a name such as `TERM`), and two seconds later `KILL`.
    pub(crate) fn process_group(pid: u32, signal: &str) -> Result<Self> {
        Self::enter(format!("p{signal} {pid}"))
    }

    /// Watches over a folder. Its name must not hold a line break.
    pub(crate) fn folder(path: &Path) -> Result<Self> {
        Self::enter(format!("d{}", path.display()))
    }

    fn enter(entry: String) -> Result<Self> {
        tell('+', &entry)?;
        Ok(Self(entry))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Err(error) = tell('-', &self.0) {
            tracing::warn!(%error, entry = self.0, "the watchdog is gone");
        }
    }
}

fn tell(sign: char, entry: &str) -> Result<()> {
    let mut pipe = PIPE.lock().unwrap_or_else(PoisonError::into_inner);
    if pipe.is_none() {
        *pipe = Some(start()?);
    }
    match pipe.as_mut() {
        Some(pipe) => writeln!(pipe, "{sign}{entry}").map_err(io("tell the watchdog")),
        None => Ok(()),
    }
}

fn start() -> Result<ChildStdin> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .process_group(0)
        .spawn()
        .map_err(io("start the watchdog (/bin/sh)"))?;
    child.stdin.take().ok_or_else(|| io("open the watchdog's pipe")(std::io::ErrorKind::BrokenPipe.into()))
}
