//! A real exporter: its preset over its own page, and over a Prometheus that scrapes it.

use std::collections::BTreeSet;
use std::time::Duration;

use faultline_lab::exporters::NodeExporter;
use faultline_lab::prometheus::{Options, Prometheus};
use faultline_model::{Due, EndpointKind, Signals, Source};
use faultline_sources::{QueryBook, open_endpoint};

use super::{clock, spec, until};

/// What every machine has, whatever its disks are.
const ALWAYS: &[&str] = &[
    "context_switches_per_s",
    "cpu_iowait",
    "cpu_system",
    "cpu_user",
    "load_1m",
    "memory_free_bytes",
    "page_faults_per_s",
    "procs_blocked",
    "procs_running",
];

/// Signals and cores, once everything is there.
async fn seen(source: &mut Box<dyn Source>, what: &str) -> (Signals, u32) {
    let mut cores = None;
    let signals = until(what, async || {
        let mut frames = source.poll(Due::default()).await.frames;
        let frame = frames.pop()?;
        cores = frame.about.and_then(|about| about.cores).or(cores);
        let signals = frame.signals?;
        ALWAYS.iter().all(|name| signals.values.contains_key(*name)).then_some(signals)
    })
    .await;
    (signals, cores.unwrap())
}

#[tokio::test]
async fn a_host_is_seen_the_same_through_its_page_and_through_prometheus() {
    let exporter = NodeExporter::start().await.unwrap();
    let options = Options {
        targets: vec![("hosts".to_owned(), exporter.address()), ("others".to_owned(), exporter.address())],
        scrape_every: Duration::from_secs(1),
        ..Options::default()
    };
    let server = Prometheus::start(options).await.unwrap();
    let mut page = spec(EndpointKind::Scrape, format!("http://{}/metrics", exporter.address()), &[]);
    page.presets = vec!["node_exporter".to_owned()];
    let mut asked = spec(EndpointKind::Promql, server.url(), &[]);
    asked.presets = vec!["node_exporter".to_owned()];
    asked.selector = "{job=\"hosts\"}".to_owned();
    let mut page = open_endpoint(page, clock(), QueryBook::default()).unwrap();
    let mut asked = open_endpoint(asked, clock(), QueryBook::default()).unwrap();
    let (here, cores_here) = seen(&mut page, "the page").await;
    let (there, cores_there) = seen(&mut asked, "the server").await;
    let names = |signals: &Signals| signals.values.keys().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!((names(&here), cores_here), (names(&there), cores_there));
    let cores = std::thread::available_parallelism().unwrap().get() as u32;
    assert!(cores_here >= cores, "{cores_here} of at least {cores}");
    for signals in [&here, &there] {
        let shares: f64 =
            ["cpu_user", "cpu_system", "cpu_iowait"].iter().map(|name| signals.values[*name]).sum();
        assert!((0.0..=1.05).contains(&shares), "{signals:?}");
    }
    let memory = |signals: &Signals| signals.values["memory_free_bytes"];
    assert!((memory(&here) / memory(&there) - 1.0).abs() < 0.5, "narrowed to one job: {here:?} {there:?}");
}
