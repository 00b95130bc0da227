//! The hypotheses: one file each, all with the same signature. A new one is a file and a line in [`JUDGES`].

mod abuse;
mod batch_job;
mod cache_loss;
mod clues;
mod configuration;
mod connection_storm;
mod cpu_saturation;
mod data_growth;
mod io_saturation;
mod lock_contention;
mod maintenance;
mod network;
mod query_regression;
mod replica_only;
mod schema_design;
mod traffic_surge;
mod words;

use faultline_model::{Cause, CauseVerdict, Finding};

use crate::evidence::Evidence;

/// Judges one hypothesis.
type Judge = fn(&Evidence<'_>) -> CauseVerdict;

/// Every cause of the vocabulary has its judge here.
const JUDGES: &[Judge] = &[
    query_regression::judge,
    schema_design::judge,
    traffic_surge::judge,
    abuse::judge,
    lock_contention::judge,
    io_saturation::judge,
    cpu_saturation::judge,
    network::judge,
    maintenance::judge_backup,
    maintenance::judge_restore,
    maintenance::judge_flush,
    maintenance::judge_vacuum,
    configuration::judge,
    connection_storm::judge,
    cache_loss::judge,
    data_growth::judge,
    batch_job::judge,
    replica_only::judge,
];

/// Score from which a cause is supported.
const SUPPORTED: f64 = 0.5;

/// Score up to which a cause is ruled out.
const RULED_OUT: f64 = 0.2;

/// Score of a cause of which nothing can be told.
const UNKNOWN: f64 = 0.05;

/// Judges every hypothesis, best first.
pub(crate) fn judge_all(evidence: &Evidence<'_>) -> Vec<CauseVerdict> {
    let mut verdicts: Vec<CauseVerdict> = JUDGES.iter().map(|judge| judge(evidence)).collect();
    verdicts.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.cause.cmp(&b.cause)));
    verdicts
}

/// A verdict from a score; `why` becomes a sentence.
fn scored(cause: Cause, score: f64, why: impl AsRef<str>) -> CauseVerdict {
    let score = score.clamp(0.0, 0.99);
    let verdict = match score {
        s if s >= SUPPORTED => Finding::Supported,
        s if s <= RULED_OUT => Finding::RuledOut,
        _ => Finding::Inconclusive,
    };
    CauseVerdict {
        cause,
        verdict,
        score: (score * 100.0).round() / 100.0,
        why: words::sentence(why.as_ref()),
    }
}

/// A verdict when what would tell is not observed; `why` names it.
fn missing(cause: Cause, why: impl AsRef<str>) -> CauseVerdict {
    CauseVerdict { cause, verdict: Finding::Inconclusive, score: UNKNOWN, why: words::sentence(why.as_ref()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnalysisConfig, world::World};
    use faultline_model::Timestamp;
    use std::collections::BTreeMap;

    #[test]
    fn every_cause_is_judged_once_and_nothing_is_supported_by_nothing() {
        let (world, config, before) = (World::default(), AnalysisConfig::default(), BTreeMap::new());
        let evidence = Evidence::gather(&world, &config, Timestamp::from_secs(100.0), &before, Vec::new());
        let verdicts = judge_all(&evidence);
        let mut causes: Vec<Cause> = verdicts.iter().map(|verdict| verdict.cause).collect();
        causes.sort();
        assert_eq!(causes, Cause::ALL);
        for verdict in verdicts {
            assert_ne!(verdict.verdict, Finding::Supported, "{verdict:?}");
            let (first, last) = (verdict.why.chars().next().unwrap(), verdict.why.chars().last().unwrap());
            assert!(!first.is_lowercase() && last == '.', "{verdict:?}");
        }
    }
}
