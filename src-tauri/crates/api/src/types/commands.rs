//! The command table: every command with its arguments and its answer, each of them a type, so that the program, the
//! loopback server and the window cannot disagree.

use serde::Serialize;
use serde::de::DeserializeOwned;
use ts_rs::TS;

use super::{
    ChartRequest, ChartsView, DatabaseAddRequest, DatabaseRemoveRequest, DatabaseTestRequest, DatabaseTested,
    DatabaseView, DeployView, DeploysRequest, DiagnosticsView, HealthRowView, IncidentRequest,
    IncidentSummary, IncidentView, IncidentsRequest, LinkRequest, Overview, PreviewView, QueriesRequest,
    QueryRow, RollbackPreviewRequest, RollbackRunRequest, RollbackView, SecretDeleteRequest, SecretRequest,
    SecretSetRequest, SecretView, SettingsChangeRequest, SettingsView,
};

wire! {
    /// No arguments: `{}`.
    pub struct NoArgs {}
}

/// A command's domain and name. A domain is a Tauri plugin with permissions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommandName {
    /// `charts`
    pub domain: &'static str,
    /// `draw`
    pub name: &'static str,
}

/// A command: a name, the type of its arguments and the type of its answer.
pub trait Command {
    /// Domain and name.
    const NAME: CommandName;
    /// What it takes.
    type Args: DeserializeOwned + TS + Send + 'static;
    /// What it answers.
    type Answer: Serialize + DeserializeOwned + TS + Send + 'static;
}

/// Is shown every command, type by type.
pub trait Visitor {
    /// Called once a command, in the order of the table.
    fn visit<C: Command>(&mut self);
}

macro_rules! commands {
    ($($(#[$doc:meta])* $command:ident = $domain:literal | $name:literal: $args:ty => $answer:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $command;

            impl Command for $command {
                const NAME: CommandName = CommandName { domain: $domain, name: $name };
                type Args = $args;
                type Answer = $answer;
            }
        )*

        /// Every command, grouped by domain.
        pub const COMMANDS: &[CommandName] = &[$($command::NAME),*];

        /// Shows every command to the visitor, in the order of [`COMMANDS`].
        pub fn visit_commands(visitor: &mut impl Visitor) {
            $(visitor.visit::<$command>();)*
        }
    };
}

commands! {
    /// Everything that is watched, at one glance.
    OverviewGet = "overview" | "get": NoArgs => Overview;
    /// Draws the three charts.
    ChartsDraw = "charts" | "draw": ChartRequest => ChartsView;
    /// The top queries, dearest first.
    QueriesTop = "queries" | "top": QueriesRequest => Vec<QueryRow>;
    /// Incidents, newest first.
    IncidentsList = "incidents" | "list": IncidentsRequest => Vec<IncidentSummary>;
    /// One incident with everything that is known about it.
    IncidentsGet = "incidents" | "get": IncidentRequest => IncidentView;
    /// Deploys, newest first.
    DeploysList = "deploys" | "list": DeploysRequest => Vec<DeployView>;
    /// What a rollback would do, without doing it.
    RollbackPreview = "rollback" | "preview": RollbackPreviewRequest => PreviewView;
    /// Runs a rollback that was previewed, once.
    RollbackRun = "rollback" | "run": RollbackRunRequest => RollbackView;
    /// The databases of the configuration.
    DatabasesList = "databases" | "list": NoArgs => Vec<DatabaseView>;
    /// Tries a database out before it is added.
    DatabasesTest = "databases" | "test": DatabaseTestRequest => DatabaseTested;
    /// Writes a database into the configuration and begins to watch it.
    DatabasesAdd = "databases" | "add": DatabaseAddRequest => ();
    /// Takes a database out of the configuration.
    DatabasesRemove = "databases" | "remove": DatabaseRemoveRequest => ();
    /// Every secret that the configuration names, and how it stands.
    SecretsList = "secrets" | "list": NoArgs => Vec<SecretView>;
    /// Keeps a secret; what needs it tries again at once.
    SecretsSet = "secrets" | "set": SecretSetRequest => SecretView;
    /// Whether a secret is there.
    SecretsTest = "secrets" | "test": SecretRequest => SecretView;
    /// Deletes a secret.
    SecretsDelete = "secrets" | "delete": SecretDeleteRequest => SecretView;
    /// How the program is set up.
    SettingsGet = "settings" | "get": NoArgs => SettingsView;
    /// Changes settings.
    SettingsChange = "settings" | "change": SettingsChangeRequest => SettingsView;
    /// The self-test of every target.
    SettingsHealth = "settings" | "health": NoArgs => Vec<HealthRowView>;
    /// Text for whoever is to help.
    DiagnosticsGet = "diagnostics" | "get": NoArgs => DiagnosticsView;
    /// Opens a page in the browser.
    LinksOpen = "links" | "open": LinkRequest => ();
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::COMMANDS;

    #[test]
    fn every_command_has_its_own_name() {
        let names: HashSet<_> = COMMANDS.iter().collect();
        assert_eq!(names.len(), COMMANDS.len());
        for command in COMMANDS {
            for part in [command.domain, command.name] {
                assert!(!part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()), "{part}");
            }
        }
    }
}
