//! Whole incidents and quiet hours: observations in, events out.

mod support;

use faultline_analysis::{Analysis, AnalysisConfig, Phase, Replay};
use faultline_model::{Cause, EventKind, Finding, IncidentEvent, Observation, Severity, Timestamp, Verdict};
use support::{Random, START, Scenario, World, deploy, header, line, run, second, take_apart};

/// What a scenario must lead to.
struct Expected {
    /// First seconds between which it must open; `None`: it must stay quiet.
    opened: Option<(f64, f64)>,
    cause: Option<Cause>,
    deploy: Option<&'static str>,
    query: Option<&'static str>,
    ruled_out: &'static [Cause],
    resolved_by: Option<f64>,
}

/// Changes the workload of a second.
type Change = fn(f64, &mut World, &mut Random);

const QUIET: Expected =
    Expected { opened: None, cause: None, deploy: None, query: None, ruled_out: &[], resolved_by: None };

fn events(scenario: &Scenario) -> Vec<IncidentEvent> {
    let mut analysis = Analysis::new(AnalysisConfig::default(), &header());
    let mut events = Vec::new();
    run(scenario, |group| {
        group.iter().for_each(|observation| analysis.observe(observation));
        events.extend(analysis.settle());
        analysis.is_suspicious()
    });
    events
}

fn verdicts(events: &[IncidentEvent]) -> Vec<(f64, &Verdict)> {
    events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Verdict(verdict) => Some((second(event), verdict)),
            _ => None,
        })
        .collect()
}

/// Whole sentences, real minus signs, and no fingerprint of a query whose text is known.
fn reads_well(why: &str) -> bool {
    let chars: Vec<char> = why.chars().collect();
    let is_minus = |pair: &[char]| pair[0] == '-' && pair[1].is_ascii_digit();
    !why.starts_with(char::is_lowercase)
        && why.ends_with('.')
        && !chars.windows(2).any(is_minus)
        && !why.contains("guilty")
        && !why.contains(" q0")
}

fn check(name: &str, scenario: &Scenario, expected: &Expected) {
    let events = events(scenario);
    let story: Vec<String> =
        events.iter().map(|event| format!("{:>5} {}", second(event), line(event))).collect();
    let story = story.join("\n");
    let Some((from, to)) = expected.opened else {
        assert!(events.is_empty(), "{name} must stay quiet\n{story}");
        return;
    };
    let opened: Vec<f64> =
        events.iter().filter(|event| matches!(event.kind, EventKind::Opened(_))).map(second).collect();
    assert_eq!(opened.len(), 1, "{name} must open once\n{story}");
    assert!((from..=to).contains(&opened[0]), "{name} must open within {from}–{to}\n{story}");
    let verdicts = verdicts(&events);
    let (at, _) = verdicts.first().unwrap_or_else(|| panic!("{name} needs a verdict"));
    assert!(at - opened[0] <= 3.0, "{name}: the first verdict must come within 3 s\n{story}");
    for (at, verdict) in &verdicts {
        let first = &verdict.causes[0];
        if let Some(cause) = expected.cause {
            assert_eq!(
                (first.cause, first.verdict),
                (cause, Finding::Supported),
                "{name} at {at}: {first:#?}\n{story}"
            );
        }
        for cause in &verdict.causes {
            assert!(reads_well(&cause.why), "{name} at {at}: {}", cause.why);
        }
        let suspect = &verdict.deploys[0];
        assert_eq!(
            suspect.id.as_ref().map(|id| id.as_str()),
            expected.deploy,
            "{name} at {at}: {verdict:#?}\n{story}"
        );
        if let Some(query) = expected.query {
            assert_eq!(verdict.queries[0].fp.as_str(), query, "{name} at {at}: {verdict:#?}");
        }
        let sum: f64 = verdict.deploys.iter().map(|suspect| suspect.probability).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{name}: probabilities add up to {sum}");
        for cause in expected.ruled_out {
            let finding =
                verdict.causes.iter().find(|verdict| verdict.cause == *cause).map(|verdict| verdict.verdict);
            assert_eq!(finding, Some(Finding::RuledOut), "{name} at {at}: {verdict:#?}");
        }
    }
    if let Some(by) = expected.resolved_by {
        let resolved = events.iter().find(|event| matches!(event.kind, EventKind::Resolved { .. }));
        assert!(resolved.is_some_and(|event| second(event) <= by), "{name} must resolve by {by}\n{story}");
    }
}

