//! With an edge that counts requests and clients, many visitors are told from a few clients that ask for a lot.

use faultline_model::Cause;

use super::support::{Scenario, World, deploy};
use super::{Change, Expected, check};

const HEALTHY: (f64, f64) = (200.0, 1_500.0);

/// Four times the work from `t` = 120 on, from `clients` times the clients.
fn more(t: f64, world: &mut World, clients: f64) {
    world.edge = Some(HEALTHY);
    if t >= 120.0 {
        world.queries.iter_mut().for_each(|query| query.calls_per_s *= 4.0);
        world.edge = Some((4.0 * HEALTHY.0, clients * HEALTHY.1));
    }
}

#[test]
fn clients_tell_a_surge_from_a_flood() {
    let cases: [(&str, Change, Cause, &[Cause]); 3] = [
        ("as many more clients", |t, world, _| more(t, world, 4.0), Cause::TrafficSurge, &[Cause::Abuse]),
        ("the same clients", |t, world, _| more(t, world, 1.0), Cause::Abuse, &[Cause::TrafficSurge]),
        ("fewer clients", |t, world, _| more(t, world, 0.8), Cause::Abuse, &[Cause::TrafficSurge]),
    ];
    for (name, change, cause, ruled_out) in cases {
        for seed in 1..=3 {
            let deploys = vec![deploy("search-88", "search", "88", 60.0)];
            let scenario = Scenario { seconds: 300, seed, change, deploys };
            let expected = Expected {
                opened: Some((122.0, 140.0)),
                cause: Some(cause),
                deploy: None,
                query: None,
                ruled_out,
                resolved_by: None,
            };
            check(&format!("{name}, seed {seed}"), &scenario, &expected);
        }
    }
}
