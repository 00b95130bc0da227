//! The suspect queries: the ten that hold most of the positive part of the extra load.

use std::collections::BTreeMap;

use faultline_model::{Fingerprint, MAX_VERDICT_QUERIES, MAX_VERDICT_TEXT_CHARS, QueryText, SuspectQuery};

use crate::attribution::Attribution;

/// Shares below this are noise and not worth a line.
const SHARE_MIN: f64 = 0.005;

/// The suspect queries, by share of the positive part of the extra load.
pub(crate) fn rank(attribution: &Attribution, texts: &BTreeMap<Fingerprint, QueryText>) -> Vec<SuspectQuery> {
    if attribution.positive <= 0.0 {
        return Vec::new();
    }
    let mut shares: Vec<(&Fingerprint, f64)> = attribution
        .queries
        .iter()
        .map(|(fp, split)| (fp, split.parts.total() / attribution.positive))
        .filter(|(_, share)| *share >= SHARE_MIN)
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    shares.truncate(MAX_VERDICT_QUERIES);
    shares
        .into_iter()
        .map(|(fp, share)| SuspectQuery {
            fp: fp.clone(),
            text: texts.get(fp).map(|text| text.text.chars().take(MAX_VERDICT_TEXT_CHARS).collect()),
            share: share.min(1.0),
        })
        .collect()
}