fn demo(seed: u64) -> Scenario {
    Scenario {
        seconds: 240,
        seed,
        change: |t, world, _| {
            if (81.0..150.0).contains(&t) {
                world.n_plus_one();
            }
        },
        deploys: vec![
            deploy("search-88", "search", "88", 60.0),
            deploy("checkout-142", "checkout", "v142", 80.0),
        ],
    }
}

#[test]
fn an_n_plus_one_release_is_named_at_once() {
    for seed in 1..=10 {
        let expected = Expected {
            opened: Some((83.0, 91.0)),
            cause: Some(Cause::QueryRegression),
            deploy: Some("checkout-142"),
            query: Some("guilty"),
            ruled_out: &[Cause::TrafficSurge, Cause::LockContention],
            resolved_by: Some(235.0),
        };
        check(&format!("n+1, seed {seed}"), &demo(seed), &expected);
    }
}

/// A nearly idle database, with a second or two of company now and then.
fn nearly_idle(t: f64, world: &mut World, random: &mut Random) {
    world.idle(0.05 + 0.25 * ((t / 90.0).sin().abs()));
    if t % 41.0 < 1.0 + (t / 41.0).floor() % 2.0 {
        world.stall = (3.0 + 3.0 * random.even()).floor();
    }
}

#[test]
fn the_larger_the_effect_the_sooner_it_opens() {
    // Load before and during, seconds between samples, latest second after the onset.
    let cases: [(&str, Change, f64); 6] = [
        ("13 sessions on an idle database", |t, world, _| huge(t, 1.0, world), 5.0),
        ("the same, sampled every 2 s", |t, world, _| huge(t, 2.0, world), 7.0),
        ("the same, sampled every 3 s", |t, world, _| huge(t, 3.0, world), 10.0),
        (
            "13 sessions after company",
            |t, world, random| {
                nearly_idle(t.min(119.0), world, random);
                if t >= 121.0 {
                    world.stall = 0.0;
                    world.scan(13.0);
                }
            },
            6.0,
        ),
        (
            "4 sessions on an idle database",
            |t, world, _| {
                world.idle(0.08);
                if t >= 121.0 {
                    world.scan(4.0);
                }
            },
            9.0,
        ),
        (
            "2 sessions on an idle database",
            |t, world, _| {
                world.idle(0.08);
                if t >= 121.0 {
                    world.scan(2.0);
                }
            },
            20.0,
        ),
    ];
    for seed in 1..=10 {
        for (name, change, within_s) in cases {
            let expected = Expected {
                opened: Some((123.0, 121.0 + within_s)),
                cause: Some(Cause::QueryRegression),
                deploy: Some("checkout-142"),
                query: Some("guilty"),
                ruled_out: &[Cause::TrafficSurge],
                resolved_by: None,
            };
            let deploys = vec![deploy("checkout-142", "checkout", "v142", 120.0)];
            check(
                &format!("{name}, seed {seed}"),
                &Scenario { seconds: 160, seed, change, deploys },
                &expected,
            );
        }
    }
}

fn huge(t: f64, sampled_every: f64, world: &mut World) {
    world.idle(0.08);
    world.sampled_every = sampled_every;
    if t >= 121.0 {
        // Clients join within two seconds.
        world.scan(if t < 122.0 { 5.0 } else { 13.0 });
    }
}

