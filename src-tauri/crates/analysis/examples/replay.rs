//! Replays a recording through the analysis alone and prints what it says, one JSON line an event.

use std::io::Write;
use std::process::ExitCode;

use faultline_analysis::{AnalysisConfig, Replay};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else { return ExitCode::from(64) };
    let Ok(reader) = faultline_recording::open(&path) else { return ExitCode::from(2) };
    let mut replay = Replay::new(AnalysisConfig::default(), reader.header());
    let mut out = std::io::stdout().lock();
    for observation in reader {
        let Ok(observation) = observation else { return ExitCode::from(2) };
        for event in replay.feed(&observation) {
            let written = serde_json::to_writer(&mut out, &event).is_ok() && writeln!(out).is_ok();
            if !written {
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::SUCCESS
}
