//! Takes secrets out of texts: whatever a secret was once looked up or typed never leaves the program in a log, a
//! message or a copy of the diagnostics, wherever a library put it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

/// What stands in a secret's place.
const MASK: &str = "•••";

/// Shorter secrets are not masked, bytes: they would take ordinary words out of every text, and give themselves away
/// by the gaps.
const MIN_MASKED_BYTES: usize = 4;

/// Most secrets that are remembered, in all their spellings.
const MAX_REMEMBERED: usize = 1_024;

/// Knows every secret that was used. Cheap to clone; clones know the same.
#[derive(Clone, Default)]
pub struct Masker(Arc<RwLock<Known>>);

/// Longest first, so that a secret within another one does not leave the rest of it.
#[derive(Default)]
struct Known(BTreeSet<(std::cmp::Reverse<usize>, Spelling)>);

/// One spelling of a secret. Ordered by its bytes, printed by nobody.
struct Spelling(SecretString);

impl Masker {
    /// Remembers a secret, also as it would stand in an address, in JSON and in a quoted text.
    pub fn remember(&self, secret: &SecretString) {
        let plain = secret.expose_secret();
        if plain.len() < MIN_MASKED_BYTES {
            return;
        }
        let encoded: String = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect();
        let percent = encoded.replace('+', "%20");
        let json = serde_json::to_string(plain).unwrap_or_default();
        let json = json.trim_matches('"').to_owned();
        let debug = format!("{plain:?}");
        let debug = debug.trim_matches('"').to_owned();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for spelling in [plain.to_owned(), encoded, percent, json, debug] {
            if known.0.len() < MAX_REMEMBERED && spelling.len() >= MIN_MASKED_BYTES {
                known.0.insert((std::cmp::Reverse(spelling.len()), Spelling(spelling.into())));
            }
        }
    }

    /// The text without any secret.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut masked = Cow::Borrowed(text);
        for (_, spelling) in &known.0 {
            if masked.contains(spelling.0.expose_secret()) {
                masked = Cow::Owned(masked.replace(spelling.0.expose_secret(), MASK));
            }
        }
        masked
    }
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masker").finish_non_exhaustive()
    }
}

impl PartialEq for Spelling {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for Spelling {}

impl PartialOrd for Spelling {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Spelling {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.expose_secret().cmp(other.0.expose_secret())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secrets: &[&str], text: &str, masked: &str) {
        let masker = Masker::default();
        for secret in secrets {
            masker.remember(&SecretString::from((*secret).to_owned()));
        }
        assert_eq!(masker.mask(text), masked);
    }

    #[test]
    fn secrets_are_taken_out_in_every_spelling() {
        check(&[], "nothing to hide", "nothing to hide");
        check(&["hunter2"], "password=hunter2 hunter2", "password=••• •••");
        check(
            &["p@ss/w d"],
            "postgres://me:p%40ss%2Fw+d@db p%40ss%2Fw%20d p@ss/w d",
            "postgres://me:•••@db ••• •••",
        );
        check(&["say \"ho\"\n"], r#"{"password":"say \"ho\"\n"}"#, r#"{"password":"•••"}"#);
        check(&["canary", "canary-and-more"], "canary-and-more canary", "••• •••");
        // Too short to be hidden without hiding everything.
        check(&["a"], "an apple a day", "an apple a day");
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let masker = Masker::default();
        masker.remember(&"hunter2".to_owned().into());
        assert!(!format!("{masker:?}").contains("hunter2"));
    }
}
