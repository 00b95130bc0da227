//! The house rules, held by looking at the dependencies and the sources: who may see whom, which licences may come in,
//! and what a source file looks like.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod dependencies;
mod layers;
mod sources;

use std::path::PathBuf;

use cargo_metadata::{Metadata, MetadataCommand};

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What cargo knows of the workspace and everything it depends on, on any platform; on a fresh machine cargo fetches
/// here what the build did not need.
fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .unwrap()
}

/// Fails with every finding on its own line.
fn assert_none(what: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{what}:\n  {}\n", findings.join("\n  "));
}
