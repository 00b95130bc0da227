//! From what the store delivers to what charts are built from.

use faultline_chart::build::Tick;
use faultline_engine::Bucket;
use faultline_model::{QueryDelta, QueryDeltas};

/// The store's bucket of `step_s` seconds as a chart's tick.
pub(crate) fn tick(bucket: Bucket, step_s: f64) -> Tick {
    let mut tick = Tick::new(bucket.at, step_s, bucket.node);
    if let Some(signals) = bucket.signals {
        tick.signals = signals.values;
    }
    if let Some(queries) = bucket.queries {
        tick.queries_observed = true;
        tick.queries = over_the_whole_step(queries, step_s);
    }
    if let Some(sessions) = bucket.sessions {
        tick.sessions_observed = true;
        tick.sessions = sessions
            .into_iter()
            .filter(|group| group.active)
            .map(|group| (group.fp, group.mean_sessions))
            .collect();
    }
    tick
}

/// What was counted over the observed part of a step, at the same rate over all of it.
fn over_the_whole_step(queries: QueryDeltas, step_s: f64) -> Vec<QueryDelta> {
    let factor = if queries.span_s > 0.0 { step_s / queries.span_s } else { 1.0 };
    queries
        .rows
        .into_iter()
        .map(|row| QueryDelta {
            calls: row.calls * factor,
            time_ms: row.time_ms * factor,
            rows: row.rows.map(|rows| rows * factor),
            ..row
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use faultline_model::Timestamp;

    use super::*;

    #[test]
    fn a_step_that_was_half_observed_keeps_its_rate() {
        let row = QueryDelta {
            fp: "a".into(),
            calls: 10.0,
            time_ms: 50.0,
            rows: None,
            blocks_hit: None,
            blocks_read: None,
            errors: None,
        };
        let bucket = Bucket {
            at: Timestamp::from_secs(60.0),
            node: "primary".into(),
            signals: None,
            queries: Some(QueryDeltas { span_s: 5.0, complete: true, rows: vec![row] }),
            sessions: None,
            samples: 0,
        };
        let tick = tick(bucket, 10.0);
        assert_eq!((tick.queries[0].calls, tick.queries[0].time_ms), (20.0, 100.0));
        assert!(tick.queries_observed && !tick.sessions_observed);
    }
}
