//! How each aspect of a node stands, and the exact command that fixes it. Pure: from what was found to rows.

use faultline_model::Role;

use super::address::Address;
use super::capabilities::{Capabilities, OLDEST_MARIADB, OLDEST_MYSQL};
use super::replication::Channel;
use super::sql::quoted;
use super::trouble::{Trouble, number};
use crate::common::Found;

/// Names of the aspects.
pub(super) const CONNECTION: &str = "connection";
pub(super) const TLS: &str = "tls";
pub(super) const VERSION: &str = "version";
pub(super) const POOLER: &str = "pooler";
pub(super) const PERFORMANCE_SCHEMA: &str = "performance_schema";
pub(super) const COUNTERS: &str = "counters";
pub(super) const DIGEST_TABLE: &str = "digest_table";
pub(super) const DIGEST_LENGTH: &str = "digest_length";
pub(super) const SAMPLES: &str = "statement_samples";
pub(super) const PRIVILEGES: &str = "privileges";
pub(super) const ROLE: &str = "role";
pub(super) const REPLICATION: &str = "replication";
pub(super) const PERCENTILES: &str = "percentiles";
pub(super) const CLOCK: &str = "clock";
pub(super) const BUDGET: &str = "budget";
pub(super) const SESSIONS: &str = "sessions";
pub(super) const STATUS: &str = "status";
pub(super) const LOCKS: &str = "locks";
pub(super) const PLANS: &str = "plans";
pub(super) const FACTS: &str = "facts";
pub(super) const DEFINITIONS: &str = "definitions";

/// Skew beyond which a warning is due, seconds.
const SKEW_WARNING_S: f64 = 1.0;
/// Smallest table of digests that is advised.
const ADVISED_DIGESTS: u64 = 10_000;
/// Digest length that is advised, bytes.
const ADVISED_DIGEST_BYTES: u64 = 4_096;

/// The group of the server's configuration file.
fn group(has: &Capabilities) -> &'static str {
    if has.mariadb { "[mariadb]" } else { "[mysqld]" }
}

/// Every privilege that Faultline needs, as one command.
pub(super) fn grants(mariadb: bool, grantee: &str) -> String {
    // MariaDB split REPLICATION CLIENT in 10.5.
    let replication = if mariadb { "REPLICA MONITOR" } else { "REPLICATION CLIENT" };
    format!(
        "GRANT PROCESS, {replication}, REFERENCES ON *.* TO {grantee}; GRANT SELECT ON performance_schema.* TO {grantee};"
    )
}

/// Why there is no connection, and what to do.
pub(super) fn connection(trouble: &Trouble, address: &Address) -> Found {
    let (user, place) = (quoted(&address.user), &address.place);
    let error = |message: String, hint: String| Found::error(CONNECTION, message, hint);
    let said = trouble.to_string();
    let account = format!(
        "CREATE USER {user}@'%' IDENTIFIED BY '…'; {}",
        grants(false, &format!("{user}@'%'"))
            .replace("REPLICATION CLIENT", "REPLICATION CLIENT (MariaDB: REPLICA MONITOR)")
    );
    match trouble.number() {
        number::ACCESS_DENIED | number::PLUGIN_DENIED => error(
            format!("the server does not let {user} in: {said}"),
            format!(
                "enter the right password, or set it: ALTER USER {user}@'%' IDENTIFIED BY '…'; where there is no such \
                 account: {account}{}",
                // MariaDB refuses so who comes without TLS where it or the account requires that.
                if address.plain {
                    " Where the server requires TLS: put ssl-mode=verify_identity into the url"
                } else {
                    ""
                }
            ),
        ),
        number::HOST_DENIED => error(format!("the server has no account for this machine: {said}"), account),
        number::HOST_BLOCKED => error(
            format!("the server blocks this machine after failed connections: {said}"),
            "mariadb-admin flush-hosts (MySQL: TRUNCATE performance_schema.host_cache;)".to_owned(),
        ),
        number::TOO_MANY_CONNECTIONS => error(
            format!("the server has no connection left: {said}"),
            "end idle sessions, or raise it: SET GLOBAL max_connections = …; (and in the configuration file)"
                .to_owned(),
        ),
        number::TOO_MANY_OF_USER | number::USER_LIMIT => error(
            format!("{user} has no connection left: {said}"),
            format!(
                "ALTER USER {user}@'%' WITH MAX_USER_CONNECTIONS 5; Faultline needs one, and one more to explain"
            ),
        ),
        number::TLS_REQUIRED => error(
            format!("the server wants TLS: {said}"),
            "put ssl-mode=verify_identity into the url, with ssl-ca=<file> where the authority is your own"
                .to_owned(),
        ),
        _ => unanswered(trouble, place, &said),
    }
}

