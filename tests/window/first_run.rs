//! The first start: a form instead of charts, a wrong password, the right one, and the second database.

use faultline_lab::error::Result;
use faultline_lab::postgres::MONITOR;
use faultline_lab::webdriver::Page;

use crate::stage::{COMMENT, Stage};
use crate::{SHOW_DEADLINE, check};

/// Typed first; found nowhere afterwards.
pub(crate) const WRONG_PASSWORD: &str = "canary-wrong-password-1d9e";

pub(crate) async fn adds_the_replica_with_its_password_in_the_keyring(
    stage: &Stage,
    page: &Page,
) -> Result<()> {
    page.find("heading", "Watch your first database", SHOW_DEADLINE).await?;
    let before = stage.configuration();
    let replica = &stage.shop().pair.standby;
    fill(page, "replica-1", &replica.address(MONITOR), WRONG_PASSWORD).await?;
    page.click("button", "Test connection", SHOW_DEADLINE).await?;
    page.reads("It cannot be watched like this.", SHOW_DEADLINE).await?;
    page.reads("refused the password", SHOW_DEADLINE).await?;
    check(stage.configuration() == before, "a test alone writes nothing")?;

    page.fill("Password", replica.password(), SHOW_DEADLINE).await?;
    page.click("button", "Test connection", SHOW_DEADLINE).await?;
    page.reads("It can be watched", SHOW_DEADLINE).await?;
    page.click("button", "Save and watch", SHOW_DEADLINE).await?;
    page.find("region", "Charts", SHOW_DEADLINE).await?;

    let after = stage.configuration();
    check(after.starts_with(COMMENT), format!("the comment is gone:\n{after}"))?;
    let kept: Vec<&str> = before.lines().filter(|line| !after.lines().any(|other| other == *line)).collect();
    check(kept.is_empty(), format!("the edit lost {kept:?}:\n{after}"))?;
    check(in_order(&before, &after), format!("the edit changed the order:\n{after}"))?;
    let reference = reference(&after)?;
    check(!after.contains(replica.password()), "the password is in the configuration")?;
    let kept = secret(stage, &reference).await?;
    check(kept == replica.password(), format!("the keyring's entry {reference} is not what was typed"))
}

pub(crate) async fn adds_the_primary_in_the_settings(stage: &Stage, page: &Page) -> Result<()> {
    page.click("button", "Settings", SHOW_DEADLINE).await?;
    page.click("button", "Add a database", SHOW_DEADLINE).await?;
    let primary = &stage.shop().pair.primary;
    fill(page, "primary", &primary.address(MONITOR), primary.password()).await?;
    page.click("button", "Save and watch", SHOW_DEADLINE).await?;
    page.until("two databases in the configuration", SHOW_DEADLINE, async || {
        Ok((stage.configuration().matches("[[cluster.node]]").count() == 2).then_some(()))
    })
    .await?;
    page.click("button", "Close", SHOW_DEADLINE).await?;
    page.until("both servers in the window", SHOW_DEADLINE, async || {
        let text = page.text().await?;
        Ok((text.contains("primary") && text.contains("replica-1")).then_some(()))
    })
    .await
}

pub(crate) async fn paints_the_charts(page: &Page) -> Result<()> {
    page.until("three painted charts", SHOW_DEADLINE, async || {
        let painted = page
            .script(
                "return document.querySelectorAll('.drawing svg polyline, .drawing svg polygon').length;",
                vec![],
            )
            .await?;
        let charts = page.all(".drawing svg").await?.len();
        Ok((charts == 3 && painted.as_u64() > Some(0)).then_some(()))
    })
    .await
}

async fn fill(page: &Page, name: &str, address: &str, password: &str) -> Result<()> {
    page.fill("Cluster", "shop", SHOW_DEADLINE).await?;
    page.fill("Environment", "production", SHOW_DEADLINE).await?;
    page.fill("Name", name, SHOW_DEADLINE).await?;
    page.choose("Engine", "postgres", SHOW_DEADLINE).await?;
    page.fill("Address", address, SHOW_DEADLINE).await?;
    page.click("radio", "In the keyring", SHOW_DEADLINE).await?;
    page.fill("Password", password, SHOW_DEADLINE).await
}

/// Whether the old lines come in the same order in the new text.
fn in_order(old: &str, new: &str) -> bool {
    let mut rest = new.lines();
    old.lines().all(|line| rest.any(|other| other == line))
}

/// The keyring's entry that the configuration names.
fn reference(configuration: &str) -> Result<String> {
    let named = configuration.split("password = \"keyring:").nth(1).and_then(|rest| rest.split('"').next());
    check(named.is_some(), format!("no keyring entry is named:\n{configuration}"))?;
    Ok(named.unwrap_or_default().to_owned())
}

/// What another program gets from the Secret Service.
async fn secret(stage: &Stage, entry: &str) -> Result<String> {
    stage.session.output("secret-tool", &["lookup", "service", "faultline", "username", entry]).await
}