#[test]
fn severity_at_opening_says_whether_users_must_notice() {
    use faultline_model::Severity::{Critical, Warning};
    let cases: [(&str, Severity, Change); 9] = [
        ("a queue on an idle database", Critical, |t, world, _| huge(t, 1.0, world)),
        ("a queue on two cores", Critical, |t, world, _| {
            world.cores = Some(2);
            world.idle(0.5);
            if t >= 121.0 {
                world.scan(8.0);
            }
        }),
        ("cheap calls on many cores", Warning, |t, world, _| {
            world.cores = Some(32);
            world.idle(0.5);
            if t >= 121.0 {
                world.n_plus_one();
            }
        }),
        ("everything slow and loaded", Critical, |t, world, _| {
            world.cores = Some(32);
            if t >= 121.0 {
                world.queries.iter_mut().for_each(|query| query.ms *= 15.0);
            }
        }),
        ("twice the load, no slower", Warning, |t, world, _| {
            if t >= 121.0 {
                world.n_plus_one();
                world.queries.iter_mut().for_each(|query| query.calls_per_s *= 0.8);
            }
        }),
        ("two sessions on an idle database", Warning, |t, world, _| {
            world.idle(0.08);
            if t >= 121.0 {
                world.scan(2.0);
            }
        }),
        ("a long report with two helpers", Warning, |t, world, _| {
            world.idle(0.08);
            if t >= 121.0 {
                world.queries[4].stuck = 3.0;
            }
        }),
        ("a lock queue", Critical, |t, world, _| {
            if t >= 121.0 {
                world.queries[7].wait = Some("Lock:transactionid");
                world.queries[7].stuck = 12.0;
            }
        }),
        ("requests fail", Critical, |t, world, _| {
            if t >= 121.0 {
                world.failed = 0.2;
            }
        }),
    ];
    for seed in 1..=4 {
        for (name, severity, change) in cases {
            let events = events(&Scenario { seconds: 150, seed, change, deploys: vec![] });
            let said: Vec<Severity> = events
                .iter()
                .filter_map(|event| match &event.kind {
                    EventKind::Opened(opened) => Some(opened.severity),
                    _ => None,
                })
                .collect();
            assert_eq!(said, [severity], "{name}, seed {seed}");
        }
    }
}

/// When it was called recovering and when resolved, in seconds of the scenario.
fn ends(events: &[IncidentEvent]) -> (Vec<f64>, Vec<f64>) {
    let at = |wanted: fn(&EventKind) -> bool| {
        events.iter().filter(|event| wanted(&event.kind)).map(second).collect()
    };
    (
        at(|kind| matches!(kind, EventKind::Recovering { .. })),
        at(|kind| matches!(kind, EventKind::Resolved { .. })),
    )
}

/// What is left after the trouble: somewhat more than before, and company now and then.
fn rest(t: f64, world: &mut World, random: &mut Random) {
    nearly_idle(t, world, random);
    world.idle(0.08);
    world.queries.iter_mut().for_each(|query| query.calls_per_s *= 5.0);
}

#[test]
fn the_end_is_told_soon_and_once() {
    // Latest seconds after the load is back, at 180, until it is called recovering and resolved.
    let cases: [(&str, (f64, f64), Change); 6] = [
        ("sampled every second", (11.0, 45.0), |t, world, random| ending(t, 1.0, 13.0, world, random)),
        ("every 2 s", (16.0, 50.0), |t, world, random| ending(t, 2.0, 13.0, world, random)),
        ("every 5 s after it began", (25.0, 60.0), |t, world, random| {
            ending(t, if t > 140.0 { 5.0 } else { 2.0 }, 13.0, world, random);
        }),
        ("dearer for a while, as caches are cold", (14.0, 48.0), |t, world, random| {
            ending(t, 1.0, 13.0, world, random);
            if (180.0..210.0).contains(&t) {
                world.queries.iter_mut().for_each(|query| query.ms *= 4.0);
            }
        }),
        ("a smaller effect", (20.0, 55.0), |t, world, random| ending(t, 1.0, 5.0, world, random)),
        ("a busy database", (25.0, 60.0), |t, world, _| {
            if (121.0..180.0).contains(&t) {
                world.queries.iter_mut().for_each(|query| query.calls_per_s *= 4.0);
            }
        }),
    ];
    for seed in 1..=8 {
        for (name, (recovering_s, resolved_s), change) in cases {
            let events = events(&Scenario { seconds: 420, seed, change, deploys: vec![] });
            let (recovering, resolved) = ends(&events);
            let story: Vec<String> =
                events.iter().map(|event| format!("{:>5} {}", second(event), line(event))).collect();
            let story = format!("{name}, seed {seed}\n{}", story.join("\n"));
            assert_eq!((recovering.len(), resolved.len()), (1, 1), "{story}");
            assert!((180.0..=180.0 + recovering_s).contains(&recovering[0]), "{story}");
            assert!((recovering[0] + 25.0..=180.0 + resolved_s).contains(&resolved[0]), "{story}");
        }
    }
}

