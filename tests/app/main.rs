//! The desktop shell on Tauri's mock runtime: commands come through with their arguments, errors carry a code, what a
//! window has no capability for is refused, and no answer holds a secret.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod commands;
mod permissions;
mod secrets;

use std::sync::Arc;

use faultline_api::{Api, NoDesktop};
use faultline_engine::config::Config;
use faultline_engine::secrets::Secrets;
use faultline_engine::{ConfigSource, Engine, EngineOptions, SilentNotifier, SystemClock};
use serde_json::Value;
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{App, WebviewUrl, WebviewWindow, WebviewWindowBuilder};
use tempfile::TempDir;

/// The program without its windows, on an empty store of its own.
struct Shell {
    app: App<MockRuntime>,
    _data: TempDir,
}

impl Shell {
    fn start() -> Self {
        Self::with_config("")
    }

    /// With this text as its configuration file.
    fn with_config(text: &str) -> Self {
        faultline_engine::install_tls_provider();
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let options = EngineOptions {
            config: Config::default(),
            config_file: Some(ConfigSource { path, is_optional: false }),
            data: data.path().to_owned(),
            secrets: Secrets::in_memory(),
            notifier: Arc::new(SilentNotifier),
            clock: Arc::new(SystemClock),
            feeds: false,
        };
        let engine = tauri::async_runtime::block_on(Engine::start(options)).unwrap();
        let api = Arc::new(Api::new(engine, Arc::new(NoDesktop), None));
        let builder = faultline_app::with_desktop_plugins(mock_builder());
        let app = faultline_app::commands::plugins(&api)
            .into_iter()
            .fold(builder, |builder, plugin| builder.plugin(plugin))
            .build(tauri::generate_context!())
            .unwrap();
        Self { app, _data: data }
    }

    fn window(&self, label: &str) -> WebviewWindow<MockRuntime> {
        WebviewWindowBuilder::new(&self.app, label, WebviewUrl::default()).build().unwrap()
    }
}

/// What the window gets for a command: the answer, or the error.
fn ask(window: &WebviewWindow<MockRuntime>, command: &str, body: Value) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: format!("plugin:{command}"),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: "tauri://localhost".parse().unwrap(),
        body: InvokeBody::Json(body),
        headers: Default::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    get_ipc_response(window, request).map(|body| body.deserialize().unwrap())
}
