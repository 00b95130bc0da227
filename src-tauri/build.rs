//! Builds the application's context: capabilities from `src-tauri/capabilities`, one inlined plugin a command domain, so
//! that a window may be given one domain and refused another.

use std::error::Error;

use tauri_build::{Attributes, DefaultPermissionRule, InlinedPlugin};

#[path = "command_table.rs"]
mod command_table;

use command_table::DOMAINS;

fn main() -> Result<(), Box<dyn Error>> {
    // Without the folder the application's context does not compile; the window's files come from `npm run build`.
    std::fs::create_dir_all("ui/dist")?;
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=src-tauri/command_table.rs");
    let mut attributes = Attributes::new().capabilities_path_pattern("./src-tauri/capabilities/**/*");
    for (domain, commands) in DOMAINS {
        let plugin = InlinedPlugin::new()
            .commands(commands)
            .default_permission(DefaultPermissionRule::AllowAllCommands);
        attributes = attributes.plugin(domain, plugin);
    }
    tauri_build::try_build(attributes)?;
    Ok(())
}
