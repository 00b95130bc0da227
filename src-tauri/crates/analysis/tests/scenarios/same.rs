//! The same observations lead to the same words: cut, replayed, or after a restart.

use super::*;

#[test]
fn it_does_not_matter_how_a_frame_is_cut() {
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    let mut live = Analysis::new(AnalysisConfig::default(), &header());
    let mut recorded = Analysis::new(AnalysisConfig::default(), &header());
    run(&demo(3), |group| {
        group.iter().for_each(|observation| live.observe(observation));
        group.iter().rev().flat_map(take_apart).for_each(|observation| recorded.observe(&observation));
        whole.extend(live.settle());
        parts.extend(recorded.settle());
        live.is_suspicious()
    });
    assert!(!whole.is_empty());
    assert_eq!(whole, parts);
}

#[test]
fn replay_says_the_same_as_live_and_nothing_at_the_end() {
    let mut live = Analysis::new(AnalysisConfig::default(), &header());
    let mut lines: Vec<Observation> = Vec::new();
    let mut expected = Vec::new();
    run(&demo(4), |group| {
        group.iter().for_each(|observation| live.observe(observation));
        lines.extend(group.iter().flat_map(take_apart));
        expected.extend(live.settle());
        live.is_suspicious()
    });
    let last = lines.last().map(Observation::at).unwrap_or_default();
    expected.retain(|event: &IncidentEvent| event.t < last);
    for _ in 0..2 {
        let mut replay = Replay::new(AnalysisConfig::default(), &header());
        let events: Vec<IncidentEvent> = lines.iter().flat_map(|line| replay.feed(line)).collect();
        assert_eq!(events, expected);
    }
}

#[test]
fn a_restart_finds_the_incident_open_again() {
    let mut history: Vec<Observation> = Vec::new();
    let mut scenario = demo(5);
    scenario.seconds = 110;
    run(&scenario, |group| {
        history.extend(group);
        true
    });
    let mut analysis = Analysis::new(AnalysisConfig::default(), &header());
    analysis.set_next_incident(7);
    let mut at: Option<Timestamp> = None;
    for observation in &history {
        if at.is_some_and(|at| at != observation.at()) {
            analysis.settle();
        }
        at = Some(observation.at());
        analysis.observe(observation);
    }
    analysis.settle();
    assert_eq!(analysis.open_incident().unwrap().as_str(), "7");
    assert_eq!(analysis.phase(), Phase::Open);
    let recovery = analysis.recovery(&["guilty".into()]);
    assert!(
        !recovery.calm && recovery.queries_load.0 > 3.0 && recovery.queries_baseline.0 == 0.0,
        "{recovery:?}"
    );
    assert!(recovery.load_ratio.unwrap() > 2.0, "{recovery:?}");
}
