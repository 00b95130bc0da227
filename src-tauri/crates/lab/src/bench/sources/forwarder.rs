//! Passes connections on to a server and counts the bytes of both directions.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::error::{Result, io};

/// Read at a time, bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// A forwarder. It and its connections end when it is dropped.
pub(super) struct Forwarder {
    port: u16,
    bytes: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Forwarder {
    /// Listens on a free port for the server on `to`.
    pub(super) async fn start(to: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(io("listen"))?;
        let port = listener.local_addr().map_err(io("listen"))?.port();
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&bytes);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(forward(client, to, Arc::clone(&counted)));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { port, bytes, task })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Bytes passed on so far, both directions.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

async fn forward(client: TcpStream, to: u16, bytes: Arc<AtomicU64>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(pass(from_client, to_server, &bytes), pass(from_server, to_client, &bytes));
}

async fn pass(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, bytes: &AtomicU64) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(count) = from.read(&mut chunk).await
        && count > 0
        && to.write_all(&chunk[..count]).await.is_ok()
    {
        bytes.fetch_add(count as u64, Ordering::Relaxed);
    }
    // The other side learns that this one has ended.
    let _ended = to.shutdown().await;
}
