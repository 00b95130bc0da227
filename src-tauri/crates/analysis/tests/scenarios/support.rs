//! A small synthetic cluster: what its queries cost and how often they run, turned into the frames that a source would
//! make. Random numbers come from a fixed generator, so that every run is the same.

use std::collections::BTreeMap;

use faultline_model::{
    About, Deploy, DeployKind, DeployStatus, Engine, EventKind, Fingerprint, Frame, Header, IncidentEvent,
    NodeName, Observation, Observed, QueryDelta, QueryDeltas, QueryText, Role, SessionGroup, Signals,
    Timestamp, signal,
};

/// When every scenario begins.
pub(crate) const START: f64 = 1_700_000_000.0;

/// A small generator of random numbers (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Even in 0–1.
    pub(crate) fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A count with this mean.
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        if mean > 30.0 {
            let normal = (0..12).map(|_| self.even()).sum::<f64>() - 6.0;
            return (mean + normal * mean.sqrt()).round().max(0.0);
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.even(), 0.0);
        while product > limit {
            product *= self.even();
            count += 1.0;
        }
        count
    }
}

/// One query of the workload.
#[derive(Clone)]
pub(crate) struct Query {
    pub(crate) fp: String,
    pub(crate) text: String,
    pub(crate) service: String,
    pub(crate) version: String,
    pub(crate) node: &'static str,
    pub(crate) calls_per_s: f64,
    pub(crate) ms: f64,
    pub(crate) wait: Option<&'static str>,
    /// Statements that never finish: sessions stuck on this query.
    pub(crate) stuck: f64,
    pub(crate) clients: usize,
}

/// What the world is like in one second.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) queries: Vec<Query>,
    pub(crate) connections: f64,
    /// Sessions that wait for the log this second only.
    pub(crate) stall: f64,
    pub(crate) silent: bool,
    /// Failed share of the requests.
    pub(crate) failed: f64,
    pub(crate) cores: Option<u32>,
    /// Seconds between session samples.
    pub(crate) sampled_every: f64,
    /// Requests per second and distinct clients that the edge counts, where there is one.
    pub(crate) edge: Option<(f64, f64)>,
}

pub(crate) fn workload() -> World {
    let services = ["checkout", "search", "catalog", "account"];
    let queries = (0..40)
        .map(|i| Query {
            fp: format!("q{i:02}"),
            text: format!("select * from t{i} where id = ?"),
            service: services[i % 4].to_owned(),
            version: "v1".to_owned(),
            node: if i % 3 == 0 { "replica-1" } else { "primary" },
            calls_per_s: 2.0 + (i as f64 * 7.0) % 23.0,
            ms: 0.5 + (i as f64 * 3.0) % 7.0,
            wait: None,
            stuck: 0.0,
            clients: 4,
        })
        .collect();
    World {
        queries,
        connections: 40.0,
        stall: 0.0,
        silent: false,
        failed: 0.0,
        cores: None,
        sampled_every: 1.0,
        edge: None,
    }
}

impl World {
    /// Makes the work so cheap that all of it is this load, in average active sessions.
    pub(crate) fn idle(&mut self, load: f64) {
        let all: f64 = self.queries.iter().map(|query| query.calls_per_s * query.ms / 1_000.0).sum();
        self.queries.iter_mut().for_each(|query| query.ms *= load / all);
    }

    /// Adds the query of a bad release that reads much: few calls, each of them dear.
    pub(crate) fn scan(&mut self, load: f64) {
        self.n_plus_one();
        if let Some(guilty) = self.queries.last_mut() {
            guilty.calls_per_s = 40.0;
            guilty.ms = load * 1_000.0 / guilty.calls_per_s;
        }
    }

    /// Adds the query of the bad release: many calls for each unit of traffic.
    pub(crate) fn n_plus_one(&mut self) {
        self.queries.push(Query {
            fp: "guilty".to_owned(),
            text: "select * from item where order_id = ?".to_owned(),
            service: "checkout".to_owned(),
            version: "v142".to_owned(),
            node: "primary",
            calls_per_s: 900.0,
            ms: 6.0,
            wait: None,
            stuck: 0.0,
            clients: 4,
        });
    }
}

