//! Closing the window: with a tray the program goes on in it, without one it ends.

use std::process::Command;
use std::time::{Duration, Instant};

use faultline_lab::desktop::{Tray, TrayItem};
use faultline_lab::error::{Error, Result};
use faultline_lab::process::Process;
use nix::sys::signal::Signal;

use crate::stage::Stage;
use crate::{SHOW_DEADLINE, check};

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the program may take to end.
const END_DEADLINE: Duration = Duration::from_secs(20);
/// What is logged where there is no tray.
const NO_TRAY: &str = "There is no tray here";

pub(crate) async fn keeps_the_program(stage: &Stage) -> Result<()> {
    let tray = Tray::start(stage.session.bus_address()).await?;
    let mut program = start(stage)?;
    until("the window", async || Ok(is_visible(stage).await.then_some(()))).await?;
    let item = until("an item in the tray", async || Ok(tray.items().first().cloned())).await?;
    let title = tray.text(&item, "Title").await?;
    check(title == "Faultline", format!("the tray's item is called {title:?}"))?;
    check(tray.has_icon(&item).await?, "the tray's item has no icon")?;

    close(stage).await?;
    until("a hidden window", async || Ok((!is_visible(stage).await).then_some(()))).await?;
    check(program.try_wait()?.is_none(), "the program ended with its window")?;
    press(&tray, &item, "Open").await?;
    until("the window again", async || Ok(is_visible(stage).await.then_some(()))).await?;
    press(&tray, &item, "Quit").await?;
    ended(program).await
}

pub(crate) async fn ends_it_where_there_is_none(stage: &Stage) -> Result<()> {
    let before = said(stage);
    let program = start(stage)?;
    until("the window", async || Ok(is_visible(stage).await.then_some(()))).await?;
    until("a word on the missing tray", async || Ok((said(stage) > before).then_some(()))).await?;
    close(stage).await?;
    ended(program).await?;
    check(said(stage) == before + 1, "one line says that there is no tray")
}

fn start(stage: &Stage) -> Result<Process> {
    let log = std::fs::File::create(stage.driver_log()).unwrap();
    let again = log.try_clone().unwrap();
    let mut command = Command::new(faultline_tests::faultline());
    command.args(stage.arguments()).envs(stage.variables()).stdout(log).stderr(again);
    Process::spawn("faultline", &mut command, Signal::SIGTERM)
}

/// How often the log says that there is no tray.
fn said(stage: &Stage) -> usize {
    std::fs::read_to_string(stage.log()).unwrap_or_default().matches(NO_TRAY).count()
}

async fn is_visible(stage: &Stage) -> bool {
    stage.session.run("xdotool", &["search", "--onlyvisible", "--name", "^Faultline$"]).await.is_ok()
}

/// Closes the window as its user does.
async fn close(stage: &Stage) -> Result<()> {
    let focus = ["search", "--onlyvisible", "--name", "^Faultline$", "windowactivate", "--sync"];
    stage.session.run("xdotool", &focus).await?;
    // By itself, so that the keys go to the window manager, who has them.
    stage.session.run("xdotool", &["key", "alt+F4"]).await
}

async fn press(tray: &Tray, item: &TrayItem, label: &str) -> Result<()> {
    let menu = tray.menu(item).await?;
    let entry = menu.iter().find(|(_, text)| text.replace('_', "").starts_with(label));
    let Some((number, _)) = entry else {
        return Err(Error::Wrong { what: format!("no {label:?} in the tray's menu: {menu:?}") });
    };
    tray.press(item, *number).await
}

async fn ended(mut program: Process) -> Result<()> {
    let ended = tokio::task::spawn_blocking(move || program.wait(END_DEADLINE)).await.unwrap()?;
    check(ended.is_some_and(|status| status.success()), format!("the program did not end well: {ended:?}"))
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if began.elapsed() > SHOW_DEADLINE {
            return Err(Error::Deadline {
                what: what.to_owned(),
                deadline: SHOW_DEADLINE,
                log: String::new(),
            });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