fn unanswered(trouble: &Trouble, place: &str, said: &str) -> Found {
    let error = |message: String, hint: &str| Found::error(CONNECTION, message, hint);
    match trouble {
        Trouble::Silent { deadline } => error(
            format!("{place} did not answer within {} s", deadline.as_secs_f64()),
            "check host, port, firewall and VPN",
        ),
        Trouble::Tls { .. } => error(
            format!("no verified TLS with {place}: {said}"),
            "add ssl-ca=<file with the server's authority> to the url, or choose ssl-mode=required (encrypted, not \
             verified) or ssl-mode=disabled",
        ),
        Trouble::Unreachable { .. }
            if said.to_ascii_lowercase().contains("plugin") || said.contains("rsa") =>
        {
            error(
                format!("{place} asks for a way to log in that needs something else: {said}"),
                "caching_sha2_password and sha256_password need TLS (ssl-mode=required or better) here; accounts of \
             ed25519, gssapi or unix_socket are not supported: ALTER USER … IDENTIFIED VIA mysql_native_password USING \
             PASSWORD('…'); (MariaDB)",
            )
        }
        _ => error(
            format!("{place} cannot be reached: {said}"),
            "check host, port, firewall and VPN, and that the server runs",
        ),
    }
}

/// A proxy stands in between.
pub(super) fn pooler(why: &str) -> Found {
    Found::error(
        POOLER,
        format!("a proxy stands between Faultline and the server ({why})"),
        "name the server's own host and port in the url instead of the proxy's (ProxySQL: SELECT hostname, port FROM \
         runtime_mysql_servers; MaxScale: maxctrl list servers)",
    )
}

/// Every aspect that a look at the server's capabilities tells.
pub(super) fn capabilities(has: &Capabilities, address: &Address) -> Vec<Found> {
    vec![
        Found::ok(CONNECTION, format!("connected to {} as {}", address.place, has.account)),
        tls(address),
        version(has),
        Found::ok(POOLER, "the session is the server's own"),
        performance_schema(has),
        samples(has),
        privileges(has),
        percentiles(has),
    ]
}

fn tls(address: &Address) -> Found {
    match (address.verified, address.encrypted) {
        (true, _) => Found::ok(TLS, "the way to the server is verified, or does not leave this machine"),
        (false, true) => Found::warning(
            TLS,
            "the server's certificate is not verified",
            "put ssl-mode=verify_identity into the url, with ssl-ca=<file> where the authority is your own",
        ),
        (false, false) => Found::warning(
            TLS,
            "the way to the server may be read by others",
            "put ssl-mode=verify_identity into the url, with ssl-ca=<file> where the authority is your own",
        ),
    }
}

/// Whether the server is too old to be watched.
pub(super) fn version(has: &Capabilities) -> Found {
    let (oldest, name, since) =
        if has.mariadb { (OLDEST_MARIADB, "MariaDB", "10.6") } else { (OLDEST_MYSQL, "MySQL", "8.0") };
    if has.version >= oldest {
        return Found::ok(VERSION, format!("{name} {}", has.version_text));
    }
    Found::error(
        VERSION,
        format!("{name} {} is older than {since}, the oldest that is watched", has.version_text),
        "upgrade the server to a supported version",
    )
}

fn performance_schema(has: &Capabilities) -> Found {
    let lines = format!(
        "put these lines into the server's configuration file and restart it:\n{}\nperformance_schema = ON\n\
         performance_schema_consumer_events_statements_current = ON\n\
         performance_schema_consumer_events_statements_history = ON\nperformance_schema_digests_size = {ADVISED_DIGESTS}",
        group(has)
    );
    let instead = "sessions, the server's own counters, locks and replication are watched all the same; which statement \
                   costs what is known from sessions alone";
    if !has.performance_schema() {
        return Found::warning(PERFORMANCE_SCHEMA, format!("performance_schema is OFF: {instead}"), lines);
    }
    if has.may_not_read_digests() {
        return Found::error(
            PERFORMANCE_SCHEMA,
            format!("{} may not read the performance schema", has.account),
            format!("GRANT SELECT ON performance_schema.* TO {};", has.grantee()),
        );
    }
    let off: Vec<&str> = ["global_instrumentation", "statements_digest"]
        .into_iter()
        .filter(|consumer| has.consumers.contains_key(*consumer) && !has.keeps(consumer))
        .collect();
    if !off.is_empty() {
        return Found::error(
            PERFORMANCE_SCHEMA,
            format!("{} is off: no statement is counted", off.join(", ")),
            consumers_on(&off),
        );
    }
    if has.consumers.contains_key("statement_instruments") && !has.keeps("statement_instruments") {
        return Found::error(
            PERFORMANCE_SCHEMA,
            "the instruments of statements are off: no statement is counted",
            "UPDATE performance_schema.setup_instruments SET ENABLED = 'YES', TIMED = 'YES' WHERE NAME LIKE 'statement/%'; \
             and in the configuration file: performance-schema-instrument = 'statement/%=ON'",
        );
    }
    Found::ok(PERFORMANCE_SCHEMA, "statements are counted by their digests")
}

