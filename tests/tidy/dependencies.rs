//! Which licences and crates may come in: `deny.toml` says it, in cargo-deny's own format. It is checked here and not
//! by cargo-deny because that takes minutes to build on a small machine, while its greatest use, the advisories, needs
//! a network that tests do without.

use std::collections::HashMap;

use serde_json::Value;
use spdx::{Expression, LicenseReq, ParseMode};

use crate::{assert_none, metadata, root};

/// The rules, as JSON values.
fn rules() -> Value {
    let text = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// A list of texts in the rules.
fn texts<'a>(rules: &'a Value, path: &str) -> Vec<&'a str> {
    rules.pointer(path).and_then(Value::as_array).unwrap().iter().map(|one| one.as_str().unwrap()).collect()
}

#[test]
fn licences_are_allowed() {
    let (rules, metadata) = (rules(), metadata());
    let parse = |text: &str| Expression::parse_mode(text, ParseMode::LAX).map_err(|error| error.to_string());
    let allowed: Vec<LicenseReq> = texts(&rules, "/licenses/allow")
        .iter()
        .flat_map(|name| parse(name).unwrap().requirements().map(|one| one.req.clone()).collect::<Vec<_>>())
        .collect();
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let name = format!("{} {}", package.name, package.version);
        match package.license.as_deref().map(parse) {
            None => findings.push(format!("{name} has no licence")),
            Some(Err(error)) => findings.push(format!("{name}: {error}")),
            Some(Ok(expression)) => {
                if !expression.evaluate(|wanted| allowed.contains(wanted)) {
                    findings.push(format!("{name}: {expression} is not allowed"));
                }
            }
        }
    }
    assert_none("licences", &findings);
}

#[test]
fn banned_crates_stay_out() {
    let (rules, metadata) = (rules(), metadata());
    let banned: HashMap<&str, &str> = rules
        .pointer("/bans/deny")
        .and_then(Value::as_array)
        .unwrap()
        .iter()
        .map(|one| {
            (one["crate"].as_str().unwrap(), one["reason"].as_str().expect("every ban has its reason"))
        })
        .collect();
    let mut findings = Vec::new();
    for package in &metadata.packages {
        if let Some(reason) = banned.get(package.name.as_str()) {
            let id = &package.id;
            let users: Vec<&str> = metadata
                .resolve
                .iter()
                .flat_map(|resolve| &resolve.nodes)
                .filter(|node| node.dependencies.contains(id))
                .map(|node| metadata[&node.id].name.as_str())
                .collect();
            findings.push(format!("{} (through {}): {reason}", package.name, users.join(", ")));
        }
    }
    assert_none("banned crates", &findings);
}

#[test]
fn crates_come_from_the_registry() {
    let (rules, metadata) = (rules(), metadata());
    let registries = texts(&rules, "/sources/allow-registry");
    let findings: Vec<String> = metadata
        .packages
        .iter()
        .filter_map(|package| package.source.as_ref().map(|source| (package, source)))
        .filter(|(_, source)| !registries.iter().any(|one| source.repr == format!("registry+{one}")))
        .map(|(package, source)| format!("{} comes from {source}", package.name))
        .collect();
    assert_none("sources", &findings);
}
