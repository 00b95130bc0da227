//! Whether statements are grouped as by others: Percona's go-mysql for MySQL, libpg_query for PostgreSQL. Two statements
//! are to share our fingerprint if and only if they share theirs; hashes themselves are not compared. What differs is
//! listed in `tests/data/exceptions.json` with its reason, and what is listed must differ.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod checks;
mod corpus;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use faultline_fingerprint::{Dialect, normalise};
use serde::Deserialize;

use corpus::Pair;

/// Two statements that we group otherwise.
#[derive(Debug, Deserialize)]
struct Exception {
    set: String,
    /// `apart`: one group there and two here; `together`: two groups there and one here.
    here: String,
    statements: [String; 2],
    /// Why.
    #[serde(rename = "reason")]
    _reason: String,
}

/// Two groups of one set that differ, in the order of the set.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Difference {
    here: &'static str,
    statements: [String; 2],
}

fn fingerprint(sql: &str, dialect: Dialect) -> String {
    normalise(sql, dialect).fingerprint.to_string()
}

/// The pairs of statements that are in one group here and in two there, or the other way about: each with the first of
/// its group.
fn differences(pairs: &[Pair], dialect: Dialect) -> BTreeSet<Difference> {
    let ours: Vec<String> = pairs.iter().map(|pair| fingerprint(&pair.query, dialect)).collect();
    let theirs: Vec<&str> = pairs.iter().map(|pair| pair.expected.as_str()).collect();
    let mut found = BTreeSet::new();
    for later in 0..pairs.len() {
        for first in 0..later {
            let here = match (ours[first] == ours[later], theirs[first] == theirs[later]) {
                (true, false) => "together",
                (false, true) => "apart",
                _ => continue,
            };
            found.insert(Difference { here, statements: [first, later].map(|at| pairs[at].query.clone()) });
        }
    }
    found
}

/// Checks the grouping of a set against its exceptions, and counts: statements, and those that no difference is about.
fn check(set: &str, pairs: &[Pair], dialect: Dialect, table: &mut String) {
    let exceptions: Vec<Exception> = serde_json::from_str(include_str!("data/exceptions.json")).unwrap();
    let found = differences(pairs, dialect);
    let listed: BTreeSet<Difference> = exceptions
        .into_iter()
        .filter(|exception| exception.set == set)
        .map(|exception| Difference {
            here: if exception.here == "apart" { "apart" } else { "together" },
            statements: exception.statements,
        })
        .collect();
    let unexpected: Vec<_> = found.difference(&listed).collect();
    let outdated: Vec<_> = listed.difference(&found).collect();
    assert!(unexpected.is_empty(), "{set}: differences that are not listed: {unexpected:#?}");
    assert!(outdated.is_empty(), "{set}: exceptions that are none any more: {outdated:#?}");

    let mut groups: HashMap<&str, Vec<&str>> = HashMap::new();
    for pair in pairs {
        groups.entry(&pair.expected).or_default().push(&pair.query);
    }
    let differs =
        |sql: &str| found.iter().any(|difference| difference.statements.iter().any(|one| one == sql));
    let whole = groups.values().filter(|group| !group.iter().any(|sql| differs(sql))).count();
    let several = groups.values().filter(|group| group.len() > 1);
    let alike = several
        .clone()
        .filter(|group| group.iter().all(|sql| fingerprint(sql, dialect) == fingerprint(group[0], dialect)));
    let same = pairs.iter().filter(|pair| !differs(&pair.query)).count();
    writeln!(
        table,
        "{set:<28} {same:>3} of {:>3} statements, {whole:>3} of {:>3} groups, {:>2} of {:>2} groups of several whole, {} \
         exceptions",
        pairs.len(),
        groups.len(),
        alike.count(),
        several.count(),
        listed.len()
    )
    .unwrap();
}

#[test]
#[allow(clippy::print_stdout, reason = "the table is what one wants to see of this test")]
fn statements_are_grouped_as_by_others() {
    let mut table = String::new();
    check("percona_go_mysql", &corpus::PERCONA, Dialect::Mysql, &mut table);
    check("percona_slow_log_events", &corpus::PERCONA_EVENTS, Dialect::Mysql, &mut table);
    check("libpg_query_fingerprint", &corpus::LIBPG_FINGERPRINT, Dialect::Postgres, &mut table);
    check("libpg_query_normalize", &corpus::LIBPG_NORMALIZE, Dialect::Postgres, &mut table);
    println!("{table}");
}

/// A statement and the text that another tool makes of it are one statement: so may come the application's text and the
/// server's.
#[test]
fn statements_and_their_normalised_texts_are_one() {
    for (pairs, dialect) in [
        (&corpus::PERCONA, Dialect::Mysql),
        (&corpus::PERCONA_EVENTS, Dialect::Mysql),
        (&corpus::LIBPG_NORMALIZE, Dialect::Postgres),
    ] {
        for pair in pairs.iter() {
            let [query, expected] = [&pair.query, &pair.expected].map(|sql| normalise(sql, dialect));
            assert_eq!(query, expected, "{}", pair.query);
        }
    }
}

#[test]
fn statements_of_slow_logs_are_taken() {
    let count = corpus::slow_log_statements().inspect(|sql| checks::normalise_holds(sql)).count();
    assert_eq!(count, 90);
}

/// No two statements of different tables share a fingerprint, but for partitions.
#[test]
fn tables_stay_apart() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        let mut seen: HashMap<String, String> = HashMap::new();
        for table in
            ["a", "b", "a_1", "a_2", "s.a", "r.a", "a2026", "a_2025", "a_12345", "a_2026_3", "a_2026_13x"]
        {
            for sql in [
                format!("select * from {table} where id = 1"),
                format!("insert into {table} values (1, now())"),
                format!("insert into {table} select * from c where d in (1, 2)"),
                format!("select * from c where d in (select e from {table})"),
                format!("insert into c values ((select max(d) from {table}))"),
                format!("call c((select max(d) from {table}))"),
                format!("update {table} set d = 1"),
                format!("delete from {table}"),
                format!("copy {table} from stdin"),
                format!("truncate {table}"),
            ] {
                let other = seen.insert(fingerprint(&sql, dialect), sql.clone());
                assert_eq!(other, None, "{dialect:?}: {sql}");
            }
        }
    }
}
