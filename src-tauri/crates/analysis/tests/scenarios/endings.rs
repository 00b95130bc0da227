//! How incidents end: told soon, once, and not while they go on.

use faultline_model::{EventKind, IncidentEvent};

use super::*;

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
