//! Whole incidents and quiet hours: observations in, events out.

mod edge;
mod endings;
mod same;
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
