//! The desktop shell on Tauri's mock runtime: commands come through with their arguments, errors carry a code, and a
//! window without the capability is refused.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::sync::Arc;

use faultline_api::{Api, NoDesktop};
use faultline_engine::config::Config;
use faultline_engine::secrets::Secrets;
use faultline_engine::{Engine, EngineOptions, SilentNotifier, SystemClock};
use serde_json::{Value, json};
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{App, WebviewUrl, WebviewWindow, WebviewWindowBuilder};
use tempfile::TempDir;

struct Shell {
    app: App<MockRuntime>,
    _data: TempDir,
}

fn shell() -> Shell {
    faultline_engine::install_tls_provider();
    let data = tempfile::tempdir().unwrap();
    let options = EngineOptions {
        config: Config::default(),
        config_file: None,
        data: data.path().to_owned(),
        secrets: Secrets::in_memory(),
        notifier: Arc::new(SilentNotifier),
        clock: Arc::new(SystemClock),
        feeds: false,
    };
    let engine = tauri::async_runtime::block_on(Engine::start(options)).unwrap();
    let api = Arc::new(Api::new(engine, Arc::new(NoDesktop), None));
    let app = faultline_app::commands::plugins(&api)
        .into_iter()
        .fold(mock_builder(), |builder, plugin| builder.plugin(plugin))
        .build(tauri::generate_context!())
        .unwrap();
    Shell { app, _data: data }
}

impl Shell {
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

#[test]
fn the_main_window_may_ask_and_another_may_not() {
    let shell = shell();
    let main = shell.window("main");
    let overview = ask(&main, "overview|get", json!({ "args": {} })).unwrap();
    assert_eq!(overview["clusters"], json!([]));
    assert_eq!(overview["version"], env!("CARGO_PKG_VERSION"));

    let other = shell.window("other");
    let refused = ask(&other, "overview|get", json!({ "args": {} })).unwrap_err();
    assert!(refused.as_str().unwrap().contains("not allowed"), "{refused}");
    let refused = ask(&main, "core:window|close", json!({})).unwrap_err();
    assert!(refused.as_str().unwrap().contains("not allowed"), "{refused}");
}

#[test]
fn errors_carry_a_code_and_say_what_to_do() {
    let shell = shell();
    let main = shell.window("main");
    let check = |command: &str, body: Value, code: &str, names: &str| {
        let error = ask(&main, command, body).unwrap_err();
        assert_eq!(error["code"], code, "{command}: {error}");
        assert!(error["message"].as_str().unwrap().contains(names), "{command}: {error}");
    };
    check("incidents|get", json!({ "args": { "id": "7" } }), "not_found", "7");
    check("incidents|get", json!({ "args": { "name": "7" } }), "bad_request", "id");
    check("incidents|get", json!({}), "bad_request", "without arguments");
    check(
        "rollback|preview",
        json!({ "args": { "deploy_id": "d-1", "incident_id": null } }),
        "not_found",
        "d-1",
    );
    check("links|open", json!({ "args": { "url": "https://evil.example/" } }), "refused", "evil.example");
    check("links|open", json!({ "args": { "url": "file:///etc/passwd" } }), "refused", "file");
}
