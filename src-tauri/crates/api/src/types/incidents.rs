//! Incidents as the list and the panel show them.

use faultline_model::{Finding, Severity};

use super::rollback::RollbackView;

wire! {
    /// Which incidents.
    pub struct IncidentsRequest {
        /// Of this cluster alone; null for all.
        pub cluster: Option<String>,
        /// At most so many, newest first.
        pub limit: u32,
    }

    /// One incident.
    pub struct IncidentRequest {
        /// Its id.
        pub id: String,
    }

    /// An incident in a list.
    pub struct IncidentSummary {
        /// Its id.
        pub id: String,
        /// Where.
        pub cluster: String,
        /// When the trouble began, Unix seconds.
        pub onset: f64,
        /// When it was opened, Unix seconds.
        pub opened: f64,
        /// When it was over, Unix seconds.
        pub resolved: Option<f64>,
        /// How much it matters.
        pub severity: SeverityView,
        /// Load by its baseline when it was opened; null where load is not observed.
        pub load_ratio: Option<f64>,
        /// One line: the likeliest deploy, or the likeliest cause.
        pub headline: String,
        /// How it stands.
        pub state: IncidentState,
    }

    /// An incident with everything that is known about it.
    pub struct IncidentView {
        /// As in the list.
        pub summary: IncidentSummary,
        /// Nodes where it shows.
        pub nodes: Vec<String>,
        /// Every cause, best first.
        pub causes: Vec<CauseView>,
        /// The candidates, best first; `deploy_id` null is "none of them".
        pub deploys: Vec<SuspectView>,
        /// The queries, by share of the extra load.
        pub queries: Vec<IncidentQueryView>,
        /// One sentence on what the traffic did, with its number.
        pub traffic: Option<String>,
        /// What happened, in order.
        pub timeline: Vec<TimelineEntry>,
        /// The latest rollback for it, if any.
        pub rollback: Option<RollbackView>,
    }

    /// One hypothesis and what became of it.
    pub struct CauseView {
        /// Its name in the vocabulary, `query_regression`.
        pub cause: String,
        /// What the evidence says.
        pub verdict: FindingView,
        /// How likely it is at work, 0–1.
        pub score: f64,
        /// One sentence with the numbers in it.
        pub why: String,
    }

    /// A deploy as a suspect.
    pub struct SuspectView {
        /// The deploy; null is "none of them".
        pub deploy_id: Option<String>,
        /// `service version`, or words for "none of them".
        pub title: String,
        /// 0–1; they add up to 1.
        pub probability: f64,
        /// The service that changed.
        pub service: Option<String>,
        /// What runs now.
        pub version: Option<String>,
        /// What ran before.
        pub previous: Option<String>,
        /// The deploy system's page.
        pub url: Option<String>,
        /// Whether there is a way back from here.
        pub can_roll_back: bool,
    }

    /// A query as a suspect.
    pub struct IncidentQueryView {
        /// Its fingerprint.
        pub fp: String,
        /// Its normalised text, where known.
        pub text: Option<String>,
        /// Its share of the extra load, 0–1.
        pub share: f64,
    }

    /// Something that happened.
    pub struct TimelineEntry {
        /// When, Unix seconds.
        pub t: f64,
        /// What kind: `onset`, `deploy`, `opened`, `verdict`, `notified`, `rollback`, `recovering`, `resolved`.
        pub kind: String,
        /// One sentence.
        pub text: String,
    }
}

/// How an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Going on.
    Open,
    /// The load is back, but not for long enough yet.
    Recovering,
    /// Over.
    Resolved,
}

wire_enum! {
    /// How much an incident matters.
    SeverityView from Severity {
        /// Worth a look.
        Warning,
        /// Users must notice.
        Critical,
    }
}

wire_enum! {
    /// What a cause's evidence says.
    FindingView from Finding {
        /// The evidence is there.
        Supported,
        /// The evidence speaks against it.
        RuledOut,
        /// Cannot be told from what is observed.
        Inconclusive,
    }
}

impl From<faultline_model::CauseVerdict> for CauseView {
    fn from(verdict: faultline_model::CauseVerdict) -> Self {
        Self {
            cause: verdict.cause.name().to_owned(),
            verdict: verdict.verdict.into(),
            score: verdict.score,
            why: verdict.why,
        }
    }
}

impl From<faultline_model::SuspectQuery> for IncidentQueryView {
    fn from(query: faultline_model::SuspectQuery) -> Self {
        Self { fp: query.fp.into(), text: query.text, share: query.share }
    }
}
