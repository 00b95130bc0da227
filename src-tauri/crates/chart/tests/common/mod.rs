//! Scenes that several tests draw.
#![allow(dead_code, unreachable_pub, reason = "every test binary uses its own part")]

use faultline_chart::{Band, Canvas, Flag, Panel, PanelId, PanelKind, Series, Theme, palette};
use faultline_model::{DeployKind, DeployStatus, Severity, TimeRange, Timestamp};

/// 2026-11-22 14:00:00 UTC.
pub const START_S: f64 = 1_795_356_000.0;

pub fn at(secs: f64) -> Timestamp {
    Timestamp::from_secs(START_S + secs)
}

/// Something to draw.
pub struct Scene {
    pub panels: Vec<Panel>,
    pub range: TimeRange,
    pub flags: Vec<Flag>,
    pub bands: Vec<Band>,
    pub height_px: u32,
}

impl Default for Scene {
    fn default() -> Self {
        let range = TimeRange::new(at(0.0), at(900.0));
        Self { panels: Vec::new(), range, flags: Vec::new(), bands: Vec::new(), height_px: 160 }
    }
}

pub fn canvas(scene: &Scene, theme: Theme) -> Canvas {
    Canvas { width_px: 480, height_px: scene.height_px, theme, scale: 1.0 }
}

pub fn flag(label: &str, secs: f64) -> Flag {
    Flag {
        deploy: label.into(),
        at: at(secs),
        started: Some(at(secs - 20.0)),
        label: label.to_owned(),
        kind: DeployKind::Deploy,
        status: DeployStatus::Succeeded,
    }
}

pub fn series(index: usize, points: Vec<(Timestamp, Option<f64>)>) -> Series {
    let (key, label) = (format!("q{index}"), format!("select * from t{index}"));
    Series { key, label, color: palette::slot_color(index, Theme::Light), points }
}

pub fn panel(kind: PanelKind, series: Vec<Series>) -> Panel {
    let title = "Load by query".to_owned();
    Panel { id: PanelId::Load, title, unit: "AAS", kind, series, y_max_hint: None, flag_labels: true }
}

