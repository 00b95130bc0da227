//! How each aspect of a node stands, and the exact command that fixes it. Pure: from what was found to rows.

use faultline_model::Role;

use super::address::Address;
use super::capabilities::{Capabilities, OLDEST_VERSION_NUM};
use super::trouble::Trouble;
use crate::common::Found;

/// Names of the aspects.
pub(super) const CONNECTION: &str = "connection";
pub(super) const TLS: &str = "tls";
pub(super) const VERSION: &str = "version";
pub(super) const POOLER: &str = "pooler";
pub(super) const STATEMENTS: &str = "pg_stat_statements";
pub(super) const COUNTERS: &str = "counters";
pub(super) const PRIVILEGES: &str = "privileges";
pub(super) const QUERY_IDS: &str = "compute_query_id";
pub(super) const IO_TIMING: &str = "track_io_timing";
pub(super) const ROLE: &str = "role";
pub(super) const REPLICATION: &str = "replication";
pub(super) const CLOCK: &str = "clock";
pub(super) const BUDGET: &str = "budget";
pub(super) const SESSIONS: &str = "sessions";
pub(super) const DATABASE: &str = "database";
pub(super) const FACTS: &str = "facts";
pub(super) const PLANS: &str = "plans";
pub(super) const LOCKS: &str = "locks";

/// What poolers say when they refuse the settings that we ask for at the start of a session: PgBouncer, RDS Proxy.
const POOLER_WORDS: [&str; 3] =
    ["unsupported startup parameter", "server_login_retry", "doesn't support command-line options"];
/// Skew beyond which a warning is due, seconds.
const SKEW_WARNING_S: f64 = 1.0;

/// An identifier as SQL wants it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Why there is no connection, and what to do.
pub(super) fn connection(trouble: &Trouble, address: &Address) -> Found {
    let (user, database, place) = (quoted(&address.user), quoted(&address.database), &address.place);
    let error = |message: String, hint: String| Found::error(CONNECTION, message, hint);
    let said = trouble.to_string();
    match trouble.code() {
        _ if POOLER_WORDS.iter().any(|words| said.contains(words)) => pooler(&said, None),
        "28P01" => error(
            format!("the server refused the password of {user}"),
            format!("enter the right password, or set it on the primary: ALTER ROLE {user} PASSWORD '…';"),
        ),
        "28000" => error(
            format!("the server does not let {user} in: {said}"),
            format!(
                "CREATE ROLE {user} LOGIN PASSWORD '…'; GRANT pg_monitor TO {user}; on the primary, and a line `host {} {} \
                 <this machine>/32 scram-sha-256` in pg_hba.conf of this node, then SELECT pg_reload_conf();",
                address.database, address.user
            ),
        ),
        "3D000" => error(
            format!("there is no database {database}"),
            format!("name one that SELECT datname FROM pg_database; lists, or CREATE DATABASE {database};"),
        ),
        "42501" => error(
            format!("{user} may not connect to {database}: {said}"),
            format!("GRANT CONNECT ON DATABASE {database} TO {user};"),
        ),
        "53300" => error(
            format!("the server has no connection left: {said}"),
            "end idle sessions, or raise it and restart: ALTER SYSTEM SET max_connections = …;".to_owned(),
        ),
        "57P03" => error(
            format!("the server does not accept connections yet: {said}"),
            "wait until it has started; a standby needs ALTER SYSTEM SET hot_standby = on; and a restart".to_owned(),
        ),
        _ => match trouble {
            Trouble::Silent { deadline } => error(
                format!("{place} did not answer within {} s", deadline.as_secs_f64()),
                "check host, port, firewall and VPN".to_owned(),
            ),
            Trouble::Tls { .. } => error(
                format!("no verified TLS with {place}: {said}"),
                "add sslrootcert=<file with the server's authority> to the url, or choose sslmode=require (encrypted, \
                 not verified) or sslmode=disable"
                    .to_owned(),
            ),
            _ => error(
                format!("{place} cannot be reached: {said}"),
                "check host, port, firewall and VPN, and that the server runs".to_owned(),
            ),
        },
    }
}

/// A pooler stands in between. Whatever its mode, it is not gone through: it lends sessions, and what we set to be harmless
/// to the server is either refused by it or left to the next client. `server` is where the server itself is, where that
/// could be asked.
pub(super) fn pooler(why: &str, server: Option<&str>) -> Found {
    let place = server.map_or_else(
        || "PgBouncer: SHOW DATABASES; tells them".to_owned(),
        |server| format!("the server says that it is {server}"),
    );
    Found::error(
        POOLER,
        format!("a connection pooler stands between Faultline and the server ({why})"),
        format!("name the server's own host and port in the url instead of the pooler's ({place})"),
    )
}

/// Whether plans of suspected queries can be looked at.
pub(super) fn plans(has: &Capabilities) -> Found {
    if has.reads_all_data {
        return Found::ok(PLANS, "plans of suspected queries can be looked at");
    }
    let hint =
        format!("to see all plans: GRANT pg_read_all_data TO {}; (Faultline reads no table)", has.user);
    let found = Found::none(PLANS, format!("plans are seen only of tables that {} may read", has.user));
    Found { hint: Some(hint), ..found }
}

