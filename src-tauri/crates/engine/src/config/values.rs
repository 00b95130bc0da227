//! What single values may be. Each check returns the value's meaning, or a sentence that says what to write instead
//! and does not repeat what may be secret.

use std::net::SocketAddr;

use faultline_model::{Engine, Role, signal};
use url::Url;

use super::model::{MetricsKind, SecretRef};

/// Longest name of a cluster, node, service or keyring entry, characters.
const MAX_NAME_CHARS: usize = 100;

/// What templates of a rollback may name.
const PLACEHOLDERS: &[&str] = &["service", "version", "previous", "environment", "id"];

/// A name of a cluster, node, service or environment.
pub(super) fn name(text: &str) -> Result<String, String> {
    let plain = text.trim() == text && !text.contains('/') && !text.chars().any(char::is_control);
    if plain && text.chars().count() <= MAX_NAME_CHARS {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "a name has at most {MAX_NAME_CHARS} characters, no slash, and no space at its beginning or end"
        ))
    }
}

/// `keyring:NAME` or `env:NAME`.
pub(super) fn secret(text: &str) -> Result<SecretRef, String> {
    let wanted = "no secret may be in this file: write keyring:NAME for an entry of the system's keyring, or env:NAME \
                  for an environment variable";
    if let Some(entry) = text.strip_prefix("keyring:") {
        let plain = entry.trim() == entry && !entry.is_empty() && !entry.chars().any(char::is_control);
        return if plain && entry.chars().count() <= MAX_NAME_CHARS {
            Ok(SecretRef::Keyring(entry.to_owned()))
        } else {
            Err(format!("keyring: must be followed by a name of 1 to {MAX_NAME_CHARS} characters"))
        };
    }
    if let Some(variable) = text.strip_prefix("env:") {
        let starts_well = variable.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let plain = variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        return if starts_well && plain && variable.len() <= MAX_NAME_CHARS {
            Ok(SecretRef::Env(variable.to_owned()))
        } else {
            Err("env: must be followed by the name of a variable: letters, digits and _".to_owned())
        };
    }
    Err(wanted.to_owned())
}

/// The family of a server.
pub(super) fn engine(text: &str) -> Result<Engine, String> {
    match text {
        "postgres" => Ok(Engine::Postgres),
        "mysql" => Ok(Engine::Mysql),
        "mariadb" => Ok(Engine::Mariadb),
        _ => Err("the engine must be postgres, mysql or mariadb".to_owned()),
    }
}

/// The role of a server.
pub(super) fn role(text: &str) -> Result<Role, String> {
    match text {
        "primary" => Ok(Role::Primary),
        "replica" => Ok(Role::Replica),
        _ => Err("the role must be primary or replica; leave it out to have it detected".to_owned()),
    }
}

/// The role of what a metric endpoint speaks of.
pub(super) fn endpoint_role(text: &str) -> Result<Role, String> {
    match text {
        "edge" => Ok(Role::Edge),
        _ => role(text).map_err(|_| {
            "the role must be edge, primary or replica; leave it out where it is a node's".to_owned()
        }),
    }
}

/// How a metric endpoint is asked.
pub(super) fn metrics_kind(text: &str) -> Result<MetricsKind, String> {
    match text {
        "scrape" => Ok(MetricsKind::Scrape),
        "promql" => Ok(MetricsKind::Promql),
        _ => {
            Err("the kind must be scrape (an exporter's own page) or promql (a Prometheus server)".to_owned())
        }
    }
}

/// The address of a database server.
pub(super) fn database_url(text: &str, engine: Engine) -> Result<String, String> {
    let schemes: &[&str] = match engine {
        Engine::Postgres => &["postgres", "postgresql"],
        Engine::Mysql | Engine::Mariadb | Engine::Unknown => &["mysql", "mariadb"],
    };
    let example = format!("{}://user@host/database", schemes[0]);
    let url = Url::parse(text).map_err(|error| format!("this is no address ({error}); write {example}"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!("the address of this engine begins with {}://; write {example}", schemes[0]));
    }
    no_password(&url)?;
    let names_socket = url.query_pairs().any(|(key, _)| matches!(&*key, "host" | "socket"));
    if url.host_str().is_none_or(str::is_empty) && !names_socket {
        return Err(format!("the address has no host; write {example}"));
    }
    Ok(text.to_owned())
}

