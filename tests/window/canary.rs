//! Secrets are nowhere but in the keyring and the environment: not on the page, not in what the program answers, not in
//! any file that it wrote.

use std::path::Path;

use faultline_lab::error::Result;
use faultline_lab::webdriver::Page;

use crate::check;
use crate::program::faultctl;
use crate::stage::Stage;

/// Where the Secret Service keeps its own files.
const KEYRINGS: &str = "keyrings";
/// How far back the recording goes: the whole story.
const STORY: &str = "-15m";

pub(crate) async fn is_nowhere_in_the_window(stage: &Stage, page: &Page) -> Result<()> {
    let html = page.html().await?;
    let kept = page
        .script("return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href]);", vec![])
        .await?;
    for (name, canary) in stage.canaries() {
        check(!html.contains(&canary), format!("{name} is on the page"))?;
        check(!kept.to_string().contains(&canary), format!("{name} is kept by the page"))?;
    }
    Ok(())
}

pub(crate) async fn is_nowhere_at_rest(stage: &Stage) -> Result<()> {
    let recording = stage.path("recording.jsonl").display().to_string();
    let now = faultline_lab::clock::unix_now().to_string();
    faultctl(stage, &["record", "--cluster", "shop", "--from", STORY, "--to", &now, "-o", &recording])?;
    let said = faultctl(stage, &["check", "--json"])?;
    for (name, canary) in stage.canaries() {
        check(!said.contains(&canary), format!("faultctl check says {name}"))?;
    }
    let mut looked_at = 0;
    for folder in [stage.path(""), stage.session.folder().path().to_owned()] {
        look_through(&folder, &stage.canaries(), &mut looked_at)?;
    }
    for written in [stage.log(), stage.events(), stage.path("recording.jsonl"), stage.path("config.toml")] {
        check(written.is_file(), format!("{} was not written", written.display()))?;
    }
    check(looked_at > 10, "the files were not found")
}

fn look_through(folder: &Path, canaries: &[(&'static str, String)], looked_at: &mut usize) -> Result<()> {
    for entry in std::fs::read_dir(folder).unwrap().map(std::result::Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() && entry.file_name() != KEYRINGS {
            look_through(&path, canaries, looked_at)?;
        } else if kind.is_file() {
            *looked_at += 1;
            let content = std::fs::read(&path).unwrap();
            for (name, canary) in canaries {
                let found = content.windows(canary.len()).any(|bytes| bytes == canary.as_bytes());
                check(!found, format!("{name} is in {}", path.display()))?;
            }
        }
    }
    Ok(())
}
