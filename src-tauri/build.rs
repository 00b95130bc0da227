//! Builds the application's context: capabilities from `src-tauri/capabilities`, one inlined plugin a command domain.
fn main() { tauri_build::build() }
