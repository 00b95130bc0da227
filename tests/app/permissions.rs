//! What a window may not ask for: everything but the command domains, and another window not even those.

use serde_json::json;

use crate::commands::calls;
use crate::{Shell, ask};

/// Commands of Tauri and of the desktop's plugins that would give the page power over the program or the system.
const REFUSED: [&str; 31] = [
    "app|version",
    "autostart|disable",
    "autostart|enable",
    "autostart|is_enabled",
    "deep-link|get_current",
    "deep-link|is_registered",
    "deep-link|register",
    "deep-link|unregister",
    "event|emit",
    "event|emit_to",
    "image|from_path",
    "menu|new",
    "menu|popup",
    "path|resolve_directory",
    "resources|close",
    "tray|get_by_id",
    "tray|new",
    "webview|create_webview_window",
    "webview|internal_toggle_devtools",
    "webview|print",
    "window-state|filename",
    "window-state|restore_state",
    "window-state|save_window_state",
    "window|close",
    "window|create",
    "window|destroy",
    "window|hide",
    "window|set_position",
    "window|set_size",
    "window|set_title",
    "window|show",
];

#[test]
fn another_window_is_refused_every_command() {
    let shell = Shell::start();
    let other = shell.window("other");
    for (command, args, _) in calls() {
        let refused = ask(&other, command, json!({ "args": args })).unwrap_err();
        let message = refused.as_str().unwrap_or_default();
        assert!(message.contains("not allowed"), "{command}: {refused}");
    }
}

#[test]
fn no_window_has_power_over_the_program() {
    let shell = Shell::start();
    for label in ["main", "other"] {
        let window = shell.window(label);
        for command in REFUSED {
            let refused = ask(&window, command, json!({ "args": {} })).unwrap_err();
            let message = refused.as_str().unwrap_or_default();
            assert!(message.contains("not allowed"), "{command} from {label}: {refused}");
        }
    }
}

#[test]
fn commands_that_are_not_in_the_table_are_refused() {
    let shell = Shell::start();
    let main = shell.window("main");
    for command in ["incidents|delete", "secrets|get", "settings|exec", "shell|open", "fs|read_file"] {
        let refused = ask(&main, command, json!({ "args": {} })).unwrap_err();
        let message = refused.as_str().unwrap_or_default();
        assert!(message.contains("not allowed"), "{command}: {refused}");
    }
}
