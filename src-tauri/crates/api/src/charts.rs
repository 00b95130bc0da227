//! `charts|draw`: the three charts of the window over one range.

use std::collections::{BTreeMap, BTreeSet};

use faultline_chart::build::{self, Tick};
use faultline_chart::{Band, Canvas, Drawn, Flag, Panel};
use faultline_engine::history_step_s;
use faultline_model::{ClusterName, Fingerprint, TimeRange};

use crate::Api;
use crate::cluster;
use crate::error::ApiError;
use crate::range;
use crate::ticks::tick;
use crate::types::{
    BandView, ChartRequest, ChartsView, FlagView, MarkView, PanelId, PanelView, PlotArea, SeriesView, Theme,
};

/// Fingerprints that are shown by themselves; the rest is "other".
const TOP_QUERIES: usize = 10;

/// One point for so many pixels is as fine as anybody can see.
const PX_PER_POINT: f64 = 2.0;

pub(crate) async fn draw(api: &Api, args: ChartRequest) -> Result<ChartsView, ApiError> {
    let range = range::range(args.from, args.to, args.last_s, api.engine.now())?;
    let environment = cluster::named(api, &args.cluster)?.environment;
    let cluster = ClusterName::from(args.cluster.as_str());
    if args.last_s.is_some() {
        api.engine.looked_at(&cluster);
    }
    let ticks = ticks(api, &cluster, range, f64::from(args.width_px) / PX_PER_POINT).await?;
    let texts = texts(api, &cluster, &ticks).await?;
    let theme = theme(args.theme);
    let panels = [
        build::latency(&ticks, theme),
        build::load_by_query(&ticks, TOP_QUERIES, &texts, theme),
        build::calls_per_s(&ticks, theme),
    ];
    let (flags, bands) =
        (flags(api, &cluster, &environment, range).await?, bands(api, &cluster, range).await?);
    let drawn_flags: Vec<Flag> = flags.iter().map(|(flag, _)| flag.clone()).collect();
    let drawn_bands: Vec<Band> = bands.iter().map(|(band, _)| *band).collect();
    let canvas = Canvas { width_px: args.width_px, height_px: args.panel_height_px, theme, scale: 1.0 };
    let mut views = Vec::with_capacity(panels.len());
    for panel in panels {
        let drawn =
            faultline_chart::draw_svg(&panel, range, &drawn_flags, &drawn_bands, &canvas, args.utc_offset_s)?;
        views.push(panel_view(panel, drawn));
    }
    Ok(ChartsView {
        from: range.from.as_secs(),
        to: range.to.as_secs(),
        live: args.last_s.is_some(),
        panels: views,
        flags: flags.into_iter().map(|(_, view)| view).collect(),
        bands: bands.into_iter().map(|(_, view)| view).collect(),
    })
}

/// What was seen in the range, at most about `points` ticks a node.
pub(crate) async fn ticks(
    api: &Api,
    cluster: &ClusterName,
    range: TimeRange,
    points: f64,
) -> Result<Vec<Tick>, ApiError> {
    let step_s = history_step_s(range, points.max(1.0) as usize);
    let buckets = api.engine.history().frames(cluster, range, step_s).await?;
    Ok(buckets.into_iter().map(|bucket| tick(bucket, step_s)).collect())
}

/// The texts of every fingerprint in the ticks.
pub(crate) async fn texts(
    api: &Api,
    cluster: &ClusterName,
    ticks: &[Tick],
) -> Result<BTreeMap<Fingerprint, String>, ApiError> {
    let fps = fingerprints(ticks);
    let texts = api.engine.history().texts(cluster, &fps).await?;
    Ok(texts.into_iter().map(|(fp, stored)| (fp, stored.text)).collect())
}

/// Every fingerprint in the ticks.
pub(crate) fn fingerprints(ticks: &[Tick]) -> Vec<Fingerprint> {
    let counted = ticks.iter().flat_map(|tick| tick.queries.iter().map(|query| &query.fp));
    let sampled = ticks.iter().flat_map(|tick| tick.sessions.iter().filter_map(|(fp, _)| fp.as_ref()));
    let distinct: BTreeSet<&Fingerprint> = counted.chain(sampled).collect();
    distinct.into_iter().cloned().collect()
}

async fn flags(
    api: &Api,
    cluster: &ClusterName,
    environment: &str,
    range: TimeRange,
) -> Result<Vec<(Flag, FlagView)>, ApiError> {
    let deploys = api.engine.history().deploys(range, Some(environment)).await?;
    Ok(deploys
        .into_iter()
        .filter(|deploy| deploy.concerns(cluster, environment))
        .filter_map(|deploy| {
            let at = deploy.finished.or(deploy.started)?;
            let title = deploy.title();
            let view = FlagView {
                deploy_id: deploy.id.to_string(),
                at: at.as_secs(),
                started: deploy.started.map(faultline_model::Timestamp::as_secs),
                title: title.clone(),
                kind: deploy.kind.into(),
                status: deploy.status.into(),
            };
            let flag = Flag {
                deploy: deploy.id,
                at,
                started: deploy.started,
                label: title,
                kind: deploy.kind,
                status: deploy.status,
            };
            Some((flag, view))
        })
        .collect())
}

async fn bands(
    api: &Api,
    cluster: &ClusterName,
    range: TimeRange,
) -> Result<Vec<(Band, BandView)>, ApiError> {
    let records = api.engine.history().incidents(range, Some(cluster)).await?;
    Ok(records
        .into_iter()
        .map(|record| {
            let band = Band { from: record.onset, to: record.resolved, severity: record.severity };
            let view = BandView {
                incident: record.id.to_string(),
                from: record.onset.as_secs(),
                to: record.resolved.map(faultline_model::Timestamp::as_secs),
                severity: record.severity.into(),
            };
            (band, view)
        })
        .collect())
}

/// The chart's colours for the window's theme.
pub(crate) fn theme(theme: Theme) -> faultline_chart::Theme {
    match theme {
        Theme::Light => faultline_chart::Theme::Light,
        Theme::Dark => faultline_chart::Theme::Dark,
    }
}

fn panel_view(panel: Panel, drawn: Drawn) -> PanelView {
    PanelView {
        id: match panel.id {
            faultline_chart::PanelId::Latency => PanelId::Latency,
            faultline_chart::PanelId::Load => PanelId::Load,
            faultline_chart::PanelId::Calls | faultline_chart::PanelId::Signal => PanelId::Calls,
        },
        title: panel.title,
        unit: panel.unit.to_owned(),
        svg: drawn.svg,
        plot: area(drawn.plot),
        y_max: drawn.y_max,
        series: panel
            .series
            .into_iter()
            .map(|series| SeriesView {
                key: series.key,
                label: series.label,
                color: series.color.css(),
                points: series.points.into_iter().map(|(at, value)| (at.as_secs(), value)).collect(),
            })
            .collect(),
        marks: drawn
            .flags
            .into_iter()
            .map(|flag| MarkView {
                deploy_id: flag.deploy.to_string(),
                x_px: flag.x_px,
                label: flag.chip.map(area),
            })
            .collect(),
    }
}

fn area(rect: faultline_chart::Rect) -> PlotArea {
    PlotArea {
        left_px: rect.left_px,
        top_px: rect.top_px,
        width_px: rect.width_px,
        height_px: rect.height_px,
    }
}
