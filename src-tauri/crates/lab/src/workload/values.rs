//! What statements' parameters are drawn from, ready to draw, and the values that one request has drawn.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::distr::Distribution;
use rand::rngs::SmallRng;
use rand_distr::Zipf;

use super::{Param, Workload};

/// A parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(i64),
    Text(String),
}

/// A parameter that is ready to draw.
#[derive(Clone, Debug)]
enum Source {
    Between(i64, i64),
    Zipf(Zipf<f64>),
    OneOf(Vec<String>),
    Text { before: String, after: String, count: i64 },
}

/// All parameters of a workload, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    names: Vec<String>,
    sources: Vec<Source>,
}

impl Sources {
    /// Those of a checked workload.
    pub(super) fn of(workload: &Workload) -> Self {
        let sources =
            workload.params.iter().map(|(name, param)| (name.clone(), source(param, &workload.sizes)));
        let (names, sources) = sources.unzip();
        Self { names, sources }
    }

    /// The number of a parameter.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// Draws the values of a statement's parameters, as numbered. A request has one value for each parameter; where the
    /// statement names it again, or is run `again`, it is another one.
    pub(super) fn draw(
        &self,
        params: &[usize],
        again: bool,
        drawn: &mut Drawn,
        random: &mut SmallRng,
    ) -> Vec<Value> {
        let values = params.iter().enumerate().map(|(place, param)| {
            let Some(source) = self.sources.get(*param) else { return Value::Number(0) };
            if again || params[..place].contains(param) {
                return source.draw(random);
            }
            drawn.0.entry(*param).or_insert_with(|| source.draw(random)).clone()
        });
        values.collect()
    }
}

/// The values that a request has drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct Drawn(BTreeMap<usize, Value>);

fn source(param: &Param, sizes: &BTreeMap<String, u64>) -> Source {
    let count = |of: &String| sizes.get(of).map_or(1, |size| i64::try_from(*size).unwrap_or(i64::MAX));
    match param {
        Param::Uniform(of) => Source::Between(1, count(of)),
        // Checked values are all that Zipf takes; were they not, the draw would be uniform.
        Param::Zipf { of, exponent } => {
            Zipf::new(count(of) as f64, *exponent).map_or(Source::Between(1, count(of)), Source::Zipf)
        }
        Param::Between(low, high) => Source::Between(*low, *high),
        Param::OneOf(texts) => Source::OneOf(texts.clone()),
        Param::Text { pattern, of } => {
            let (before, after) = pattern.split_once("{}").unwrap_or((pattern, ""));
            Source::Text { before: before.to_owned(), after: after.to_owned(), count: count(of) }
        }
    }
}

impl Source {
    fn draw(&self, random: &mut SmallRng) -> Value {
        match self {
            Self::Between(low, high) => Value::Number(random.random_range(*low..=*high)),
            Self::Zipf(zipf) => Value::Number(zipf.sample(random) as i64),
            Self::OneOf(texts) => Value::Text(texts[random.random_range(0..texts.len())].clone()),
            Self::Text { before, after, count } => {
                Value::Text(format!("{before}{}{after}", random.random_range(1..=*count)))
            }
        }
    }
}
