//! A service that has its name on the bus and never answers: what a program with an open dialogue looks like.

use futures::StreamExt;
use zbus::MessageStream;

use super::bus;
use crate::error::Result;

/// A silent service. Gone when dropped.
pub struct SilentService {
    swallowing: tokio::task::JoinHandle<()>,
}

impl SilentService {
    /// Takes a name on the bus with that address.
    ///
    /// # Errors
    /// When the bus does not answer or somebody has the name.
    pub async fn start(bus_address: &str, name: &str) -> Result<Self> {
        let what = "own a name on the bus";
        let connection = zbus::connection::Builder::address(bus_address).build().await.map_err(bus(what))?;
        // Without a server for objects nobody says that there are none.
        let mut messages = MessageStream::from(&connection);
        connection.request_name(name.to_owned()).await.map_err(bus(what))?;
        let swallowing = tokio::spawn(async move {
            let _open = connection;
            while messages.next().await.is_some() {}
        });
        Ok(Self { swallowing })
    }
}

impl Drop for SilentService {
    fn drop(&mut self) {
        self.swallowing.abort();
    }
}
