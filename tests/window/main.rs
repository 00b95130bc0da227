//! The real window, from the first start to the recovered database: WebDriver drives WebKitGTK on a screen of its own,
//! on a private session bus with a notification server, a Secret Service and a tray, against real servers under load.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod canary;
mod first_run;
mod incident;
mod keyring;
mod links;
mod program;
mod stage;
mod tray;

use std::path::{Path, PathBuf};
use std::time::Duration;

use faultline_lab::error::{Error, Result};
use faultline_lab::webdriver::Page;

use stage::Stage;

/// How long the window may take to show what it has, on a machine that is busy with servers.
const SHOW_DEADLINE: Duration = Duration::from_secs(30);

/// Goes on only if something is as it should be.
fn check(right: bool, what: impl Into<String>) -> Result<()> {
    if right { Ok(()) } else { Err(Error::Wrong { what: what.into() }) }
}

/// Where pictures and logs of a failed test go.
fn left_overs() -> PathBuf {
    // …/target/PROFILE/deps/TEST
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(3).unwrap().join("window-test");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Keeps what helps to understand a failure, and fails.
async fn fail(name: &str, error: &Error, page: Option<&Page>, stage: &Stage) -> ! {
    let folder = left_overs();
    if let Some(page) = page {
        // The window may be what failed.
        page.shoot(&folder.join(format!("{name}.png"))).await.ok();
        if let Ok(html) = page.html().await {
            std::fs::write(folder.join(format!("{name}.html")), html).ok();
        }
    }
    stage.session.shoot(&folder.join(format!("{name}-screen.png"))).await.ok();
    let keep = |from: &Path, to: &str| std::fs::copy(from, folder.join(format!("{name}-{to}"))).ok();
    keep(&stage.log(), "faultline.log");
    keep(&stage.driver_log(), "driver.log");
    keep(&stage.events(), "events.jsonl");
    panic!("{error}\nwhat is left is in {}", folder.display());
}

/// One long test: each step begins where the last one ended, as it does for a user.
#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_start_to_the_recovered_database() {
    let mut stage = Stage::set_up().await.unwrap();
    let driver = stage.driver().await.unwrap();
    let page = match driver.open().await {
        Ok(page) => page,
        Err(error) => fail("start", &error, None, &stage).await,
    };
    if let Err(error) = story(&mut stage, &page).await {
        fail("story", &error, Some(&page), &stage).await;
    }
    page.close().await.ok();
    drop(driver);
    if let Err(error) = canary::is_nowhere_at_rest(&stage).await {
        fail("canary", &error, None, &stage).await;
    }
    stage.close().await;
}

async fn story(stage: &mut Stage, page: &Page) -> Result<()> {
    first_run::adds_the_replica_with_its_password_in_the_keyring(stage, page).await?;
    first_run::adds_the_primary_in_the_settings(stage, page).await?;
    first_run::paints_the_charts(page).await?;
    incident::stays_calm_while_the_shop_is_healthy(stage, page).await?;
    let notified = incident::names_the_bad_deploy(stage, page).await?;
    incident::leads_from_the_button_to_the_sheet(stage, page, &notified).await?;
    incident::rolls_back_once_confirmed(stage, page).await?;
    incident::ends_with_the_verified_recovery(stage, page, &notified).await?;
    links::bring_up_what_they_name(stage, page).await?;
    incident::shows_what_is_hostile_as_text(page).await?;
    canary::is_nowhere_in_the_window(stage, page).await
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_it_goes_on_in_the_tray_or_ends_where_there_is_none() {
    let stage = Stage::without_servers().await.unwrap();
    let outcome = async {
        tray::keeps_the_program(&stage).await?;
        tray::ends_it_where_there_is_none(&stage).await
    };
    if let Err(error) = outcome.await {
        fail("tray", &error, None, &stage).await;
    }
}
