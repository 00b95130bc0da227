//! Aggregation over series.

use std::collections::BTreeMap;

use super::super::labels::{Labels, METRIC_NAME};
use super::node::{Aggregation, Grouping};

/// A group while its series come in.
struct Group {
    value: f64,
    count: f64,
}

/// One number a group of series.
pub(super) fn aggregate(
    how: Aggregation,
    keep: Option<&Grouping>,
    vector: Vec<(Labels, f64)>,
) -> Vec<(Labels, f64)> {
    let mut groups: BTreeMap<Labels, Group> = BTreeMap::new();
    for (labels, value) in vector {
        let key = match keep {
            None => Labels::default(),
            Some(Grouping::By(names)) => labels.without(|name| !names.iter().any(|kept| kept == name)),
            Some(Grouping::Without(names)) => {
                labels.without(|name| name == METRIC_NAME || names.iter().any(|dropped| dropped == name))
            }
        };
        match groups.entry(key) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(Group { value, count: 1.0 });
            }
            std::collections::btree_map::Entry::Occupied(group) => group.into_mut().add(how, value),
        }
    }
    let finish = |(labels, group): (Labels, Group)| {
        let value = match how {
            Aggregation::Sum | Aggregation::Max | Aggregation::Min => group.value,
            Aggregation::Average => group.value / group.count,
            Aggregation::Count => group.count,
        };
        (labels, value)
    };
    groups.into_iter().map(finish).collect()
}

impl Group {
    fn add(&mut self, how: Aggregation, value: f64) {
        self.count += 1.0;
        match how {
            Aggregation::Sum | Aggregation::Average => self.value += value,
            // NaN gives way to any number.
            Aggregation::Max if self.value < value || self.value.is_nan() => self.value = value,
            Aggregation::Min if self.value > value || self.value.is_nan() => self.value = value,
            Aggregation::Max | Aggregation::Min | Aggregation::Count => {}
        }
    }
}
