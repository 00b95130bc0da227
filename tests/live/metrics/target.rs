//! Something on this machine to scrape: a page whose counters grow by the clock, so that their rates are known.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Requests a second that the page tells of, for each of its codes.
pub(crate) const RATES: [(&str, f64); 2] = [("200", 40.0), ("500", 10.0)];

/// The target. It ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: String,
    /// When its counters began, milliseconds after it started.
    restarted_ms: Arc<AtomicU64>,
    is_down: Arc<AtomicBool>,
    began: Instant,
}

impl Target {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Self {
            address: listener.local_addr().unwrap().to_string(),
            restarted_ms: Arc::default(),
            is_down: Arc::default(),
            began: Instant::now(),
        };
        let own = target.clone();
        tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { continue };
                let own = own.clone();
                tokio::spawn(async move {
                    let mut asked = [0; 8192];
                    while let Ok(1..) = stream.read(&mut asked).await {
                        let answer = own.answer();
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        target
    }

    /// The counters begin anew at zero, as after a restart of the process.
    pub(crate) fn restart(&self) {
        self.restarted_ms.store(self.began.elapsed().as_millis() as u64, Ordering::SeqCst);
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    fn answer(&self) -> String {
        if self.is_down.load(Ordering::SeqCst) {
            return "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_owned();
        }
        let seconds =
            self.began.elapsed().as_secs_f64() - self.restarted_ms.load(Ordering::SeqCst) as f64 / 1_000.0;
        let mut page = "# TYPE requests_total counter\n".to_owned();
        for (code, rate) in RATES {
            page += &format!("requests_total{{code=\"{code}\"}} {}\n", seconds * rate);
        }
        page += "# TYPE clients gauge\nclients 7\n";
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\r\n{page}",
            page.len()
        )
    }
}
