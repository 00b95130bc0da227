//! Compares what Faultline said with the truth. Pure: times come in as arguments.

use super::events::{Candidate, Guilty};

/// What is true about the demo's incident.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    /// Id of the deploy that did it.
    pub(super) deploy: String,
    /// What the guilty query's text holds.
    pub(super) query: &'static str,
}

/// What was said so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Judge {
    /// The first deploy that a verdict put first.
    pub(super) first_deploy: Option<String>,
    /// The first query that a verdict put first.
    pub(super) first_query: Option<String>,
    /// Since when deploy and query have both been right.
    pub(super) right_since: Option<f64>,
}

impl Judge {
    /// Takes a verdict that was said at a time.
    pub(super) fn hear(&mut self, at: f64, deploys: &[Candidate], queries: &[Guilty], truth: &Truth) {
        let deploy = deploys.first().and_then(|candidate| candidate.id.clone());
        let query = queries.first().and_then(|query| query.text.clone());
        let right_deploy = deploy.as_deref() == Some(&truth.deploy);
        let right_query = query.as_deref().is_some_and(|text| is_guilty(text, truth));
        self.first_deploy = self.first_deploy.take().or(deploy);
        self.first_query = self.first_query.take().or(query);
        self.right_since = if right_deploy && right_query { self.right_since.or(Some(at)) } else { None };
    }

    /// Whether deploy and query have both been named, rightly or not.
    pub(super) fn has_named_both(&self) -> bool {
        self.first_deploy.is_some() && self.first_query.is_some()
    }

    /// What was wrong about the first names, if anything.
    pub(super) fn wrong(&self, truth: &Truth) -> Option<String> {
        let deploy = self.first_deploy.as_deref().unwrap_or("none");
        let query = self.first_query.as_deref().unwrap_or("none");
        if deploy != truth.deploy {
            return Some(format!("the first deploy named was {deploy}, not {}", truth.deploy));
        }
        (!is_guilty(query, truth))
            .then(|| format!("the first query named was {query:?}, not `… {} …`", truth.query))
    }
}

fn is_guilty(text: &str, truth: &Truth) -> bool {
    let plain = text.to_lowercase().replace('"', "");
    plain.split_whitespace().collect::<Vec<_>>().join(" ").contains(truth.query)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(deploy: Option<&str>, query: &str) -> (Vec<Candidate>, Vec<Guilty>) {
        let candidate = Candidate { id: deploy.map(str::to_owned), probability: 0.9 };
        (vec![candidate], vec![Guilty { text: Some(query.to_owned()), share: 0.8 }])
    }

    #[test]
    fn right_counts_from_when_it_stays_right() {
        let truth = Truth { deploy: "checkout-142".to_owned(), query: "from order_item where order_id" };
        let good = || said(Some("checkout-142"), "SELECT * FROM order_item\n WHERE order_id = ?");
        let undecided = || said(None, "select * from order_item where order_id = ?");
        let other = || said(Some("search-88"), "select 1");
        for (verdicts, right_since, wrong) in [
            (vec![good()], Some(0.0), false),
            (vec![undecided(), good()], Some(1.0), false),
            (vec![good(), other(), good()], Some(2.0), false),
            (vec![other(), good()], Some(1.0), true),
            (vec![good(), other()], None, false),
            (vec![], None, true),
        ] {
            let mut judge = Judge::default();
            for (at, (deploys, queries)) in verdicts.iter().enumerate() {
                judge.hear(at as f64, deploys, queries, &truth);
            }
            assert_eq!(judge.right_since, right_since, "{verdicts:?}");
            assert_eq!(judge.wrong(&truth).is_some(), wrong, "{verdicts:?}");
        }
    }
}
