//! From a node's url and password to sqlx's connect options: TLS verified by default, a read-only session with short
//! timeouts, our application name.

use faultline_model::NodeSpec;
use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use crate::error::SourceError;

/// What a url of ours looks like.
const EXAMPLE: &str = "postgres://user@host:5432/database?sslmode=verify-full";

/// Name by which our sessions are known on the server, and left out of what is shown.
pub(super) const APPLICATION_NAME: &str = "faultline";
/// Longest run of an ordinary statement of ours on the server, milliseconds.
pub(super) const STATEMENT_TIMEOUT_MS: u32 = 2_000;
/// Longest wait of ours for a lock, milliseconds.
pub(super) const LOCK_TIMEOUT_MS: u32 = 100;
/// Longest that a transaction of ours may sit idle, milliseconds (we open none; a safety net).
const IDLE_IN_TRANSACTION_TIMEOUT_MS: u32 = 5_000;

/// Where a node is and how we log in to it.
pub(super) struct Address {
    /// `host:port`, for messages.
    pub(super) place: String,
    /// The role that logs in.
    pub(super) user: String,
    /// The database.
    pub(super) database: String,
    /// Whether the server's certificate and name are checked, or the way never leaves the machine.
    pub(super) verified: bool,
    options: PgConnectOptions,
    secret: Option<SecretString>,
}

impl Address {
    /// Reads the url.
    ///
    /// # Errors
    /// [`SourceError::BadUrl`], whose text never holds a password.
    pub(super) fn parse(spec: &NodeSpec) -> Result<Self, SourceError> {
        let bad =
            |reason: String| SourceError::BadUrl { target: spec.id.to_string(), reason, example: EXAMPLE };
        let mut url = Url::parse(&spec.url).map_err(|error| bad(error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(bad(format!("the scheme is {}", url.scheme())));
        }
        let mut secret = spec.password.clone();
        if let Some(password) = url.password() {
            let password = percent_decoded(password);
            secret.get_or_insert_with(|| SecretString::from(password));
            url.set_password(None).map_err(|()| bad("it holds a password but no host".to_owned()))?;
        }
        let states =
            |name: &str| url.query_pairs().any(|(key, _)| key == name || key == name.replace("ssl", "ssl-"));
        if url.username().is_empty() && !states("user") {
            return Err(bad("no user is named".to_owned()));
        }
        if url.host_str().is_none_or(str::is_empty) && !states("host") {
            return Err(bad("no host is named".to_owned()));
        }
        if url.path().trim_matches('/').is_empty() && !states("dbname") {
            return Err(bad("no database is named".to_owned()));
        }
        let mut options = PgConnectOptions::from_url(&url).map_err(|error| bad(error.to_string()))?;
        let local = options.get_socket().is_some() || options.get_host().starts_with('/');
        if !states("sslmode") {
            options = options.ssl_mode(if local { PgSslMode::Disable } else { PgSslMode::VerifyFull });
        }
        let verified = local
            || is_loopback(options.get_host())
            || matches!(options.get_ssl_mode(), PgSslMode::VerifyFull | PgSslMode::VerifyCa);
        Ok(Self {
            place: format!("{}:{}", options.get_host(), options.get_port()),
            user: options.get_username().to_owned(),
            database: options.get_database().unwrap_or_default().to_owned(),
            verified,
            options: session(options),
            secret,
        })
    }

    /// The options to connect with, password included.
    pub(super) fn options(&self) -> PgConnectOptions {
        match &self.secret {
            Some(secret) => self.options.clone().password(secret.expose_secret()),
            None => self.options.clone(),
        }
    }

    /// The text with the password blotted out, should a library have repeated it.
    pub(super) fn mask(&self, text: &str) -> String {
        match &self.secret {
            Some(secret) if !secret.expose_secret().is_empty() => text.replace(secret.expose_secret(), "***"),
            _ => text.to_owned(),
        }
    }
}

/// What every session of ours asks for at its start: no round trip, and nothing that outlives the session.
fn session(options: PgConnectOptions) -> PgConnectOptions {
    options
        .application_name(APPLICATION_NAME)
        .extra_float_digits(None)
        .statement_cache_capacity(0)
        .options([
            ("default_transaction_read_only", "on".to_owned()),
            ("statement_timeout", STATEMENT_TIMEOUT_MS.to_string()),
            ("lock_timeout", LOCK_TIMEOUT_MS.to_string()),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT_MS.to_string()),
        ])
        .disable_statement_logging()
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn percent_decoded(text: &str) -> String {
    // The url crate only hands out decoded text by way of a query pair, in which `+` is a blank.
    let as_query = format!("p={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(as_query.as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use faultline_model::{Engine, NodeId};

    use super::*;

    fn spec(url: &str) -> NodeSpec {
        NodeSpec {
            id: NodeId { cluster: "shop".into(), node: "primary".into() },
            engine: Engine::Postgres,
            url: url.to_owned(),
            password: None,
            role: None,
        }
    }

    fn check(url: &str, place: &str, mode: &str, verified: bool) {
        let address = Address::parse(&spec(url)).unwrap();
        assert_eq!(address.place, place, "{url}");
        assert_eq!(format!("{:?}", address.options.get_ssl_mode()), mode, "{url}");
        assert_eq!(address.verified, verified, "{url}");
        assert_eq!(address.options.get_application_name(), Some("faultline"), "{url}");
        assert!(address.options.get_options().unwrap().contains("default_transaction_read_only=on"), "{url}");
    }

    #[test]
    fn tls_is_verified_unless_the_url_says_otherwise() {
        check("postgres://u@db.example:5433/shop", "db.example:5433", "VerifyFull", true);
        check("postgres://u@db.example/shop?sslmode=require", "db.example:5432", "Require", false);
        check("postgres://u@db.example/shop?ssl-mode=prefer", "db.example:5432", "Prefer", false);
        check("postgres://u@127.0.0.1:1/shop?sslmode=disable", "127.0.0.1:1", "Disable", true);
        check("postgres://u@%2Frun%2Fpostgresql/shop", "localhost:5432", "Disable", true);
        check(
            "postgres://u@h/shop?application_name=other&options=-c%20statement_timeout%3D0",
            "h:5432",
            "VerifyFull",
            true,
        );
    }

    #[test]
    fn a_password_in_the_url_is_used_and_never_shown() {
        let address = Address::parse(&spec("postgres://u:a%2Fb+c@h/shop")).unwrap();
        assert_eq!(address.secret.as_ref().unwrap().expose_secret(), "a/b+c");
        assert_eq!(address.mask("login with a/b+c failed"), "login with *** failed");
    }
}