/// A plan was asked for and not shown. With the right to read everything it is one of a statement that writes, and nobody
/// need mend that.
pub(super) fn plan_denied(said: &str, has: &Capabilities) -> Found {
    if has.reads_all_data {
        return Found::none(
            PLANS,
            "plans of suspected queries are looked at, but not of those that write: the server wants rights for that which \
             Faultline does without",
        );
    }
    Found::warning(
        PLANS,
        format!("the plan of a suspected query cannot be seen: {said}"),
        format!("GRANT pg_read_all_data TO {}; (on the primary; Faultline reads no table)", has.user),
    )
}

/// A suspected query runs in another database than the one that we are connected to.
pub(super) fn plan_elsewhere(there: &str, here: &str) -> Found {
    Found::warning(
        PLANS,
        format!("a suspected query runs in database {there}, and plans are seen only in {here}"),
        format!("watch database {there} as a node of its own: the same url with /{there}"),
    )
}

/// Replay cancels what an aspect asks, again and again.
pub(super) fn conflicts(aspect: &'static str) -> Found {
    Found::warning(
        aspect,
        "replay cancels our statements again and again: the standby gives them no time",
        "on this node: ALTER SYSTEM SET hot_standby_feedback = on; or ALTER SYSTEM SET max_standby_streaming_delay = '30s'; \
         then SELECT pg_reload_conf();",
    )
}

/// Every aspect that a look at the server's capabilities tells. `stated` is the role that the user states.
pub(super) fn capabilities(has: &Capabilities, address: &Address, stated: Option<Role>) -> Vec<Found> {
    vec![
        Found::ok(CONNECTION, format!("connected to {} as {}", address.place, has.user)),
        tls(address),
        version(has),
        Found::ok(POOLER, "the session is the server's own"),
        statements(has),
        privileges(has),
        query_ids(has),
        io_timing(has),
        role(has, stated),
    ]
}

fn tls(address: &Address) -> Found {
    if address.verified {
        return Found::ok(TLS, "the way to the server is verified, or does not leave this machine");
    }
    Found::warning(
        TLS,
        "the server's certificate is not verified",
        "put sslmode=verify-full into the url, with sslrootcert=<file> where the authority is your own",
    )
}

/// Whether the server is too old to be watched.
pub(super) fn version(has: &Capabilities) -> Found {
    if has.version_num >= OLDEST_VERSION_NUM {
        return Found::ok(VERSION, format!("PostgreSQL {}", has.version));
    }
    Found::error(
        VERSION,
        format!("PostgreSQL {} is older than 14, the oldest that is watched", has.version),
        "upgrade the server to a supported version",
    )
}

fn statements(has: &Capabilities) -> Found {
    let Some(extension) = &has.statements else {
        let on_primary = if has.in_recovery { " (run it on the primary; it is replicated)" } else { "" };
        let preload =
            if has.track.is_none() { format!("{} Then: ", preload_hint(has)) } else { String::new() };
        return Found::error(
            STATEMENTS,
            format!("the extension pg_stat_statements is not in database {}", has.database),
            format!("{preload}CREATE EXTENSION pg_stat_statements;{on_primary}"),
        );
    };
    match has.track.as_deref() {
        None => Found::error(
            STATEMENTS,
            "the library pg_stat_statements is not loaded on this node",
            preload_hint(has),
        ),
        Some("none") => Found::error(
            STATEMENTS,
            "pg_stat_statements.track is none: no statement is counted",
            "ALTER SYSTEM SET pg_stat_statements.track = 'top'; SELECT pg_reload_conf();",
        ),
        Some("all") if !extension.toplevel => Found::error(
            STATEMENTS,
            format!(
                "the extension is of version {}, older than the server, and nested statements are counted: their time \
                 would be counted twice, so the counters are not read",
                extension.version
            ),
            "ALTER EXTENSION pg_stat_statements UPDATE; (on the primary)",
        ),
        Some(_) if !extension.toplevel || !extension.info => Found::warning(
            STATEMENTS,
            format!("the extension is of version {}, older than the server", extension.version),
            "ALTER EXTENSION pg_stat_statements UPDATE; (on the primary)",
        ),
        Some(_) => Found::ok(STATEMENTS, format!("pg_stat_statements {} counts", extension.version)),
    }
}

/// How to load the library, keeping what is loaded already.
fn preload_hint(has: &Capabilities) -> String {
    let others =
        has.preloaded.as_deref().unwrap_or_default().split(',').map(|name| name.trim().trim_matches('"'));
    // Each name is a string of its own: one string would be one library with commas in its name.
    let list: Vec<_> = others
        .filter(|name| !name.is_empty() && *name != STATEMENTS)
        .chain([STATEMENTS])
        .map(|name| format!("'{}'", name.replace('\'', "''")))
        .collect();
    let known =
        if has.preloaded.is_some() { "" } else { " (keep what SHOW shared_preload_libraries; tells)" };
    format!(
        "on this very node, as each has its own setting: ALTER SYSTEM SET shared_preload_libraries = {};{known} and \
         restart it.",
        list.join(", ")
    )
}

