//! Private MariaDB servers from the system's package: a single one, or a primary with a replica. They listen on loopback
//! alone, live in a temporary folder and are gone when dropped. What runs on them is not in here.

mod pair;
mod server;

pub use pair::Pair;
pub use server::{Options, Server};

/// The account that may do everything.
pub const SUPERUSER: &str = "lab";
/// The account that Faultline connects as; it has the privileges that the self-test asks for.
pub const MONITOR: &str = "faultline";
/// The schema that every server has.
pub const DATABASE: &str = "shop";