/// A value that wanders in 0–1, the same on every run.
pub fn noise(index: usize, step: usize) -> f64 {
    let mixed = (step as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (index as u64 + 1).wrapping_mul(0xd1b5_4a32_d192_ed03);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f64 / (1_u64 << 24) as f64
}

pub fn twelve(theme: Theme) -> Vec<Series> {
    (0..12)
        .map(|index| {
            let points = (0..=180).map(|step| {
                let wave = (step as f64 / (9.0 + index as f64)).sin() + 1.6;
                (at(step as f64 * 5.0), Some(wave * (0.4 + 0.1 * index as f64) + 0.2 * noise(index, step)))
            });
            Series { color: palette::slot_color(index, theme), ..series(index, points.collect()) }
        })
        .collect()
}

fn line(values: &[Option<f64>]) -> Vec<(Timestamp, Option<f64>)> {
    values.iter().enumerate().map(|(step, value)| (at(100.0 + 100.0 * step as f64), *value)).collect()
}

/// Corner cases by name.
pub fn scenes() -> Vec<(&'static str, Scene)> {
    let one = |kind, points| Scene { panels: vec![panel(kind, vec![series(0, points)])], ..Scene::default() };
    let (nan, gap) = (Some(f64::NAN), None);
    let islands = line(&[
        Some(1.0),
        Some(2.0),
        nan,
        Some(3.0),
        gap,
        Some(2.0),
        Some(f64::INFINITY),
        Some(1.0),
        Some(1.5),
    ]);
    vec![
        ("empty", one(PanelKind::Lines, vec![])),
        ("one-point", one(PanelKind::Lines, line(&[Some(3.0)]))),
        ("one-point-stacked", one(PanelKind::StackedArea, line(&[Some(3.0)]))),
        ("all-equal", one(PanelKind::Lines, line(&[Some(4.0); 8]))),
        ("all-zero", one(PanelKind::StackedArea, line(&[Some(0.0); 8]))),
        ("islands", one(PanelKind::Lines, islands.clone())),
        ("islands-stacked", one(PanelKind::StackedArea, islands)),
        ("huge", one(PanelKind::Lines, line(&[Some(1e-300), Some(f64::MAX), Some(-f64::MAX), Some(1.0)]))),
    ]
}

/// The incident that Faultline exists for: a deploy, a new query, latency and load out of bounds.
pub fn incident(theme: Theme) -> Scene {
    let steps = 0..=360_usize;
    let hurt = |step: usize| if step > 210 { ((step - 210) as f64 / 25.0).min(1.0) } else { 0.0 };
    let time = |step: usize| at(step as f64 * 2.5);
    let latency = ["primary", "replica-1"].iter().enumerate().map(|(index, node)| Series {
        key: (*node).to_owned(),
        label: (*node).to_owned(),
        color: palette::slot_color(index, theme),
        points: steps
            .clone()
            .map(|step| {
                let base = 4.0 + index as f64 * 1.5 + 1.2 * noise(index, step);
                let missing = index == 1 && (120..135).contains(&step);
                (
                    time(step),
                    (!missing).then_some(
                        base + hurt(step) * (34.0 - 22.0 * index as f64) * (0.8 + 0.3 * noise(9, step)),
                    ),
                )
            })
            .collect(),
    });
    let texts = [
        "other",
        "select * from cart where user_id = ?",
        "update stock set reserved = reserved + ? where sku = ?",
        "select * from product where id = any(?)",
        "select * from order_item where order_id = ?",
    ];
    let load = texts.iter().enumerate().map(|(index, text)| Series {
        key: format!("q{index}"),
        label: (*text).to_owned(),
        color: if index == 0 { palette::other(theme) } else { palette::slot_color(index + 1, theme) },
        points: steps
            .clone()
            .map(|step| {
                let calm =
                    0.25 + 0.14 * noise(index + 20, step) + 0.08 * (step as f64 / 40.0 + index as f64).sin();
                (time(step), Some(if index == 4 { hurt(step) * (4.6 + noise(31, step)) } else { calm }))
            })
            .collect(),
    });
    let calls = ["calls", "requests"].iter().enumerate().map(|(index, name)| Series {
        key: (*name).to_owned(),
        label: (*name).to_owned(),
        color: palette::slot_color(index, theme),
        points: steps
            .clone()
            .map(|step| {
                (
                    time(step),
                    Some(
                        (1_400.0 - 900.0 * index as f64) * (1.0 + 0.1 * noise(index + 40, step))
                            + hurt(step) * 2_100.0 * (1 - index) as f64,
                    ),
                )
            })
            .collect(),
    });
    let mut panels = vec![
        panel(PanelKind::Lines, latency.collect()),
        panel(PanelKind::StackedArea, load.collect()),
        panel(PanelKind::Lines, calls.collect()),
    ];
    let heads = [
        (PanelId::Latency, "Latency", "ms"),
        (PanelId::Load, "Load by query", "AAS"),
        (PanelId::Calls, "Throughput", "/s"),
    ];
    for (panel, (id, title, unit)) in panels.iter_mut().zip(heads) {
        (panel.id, panel.title, panel.unit) = (id, title.to_owned(), unit);
        panel.flag_labels = id == PanelId::Latency;
    }
    let mut flags =
        vec![flag("search 88", 130.0), flag("checkout v142", 520.0), flag("flag: new-cart on", 800.0)];
    flags[2].kind = DeployKind::Flag;
    flags[2].started = None;
    let bands = vec![Band { from: at(528.0), to: None, severity: Severity::Critical }];
    Scene { panels, flags, bands, height_px: 520, ..Scene::default() }
}
