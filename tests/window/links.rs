//! Links from elsewhere: they bring something up in the window that is there, and do nothing else.

use std::process::Command;
use std::time::Duration;

use faultline_lab::error::Result;
use faultline_lab::process::Process;
use faultline_lab::webdriver::Page;
use nix::sys::signal::Signal;

use crate::incident::HOSTILE;
use crate::program::newest_incident;
use crate::stage::Stage;
use crate::{SHOW_DEADLINE, check};

/// How long a second start may take to hand over and end.
const HAND_OVER_DEADLINE: Duration = Duration::from_secs(30);

pub(crate) async fn bring_up_what_they_name(stage: &Stage, page: &Page) -> Result<()> {
    follow(stage, "faultline://deploy/hostile-1").await?;
    // Service, version and actor, each as it was sent.
    page.until("the hostile deploy's sheet", SHOW_DEADLINE, async || {
        Ok((page.text().await?.matches(HOSTILE).count() >= 3).then_some(()))
    })
    .await?;
    follow(stage, &format!("faultline://incident/{}", newest_incident(stage)?)).await?;
    page.until("the incident in the sheet's place", SHOW_DEADLINE, async || {
        let shown = page.all(".incidents button[aria-current=page]").await?.len() == 1;
        Ok((shown && page.look_for("dialog", "").await?.is_none()).then_some(()))
    })
    .await?;
    page.reads("Causes tested", SHOW_DEADLINE).await?;
    follow(stage, "faultline://deploy/checkout-142").await?;
    page.find("dialog", "checkout v142", SHOW_DEADLINE).await?;
    page.click("button", "Close", SHOW_DEADLINE).await?;
    let before = page.text().await?;
    for nonsense in
        ["faultline://rollback/checkout-142", "faultline://incident/../../etc", "https://example.com/"]
    {
        follow(stage, nonsense).await?;
        check(page.look_for("dialog", "").await?.is_none(), format!("{nonsense} opened something"))?;
    }
    check(before.to_lowercase().contains("causes tested"), "the incident stays in view")
}

/// Starts the program once more with a link, as the desktop does.
async fn follow(stage: &Stage, link: &str) -> Result<()> {
    let log = std::fs::File::create(stage.path("second.log")).unwrap();
    let again = log.try_clone().unwrap();
    let mut command = Command::new(faultline_tests::faultline());
    command.args(stage.arguments()).arg(link).envs(stage.variables()).stdout(log).stderr(again);
    let mut process = Process::spawn("faultline", &mut command, Signal::SIGTERM)?;
    let ended = tokio::task::spawn_blocking(move || process.wait(HAND_OVER_DEADLINE)).await.unwrap()?;
    let said = std::fs::read_to_string(stage.path("second.log")).unwrap_or_default();
    check(
        ended.is_some_and(|status| status.success()),
        format!("the second start ({link}): {ended:?}\n{said}"),
    )
}
