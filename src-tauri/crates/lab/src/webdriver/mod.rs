//! Drives a page as its user does, over WebDriver: the real window (WebKitWebDriver starts the program) or a page in
//! headless Chromium. Everything waits for what is to be seen, with a deadline; nothing sleeps for luck.

mod driver;
mod page;

pub use driver::{Driver, Engine};
pub use page::Page;

use fantoccini::error::CmdError;

use crate::error::Error;

/// Turns an error of the driver into ours.
fn command(what: impl Into<String>) -> impl FnOnce(CmdError) -> Error {
    let what = what.into();
    move |error| Error::Page { what, reason: error.to_string() }
}
