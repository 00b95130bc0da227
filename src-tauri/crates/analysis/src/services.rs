//! Which database roles, applications, nodes and routes belong to a deployed service. No probabilities.

use std::collections::BTreeMap;

/// Names that identify who ran a query.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    /// Role or account.
    pub(crate) user: Option<String>,
    /// Application name.
    pub(crate) app: Option<String>,
}

/// Patterns by service, from the facts `service:<name>:roles` and `service:<name>:applications`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services {
    roles: BTreeMap<String, Vec<String>>,
    applications: BTreeMap<String, Vec<String>>,
}

impl Services {
    /// Learns a fact, if it is one about services.
    pub(crate) fn learn(&mut self, key: &str, value: &str) {
        let Some((service, kind)) = key.strip_prefix("service:").and_then(|rest| rest.rsplit_once(':'))
        else {
            return;
        };
        let patterns =
            || value.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
        match kind {
            "roles" => {
                self.roles.insert(service.to_owned(), patterns());
            }
            "applications" => {
                self.applications.insert(service.to_owned(), patterns());
            }
            _ => {}
        }
    }

    /// Whether somebody belongs to the service; `None` when nothing about them is known.
    pub(crate) fn owns(&self, service: &str, who: &Identity) -> Option<bool> {
        if who.user.is_none() && who.app.is_none() {
            return None;
        }
        let by_user = who.user.as_deref().is_some_and(|user| match self.roles.get(service) {
            Some(patterns) => patterns.iter().any(|pattern| glob(pattern, user)),
            None => user == service,
        });
        let by_app = who.app.as_deref().is_some_and(|app| match self.applications.get(service) {
            Some(patterns) => patterns.iter().any(|pattern| glob(pattern, app)),
            None => mentions(app, service),
        });
        Some(by_user || by_app)
    }
}

/// Whether `name` is, or begins with, the service's name as a word (`checkout`, `checkout@v142`, `checkout-v2/pod`).
pub(crate) fn mentions(name: &str, service: &str) -> bool {
    !service.is_empty()
        && name
            .strip_prefix(service)
            .is_some_and(|rest| rest.chars().next().is_none_or(|next| !next.is_alphanumeric() && next != '_'))
}

/// Whether an application name carries the version (`checkout@v142`, `checkout/v142`).
pub(crate) fn carries_version(app: &str, version: &str) -> bool {
    !version.is_empty() && app.split(['@', '/', ':', ' ']).skip(1).any(|part| part == version)
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_runs() {
        for (pattern, text, expected) in [
            ("checkout", "checkout", true),
            ("checkout", "checkout2", false),
            ("checkout@*", "checkout@v142", true),
            ("checkout@*", "checkout", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*bc", "abc", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn somebody_belongs_to_a_service_by_role_or_application() {
        let mut services = Services::default();
        services.learn("service:pay:roles", "billing, pay_*");
        services.learn("service:pay:applications", "pay@*");
        for (service, user, app, expected) in [
            ("pay", Some("billing"), None, Some(true)),
            ("pay", Some("pay_ro"), None, Some(true)),
            ("pay", Some("pay"), None, Some(false)),
            ("pay", Some("web"), Some("pay@v2"), Some(true)),
            ("checkout", Some("checkout"), None, Some(true)),
            ("checkout", Some("shop"), Some("checkout@v142"), Some(true)),
            ("checkout", Some("shop"), Some("checkout_2@v1"), Some(false)),
            ("checkout", None, None, None),
        ] {
            let who = Identity { user: user.map(str::to_owned), app: app.map(str::to_owned) };
            assert_eq!(services.owns(service, &who), expected, "{service} {who:?}");
        }
    }

    #[test]
    fn versions_are_whole_words() {
        for (app, version, expected) in
            [("checkout@v142", "v142", true), ("checkout@v1421", "v142", false), ("v142", "v142", false)]
        {
            assert_eq!(carries_version(app, version), expected, "{app}");
        }
    }
}
