//! What a session waits for as `Type:event`, from the three places in which the servers tell it: InnoDB's transactions (row
//! locks), the state of a thread in words, and the waits of the performance schema.

/// States of a thread (MySQL manual, "Thread States"; MariaDB's names are the same) by how they begin, and the wait that
/// each is. The first that fits counts.
const STATES: &[(&str, &str)] = &[
    ("waiting for table metadata lock", "Lock:metadata"),
    ("waiting for schema metadata lock", "Lock:metadata"),
    ("waiting for global metadata lock", "Lock:metadata"),
    ("waiting for stored ", "Lock:metadata"),
    ("waiting for trigger metadata lock", "Lock:metadata"),
    ("waiting for event metadata lock", "Lock:metadata"),
    ("waiting for table level lock", "Lock:table"),
    ("waiting for table flush", "Lock:flush"),
    ("waiting for global read lock", "Lock:global"),
    ("waiting for commit lock", "Lock:commit"),
    ("waiting for backup lock", "Lock:backup"),
    ("waiting for query cache lock", "LWLock:query_cache"),
    ("waiting for locking service lock", "Lock:user"),
    ("user lock", "Lock:user"),
    ("waiting for user lock", "Lock:user"),
    ("system lock", "Lock:table"),
    ("user sleep", "Timeout:sleep"),
    ("waiting for semi-sync ack", "IPC:semi_sync"),
    ("waiting for the slave thread", "IPC:replication"),
    ("waiting in master_gtid_wait", "IPC:replication"),
    ("waiting for handler commit", "IO:commit"),
    ("waiting for prior transaction", "IPC:commit_order"),
    ("writing to binlog", "IO:binlog"),
    ("copying to tmp table on disk", "IO:tmp_table"),
    ("converting heap to", "IO:tmp_table"),
    ("flushing tables", "IO:flush"),
    ("reading from net", "Client:read"),
    ("writing to net", "Client:write"),
    ("sending to client", "Client:write"),
    ("receiving from client", "Client:read"),
    ("net", "Client:write"),
    ("waiting for ", "IPC:other"),
];

/// Waits of the performance schema (`wait/…`) by how they begin, and the type that each is. Those of tables are left out:
/// they time every access to a row, be it waited for or not.
const EVENTS: &[(&str, &str)] = &[
    ("wait/io/table", ""),
    ("wait/io/socket", "Client"),
    ("wait/io/file", "IO"),
    ("wait/io/lock", "Lock"),
    ("wait/lock/metadata", "Lock"),
    ("wait/lock", "Lock"),
    ("wait/synch", "LWLock"),
];

/// What an active session waits for; `None` is on the CPU as far as the server tells.
pub(super) fn of(trx_state: Option<&str>, state: Option<&str>, event: Option<&str>) -> Option<String> {
    if trx_state.is_some_and(|state| state.eq_ignore_ascii_case("lock wait")) {
        return Some("Lock:row".to_owned());
    }
    by_state(state).or_else(|| by_event(event))
}

fn by_state(state: Option<&str>) -> Option<String> {
    let state = state?.trim().to_ascii_lowercase();
    STATES.iter().find(|(beginning, _)| state.starts_with(beginning)).map(|(_, wait)| (*wait).to_owned())
}

fn by_event(event: Option<&str>) -> Option<String> {
    let event = event?;
    let (_, class) = EVENTS.iter().find(|(beginning, _)| event.starts_with(beginning))?;
    let name = match event {
        "wait/lock/metadata/sql/mdl" => "metadata",
        _ if event.starts_with("wait/lock/table") => "table",
        _ => event.rsplit('/').next().unwrap_or(event),
    };
    (!class.is_empty()).then(|| format!("{class}:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_tells_a_wait() {
        for (trx, state, event, expected) in [
            (Some("LOCK WAIT"), Some("Updating"), Some("wait/io/table/sql/handler"), Some("Lock:row")),
            (Some("RUNNING"), Some("Sending data"), None, None),
            (None, Some("Waiting for table metadata lock"), None, Some("Lock:metadata")),
            (None, Some("Waiting for table level lock"), None, Some("Lock:table")),
            (None, Some("User sleep"), None, Some("Timeout:sleep")),
            (None, Some("Writing to net"), None, Some("Client:write")),
            (None, Some("Waiting for something new"), None, Some("IPC:other")),
            (
                None,
                Some("executing"),
                Some("wait/io/file/innodb/innodb_data_file"),
                Some("IO:innodb_data_file"),
            ),
            (None, Some("executing"), Some("wait/io/table/sql/handler"), None),
            (None, Some(""), Some("wait/synch/mutex/innodb/buf_pool_mutex"), Some("LWLock:buf_pool_mutex")),
            (None, None, Some("wait/lock/metadata/sql/mdl"), Some("Lock:metadata")),
            (None, None, Some("wait/io/socket/sql/client_connection"), Some("Client:client_connection")),
            (None, None, Some("idle"), None),
            (None, None, None, None),
        ] {
            assert_eq!(of(trx, state, event).as_deref(), expected, "{trx:?} {state:?} {event:?}");
        }
    }
}
