//! Servers on loopback that nobody can work with.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// How long a dripping server waits before each byte.
const DRIP_EVERY: Duration = Duration::from_secs(1);
/// A cutting server lets this many more bytes through with each connection, so that it cuts in another place each time.
const CUT_STEP_BYTES: usize = 613;
/// And begins anew after so many.
const CUT_STEPS: usize = 40;

/// A server in trouble. It and its connections end when it is dropped.
pub(super) struct Bad {
    pub(super) name: &'static str,
    pub(super) port: u16,
    task: JoinHandle<()>,
}

impl Drop for Bad {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Bad {
    /// Accepts and never answers.
    pub(super) async fn mute() -> Self {
        Self::serve("mute", |stream| async move {
            let _held = stream;
            std::future::pending::<()>().await;
        })
        .await
    }

    /// Answers a byte a second, each of them the right one.
    pub(super) async fn dripping() -> Self {
        Self::serve("dripping", |mut stream| async move {
            // AuthenticationOk and a parameter, over and over: a login that never ends.
            let words = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x16application_name\0\0";
            for byte in words.iter().cycle() {
                tokio::time::sleep(DRIP_EVERY).await;
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
            }
        })
        .await
    }

    /// Passes everything on to a real server and cuts the connection off in the middle, each time in another place.
    pub(super) async fn cutting(port: u16) -> Self {
        let connections = Arc::new(AtomicUsize::new(0));
        Self::serve("cutting", move |stream| {
            let number = connections.fetch_add(1, Ordering::Relaxed) % CUT_STEPS + 1;
            async move {
                // Whichever side fails, the other is let go.
                let _cut = cut_after(stream, port, number * CUT_STEP_BYTES).await;
            }
        })
        .await
    }

    /// Nobody listens: connections are refused.
    pub(super) async fn refusing() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        Self { name: "refusing", port, task: tokio::spawn(async {}) }
    }

    async fn serve<F>(name: &'static str, each: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(each(stream));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { name, port, task }
    }
}

async fn cut_after(mut client: TcpStream, port: u16, bytes: usize) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut from_client, mut from_server) = ([0; 4096], [0; 512]);
    let mut left = bytes;
    while left > 0 {
        tokio::select! {
            read = client.read(&mut from_client) => match read? {
                0 => return Ok(()),
                count => server.write_all(&from_client[..count]).await?,
            },
            read = server.read(&mut from_server) => match read? {
                0 => return Ok(()),
                count => {
                    let count = count.min(left);
                    client.write_all(&from_server[..count]).await?;
                    left -= count;
                }
            },
        }
    }
    Ok(())
}
