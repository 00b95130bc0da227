//! The demo's story from the healthy shop to the verified recovery.

use std::time::{Duration, Instant};

use super::Options;
use super::judge::Truth;
use super::listener::Heard;
use super::stage::Stage;
use crate::clock::unix_now;
use crate::error::{Error, Result};
use crate::timeline::{Timeline, plain};

/// How long a pressed button may take until Faultline says that the rollback was asked for; then it is pressed again.
const PRESS_DEADLINE: Duration = Duration::from_secs(10);
/// How often the button is pressed: a notification can be replaced between looking and pressing.
const PRESSES: usize = 3;
/// How long the load may take to run the new version once it is deployed.
const SERVE_DEADLINE: Duration = Duration::from_secs(60);
/// Between the notification and the picture of it, so that the window shows the incident as well.
const BEFORE_PICTURE: Duration = Duration::from_secs(4);
/// Between the end and the last picture, so that the charts show that it is over.
const AFTERMATH: Duration = Duration::from_secs(10);
/// How often is looked for news.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Plays the demo. `Ok` means that deploy and query were named rightly at first and the recovery was verified (or, on
/// the user's own session, that the window was closed).
///
/// # Errors
/// What went wrong, with the end of the program's log where that helps.
pub async fn run(options: Options) -> Result<()> {
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let headless = options.headless || !display;
    let timeline = Timeline::start();
    let stage = Stage::set_up(&options, headless, &timeline).await?;
    let mut story = Story {
        options,
        stage,
        timeline,
        heard: Heard::default(),
        truth: Truth { deploy: "checkout-142".to_owned(), query: "from order_item where order_id" },
    };
    let played = if headless { story.play().await } else { story.show().await };
    played.inspect_err(|_error| {
        let log = story.stage.app.log_tail();
        plain(&format!("\nThe last words of Faultline:\n{log}"));
    })
}

struct Story {
    options: Options,
    stage: Stage,
    timeline: Timeline,
    heard: Heard,
    truth: Truth,
}

impl Story {
    /// Everything, with a verdict at the end.
    async fn play(&mut self) -> Result<()> {
        self.healthy().await?;
        let onset = self.break_it().await?;
        self.named().await?;
        self.pause(BEFORE_PICTURE).await?;
        self.stage.shoot("during.png", &self.timeline).await?;
        let pressed = self.press().await?;
        self.recovered().await?;
        self.pause(AFTERMATH).await?;
        self.stage.shoot("after.png", &self.timeline).await?;
        self.stage.load.stop().await;
        self.sum_up(onset, pressed)
    }

