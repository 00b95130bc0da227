//! Pictures compared with blessed ones in `tests/golden/`. A picture passes when no more than a few pixels differ
//! noticeably: rounding of floating point may move an edge by a shade. `UPDATE_GOLDEN=1 cargo test -p faultline-chart`
//! blesses the pictures as they are now.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Scene, canvas, flag, panel, scenes};
use faultline_chart::{PanelKind, Theme, draw_png};

/// A channel of a pixel may differ by so much, 0–255.
const CHANNEL_TOLERANCE: u8 = 12;
/// So many of a thousand pixels may differ by more.
const PIXELS_PER_MILLE: usize = 1;

fn check(name: &str, scene: &Scene, theme: Theme) {
    let found =
        draw_png(&scene.panels, scene.range, &scene.flags, &scene.bands, &canvas(scene, theme), 3_600)
            .unwrap();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.png"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &found).unwrap();
        return;
    }
    let blessed = fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run with UPDATE_GOLDEN=1", path.display()));
    let (found, blessed) = (decode(&found), decode(&blessed));
    assert_eq!(found.1, blessed.1, "{name}: size");
    let differing = found
        .0
        .chunks_exact(3)
        .zip(blessed.0.chunks_exact(3))
        .filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > CHANNEL_TOLERANCE))
        .count();
    let allowed = found.0.len() / 3 * PIXELS_PER_MILLE / 1_000;
    assert!(
        differing <= allowed,
        "{name}: {differing} pixels differ, {allowed} may; UPDATE_GOLDEN=1 blesses the new one"
    );
}

fn decode(png: &[u8]) -> (Vec<u8>, (u32, u32)) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (pixels, (info.width, info.height))
}

#[test]
fn pictures_are_as_blessed() {
    for (name, scene) in scenes() {
        check(name, &scene, Theme::Light);
    }
}

#[test]
fn the_incident_is_as_blessed_in_both_themes() {
    check("incident-light", &common::incident(Theme::Light), Theme::Light);
    check("incident-dark", &common::incident(Theme::Dark), Theme::Dark);
}

#[test]
fn twelve_stacked_series_are_as_blessed_in_both_themes() {
    for (name, theme) in [("twelve-light", Theme::Light), ("twelve-dark", Theme::Dark)] {
        let panels = vec![panel(PanelKind::StackedArea, common::twelve(theme))];
        check(name, &Scene { panels, ..Scene::default() }, theme);
    }
}

#[test]
fn flags_at_the_edges_are_as_blessed() {
    let flags = vec![
        flag("first v1", 0.0),
        flag("middle v2", 300.0),
        flag("close by v3", 310.0),
        flag("last v4", 900.0),
    ];
    let scene = Scene {
        panels: vec![panel(PanelKind::Lines, common::twelve(Theme::Light))],
        flags,
        ..Scene::default()
    };
    check("flags-at-edges", &scene, Theme::Light);
}
