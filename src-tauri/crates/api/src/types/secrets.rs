//! Secrets as the window handles them: set, tested and deleted, never read.

use secrecy::SecretString;
use ts_rs::TS;

wire! {
    /// A secret that the configuration names, and how it stands.
    pub struct SecretView {
        /// `keyring:NAME` or `env:NAME`.
        pub reference: String,
        /// What needs it, such as `shop/replica-1`, `webhook 127.0.0.1:7787` or `rollback of checkout`.
        pub used_by: Vec<String>,
        /// How it stands.
        pub state: SecretState,
        /// What happened and the way on, where it is not there; one sentence.
        pub message: Option<String>,
    }

    /// A secret that is meant.
    pub struct SecretRequest {
        /// `keyring:NAME` or `env:NAME`.
        pub reference: String,
    }

    /// An entry of the keyring that is meant.
    pub struct SecretDeleteRequest {
        /// The entry's name, without `keyring:`.
        pub name: String,
    }
}

/// How a secret stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SecretState {
    /// It is in the keyring.
    Stored,
    /// It is known for this run only; after the next start it is asked for again.
    ThisRun,
    /// The environment variable is set.
    Variable,
    /// It is not there.
    Missing,
    /// The keyring is locked or refused.
    Locked,
    /// There is no keyring.
    NoService,
    /// The keyring does not answer.
    TimedOut,
    /// Something else is wrong with it.
    Failed,
}

/// A secret to be kept. Goes in and never comes out.
#[derive(Debug, serde::Deserialize, TS)]
pub struct SecretSetRequest {
    /// The entry's name, without `keyring:`.
    pub name: String,
    /// The secret.
    pub secret: SecretInput,
    /// For how long.
    pub keep: Keep,
}

/// For how long a secret is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// In the system's keyring.
    Keyring,
    /// In memory, until the program ends.
    ThisRun,
}

/// A secret on its way in: it can be neither printed nor sent back.
#[derive(Debug, serde::Deserialize, TS)]
#[ts(type = "string")]
pub struct SecretInput(pub SecretString);
