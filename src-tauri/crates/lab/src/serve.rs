//! A shop to look at from a browser: a real pair under load, its deploy system, and `faultctl serve` watching it, until
//! Ctrl-C. Lines on standard input deploy: `deploy checkout v142`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::configuration::{self, Agreed};
use crate::deploys::{DeploySystem, Production, Webhook};
use crate::edge::Edge;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::postgres::Pair;
use crate::process::Process;
use crate::shop;

/// How often is looked whether the server still runs.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is served.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// The command line program
    #[arg(long, value_name = "PATH")]
    pub faultctl: PathBuf,
    /// Folder of the built window
    #[arg(long, value_name = "DIR")]
    pub ui: Option<PathBuf>,
    /// Where the window is served
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7788")]
    pub listen: String,
    /// Major version of the PostgreSQL pair
    #[arg(long, value_name = "VERSION", default_value_t = 18, value_parser = clap::value_parser!(u8).range(14..=18))]
    pub postgres: u8,
}

/// Sets everything up and keeps it running until the server ends.
///
/// # Errors
/// When a part does not start, or the server ends by itself.
pub async fn run(options: Options, say: impl Fn(&str)) -> Result<()> {
    say(&format!("starting a PostgreSQL {} primary and its streaming hot standby", options.postgres));
    let pair = Pair::start(options.postgres).await?;
    let load = shop::open(&pair).await?;
    let agreed = Agreed::new()?;
    let webhook = Webhook { url: agreed.webhook_url(), secret: agreed.webhook_secret.clone() };
    let production: Arc<dyn Production> = load.clone();
    let deploys =
        DeploySystem::start(agreed.deploy_token.clone(), &shop::running(), production, Some(webhook)).await?;
    let edge = Edge::start(Arc::clone(&load)).await?;
    let folder = Folder::create(None)?;
    let config =
        folder.write("config.toml", &configuration::text(&pair, &agreed, &deploys.url(), &edge.url()))?;
    let mut command = Command::new(&options.faultctl);
    command.arg("serve").arg("--listen").arg(&options.listen).arg("--config").arg(&config);
    command.arg("--data").arg(folder.path().join("data")).envs(configuration::secrets(&pair, &agreed));
    if let Some(ui) = &options.ui {
        command.arg("--ui").arg(ui);
    }
    // It prints its address when it listens.
    let mut server = Process::spawn("faultctl serve", &mut command, Signal::SIGTERM)?;
    for (service, versions) in shop::VERSIONS {
        say(&format!("to deploy, type: deploy {service} {}", versions.join("|")));
    }
    let ended = tokio::select! {
        ended = until_it_ends(&mut server) => ended,
        never = take_orders(&deploys, &say) => never,
    };
    load.stop().await;
    ended
}

async fn until_it_ends(server: &mut Process) -> Result<()> {
    loop {
        if let Some(status) = server.try_wait()? {
            let (program, log) = (server.name().to_owned(), "(above)".to_owned());
            return Err(Error::Ended { program, status: status.to_string(), log });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Deploys what is typed; without anybody who types it waits for ever.
async fn take_orders(deploys: &DeploySystem, say: &impl Fn(&str)) -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match order(&line) {
            Some((service, version)) => {
                let id = deploys.deploy(service, version).await;
                say(&format!("{id} is out"));
            }
            None if line.trim().is_empty() => {}
            None => say("that is no order; type for example: deploy checkout v142"),
        }
    }
    std::future::pending().await
}

fn order(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    let (Some("deploy"), Some(service), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return None;
    };
    shop::has(service, version).then_some((service, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_orders_that_can_be_carried_out_are_taken() {
        for (line, taken) in [
            ("deploy checkout v142", Some(("checkout", "v142"))),
            ("  deploy   search 88 ", Some(("search", "88"))),
            ("deploy checkout v99", None),
            ("deploy bank v1", None),
            ("deploy checkout", None),
            ("deploy checkout v142 now", None),
            ("", None),
        ] {
            assert_eq!(order(line), taken, "{line:?}");
        }
    }
}
