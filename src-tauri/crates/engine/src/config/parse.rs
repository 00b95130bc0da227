//! The file's tables → settings.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use toml::de::DeTable;

use super::ConfigError;
use super::model::{
    ClusterConfig, Config, DeployFeedConfig, DesktopConfig, HeaderText, HttpRollbackConfig, Intervals,
    NodeConfig, ProgressConfig, Retention, RollbackConfig, RollbackProvider, SecretRef, ServiceConfig,
    StoreConfig,
};
use super::section::{Document, Field, Section};
use super::{metrics, values};

/// Providers of `[[deploys]]`.
const DEPLOY_PROVIDERS: &str = "webhook";

/// Providers of `[[rollback]]`.
const ROLLBACK_PROVIDERS: &str = "link or http";

/// Checks a whole document.
pub(super) fn config(document: &Document<'_>) -> Result<Config, ConfigError> {
    let table = DeTable::parse(document.text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        document.error(&span, "", format!("this is not TOML: {}", error.message()))
    })?;
    let root = Section::root(document, &table);
    root.only(&[
        "intervals",
        "cluster",
        "service",
        "metrics",
        "deploys",
        "rollback",
        "retention",
        "store",
        "desktop",
    ])?;
    let clusters = unique(root.tables("cluster")?, "cluster", cluster, |cluster| &cluster.name)?;
    let metrics = root
        .tables("metrics")?
        .iter()
        .map(|section| metrics::metrics(section, &clusters))
        .collect::<Result<_, _>>()?;
    Ok(Config {
        intervals: root
            .table("intervals")?
            .map_or(Ok(Intervals::default()), |section| intervals(&section))?,
        services: unique(root.tables("service")?, "service", service, |service| &service.name)?,
        metrics,
        deploys: deploys(&root.tables("deploys")?)?,
        rollbacks: unique(root.tables("rollback")?, "rollback of", rollback, |rollback| &rollback.service)?,
        retention: root
            .table("retention")?
            .map_or(Ok(Retention::default()), |section| retention(&section))?,
        desktop: root.table("desktop")?.map_or(Ok(DesktopConfig::default()), |section| desktop(&section))?,
        store: root.table("store")?.map_or(Ok(StoreConfig::default()), |section| store(&section))?,
        clusters,
    })
}

