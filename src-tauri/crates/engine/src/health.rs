//! The self-test as it stands: the newest row for each target and aspect.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use faultline_model::HealthRow;

/// Most rows kept; a source that invents aspects without end must not fill the memory.
const MAX_ROWS: usize = 10_000;

/// The rows of all targets. Cheap to clone; all clones see the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct HealthBoard(Arc<Mutex<BTreeMap<(String, String), HealthRow>>>);

impl HealthBoard {
    /// Takes the rows in; says whether anything changed.
    pub(crate) fn update(&self, rows: impl IntoIterator<Item = HealthRow>) -> bool {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = false;
        for row in rows {
            let key = (row.target.clone(), row.aspect.clone());
            if board.get(&key) == Some(&row) || (board.len() >= MAX_ROWS && !board.contains_key(&key)) {
                continue;
            }
            board.insert(key, row);
            changed = true;
        }
        changed
    }

    /// Drops the rows of which `gone` says so; says whether there were any.
    pub(crate) fn forget(&self, gone: impl Fn(&HealthRow) -> bool) -> bool {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = board.len();
        board.retain(|_, row| !gone(row));
        board.len() < before
    }

    /// All rows, by target and aspect.
    pub(crate) fn rows(&self) -> Vec<HealthRow> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The rows of one target.
    pub(crate) fn rows_of(&self, target: &str) -> Vec<HealthRow> {
        self.rows().into_iter().filter(|row| row.target == target).collect()
    }
}
