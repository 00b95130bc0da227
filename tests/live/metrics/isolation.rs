//! Endpoints that misbehave: each is a gap and a row within its deadline, and delays nobody.

use std::time::{Duration, Instant};

use faultline_model::{Due, EndpointKind, HealthLevel};
use faultline_sources::prometheus::MAX_BODY_BYTES;
use faultline_sources::{QueryBook, open_endpoint};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::target::Target;
use super::{DEADLINE, clock, spec};

/// What an endpoint does with who connects.
#[derive(Clone, Copy, Debug)]
enum Bad {
    Silent,
    Dripping,
    Resets,
    Endless,
    Bomb,
}

async fn serve(how: Bad) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(misbehave(stream, how));
        }
    });
    url
}

async fn misbehave(mut stream: TcpStream, how: Bad) {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n";
    let _ = stream.read(&mut [0; 4096]).await;
    match how {
        Bad::Silent => tokio::time::sleep(DEADLINE).await,
        Bad::Dripping => {
            let _ = stream.write_all(HEAD).await;
            while stream.write_all(b"#").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Bad::Resets => {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\na 1\n")
                .await;
            let _ = stream.set_zero_linger();
        }
        Bad::Endless => {
            let _ = stream.write_all(HEAD).await;
            let line = "a 1\n".repeat(4_096);
            while stream.write_all(line.as_bytes()).await.is_ok() {}
        }
        Bad::Bomb => {
            // As much as is refused, in a few kilobytes.
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            for _ in 0..=MAX_BODY_BYTES / (1 << 20) {
                std::io::Write::write_all(&mut packed, &vec![b'\n'; 1 << 20]).unwrap();
            }
            let body = packed.finish().unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body).await;
        }
    }
}

#[tokio::test]
async fn who_misbehaves_is_a_row_within_its_deadline_and_delays_nobody() {
    let target = Target::start().await;
    let good =
        spec(EndpointKind::Scrape, format!("http://{}/metrics", target.address), &[("x_clients", "clients")]);
    let mut good = open_endpoint(good, clock(), QueryBook::default()).unwrap();
    for (how, aspect, part) in [
        (Bad::Silent, "metrics connection", "did not answer in full within 2 s"),
        (Bad::Dripping, "metrics connection", "did not answer in full within 2 s"),
        (Bad::Resets, "metrics connection", "broke off"),
        (Bad::Endless, "metrics limits", "longer than"),
        (Bad::Bomb, "metrics limits", "longer than"),
    ] {
        let bad = spec(EndpointKind::Scrape, serve(how).await, &[("x_clients", "a")]);
        let mut bad = open_endpoint(bad, clock(), QueryBook::default()).unwrap();
        let began = Instant::now();
        let (badly, well) = tokio::join!(bad.poll(Due::default()), good.poll(Due::default()));
        assert!(began.elapsed() < DEADLINE, "{how:?}");
        assert!(badly.frames.is_empty() && well.frames.len() == 1, "{how:?}");
        let row = badly.health.iter().find(|row| row.level == HealthLevel::Error).unwrap();
        assert!(row.aspect.starts_with(aspect) && row.message.contains(part), "{how:?}: {row:?}");
    }
}
