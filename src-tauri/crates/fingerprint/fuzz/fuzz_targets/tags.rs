//! Tags can be read from any text, within their limits.
#![no_main]

#[path = "../../tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|sql: &str| checks::tags_hold(sql));
