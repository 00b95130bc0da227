//! How a node replicates and how far it is behind, from the rows of `SHOW REPLICA STATUS` and its older and MariaDB's
//! dialects. Pure, apart from reading the rows.
//!
//! `Seconds_Behind_Source` is NULL while an applier is stopped: that is a broken channel and no lag of 0. It is also what
//! the applier believes; where MySQL 8 dates what its workers apply, the older date counts.

use faultline_model::Role;

use super::table::{Row, Table};
use super::trouble::Trouble;

/// One channel from a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Channel {
    /// Its name; empty for the only one.
    pub(super) name: String,
    /// `Yes`, `No`, `Connecting` or `Preparing`.
    pub(super) receives: String,
    pub(super) applies: String,
    /// What went wrong last, the receiver's words first.
    pub(super) error: Option<String>,
    pub(super) behind_s: Option<f64>,
    /// Bytes of the source's log that were read and not yet applied; `None` where they lie in different files.
    pub(super) behind_bytes: Option<f64>,
    /// How long the applier waits on purpose, seconds.
    pub(super) delay_s: f64,
}

impl Channel {
    fn from_row(row: Row<'_>) -> Result<Self, Trouble> {
        let text = |names: &[&str]| row.any(names).map(|found| found.unwrap_or_default().to_owned());
        let number = |names: &[&str]| -> Result<Option<f64>, Trouble> {
            Ok(row.any(names)?.and_then(|text| text.parse::<f64>().ok()))
        };
        let error = [["Last_IO_Error"], ["Last_SQL_Error"]].iter().find_map(|names| {
            row.any(names).ok().flatten().filter(|text| !text.is_empty()).map(str::to_owned)
        });
        let read_file = text(&["Source_Log_File", "Master_Log_File"])?;
        let applied_file = text(&["Relay_Source_Log_File", "Relay_Master_Log_File"])?;
        let read = number(&["Read_Source_Log_Pos", "Read_Master_Log_Pos"])?;
        let applied = number(&["Exec_Source_Log_Pos", "Exec_Master_Log_Pos"])?;
        Ok(Self {
            name: row.any(&["Channel_Name", "Connection_name"]).ok().flatten().unwrap_or_default().to_owned(),
            receives: text(&["Replica_IO_Running", "Slave_IO_Running"])?,
            applies: text(&["Replica_SQL_Running", "Slave_SQL_Running"])?,
            error,
            behind_s: number(&["Seconds_Behind_Source", "Seconds_Behind_Master"])?,
            behind_bytes: read
                .zip(applied)
                .filter(|_| !read_file.is_empty() && read_file == applied_file)
                .map(|(read, applied)| (read - applied).max(0.0)),
            delay_s: number(&["SQL_Delay"])?.unwrap_or_default(),
        })
    }

    /// Whether both of its threads were stopped.
    fn is_stopped(&self) -> bool {
        is_no(&self.receives) && is_no(&self.applies)
    }

    /// Whether it does its work.
    pub(super) fn is_running(&self) -> bool {
        self.receives.eq_ignore_ascii_case("yes") && self.applies.eq_ignore_ascii_case("yes")
    }
}

fn is_no(running: &str) -> bool {
    running.eq_ignore_ascii_case("no") || running.is_empty()
}

/// The channels from the answer to [`super::sql::replication`].
///
/// # Errors
/// [`Trouble::Unreadable`] when a column is missing.
pub(super) fn channels(answer: &Table) -> Result<Vec<Channel>, Trouble> {
    answer.rows().map(Channel::from_row).collect()
}

/// The role that the server plays: one with channels is a replica, unless all of them were stopped and it takes writes,
/// as after a promotion that left its channels behind. One that takes no writes by itself (Aurora's readers have no
/// channel) is a replica as well.
pub(super) fn role(channels: &[Channel], read_only: bool, storage_read_only: bool) -> Role {
    let follows = !channels.is_empty() && (read_only || !channels.iter().all(Channel::is_stopped));
    if follows || storage_read_only { Role::Replica } else { Role::Primary }
}

/// How far behind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Lag {
    /// Seconds; `None` when not known, as when a channel does not work.
    pub(super) seconds: Option<f64>,
    /// Bytes of log; `None` when not known.
    pub(super) bytes: Option<f64>,
}

/// The lag of the channel that is furthest behind. `workers_s`: how long ago what the workers apply now was committed on
/// its source, where the server tells.
pub(super) fn lag(channels: &[Channel], workers_s: Option<f64>) -> Lag {
    let most = |values: Option<Vec<f64>>| {
        values.filter(|values| !values.is_empty()).map(|values| values.into_iter().fold(0.0, f64::max))
    };
    let seconds = most(channels.iter().map(|channel| channel.behind_s).collect());
    Lag {
        seconds: seconds.map(|seconds| seconds.max(workers_s.unwrap_or(0.0)).max(0.0)),
        bytes: most(channels.iter().map(|channel| channel.behind_bytes).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(receives: &str, applies: &str, behind_s: Option<f64>, bytes: Option<f64>) -> Channel {
        Channel {
            receives: receives.to_owned(),
            applies: applies.to_owned(),
            behind_s,
            behind_bytes: bytes,
            ..Channel::default()
        }
    }

    #[test]
    fn a_broken_channel_has_no_lag_and_the_slowest_counts() {
        let runs = channel("Yes", "Yes", Some(2.0), Some(10.0));
        let slow = channel("Yes", "Yes", Some(9.0), Some(0.0));
        let broken = channel("Yes", "No", None, None);
        for (what, channels, workers_s, seconds, bytes) in [
            ("one", vec![runs.clone()], None, Some(2.0), Some(10.0)),
            ("two", vec![runs.clone(), slow], None, Some(9.0), Some(10.0)),
            ("broken", vec![runs.clone(), broken], None, None, None),
            ("workers know better", vec![runs.clone()], Some(33.0), Some(33.0), Some(10.0)),
            ("a worker's clock is ahead", vec![runs], Some(-1.0), Some(2.0), Some(10.0)),
            ("none", vec![], Some(5.0), None, None),
        ] {
            assert_eq!(lag(&channels, workers_s), Lag { seconds, bytes }, "{what}");
        }
    }

    #[test]
    fn what_follows_is_a_replica_until_it_takes_writes() {
        let (runs, stopped) = (channel("Yes", "Yes", Some(0.0), None), channel("No", "No", None, None));
        let half = channel("Yes", "No", None, None);
        let connecting = channel("Connecting", "No", None, None);
        for (channels, read_only, storage, expected) in [
            (vec![], false, false, Role::Primary),
            (vec![], true, false, Role::Primary),
            (vec![], true, true, Role::Replica),
            (vec![runs], false, false, Role::Replica),
            (vec![half], false, false, Role::Replica),
            (vec![connecting], false, false, Role::Replica),
            (vec![stopped.clone()], true, false, Role::Replica),
            (vec![stopped], false, false, Role::Primary),
        ] {
            assert_eq!(role(&channels, read_only, storage), expected, "{channels:?}");
        }
    }
}
