//! MySQL and MariaDB, primaries and replicas: digests, session samples, the server's counters, replication, locks, facts.
//! What reads answers is apart from the driver, so that recorded answers of servers that cannot be run here are read by
//! the same code (`recorded_tests.rs`).

mod address;
mod capabilities;
mod connection;
mod delta;
mod driver;
mod facts;
mod histogram;
mod inspect;
mod locks;
mod plans;
mod poll;
mod replication;
mod selftest;
mod sessions;
mod source;
mod sql;
mod sql_facts;
mod statements;
mod status;
mod table;
mod terms;
mod texts;
mod trouble;
mod waits;

#[cfg(test)]
mod recorded_tests;

pub(crate) use source::open;
