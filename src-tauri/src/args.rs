//! The desktop program's command line.

use std::path::PathBuf;

use clap::Parser;

/// Start in the tray; what the session's autostart passes.
pub(crate) const HIDDEN_FLAG: &str = "--hidden";

/// Watches production databases and names the deploy that hurts them.
#[derive(Debug, Parser)]
#[command(name = "faultline", version)]
pub(crate) struct Args {
    /// Configuration file [default: config.toml in the platform's config folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Folder of the store [default: the platform's data folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Also append what `faultctl watch --json` would print to this file
    #[arg(long, value_name = "FILE", env = "FAULTLINE_EVENTS_FILE")]
    pub(crate) events: Option<PathBuf>,

    /// Start in the tray, without a window, where there is a tray
    #[arg(long)]
    pub(crate) hidden: bool,

    /// Show this: faultline://incident/ID or faultline://deploy/ID
    #[arg(value_name = "LINK")]
    pub(crate) link: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stands_alone_or_beside_options() {
        let check = |line: &str, link: Option<&str>, hidden: bool| {
            let args = Args::try_parse_from(line.split(' ')).unwrap();
            assert_eq!((args.link.as_deref(), args.hidden), (link, hidden), "{line}");
        };
        check("faultline", None, false);
        check("faultline faultline://incident/7", Some("faultline://incident/7"), false);
        check("faultline --hidden --data x faultline://deploy/d-1", Some("faultline://deploy/d-1"), true);
        check(&format!("faultline {HIDDEN_FLAG}"), None, true);
    }
}
