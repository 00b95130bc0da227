//! `[[metrics]]`: metric endpoints. Expressions that are evaluated here are read here too, so that an error in one names its
//! line.

use std::collections::BTreeMap;

use faultline_model::{ClientCertificate, StatementSeries};
use faultline_sources::prometheus;

use super::ConfigError;
use super::model::{ClusterConfig, MetricsAuth, MetricsConfig, MetricsKind};
use super::parse::{headers, path, secret};
use super::section::Section;
use super::values;

/// Every key of a metric endpoint.
const KEYS: &[&str] = &[
    "cluster",
    "node",
    "role",
    "kind",
    "url",
    "token",
    "user",
    "password",
    "headers",
    "ca",
    "certificate",
    "key",
    "preset",
    "selector",
    "statements",
    "signals",
];

/// Checks one endpoint.
pub(super) fn metrics(
    section: &Section<'_>,
    clusters: &[ClusterConfig],
) -> Result<MetricsConfig, ConfigError> {
    section.only(KEYS)?;
    let known = |name: &str| match clusters.iter().find(|cluster| cluster.name == name) {
        Some(_) => Ok(name.to_owned()),
        None => Err(format!("no [[cluster]] is called {name}; add one or correct the name")),
    };
    let kind = section.text("kind")?.check(values::metrics_kind)?;
    let presets = section.one_or_more_texts("preset")?;
    let presets = presets.into_iter().map(|field| field.check(preset)).collect::<Result<Vec<String>, _>>()?;
    let statements = section.optional_text("statements")?.map(|field| field.check(statements)).transpose()?;
    let signals = signals(section, kind, presets.is_empty() && statements.is_none())?;
    let selector = section.optional_text("selector")?;
    if let Some(field) = selector.as_ref().filter(|_| presets.is_empty() && statements.is_none()) {
        return Err(field.error("a selector narrows a preset; name one, or write it into the expressions"));
    }
    Ok(MetricsConfig {
        cluster: section.text("cluster")?.check(known)?,
        node: section.text("node")?.check(values::name)?,
        kind,
        url: section.text("url")?.check(values::http_url)?,
        auth: auth(section)?,
        headers: headers(section)?,
        ca: path(section, "ca")?,
        client: client(section)?,
        signals,
        presets,
        selector: selector.map(|field| field.check(selects)).transpose()?.unwrap_or_default(),
        role: section.optional_text("role")?.map(|field| field.check(values::endpoint_role)).transpose()?,
        statements,
    })
}

fn signals(
    section: &Section<'_>,
    kind: MetricsKind,
    required: bool,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let Some(table) = section.table("signals")? else {
        return if required {
            Err(section
                .error("name what is to be read: preset = \"node_exporter\", or a table [metrics.signals]"))
        } else {
            Ok(BTreeMap::new())
        };
    };
    let mut signals = BTreeMap::new();
    for (name, expression) in table.entries()? {
        let name = values::signal_name(&name).map_err(|problem| expression.error(problem))?;
        if kind == MetricsKind::Scrape {
            prometheus::Expression::parse(&expression.value)
                .map_err(|error| expression.error(format!("in the expression, {error}")))?;
        }
        signals.insert(name, expression.value);
    }
    if signals.is_empty() && required {
        return Err(table.error("name at least one signal: requests_per_s = 'sum(rate(…))'"));
    }
    Ok(signals)
}

fn auth(section: &Section<'_>) -> Result<MetricsAuth, ConfigError> {
    let user = section.optional_text("user")?;
    match (secret(section, "token")?, user, secret(section, "password")?) {
        (None, None, None) => Ok(MetricsAuth::None),
        (Some(token), None, None) => Ok(MetricsAuth::Bearer(token)),
        (None, Some(user), Some(password)) => Ok(MetricsAuth::Basic { user: user.value, password }),
        (None, Some(_), None) => Err(section.missing("password")),
        (None, None, Some(_)) => Err(section.missing("user")),
        (Some(_), ..) => Err(section.error("give either token, or user and password, not both")),
    }
}

fn client(section: &Section<'_>) -> Result<Option<ClientCertificate>, ConfigError> {
    match (path(section, "certificate")?, path(section, "key")?) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(ClientCertificate { certificate, key })),
        (Some(_), None) => Err(section.missing("key")),
        (None, Some(_)) => Err(section.missing("certificate")),
    }
}

fn preset(text: &str) -> Result<String, String> {
    if prometheus::preset_names().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let known: Vec<&str> = prometheus::preset_names().collect();
    Err(format!("there is no such preset; the presets are: {}", known.join(", ")))
}

fn selects(text: &str) -> Result<String, String> {
    prometheus::check_selector(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

fn statements(text: &str) -> Result<StatementSeries, String> {
    match text {
        "postgres_exporter" => Ok(StatementSeries::PostgresExporter),
        "pg_exporter" => Ok(StatementSeries::PgExporter),
        _ => Err("this must be postgres_exporter or pg_exporter".to_owned()),
    }
}
