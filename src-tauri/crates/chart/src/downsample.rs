//! Fewer points than were measured, without losing what the eye would see: of each pixel column the first, least,
//! greatest and last value stay, gaps stay gaps, and lines are cut at the edges of the range.

use faultline_model::{TimeRange, Timestamp};

use crate::panel::Series;

/// A piece of a line without a gap: at least one point, in the order of time.
pub(crate) type Run = Vec<(Timestamp, f64)>;

/// The pieces of a series that lie in the range, at most four points to each of `columns` pixel columns.
pub(crate) fn runs(series: &Series, range: TimeRange, columns: usize) -> Vec<Run> {
    let visible = &series.points[window(series, range)];
    let mut out = Vec::new();
    let mut run: Run = Vec::new();
    for (at, value) in visible {
        match value.filter(|value| value.is_finite()) {
            Some(value) => run.push((*at, value)),
            None => finish(&mut run, range, columns, &mut out),
        }
    }
    finish(&mut run, range, columns, &mut out);
    out
}

/// The points in the range and one on each side of it, for the lines that cross its edges.
pub(crate) fn window(series: &Series, range: TimeRange) -> std::ops::Range<usize> {
    let from = series.points.partition_point(|(at, _)| *at < range.from).saturating_sub(1);
    let to = series.points.partition_point(|(at, _)| *at <= range.to);
    from..(to + 1).min(series.points.len()).max(from)
}

fn finish(run: &mut Run, range: TimeRange, columns: usize, out: &mut Vec<Run>) {
    let cut = cut(std::mem::take(run), range);
    if !cut.is_empty() {
        out.push(thin(cut, range, columns));
    }
}

/// Cuts a run at the edges of the range; where a line crosses an edge its value there is interpolated.
pub(crate) fn cut(mut run: Run, range: TimeRange) -> Run {
    if let [first, second, ..] = run[..]
        && first.0 < range.from
    {
        run[0] = (range.from, between(first, second, range.from));
    }
    if let [.., before, last] = run[..]
        && last.0 > range.to
    {
        let end = run.len() - 1;
        run[end] = (range.to, between(before, last, range.to));
    }
    run.retain(|(at, _)| range.from <= *at && *at <= range.to);
    run
}

fn between(a: (Timestamp, f64), b: (Timestamp, f64), at: Timestamp) -> f64 {
    let length_s = b.0.secs_since(a.0);
    if length_s <= 0.0 {
        return a.1;
    }
    let share = (at.secs_since(a.0) / length_s).clamp(0.0, 1.0);
    a.1 * (1.0 - share) + b.1 * share
}

fn thin(run: Run, range: TimeRange, columns: usize) -> Run {
    if run.len() <= 2 * columns.max(1) {
        return run;
    }
    let mut out = Run::with_capacity(4 * columns);
    for column in run.chunk_by(|a, b| column_of(a.0, range, columns) == column_of(b.0, range, columns)) {
        let index_of = |better: fn(f64, f64) -> bool| {
            (1..column.len())
                .fold(0, |best, index| if better(column[index].1, column[best].1) { index } else { best })
        };
        let mut keep = [0, index_of(|a, b| a < b), index_of(|a, b| a > b), column.len() - 1];
        keep.sort_unstable();
        let mut last = usize::MAX;
        for index in keep {
            if index != last {
                out.push(column[index]);
                last = index;
            }
        }
    }
    out
}

/// The pixel column that a time falls into.
pub(crate) fn column_of(at: Timestamp, range: TimeRange, columns: usize) -> usize {
    (at.secs_since(range.from) / range.secs() * columns as f64).clamp(0.0, columns as f64) as usize
}

#[cfg(test)]
mod tests {
    use faultline_model::{TimeRange, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::panel::Color;

    fn series(values: &[Option<f64>]) -> Series {
        let points = values.iter().enumerate().map(|(i, v)| (Timestamp::from_secs(i as f64), *v)).collect();
        Series { key: String::new(), label: String::new(), color: Color::hex(0), points }
    }

    fn range(from: f64, to: f64) -> TimeRange {
        TimeRange::new(Timestamp::from_secs(from), Timestamp::from_secs(to))
    }

    #[test]
    fn gaps_break_a_line_and_edges_are_interpolated() {
        let nan = Some(f64::NAN);
        let found =
            runs(&series(&[Some(0.0), Some(2.0), None, Some(5.0), nan, Some(1.0)]), range(0.5, 4.0), 100);
        let plain: Vec<Vec<(f64, f64)>> =
            found.iter().map(|run| run.iter().map(|(at, v)| (at.as_secs(), *v)).collect()).collect();
        assert_eq!(plain, vec![vec![(0.5, 1.0), (1.0, 2.0)], vec![(3.0, 5.0)]]);
    }

    proptest! {
        #[test]
        fn peaks_and_order_survive(values in prop::collection::vec(-1e6..1e6_f64, 1..2_000), columns in 1..50_usize) {
            let all = series(&values.iter().copied().map(Some).collect::<Vec<_>>());
            let found = runs(&all, range(0.0, values.len() as f64), columns);
            let flat: Vec<_> = found.into_iter().flatten().collect();
            let max = |it: &mut dyn Iterator<Item = f64>| it.fold(f64::MIN, f64::max);
            prop_assert_eq!(max(&mut flat.iter().map(|p| p.1)), max(&mut values.iter().copied()));
            prop_assert!(flat.windows(2).all(|pair| pair[0].0 < pair[1].0));
            prop_assert!(flat.len() <= (4 * columns).max(2 * columns) + 4);
        }
    }
}
