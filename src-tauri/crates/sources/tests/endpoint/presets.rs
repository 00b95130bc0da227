//! The presets: each over a page of its exporter, scraped four times with everything grown by a half in between.

use std::fmt::Write as _;

use faultline_model::{Due, EndpointKind, HealthLevel, signal};
use faultline_sources::{QueryBook, open_endpoint, prometheus};

use crate::server::{Server, Still, spec, text};

/// A preset, its page, and which of its signals the page does not have.
const PAGES: &[(&str, &str, &[&str])] = &[
    (
        "cloudwatch_exporter",
        include_str!("../../../../../tests/specs/exporters/cloudwatch_exporter.txt"),
        &[],
    ),
    ("envoy", include_str!("../../../../../tests/specs/exporters/envoy.txt"), &[]),
    ("haproxy", include_str!("../../../../../tests/specs/exporters/haproxy.txt"), &[]),
    (
        "mysqld_exporter",
        include_str!("../../../../../tests/specs/exporters/mysqld_exporter.txt"),
        &["replay_lag_s"],
    ),
    ("nginx_exporter", include_str!("../../../../../tests/specs/exporters/nginx_exporter.txt"), &[]),
    ("nginx_vts", include_str!("../../../../../tests/specs/exporters/nginx_vts.txt"), &[]),
    ("node_exporter", include_str!("../../../../../tests/specs/exporters/node_exporter.txt"), &[]),
    ("pgbouncer_exporter", include_str!("../../../../../tests/specs/exporters/pgbouncer_exporter.txt"), &[]),
    (
        "postgres_exporter",
        include_str!("../../../../../tests/specs/exporters/postgres_exporter.txt"),
        &["replay_lag_s"],
    ),
    ("yace", include_str!("../../../../../tests/specs/exporters/cloudwatch_exporter.txt"), &[]),
];

/// The page after everything grew by a half.
fn grown(page: &str) -> String {
    let line = |line: &str| match line.rsplit_once(' ') {
        Some((series, value)) if !line.starts_with('#') => {
            format!("{series} {}\n", value.parse::<f64>().unwrap() * 1.5)
        }
        _ => format!("{line}\n"),
    };
    page.lines().map(line).collect()
}

#[tokio::test]
async fn every_preset_reads_the_page_of_its_exporter() {
    assert_eq!(
        PAGES.iter().map(|(name, ..)| *name).collect::<Vec<_>>(),
        prometheus::preset_names().collect::<Vec<_>>()
    );
    let mut shown = String::new();
    for (preset, page, missing) in PAGES {
        let mut pages = vec![(*page).to_owned()];
        for _ in 0..3 {
            pages.insert(0, grown(&pages[0]));
        }
        let pages = std::sync::Mutex::new(pages);
        let server = Server::start(move |_| text(pages.lock().unwrap().pop().unwrap())).await;
        let mut endpoint = spec(EndpointKind::Scrape, server.url("/metrics"), &[]);
        endpoint.presets = vec![(*preset).to_owned()];
        let clock = Still::at(1_000.0);
        let mut source = open_endpoint(endpoint, clock.clone(), QueryBook::default()).unwrap();
        let mut polled = source.poll(Due::default()).await;
        let mut rows = std::mem::take(&mut polled.health);
        for at_s in [1_005.0, 1_010.0, 1_015.0] {
            clock.set(at_s);
            polled = source.poll(Due::default()).await;
            rows.append(&mut polled.health);
        }
        writeln!(shown, "== {preset}").unwrap();
        let signals = polled.frames[0].signals.as_ref().unwrap();
        for (name, value) in &signals.values {
            assert!(
                signal::ALL.contains(&name.as_str()) || name.as_str().starts_with(signal::CUSTOM_PREFIX),
                "{name}"
            );
            writeln!(shown, "{name} {value}").unwrap();
        }
        let absent: Vec<String> = rows
            .into_iter()
            .filter(|row| row.level == HealthLevel::NotApplicable)
            .filter_map(|row| Some(row.aspect.strip_prefix("signal ")?.to_owned()))
            .collect();
        assert!(absent.iter().all(|name| missing.contains(&name.as_str())), "{preset}: {absent:?}");
        assert!(missing.iter().all(|name| !signals.values.contains_key(*name)), "{preset}");
    }
    insta::assert_snapshot!(shown);
}

#[tokio::test]
async fn a_preset_that_finds_nothing_says_so_and_a_selector_narrows_it() {
    let page = include_str!("../../../../../tests/specs/exporters/node_exporter.txt");
    let server = Server::start(move |_| text(page)).await;
    for (preset, selector, expected) in [
        ("node_exporter", "", (HealthLevel::Ok, "its metrics are there")),
        ("haproxy", "", (HealthLevel::Warning, "there is nothing of what a haproxy shows")),
        (
            "node_exporter",
            "{instance=\"db-1\"}",
            (HealthLevel::Warning, "there is nothing of what a node_exporter shows"),
        ),
    ] {
        let mut endpoint = spec(EndpointKind::Scrape, server.url("/metrics"), &[]);
        endpoint.presets = vec![preset.to_owned()];
        endpoint.selector = selector.to_owned();
        let mut source = open_endpoint(endpoint, Still::at(1_000.0), QueryBook::default()).unwrap();
        let rows = source.poll(Due::default()).await.health;
        let row = rows.iter().find(|row| row.aspect == format!("preset {preset}")).unwrap();
        assert_eq!((row.level, row.message.as_str()), expected, "{preset} {selector}");
    }
}
