//! The window in headless Chromium, served by `faultctl serve` on real servers: it runs under its own policy, draws what
//! is there and opens its settings, and its console has nothing to complain of.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use faultline_lab::configuration::{self, PASSWORD};
use faultline_lab::error::{Error, Result};
use faultline_lab::folder::Folder;
use faultline_lab::postgres::Pair;
use faultline_lab::process::Process;
use faultline_lab::shop;
use faultline_lab::webdriver::{Driver, Engine, Page};
use nix::sys::signal::Signal;

/// How long the window may take to show what it has, on a machine that is busy with servers.
const SHOW_DEADLINE: Duration = Duration::from_secs(30);
/// How long the server may take to end.
const END_DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn every_view_runs_in_an_ordinary_browser() {
    let pair = Pair::start(18).await.unwrap();
    let load = shop::open(&pair).await.unwrap();
    let folder = Folder::create(None).unwrap();
    let (mut server, url) = serve(&folder, &pair).await;
    let engine = Engine::Browser { profile: folder.path().join("profile") };
    let driver = Driver::start(engine, &[], &folder.path().join("driver.log")).await.unwrap();
    let page = driver.open().await.unwrap();
    if let Err(error) = look_around(&page, &url).await {
        let pictures = left_overs();
        page.shoot(&pictures.join("browser.png")).await.ok();
        panic!("{error}\nwhat is left is in {}", pictures.display());
    }
    page.close().await.unwrap();
    server.signal(Signal::SIGTERM);
    let ended = tokio::task::spawn_blocking(move || server.wait(END_DEADLINE)).await.unwrap().unwrap();
    assert_eq!(ended.and_then(|status| status.code()), Some(0), "the server ends when it is asked to");
    load.stop().await;
}

async fn look_around(page: &Page, url: &str) -> Result<()> {
    page.go_to(url).await?;
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
    .await?;
    page.until("rows of queries", SHOW_DEADLINE, async || {
        let rows = page
            .all("section[aria-label='Top queries'] [role=row], section[aria-label='Top queries'] tr")
            .await?;
        Ok((rows.len() > 3).then_some(()))
    })
    .await?;
    for (tab, shows) in [("Databases", "replica-1"), ("Secrets", PASSWORD), ("Self-test", "shop/primary")] {
        if tab == "Databases" {
            page.click("button", "Settings", SHOW_DEADLINE).await?;
        }
        page.click("tab", tab, SHOW_DEADLINE).await?;
        page.reads(shows, SHOW_DEADLINE).await?;
    }
    page.click("button", "Close", SHOW_DEADLINE).await?;
    let complaints: Vec<String> =
        page.console().await?.into_iter().filter(|entry| !entry.starts_with("\"INFO\"")).collect();
    if complaints.is_empty() {
        return Ok(());
    }
    Err(Error::Wrong { what: format!("the page complains: {complaints:#?}") })
}

/// Starts `faultctl serve` on the pair and gives its address.
async fn serve(folder: &Folder, pair: &Pair) -> (Process, String) {
    let config = folder.write("config.toml", &configuration::clusters(pair)).unwrap();
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/dist");
    let log = std::fs::File::create(folder.path().join("serve.log")).unwrap();
    let mut command = Command::new(faultline_tests::faultctl());
    command.args(["serve", "--listen", "127.0.0.1:0", "--ui"]).arg(ui).arg("--config").arg(config);
    command.arg("--data").arg(folder.path().join("data")).env(PASSWORD, pair.primary.password());
    command.stdout(Stdio::piped()).stderr(log);
    let mut process = Process::spawn("faultctl serve", &mut command, Signal::SIGTERM).unwrap();
    let stdout = process.take_stdout().unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).map(|_bytes| line)
    });
    let url = tokio::time::timeout(SHOW_DEADLINE, reading).await.unwrap().unwrap().unwrap();
    let said = || std::fs::read_to_string(folder.path().join("serve.log")).unwrap_or_default();
    assert!(url.starts_with("http://127.0.0.1:"), "no address: {url:?}; {}", said());
    (process, url.trim().to_owned())
}

/// Where pictures of a failed test go.
fn left_overs() -> std::path::PathBuf {
    // …/target/PROFILE/deps/TEST
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(3).unwrap().join("window-test");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
