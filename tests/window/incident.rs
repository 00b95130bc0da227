//! The incident as its user meets it: a notification, its button, the sheet, the way back, the end.

use std::collections::BTreeSet;
use std::time::Duration;

use faultline_lab::clock::unix_now;
use faultline_lab::deploys::{Kind, Release, Status};
use faultline_lab::desktop::{Asked, Notified};
use faultline_lab::error::{Error, Result};
use faultline_lab::webdriver::Page;
use serde_json::json;

use crate::stage::Stage;
use crate::{SHOW_DEADLINE, check};

/// Markup that runs where it is not escaped.
pub(crate) const HOSTILE: &str = r#"<img src=x onerror="window.__hostile=1"><b>bold</b>&amp;"#;
/// How much of it a list shows in any case, bytes.
const HOSTILE_START: usize = 12;
/// Healthy load before the harmless deploy, and between that and the bad one: what the baseline is learned from.
const BASELINE: Duration = Duration::from_secs(40);
const BETWEEN: Duration = Duration::from_secs(12);
/// How long Faultline may take to name deploy and query.
const NAME_DEADLINE: Duration = Duration::from_secs(60);
/// How long a notification's button may take to be heard; then it is pressed again.
const PRESS_DEADLINE: Duration = Duration::from_secs(5);
/// How often it is pressed: a notification can be replaced between looking and pressing.
const PRESSES: usize = 4;
/// How long the recovery may take, up to the resolved incident.
const RECOVER_DEADLINE: Duration = Duration::from_secs(150);
/// The prepared rollback of the guilty deploy and no other.
const SHEET: &str = "Roll back checkout v142";
/// How long the button of the sheet is held: much longer than it asks for, for a window that shares its cores with servers.
const HOLD: Duration = Duration::from_secs(4);

/// What the notification server shows for the incident.
pub(crate) struct Shown {
    id: u32,
    last: Notified,
}

pub(crate) async fn stays_calm_while_the_shop_is_healthy(stage: &mut Stage, page: &Page) -> Result<()> {
    tokio::time::sleep(BASELINE).await;
    let shop = stage.shop();
    let now = unix_now();
    let hostile = Release {
        id: "hostile-1".to_owned(),
        service: HOSTILE.to_owned(),
        version: HOSTILE.to_owned(),
        previous: None,
        environment: "production",
        started: now,
        finished: Some(now),
        status: Status::Succeeded,
        kind: Kind::Deploy,
        actor: HOSTILE.to_owned(),
    };
    shop.webhook.post(&hostile).await?;
    deploy(stage, "search", "88").await?;
    tokio::time::sleep(BETWEEN).await;
    check(stage.notices.asked_since().is_empty(), "a notification while the shop was healthy")?;
    page.reads("No open incident", SHOW_DEADLINE).await
}

pub(crate) async fn names_the_bad_deploy(stage: &mut Stage, page: &Page) -> Result<Shown> {
    deploy(stage, "checkout", "v142").await?;
    let named = tokio::time::timeout(NAME_DEADLINE, async {
        loop {
            match stage.notices.asked().await {
                Some(Asked::Notify(shown)) if format!("{} {}", shown.title, shown.body).contains("v142") => {
                    return Ok(Shown { id: shown.id, last: shown });
                }
                Some(_) => {}
                None => return Err(Error::Wrong { what: "the session bus is gone".to_owned() }),
            }
        }
    });
    let what = || "a notification that names checkout v142".to_owned();
    let shown = named.await.map_err(|_| Error::Deadline {
        what: what(),
        deadline: NAME_DEADLINE,
        log: String::new(),
    })??;
    check(
        shown.last.actions.iter().any(|key| key == "rollback"),
        format!("no way back in {:?}", shown.last),
    )?;
    page.find("button", "Roll back checkout v142", SHOW_DEADLINE).await?;
    page.reads("order_item", SHOW_DEADLINE).await?;
    Ok(shown)
}

