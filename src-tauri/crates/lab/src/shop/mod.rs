//! The shop: its data, its two services with their pages and versions, and the load that its customers make.

mod connection;
mod load;
mod pages;
mod statement;

use std::sync::Arc;

use crate::error::{Result, database};
use crate::postgres::Pair;
use sqlx::Executor;

pub use load::{Counts, Load, ServiceLoad};
pub use pages::{Service, Version};

/// Makes the shop's tables and the roles `checkout` and `search` on the primary, and waits for the standby.
///
/// # Errors
/// When a statement fails or the standby does not catch up.
pub async fn set_up(pair: &Pair) -> Result<()> {
    for service in Service::ALL {
        pair.primary.create_role(service.name()).await?;
    }
    let mut connection = pair.primary.connect().await?;
    for statement in SCHEMA.split(";\n") {
        connection.execute(statement).await.map_err(database("fill the shop"))?;
    }
    pair.caught_up().await
}

/// Starts the healthy load of both services on the pair.
pub fn start_load(pair: &Pair) -> Arc<Load> {
    Arc::new(Load::start(&pair.primary, &pair.standby))
}

const SCHEMA: &str = include_str!("schema.sql");
