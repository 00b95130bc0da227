//! Any text can be normalised, in both dialects, and normalising it again changes nothing.
#![no_main]

#[path = "../../tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|sql: &str| checks::normalise_holds(sql));
