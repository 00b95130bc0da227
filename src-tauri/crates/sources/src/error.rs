//! Why a source could not be opened. What goes wrong afterwards is a health row, never an error.

use faultline_model::Engine;

/// Why a node cannot be watched as it is configured. Nothing was connected yet.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The engine has no source.
    #[error("{target}: {engine:?} is not yet watched; what works: {watched}")]
    NotWatched {
        /// `cluster/node`.
        target: String,
        /// The engine that was asked for.
        engine: Engine,
        /// The engines that have a source, by their schemes.
        watched: String,
    },
    /// The address cannot be read. The reason never holds a password.
    #[error("{target}: the url cannot be read: {reason}; write it as {example}")]
    BadUrl {
        /// `cluster/node`.
        target: String,
        /// What is wrong with it.
        reason: String,
        /// An address that would do.
        example: &'static str,
    },
    /// Something else about a metric endpoint cannot be used: its certificates, headers, presets or selector.
    #[error("{target}: the metric endpoint cannot be used: {reason}")]
    BadEndpoint {
        /// `cluster/node`.
        target: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The expression of a signal cannot be read, or is more than is evaluated here.
    #[error(
        "{target}: the expression of {signal} cannot be used: column {column}: {problem}; it is: {expression}"
    )]
    BadExpression {
        /// `cluster/node`.
        target: String,
        /// The signal.
        signal: String,
        /// Where in the expression, in characters from 1.
        column: usize,
        /// What is wrong there, and what to do.
        problem: String,
        /// The expression.
        expression: String,
    },
}
