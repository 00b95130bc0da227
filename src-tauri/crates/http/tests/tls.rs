//! TLS against a real server on this machine whose certificate is signed by an authority of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;

use faultline_http::{
    ClientIdentity, HttpClient, HttpError, HttpOptions, Request, StatusCode, Url, install_tls_provider,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const AUTHORITY: &[u8] = include_bytes!("tls/ca.pem");

/// An authority, and the certificates of a server and a client that it signed.
const MUTUAL_AUTHORITY: &[u8] = include_bytes!("../../../../tests/live/metrics/tls/ca.pem");
const MUTUAL_SERVER: &[u8] = include_bytes!("../../../../tests/live/metrics/tls/server.pem");
const MUTUAL_SERVER_KEY: &[u8] = include_bytes!("../../../../tests/live/metrics/tls/server.key");
const CLIENT: &[u8] = include_bytes!("../../../../tests/live/metrics/tls/client.pem");
const CLIENT_KEY: &str = include_str!("../../../../tests/live/metrics/tls/client.key");

/// Answers every request by TLS.
async fn server() -> SocketAddr {
    install_tls_provider();
    install_tls_provider();
    serve(
        ServerConfig::builder().with_no_client_auth(),
        include_bytes!("tls/server.pem"),
        include_bytes!("tls/server.key"),
    )
    .await
}

/// Answers every request of those who show a certificate.
async fn server_for_friends() -> SocketAddr {
    install_tls_provider();
    let mut authorities = RootCertStore::empty();
    authorities.add(CertificateDer::from_pem_slice(MUTUAL_AUTHORITY).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(authorities)).build().unwrap();
    serve(ServerConfig::builder().with_client_cert_verifier(verifier), MUTUAL_SERVER, MUTUAL_SERVER_KEY).await
}

async fn serve(
    builder: rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert>,
    certificate: &[u8],
    key: &[u8],
) -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(certificate).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key).unwrap();
    let config = builder.with_single_cert(vec![certificate], key).unwrap();
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

#[tokio::test]
async fn who_shows_a_certificate_is_let_in_and_who_shows_none_is_not() {
    let identity = || Some(ClientIdentity { certificate_pem: CLIENT.to_vec(), key_pem: CLIENT_KEY.into() });
    let url = format!("https://localhost:{}/", server_for_friends().await.port());
    let ask = async |identity, ca_pem: &[u8]| {
        let options =
            HttpOptions { ca_pem: Some(ca_pem.to_vec()), only_ca: true, identity, ..HttpOptions::default() };
        let request = Request::get(Url::parse(&url).unwrap());
        HttpClient::new(options).unwrap().send(request).await.map(|answer| answer.status)
    };
    assert_eq!(ask(identity(), MUTUAL_AUTHORITY).await.unwrap(), StatusCode::NO_CONTENT);
    assert!(ask(None, MUTUAL_AUTHORITY).await.is_err());
    let told = ask(identity(), AUTHORITY).await.unwrap_err().to_string();
    assert!(told.contains("no secure connection"), "{told}");
}

#[test]
fn what_is_no_certificate_or_key_is_refused_without_its_text() {
    for (certificate_pem, key_pem) in
        [(CLIENT, "hunter2"), (b"hunter2".as_slice(), CLIENT_KEY), (CLIENT, ""), (b"", CLIENT_KEY)]
    {
        let identity =
            Some(ClientIdentity { certificate_pem: certificate_pem.to_vec(), key_pem: key_pem.into() });
        let options = HttpOptions { identity, ..HttpOptions::default() };
        assert!(!format!("{options:?}").contains("BEGIN PRIVATE KEY"));
        let told = HttpClient::new(options).unwrap_err().to_string();
        assert!(told.contains("`certificate` and `key`") && !told.contains("hunter2"), "{told}");
    }
}