fn consumers_on(names: &[&str]) -> String {
    let list = names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let lines =
        names.iter().map(|name| format!("performance_schema_consumer_{name} = ON")).collect::<Vec<_>>();
    format!(
        "UPDATE performance_schema.setup_consumers SET ENABLED = 'YES' WHERE NAME IN ({list}); and, to last, in the \
         configuration file: {}",
        lines.join(", ")
    )
}

fn samples(has: &Capabilities) -> Found {
    if !has.reads_digests() {
        return Found::none(SAMPLES, "running statements are read from the process list");
    }
    if has.samples_statements {
        return Found::ok(
            SAMPLES,
            "running statements are read with exact times, and the last ones of idle sessions too",
        );
    }
    Found::warning(
        SAMPLES,
        "events_statements_current is off: what a session that blocks others ran last is not known",
        consumers_on(&["events_statements_current", "events_statements_history"]),
    )
}

fn privileges(has: &Capabilities) -> Found {
    if has.process {
        return Found::ok(PRIVILEGES, format!("{} sees the sessions of all accounts", has.account));
    }
    Found::error(
        PRIVILEGES,
        format!("{} sees only its own sessions, no transactions and no sizes of tables", has.account),
        format!("GRANT PROCESS ON *.* TO {};", has.grantee()),
    )
}

fn percentiles(has: &Capabilities) -> Found {
    if has.columns.has("events_statements_histogram_global", "COUNT_BUCKET") && has.performance_schema() {
        return Found::ok(
            PERCENTILES,
            "true percentiles of all statements are read from the server's histogram",
        );
    }
    match (has.mariadb, has.variables.get("query_response_time_stats")) {
        (true, Some(_)) if has.is_on("query_response_time_stats") => Found::ok(
            PERCENTILES,
            "percentiles are read from the plugin query_response_time, as exactly as its ranges are (query_response_time_range_base)",
        ),
        (true, Some(_)) => Found::warning(
            PERCENTILES,
            "the plugin query_response_time is installed and does not count",
            "SET GLOBAL query_response_time_stats = ON;",
        ),
        (true, None) => Found::none(
            PERCENTILES,
            "MariaDB tells percentiles only with: INSTALL SONAME 'query_response_time';",
        ),
        (false, _) => Found::none(PERCENTILES, "the server's histogram cannot be read"),
    }
}

/// Whether the digests have room. `rising`: statements found none since the last reading.
pub(super) fn digest_table(has: &Capabilities, lost: f64, rising: bool) -> Found {
    let size = has.number("performance_schema_digests_size").unwrap_or_default();
    if lost <= 0.0 && !rising {
        return Found::ok(DIGEST_TABLE, format!("the table of digests has room ({size})"));
    }
    let more = (size.saturating_mul(2)).max(ADVISED_DIGESTS);
    Found::warning(
        DIGEST_TABLE,
        format!(
            "the table of digests is full ({size}): new statements are counted together and cannot be told apart"
        ),
        format!(
            "now, losing what was counted: TRUNCATE TABLE performance_schema.events_statements_summary_by_digest; to last, \
             in the configuration file under {}: performance_schema_digests_size = {more}, and restart",
            group(has)
        ),
    )
}

/// Whether digests are made of whole statements.
pub(super) fn digest_length(has: &Capabilities, truncated: bool) -> Found {
    let length = has.number("max_digest_length").unwrap_or_default();
    if !truncated {
        return Found::ok(
            DIGEST_LENGTH,
            format!("digests are made of whole statements (up to {length} bytes)"),
        );
    }
    let more = length.saturating_mul(4).max(ADVISED_DIGEST_BYTES);
    Found::warning(
        DIGEST_LENGTH,
        format!("statements of more than {length} bytes that begin alike share one digest"),
        format!(
            "in the configuration file under {}: max_digest_length = {more} and performance_schema_max_digest_length = \
             {more}, and restart",
            group(has)
        ),
    )
}

