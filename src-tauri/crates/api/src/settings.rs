//! `settings|health`: the self-test of every target.

use crate::Api;
use crate::types::HealthRowView;

pub(crate) fn health(api: &Api) -> Vec<HealthRowView> {
    api.engine.health().into_iter().map(Into::into).collect()
}