pub(crate) struct Scenario {
    pub(crate) seconds: usize,
    pub(crate) seed: u64,
    /// Changes the workload of a second; starts from the healthy one.
    pub(crate) change: fn(f64, &mut World, &mut Random),
    pub(crate) deploys: Vec<(f64, Deploy)>,
}

pub(crate) fn deploy(id: &str, service: &str, version: &str, at: f64) -> (f64, Deploy) {
    (
        at,
        Deploy {
            id: id.into(),
            service: service.into(),
            version: Some(version.to_owned()),
            previous: None,
            environment: "production".to_owned(),
            started: Some(Timestamp::from_secs(START + at - 1.0)),
            finished: Some(Timestamp::from_secs(START + at)),
            status: DeployStatus::Succeeded,
            kind: DeployKind::Deploy,
            actor: None,
            url: None,
            cluster: None,
        },
    )
}

pub(crate) fn header() -> Header {
    Header {
        cluster: "shop".into(),
        interval_s: 1.0,
        sessions_s: Some(1.0),
        fp_version: Some(1),
        title: None,
        engine: Engine::Postgres,
    }
}

/// Counters that were not read yet: calls and time by query.
#[derive(Default)]
struct Meter {
    since: f64,
    counts: BTreeMap<String, (f64, f64)>,
}

/// Runs a scenario against `observe`, which says whether the counters shall be read every 2 s.
pub(crate) fn run(scenario: &Scenario, mut observe: impl FnMut(Vec<Observation>) -> bool) {
    let mut random = Random::new(scenario.seed);
    let mut meters: BTreeMap<&str, Meter> = BTreeMap::new();
    let mut suspicious = false;
    let mut seen: Vec<String> = Vec::new();
    for second in 0..scenario.seconds {
        let t = second as f64;
        let mut world = workload();
        (scenario.change)(t, &mut world, &mut random);
        let mut group: Vec<Observation> = Vec::new();
        for (_, deploy) in scenario.deploys.iter().filter(|(at, _)| (at - t).abs() < 0.5) {
            group.push(Observation::Deploy { at: Timestamp::from_secs(START + t), deploy: deploy.clone() });
        }
        for (name, role) in [("primary", Role::Primary), ("replica-1", Role::Replica)] {
            let meter = meters.entry(name).or_default();
            let due = t - meter.since >= if suspicious { 2.0 } else { 15.0 };
            let frame = frame(name, role, t, &world, meter, due, &mut seen, &mut random);
            if !world.silent {
                group.push(Observation::Frame(frame));
            }
        }
        if let Some(counted) = world.edge.filter(|_| second % 5 == 0) {
            group.push(Observation::Frame(edge(t, counted, &mut random)));
        }
        if !group.is_empty() {
            suspicious = observe(group);
        }
    }
}

/// What the endpoint of the edge tells every five seconds.
fn edge(t: f64, (requests_per_s, clients): (f64, f64), random: &mut Random) -> Frame {
    let mut frame = Frame::new(Timestamp::from_secs(START + t), NodeName::new("edge"));
    frame.about = (t == 0.0).then(|| About {
        role: Some(Role::Edge),
        observed: Some(Observed::Metrics),
        ..About::default()
    });
    let values = [
        (signal::REQUESTS_PER_S.into(), random.poisson(5.0 * requests_per_s) / 5.0),
        (signal::REQUEST_CLIENTS.into(), random.poisson(clients)),
    ];
    frame.signals = Some(Signals { span_s: 5.0, values: values.into() });
    frame
}

