//! More, or less, of the services' requests for a while.

use std::time::Duration;

use super::clients::Few;

/// Another rate of requests, from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct TrafficChange {
    /// Of these services; of all when empty.
    pub services: Vec<String>,
    /// Of these routes; of all when empty.
    pub routes: Vec<String>,
    /// Times the rate at the beginning, 0 and more.
    pub factor: f64,
    /// How long it takes to get there.
    pub ramp: Duration,
    /// The clients that what is more comes from; as many more as there are more requests when `None`.
    pub clients: Option<u32>,
}

/// A change under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeId(u64);

/// All changes under way. Where several concern a route, they multiply.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    changes: Vec<(ChangeId, TrafficChange, f64)>,
    last: u64,
}

impl Traffic {
    /// Begins a change; times are seconds since the start.
    pub(super) fn begin(&mut self, change: TrafficChange, now_s: f64) -> ChangeId {
        self.last += 1;
        let id = ChangeId(self.last);
        self.changes.push((id, change, now_s));
        id
    }

    /// Ends a change at once.
    pub(super) fn end(&mut self, id: ChangeId) {
        self.changes.retain(|(change, _, _)| *change != id);
    }

    /// Times the rate of a route.
    pub(super) fn factor(&self, service: &str, route: &str, now_s: f64) -> f64 {
        self.of(service, route, now_s).map(|(factor, _)| factor).product()
    }

    /// Times the visitors of a route, and the part of its requests that comes from few clients.
    pub(super) fn origin(&self, service: &str, route: &str, now_s: f64) -> (f64, Option<Few>) {
        let (mut visitors, mut few) = (1.0, None);
        for (factor, clients) in self.of(service, route, now_s) {
            match clients {
                Some(clients) if factor > 1.0 => few = Some(Few { share: 1.0 - 1.0 / factor, clients }),
                _ => visitors *= factor,
            }
        }
        (visitors, few)
    }

    /// Of every change that concerns a route: times its rate, and from how many clients.
    fn of<'a>(
        &'a self,
        service: &'a str,
        route: &'a str,
        now_s: f64,
    ) -> impl Iterator<Item = (f64, Option<u32>)> + 'a {
        let concerns = |names: &[String], name: &str| names.is_empty() || names.iter().any(|one| one == name);
        let of_route = self.changes.iter().filter(move |(_, change, _)| {
            concerns(&change.services, service) && concerns(&change.routes, route)
        });
        of_route.map(move |(_, change, begun_s)| {
            let ramp_s = change.ramp.as_secs_f64();
            let done = if ramp_s > 0.0 { ((now_s - begun_s) / ramp_s).clamp(0.0, 1.0) } else { 1.0 };
            ((1.0 + (change.factor - 1.0) * done).max(0.0), change.clients)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(services: &[&str], routes: &[&str], factor: f64, ramp_s: u64) -> TrafficChange {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        TrafficChange {
            services: owned(services),
            routes: owned(routes),
            factor,
            ramp: Duration::from_secs(ramp_s),
            clients: None,
        }
    }

    #[test]
    fn changes_concern_what_they_name_and_multiply() {
        let mut traffic = Traffic::default();
        let all = traffic.begin(change(&[], &[], 2.0, 10), 100.0);
        traffic.begin(change(&["search"], &[], 3.0, 0), 100.0);
        let route = traffic.begin(change(&["search"], &["GET /"], 0.5, 0), 105.0);
        let check = |traffic: &Traffic, service, route, now_s, expected: f64| {
            assert_eq!(traffic.factor(service, route, now_s), expected, "{service} {route} at {now_s}");
        };
        check(&traffic, "account", "GET /", 100.0, 1.0);
        check(&traffic, "account", "GET /", 105.0, 1.5);
        check(&traffic, "account", "GET /", 130.0, 2.0);
        check(&traffic, "search", "GET /item", 100.0, 3.0);
        check(&traffic, "search", "GET /item", 110.0, 6.0);
        check(&traffic, "search", "GET /", 110.0, 3.0);
        traffic.end(route);
        check(&traffic, "search", "GET /", 110.0, 6.0);
        traffic.end(all);
        check(&traffic, "search", "GET /", 110.0, 3.0);
        check(&traffic, "account", "GET /", 110.0, 1.0);
    }

    #[test]
    fn what_comes_from_few_clients_brings_no_visitors() {
        let mut traffic = Traffic::default();
        traffic.begin(change(&[], &[], 2.0, 0), 0.0);
        traffic.begin(TrafficChange { clients: Some(3), ..change(&["search"], &["GET /"], 5.0, 0) }, 0.0);
        assert_eq!(traffic.origin("account", "GET /", 1.0), (2.0, None));
        assert_eq!(traffic.origin("search", "GET /", 1.0), (2.0, Some(Few { share: 0.8, clients: 3 })));
        assert_eq!(traffic.factor("search", "GET /", 1.0), 10.0);
    }
}
