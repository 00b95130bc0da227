//! PostgreSQL, primaries and standbys: statement counters, session samples, database counters, replay, facts.

mod address;
mod capabilities;
mod check;
mod closer;
mod connection;
mod counters;
mod database;
mod delta;
mod facts;
mod jump;
mod of_primary;
mod paced;
mod poll;
mod replication;
mod row;
mod schema;
mod selftest;
mod sessions;
mod slow;
mod source;
mod sql;
mod statements;
mod texts;
mod trouble;
mod wholes;

pub(crate) use source::open;