fn ending(t: f64, sampled_every: f64, load: f64, world: &mut World, random: &mut Random) {
    world.idle(0.08);
    if (121.0..180.0).contains(&t) {
        world.scan(load);
    } else if t >= 180.0 {
        rest(t, world, random);
    }
    world.sampled_every = sampled_every;
}

#[test]
fn what_goes_on_is_not_called_recovering_and_what_returns_is_one_incident() {
    let goes_on: [(&str, Change); 3] = [
        ("13 sessions", |t, world, _| huge(t, 1.0, world)),
        ("traffic", |t, world, _| {
            if t >= 121.0 {
                world.queries.iter_mut().for_each(|query| query.calls_per_s *= 4.0);
            }
        }),
        ("3 sessions", |t, world, _| {
            world.idle(0.08);
            if t >= 121.0 {
                world.scan(3.0);
            }
        }),
    ];
    for seed in 1..=6 {
        for (name, change) in goes_on {
            let events = events(&Scenario { seconds: 600, seed, change, deploys: vec![] });
            assert_eq!(ends(&events), (vec![], vec![]), "{name}, seed {seed}");
        }
        let change: Change = |t, world, random| {
            ending(t, 1.0, 13.0, world, random);
            if (200.0..240.0).contains(&t) {
                world.scan(13.0);
            }
        };
        let (recovering, resolved) = ends(&events(&Scenario { seconds: 420, seed, change, deploys: vec![] }));
        assert_eq!((recovering.len(), resolved.len()), (2, 1), "seed {seed}: {recovering:?} {resolved:?}");
        assert!(resolved[0] <= 285.0, "seed {seed}: {resolved:?}");
    }
}

#[test]
fn an_idle_database_with_company_now_and_then_is_no_incident() {
    for seed in 1..=8 {
        let scenario = Scenario { seconds: 600, seed, change: nearly_idle, deploys: vec![] };
        check(&format!("nearly idle, seed {seed}"), &scenario, &QUIET);
    }
}

#[test]
fn a_dearer_query_is_blamed_on_its_own_service_only() {
    let worse_plan: Change = |t, world, _| {
        if t >= 121.0 {
            world.queries[5].ms *= 150.0;
        }
    };
    let more_calls: Change = |t, world, _| {
        if t >= 121.0 {
            world.queries[5].calls_per_s *= 150.0;
        }
    };
    // Query 5 belongs to `search`.
    let own = || {
        vec![deploy("checkout-142", "checkout", "v142", 100.0), deploy("search-89", "search", "89", 118.0)]
    };
    let other = || vec![deploy("checkout-142", "checkout", "v142", 90.0)];
    for seed in 1..=4 {
        for (name, change) in [("a worse plan", worse_plan), ("more calls a request", more_calls)] {
            for (deploys, guilty) in [(own(), Some("search-89")), (other(), None)] {
                let expected = Expected {
                    opened: Some((123.0, 133.0)),
                    cause: Some(Cause::QueryRegression),
                    deploy: guilty,
                    query: Some("q05"),
                    ruled_out: &[Cause::TrafficSurge],
                    resolved_by: None,
                };
                let scenario = Scenario { seconds: 180, seed, change, deploys };
                check(&format!("{name}, seed {seed}, {guilty:?}"), &scenario, &expected);
            }
        }
    }
}

