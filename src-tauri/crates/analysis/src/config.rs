//! Every constant of the analysis, with its unit and its reason, in one struct. Not in here: state.

/// What the analysis is tuned by. The defaults are meant for production; `README.md` says where they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalysisConfig {
    /// Least time of observation before anything is said, seconds: below it a baseline is an accident.
    pub learn_s: f64,
    /// Least number of points before a series is tested: a median of fewer has no scale.
    pub learn_points: usize,
    /// The same where a point covers 10 s or more: it is a mean over many events.
    pub learn_points_long: usize,
    /// Points of the recent baseline of a series: five minutes at one point a second.
    pub baseline_points: usize,
    /// Points that wait before they enter the baseline, so that a slow onset does not become normal before it is seen.
    pub guard_points: usize,
    /// Points in a block; the means of past blocks tell which excursions are usual.
    pub block_points: usize,
    /// Blocks that are remembered: an hour at one point a second.
    pub blocks: usize,
    /// Fewest blocks from which usual excursions are judged.
    pub blocks_min: usize,
    /// How much an excursion must exceed the usual ones, a factor.
    pub excursion_factor: f64,
    /// Widening of the band while young: the scale is multiplied by `1 + early_widening / points`.
    pub early_widening: f64,
    /// Least scale as a share of the median: nothing in a database is steadier than this.
    pub scale_share: f64,
    /// Drift that the cumulative sum takes off each point, in standard deviations.
    pub cusum_drift: f64,
    /// Most that one point adds before the drift, in standard deviations: no single second can open an incident.
    pub cusum_clip: f64,
    /// Sum at which a change is significant, in standard deviations: four clipped points at one a second, three where
    /// they lie further apart. Two never reach it.
    pub cusum_threshold: f64,
    /// Share of the threshold at which a series is suspicious: the engine polls counters from here on.
    pub suspicion_share: f64,
    /// Fewest points beyond the band within the episode.
    pub persistence_points: usize,
    /// What counts as beyond the band, in standard deviations.
    pub band_sigma: f64,
    /// Least time that an episode lasts before it opens an incident, seconds.
    pub persistence_s: f64,
    /// How many times the least effect that matters is huge: less time is enough to believe it.
    pub huge_effect: f64,
    /// Points in a row, the weakest of them huge, that a huge effect takes: no stall of one or two seconds, seen late
    /// or early, touches four samples.
    pub huge_points: usize,
    /// Least time that a huge effect lasts before it opens an incident, seconds.
    pub huge_persistence_s: f64,
    /// Two series that began to deviate within this time belong together, seconds.
    pub vector_window_s: f64,
    /// Share of all signals that must have changed for the vector of signals to speak.
    pub vector_share: f64,
    /// Fewest signals that must have changed for the vector of signals to speak.
    pub vector_min: usize,
    /// A time without points longer than this many usual distances is a gap.
    pub gap_spans: f64,
    /// A baseline that was not fed for this long is forgotten, seconds.
    pub stale_s: f64,
    /// Least load that a ratio is taken to, average active sessions; below it a database is idle.
    pub load_floor: f64,
    /// Window of "load now", seconds (`recording.md`: the last 10 s).
    pub load_window_s: f64,
    /// Longest stretch before the onset that attribution compares with, seconds.
    pub before_s: f64,
    /// Time just before the onset that is left out of it, seconds: the dated onset may be late by this much.
    pub before_margin_s: f64,
    /// Longest stretch of the trouble that attribution looks at, seconds.
    pub after_s: f64,
    /// Most counter rows that are kept of a node.
    pub counter_rows: usize,
    /// Most fingerprints whose first sighting is remembered; the ones unseen for longest go first.
    pub known_fingerprints: usize,
    /// Fewest calls expected in a window for a fingerprint to have a say about traffic.
    pub traffic_min_calls: f64,
    /// Longest wait for the first verdict after opening, seconds (`recording.md` allows 3).
    pub first_verdict_s: f64,
    /// Least time between two verdicts, seconds.
    pub verdict_spacing_s: f64,
    /// The same as a share of the time since opening, where that is longer.
    pub verdict_spacing_share: f64,
    /// Longest such time, seconds.
    pub verdict_spacing_max_s: f64,
    /// Change of a probability, score or share that is worth a new verdict.
    pub verdict_step: f64,
    /// Calm before an incident is called recovering, seconds; the calm itself takes three samples at least to be seen.
    pub recovering_s: f64,
    /// Calm before an incident is called resolved, seconds: half a minute after recovering, longer than a pool of
    /// connections takes to come back and try again.
    pub resolved_s: f64,
    /// Time after which a level that stays is the new normal, seconds.
    pub adopt_s: f64,
    /// How long before the onset a change can be a suspect, seconds.
    pub suspect_window_s: f64,
    /// Delay at which a finished change has lost half of its first claim, seconds.
    pub suspect_tau_s: f64,
    /// Slack between two clocks and in dating, seconds.
    pub clock_slack_s: f64,
    /// Load over baseline that is critical, a factor (`recording.md`).
    pub critical_load: f64,
    /// Latency over baseline that is critical together with it, a factor (`recording.md`).
    pub critical_latency: f64,
    /// Least growth of the running time of sessions that users notice, milliseconds: what a cheap call takes up to.
    pub critical_running_ms: f64,
    /// Sessions more than usual from which others have to wait; twice that where the number of cores is not known.
    pub critical_sessions: f64,
    /// Sessions waiting for locks that are critical: a queue.
    pub critical_queue: f64,
    /// Failed share of requests that is critical, 0–1.
    pub critical_error_ratio: f64,
}

impl Default for AnalysisConfig {
    fn default() -> Self {
        Self {
            learn_s: 20.0,
            learn_points: 10,
            learn_points_long: 6,
            baseline_points: 300,
            guard_points: 10,
            block_points: 10,
            blocks: 360,
            blocks_min: 30,
            excursion_factor: 1.25,
            early_widening: 8.0,
            scale_share: 0.05,
            cusum_drift: 1.0,
            cusum_clip: 6.0,
            cusum_threshold: 18.0,
            suspicion_share: 0.33,
            persistence_points: 5,
            band_sigma: 2.0,
            persistence_s: 4.0,
            huge_effect: 3.0,
            huge_points: 4,
            huge_persistence_s: 3.0,
            vector_window_s: 15.0,
            vector_share: 0.25,
            vector_min: 4,
            gap_spans: 1.5,
            stale_s: 1_800.0,
            load_floor: 0.05,
            load_window_s: 10.0,
            before_s: 600.0,
            before_margin_s: 3.0,
            after_s: 120.0,
            counter_rows: 100_000,
            known_fingerprints: 50_000,
            traffic_min_calls: 5.0,
            first_verdict_s: 2.0,
            verdict_spacing_s: 2.0,
            verdict_spacing_share: 0.1,
            verdict_spacing_max_s: 10.0,
            verdict_step: 0.15,
            recovering_s: 5.0,
            resolved_s: 35.0,
            adopt_s: 21_600.0,
            suspect_window_s: 7_200.0,
            suspect_tau_s: 20.0,
            clock_slack_s: 3.0,
            critical_load: 3.0,
            critical_latency: 2.0,
            critical_running_ms: 20.0,
            critical_sessions: 4.0,
            critical_queue: 5.0,
            critical_error_ratio: 0.05,
        }
    }
}
