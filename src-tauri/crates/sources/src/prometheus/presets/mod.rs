//! The expressions for well-known exporters: canonical signal → expression, one file an exporter, each with the source of
//! its metric names. Not in here: how they are evaluated.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use faultline_model::EndpointKind;
use serde::Deserialize;

/// Stands in an expression for the range of its rates, which follows the interval of the samples.
pub(super) const RANGE: &str = "$range";

/// The files, by the names of the presets.
const FILES: &[(&str, &str)] = &[
    ("cloudwatch_exporter", include_str!("cloudwatch_exporter.toml")),
    ("envoy", include_str!("envoy.toml")),
    ("haproxy", include_str!("haproxy.toml")),
    ("mysqld_exporter", include_str!("mysqld_exporter.toml")),
    ("nginx_exporter", include_str!("nginx_exporter.toml")),
    ("nginx_vts", include_str!("nginx_vts.toml")),
    ("node_exporter", include_str!("node_exporter.toml")),
    ("pgbouncer_exporter", include_str!("pgbouncer_exporter.toml")),
    ("postgres_exporter", include_str!("postgres_exporter.toml")),
    ("yace", include_str!("cloudwatch_exporter.toml")),
];

/// The names of the presets, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// The expressions for one exporter.
#[derive(Debug)]
pub(super) struct Preset {
    pub(super) name: String,
    file: File,
}

/// A file. Whoever reads it finds in `names_from` where its metric names come from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Where the names of the metrics come from.
    #[allow(dead_code, reason = "said to readers of the file, and held by a test")]
    names_from: String,
    /// Signal → expression.
    signals: BTreeMap<String, String>,
    /// Signal → expression where a Prometheus server evaluates it and says it otherwise.
    #[serde(default)]
    promql: BTreeMap<String, String>,
    /// How many cores the host has, where the exporter tells.
    #[serde(default)]
    cores: Option<String>,
}

/// All presets, read once. The files are part of the program and each is read by a test, so that none is ever left out.
static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let read = |(name, text): &(&str, &str)| match toml::from_str(text) {
        Ok(file) => Some(Preset { name: (*name).to_owned(), file }),
        Err(error) => {
            tracing::error!(name, %error, "a preset cannot be read");
            None
        }
    };
    FILES.iter().filter_map(read).collect()
});

/// The preset of this name.
pub(super) fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// Signals and their expressions.
    pub(super) fn signals(&self, kind: EndpointKind) -> impl Iterator<Item = (&str, &str)> {
        self.file.signals.iter().map(move |(name, text)| {
            let other = self.file.promql.get(name).filter(|_| kind == EndpointKind::Promql);
            (name.as_str(), other.unwrap_or(text).as_str())
        })
    }

    /// The expression for the number of cores.
    pub(super) fn cores(&self) -> Option<&str> {
        self.file.cores.as_deref()
    }
}
