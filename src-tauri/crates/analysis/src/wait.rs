//! What a session waits for, in a few classes, whatever the server calls it.

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wait {
    /// Nothing: it computes.
    Cpu,
    /// A lock that another session holds on data.
    Lock,
    /// The disk, or the log on its way to the disk.
    Io,
    /// The client.
    Client,
    /// Anything inside the server (latches, buffers, other processes).
    Internal,
}

impl Wait {
    /// The class of a wait as the server names it (`Lock:transactionid`, `IO:DataFileRead`, `wait/io/table/sql/handler`,
    /// `Waiting for table metadata lock`).
    pub(crate) fn of(wait: Option<&str>) -> Self {
        let Some(wait) = wait.filter(|wait| !wait.is_empty()) else { return Self::Cpu };
        let lower = wait.to_ascii_lowercase();
        let (class, event) = lower.split_once(':').unwrap_or((lower.as_str(), ""));
        match class {
            "cpu" => Self::Cpu,
            "lock" => Self::Lock,
            "io" => Self::Io,
            "client" => Self::Client,
            "lwlock" if event.contains("wal") => Self::Io,
            "lwlock" | "ipc" | "bufferpin" | "activity" | "timeout" | "extension" => Self::Internal,
            _ if lower.starts_with("wait/lock")
                || lower.contains("lock wait")
                || lower.ends_with(" lock") =>
            {
                Self::Lock
            }
            _ if lower.contains("row_lock") || lower.contains("row lock") => Self::Lock,
            _ if lower.starts_with("wait/io/socket") => Self::Client,
            _ if lower.starts_with("wait/io") => Self::Io,
            _ => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_fall_into_classes() {
        for (wait, expected) in [
            (None, Wait::Cpu),
            (Some("Lock:transactionid"), Wait::Lock),
            (Some("LWLock:WALWrite"), Wait::Io),
            (Some("IO:DataFileRead"), Wait::Io),
            (Some("Client:ClientRead"), Wait::Client),
            (Some("LWLock:BufferMapping"), Wait::Internal),
            (Some("Waiting for table metadata lock"), Wait::Lock),
            (Some("wait/io/file/innodb/innodb_log_file"), Wait::Io),
            (Some("wait/lock/table/sql/handler"), Wait::Lock),
        ] {
            assert_eq!(Wait::of(wait), expected, "{wait:?}");
        }
    }
}
