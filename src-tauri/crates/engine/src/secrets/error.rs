//! Why a secret cannot be had, in sentences that name the way on.

use super::{KEYRING_DEADLINE, KEYRING_SERVICE, MAX_SECRET_BYTES};

/// Why a secret could not be looked up, stored or deleted. No variant has the secret in it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SecretError {
    /// The keyring has no such entry.
    #[error(
        "the keyring has no entry {name}: store it (on Linux: secret-tool store --label=faultline service faultline username {name}), or name an environment variable with env:NAME"
    )]
    Missing {
        /// The entry.
        name: String,
    },
    /// The environment variable is not set or empty.
    #[error("the environment variable {name} is not set: set it and start again")]
    VariableMissing {
        /// The variable.
        name: String,
    },
    /// The value is not UTF-8 text.
    #[error("the value of {reference} is not text: store it again")]
    NotText {
        /// The reference as in the configuration.
        reference: String,
    },
    /// The keyring is locked, or the user refused.
    #[error(
        "the keyring is locked or refused access to {name} ({reason}): unlock it and try again, or use env:NAME"
    )]
    Locked {
        /// The entry.
        name: String,
        /// What the system says.
        reason: String,
    },
    /// There is no keyring.
    #[error(
        "there is no keyring service here ({reason}): start one (on Linux a Secret Service such as gnome-keyring), then \
         start Faultline again, or use env:NAME instead"
    )]
    NoService {
        /// What the system says.
        reason: String,
    },
    /// The keyring did not answer in time.
    #[error(
        "the keyring did not answer within {} s for {name}: look for its password dialogue, then try again",
        KEYRING_DEADLINE.as_secs()
    )]
    TimedOut {
        /// The entry.
        name: String,
    },
    /// The secret is empty or too long to be stored everywhere.
    #[error("a secret must have 1 to {MAX_SECRET_BYTES} bytes")]
    BadLength,
    /// The keyring failed in another way.
    #[error(
        "the keyring failed for {name} ({reason}): look at the entry {name} of {KEYRING_SERVICE} in its own program"
    )]
    Failed {
        /// The entry.
        name: String,
        /// What the system says.
        reason: String,
    },
}

impl SecretError {
    /// A short, stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::VariableMissing { .. } => "variable_missing",
            Self::NotText { .. } => "not_text",
            Self::Locked { .. } => "locked",
            Self::NoService { .. } => "no_service",
            Self::TimedOut { .. } => "timed_out",
            Self::BadLength => "bad_length",
            Self::Failed { .. } => "failed",
        }
    }
}
