//! New or changed queries cost more: a new query, more calls a request, a worse plan, a missing index.

use faultline_model::{Cause, CauseVerdict, Fingerprint, signal};

use super::clues::{Way, agreement};
use super::words::{fixed, percent, quoted, share};
use super::{missing, scored};
use crate::attribution::Split;
use crate::evidence::Evidence;
use crate::stats::rise;
use crate::wait::Wait;

/// Share of the extra load at which changed queries are as likely as not to be the cause.
const SHARE_MIDDLE: f64 = 0.35;

/// Queries that hold most of what changed when few are to blame; many changing alike have a cause in common.
const FEW: usize = 3;

/// Judges it.
pub(crate) fn judge(evidence: &Evidence<'_>) -> CauseVerdict {
    let attribution = &evidence.attribution;
    if attribution.positive <= 0.0 {
        return by_signals(evidence);
    }
    let slowdown = attribution.cost_ratio.map_or(1.0, |ratio| ratio.value.max(1.0));
    let mut own: Vec<(f64, &Split, &Fingerprint)> =
        attribution.queries.iter().map(|(fp, split)| (own_part(split, slowdown), split, fp)).collect();
    own.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.2.cmp(b.2)));
    let all: f64 = own.iter().map(|(part, _, _)| part).sum();
    let few: f64 = own.iter().take(FEW).map(|(part, _, _)| part).sum();
    let changed = all / attribution.positive;
    let concentrated = if all > 0.0 { few / all } else { 0.0 };
    let locked = locked_share(evidence);
    let score = rise(changed, SHARE_MIDDLE, 0.4) * rise(concentrated, 0.4, 0.4) * (1.0 - 0.8 * locked);
    let Some((part, split, fp)) = own.first().filter(|(part, _, _)| *part > 0.0) else {
        return scored(Cause::QueryRegression, 0.02, "no query makes more load than traffic explains");
    };
    let of_extra = share((part / attribution.positive).min(1.0));
    let query = quoted(evidence.world, fp);
    let why = if split.is_new {
        let calls = match split.after.calls_per_s {
            calls if calls > 0.0 => format!("{} calls/s, ", fixed(calls, 1)),
            _ => String::new(),
        };
        let load = fixed(split.parts.total(), 2);
        format!("new query {query} makes {of_extra} of the extra load ({calls}{load} AAS)")
    } else {
        format!("query {query} makes {of_extra} of the extra load: {}", change(split))
    };
    scored(Cause::QueryRegression, score, why)
}

/// The part of a query's extra load that is its own: not traffic, and not the slowdown that all queries share.
fn own_part(split: &Split, slowdown: f64) -> f64 {
    let parts = &split.parts;
    let shared = (slowdown - 1.0) * split.before.counted * split.after.calls_per_s
        / split.before.calls_per_s.max(f64::MIN_POSITIVE);
    let cost = if split.is_new { 0.0 } else { (parts.cost - shared).max(0.0) };
    let part = parts.new_query.max(0.0) + parts.calls.max(0.0) + cost + parts.unfinished.max(0.0);
    part.min(parts.total().max(0.0))
}

/// Share of the extra sessions that wait for locks: their load is not the queries' own work.
fn locked_share(evidence: &Evidence<'_>) -> f64 {
    let ((before, after), (all_before, all_after)) = (evidence.waiting(Wait::Lock), evidence.at_work());
    let extra = all_after - all_before;
    if extra <= 0.0 { 0.0 } else { ((after - before) / extra).clamp(0.0, 1.0) }
}

fn change(split: &Split) -> String {
    if split.before.calls_per_s <= 0.0 || split.after.calls_per_s <= 0.0 {
        return format!("{:.2} → {:.2} sessions at work on it", split.before.sampled, split.after.sampled);
    }
    let cost = |used: &crate::window::Use| used.counted / used.calls_per_s * 1_000.0;
    format!(
        "calls {}, mean time {:.2} → {:.2} ms",
        percent(split.after.calls_per_s / split.before.calls_per_s),
        cost(&split.before),
        cost(&split.after)
    )
}

/// Without queries: more rows or pages read for each piece of work.
fn by_signals(evidence: &Evidence<'_>) -> CauseVerdict {
    let Some(work) = evidence.shift(signal::THROUGHPUT) else {
        return missing(
            Cause::QueryRegression,
            "not observed: statement counters, session samples, throughput",
        );
    };
    let clues = [
        (signal::SCAN_READS_PER_S, Way::Up, 2.0),
        (signal::ROWS_READ_PER_S, Way::Up, 2.0),
        (signal::LOGICAL_READS_PER_S, Way::Up, 1.5),
        (signal::CPU_USER, Way::Up, 1.0),
        (signal::THROUGHPUT, Way::NotUp, 1.0),
    ];
    match agreement(evidence, &clues) {
        Some((agreement, sentence)) => scored(
            Cause::QueryRegression,
            0.9 * rise(agreement, 0.5, 0.5) * rise(1.5 - work.ratio(), 0.0, 0.6),
            format!("per piece of work (throughput {}): {sentence}", percent(work.ratio())),
        ),
        None => missing(
            Cause::QueryRegression,
            "not observed: statement counters, scan_reads_per_s, rows_read_per_s",
        ),
    }
}
