//! The databases of the configuration: listed, tested before they are added, added and removed.

use ts_rs::TS;

use super::overview::EngineView;
use super::secrets::SecretInput;
use super::settings::HealthRowView;

wire! {
    /// A database of the configuration.
    pub struct DatabaseView {
        /// The cluster that it belongs to.
        pub cluster: String,
        /// The cluster's environment.
        pub environment: String,
        /// Its name within the cluster.
        pub node: String,
        /// Family of the server.
        pub engine: EngineView,
        /// Its address, without a password.
        pub url: String,
        /// Where its password is: `keyring:NAME` or `env:NAME`; null where none is needed.
        pub password: Option<String>,
    }

    /// What a connection test found.
    pub struct DatabaseTested {
        /// Whether it can be watched at all.
        pub reachable: bool,
        /// The self-test, with what fixes each row.
        pub rows: Vec<HealthRowView>,
    }

    /// A database to be written into the configuration.
    pub struct DatabaseAddRequest {
        /// The cluster; made when there is none of this name.
        pub cluster: String,
        /// The environment of a new cluster; an existing one keeps its own.
        pub environment: String,
        /// Its name within the cluster.
        pub node: String,
        /// Family of the server.
        pub engine: EngineView,
        /// Its address, without a password.
        pub url: String,
        /// Where its password is: `keyring:NAME` or `env:NAME`; null where none is needed.
        pub password: Option<String>,
    }

    /// A database to be taken out of the configuration. What was seen of it stays in the history.
    pub struct DatabaseRemoveRequest {
        /// The cluster; it goes with its last database.
        pub cluster: String,
        /// The database's name within the cluster.
        pub node: String,
    }
}

/// A database to be tried out. Goes in and never comes out.
#[derive(Debug, serde::Deserialize, TS)]
pub struct DatabaseTestRequest {
    /// Family of the server.
    pub engine: EngineView,
    /// Its address, without a password.
    pub url: String,
    /// Its password.
    pub password: PasswordInput,
}

/// Where the password for a test comes from.
#[derive(Debug, serde::Deserialize, TS)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum PasswordInput {
    /// None is needed.
    None,
    /// Typed just now; used once and not kept.
    Typed {
        /// What was typed.
        secret: SecretInput,
    },
    /// Kept somewhere.
    Reference {
        /// `keyring:NAME` or `env:NAME`.
        reference: String,
    },
}
