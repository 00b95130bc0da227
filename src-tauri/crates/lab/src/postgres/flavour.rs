//! Whose build of which version a server is.

use std::fmt;

/// Environment variable that says which servers tests of versions go through: `full` for all of them.
const MATRIX_VARIABLE: &str = "FAULTLINE_MATRIX";
/// Its value for all.
const FULL: &str = "full";

/// Whose build of which version a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// From the lab's npm packages, by major version (14 to 18).
    Packaged(u8),
    /// PostgreSQL 15 as Debian 12 packs it.
    Debian15,
}

impl Flavour {
    /// All that the lab has.
    pub const ALL: [Self; 6] = [
        Self::Packaged(14),
        Self::Packaged(15),
        Self::Debian15,
        Self::Packaged(16),
        Self::Packaged(17),
        Self::Packaged(18),
    ];
    /// The oldest, the one that many run, and the newest: what tests of versions go through unless told to take all.
    pub const FEW: [Self; 3] = [Self::Packaged(14), Self::Debian15, Self::Packaged(18)];

    /// Major version.
    pub fn major(self) -> u8 {
        match self {
            Self::Packaged(major) => major,
            Self::Debian15 => 15,
        }
    }

    /// Whether a test of versions takes this one now: one of [`Self::FEW`], or `FAULTLINE_MATRIX=full`.
    pub fn is_wanted(self) -> bool {
        Self::FEW.contains(&self) || std::env::var_os(MATRIX_VARIABLE).is_some_and(|value| value == FULL)
    }
}

impl From<u8> for Flavour {
    fn from(major: u8) -> Self {
        Self::Packaged(major)
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packaged(major) => write!(f, "{major}"),
            Self::Debian15 => f.write_str("15-debian"),
        }
    }
}
