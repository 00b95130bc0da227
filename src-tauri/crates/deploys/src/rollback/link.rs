//! The `link` provider: the deploy system's own page, opened for the user to roll back there. It sends nothing.

use async_trait::async_trait;
use faultline_http::mask_url;
use faultline_model::{Rollback, RollbackOutcome, RollbackPreview, RollbackTarget};

use super::template::{DEPLOY_PLACEHOLDERS, UrlTemplate, Values};
use crate::error::DeployError;

/// Name of the provider.
const PROVIDER: &str = "link";

/// A page to open.
pub(crate) struct LinkRollback {
    url: UrlTemplate,
}

impl LinkRollback {
    /// Reads the address of the page.
    pub(crate) fn new(url: &str) -> Result<Self, DeployError> {
        Ok(Self { url: UrlTemplate::parse("url", url, DEPLOY_PLACEHOLDERS)? })
    }
}

#[async_trait]
impl Rollback for LinkRollback {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    async fn preview(&self, target: &RollbackTarget) -> Result<RollbackPreview, String> {
        let url = self.url.fill(&Values::of(target))?;
        Ok(RollbackPreview {
            provider: PROVIDER.to_owned(),
            summary: format!(
                "Opens the page of {} in the deploy system; roll back there.",
                target.deploy.title()
            ),
            requests: vec![format!("open {}", mask_url(&url))],
            warnings: super::warnings::of(target),
            open_url: Some(url.to_string()),
        })
    }

    async fn run(&self, target: &RollbackTarget) -> RollbackOutcome {
        let message = match self.url.fill(&Values::of(target)) {
            Ok(url) => format!("Nothing was sent: this rollback is done by hand on {}.", mask_url(&url)),
            Err(error) => format!("Nothing was sent: {error}."),
        };
        RollbackOutcome::Failed { message }
    }
}