    /// The same incident for somebody who looks on and presses the buttons.
    async fn show(&mut self) -> Result<()> {
        self.healthy().await?;
        self.break_it().await?;
        self.timeline
            .say("roll back from the notification or the window; close the window or press Ctrl-C to end");
        while self.stage.app.is_running() {
            self.heard.listen(&mut self.stage, &self.truth, &self.timeline)?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Healthy load, the harmless deploy, some more of it. Whoever cries wolf here has lost.
    async fn healthy(&mut self) -> Result<()> {
        self.timeline.say(&format!("healthy for {} s", self.options.baseline_s));
        self.pause(self.options.baseline()).await?;
        self.deploy("search", "88").await?;
        self.pause(self.options.between()).await?;
        self.stage.shoot("before.png", &self.timeline).await?;
        if self.heard.opened.is_some() || !self.heard.notices.is_empty() {
            let what = "Faultline raised an alarm while the shop was healthy".to_owned();
            return Err(Error::Wrong { what });
        }
        Ok(())
    }

    /// The bad deploy. The onset is when its first request is served.
    async fn break_it(&mut self) -> Result<f64> {
        self.timeline.say("deploying checkout v142");
        let load = std::sync::Arc::clone(&self.stage.load);
        let serving = load.first_request("checkout", "v142");
        let deploying = self.stage.deploys.deploy("checkout", "v142");
        let both = async { tokio::join!(serving, deploying) };
        let waited = tokio::time::timeout(SERVE_DEADLINE, both).await;
        let (onset, _id) = waited.map_err(|_elapsed| Error::Deadline {
            what: "the first request served by checkout v142".to_owned(),
            deadline: SERVE_DEADLINE,
            log: String::new(),
        })?;
        self.timeline.onset(onset);
        self.timeline.say_at(onset, "checkout v142 serves its first request");
        Ok(onset)
    }

    /// Waits until both are named and the notification is there, and stops at a wrong name.
    async fn named(&mut self) -> Result<()> {
        let deadline = self.options.detect();
        self.until("naming the deploy and the query, and a notification", deadline, |story| {
            story.heard.judge.has_named_both() && !story.heard.notices.is_empty()
        })
        .await?;
        if let Some(what) = self.heard.judge.wrong(&self.truth) {
            self.stage.shoot("during.png", &self.timeline).await?;
            return Err(Error::Wrong { what });
        }
        self.until("a notification that names checkout v142", deadline, |story| {
            story
                .heard
                .notices
                .iter()
                .any(|notice| format!("{} {}", notice.title, notice.body).contains("v142"))
        })
        .await
    }

    /// Presses *Roll back* in the notification; when, Unix seconds.
    async fn press(&mut self) -> Result<f64> {
        let first = unix_now();
        for _press in 0..PRESSES {
            self.timeline.say("pressing Roll back in the notification");
            if let Some(private) = &self.stage.private {
                private.notices.press_roll_back(&private.desktop).await?;
            }
            let asked = |story: &Self| !story.heard.rollback.is_empty();
            match self.until("a rollback after pressing Roll back", PRESS_DEADLINE, asked).await {
                Err(Error::Deadline { .. }) => {}
                other => return other.map(|()| first),
            }
        }
        let (what, deadline) = ("a rollback after pressing Roll back".to_owned(), PRESS_DEADLINE);
        Err(Error::Deadline { what, deadline, log: self.stage.app.log_tail() })
    }

    /// Waits for the old version, the verified recovery and the end of the incident.
    async fn recovered(&mut self) -> Result<()> {
        let deadline = self.options.recover();
        self.until("checkout v141 in the deploy system", deadline, |story| {
            story.stage.deploys.current("checkout").as_deref() == Some("v141") || story.rollback_failed()
        })
        .await?;
        if !self.rollback_failed() {
            self.timeline.say("the deploy system runs checkout v141");
        }
        self.until("the verified recovery", deadline, |story| {
            story.heard.rollback_at("verified").is_some() || story.rollback_failed()
        })
        .await?;
        if self.rollback_failed() {
            return Err(Error::Wrong { what: "the rollback failed or could not be verified".to_owned() });
        }
        self.until("the end of the incident", deadline, |story| story.heard.resolved.is_some()).await
    }

    fn rollback_failed(&self) -> bool {
        ["failed", "not_verified", "unknown"].iter().any(|state| self.heard.rollback_at(state).is_some())
    }

    fn sum_up(&self, onset: f64, pressed: f64) -> Result<()> {
        if let Some(what) = self.heard.judge.wrong(&self.truth) {
            return Err(Error::Wrong { what });
        }
        let never = || Error::Wrong { what: "the verdict did not stay right".to_owned() };
        let right = self.heard.judge.right_since.ok_or_else(never)?;
        let shown = self.heard.notices.first().map(|notice| notice.at).ok_or_else(never)?;
        let verified = self.heard.rollback_at("verified").ok_or_else(never)?;
        plain("");
        plain(&format!("onset → notification         {:6.1} s", shown - onset));
        plain(&format!("time to right                {:6.1} s", right - onset));
        plain(&format!("button → verified recovery   {:6.1} s", verified - pressed));
        Ok(())
    }

    async fn deploy(&mut self, service: &str, version: &str) -> Result<()> {
        self.timeline.say(&format!("deploying {service} {version}"));
        let id = self.stage.deploys.deploy(service, version).await;
        self.timeline.say(&format!("{id} is out"));
        Ok(())
    }

    /// Lets time pass, taking in the news.
    async fn pause(&mut self, length: Duration) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < length {
            self.heard.listen(&mut self.stage, &self.truth, &self.timeline)?;
            self.stage.app.check_running()?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Takes in the news until it says what is waited for.
    async fn until(&mut self, what: &str, deadline: Duration, done: impl Fn(&Self) -> bool) -> Result<()> {
        let started = Instant::now();
        loop {
            self.heard.listen(&mut self.stage, &self.truth, &self.timeline)?;
            if done(self) {
                return Ok(());
            }
            self.stage.app.check_running()?;
            if started.elapsed() > deadline {
                return Err(Error::Deadline { what: what.to_owned(), deadline, log: String::new() });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
