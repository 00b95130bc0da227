//! Who sends the requests: ordinary visitors, each a few requests, or a handful of clients that send many. And how many
//! different ones there were of late, as an edge counts them.

use std::collections::{BTreeSet, HashSet, VecDeque};

/// Visitors that come and go for each request per second: so many that most are seen once in the edge's window.
const VISITORS_PER_REQUEST_PER_S: f64 = 20.0;
/// How long the edge remembers a client, seconds.
pub(super) const WINDOW_S: u64 = 10;
/// Most clients that are remembered of one second; more are not told apart from these.
const MAX_CLIENTS_A_SECOND: usize = 20_000;

/// A client's number.
pub(super) type Client = u64;

/// A part of the requests that comes from few clients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Few {
    /// How large a part, 0 to 1.
    pub(super) share: f64,
    /// From how many clients.
    pub(super) clients: u32,
}

/// Who sends the request with that seed. `requests_per_s` are those of all visitors together; with more requests there
/// are more visitors.
pub(super) fn client(seed: u64, requests_per_s: f64, few: Option<Few>) -> Client {
    let (lot, number) = (mixed(seed), mixed(seed ^ 0x9e37_79b9_7f4a_7c15));
    match few {
        Some(few) if (lot as f64 / u64::MAX as f64) < few.share => {
            u64::MAX - number % u64::from(few.clients.max(1))
        }
        _ => number % ((requests_per_s * VISITORS_PER_REQUEST_PER_S) as u64).max(1),
    }
}

/// Another number that looks drawn anew (the finalizer of SplitMix64), so that nothing else is drawn differently.
const fn mixed(seed: u64) -> u64 {
    let once = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let twice = (once ^ (once >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    twice ^ (twice >> 31)
}

/// The clients of the last [`WINDOW_S`] seconds.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// By second since the start, oldest first.
    seconds: VecDeque<(u64, HashSet<Client>)>,
}

impl Clients {
    /// A request of that client came in then, seconds since the start.
    pub(super) fn saw(&mut self, client: Client, now_s: f64) {
        let now = now_s as u64;
        self.forget(now);
        match self.seconds.back_mut() {
            Some((second, clients)) if *second == now => {
                if clients.len() < MAX_CLIENTS_A_SECOND {
                    clients.insert(client);
                }
            }
            _ => self.seconds.push_back((now, HashSet::from([client]))),
        }
    }

    /// How many different ones there were.
    pub(super) fn count(&mut self, now_s: f64) -> usize {
        self.forget(now_s as u64);
        self.seconds.iter().flat_map(|(_, clients)| clients).collect::<BTreeSet<_>>().len()
    }

    fn forget(&mut self, now: u64) {
        while self.seconds.front().is_some_and(|(second, _)| second + WINDOW_S <= now) {
            self.seconds.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(requests: u64, requests_per_s: f64, few: Option<Few>) -> usize {
        let mut clients = Clients::default();
        (0..requests).for_each(|seed| clients.saw(client(seed, requests_per_s, few), 3.0));
        clients.count(3.9)
    }

    #[test]
    fn more_visitors_are_more_clients_and_a_flood_is_not() {
        let (calm, surge) = (counted(2_000, 200.0, None), counted(10_000, 1_000.0, None));
        assert!((1_400..2_000).contains(&calm), "{calm}");
        assert!((4.5..5.5).contains(&(surge as f64 / calm as f64)), "{surge} for {calm}");
        let flood = counted(10_000, 200.0, Some(Few { share: 0.8, clients: 3 }));
        assert!((0.9..1.1).contains(&(flood as f64 / calm as f64)), "{flood} for {calm}");
        assert_eq!(counted(500, 200.0, Some(Few { share: 1.0, clients: 3 })), 3);
    }

    #[test]
    fn clients_are_forgotten_after_the_window() {
        let mut clients = Clients::default();
        clients.saw(1, 0.5);
        clients.saw(1, 4.0);
        clients.saw(2, 9.9);
        assert_eq!(clients.count(9.9), 2);
        assert_eq!(clients.count(13.9), 2);
        assert_eq!(clients.count(14.0), 1);
        assert_eq!(clients.count(30.0), 0);
    }
}
