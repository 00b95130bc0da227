//! TLS against a real server on this machine whose certificate is signed by an authority of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;

use faultline_http::{HttpClient, HttpError, HttpOptions, Request, StatusCode, Url, install_tls_provider};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const AUTHORITY: &[u8] = include_bytes!("tls/ca.pem");

/// Answers every request by TLS.
async fn server() -> SocketAddr {
    install_tls_provider();
    install_tls_provider();
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    addr
}

async fn ask(host: &str, ca_pem: Option<&[u8]>) -> Result<StatusCode, HttpError> {
    let port = server().await.port();
    let ca_pem = ca_pem.map(<[u8]>::to_vec);
    let client = HttpClient::new(HttpOptions { ca_pem, ..HttpOptions::default() }).unwrap();
    let request = Request::get(Url::parse(&format!("https://{host}:{port}/")).unwrap());
    client.send(request).await.map(|answer| answer.status)
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted() {
    assert_eq!(ask("localhost", Some(AUTHORITY)).await.unwrap(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn who_cannot_be_verified_is_sent_nothing() {
    for (host, ca_pem, part) in
        [("localhost", None, "UnknownIssuer"), ("127.0.0.1", Some(AUTHORITY), "not valid for name")]
    {
        let error = ask(host, ca_pem).await.unwrap_err();
        assert!(matches!(error, HttpError::Tls { .. }) && !error.may_have_been_sent(), "{error:?}");
        let told = error.to_string();
        assert!(told.contains(part) && told.contains("`ca`"), "{told}");
    }
}
