//! The watch over sources that behave as real ones do on bad days, on a clock that stands still until somebody waits.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use async_trait::async_trait;
use faultline_model::{Due, Frame, Signals};
use tokio::task::JoinHandle;

use super::*;
use crate::cadence::Intervals;
use crate::error::EngineError;

/// When the tests begin, Unix seconds.
const BEGIN_S: f64 = 1_793_700_000.0;

/// A wall clock that goes with the runtime's and can be set.
struct Wall {
    begin: Instant,
    set_by_us: AtomicI64,
}

impl Wall {
    fn new() -> Arc<Self> {
        Arc::new(Self { begin: Instant::now(), set_by_us: AtomicI64::new(0) })
    }

    /// The machine sleeps, or somebody sets the clock: only this clock notices.
    fn jump(&self, seconds: f64) {
        self.set_by_us.fetch_add((seconds * 1e6) as i64, Ordering::Relaxed);
    }
}

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        let set_by_s = self.set_by_us.load(Ordering::Relaxed) as f64 / 1e6;
        Timestamp::from_secs(BEGIN_S + self.begin.elapsed().as_secs_f64() + set_by_s)
    }
}

/// What a source does when it is polled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Poll {
    Sees,
    SeesNothing,
    /// Never answers.
    Hangs,
    Fails,
    /// Answers after a second of ours, in which so many pass outside.
    Sleeps(f64),
}

/// What was asked of a source.
#[derive(Clone, Debug, PartialEq)]
enum Asked {
    Open,
    Poll(Due),
    Inspect(Vec<String>),
    SelfTest,
    Close,
}

/// A source that does as it is told, all of whose openings are one.
#[derive(Clone)]
struct Double {
    wall: Arc<Wall>,
    polls: Arc<AtomicUsize>,
    answer: fn(usize) -> Poll,
    asked: Arc<Mutex<Vec<(Duration, Asked)>>>,
}

impl Double {
    fn note(&self, asked: Asked) {
        self.asked.lock().unwrap().push((self.wall.begin.elapsed(), asked));
    }

    fn seen(&self) -> Polled {
        let mut frame = Frame::new(self.wall.now(), "a".into());
        frame.signals = Some(Signals { span_s: 1.0, values: [("connections".into(), 3.0)].into() });
        let health = vec![HealthRow::new("shop/a", "connection", HealthLevel::Ok, "connected")];
        Polled { frames: vec![frame], health, cost_ms: 1.0 }
    }
}

#[async_trait]
impl Target for Double {
    async fn open(&self) -> Result<Box<dyn Source>, EngineError> {
        self.note(Asked::Open);
        Ok(Box::new(self.clone()))
    }

    fn needs(&self, _entry: Option<&str>) -> bool {
        false
    }
}

#[async_trait]
impl Source for Double {
    async fn poll(&mut self, due: Due) -> Polled {
        self.note(Asked::Poll(due));
        match (self.answer)(self.polls.fetch_add(1, Ordering::Relaxed)) {
            Poll::Sees => self.seen(),
            Poll::SeesNothing => Polled::default(),
            Poll::Hangs => std::future::pending().await,
            Poll::Fails => panic!("a fault of our own"),
            Poll::Sleeps(seconds) => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                self.wall.jump(seconds - 1.0);
                self.seen()
            }
        }
    }

    async fn inspect(&mut self, suspects: &[Fingerprint]) -> Polled {
        self.note(Asked::Inspect(suspects.iter().map(ToString::to_string).collect()));
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.seen()
    }

    async fn self_test(&mut self) -> Vec<HealthRow> {
        self.note(Asked::SelfTest);
        vec![HealthRow::new("shop/a", "privileges", HealthLevel::Ok, "enough")]
    }

    async fn close(&mut self) {
        self.note(Asked::Close);
    }
}