#[expect(clippy::too_many_arguments, reason = "a test helper that is called once")]
fn frame(
    name: &str,
    role: Role,
    t: f64,
    world: &World,
    meter: &mut Meter,
    due: bool,
    seen: &mut Vec<String>,
    random: &mut Random,
) -> Frame {
    let mut frame = Frame::new(Timestamp::from_secs(START + t), NodeName::new(name));
    if t == 0.0 {
        frame.about = Some(About {
            role: Some(role),
            engine: Engine::Postgres,
            observed: Some(Observed::Direct),
            cores: world.cores,
            ..About::default()
        });
    }
    let mut sessions = Vec::new();
    for query in world.queries.iter().filter(|query| query.node == name) {
        let calls = random.poisson(query.calls_per_s);
        let count = meter.counts.entry(query.fp.clone()).or_default();
        count.0 += calls;
        count.1 += calls * query.ms;
        let at_work = random.poisson(query.calls_per_s * query.ms / 1_000.0) + query.stuck.round();
        if at_work > 0.0 {
            let app = format!("{}@{}", query.service, query.version);
            sessions.push(SessionGroup {
                fp: Some(Fingerprint::new(&query.fp)),
                wait: query.wait.map(str::to_owned),
                state: "active".to_owned(),
                running_ms: if query.stuck > 0.0 { 5_000.0 } else { query.ms / 2.0 },
                user: Some(query.service.clone()),
                app: Some(app),
                client: Some(format!("10.0.0.{}", (random.even() * query.clients as f64) as u32)),
                count: at_work as u32,
            });
        }
        if (at_work > 0.0 || due) && !seen.contains(&query.fp) {
            seen.push(query.fp.clone());
            frame.texts.push(QueryText {
                fp: Fingerprint::new(&query.fp),
                text: query.text.clone(),
                database: Some("shop".to_owned()),
                user: Some(query.service.clone()),
            });
        }
    }
    if world.stall > 0.0 && name == "primary" {
        sessions.push(SessionGroup {
            fp: Some("q01".into()),
            wait: Some("LWLock:WALWrite".to_owned()),
            state: "active".to_owned(),
            running_ms: 800.0,
            user: Some("search".to_owned()),
            app: None,
            client: None,
            count: world.stall as u32,
        });
    }
    frame.sessions = (t % world.sampled_every < 0.5).then_some(sessions);
    frame.signals = Some(Signals {
        span_s: 1.0,
        values: [
            (signal::CONNECTIONS.into(), world.connections + random.poisson(2.0)),
            (signal::REQUEST_ERROR_RATIO.into(), world.failed),
        ]
        .into(),
    });
    if due && t > 0.0 {
        let rows = std::mem::take(&mut meter.counts);
        frame.queries = Some(QueryDeltas {
            span_s: t - meter.since,
            complete: true,
            rows: rows
                .into_iter()
                .filter(|(_, (calls, _))| *calls > 0.0)
                .map(|(fp, (calls, time_ms))| QueryDelta {
                    fp: fp.into(),
                    calls,
                    time_ms,
                    rows: Some(calls),
                    blocks_hit: None,
                    blocks_read: None,
                    errors: None,
                })
                .collect(),
        });
        meter.since = t;
    }
    frame
}

/// A frame taken apart: one observation a part.
pub(crate) fn take_apart(observation: &Observation) -> Vec<Observation> {
    let Observation::Frame(frame) = observation else { return vec![observation.clone()] };
    let part = |change: &dyn Fn(&mut Frame)| {
        let mut part = Frame::new(frame.at, frame.node.clone());
        change(&mut part);
        part
    };
    [
        part(&|part| part.sessions = frame.sessions.clone()),
        part(&|part| part.texts = frame.texts.clone()),
        part(&|part| part.queries = frame.queries.clone()),
        part(&|part| part.signals = frame.signals.clone()),
        part(&|part| part.facts = frame.facts.clone()),
        part(&|part| part.about = frame.about.clone()),
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .map(Observation::Frame)
    .collect()
}

/// Seconds since the start of a scenario.
pub(crate) fn second(event: &IncidentEvent) -> f64 {
    event.t.secs_since(Timestamp::from_secs(START))
}

/// A line that says what happened, without the numbers that do not matter.
pub(crate) fn line(event: &IncidentEvent) -> String {
    match &event.kind {
        EventKind::Opened(opened) => format!("opened {} {:?}", opened.incident, opened.severity),
        EventKind::Verdict(verdict) => format!(
            "verdict {}: {} | {} | {}",
            verdict.incident,
            verdict.causes[0].cause.name(),
            verdict.deploys[0].id.as_ref().map_or("none", |id| id.as_str()),
            verdict.queries.first().map_or("none", |query| query.fp.as_str()),
        ),
        EventKind::Recovering { incident } => format!("recovering {incident}"),
        EventKind::Resolved { incident } => format!("resolved {incident}"),
    }
}
