//! `faultctl mark`: writes a deploy into the store, where a running window or watch sees it.

use faultline_engine::{History, SystemClock};
use faultline_model::{Clock as _, Deploy, DeployId, DeployKind, DeployStatus, Timestamp};
use url::Url;

use crate::args::{Kind, MarkArgs, Places, Status};
use crate::error::CommandError;
use crate::{context, output, time};

/// Longest text of a deploy, characters.
const MAX_FIELD_CHARS: usize = 1_000;

pub(crate) async fn run(places: &Places, args: MarkArgs) -> Result<u8, CommandError> {
    let now = SystemClock.now();
    let json = args.json;
    let deploy = deploy(args, now)?;
    let history = History::open(&context::store_folder(places)?).await?;
    let stored = history.put_deploy(&deploy, now).await?;
    history.close().await;
    if json {
        output::json(&stored)?;
    } else {
        output::line(&format!("marked {} ({})", stored.title(), stored.id))?;
    }
    Ok(0)
}

fn deploy(args: MarkArgs, now: Timestamp) -> Result<Deploy, CommandError> {
    let texts = [
        ("--service", Some(&args.service)),
        ("--version", Some(&args.version)),
        ("--previous", args.previous.as_ref()),
        ("--environment", Some(&args.environment)),
        ("--id", args.id.as_ref()),
        ("--url", args.url.as_ref()),
    ];
    for (name, text) in texts {
        check_text(name, text.map(String::as_str))?;
    }
    check_url(args.url.as_deref())?;
    let at = match &args.at {
        Some(text) => time::parse_time(text, now)?,
        None => now,
    };
    let status = match args.status {
        Status::Started => DeployStatus::Started,
        Status::Succeeded => DeployStatus::Succeeded,
        Status::Failed => DeployStatus::Failed,
        Status::RolledBack => DeployStatus::RolledBack,
    };
    let (started, finished) =
        if status == DeployStatus::Started { (Some(at), None) } else { (None, Some(at)) };
    let id = args.id.unwrap_or_else(|| format!("{}-{}-{:.0}", args.service, args.version, at.as_secs()));
    Ok(Deploy {
        id: DeployId::from(id),
        service: args.service.into(),
        version: Some(args.version),
        previous: args.previous,
        environment: args.environment,
        started,
        finished,
        status,
        kind: match args.kind {
            Kind::Deploy => DeployKind::Deploy,
            Kind::Rollback => DeployKind::Rollback,
            Kind::Config => DeployKind::Config,
            Kind::Schema => DeployKind::Schema,
            Kind::Flag => DeployKind::Flag,
            Kind::Restart => DeployKind::Restart,
        },
        actor: None,
        url: args.url,
        cluster: None,
    })
}

fn check_text(name: &str, text: Option<&str>) -> Result<(), CommandError> {
    let Some(text) = text else { return Ok(()) };
    let wrong = if text.trim().is_empty() {
        "is empty"
    } else if text.chars().count() > MAX_FIELD_CHARS {
        "is longer than 1,000 characters"
    } else if text.chars().any(char::is_control) {
        "has control characters in it"
    } else {
        return Ok(());
    };
    Err(CommandError::Usage { message: format!("the value of {name} {wrong}") })
}

/// A page that a browser may be sent to, and nobody's password.
fn check_url(url: Option<&str>) -> Result<(), CommandError> {
    let Some(url) = url else { return Ok(()) };
    let wrong = match Url::parse(url) {
        Err(_) => "is no address",
        Ok(url) if !matches!(url.scheme(), "http" | "https") => "does not begin with https:// or http://",
        Ok(url) if !url.username().is_empty() || url.password().is_some() => "holds a user or password",
        Ok(_) => return Ok(()),
    };
    Err(CommandError::Usage {
        message: format!("the value of --url {wrong}; give the full address of the deploy's page"),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn check(line: &str) -> Result<Deploy, String> {
        let words = ["faultctl", "mark"].into_iter().chain(line.split_whitespace());
        let Command::Mark(args) = Args::try_parse_from(words).map_err(|error| error.to_string())?.command
        else {
            return Err("not mark".to_owned());
        };
        deploy(args, Timestamp::from_secs(10_000.0)).map_err(|error| error.to_string())
    }

    #[test]
    fn at_is_the_time_of_the_status() {
        let done = check("--service checkout --version v142 --previous v141").unwrap();
        assert_eq!((done.started, done.finished), (None, Some(Timestamp::from_secs(10_000.0))));
        assert_eq!((done.environment.as_str(), done.status), ("production", DeployStatus::Succeeded));
        let begun = check("--service checkout --version v142 --status started --at -15m --id c-142").unwrap();
        assert_eq!((begun.started, begun.finished), (Some(Timestamp::from_secs(9_100.0)), None));
        assert_eq!(begun.id.as_str(), "c-142");
    }

    #[test]
    fn bad_values_are_refused_with_the_option_named() {
        assert!(check("--version v1").unwrap_err().contains("--service"));
        assert!(
            check(&format!("--service {} --version v1", "x".repeat(1_001)))
                .unwrap_err()
                .contains("--service")
        );
        assert!(check("--service a --version v1 --at noon").unwrap_err().contains("noon"));
        assert!(check("--service a --version v1 --kind party").is_err());
    }
}
