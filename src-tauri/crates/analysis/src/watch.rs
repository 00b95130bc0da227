//! What each series means for the test: which direction hurts, and from which size on a change matters. A table.

use faultline_model::signal;

/// What a series has to do with trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Sessions at work: users wait when it rises.
    Load,
    /// Time per piece of work: users wait when it rises.
    Latency,
    /// Something else that hurts when it rises.
    Harm,
    /// Changes with trouble, but hurts nobody by itself; it counts in the vector of signals.
    Witness,
}

/// How a series scatters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noise {
    /// A small whole number: scatters like the root of itself.
    Count,
    /// Anything else.
    Gauge,
}

/// How a series is tested.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Watch {
    /// What it means.
    pub(crate) meaning: Meaning,
    /// How it scatters.
    pub(crate) noise: Noise,
    /// Least ratio to the centre that matters.
    pub(crate) min_ratio: f64,
    /// Least difference to the centre that matters, in the signal's unit.
    pub(crate) min_difference: f64,
    /// Least standard deviation, in the signal's unit.
    pub(crate) scale_floor: f64,
}

const fn watch(
    meaning: Meaning,
    noise: Noise,
    min_ratio: f64,
    min_difference: f64,
    scale_floor: f64,
) -> Watch {
    Watch { meaning, noise, min_ratio, min_difference, scale_floor }
}

/// Load from session samples: at least one more session at work all the time, and half as many again.
pub(crate) const SAMPLED_LOAD: Watch = watch(Meaning::Load, Noise::Count, 1.6, 1.0, 0.5);

/// Load from counters: precise, so that a smaller difference counts.
pub(crate) const COUNTED_LOAD: Watch = watch(Meaning::Load, Noise::Gauge, 1.6, 0.5, 0.05);

/// Sessions waiting for locks in a sample.
pub(crate) const LOCK_WAITERS: Watch = watch(Meaning::Harm, Noise::Count, 2.0, 3.0, 0.5);

/// Cost of a call by the usual cost of the same query, over all queries of a node; 1 is usual. Twice that is what users
/// notice; a checkpoint makes less.
pub(crate) const CALL_COST: Watch = watch(Meaning::Latency, Noise::Gauge, 2.0, 1.0, 0.1);

/// Failed share of calls.
pub(crate) const CALL_ERRORS: Watch = watch(Meaning::Harm, Noise::Gauge, 2.0, 0.02, 0.005);

/// How a signal is tested.
pub(crate) fn of_signal(name: &str) -> Watch {
    use Meaning::{Harm, Latency, Load, Witness};
    use Noise::{Count, Gauge};
    match name {
        signal::ACTIVE_SESSIONS => watch(Load, Count, 1.6, 2.0, 0.5),
        signal::LATENCY_MS => watch(Latency, Gauge, 1.5, 0.5, 0.1),
        signal::REQUEST_LATENCY_MS => watch(Latency, Gauge, 1.5, 5.0, 1.0),
        signal::ERRORS_PER_S => watch(Harm, Gauge, 2.0, 1.0, 0.3),
        signal::REQUEST_ERROR_RATIO => watch(Harm, Gauge, 2.0, 0.02, 0.005),
        signal::LOCK_WAITING => watch(Harm, Count, 2.0, 3.0, 0.5),
        signal::REPLAY_LAG_S => watch(Harm, Gauge, 3.0, 10.0, 1.0),
        signal::CONNECTIONS => watch(Harm, Gauge, 1.5, 20.0, 2.0),
        _ => watch(Witness, Gauge, 1.3, 0.0, 0.0),
    }
}
