//! `settings|…`: how the program is set up, and the self-test of every target.

use faultline_engine::config::Edit;
use faultline_engine::logging::Logging;

use crate::Api;
use crate::error::ApiError;
use crate::types::{HealthRowView, SettingsChangeRequest, SettingsView};

pub(crate) fn health(api: &Api) -> Vec<HealthRowView> {
    api.engine.health().into_iter().map(Into::into).collect()
}

pub(crate) fn get(api: &Api) -> SettingsView {
    let shown = |path: &std::path::Path| path.display().to_string();
    let log_file = api.logging.as_ref().and_then(Logging::file);
    SettingsView {
        config_file: api.engine.config_path().map(shown).unwrap_or_default(),
        data_folder: shown(api.engine.data()),
        log_folder: log_file.as_deref().and_then(std::path::Path::parent).map(shown),
        config_trouble: api.engine.config_trouble(),
        close_to_tray: api.engine.config().desktop.close_to_tray,
        tray: api.desktop.tray(),
        autostart: api.desktop.autostart(),
    }
}

pub(crate) async fn change(api: &Api, args: &SettingsChangeRequest) -> Result<SettingsView, ApiError> {
    if let Some(on) = args.close_to_tray {
        api.engine.edit_config(Edit::CloseToTray(on)).await?;
    }
    if let Some(on) = args.autostart {
        api.desktop.set_autostart(on).map_err(|message| ApiError::Refused {
            message,
            hint: "Add Faultline to the programs that your desktop starts by hand.",
        })?;
    }
    Ok(get(api))
}
