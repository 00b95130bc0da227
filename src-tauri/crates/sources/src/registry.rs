//! The engines that can be watched, one line each.

use std::sync::Arc;

use faultline_model::{Clock, EndpointSpec, Engine, NodeSpec, Source};

use crate::error::SourceError;
use crate::query_book::QueryBook;
use crate::{mysql, postgres, prometheus};

/// Opens a source; connects nothing.
type Open = fn(NodeSpec, Arc<dyn Clock>, QueryBook) -> Result<Box<dyn Source>, SourceError>;

/// The engines, the schemes of their urls, and what opens them.
const ENGINES: &[(Engine, &[&str], Open)] = &[
    (Engine::Postgres, &["postgres", "postgresql"], postgres::open),
    (Engine::Mysql, &["mysql", "mariadb"], mysql::open),
    (Engine::Mariadb, &["mariadb", "mysql"], mysql::open),
];

/// The engines that have a source.
pub const WATCHED: &[Engine] = &[Engine::Postgres, Engine::Mysql, Engine::Mariadb];

/// Opens the source of a node. Nothing is connected before the first poll or self-test. An engine that is not stated
/// is told from the scheme of the url. `book` is the one that all nodes of its cluster share.
///
/// # Errors
/// [`SourceError::NotWatched`] when the engine has no source, [`SourceError::BadUrl`] when the address cannot be read.
pub fn open(spec: NodeSpec, clock: Arc<dyn Clock>, book: QueryBook) -> Result<Box<dyn Source>, SourceError> {
    let scheme = spec.url.split_once("://").map_or("", |(scheme, _)| scheme);
    let found = ENGINES.iter().find(|(engine, schemes, _)| {
        *engine == spec.engine || (spec.engine == Engine::Unknown && schemes.contains(&scheme))
    });
    match found {
        Some((_, _, open)) => open(spec, clock, book),
        None => Err(SourceError::NotWatched {
            target: spec.id.to_string(),
            engine: spec.engine,
            watched: ENGINES
                .iter()
                .map(|(_, schemes, _)| format!("{}://", schemes[0]))
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}

/// Opens a metric endpoint. Nothing is connected before the first poll or self-test; certificate files are read. `book` is
/// the one that all nodes of its cluster share.
///
/// # Errors
/// [`SourceError::BadUrl`] when the address cannot be read, [`SourceError::BadExpression`] naming signal and place, and
/// [`SourceError::BadEndpoint`] when certificates, headers, presets or the selector cannot be used.
pub fn open_endpoint(
    spec: EndpointSpec,
    clock: Arc<dyn Clock>,
    book: QueryBook,
) -> Result<Box<dyn Source>, SourceError> {
    prometheus::open(spec, clock, book)
}

#[cfg(test)]
mod tests {
    use faultline_model::{NodeId, Timestamp};

    use super::*;

    struct Still;
    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH
        }
    }

    fn check(engine: Engine, url: &str, expected: Result<(), &str>) {
        let spec = NodeSpec {
            id: NodeId { cluster: "shop".into(), node: "primary".into() },
            engine,
            url: url.to_owned(),
            password: None,
            role: None,
        };
        let opened =
            open(spec, Arc::new(Still), QueryBook::default()).map(|_| ()).map_err(|error| error.to_string());
        match expected {
            Ok(()) => assert_eq!(opened, Ok(()), "{url}"),
            Err(part) => {
                let text = opened.unwrap_err();
                assert!(text.contains(part), "{url}: {text}");
                assert!(!text.contains("hunter2"), "{url}: {text}");
            }
        }
    }

    #[test]
    fn the_engine_or_the_scheme_finds_the_source() {
        check(Engine::Postgres, "postgres://u@h:5432/d", Ok(()));
        check(Engine::Unknown, "postgresql://u@h/d?sslmode=disable", Ok(()));
        check(Engine::Mysql, "mysql://u@h/d", Ok(()));
        check(Engine::Mariadb, "mysql://u@h", Ok(()));
        check(Engine::Unknown, "mariadb://u@h/d?ssl-mode=disabled", Ok(()));
        check(Engine::Mysql, "postgres://u:hunter2@h/d", Err("the scheme is postgres"));
        check(Engine::Mysql, "mysql://h/d", Err("no user"));
        check(
            Engine::Unknown,
            "http://prometheus:9090",
            Err("not yet watched; what works: postgres://, mysql://, mariadb://"),
        );
        check(Engine::Postgres, "mysql://u:hunter2@h/d", Err("the scheme is mysql"));
        check(Engine::Postgres, "postgres://u:hunter2@h:port/d", Err("cannot be read"));
        check(Engine::Postgres, "postgres://u:hunter2@h/d?sslmode=maybe", Err("sslmode"));
        check(Engine::Postgres, "postgres:///d?user=u", Err("no host"));
        check(Engine::Postgres, "postgres://h/d", Err("no user"));
        check(Engine::Postgres, "postgres://u@h", Err("no database"));
    }
}
