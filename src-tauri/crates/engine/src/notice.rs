//! The words of a notification: which deploy, which query, what speaks against the other explanations. Pure.

use faultline_model::{
    Cause, CauseVerdict, Deploy, Finding, IncidentId, Notice, Opened, Severity, SuspectDeploy, Verdict,
};

/// A deploy is named, and its way back offered, from this probability on.
pub(crate) const NAMED_FROM_PROBABILITY: f64 = 0.5;

/// Longest query text in a notification, characters.
const MAX_QUERY_CHARS: usize = 90;

/// The suspect that is named: the likeliest candidate, if it is a deploy and likely enough.
pub fn named_suspect(verdict: &Verdict) -> Option<&SuspectDeploy> {
    verdict
        .deploys
        .first()
        .filter(|suspect| suspect.id.is_some() && suspect.probability >= NAMED_FROM_PROBABILITY)
}

/// What a verdict comes down to; a notification that was dismissed comes back only when this changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gist {
    deploy: Option<faultline_model::DeployId>,
    cause: Option<Cause>,
    query: Option<faultline_model::Fingerprint>,
}

impl Gist {
    /// The gist of a verdict.
    pub(crate) fn of(verdict: &Verdict) -> Self {
        Self {
            deploy: named_suspect(verdict).and_then(|suspect| suspect.id.clone()),
            cause: supported(verdict).next().map(|cause| cause.cause),
            query: verdict.queries.first().map(|query| query.fp.clone()),
        }
    }
}

fn supported(verdict: &Verdict) -> impl Iterator<Item = &CauseVerdict> {
    verdict.causes.iter().filter(|cause| cause.verdict == Finding::Supported)
}

/// The notification of an incident as it stands. `deploy` is the named suspect, where it is known; `can_roll_back`
/// says whether there is a way back for it.
pub(crate) fn notice(
    opened: &Opened,
    verdict: Option<&Verdict>,
    deploy: Option<&Deploy>,
    can_roll_back: bool,
) -> Notice {
    let load = match opened.load_ratio {
        Some(ratio) => format!("load ×{ratio:.1}"),
        None => "in trouble".to_owned(),
    };
    let title = match (deploy, verdict.and_then(named_suspect)) {
        (Some(deploy), Some(suspect)) => {
            format!(
                "{}: {load} since {} ({:.0} %)",
                opened.cluster,
                deploy.title(),
                suspect.probability * 100.0
            )
        }
        _ => format!("{}: {load}", opened.cluster),
    };
    Notice {
        incident: opened.incident.clone(),
        rollback: deploy.filter(|_| can_roll_back).map(|deploy| deploy.id.clone()),
        title,
        body: body(verdict),
        critical: opened.severity == Severity::Critical,
    }
}

fn body(verdict: Option<&Verdict>) -> String {
    let Some(verdict) = verdict else { return "Looking for the cause.".to_owned() };
    let mut lines = Vec::new();
    if let Some(query) = verdict.queries.first() {
        let text = query.text.as_deref().unwrap_or(query.fp.as_str());
        lines.push(format!("{:.0} % of the extra load: {}", query.share * 100.0, shorten(text)));
    }
    lines.extend(supported(verdict).take(1).map(|cause| cause.why.clone()));
    let traffic = verdict.causes.iter().find(|cause| cause.cause == Cause::TrafficSurge);
    lines.extend(traffic.filter(|cause| cause.verdict == Finding::RuledOut).map(|cause| cause.why.clone()));
    if lines.is_empty() {
        lines.push("No cause stands out yet.".to_owned());
    }
    lines.join("\n")
}

fn shorten(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(MAX_QUERY_CHARS).collect();
    if chars.next().is_some() { format!("{start}…") } else { start }
}

/// The notification that a rollback did not help, in place of the incident's.
pub(crate) fn did_not_help(incident: IncidentId, deploy: &Deploy) -> Notice {
    Notice {
        incident,
        rollback: None,
        title: format!("Rolling back {} did not help", deploy.title()),
        body:
            "The deploy system says it is done, but the database has not recovered. Look for another cause."
                .to_owned(),
        critical: true,
    }
}

#[cfg(test)]
mod tests {
    use faultline_model::{SuspectQuery, Timestamp};

    use super::*;

    fn opened() -> Opened {
        Opened {
            incident: "1".into(),
            cluster: "shop".into(),
            onset: Timestamp::from_secs(90.0),
            severity: Severity::Critical,
            load_ratio: Some(6.2),
            nodes: vec![],
        }
    }

    fn verdict(probability: f64) -> Verdict {
        Verdict {
            incident: "1".into(),
            causes: vec![
                CauseVerdict {
                    cause: Cause::QueryRegression,
                    verdict: Finding::Supported,
                    score: 0.97,
                    why: "One new query makes 83 % of the extra load.".into(),
                },
                CauseVerdict {
                    cause: Cause::TrafficSurge,
                    verdict: Finding::RuledOut,
                    score: 0.01,
                    why: "Calls of the 41 other queries +2 %: not traffic.".into(),
                },
            ],
            deploys: vec![
                SuspectDeploy { id: Some("checkout-142".into()), probability },
                SuspectDeploy { id: None, probability: 1.0 - probability },
            ],
            queries: vec![SuspectQuery {
                fp: "3f2a90".into(),
                text: Some("select * from item where order_id = ?".into()),
                share: 0.83,
            }],
        }
    }

    fn deploy() -> Deploy {
        serde_json::from_str(
            r#"{"id":"checkout-142","service":"checkout","version":"v142","previous":"v141"}"#,
        )
        .unwrap()
    }

    #[test]
    fn the_notification_names_deploy_query_and_what_it_is_not() {
        insta::assert_debug_snapshot!(notice(&opened(), Some(&verdict(0.94)), Some(&deploy()), true));
    }

    #[test]
    fn without_a_way_back_there_is_no_button() {
        assert_eq!(notice(&opened(), Some(&verdict(0.94)), Some(&deploy()), false).rollback, None);
        assert_eq!(notice(&opened(), None, None, true).rollback, None);
    }

    #[test]
    fn an_unlikely_deploy_is_not_named() {
        assert_eq!(named_suspect(&verdict(0.4)), None);
        assert!(named_suspect(&verdict(0.6)).is_some());
    }

    #[test]
    fn the_gist_changes_with_the_suspect_and_not_with_the_numbers() {
        assert_eq!(Gist::of(&verdict(0.94)), Gist::of(&verdict(0.84)));
        assert_ne!(Gist::of(&verdict(0.94)), Gist::of(&verdict(0.3)));
    }
}
