//! Maintenance: a backup or dump, a bulk load or restore, a flush or checkpoint, vacuum or analyze. By the statements
//! that are running where they are seen, else by signals.

use faultline_model::{Cause, CauseVerdict, signal};

use super::clues::{Clue, Way, judge as by_clues};
use super::scored;
use super::words::{quoted, share};
use crate::evidence::Evidence;
use crate::stats::rise;

/// A dump or base backup.
pub(crate) fn judge_backup(evidence: &Evidence<'_>) -> CauseVerdict {
    let clues = [
        (signal::SCAN_READS_PER_S, Way::Up, 1.5),
        (signal::NET_OUT_BYTES_PER_S, Way::Up, 1.5),
        (signal::DISK_READ_BYTES_PER_S, Way::Up, 1.5),
        (signal::ROWS_CHANGED_PER_S, Way::NotUp, 1.0),
        (signal::THROUGHPUT, Way::NotUp, 1.0),
    ];
    judge(
        evidence,
        Cause::MaintenanceBackup,
        &["pg_dump", "pg_basebackup", "mysqldump", "mariadb-dump", "xtrabackup"],
        &["copy ?to stdout", "select /*!40001 sql_no_cache"],
        &clues,
    )
}

/// A bulk load or restore.
pub(crate) fn judge_restore(evidence: &Evidence<'_>) -> CauseVerdict {
    let clues = [
        (signal::ROWS_CHANGED_PER_S, Way::Up, 2.0),
        (signal::LOG_BYTES_PER_S, Way::Up, 1.5),
        (signal::NET_IN_BYTES_PER_S, Way::Up, 1.5),
        (signal::DISK_WRITE_BYTES_PER_S, Way::Up, 1.0),
    ];
    judge(evidence, Cause::MaintenanceRestore, &["pg_restore"], &["copy ?from stdin", "load data"], &clues)
}

/// A flush or checkpoint.
pub(crate) fn judge_flush(evidence: &Evidence<'_>) -> CauseVerdict {
    let clues = [
        (signal::PAGES_FLUSHED_PER_S, Way::Up, 2.0),
        (signal::DIRTY_PAGES, Way::Down, 2.0),
        (signal::DISK_WRITE_BYTES_PER_S, Way::Up, 1.0),
        (signal::ROWS_CHANGED_PER_S, Way::NotUp, 1.0),
    ];
    judge(evidence, Cause::MaintenanceFlush, &[], &["checkpoint", "flush "], &clues)
}

/// Vacuum or analyze.
pub(crate) fn judge_vacuum(evidence: &Evidence<'_>) -> CauseVerdict {
    let clues = [
        ("x_autovacuum_workers", Way::Up, 3.0),
        (signal::PHYSICAL_READS_PER_S, Way::Up, 1.0),
        (signal::LOG_BYTES_PER_S, Way::Up, 1.0),
    ];
    judge(
        evidence,
        Cause::MaintenanceVacuum,
        &["autovacuum"],
        &["vacuum", "analyze", "autovacuum:", "optimize table"],
        &clues,
    )
}

fn judge(
    evidence: &Evidence<'_>,
    cause: Cause,
    apps: &[&str],
    texts: &[&str],
    clues: &[Clue],
) -> CauseVerdict {
    let positive = evidence.attribution.positive;
    if positive <= 0.0 {
        return by_clues(evidence, cause, clues, 1.0);
    }
    let mut mine = 0.0;
    let mut example = None;
    for &(ref fp, extra) in evidence.unexplained() {
        if is_one_of(evidence, fp, apps, texts) {
            mine += extra;
            example.get_or_insert(fp);
        }
    }
    let of_extra = (mine / positive).min(1.0);
    let why = match example {
        Some(fp) => {
            let query = quoted(evidence.world, fp);
            format!("such statements ({query}) make {} of the extra load", share(of_extra))
        }
        None => "no such statement is running".to_owned(),
    };
    scored(cause, 0.95 * rise(of_extra, 0.25, 0.3), why)
}

fn is_one_of(
    evidence: &Evidence<'_>,
    fp: &faultline_model::Fingerprint,
    apps: &[&str],
    texts: &[&str],
) -> bool {
    let text = evidence.world.texts.get(fp).map(|text| text.text.trim_start().to_ascii_lowercase());
    let by_text = text.is_some_and(|text| {
        texts.iter().any(|pattern| match pattern.split_once('?') {
            Some((start, within)) => text.starts_with(start) && text.contains(within),
            None => text.starts_with(pattern),
        })
    });
    by_text
        || evidence.people(fp).iter().any(|(who, _)| {
            who.app.as_deref().is_some_and(|app| apps.iter().any(|name| app.starts_with(name)))
        })
}
