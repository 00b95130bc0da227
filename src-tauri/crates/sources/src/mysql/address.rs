//! From a node's url and password to sqlx's connect options: TLS verified by default, and nothing sent but what is ours.

use faultline_model::NodeSpec;
use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use url::Url;

use crate::error::SourceError;

/// What a url of ours looks like.
const EXAMPLE: &str = "mysql://user@host:3306/database?ssl-mode=verify_identity";

/// Where a node is and how we log in to it.
pub(super) struct Address {
    /// `host:port` or the socket, for messages.
    pub(super) place: String,
    /// The account that logs in.
    pub(super) user: String,
    /// The schema whose tables are named without it, where the url names one. No session of ours has a default schema
    /// but for explaining.
    pub(super) schema: Option<String>,
    /// Whether the server's certificate and name are checked, or the way never leaves the machine.
    pub(super) verified: bool,
    /// Whether the way is encrypted for certain, or does not leave the machine.
    pub(super) encrypted: bool,
    /// Whether TLS is not even tried.
    pub(super) plain: bool,
    options: MySqlConnectOptions,
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
        if !matches!(url.scheme(), "mysql" | "mariadb") {
            return Err(bad(format!("the scheme is {}", url.scheme())));
        }
        let mut secret = spec.password.clone();
        if let Some(password) = url.password() {
            let password = percent_decoded(password);
            secret.get_or_insert_with(|| SecretString::from(password));
            url.set_password(None).map_err(|()| bad("it holds a password but no host".to_owned()))?;
        }
        if url.username().is_empty() {
            return Err(bad("no user is named".to_owned()));
        }
        let socket = url.query_pairs().find(|(key, _)| key == "socket").map(|(_, path)| path.into_owned());
        if url.host_str().is_none_or(str::is_empty) && socket.is_none() {
            return Err(bad("no host is named".to_owned()));
        }
        let states_mode = url.query_pairs().any(|(key, _)| matches!(&*key, "sslmode" | "ssl-mode"));
        let schema = percent_decoded(url.path().trim_matches('/'));
        url.set_path("");
        let url = spelled_as_sqlx_does(url);
        let mut options = MySqlConnectOptions::from_url(&url).map_err(|error| bad(error.to_string()))?;
        let local = socket.is_some() || is_loopback(options.get_host());
        if !states_mode {
            options = options.ssl_mode(if socket.is_some() {
                MySqlSslMode::Disabled
            } else {
                MySqlSslMode::VerifyIdentity
            });
        }
        let mode = options.get_ssl_mode();
        let checked = matches!(mode, MySqlSslMode::VerifyIdentity | MySqlSslMode::VerifyCa);
        Ok(Self {
            place: socket.unwrap_or_else(|| format!("{}:{}", options.get_host(), options.get_port())),
            user: options.get_username().to_owned(),
            schema: Some(schema).filter(|schema| !schema.is_empty()),
            verified: local || checked,
            plain: matches!(mode, MySqlSslMode::Disabled),
            encrypted: local || checked || matches!(mode, MySqlSslMode::Required),
            options: quiet(options),
            secret,
        })
    }

    /// The options to connect with, password included, with `schema` as the default one.
    pub(super) fn options(&self, schema: Option<&str>) -> MySqlConnectOptions {
        let options = match schema {
            Some(schema) => self.options.clone().database(schema),
            None => self.options.clone(),
        };
        match &self.secret {
            Some(secret) => options.password(secret.expose_secret()),
            None => options,
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

/// `verify-full` and `VERIFY-IDENTITY` are meant alike; sqlx knows `verify_identity` alone.
fn spelled_as_sqlx_does(url: Url) -> Url {
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(key, value)| match &*key {
            "sslmode" | "ssl-mode" => {
                let mode = match value.to_ascii_lowercase().replace('-', "_").as_str() {
                    "disable" | "disabled" => "disabled".to_owned(),
                    "prefer" | "preferred" => "preferred".to_owned(),
                    "require" | "required" => "required".to_owned(),
                    "verify_full" | "verify_identity" => "verify_identity".to_owned(),
                    other => other.to_owned(),
                };
                ("ssl-mode".to_owned(), mode)
            }
            // What the driver would put into statements of its own is not the url's to say.
            "charset" | "collation" | "timezone" | "time-zone" => {
                (format!("ignored-{key}"), value.into_owned())
            }
            _ => (key.into_owned(), value.into_owned()),
        })
        .collect();
    let mut url = url;
    if pairs.is_empty() {
        url.set_query(None);
    } else {
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url
}

/// Keeps the driver from sending statements of its own: each of ours carries the marker.
fn quiet(options: MySqlConnectOptions) -> MySqlConnectOptions {
    options
        .statement_cache_capacity(0)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
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
            engine: Engine::Mariadb,
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
        assert_eq!(address.options.get_database(), None, "no default schema: {url}");
    }

    #[test]
    fn tls_is_verified_unless_the_url_says_otherwise() {
        check("mysql://u@db.example:3307/shop", "db.example:3307", "VerifyIdentity", true);
        check("mariadb://u@db.example/shop?ssl-mode=VERIFY-FULL", "db.example:3306", "VerifyIdentity", true);
        check("mysql://u@db.example?sslmode=require", "db.example:3306", "Required", false);
        check("mysql://u@db.example/shop?ssl-mode=PREFERRED", "db.example:3306", "Preferred", false);
        check("mysql://u@127.0.0.1:1/shop?ssl-mode=disabled", "127.0.0.1:1", "Disabled", true);
        check("mysql://u@localhost/shop?socket=/run/m.sock", "/run/m.sock", "Disabled", true);
    }

    #[test]
    fn a_schema_is_remembered_and_a_password_never_shown() {
        let address = Address::parse(&spec("mysql://u:a%2Fb+c@h/my%20shop")).unwrap();
        assert_eq!(address.schema.as_deref(), Some("my shop"));
        assert_eq!(address.secret.as_ref().unwrap().expose_secret(), "a/b+c");
        assert_eq!(address.mask("login with a/b+c failed"), "login with *** failed");
        assert_eq!(Address::parse(&spec("mysql://u@h")).unwrap().schema, None);
        for (url, part) in [
            ("postgres://u@h/d", "the scheme is postgres"),
            ("mysql://h/d", "no user"),
            ("mysql://u@/d", "no host"),
            ("mysql://u@h/d?ssl-mode=maybe", "maybe"),
        ] {
            let text = Address::parse(&spec(url)).map(|_| ()).unwrap_err().to_string();
            assert!(text.contains(part) || text.contains("empty host"), "{url}: {text}");
        }
    }
}
