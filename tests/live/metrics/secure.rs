//! A real Prometheus behind TLS with an authority of its own, that asks for a client certificate and a password.

use std::path::PathBuf;

use faultline_lab::prometheus::{Options, Prometheus};
use faultline_model::{ClientCertificate, Due, EndpointAuth, EndpointKind, EndpointSpec, HealthLevel};
use faultline_sources::{QueryBook, open_endpoint};

use super::{clock, spec};

fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/live/metrics/tls")).join(name)
}

/// bcrypt of `hunter2`, at the lowest cost.
const PASSWORD_HASH: &str = "$2b$04$YVMazb8dayzGEnvBdE7nee3iA.B1.ixIRrDIgJNIPUdJq/kM2gGl6";

async fn server() -> Prometheus {
    let path = |name: &str| file(name).display().to_string();
    let web_config = format!(
        "tls_server_config:\n  cert_file: {}\n  key_file: {}\n  client_ca_file: {}\n  \
         client_auth_type: RequireAndVerifyClientCert\nbasic_auth_users:\n  faultline: {PASSWORD_HASH}\n",
        path("server.pem"),
        path("server.key"),
        path("ca.pem")
    );
    Prometheus::start(Options { web_config: Some(web_config), ..Options::default() }).await.unwrap()
}

fn with_everything(server: &Prometheus) -> EndpointSpec {
    EndpointSpec {
        auth: Some(EndpointAuth::Basic { user: "faultline".to_owned(), password: "hunter2".into() }),
        ca: Some(file("ca.pem")),
        client: Some(ClientCertificate { certificate: file("client.pem"), key: file("client.key") }),
        interval_s: 10.0,
        ..spec(EndpointKind::Promql, server.url(), &[("x_one", "vector(1)")])
    }
}

#[tokio::test]
async fn who_is_who_is_settled_by_certificates_and_a_password() {
    let server = server().await;
    let everything = with_everything(&server);
    let cases: [(&str, EndpointSpec, &str); 4] = [
        ("an authority that is not known", EndpointSpec { ca: None, ..everything.clone() }, "metrics tls"),
        ("no client certificate", EndpointSpec { client: None, ..everything.clone() }, "metrics connection"),
        ("no password", EndpointSpec { auth: None, ..everything.clone() }, "metrics auth"),
        (
            "another name than the certificate's",
            EndpointSpec { url: everything.url.replace("localhost", "127.0.0.1"), ..everything.clone() },
            "metrics tls",
        ),
    ];
    for (what, spec, aspect) in cases {
        let mut source = open_endpoint(spec, clock(), QueryBook::default()).unwrap();
        let polled = source.poll(Due::default()).await;
        assert!(polled.frames.is_empty(), "{what}");
        let row = polled.health.iter().find(|row| row.level == HealthLevel::Error).unwrap();
        assert!(row.aspect.starts_with(aspect), "{what}: {row:?}");
        assert!(!row.message.contains("hunter2"), "{what}: {row:?}");
    }
    let mut source = open_endpoint(everything, clock(), QueryBook::default()).unwrap();
    let polled = source.poll(Due::default()).await;
    assert_eq!(polled.frames[0].signals.as_ref().unwrap().values["x_one"], 1.0);
    let tls = polled.health.iter().find(|row| row.aspect.starts_with("metrics tls")).unwrap();
    assert_eq!(
        (tls.level, tls.message.as_str()),
        (HealthLevel::Ok, "the connection is secure, both sides by certificate")
    );
}

#[tokio::test]
async fn renewed_certificates_are_taken_up_without_a_restart() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("client.pem"), folder.path().join("client.key"));
    // What is there at first is a certificate of nobody's: the server's own may not be shown by clients.
    std::fs::copy(file("server.pem"), &certificate).unwrap();
    std::fs::copy(file("server.key"), &key).unwrap();
    let spec = EndpointSpec {
        client: Some(ClientCertificate { certificate: certificate.clone(), key: key.clone() }),
        ..with_everything(&server)
    };
    let mut source = open_endpoint(spec, clock(), QueryBook::default()).unwrap();
    assert!(source.poll(Due::default()).await.frames.is_empty());
    std::fs::copy(file("client.pem"), &certificate).unwrap();
    std::fs::copy(file("client.key"), &key).unwrap();
    super::until("a poll with the new certificate", async || source.poll(Due::default()).await.frames.pop())
        .await;
}