/// The address of an HTTP endpoint.
pub(super) fn http_url(text: &str) -> Result<String, String> {
    let url =
        Url::parse(text).map_err(|error| format!("this is no address ({error}); write https://host/path"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the address must begin with https:// or http://".to_owned());
    }
    no_password(&url)?;
    if !url.username().is_empty() {
        return Err(
            "a user does not belong into the address; use the keys user and password, or token".to_owned()
        );
    }
    Ok(text.to_owned())
}

/// The template of an HTTP address.
pub(super) fn url_template(text: &str) -> Result<String, String> {
    template(text, PLACEHOLDERS)
}

/// The template of the address that tells how a rollback stands.
pub(super) fn status_url_template(text: &str) -> Result<String, String> {
    let placeholders: Vec<&str> = PLACEHOLDERS.iter().copied().chain(["run"]).collect();
    template(text, &placeholders)
}

fn template(text: &str, placeholders: &[&str]) -> Result<String, String> {
    let known = || format!("{{{}}}", placeholders.join("}, {"));
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('{') {
        let (placeholder, after) = from
            .split_once('}')
            .ok_or_else(|| format!("a {{ has no }}; the placeholders are {}", known()))?;
        if !placeholders.contains(&placeholder) {
            return Err(format!("{{{placeholder}}} stands for nothing; the placeholders are {}", known()));
        }
        filled.push_str(before);
        filled.push('x');
        rest = after;
    }
    filled.push_str(rest);
    http_url(&filled)?;
    Ok(text.to_owned())
}

fn no_password(url: &Url) -> Result<(), String> {
    let in_query = url.query_pairs().any(|(key, _)| key.eq_ignore_ascii_case("password"));
    if url.password().is_some() || in_query {
        return Err(
            "no password may be in the address: take it out, give it to the system's keyring and write \
                    password = \"keyring:NAME\", or password = \"env:NAME\""
                .to_owned(),
        );
    }
    Ok(())
}

/// The address that a webhook listens on.
pub(super) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = text.replacen("localhost:", "127.0.0.1:", 1);
    let address: SocketAddr =
        address.parse().map_err(|_| "write an address and a port: 127.0.0.1:7787".to_owned())?;
    if !address.ip().is_loopback() {
        return Err(
            "the webhook listens on this machine only: write 127.0.0.1:PORT and put a proxy in front of it \
                    for others"
                .to_owned(),
        );
    }
    Ok(address)
}

/// The method of a rollback's request.
pub(super) fn method(text: &str) -> Result<String, String> {
    let method = text.to_ascii_uppercase();
    if matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE") {
        Ok(method)
    } else {
        Err("the method must be POST, PUT, PATCH or DELETE".to_owned())
    }
}

/// The body of a rollback's request.
pub(super) fn json_template(text: &str) -> Result<String, String> {
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map_err(|error| format!("the body must be JSON with placeholders inside of its texts ({error})"))?;
    Ok(text.to_owned())
}

/// The name of a signal.
pub(super) fn signal_name(text: &str) -> Result<String, String> {
    let is_custom = text.strip_prefix(signal::CUSTOM_PREFIX).is_some_and(|own| {
        !own.is_empty() && own.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    if is_custom || signal::ALL.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err("there is no such signal; a name of your own must begin with x_".to_owned())
    }
}

/// The name of a header.
pub(super) fn header_name(text: &str) -> Result<String, String> {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        Ok(text.to_owned())
    } else {
        Err("the name of a header has letters, digits, - and _ only".to_owned())
    }
}

/// Whether a header of this name carries a secret.
pub(super) fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["authorization", "cookie", "token", "secret", "api-key", "apikey", "password"]
        .iter()
        .any(|part| name.contains(part))
}