pub(crate) async fn leads_from_the_button_to_the_sheet(
    stage: &mut Stage,
    page: &Page,
    shown: &Shown,
) -> Result<()> {
    for _press in 0..PRESSES {
        stage.notices.press(shown.id, "rollback").await?;
        if page.find("dialog", SHEET, PRESS_DEADLINE).await.is_ok() {
            break;
        }
    }
    page.find("dialog", SHEET, PRESS_DEADLINE).await?;
    page.reads("What will be sent", SHOW_DEADLINE).await?;
    let text = page.text().await?;
    let url = format!("{}/services/checkout/rollback", stage.shop().deploys.url());
    for part in ["POST", &url, r#"{"to":"v141"}"#] {
        check(text.contains(part), format!("the preview does not say {part}:\n{text}"))?;
    }
    check(checkout_runs(stage, "v142"), "the button alone rolled something back")
}

pub(crate) async fn rolls_back_once_confirmed(stage: &Stage, page: &Page) -> Result<()> {
    page.click("button", "Hold to roll back", SHOW_DEADLINE).await?;
    check(checkout_runs(stage, "v142"), "one stray click was enough")?;
    page.reads("Press again to confirm", SHOW_DEADLINE).await?;
    // The first press waits a few seconds for the second; then the button can be held.
    page.hold("button", "Hold to roll back", HOLD, SHOW_DEADLINE).await?;
    page.until("checkout v141 in the deploy system", SHOW_DEADLINE, async || {
        Ok(checkout_runs(stage, "v141").then_some(()))
    })
    .await
}

pub(crate) async fn ends_with_the_verified_recovery(
    stage: &mut Stage,
    page: &Page,
    shown: &Shown,
) -> Result<()> {
    page.reads("recovery verified", RECOVER_DEADLINE).await?;
    let said = |what: &str| std::fs::read_to_string(stage.events()).unwrap().contains(what);
    page.until("the end of the incident", RECOVER_DEADLINE, async || {
        Ok(said(r#""event":"resolved""#).then_some(()))
    })
    .await?;
    check(said(r#""state":"verified""#), "the recovery was not said to be verified")?;
    let mut open = BTreeSet::from([shown.id]);
    page.until("the end of the notification", SHOW_DEADLINE, async || {
        for asked in stage.notices.asked_since() {
            match asked {
                Asked::Notify(other) if is_harmless(&other.body) => _ = open.insert(other.id),
                Asked::Notify(other) => check(false, format!("markup in a notification: {other:?}"))?,
                Asked::Close(id) => _ = open.remove(&id),
            }
        }
        Ok(open.is_empty().then_some(()))
    })
    .await?;
    if page.look_for("dialog", SHEET).await?.is_some() {
        page.click("button", "Close", SHOW_DEADLINE).await?;
    }
    page.reads("resolved", SHOW_DEADLINE).await
}

pub(crate) async fn shows_what_is_hostile_as_text(page: &Page) -> Result<()> {
    // It is among the suspects, and in the labels of the charts.
    page.reads(&HOSTILE[..HOSTILE_START], SHOW_DEADLINE).await?;
    let found = page
        .script("return [typeof window.__hostile, document.querySelectorAll('img').length];", Vec::new())
        .await?;
    check(found == json!(["undefined", 0]), format!("the page ran what it should show: {found}"))
}

/// Only the few tags that notifications know, and nothing in them.
fn is_harmless(body: &str) -> bool {
    let tags = ["b>", "/b>", "i>", "/i>", "u>", "/u>"];
    body.match_indices('<').all(|(at, _)| tags.iter().any(|tag| body[at + 1..].starts_with(tag)))
}

fn checkout_runs(stage: &Stage, version: &str) -> bool {
    stage.shop().deploys.current("checkout").as_deref() == Some(version)
}

async fn deploy(stage: &Stage, service: &str, version: &str) -> Result<()> {
    let shop = stage.shop();
    shop.deploys.deploy_by(service, version, HOSTILE).await;
    let served = tokio::time::timeout(SHOW_DEADLINE, shop.load.first_request(service, version)).await;
    check(served.is_ok(), format!("{} {version} does not serve", service))
}