/// A watch over one double.
struct Stage {
    double: Double,
    attention: watch::Sender<Attention>,
    asks: watch::Sender<Ask>,
    reports: mpsc::Receiver<Report>,
    health: HealthBoard,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Stage {
    fn set(wall: &Arc<Wall>, name: &str, voice: Voice, answer: fn(usize) -> Poll) -> Self {
        let double = Double { wall: Arc::clone(wall), polls: Arc::default(), answer, asked: Arc::default() };
        let id = NodeId { cluster: "shop".into(), node: "a".into() };
        let intervals = Intervals {
            sessions_s: 1.0,
            counters_s: 15.0,
            counters_focused_s: 5.0,
            counters_suspicion_s: 2.0,
            facts_s: 60.0,
        };
        let schedule = match voice {
            Voice::Endpoint(_) => Schedule::steady(name, 5.0),
            _ => Schedule::new(&id, intervals),
        };
        let (attention, watched) = watch::channel(Attention::Quiet);
        let (asks, asked) = watch::channel(None);
        let (sender, reports) = mpsc::channel(100_000);
        let (health, stop) = (HealthBoard::default(), CancellationToken::new());
        let watcher = Watcher {
            id,
            name: name.to_owned(),
            voice,
            target: Box::new(double.clone()),
            secrets: Secrets::in_memory(),
            schedule,
            attention: watched,
            asks: Some(asked),
            clock: Arc::clone(wall) as Arc<dyn Clock>,
            reports: sender,
            health: health.clone(),
            hub: Hub::default(),
            stop: stop.clone(),
        };
        Self { double, attention, asks, reports, health, stop, task: tokio::spawn(watcher.run()) }
    }

    /// What was asked since the last time, and when, seconds since the beginning.
    fn asked(&self) -> Vec<(f64, Asked)> {
        let asked = std::mem::take(&mut *self.double.asked.lock().unwrap());
        asked.into_iter().map(|(at, asked)| (at.as_secs_f64(), asked)).collect()
    }

    /// When it was polled since the last time.
    fn polls(&self) -> Vec<f64> {
        self.asked()
            .into_iter()
            .filter(|(_, asked)| matches!(asked, Asked::Poll(_)))
            .map(|(at, _)| at)
            .collect()
    }

    /// The times of the frames that were reported since the last time.
    fn frames(&mut self) -> Vec<f64> {
        let mut frames = Vec::new();
        while let Ok(report) = self.reports.try_recv() {
            frames.extend(report.polled.frames.iter().map(|frame| frame.at.as_secs() - BEGIN_S));
        }
        frames
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// The least time between two of these.
fn closest(times: &[f64]) -> f64 {
    times.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min)
}

#[tokio::test(start_paused = true)]
async fn after_a_sleep_or_a_set_clock_all_begins_anew_without_a_burst() {
    for jump_s in [8.0 * 3_600.0, 30.0, -3_600.0] {
        let wall = Wall::new();
        let mut stage = Stage::set(&wall, "shop/a", Voice::Direct, |_| Poll::Sees);
        pass(60.0).await;
        assert_eq!(stage.polls().len(), 60, "{jump_s}");
        stage.frames();

        wall.jump(jump_s);
        pass(60.0).await;
        let asked = stage.asked();
        let begun: Vec<&Asked> = asked
            .iter()
            .map(|(_, asked)| asked)
            .take_while(|asked| !matches!(asked, Asked::Poll(_)))
            .collect();
        assert_eq!(begun, [&Asked::Close, &Asked::Open], "{jump_s}");
        let polls: Vec<f64> =
            asked.iter().filter(|(_, asked)| matches!(asked, Asked::Poll(_))).map(|(at, _)| *at).collect();
        assert!((58..=60).contains(&polls.len()) && closest(&polls) > 0.9, "{jump_s}: {polls:?}");
        assert_eq!(asked.iter().filter(|(_, asked)| *asked == Asked::Open).count(), 1, "{jump_s}");
        let frames = stage.frames();
        assert!(frames[0] > 60.0 + jump_s && closest(&frames) > 0.9, "{jump_s}: {frames:?}");
        stage.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_a_sleep_and_answered_after_it_is_dropped() {
    let wall = Wall::new();
    let mut stage = Stage::set(&wall, "shop/a", Voice::Direct, |poll| match poll {
        10 => Poll::Sleeps(3_600.0),
        _ => Poll::Sees,
    });
    pass(30.0).await;
    let frames = stage.frames();
    assert!(frames[9] < 11.0 && frames[10] > 3_600.0, "{frames:?}");
    assert_eq!(stage.polls().len(), frames.len() + 1);
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_delays_no_other_and_ends_when_told() {
    let wall = Wall::new();
    let hanging = Stage::set(&wall, "shop/b", Voice::Direct, |_| Poll::Hangs);
    let mut others: Vec<Stage> =
        (0..20).map(|_| Stage::set(&wall, "shop/a", Voice::Direct, |_| Poll::Sees)).collect();
    pass(30.0).await;
    assert_eq!(hanging.polls().len(), 1);
    for stage in &mut others {
        assert_eq!(stage.frames().len(), 30);
    }
    hanging.end().await;
    for stage in others {
        stage.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_is_opened_anew_after_a_while() {
    let wall = Wall::new();
    let mut stage = Stage::set(&wall, "shop/a", Voice::Direct, |poll| match poll {
        3 => Poll::Fails,
        _ => Poll::Sees,
    });
    pass(20.0).await;
    assert_eq!(stage.frames().len(), 3);
    let rows = stage.health.rows();
    assert!(rows[0].message.contains("Faultline itself failed"), "{rows:?}");
    pass(20.0).await;
    assert!(stage.frames().len() >= 5 && stage.health.rows().is_empty());
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_closer_look_follows_a_poll_and_is_had_every_20_seconds_at_most() {
    let wall = Wall::new();
    let stage = Stage::set(&wall, "shop/a", Voice::Direct, |_| Poll::Sees);
    pass(10.0).await;
    let is_inspection = |asked: &(f64, Asked)| matches!(asked.1, Asked::Inspect(_));
    assert!(!stage.asked().iter().any(is_inspection));

    stage.asks.send(Some(Arc::from([Fingerprint::from("3f")]))).unwrap();
    pass(100.0).await;
    let asked = stage.asked();
    let looks: Vec<f64> = asked.iter().filter(|asked| is_inspection(asked)).map(|(at, _)| *at).collect();
    assert!((4..=5).contains(&looks.len()) && closest(&looks) >= INSPECT_EVERY.as_secs_f64(), "{looks:?}");
    assert!(asked.iter().any(|(_, asked)| *asked == Asked::Inspect(vec!["3f".to_owned()])));
    // A look of two seconds costs the polls of that time and no more.
    let polls = asked.iter().filter(|(_, asked)| matches!(asked, Asked::Poll(_))).count();
    assert!(polls >= 100 - 3 * looks.len(), "{polls}");

    stage.asks.send(None).unwrap();
    pass(60.0).await;
    assert!(!stage.asked().iter().any(is_inspection));
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn every_aspect_is_tested_at_the_first_connection_and_every_hour() {
    let wall = Wall::new();
    let stage = Stage::set(&wall, "shop/a", Voice::Direct, |poll| match poll {
        0..10 => Poll::SeesNothing,
        _ => Poll::Sees,
    });
    pass(3.0 * 3_600.0).await;
    let asked = stage.asked();
    let tests: Vec<f64> =
        asked.iter().filter(|(_, asked)| *asked == Asked::SelfTest).map(|(at, _)| *at).collect();
    assert_eq!(tests.len(), 3, "{tests:?}");
    assert!((9.0..13.0).contains(&tests[0]) && closest(&tests) > 3_599.9, "{tests:?}");
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_has_rows_of_its_own_and_is_not_hurried() {
    let wall = Wall::new();
    let mut stage = Stage::set(&wall, "shop/a (a:9100)", Voice::Endpoint(0), |_| Poll::Sees);
    pass(20.0).await;
    stage.attention.send(Attention::Suspicion).unwrap();
    pass(20.0).await;
    let polls = stage.polls();
    assert!(polls.len() == 8 && closest(&polls) > 4.9, "{polls:?}");
    let mut targets = Vec::new();
    while let Ok(report) = stage.reports.try_recv() {
        targets.extend(report.polled.health.into_iter().map(|row| row.target));
    }
    assert!(!targets.is_empty() && targets.iter().all(|target| target == "shop/a (a:9100)"), "{targets:?}");
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn suspicion_wants_the_counters_at_once() {
    let wall = Wall::new();
    let stage = Stage::set(&wall, "shop/a", Voice::Direct, |_| Poll::Sees);
    pass(5.5).await;
    stage.asked();
    let now = wall.begin.elapsed().as_secs_f64();
    stage.attention.send(Attention::Suspicion).unwrap();
    pass(0.05).await;
    let asked = stage.asked();
    let Some((at, Asked::Poll(due))) = asked.first() else { panic!("{asked:?}") };
    assert!(*at - now < 0.01 && due.counters, "{asked:?}");
    stage.end().await;
}
