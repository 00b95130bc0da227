//! `faultctl replay`: what Faultline would have said of a recording, as JSON Lines, by the recording's own clock.

use std::time::Duration;

use faultline_engine::{AnalysisConfig, Replay};
use faultline_model::Timestamp;

use crate::args::ReplayArgs;
use crate::error::{CommandError, EXIT_UNREADABLE};
use crate::output;

pub(crate) fn run(args: &ReplayArgs) -> Result<u8, CommandError> {
    if !(args.speed.is_finite() && args.speed >= 0.0) {
        return Err(CommandError::Usage { message: "--speed takes 0 or a positive number".to_owned() });
    }
    let unreadable = |source| CommandError::Recording { file: args.file.clone(), source };
    let recording = faultline_recording::open(&args.file).map_err(unreadable)?;
    let mut replay = Replay::new(AnalysisConfig::default(), recording.header());
    let mut last = None;
    for observation in recording {
        let observation = match observation {
            Ok(observation) => observation,
            Err(source) => {
                // What came before the damage has been replayed.
                output::error(&unreadable(source));
                return Ok(EXIT_UNREADABLE);
            }
        };
        wait(last, observation.at(), args.speed);
        last = last.max(Some(observation.at()));
        replay.feed(&observation).iter().try_for_each(output::json)?;
    }
    Ok(0)
}

/// Lets as much time pass as did in the recording, `speed` times faster.
fn wait(last: Option<Timestamp>, at: Timestamp, speed: f64) {
    if let Some(last) = last
        && speed > 0.0
        && at > last
    {
        std::thread::sleep(Duration::from_secs_f64(at.secs_since(last) / speed));
    }
}