fn privileges(has: &Capabilities) -> Found {
    if has.reads_all_stats {
        return Found::ok(PRIVILEGES, format!("{} sees the statements of all roles", has.user));
    }
    let place = if has.in_recovery { " (on the primary; it is replicated)" } else { "" };
    Found::error(
        PRIVILEGES,
        format!("{} sees only its own statements and sessions", has.user),
        format!("GRANT pg_monitor TO {};{place}", has.user),
    )
}

fn query_ids(has: &Capabilities) -> Found {
    match has.compute_query_id.as_deref() {
        Some("off") => Found::warning(
            QUERY_IDS,
            "compute_query_id is off: running statements are told apart by their texts alone, and none is counted",
            "ALTER SYSTEM SET compute_query_id = 'auto'; SELECT pg_reload_conf();",
        ),
        Some("auto") if has.track.is_none() => Found::warning(
            QUERY_IDS,
            "compute_query_id is auto and nothing asks for ids: running statements are told apart by their texts alone",
            "ALTER SYSTEM SET compute_query_id = 'on'; SELECT pg_reload_conf();",
        ),
        other => Found::ok(QUERY_IDS, format!("compute_query_id is {}", other.unwrap_or("not known"))),
    }
}

fn io_timing(has: &Capabilities) -> Found {
    if has.track_io_timing.as_deref() == Some("on") {
        return Found::ok(IO_TIMING, "times of reads and writes are measured");
    }
    Found::warning(
        IO_TIMING,
        "track_io_timing is off: how long reads take is not known",
        "ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf();",
    )
}

fn role(has: &Capabilities, stated: Option<Role>) -> Found {
    let found = has.role();
    let name = if found == Role::Replica { "a standby" } else { "a primary" };
    match stated {
        Some(stated) if stated != found => Found::warning(
            ROLE,
            format!("the configuration states {stated:?}, and the server is {name}"),
            "take the role out of the configuration, or name the right server",
        ),
        _ => Found::ok(ROLE, format!("the server is {name}")),
    }
}

/// How the clocks agree.
pub(super) fn clock(skew_s: f64) -> Found {
    if skew_s.abs() < SKEW_WARNING_S {
        return Found::ok(CLOCK, "the server's clock and ours agree within a second");
    }
    Found::warning(
        CLOCK,
        "the server's clock and ours differ by more than a second; times are ours",
        "synchronise both machines (chronyc tracking, timedatectl)",
    )
}

/// How the standby receives.
pub(super) fn replication(in_recovery: bool, streams: bool, paused: bool, reads_all_stats: bool) -> Found {
    match (in_recovery, reads_all_stats) {
        (false, _) => Found::none(REPLICATION, "a primary does not replay"),
        _ if paused => Found::warning(REPLICATION, "replay is paused", "SELECT pg_wal_replay_resume();"),
        (true, false) => {
            Found::none(REPLICATION, "whether the standby streams cannot be seen without pg_monitor")
        }
        (true, true) if streams => Found::ok(REPLICATION, "the standby streams from its primary"),
        (true, true) => Found::warning(
            REPLICATION,
            "the standby does not stream from its primary",
            "check SHOW primary_conninfo; and the server's log on this node; on the primary: SELECT * FROM \
             pg_stat_replication;",
        ),
    }
}

/// What our own statements cost. `pace`: every how many-th sample is taken.
pub(super) fn budget(pace: u32, allowed_share: f64) -> Found {
    let allowed = allowed_share * 100.0;
    if pace == 1 {
        return Found::ok(BUDGET, format!("our own statements cost less than {allowed} % of a core"));
    }
    Found::warning(
        BUDGET,
        format!("our own statements cost more than {allowed} % of a core; one sample in {pace} is taken"),
        "it goes back by itself when the server answers faster; a lower pg_stat_statements.max makes reading cheaper",
    )
}

/// One part of a poll failed; the others go on.
pub(super) fn part(aspect: &'static str, trouble: &Trouble, has: Option<&Capabilities>) -> Found {
    let schema =
        has.and_then(|has| has.statements.as_ref()).map_or("public", |extension| extension.schema.as_str());
    let user = has.map_or("\"faultline\"", |has| has.user.as_str());
    let hint = match trouble.code() {
        "42501" if aspect == COUNTERS => format!(
            "GRANT USAGE ON SCHEMA {schema} TO {user}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {user};"
        ),
        "42501" => format!("GRANT pg_monitor TO {user};"),
        "55000" if aspect == COUNTERS => has.map_or_else(String::new, preload_hint),
        "57014" => "the server is overloaded, or there is too much to read; it is tried again".to_owned(),
        _ => "it is tried again with the next poll".to_owned(),
    };
    Found::error(aspect, format!("could not be read: {trouble}"), hint)
}

#[cfg(test)]
#[path = "selftest_tests.rs"]
mod tests;
