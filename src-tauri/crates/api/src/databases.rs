//! `databases|…`: the databases of the configuration, listed, tried out, added and removed.

use faultline_engine::config::{self, Edit, NewNode};
use faultline_engine::{HealthLevel, HealthRow};
use faultline_model::Engine;

use crate::Api;
use crate::error::ApiError;
use crate::types::{
    DatabaseAddRequest, DatabaseRemoveRequest, DatabaseTestRequest, DatabaseTested, DatabaseView, EngineView,
    PasswordInput,
};

pub(crate) fn list(api: &Api) -> Vec<DatabaseView> {
    let config = api.engine.config();
    let nodes =
        config.clusters.iter().flat_map(|cluster| cluster.nodes.iter().map(move |node| (cluster, node)));
    nodes
        .map(|(cluster, node)| DatabaseView {
            cluster: cluster.name.clone(),
            environment: cluster.environment.clone(),
            node: node.name.clone(),
            engine: node.engine.into(),
            url: node.url.clone(),
            password: node.password.as_ref().map(ToString::to_string),
        })
        .collect()
}

pub(crate) async fn test(api: &Api, args: DatabaseTestRequest) -> Result<DatabaseTested, ApiError> {
    let engine = known(args.engine)?;
    let url = config::database_url(&args.url, engine).map_err(|message| ApiError::BadRequest { message })?;
    let password = match args.password {
        PasswordInput::None => None,
        PasswordInput::Typed { secret } => {
            api.engine.secrets().masker().remember(&secret.0);
            Some(secret.0)
        }
        PasswordInput::Reference { reference } => {
            let reference =
                config::secret_ref(&reference).map_err(|message| ApiError::BadRequest { message })?;
            Some(api.engine.secrets().resolve(&reference).await?)
        }
    };
    let rows = api.engine.try_out(engine, url, password).await;
    let fails = |row: &HealthRow| {
        row.level == HealthLevel::Error && matches!(&*row.aspect, "connection" | "configuration")
    };
    Ok(DatabaseTested {
        reachable: !rows.iter().any(fails),
        rows: rows.into_iter().map(Into::into).collect(),
    })
}

pub(crate) async fn add(api: &Api, args: DatabaseAddRequest) -> Result<(), ApiError> {
    let bad = |message: String| ApiError::BadRequest { message };
    let engine = known(args.engine)?;
    let node = NewNode {
        url: config::database_url(&args.url, engine).map_err(bad)?,
        password: args.password.as_deref().map(config::secret_ref).transpose().map_err(bad)?,
        cluster: args.cluster,
        environment: args.environment,
        name: args.node,
        engine,
    };
    Ok(api.engine.edit_config(Edit::AddNode(Box::new(node))).await?)
}

pub(crate) async fn remove(api: &Api, args: DatabaseRemoveRequest) -> Result<(), ApiError> {
    let DatabaseRemoveRequest { cluster, node } = args;
    Ok(api.engine.edit_config(Edit::RemoveNode { cluster, node }).await?)
}

fn known(engine: EngineView) -> Result<Engine, ApiError> {
    match engine {
        EngineView::Unknown => {
            Err(ApiError::BadRequest { message: "choose the engine: postgres, mysql or mariadb".to_owned() })
        }
        known => Ok(known.into()),
    }
}
