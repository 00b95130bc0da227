//! The SVG as text: hostile labels stay harmless, limits hold, and what is said of the plot is where the values are.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod common;

use common::{START_S, Scene, at, canvas, flag, panel, series};
use faultline_chart::{
    Canvas, ChartError, Drawn, MAX_SERIES, MAX_SIDE_PX, Panel, PanelKind, Theme, draw_png, draw_svg,
};
use faultline_model::TimeRange;
use proptest::prelude::*;

fn draw(scene: &Scene) -> Drawn {
    draw_svg(&scene.panels[0], scene.range, &scene.flags, &scene.bands, &canvas(scene, Theme::Light), 0)
        .unwrap()
}

/// Panics unless the text is well-formed as far as it goes: every `<` opens one of our elements, every `&` an entity,
/// and there is no character that XML forbids.
fn assert_harmless(svg: &str) {
    const TAGS: [&str; 8] = ["svg", "rect", "text", "polyline", "polygon", "circle", "line", "/"];
    for (index, _) in svg.match_indices('<') {
        let rest = &svg[index + 1..];
        assert!(TAGS.iter().any(|tag| rest.starts_with(tag)), "element {:?}", &rest[..rest.len().min(20)]);
    }
    for (index, _) in svg.match_indices('&') {
        let rest = &svg[index + 1..];
        assert!(["lt;", "gt;", "amp;", "quot;", "apos;"].iter().any(|name| rest.starts_with(name)), "entity");
    }
    assert!(svg.chars().all(|c| c == '\n' || !c.is_control()), "control character");
    assert!(!svg.contains(['\u{fffe}', '\u{ffff}', '\u{202e}']), "forbidden character");
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
}

#[test]
fn hostile_labels_are_escaped_and_cut() {
    for hostile in [
        "<script>alert(1)</script>",
        "\"><image href=x onerror=alert(1)>",
        "a & b &amp; &#0; ]]> <!-- ",
        "nul\u{0} bell\u{7} escape\u{1b}[31m \u{ffff}\u{fffe}",
        "\u{202e}reversed",
        "'single' `tick`",
    ] {
        let long = format!("{hostile}{}", hostile.repeat((1 << 20) / hostile.len()));
        for text in [hostile, long.as_str()] {
            let mut one =
                panel(PanelKind::Lines, vec![series(0, vec![(at(1.0), Some(1.0)), (at(2.0), Some(2.0))])]);
            one.title = text.to_owned();
            one.series[0].label = text.to_owned();
            let scene = Scene { panels: vec![one], flags: vec![flag(text, 300.0)], ..Scene::default() };
            let drawn = draw(&scene);
            assert_harmless(&drawn.svg);
            assert!(drawn.svg.len() < 20_000, "{} bytes", drawn.svg.len());
            let png =
                draw_png(&scene.panels, scene.range, &scene.flags, &[], &canvas(&scene, Theme::Dark), 0);
            assert!(png.is_ok());
        }
    }
}

#[test]
fn the_plot_is_where_the_values_are() {
    let points = vec![(at(0.0), Some(0.0)), (at(450.0), Some(8.0)), (at(900.0), Some(0.0))];
    let scene = Scene {
        panels: vec![panel(PanelKind::Lines, vec![series(0, points)])],
        flags: vec![flag("v1", 450.0), flag("too early", -500.0)],
        ..Scene::default()
    };
    let drawn = draw(&scene);
    let polyline = drawn.svg.split("<polyline").nth(1).unwrap();
    let coordinates = polyline.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
    let middle = coordinates.split(' ').nth(1).unwrap();
    let (x, y) = middle.split_once(',').unwrap();
    let (x, y): (f64, f64) = (x.parse::<f64>().unwrap() / 10.0, y.parse::<f64>().unwrap() / 10.0);
    let plot = drawn.plot;
    assert!((x - (plot.left_px + plot.width_px / 2.0)).abs() < 0.1, "{x}");
    let share = (8.0 - drawn.y_min) / (drawn.y_max - drawn.y_min);
    assert!((y - (plot.top_px + plot.height_px * (1.0 - share))).abs() < 0.1, "{y}");
    assert_eq!(drawn.flags.len(), 1);
    assert!((drawn.flags[0].x_px - x).abs() <= 1.0);
    let chip = drawn.flags[0].chip.unwrap();
    assert!(chip.top_px + chip.height_px <= plot.top_px);
}

#[test]
fn what_cannot_be_drawn_is_refused_with_a_reason() {
    let good = || panel(PanelKind::Lines, vec![]);
    let many = || panel(PanelKind::Lines, (0..=MAX_SERIES).map(|index| series(index, vec![])).collect());
    let range = TimeRange::new(at(0.0), at(900.0));
    let size = Canvas { width_px: 480, height_px: 160, theme: Theme::Light, scale: 1.0 };
    let check = |panel: Panel, range, canvas: Canvas, wanted: &str| {
        let message = draw_svg(&panel, range, &[], &[], &canvas, 0).unwrap_err().to_string();
        assert!(message.contains(wanted), "{message}");
    };
    check(good(), range, Canvas { width_px: 10, ..size }, "10 × 160");
    check(good(), range, Canvas { height_px: MAX_SIDE_PX + 1, ..size }, "each side must be");
    check(good(), range, Canvas { scale: f64::NAN, ..size }, "scale 0.5 to 4");
    check(good(), TimeRange::new(at(1.0), at(1.0)), size, "range of time is empty");
    check(many(), range, size, "65 series");
    assert!(matches!(draw_png(&[], range, &[], &[], &size, 0), Err(ChartError::NoPanel)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_values_can_be_drawn(
        values in prop::collection::vec((0.0..1e4_f64, prop::option::of(prop::num::f64::ANY)), 0..80),
        span_s in 1e-3..1e8_f64,
        stacked in any::<bool>(),
        offset in -50_000..50_000_i32,
    ) {
        let mut points: Vec<_> = values.into_iter().map(|(secs, value)| (at(secs), value)).collect();
        points.sort_by_key(|(at, _)| *at);
        let kind = if stacked { PanelKind::StackedArea } else { PanelKind::Lines };
        let one = panel(kind, vec![series(0, points.clone()), series(1, points)]);
        let range = TimeRange::last(span_s, faultline_model::Timestamp::from_secs(START_S + span_s));
        let size = Canvas { width_px: 300, height_px: 100, theme: Theme::Light, scale: 1.0 };
        let drawn = draw_svg(&one, range, &[], &[], &size, offset).unwrap();
        assert_harmless(&drawn.svg);
        prop_assert!(drawn.y_max > drawn.y_min);
        prop_assert!(draw_png(&[one], range, &[], &[], &size, offset).is_ok());
    }
}
