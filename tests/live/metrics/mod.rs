//! Metric endpoints against real servers: Prometheus, VictoriaMetrics, an exporter, and endpoints that misbehave.

mod agree;
mod exporter;
mod isolation;
mod secure;
mod servers;
mod target;

use std::sync::Arc;
use std::time::{Duration, Instant};

use faultline_model::{Clock, EndpointKind, EndpointSpec, NodeId, Timestamp};

/// How long anything that must happen may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);

struct RealClock;

impl Clock for RealClock {
    #[expect(clippy::disallowed_methods, reason = "real servers have real clocks, and the skew is tested")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_secs(since.as_secs_f64())
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock)
}

/// An endpoint without anything special.
fn spec(kind: EndpointKind, url: String, signals: &[(&str, &str)]) -> EndpointSpec {
    EndpointSpec {
        id: NodeId { cluster: "shop".into(), node: "edge".into() },
        kind,
        url,
        auth: None,
        headers: Default::default(),
        ca: None,
        client: None,
        signals: signals.iter().map(|(name, text)| ((*name).into(), (*text).to_owned())).collect(),
        presets: Vec::new(),
        selector: String::new(),
        role: None,
        statements: None,
        interval_s: 2.0,
    }
}

/// Looks again and again until there is something.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "{what} did not come within {} s", DEADLINE.as_secs());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
