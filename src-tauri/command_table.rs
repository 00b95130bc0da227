//! Every command by domain. It is a module of the build script as well as of the shell: the former makes a plugin
//! with permissions of its own from each domain, the latter answers them. A test holds this table to the api crate's,
//! which the window's bindings are written from.

/// Names of the domains, each with the names of its commands.
pub(crate) const DOMAINS: &[(&str, &[&str])] = &[
    ("overview", &["get"]),
    ("charts", &["draw"]),
    ("queries", &["top"]),
    ("incidents", &["list", "get"]),
    ("deploys", &["list"]),
    ("rollback", &["preview", "run"]),
    ("databases", &["list", "test", "add", "remove"]),
    ("secrets", &["list", "set", "test", "delete"]),
    ("settings", &["get", "change", "health"]),
    ("diagnostics", &["get"]),
    ("links", &["open"]),
];
