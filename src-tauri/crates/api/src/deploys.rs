//! `deploys|list`: deploys of a range, newest first.

use crate::Api;
use crate::error::ApiError;
use crate::range;
use crate::types::{DeployView, DeploysRequest};

pub(crate) async fn list(api: &Api, args: DeploysRequest) -> Result<Vec<DeployView>, ApiError> {
    let range = range::range(Some(args.from), Some(args.to), None, api.engine.now())?;
    let mut deploys = api.engine.history().deploys(range, None).await?;
    deploys.reverse();
    Ok(deploys.into_iter().map(DeployView::from).collect())
}
