//! A closer look on suspicion: who blocks whom, and how the suspects would run. Explaining has a session of its own, since
//! it needs a default schema and may take its two seconds.

use faultline_model::{Facts, Fingerprint};
use serde_json::Value;

use super::capabilities::Capabilities;
use super::locks::{self, Waits};
use super::plans::Plan;
use super::selftest;
use super::source::MysqlSource;
use super::sql_facts;
use super::texts::Sample;
use super::trouble::Trouble;
use crate::common::Found;

/// Most suspects that are explained at a time.
const MAX_EXPLAINED: usize = 5;
/// Most suspects whose missing index is remembered; beyond it the memory starts over.
const MAX_TOLD_HINTS: usize = 1_000;
/// Length of kept texts where the server does not tell it, bytes.
const USUAL_TEXT_BYTES: u64 = 1_024;
/// Facts of who blocks whom.
const LOCK_FACTS: [&str; 2] = ["lock:root", "lock:waiting"];

impl MysqlSource {
    /// What is found of the suspects and of locks, as facts; `None` when the connection broke.
    pub(super) async fn look_closer(&mut self, suspects: &[Fingerprint]) -> Option<Facts> {
        let has = self.has.clone()?;
        let mut found = Facts::new();
        match self.locks(&has).await {
            Ok(more) => {
                self.board.recovered(Found::ok(selftest::LOCKS, "waits for locks are read"));
                found.extend(more);
            }
            Err(trouble) => self.failed(selftest::LOCKS, trouble).ok()?,
        }
        match self.plans(&has, suspects).await {
            Ok(more) => found.extend(more),
            Err(trouble) => self.failed(selftest::PLANS, trouble).ok()?,
        }
        Some(self.facts.news(found))
    }

    /// Who is at the root of the waits for locks; null when nobody waits any more.
    async fn locks(&mut self, has: &Capabilities) -> Result<Facts, Trouble> {
        let mut waits = Waits::default();
        for query in [sql_facts::row_locks(has), sql_facts::metadata_locks(has)].into_iter().flatten() {
            waits.add(&self.ask(&query).await?)?;
        }
        let Some(root) = waits.root() else {
            let over = std::mem::take(&mut self.told_locks);
            return Ok(LOCK_FACTS
                .iter()
                .filter(|_| over)
                .map(|name| ((*name).to_owned(), Value::Null))
                .collect());
        };
        let holder = self.ask(&sql_facts::holder(has, root.id)).await?;
        let program = self.program_of(has, root.id).await;
        let sentence = locks::sentence(&root, holder.first(), program.as_deref())?;
        self.told_locks = true;
        Ok(LOCK_FACTS
            .into_iter()
            .map(str::to_owned)
            .zip([Value::String(sentence), Value::from(waits.waiting())])
            .collect())
    }

    /// What the client of a session calls itself. Not to know it is no failure.
    async fn program_of(&mut self, has: &Capabilities, id: u64) -> Option<String> {
        if !has.performance_schema() || !has.columns.has("session_connect_attrs", "ATTR_VALUE") {
            return None;
        }
        let answer = self.ask(&super::sql::programs(&[id])).await.ok()?;
        answer.first()?.text("program").ok().flatten().map(str::to_owned)
    }

    /// The plans of those suspects of which a whole text was seen; a digest has no literals and cannot be explained.
    async fn plans(&mut self, has: &Capabilities, suspects: &[Fingerprint]) -> Result<Facts, Trouble> {
        self.read_samples(has, suspects).await?;
        let samples: Vec<(Fingerprint, Sample)> = suspects
            .iter()
            .filter_map(|suspect| Some((suspect.clone(), self.texts.sample(suspect)?.clone())))
            .take(MAX_EXPLAINED)
            .collect();
        let mut found = Facts::new();
        for (suspect, sample) in samples {
            let schema = sample.schema.as_deref();
            let explained = self.link.aside(schema, &[sql_facts::explain(&sample.text)]).await;
            match explained.and_then(|mut answers| answers.pop().unwrap_or_else(|| Err(nothing()))) {
                Ok(answer) => {
                    let json = answer
                        .first()
                        .and_then(|row| row.any(&["EXPLAIN"]).ok().flatten().map(str::to_owned));
                    if let Some(plan) = json.as_deref().and_then(Plan::read) {
                        self.board.recovered(Found::ok(selftest::PLANS, "suspects are explained"));
                        found.extend(self.plan_facts(suspect.clone(), &plan, &sample));
                    }
                }
                // The session that watches is another one: whatever this one suffered, that goes on.
                Err(trouble) => {
                    let row = selftest::part(selftest::PLANS, &trouble, self.has.as_ref());
                    self.board.set(row);
                }
            }
        }
        Ok(found)
    }

    fn plan_facts(&mut self, suspect: Fingerprint, plan: &Plan, sample: &Sample) -> Facts {
        let mut found = Facts::from([
            (format!("plan:{suspect}"), Value::String(plan.shape())),
            (format!("plan_summary:{suspect}"), Value::String(plan.summary())),
        ]);
        let hint = plan.index_hint(&sample.text, sample.schema.as_deref());
        let told = match hint {
            Some(hint) => Some((Value::String(hint.statement), Value::String(hint.basis))),
            // Nothing is taken back that was never said.
            None => self.told_hints.remove(&suspect).then_some((Value::Null, Value::Null)),
        };
        if let Some((statement, basis)) = told {
            if !statement.is_null() {
                if self.told_hints.len() >= MAX_TOLD_HINTS {
                    self.told_hints.clear();
                }
                self.told_hints.insert(suspect.clone());
            }
            found.insert(format!("index_hint:{suspect}"), statement);
            found.insert(format!("index_basis:{suspect}"), basis);
        }
        found
    }

    /// Whole texts of the suspects that the server still has.
    async fn read_samples(&mut self, has: &Capabilities, suspects: &[Fingerprint]) -> Result<(), Trouble> {
        let digests = self.texts.digests_of(suspects);
        if digests.is_empty() || !has.reads_digests() {
            return Ok(());
        }
        let limit = has.number("performance_schema_max_sql_text_length").unwrap_or(USUAL_TEXT_BYTES);
        for query in sql_facts::samples(has, &digests) {
            let answer = self.ask(&query).await?;
            self.texts.learn_samples(&answer, limit as usize)?;
        }
        Ok(())
    }
}

fn nothing() -> Trouble {
    Trouble::Unreadable { reason: "no answer".to_owned() }
}