/// Reads each section and refuses a name that was there before.
fn unique<T>(
    sections: Vec<Section<'_>>,
    what: &str,
    read: impl Fn(&Section<'_>) -> Result<T, ConfigError>,
    name: impl Fn(&T) -> &String,
) -> Result<Vec<T>, ConfigError> {
    let mut items: Vec<T> = Vec::with_capacity(sections.len());
    let mut names = HashSet::with_capacity(sections.len());
    for section in sections {
        let item = read(&section)?;
        if !names.insert(name(&item).clone()) {
            let problem =
                format!("there is a {what} {} already; give it another name or remove it", name(&item));
            return Err(section.error(problem));
        }
        items.push(item);
    }
    Ok(items)
}

fn intervals(section: &Section<'_>) -> Result<Intervals, ConfigError> {
    section.only(&["sessions_s", "counters_s", "metrics_s", "facts_s"])?;
    let default = Intervals::default();
    Ok(Intervals {
        sessions_s: section.number("sessions_s", 0.5..=60.0)?.unwrap_or(default.sessions_s),
        counters_s: section.number("counters_s", 1.0..=3600.0)?.unwrap_or(default.counters_s),
        metrics_s: section.number("metrics_s", 1.0..=3600.0)?.unwrap_or(default.metrics_s),
        facts_s: section.number("facts_s", 5.0..=86_400.0)?.unwrap_or(default.facts_s),
    })
}

fn retention(section: &Section<'_>) -> Result<Retention, ConfigError> {
    section.only(&["days", "max_mb"])?;
    Ok(Retention {
        days: section.whole_number("days", 1..=3650)?.unwrap_or(Retention::default().days),
        max_mb: section.whole_number("max_mb", 50..=1_000_000)?,
    })
}

fn store(section: &Section<'_>) -> Result<StoreConfig, ConfigError> {
    section.only(&["path"])?;
    Ok(StoreConfig { path: path(section, "path")? })
}

fn desktop(section: &Section<'_>) -> Result<DesktopConfig, ConfigError> {
    section.only(&["close_to_tray"])?;
    let default = DesktopConfig::default();
    Ok(DesktopConfig { close_to_tray: section.flag("close_to_tray")?.unwrap_or(default.close_to_tray) })
}

fn cluster(section: &Section<'_>) -> Result<ClusterConfig, ConfigError> {
    section.only(&["name", "environment", "node"])?;
    Ok(ClusterConfig {
        name: section.text("name")?.check(values::name)?,
        environment: section.checked_or("environment", "production".to_owned(), values::name)?,
        nodes: unique(section.tables("node")?, "node", node, |node| &node.name)?,
    })
}

fn node(section: &Section<'_>) -> Result<NodeConfig, ConfigError> {
    section.only(&["name", "engine", "url", "password", "role"])?;
    let engine = section.text("engine")?.check(values::engine)?;
    Ok(NodeConfig {
        name: section.text("name")?.check(values::name)?,
        engine,
        url: section.text("url")?.check(|url| values::database_url(url, engine))?,
        password: secret(section, "password")?,
        role: section.optional_text("role")?.map(|field| field.check(values::role)).transpose()?,
    })
}

fn service(section: &Section<'_>) -> Result<ServiceConfig, ConfigError> {
    section.only(&["name", "roles", "applications"])?;
    Ok(ServiceConfig {
        name: section.text("name")?.check(values::name)?,
        roles: section.texts("roles")?,
        applications: section.texts("applications")?,
    })
}

fn deploys(sections: &[Section<'_>]) -> Result<Vec<DeployFeedConfig>, ConfigError> {
    let mut addresses = HashSet::new();
    let mut feeds = Vec::with_capacity(sections.len());
    for section in sections {
        let provider = section.text("provider")?;
        if provider.value != "webhook" {
            return Err(
                provider.error(format!("there is no such provider; the providers are: {DEPLOY_PROVIDERS}"))
            );
        }
        section.only(&["provider", "listen", "secret", "token"])?;
        let address = section.text("listen")?;
        let listen = values::loopback(&address.value).map_err(|problem| address.error(problem))?;
        if !addresses.insert(listen) {
            return Err(address.error("another webhook listens there already; take another port"));
        }
        let secret = match (secret(section, "secret")?, secret(section, "token")?) {
            (Some(secret), None) | (None, Some(secret)) => secret,
            (None, None) => return Err(section.missing("secret")),
            (Some(_), Some(_)) => {
                return Err(section.error("give either secret or token: one serves both ways"));
            }
        };
        feeds.push(DeployFeedConfig::Webhook { listen, secret });
    }
    Ok(feeds)
}

fn rollback(section: &Section<'_>) -> Result<RollbackConfig, ConfigError> {
    let provider = section.text("provider")?;
    let common = ["service", "provider", "one_click"];
    let provider = match provider.value.as_str() {
        "link" => {
            section.only(&[&common[..], &["url"]].concat())?;
            RollbackProvider::Link { url: section.text("url")?.check(values::url_template)? }
        }
        "http" => {
            section
                .only(&[&common[..], &["method", "url", "headers", "body", "token", "progress"]].concat())?;
            RollbackProvider::Http(Box::new(HttpRollbackConfig {
                method: section.checked_or("method", "POST".to_owned(), values::method)?,
                url: section.text("url")?.check(values::url_template)?,
                headers: headers(section)?,
                body: section
                    .optional_text("body")?
                    .map(|field| field.check(values::json_template))
                    .transpose()?,
                token: secret(section, "token")?,
                progress: section.table("progress")?.map(|section| progress(&section)).transpose()?,
            }))
        }
        _ => {
            return Err(provider.error(format!("there is no such provider; it must be {ROLLBACK_PROVIDERS}")));
        }
    };
    Ok(RollbackConfig {
        service: section.text("service")?.check(values::name)?,
        one_click: section.flag("one_click")?.unwrap_or(false),
        provider,
    })
}

fn progress(section: &Section<'_>) -> Result<ProgressConfig, ConfigError> {
    section.only(&["status_url", "success", "failure", "interval_s", "deadline_s"])?;
    let status_url = section.optional_text("status_url")?;
    Ok(ProgressConfig {
        status_url: status_url.map(|field| field.check(values::status_url_template)).transpose()?,
        success: section.texts("success")?,
        failure: section.texts("failure")?,
        interval_s: section.number("interval_s", 1.0..=300.0)?,
        deadline_s: section.number("deadline_s", 10.0..=86_400.0)?,
    })
}

pub(super) fn headers(section: &Section<'_>) -> Result<BTreeMap<String, HeaderText>, ConfigError> {
    let Some(section) = section.table("headers")? else { return Ok(BTreeMap::new()) };
    let mut headers = BTreeMap::new();
    for (name, field) in section.entries()? {
        let name = values::header_name(&name).map_err(|problem| field.error(problem))?;
        headers.insert(name.clone(), header_text(&name, field)?);
    }
    Ok(headers)
}

fn header_text(name: &str, field: Field<'_, String>) -> Result<HeaderText, ConfigError> {
    let is_reference = field.value.starts_with("keyring:") || field.value.starts_with("env:");
    if is_reference || values::is_secret_header(name) {
        return field.check(values::secret).map(HeaderText::Secret);
    }
    if field.value.chars().any(char::is_control) {
        return Err(field.error("the value of a header is one line without control characters"));
    }
    Ok(HeaderText::Plain(field.value))
}

pub(super) fn secret(section: &Section<'_>, key: &str) -> Result<Option<SecretRef>, ConfigError> {
    section.optional_text(key)?.map(|field| field.check(values::secret)).transpose()
}

pub(super) fn path(section: &Section<'_>, key: &str) -> Result<Option<PathBuf>, ConfigError> {
    Ok(section.optional_text(key)?.map(|field| PathBuf::from(field.value)))
}
