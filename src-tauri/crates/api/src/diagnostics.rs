//! `diagnostics|get`: what helps somebody else to see what is wrong here, as text to paste. The configuration names its
//! secrets and holds none; everything goes through the masker nevertheless.

use std::fmt::Write as _;

use faultline_engine::HealthLevel;

use crate::Api;
use crate::types::DiagnosticsView;

/// Most of the configuration file that is copied, bytes.
const MAX_CONFIG_BYTES: usize = 64 * 1024;

pub(crate) fn get(api: &Api) -> DiagnosticsView {
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write_all(&mut text, api);
    DiagnosticsView { text: api.engine.secrets().masker().mask(&text).into_owned() }
}

fn write_all(out: &mut String, api: &Api) -> std::fmt::Result {
    writeln!(out, "Faultline {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "{} {}", std::env::consts::OS, std::env::consts::ARCH)?;
    for (name, value) in api.desktop.about() {
        writeln!(out, "{name}: {value}")?;
    }

    writeln!(out, "\nClusters")?;
    for status in api.engine.statuses() {
        let state = match (&status.incident, status.suspicious) {
            (Some(incident), _) => format!("incident {incident}"),
            (None, true) => "suspicious".to_owned(),
            (None, false) => "calm".to_owned(),
        };
        writeln!(out, "- {} ({}): {state}, {} nodes", status.name, status.environment, status.nodes.len())?;
    }

    writeln!(out, "\nSelf-test")?;
    for row in api.engine.health() {
        let level = match row.level {
            HealthLevel::NotApplicable => "n/a",
            HealthLevel::Ok => "ok",
            HealthLevel::Warning => "WARNING",
            HealthLevel::Error => "ERROR",
        };
        writeln!(out, "- {level} {} {}: {}", row.target, row.aspect, row.message)?;
    }

    writeln!(out, "\nLast warnings and errors")?;
    for line in api.logging.iter().flat_map(|logging| logging.recent()) {
        writeln!(out, "{}", line.trim_end())?;
    }

    writeln!(out, "\nConfiguration")?;
    if let Some(trouble) = api.engine.config_trouble() {
        writeln!(out, "# cannot be used: {trouble}")?;
    }
    match api.engine.config_path().map(std::fs::read_to_string) {
        Some(Ok(config)) => writeln!(out, "{}", without_values(cut(&config))),
        Some(Err(error)) => writeln!(out, "# cannot be read: {error}"),
        None => writeln!(out, "# none"),
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_CONFIG_BYTES)]
}

/// The file's text without what may be a secret that was written into it against the rules: values of keys that name
/// one and are no reference, passwords in addresses, and comments.
fn without_values(text: &str) -> String {
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(without_value)
        .collect::<Vec<_>>()
        .join("\n")
}

fn without_value(line: &str) -> String {
    const SECRET_KEYS: [&str; 6] = ["password", "token", "secret", "key", "authorization", "cookie"];
    let Some((key, value)) = line.split_once('=') else { return line.to_owned() };
    let value = value.trim();
    let is_reference =
        ["\"keyring:", "\"env:", "'keyring:", "'env:"].iter().any(|start| value.starts_with(start));
    let names_secret = SECRET_KEYS.iter().any(|word| key.to_ascii_lowercase().contains(word));
    if names_secret && !is_reference {
        return format!("{key}= \"•••\"");
    }
    match (value.find("://"), value.find('@')) {
        (Some(scheme), Some(at)) if value[scheme + 3..at].contains(':') => {
            format!("{key}= {}•••{}", &value[..scheme + 3], &value[at..])
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_left_out() {
        for (line, shown) in [
            ("name = \"shop\"", "name = \"shop\""),
            ("password = \"keyring:shop\"", "password = \"keyring:shop\""),
            ("  password = \"hunter2\"", "  password = \"•••\""),
            ("X-Api-Key = \"hunter2\"", "X-Api-Key = \"•••\""),
            ("url = \"postgres://me@db/shop\"", "url = \"postgres://me@db/shop\""),
            ("url = \"postgres://me:hunter2@db/shop\"", "url = \"postgres://•••@db/shop\""),
            ("# password = \"hunter2\"", ""),
        ] {
            assert_eq!(without_values(line), shown);
        }
    }
}
