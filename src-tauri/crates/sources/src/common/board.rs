//! How each aspect of a node stands, and which rows have not been told yet. Not in here: what the aspects are.

use std::collections::BTreeMap;

use faultline_model::{HealthLevel, HealthRow};

/// One finding: aspect, level, message, hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// What stands so.
    pub(crate) aspect: &'static str,
    /// How it stands.
    pub(crate) level: HealthLevel,
    /// What was found, one sentence.
    pub(crate) message: String,
    /// What fixes it.
    pub(crate) hint: Option<String>,
}

impl Found {
    pub(crate) fn ok(aspect: &'static str, message: impl Into<String>) -> Self {
        Self { aspect, level: HealthLevel::Ok, message: message.into(), hint: None }
    }

    pub(crate) fn none(aspect: &'static str, message: impl Into<String>) -> Self {
        Self { level: HealthLevel::NotApplicable, ..Self::ok(aspect, message) }
    }

    pub(crate) fn warning(aspect: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { level: HealthLevel::Warning, hint: Some(hint.into()), ..Self::ok(aspect, message) }
    }

    pub(crate) fn error(aspect: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { level: HealthLevel::Error, hint: Some(hint.into()), ..Self::ok(aspect, message) }
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.level <= HealthLevel::Ok
    }

    pub(crate) fn row(&self, target: &str) -> HealthRow {
        HealthRow {
            target: target.to_owned(),
            aspect: self.aspect.to_owned(),
            level: self.level,
            message: self.message.clone(),
            hint: self.hint.clone(),
        }
    }
}

/// How every aspect stands, and which rows have not been told yet.
#[derive(Debug)]
pub(crate) struct Board {
    target: String,
    stands: BTreeMap<&'static str, Found>,
    news: BTreeMap<&'static str, HealthRow>,
}

impl Board {
    pub(crate) fn new(target: String) -> Self {
        Self { target, stands: BTreeMap::new(), news: BTreeMap::new() }
    }

    /// Notes how an aspect stands; it is news only when it stands otherwise than before.
    pub(crate) fn set(&mut self, found: Found) {
        if self.stands.get(found.aspect) != Some(&found) {
            self.news.insert(found.aspect, found.row(&self.target));
            self.stands.insert(found.aspect, found);
        }
    }

    /// As [`Self::set`], but an aspect that stands well already, or was never spoken of, is not worth a row.
    pub(crate) fn recovered(&mut self, found: Found) {
        if self.stands.get(found.aspect).is_some_and(|stands| !stands.is_ok()) {
            self.set(found);
        }
    }

    /// Everything is news again, as after a connect.
    pub(crate) fn tell_all(&mut self) {
        self.news = self.stands.values().map(|found| (found.aspect, found.row(&self.target))).collect();
    }

    /// Forgets all but one aspect, when nothing else can be known.
    pub(crate) fn only(&mut self, found: Found) {
        self.stands.retain(|aspect, _| *aspect == found.aspect);
        self.news.clear();
        self.set(found);
    }

    pub(crate) fn take_news(&mut self) -> Vec<HealthRow> {
        std::mem::take(&mut self.news).into_values().collect()
    }

    pub(crate) fn all(&self) -> Vec<HealthRow> {
        self.stands.values().map(|found| found.row(&self.target)).collect()
    }
}
