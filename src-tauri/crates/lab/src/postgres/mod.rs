//! Private PostgreSQL servers: a single one, or a primary with a streaming hot standby. They listen on loopback alone,
//! live in a temporary folder and are gone when dropped. What runs on them is not in here.

mod binaries;
mod flavour;
mod pair;
mod server;

pub use binaries::Binaries;
pub use flavour::Flavour;
pub use pair::Pair;
pub use server::{Options, Server};
pub(crate) use server::{connect, free_port};

/// The superuser of every server.
pub const SUPERUSER: &str = "postgres";
/// The role that Faultline connects as; a member of `pg_monitor` and `pg_read_all_data`.
pub const MONITOR: &str = "faultline";
/// The database that every server has.
pub const DATABASE: &str = "shop";
