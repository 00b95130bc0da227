//! The canonical signal names of `recording.md`. A source maps its own metrics onto them; anything else goes under
//! `x_` and a name of its own, is charted and watched, but no rule knows its meaning.

macro_rules! signals {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)*) => {
        $($(#[$doc])* pub const $constant: &str = $name;)*

        /// Every canonical name.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

signals! {
    /// Statements or transactions finished per second.
    THROUGHPUT = "throughput";
    /// Mean latency per statement or transaction, milliseconds.
    LATENCY_MS = "latency_ms";
    /// Sessions at work now.
    ACTIVE_SESSIONS = "active_sessions";
    /// Sessions connected now.
    CONNECTIONS = "connections";
    /// Failed statements per second.
    ERRORS_PER_S = "errors_per_s";
    /// Transactions rolled back per second.
    ROLLBACKS_PER_S = "rollbacks_per_s";
    /// Requests per second at the edge.
    REQUESTS_PER_S = "requests_per_s";
    /// Mean latency per request at the edge, milliseconds.
    REQUEST_LATENCY_MS = "request_latency_ms";
    /// Failed requests by all requests, 0–1.
    REQUEST_ERROR_RATIO = "request_error_ratio";
    /// Distinct clients at the edge.
    REQUEST_CLIENTS = "request_clients";
    /// Rows read per second.
    ROWS_READ_PER_S = "rows_read_per_s";
    /// Rows inserted, updated and deleted per second.
    ROWS_CHANGED_PER_S = "rows_changed_per_s";
    /// Index reads per second.
    INDEX_READS_PER_S = "index_reads_per_s";
    /// Next-row reads of full scans per second.
    SCAN_READS_PER_S = "scan_reads_per_s";
    /// Pages asked of the buffer pool per second.
    LOGICAL_READS_PER_S = "logical_reads_per_s";
    /// Pages read from below the buffer pool per second.
    PHYSICAL_READS_PER_S = "physical_reads_per_s";
    /// Bytes written to temporary files per second.
    TEMP_BYTES_PER_S = "temp_bytes_per_s";
    /// Sessions waiting for a lock now.
    LOCK_WAITING = "lock_waiting";
    /// Lock waits begun per second.
    LOCK_WAITS_PER_S = "lock_waits_per_s";
    /// Milliseconds waited for locks per second.
    LOCK_WAIT_MS_PER_S = "lock_wait_ms_per_s";
    /// Deadlocks per second.
    DEADLOCKS_PER_S = "deadlocks_per_s";
    /// Bytes of write-ahead or redo log per second.
    LOG_BYTES_PER_S = "log_bytes_per_s";
    /// Writes of the write-ahead or redo log per second.
    LOG_WRITES_PER_S = "log_writes_per_s";
    /// Flushes to stable storage per second.
    FSYNCS_PER_S = "fsyncs_per_s";
    /// Pages flushed per second.
    PAGES_FLUSHED_PER_S = "pages_flushed_per_s";
    /// Dirty pages now.
    DIRTY_PAGES = "dirty_pages";
    /// Share of the CPU in user mode, 0–1.
    CPU_USER = "cpu_user";
    /// Share of the CPU in the kernel, 0–1.
    CPU_SYSTEM = "cpu_system";
    /// Share of the CPU waiting for the disk, 0–1.
    CPU_IOWAIT = "cpu_iowait";
    /// The host's one-minute load average.
    LOAD_1M = "load_1m";
    /// Runnable processes now.
    PROCS_RUNNING = "procs_running";
    /// Processes blocked on input or output now.
    PROCS_BLOCKED = "procs_blocked";
    /// Free memory, bytes.
    MEMORY_FREE_BYTES = "memory_free_bytes";
    /// Page faults per second.
    PAGE_FAULTS_PER_S = "page_faults_per_s";
    /// Context switches per second.
    CONTEXT_SWITCHES_PER_S = "context_switches_per_s";
    /// Bytes read from disk per second.
    DISK_READ_BYTES_PER_S = "disk_read_bytes_per_s";
    /// Bytes written to disk per second.
    DISK_WRITE_BYTES_PER_S = "disk_write_bytes_per_s";
    /// Disk reads per second.
    DISK_READS_PER_S = "disk_reads_per_s";
    /// Disk writes per second.
    DISK_WRITES_PER_S = "disk_writes_per_s";
    /// Share of time the disk was busy, 0–1.
    DISK_UTIL = "disk_util";
    /// Bytes received from the network per second.
    NET_IN_BYTES_PER_S = "net_in_bytes_per_s";
    /// Bytes sent to the network per second.
    NET_OUT_BYTES_PER_S = "net_out_bytes_per_s";
    /// Age of the last replayed transaction, seconds.
    REPLAY_LAG_S = "replay_lag_s";
    /// Log received but not yet replayed, bytes.
    REPLAY_LAG_BYTES = "replay_lag_bytes";
}

/// Prefix of the signals whose meaning no rule knows.
pub const CUSTOM_PREFIX: &str = "x_";
