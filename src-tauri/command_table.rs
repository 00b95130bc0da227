// Every command by domain: the build script makes a plugin with permissions of its own from each domain, and the shell
// answers them. A test holds this table to the api crate's, which the window's bindings are written from.
pub(crate) const DOMAINS: &[(&str, &[&str])] = &[
    ("overview", &["get"]),
    ("charts", &["draw"]),
    ("queries", &["top"]),
    ("incidents", &["list", "get"]),
    ("deploys", &["list"]),
    ("rollback", &["preview", "run"]),
    ("settings", &["health"]),
    ("links", &["open"]),
];
