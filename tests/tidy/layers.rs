//! Who may see whom. The arrows are those of ARCHITECTURE.md: everything with logic builds and tests without Tauri, only
//! few see SQL, and what decides sees neither input nor output.

use cargo_metadata::{DependencyKind, Package};

use crate::{assert_none, metadata, root};

/// For each of our packages, those of ours that it may depend on (tests and benchmarks may use more).
const ALLOWED: &[(&str, &[&str])] = &[
    ("faultline-model", &[]),
    ("faultline-fingerprint", &["faultline-model"]),
    ("faultline-recording", &["faultline-model"]),
    ("faultline-chart", &["faultline-model"]),
    ("faultline-analysis", &["faultline-model"]),
    ("faultline-notifications", &["faultline-model"]),
    ("faultline-http", &["faultline-model"]),
    ("faultline-history", &["faultline-model"]),
    ("faultline-sources", &["faultline-model", "faultline-fingerprint", "faultline-http"]),
    ("faultline-deploys", &["faultline-model", "faultline-http"]),
    (
        "faultline-engine",
        &[
            "faultline-model",
            "faultline-fingerprint",
            "faultline-sources",
            "faultline-deploys",
            "faultline-history",
            "faultline-analysis",
            "faultline-notifications",
        ],
    ),
    ("faultline-api", &["faultline-model", "faultline-engine", "faultline-chart"]),
    (
        "faultctl",
        &["faultline-model", "faultline-engine", "faultline-chart", "faultline-recording", "faultline-api"],
    ),
    ("faultline", &["faultline-api", "faultline-engine"]),
    ("faultline-lab", &["faultline-model", "faultline-fingerprint", "faultline-recording"]),
    ("xtask", &[]),
    ("faultline-tests", &[]),
];

/// Outside crates that only some of ours may depend on.
const RESERVED: &[(&str, &[&str])] = &[
    ("tauri", &["faultline"]),
    ("tauri-build", &["faultline"]),
    ("notify-rust", &["faultline-notifications"]),
    ("keyring", &["faultline-engine"]),
    ("plotters", &["faultline-chart"]),
    ("sqlx", &["faultline-sources", "faultline-history", "faultline-lab"]),
    // The lab asks its own servers on loopback, from outside the program.
    ("reqwest", &["faultline-http", "faultline-lab"]),
];

/// Packages that decide or draw: no input, no output.
const PURE: &[&str] = &["faultline-model", "faultline-fingerprint", "faultline-analysis", "faultline-chart"];
/// What pure packages may not depend on.
const IMPURE: &[&str] =
    &["tokio", "sqlx", "reqwest", "hyper", "axum", "keyring", "notify-rust", "zbus", "directories"];

fn is_used_in_the_program(kind: DependencyKind) -> bool {
    matches!(kind, DependencyKind::Normal | DependencyKind::Build)
}

/// Names of what a package depends on, tests and benchmarks aside.
fn dependencies(package: &Package) -> impl Iterator<Item = &str> {
    package.dependencies.iter().filter(|one| is_used_in_the_program(one.kind)).map(|one| one.name.as_str())
}

#[test]
fn packages_see_only_those_below_them() {
    let metadata = metadata();
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let Some((_, allowed)) = ALLOWED.iter().find(|(one, _)| *one == name) else {
            findings.push(format!("{name} is not in the table of layers; add it there"));
            continue;
        };
        for other in dependencies(package).filter(|other| ALLOWED.iter().any(|(one, _)| one == other)) {
            if !allowed.contains(&other) {
                findings.push(format!("{name} may not depend on {other}"));
            }
        }
    }
    assert_none("layers", &findings);
}

#[test]
fn outside_crates_stay_where_they_belong() {
    let metadata = metadata();
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        for other in dependencies(package) {
            if RESERVED.iter().any(|(one, owners)| *one == other && !owners.contains(&name)) {
                findings.push(format!("{name} may not depend on {other}"));
            }
            if PURE.contains(&name) && IMPURE.contains(&other) {
                findings.push(format!("{name} decides or draws and may not depend on {other}"));
            }
        }
    }
    assert_none("reserved crates", &findings);
}

#[test]
fn only_one_file_speaks_to_the_keyring() {
    let engine = root().join("src-tauri/crates/engine");
    let home = engine.join("src/secrets/system.rs");
    let findings: Vec<String> = crate::sources::files()
        .into_iter()
        .filter(|(path, text)| path.starts_with(&engine) && text.contains("keyring::") && *path != home)
        .map(|(path, _)| format!("{} mentions keyring::", path.display()))
        .collect();
    assert_none("the keyring belongs to engine/src/secrets/system.rs", &findings);
}
