//! What only a desktop program can do, as the commands need it; the shell does it.

/// The desktop around the program.
pub trait Desktop: Send + Sync {
    /// Opens an address, which was found allowed, in the user's browser.
    ///
    /// # Errors
    /// Why no browser could be started.
    fn open_page(&self, url: &str) -> Result<(), String>;

    /// Whether there is a tray; `None` where the program is no desktop program.
    fn tray(&self) -> Option<bool>;

    /// Whether the program starts with the session; `None` where that cannot be known.
    fn autostart(&self) -> Option<bool>;

    /// Sets whether the program starts with the session.
    ///
    /// # Errors
    /// Why it cannot be set.
    fn set_autostart(&self, on: bool) -> Result<(), String>;

    /// What the diagnostics say of it: names and values.
    fn about(&self) -> Vec<(String, String)>;
}

/// No desktop: for programs without a window, and tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDesktop;

impl Desktop for NoDesktop {
    fn open_page(&self, _: &str) -> Result<(), String> {
        Err("this program opens no pages".to_owned())
    }

    fn tray(&self) -> Option<bool> {
        None
    }

    fn autostart(&self) -> Option<bool> {
        None
    }

    fn set_autostart(&self, _: bool) -> Result<(), String> {
        Err("only the desktop program starts with the session".to_owned())
    }

    fn about(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}
