//! Who blocks whom: from pairs of sessions to the one at the root, in a sentence. Pure, apart from reading the rows.

use std::collections::{BTreeMap, BTreeSet};

use faultline_fingerprint::{Dialect, normalise};

use super::table::{Row, Table};
use super::trouble::Trouble;

/// Longest part of a statement that the sentence quotes, characters.
const MAX_QUOTED_CHARS: usize = 200;

/// Pairs of a session that waits and one that it waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Waits {
    blockers: BTreeMap<u64, BTreeSet<u64>>,
    /// What is waited for, by who waits.
    objects: BTreeMap<u64, String>,
}

/// The session that others wait for and that waits for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) id: u64,
    /// How many sessions wait for it, directly or not.
    pub(super) blocks: usize,
    /// A table that is waited for.
    object: Option<String>,
}

impl Waits {
    /// Adds the answer to [`super::sql_facts::row_locks`] or [`super::sql_facts::metadata_locks`].
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] when a column is missing.
    pub(super) fn add(&mut self, answer: &Table) -> Result<(), Trouble> {
        for row in answer.rows() {
            let (Some(waiting), Some(blocking)) = (row.count("waiting")?, row.count("blocking")?) else {
                continue;
            };
            if waiting != blocking {
                self.blockers.entry(waiting).or_default().insert(blocking);
                if let Some(object) = row.text("object")? {
                    self.objects.insert(waiting, object.replace('`', ""));
                }
            }
        }
        Ok(())
    }

    /// How many sessions wait.
    pub(super) fn waiting(&self) -> usize {
        self.blockers.len()
    }

    /// The root that most sessions wait for; in a ring of waits the one that most wait for directly.
    pub(super) fn root(&self) -> Option<Root> {
        let mut blocked: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for waiting in self.blockers.keys() {
            for root in self.roots_of(*waiting) {
                blocked.entry(root).or_default().insert(*waiting);
            }
        }
        if blocked.is_empty() {
            for (waiting, blockers) in &self.blockers {
                for blocker in blockers {
                    blocked.entry(*blocker).or_default().insert(*waiting);
                }
            }
        }
        let most = blocked.iter().max_by_key(|(id, waiting)| (waiting.len(), std::cmp::Reverse(**id)))?;
        let object = most.1.iter().find_map(|waiting| self.objects.get(waiting).cloned());
        Some(Root { id: *most.0, blocks: most.1.len(), object })
    }

    /// Everybody that a session waits for in the end.
    fn roots_of(&self, waiting: u64) -> BTreeSet<u64> {
        let (mut roots, mut seen, mut next) = (BTreeSet::new(), BTreeSet::new(), vec![waiting]);
        while let Some(id) = next.pop() {
            if !seen.insert(id) {
                continue;
            }
            match self.blockers.get(&id) {
                Some(blockers) => next.extend(blockers),
                None => {
                    roots.insert(id);
                }
            }
        }
        roots
    }
}

/// The sentence on the root. `holder` is the answer to [`super::sql_facts::holder`], `program` what its client calls
/// itself.
///
/// # Errors
/// [`Trouble::Unreadable`] when a column is missing.
pub(super) fn sentence(
    root: &Root,
    holder: Option<Row<'_>>,
    program: Option<&str>,
) -> Result<String, Trouble> {
    let sessions =
        if root.blocks == 1 { "1 session".to_owned() } else { format!("{} sessions", root.blocks) };
    let on = root.object.as_ref().map_or_else(String::new, |object| format!(" on {object}"));
    let Some(row) = holder else {
        return Ok(format!("session {} blocks {sessions}{on}; it has ended meanwhile", root.id));
    };
    let user = row.text("user")?.unwrap_or("nobody");
    let host = row.text("host")?.unwrap_or("local");
    let program = program.map_or_else(String::new, |program| format!(" ({program})"));
    let idle = row.text("command")?.is_some_and(|command| command.eq_ignore_ascii_case("sleep"));
    let seconds = row.float("time_s")?.unwrap_or_default().max(0.0).round();
    let does = if idle { "idle in transaction" } else { "at work" };
    let last = row.text("query")?.map_or_else(String::new, |text| {
        let text: String = normalise(text, Dialect::Mysql).text.chars().take(MAX_QUOTED_CHARS).collect();
        format!("; {} statement: {text}", if idle { "its last" } else { "its" })
    });
    Ok(format!(
        "session {} of {user}@{host}{program}, {does} for {seconds} s, blocks {sessions}{on}{last}",
        root.id
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(pairs: &[(u64, u64)]) -> Waits {
        let mut table = Table::new(["waiting", "blocking", "object"].map(str::to_owned).to_vec());
        for (waiting, blocking) in pairs {
            let object = Some("`shop`.`account`".to_owned());
            table.push(vec![Some(waiting.to_string()), Some(blocking.to_string()), object]);
        }
        let mut waits = Waits::default();
        waits.add(&table).unwrap();
        waits
    }

    #[test]
    fn the_root_is_who_waits_for_nobody() {
        for (what, pairs, expected) in [
            ("one", &[(2, 1)][..], Some((1, 1))),
            ("a chain", &[(2, 1), (3, 2), (4, 3)], Some((1, 3))),
            ("two roots", &[(2, 1), (3, 9), (4, 9)], Some((9, 2))),
            ("a row that waits behind another's wait", &[(2, 1), (3, 1), (3, 2)], Some((1, 2))),
            ("a ring", &[(1, 2), (2, 1)], Some((1, 1))),
            ("itself", &[(1, 1)], None),
            ("nobody", &[], None),
        ] {
            assert_eq!(waits(pairs).root().map(|root| (root.id, root.blocks)), expected, "{what}");
        }
    }

    #[test]
    fn the_sentence_names_who_and_what_without_literals() {
        let waits = waits(&[(2, 1), (3, 1)]);
        let mut holder =
            Table::new(["user", "host", "command", "time_s", "query"].map(str::to_owned).to_vec());
        let cells = ["checkout", "10.0.0.7", "Sleep", "35", "update account set n = 'secret' where id = 7"];
        holder.push(cells.map(|cell| Some(cell.to_owned())).to_vec());
        let root = waits.root().unwrap();
        assert_eq!(
            sentence(&root, holder.first(), Some("cart")).unwrap(),
            "session 1 of checkout@10.0.0.7 (cart), idle in transaction for 35 s, blocks 2 sessions on shop.account; \
             its last statement: update account set n = ? where id = ?"
        );
        assert!(sentence(&root, None, None).unwrap().contains("ended meanwhile"));
    }
}
