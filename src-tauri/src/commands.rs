//! The border: every command domain as a plugin of its own, answered by the api's command table.

use std::sync::Arc;

use faultline_api::Api;
use faultline_api::types::ApiErrorView;
use serde_json::Value;
use tauri::ipc::{Invoke, InvokeBody, InvokeError};
use tauri::plugin::{Builder, TauriPlugin};
use tauri::{AppHandle, Manager as _, Runtime};

use crate::tell::PageIsThere;

#[path = "../command_table.rs"]
mod command_table;

use command_table::DOMAINS;

/// Every domain's plugin.
pub fn plugins<R: Runtime>(api: &Arc<Api>) -> Vec<TauriPlugin<R>> {
    DOMAINS.iter().map(|(domain, _)| plugin(domain, Arc::clone(api))).collect()
}

/// Adds every domain's plugin to a running application.
///
/// # Errors
/// When a plugin cannot be set up.
pub fn add<R: Runtime>(app: &AppHandle<R>, api: &Arc<Api>) -> tauri::Result<()> {
    plugins(api).into_iter().try_for_each(|plugin| app.plugin(plugin))
}

fn plugin<R: Runtime>(domain: &'static str, api: Arc<Api>) -> TauriPlugin<R> {
    Builder::new(domain)
        .invoke_handler(move |invoke| {
            answer(domain, &api, invoke);
            true
        })
        .build()
}

fn answer<R: Runtime>(domain: &'static str, api: &Arc<Api>, invoke: Invoke<R>) {
    if let Some(page) = invoke.message.webview_ref().try_state::<PageIsThere>() {
        page.say();
    }
    let name = invoke.message.command().to_owned();
    let args = arguments(invoke.message.payload());
    let api = Arc::clone(api);
    invoke.resolver.respond_async(async move {
        let answered = match args {
            Some(args) => api.call(domain, &name, args).await,
            None => Err(no_arguments(domain, &name)),
        };
        answered.map_err(|error| InvokeError(serde_json::to_value(error).unwrap_or(Value::Null)))
    });
}

/// The window sends all arguments as one object under `args`.
fn arguments(body: &InvokeBody) -> Option<Value> {
    match body {
        InvokeBody::Json(json) => json.get("args").cloned(),
        InvokeBody::Raw(_) => None,
    }
}

fn no_arguments(domain: &str, name: &str) -> ApiErrorView {
    ApiErrorView {
        code: "bad_request".to_owned(),
        message: format!("{domain}|{name} was called without arguments"),
        hint: Some("Send one object under the key `args`.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::DOMAINS;

    #[test]
    fn the_table_is_the_apis() {
        let ours: Vec<_> = DOMAINS
            .iter()
            .flat_map(|(domain, names)| names.iter().map(move |name| (*domain, *name)))
            .collect();
        let apis: Vec<_> =
            faultline_api::types::COMMANDS.iter().map(|command| (command.domain, command.name)).collect();
        assert_eq!(ours, apis);
    }
}
