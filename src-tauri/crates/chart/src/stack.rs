//! Stacked areas: the series of a panel brought onto one axis of time and added up.

use faultline_model::{TimeRange, Timestamp};

use crate::downsample::{self, Run, column_of};
use crate::panel::Series;

/// A stretch without a gap: at every time the upper edge of every layer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stretch {
    /// The times.
    pub(crate) times: Vec<Timestamp>,
    /// For each series its upper edge at each time; the first lies lowest.
    pub(crate) edges: Vec<Vec<f64>>,
}

/// Adds the series up, at most two times to each of `columns` pixel columns: those with the least and the greatest
/// sum. Where no series has a value there is a gap; where only some have, the others count as nothing.
pub(crate) fn stack(series: &[Series], range: TimeRange, columns: usize) -> Vec<Stretch> {
    let times = times(series, range);
    let sums = sums(series, &times);
    let mut out = Vec::new();
    let mut from = 0;
    while from < times.len() {
        let Some(start) = (from..times.len()).find(|index| !sums[*index].is_nan()) else { break };
        let end = (start..times.len()).find(|index| sums[*index].is_nan()).unwrap_or(times.len());
        let keep = thin(&times[start..end], &sums[start..end], range, columns);
        out.push(Stretch {
            times: keep.iter().map(|index| times[start + index]).collect(),
            edges: Vec::new(),
        });
        from = end;
    }
    for stretch in &mut out {
        fill(stretch, series);
    }
    out.into_iter().map(|stretch| cut(stretch, range)).filter(|stretch| !stretch.times.is_empty()).collect()
}

/// Every time at which a series has a word to say, within the range and one step beyond it.
fn times(series: &[Series], range: TimeRange) -> Vec<Timestamp> {
    let mut out: Vec<Timestamp> = Vec::new();
    for one in series {
        let visible = &one.points[downsample::window(one, range)];
        let same = visible.len() == out.len() && visible.iter().zip(&out).all(|((at, _), known)| at == known);
        if !same {
            out.extend(visible.iter().map(|(at, _)| *at));
            out.sort_unstable();
            out.dedup();
        }
    }
    out
}

/// The sum over all series at each time; not a number where no series has a value.
fn sums(series: &[Series], times: &[Timestamp]) -> Vec<f64> {
    let mut out = vec![f64::NAN; times.len()];
    for one in series {
        for_each_at(one, times, |index, value| {
            out[index] = if out[index].is_nan() { value } else { out[index] + value }
        });
    }
    out
}

/// Calls back with every value that a series has at one of the times; both are in the order of time.
fn for_each_at(series: &Series, times: &[Timestamp], mut call: impl FnMut(usize, f64)) {
    let Some(first) = times.first() else { return };
    let mut index = 0;
    let start = series.points.partition_point(|(at, _)| at < first);
    for (at, value) in &series.points[start..] {
        while index < times.len() && times[index] < *at {
            index += 1;
        }
        if index == times.len() {
            return;
        }
        if times[index] == *at
            && let Some(value) = value.filter(|value| value.is_finite())
        {
            call(index, value.max(0.0));
            index += 1;
        }
    }
}

fn thin(times: &[Timestamp], sums: &[f64], range: TimeRange, columns: usize) -> Vec<usize> {
    if times.len() <= 2 * columns.max(1) {
        return (0..times.len()).collect();
    }
    let mut out = Vec::with_capacity(2 * columns);
    let mut from = 0;
    while from < times.len() {
        let column = column_of(times[from], range, columns);
        let length = times[from..].iter().take_while(|at| column_of(**at, range, columns) == column).count();
        let (mut least, mut most) = (from, from);
        for index in from..from + length {
            if sums[index] < sums[least] {
                least = index;
            }
            if sums[index] > sums[most] {
                most = index;
            }
        }
        out.push(least.min(most));
        if least != most {
            out.push(least.max(most));
        }
        from += length;
    }
    out
}

fn fill(stretch: &mut Stretch, series: &[Series]) {
    let mut below = vec![0.0; stretch.times.len()];
    for one in series {
        for_each_at(one, &stretch.times, |index, value| below[index] += value);
        stretch.edges.push(below.clone());
    }
}

/// Cuts a stretch at the edges of the range.
fn cut(stretch: Stretch, range: TimeRange) -> Stretch {
    let inside: Vec<Run> = stretch
        .edges
        .iter()
        .map(|edge| downsample::cut(stretch.times.iter().copied().zip(edge.iter().copied()).collect(), range))
        .collect();
    let times = inside.first().map(|run| run.iter().map(|(at, _)| *at).collect()).unwrap_or_default();
    Stretch {
        times,
        edges: inside.into_iter().map(|run| run.into_iter().map(|(_, value)| value).collect()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::Color;

    fn series(points: &[(f64, Option<f64>)]) -> Series {
        let points = points.iter().map(|(at, value)| (Timestamp::from_secs(*at), *value)).collect();
        Series { key: String::new(), label: String::new(), color: Color::hex(0), points }
    }

    #[test]
    fn layers_add_up_and_gaps_stay() {
        let range = TimeRange::new(Timestamp::from_secs(0.0), Timestamp::from_secs(10.0));
        let low = series(&[(1.0, Some(1.0)), (2.0, Some(2.0)), (3.0, None), (4.0, Some(4.0))]);
        let high = series(&[(1.0, Some(10.0)), (3.0, None), (4.0, Some(f64::INFINITY))]);
        let found = stack(&[low, high], range, 100);
        let edges: Vec<_> = found.iter().map(|stretch| stretch.edges.clone()).collect();
        assert_eq!(edges, vec![vec![vec![1.0, 2.0], vec![11.0, 2.0]], vec![vec![4.0], vec![4.0]]]);
    }
}