#[test]
fn more_traffic_is_not_the_fault_of_a_deploy() {
    for seed in 1..=5 {
        let scenario = Scenario {
            seconds: 300,
            seed,
            change: |t, world, _| {
                if t >= 120.0 {
                    world.queries.iter_mut().for_each(|query| query.calls_per_s *= 4.0);
                }
            },
            deploys: vec![deploy("search-88", "search", "88", 60.0)],
        };
        let expected = Expected {
            opened: Some((122.0, 140.0)),
            cause: Some(Cause::TrafficSurge),
            deploy: None,
            query: None,
            ruled_out: &[],
            resolved_by: None,
        };
        check(&format!("traffic, seed {seed}"), &scenario, &expected);
    }
}

#[test]
fn a_lock_storm_is_told_from_dearer_queries() {
    for seed in 1..=5 {
        let scenario = Scenario {
            seconds: 240,
            seed,
            change: |t, world, _| {
                if t >= 120.0 {
                    let query = &mut world.queries[7];
                    query.wait = Some("Lock:transactionid");
                    query.stuck = ((t - 120.0) * 2.0).min(20.0);
                    query.calls_per_s = 0.0;
                }
            },
            deploys: vec![],
        };
        let expected = Expected {
            opened: Some((122.0, 132.0)),
            cause: Some(Cause::LockContention),
            deploy: None,
            query: Some("q07"),
            ruled_out: &[Cause::TrafficSurge],
            resolved_by: None,
        };
        check(&format!("locks, seed {seed}"), &scenario, &expected);
    }
}

#[test]
fn what_is_no_incident_opens_none() {
    let cases: [(&str, usize, Change); 7] = [
        ("a disk that stalls for two seconds", 3_600, |t, world, _| {
            if t % 61.0 < 2.0 {
                world.stall = 8.0 + t % 11.0;
            }
        }),
        ("two hours of nothing", 7_200, |_, _, _| {}),
        ("a stalled disk now and then", 3_600, |t, world, _| {
            if t % 97.0 < 1.0 {
                world.stall = 14.0;
            }
        }),
        ("busy seconds", 3_600, |_, world, random| {
            if random.even() < 0.04 {
                world.queries.iter_mut().for_each(|query| query.calls_per_s *= 4.0);
            }
        }),
        ("an improvement", 600, |t, world, _| {
            if t >= 200.0 {
                world.queries.iter_mut().for_each(|query| query.ms *= 0.3);
            }
        }),
        ("a gap", 900, |t, world, _| world.silent = (200.0..500.0).contains(&t)),
        ("slowly more traffic", 3_600, |t, world, _| {
            world.queries.iter_mut().for_each(|query| query.calls_per_s *= 1.0 + t / 3_600.0);
        }),
    ];
    for (name, seconds, change) in cases {
        for seed in 1..=2 {
            check(name, &Scenario { seconds, seed, change, deploys: vec![] }, &QUIET);
        }
    }
}

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

#[test]
fn nothing_is_said_in_the_first_seconds() {
    let scenario = Scenario {
        seconds: 20,
        seed: 1,
        change: |t, world, _| {
            if t >= 10.0 {
                world.n_plus_one();
            }
        },
        deploys: vec![],
    };
    check("a young baseline", &scenario, &QUIET);
}

#[test]
fn a_first_verdict_reads_well() {
    let events = events(&demo(1));
    let told: Vec<&IncidentEvent> =
        events.iter().filter(|event| event.t < Timestamp::from_secs(START + 92.0)).take(2).collect();
    insta::assert_json_snapshot!(told);
}
