//! The installed program on a screen.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use faultline_lab::desktop::Session;
use faultline_lab::process::Process;
use faultline_lab::webdriver::{Driver, Engine};
use nix::sys::signal::Signal;

use crate::installed::{Root, output};

/// How long the window may take to appear, and a page to be drawn, on a machine that just compiled it.
const APPEAR_DEADLINE: Duration = Duration::from_secs(60);
/// How long the program may take to end.
const END_DEADLINE: Duration = Duration::from_secs(20);
/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What a user without any configuration is greeted with.
const FIRST_RUN: &str = "Watch your first database";

/// The window is there under its name, and SIGTERM ends the program as if the user had.
pub(crate) async fn opens_and_ends_when_asked(root: &Root, session: &Session) {
    let log = session.folder().path().join("installed.log");
    let said = std::fs::File::create(&log).unwrap();
    let mut command = Command::new(program(root));
    command.envs(session.variables().iter().cloned());
    command.stdout(said.try_clone().unwrap()).stderr(said);
    let mut running = Process::spawn("faultline", &mut command, Signal::SIGTERM).unwrap();
    let words = || std::fs::read_to_string(&log).unwrap_or_default();

    let started = Instant::now();
    while !is_on_screen(session, running.pid()) {
        assert_eq!(running.try_wait().unwrap(), None, "it ended:\n{}", words());
        assert!(started.elapsed() < APPEAR_DEADLINE, "no window:\n{}", words());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    running.signal(Signal::SIGTERM);
    let (ended, running) =
        tokio::task::spawn_blocking(move || (running.wait(END_DEADLINE).unwrap(), running)).await.unwrap();
    assert_eq!(ended.and_then(|status| status.code()), Some(0), "ended with {ended:?}:\n{}", words());
    drop(running);
}

/// Whether a window of that process with the program's name can be seen.
fn is_on_screen(session: &Session, pid: u32) -> bool {
    let mut command = Command::new("xdotool");
    command.args(["search", "--all", "--onlyvisible", "--pid", &pid.to_string(), "--name", "^Faultline$"]);
    let found = command.envs(session.variables().iter().cloned()).output();
    found.expect("xdotool; run `cargo xtask setup`").status.success()
}

/// Without any configuration the window says how to begin, and a picture of it is not empty.
pub(crate) async fn shows_the_first_run(root: &Root, session: &Session) {
    let log = session.folder().path().join("driven.log");
    let engine = Engine::Program { binary: program(root), arguments: Vec::new() };
    let driver = Driver::start(engine, session.variables(), &log).await.unwrap();
    let page = driver.open().await.unwrap();
    page.find("heading", FIRST_RUN, APPEAR_DEADLINE).await.unwrap();
    let title = page.script("return document.title;", Vec::new()).await.unwrap();
    assert_eq!(title, "Faultline");

    let picture = session.folder().path().join("first-run.png");
    session.shoot(&picture).await.unwrap();
    let colours = output(Command::new("identify").args(["-format", "%k"]).arg(&picture));
    assert!(colours.trim().parse::<u32>().unwrap() > 16, "the screen shows {colours} colours");
    page.close().await.unwrap();
}

fn program(root: &Root) -> PathBuf {
    root.path("usr/bin/faultline")
}
