//! What tells one series from another.

use std::fmt;

/// The label that holds a series' metric name.
pub const METRIC_NAME: &str = "__name__";

/// The labels of a series in the order of their names, the metric's name among them as [`METRIC_NAME`]. A label with an
/// empty value is the same as none, as everywhere in Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Vec<(String, String)>);

impl Labels {
    /// The labels of these pairs; of a name that comes twice the first stays.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut pairs: Vec<(String, String)> =
            pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, first| later.0 == first.0);
        Self(pairs)
    }

    /// The value of a label; empty where there is no such label.
    pub fn get(&self, name: &str) -> &str {
        match self.0.binary_search_by(|(own, _)| own.as_str().cmp(name)) {
            Ok(found) => &self.0[found].1,
            Err(_) => "",
        }
    }

    /// The metric's name; empty where an operation took it away.
    pub fn metric(&self) -> &str {
        self.get(METRIC_NAME)
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These labels without those whose names `drop` picks.
    #[must_use]
    pub fn without(&self, drop: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| !drop(name)).cloned().collect())
    }
}

/// As Prometheus writes it: `up{job="shop"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.metric())?;
        let mut others = self.iter().filter(|(name, _)| *name != METRIC_NAME).peekable();
        if others.peek().is_none() {
            return if self.metric().is_empty() { f.write_str("{}") } else { Ok(()) };
        }
        let mut before = '{';
        for (name, value) in others {
            write!(f, "{before}{name}={value:?}")?;
            before = ',';
        }
        f.write_str("}")
    }
}
