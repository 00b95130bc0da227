//! The inks of a light and a dark picture.

use crate::panel::{Color, Theme};

/// The colours of everything that is not data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inks {
    /// Behind everything.
    pub(crate) paper: Color,
    /// Titles and values.
    pub(crate) strong: Color,
    /// Labels of the axes.
    pub(crate) soft: Color,
    /// Grid lines.
    pub(crate) grid: Color,
    /// The line at the bottom.
    pub(crate) axis: Color,
    /// Ground of a flag's label.
    pub(crate) chip: Color,
    /// Flags of deploys that went out or are under way.
    pub(crate) deploy: Color,
    /// Flags of rollbacks.
    pub(crate) rollback: Color,
    /// Flags of what failed.
    pub(crate) failed: Color,
    /// Flags of settings, schema changes, switches and restarts.
    pub(crate) change: Color,
    /// Incidents that users notice.
    pub(crate) critical: Color,
    /// Incidents worth a look.
    pub(crate) warning: Color,
    /// How strong an incident's tint is, 0–1.
    pub(crate) tint: f64,
}

const LIGHT: Inks = Inks {
    paper: Color::hex(0xffffff),
    strong: Color::hex(0x1f2430),
    soft: Color::hex(0x6b7280),
    grid: Color::hex(0xeceef2),
    axis: Color::hex(0xd3d7de),
    chip: Color::hex(0xf4f5f8),
    deploy: Color::hex(0x4f5bd5),
    rollback: Color::hex(0x0f8a6a),
    failed: Color::hex(0xc62f3b),
    change: Color::hex(0x7a6a2f),
    critical: Color::hex(0xe5484d),
    warning: Color::hex(0xe8a317),
    tint: 0.065,
};

const DARK: Inks = Inks {
    paper: Color::hex(0x14161b),
    strong: Color::hex(0xe6e8ee),
    soft: Color::hex(0x8b93a3),
    grid: Color::hex(0x23262e),
    axis: Color::hex(0x343944),
    chip: Color::hex(0x22252e),
    deploy: Color::hex(0x8f9bff),
    rollback: Color::hex(0x4cc9a0),
    failed: Color::hex(0xff6369),
    change: Color::hex(0xd6c27a),
    critical: Color::hex(0xff4d52),
    warning: Color::hex(0xf2b53a),
    tint: 0.10,
};

/// The inks of a theme.
pub(crate) const fn inks(theme: Theme) -> Inks {
    match theme {
        Theme::Light => LIGHT,
        Theme::Dark => DARK,
    }
}