/// The role that was found, against the stated one.
pub(super) fn role(found: Role, stated: Option<Role>) -> Found {
    let name = if found == Role::Replica { "a replica" } else { "a primary" };
    match stated {
        Some(stated) if stated != found => Found::warning(
            ROLE,
            format!("the configuration states {stated:?}, and the server is {name}"),
            "take the role out of the configuration, or name the right server",
        ),
        _ => Found::ok(ROLE, format!("the server is {name}")),
    }
}

/// How the channels do.
pub(super) fn replication(has: &Capabilities, channels: &[Channel], role: Role) -> Found {
    let word = if has.mariadb || has.version < (8, 0, 22) { "SLAVE" } else { "REPLICA" };
    let Some(broken) = channels.iter().find(|channel| !channel.is_running()) else {
        let delay_s = channels.iter().map(|channel| channel.delay_s).fold(0.0, f64::max);
        return match channels.len() {
            0 => Found::none(REPLICATION, "the server follows nobody"),
            _ if delay_s > 0.0 => {
                Found::ok(REPLICATION, format!("the replica applies, {delay_s} s late on purpose"))
            }
            _ => Found::ok(REPLICATION, "the replica receives and applies"),
        };
    };
    let name = if broken.name.is_empty() { String::new() } else { format!(" {}", broken.name) };
    if role == Role::Primary {
        return Found::warning(
            REPLICATION,
            format!("the channel{name} is stopped and the server takes writes: it is taken for a primary"),
            format!("if it was promoted: RESET {word} ALL; if it is to follow: START {word};"),
        );
    }
    let start = match (has.mariadb, broken.name.is_empty()) {
        (_, true) => format!("START {word};"),
        (true, false) => format!("START SLAVE {};", quoted(&broken.name)),
        (false, false) => format!("START {word} FOR CHANNEL {};", quoted(&broken.name)),
    };
    let said = broken.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
    Found::error(
        REPLICATION,
        format!(
            "replication is broken (channel{name}: receiving {}, applying {}){said}; how far behind is not known",
            broken.receives, broken.applies
        ),
        format!("when the cause is mended: {start}"),
    )
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

/// What our own statements cost. `pace`: every how many-th sample is taken.
pub(super) fn budget(pace: u32, allowed_share: f64) -> Found {
    let allowed = allowed_share * 100.0;
    if pace == 1 {
        return Found::ok(BUDGET, format!("our own statements cost less than {allowed} % of a core"));
    }
    Found::warning(
        BUDGET,
        format!("our own statements cost more than {allowed} % of a core; one sample in {pace} is taken"),
        "it goes back by itself when the server answers faster; a lower performance_schema_digests_size makes reading \
         cheaper",
    )
}

/// Whether definitions of tables can be seen.
pub(super) fn definitions(has: &Capabilities, seen: bool) -> Found {
    if seen {
        return Found::ok(DEFINITIONS, "changes of indexes and columns are seen");
    }
    Found::warning(
        DEFINITIONS,
        "changes of indexes and columns cannot be seen",
        format!("GRANT REFERENCES ON *.* TO {}; (it shows definitions and no data)", has.grantee()),
    )
}

/// One part of a poll failed; the others go on.
pub(super) fn part(aspect: &'static str, trouble: &Trouble, has: Option<&Capabilities>) -> Found {
    let grantee = has.map_or_else(|| "'faultline'@'%'".to_owned(), Capabilities::grantee);
    let mariadb = has.is_some_and(|has| has.mariadb);
    let hint = if trouble.is_denied() {
        match aspect {
            REPLICATION if mariadb => format!("GRANT REPLICA MONITOR ON *.* TO {grantee};"),
            REPLICATION => format!("GRANT REPLICATION CLIENT ON *.* TO {grantee};"),
            COUNTERS => format!("GRANT SELECT ON performance_schema.* TO {grantee};"),
            PLANS => {
                format!("to see plans: GRANT SELECT ON `…`.* TO {grantee}; (the schema of the statement)")
            }
            _ => grants(mariadb, &grantee),
        }
    } else if trouble.is_timeout() {
        "the server is overloaded, or there is too much to read; it is tried again".to_owned()
    } else {
        "it is tried again with the next poll".to_owned()
    };
    let message = format!("could not be read: {trouble}");
    if aspect == PLANS { Found::warning(aspect, message, hint) } else { Found::error(aspect, message, hint) }
}

#[cfg(test)]
#[path = "selftest_tests.rs"]
mod tests;
