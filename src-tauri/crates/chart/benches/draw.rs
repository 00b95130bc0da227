//! How long the three charts of the window take to draw: 12 series of 1,200 points each, as SVG and as PNG. The figure
//! to reach is 16 ms for the three SVGs.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use faultline_chart::{Canvas, Panel, PanelId, PanelKind, Series, Theme, draw_png, draw_svg, palette};
use faultline_model::{TimeRange, Timestamp};

const POINTS: usize = 1_200;
const SERIES: usize = 12;
const STEP_S: f64 = 2_160.0;

fn panel(id: PanelId, kind: PanelKind) -> Panel {
    let series = (0..SERIES).map(|index| Series {
        key: format!("query-{index}"),
        label: format!("select * from t{index} where id = ?"),
        color: palette::slot_color(index, Theme::Light),
        points: (0..POINTS)
            .map(|at| {
                let wave = (at as f64 / (17.0 + index as f64)).sin()
                    + ((at * 7_919 + index * 104_729) % 97) as f64 / 97.0;
                (Timestamp::from_secs(at as f64 * STEP_S), Some(5.0 + wave))
            })
            .collect(),
    });
    let title = "Load by query".to_owned();
    Panel { id, title, unit: "AAS", kind, series: series.collect(), y_max_hint: None, flag_labels: false }
}

fn draw(criterion: &mut Criterion) {
    let range = TimeRange::new(Timestamp::EPOCH, Timestamp::from_secs(POINTS as f64 * STEP_S));
    let panels = [
        panel(PanelId::Latency, PanelKind::Lines),
        panel(PanelId::Load, PanelKind::StackedArea),
        panel(PanelId::Calls, PanelKind::StackedArea),
    ];
    let canvas = Canvas { width_px: 1_100, height_px: 220, theme: Theme::Light, scale: 1.0 };
    criterion.bench_function("three charts, 12 series, 1,200 points, svg", |bencher| {
        bencher.iter(|| {
            for panel in &panels {
                black_box(draw_svg(panel, range, &[], &[], &canvas, 0)).ok();
            }
        });
    });
    let whole = Canvas { height_px: 660, ..canvas };
    criterion.bench_function("three charts, 12 series, 1,200 points, png", |bencher| {
        bencher.iter(|| black_box(draw_png(&panels, range, &[], &[], &whole, 0)).ok());
    });
}

criterion_group!(benches, draw);
criterion_main!(benches);
