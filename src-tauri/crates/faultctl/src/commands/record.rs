//! `faultctl record`: a range of the store as a file that can be replayed elsewhere.

use std::time::Duration;

use faultline_engine::{EngineError, History};
use faultline_model::TimeRange;
use faultline_recording::{RecordingFile, redact};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Places, RecordArgs};
use crate::commands::watch;
use crate::context::Context;
use crate::error::CommandError;
use crate::{output, time};

pub(crate) async fn run(places: &Places, args: RecordArgs) -> Result<u8, CommandError> {
    let context = Context::load(places)?;
    let cluster = context.cluster(args.cluster.as_deref())?.clone();
    let now = context.clock.now();
    let range = match (&args.from, &args.to, &args.for_) {
        (Some(from), Some(to), _) => TimeRange::new(time::parse_time(from, now)?, time::parse_time(to, now)?),
        (_, _, Some(duration)) => TimeRange::new(now, now + time::parse_duration_s(duration)?),
        _ => return Err(CommandError::Usage { message: "say --from T --to T, or --for 10m".to_owned() }),
    };
    if range.secs() <= 0.0 {
        return Err(CommandError::Usage { message: "--to must be later than --from".to_owned() });
    }
    if args.for_.is_some() {
        watch_for(places, range.secs()).await?;
    }
    let history = History::open(&context.data).await?;
    let (header, observations) = faultline_engine::record(&context.config, &cluster, &history, range).await?;
    history.close().await;
    if observations.is_empty() {
        return Err(CommandError::NothingSeen { cluster: cluster.name });
    }
    let (header, observations) =
        if args.redact { redact(&header, &observations) } else { (header, observations) };
    let written = || -> Result<(), faultline_recording::RecordingError> {
        let mut file = RecordingFile::create(&args.output, &header)?;
        observations.iter().try_for_each(|observation| file.write(observation))?;
        file.finish()
    };
    written().map_err(|source| CommandError::Recording { file: args.output.clone(), source })?;
    output::note(&format!("{} observations written to {}", observations.len(), args.output.display()));
    Ok(0)
}

/// Lets the time pass; watches meanwhile unless a window or another `watch` does.
async fn watch_for(places: &Places, seconds: f64) -> Result<(), CommandError> {
    let engine = match watch::start(Context::load(places)?).await {
        Ok(engine) => Some(engine),
        Err(CommandError::Engine(EngineError::AlreadyRunning { .. })) => None,
        Err(error) => return Err(error),
    };
    let style = ProgressStyle::with_template("recording {bar:40} {elapsed}/{len}s")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(seconds.ceil() as u64).with_style(style);
    let end = tokio::time::Instant::now() + Duration::from_secs_f64(seconds);
    while tokio::time::Instant::now() < end {
        tokio::time::sleep_until(end.min(tokio::time::Instant::now() + Duration::from_secs(1))).await;
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(engine) = engine {
        engine.shutdown().await;
    }
    Ok(())
}
