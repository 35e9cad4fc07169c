//! How many chunks of an array wait for their missing parts at once, from grids and cuts alone.

use craton_core::AxisGrid;
use std::collections::HashSet;

/// Where more tasks than these share an index of the first axis, every chunk that ever waits is counted.
const COUNTED_TASKS: u64 = 1 << 20;

/// The most chunks of a grid that wait at the same time, while at most as many tasks are ahead of the first unfinished
/// one as `threads` allow.
///
/// A chunk that lies within one task never waits. Along the axis `reversed` indices are counted from the end of the grid.
pub(crate) fn most(
    cuts: &[Vec<u64>],
    grids: &[AxisGrid],
    reversed: Option<usize>,
    threads: usize,
) -> u64 {
    let axes: Vec<AxisTouch> = cuts
        .iter()
        .zip(grids)
        .enumerate()
        .map(|(axis, (cuts, grid))| AxisTouch::of(cuts, grid, reversed == Some(axis)))
        .collect();
    let within: Vec<AxisCount> = axes.iter().map(|axis| axis.count(Which::Within)).collect();
    let all: u64 = product(axes.iter().map(|axis| axis.first.len() as u64));
    let split = all - product(within.iter().map(AxisCount::total));
    if split == 0 {
        return 0;
    }
    let lengths: Vec<u64> = cuts.iter().map(|cuts| cuts.len() as u64 - 1).collect();
    let in_row = product(lengths.iter().skip(1).copied());
    // Other workers may still be writing a chunk that is whole while its last task counts as done.
    let written = threads as u64 - 1;
    if in_row > COUNTED_TASKS {
        return split;
    }
    let begun: Vec<AxisCount> = axes.iter().map(|axis| axis.count(Which::First)).collect();
    let ended: Vec<AxisCount> = axes.iter().map(|axis| axis.count(Which::Last)).collect();
    let window = if threads == 1 { 1 } else { 2 * threads as u64 };
    let waiting = |task: u64| {
        let (low, high) = (place(task, &lengths), place(task + window, &lengths));
        let begun = before(&begun, &high) - before(&ended, &low);
        begun - (before(&within, &high) - before(&within, &low))
    };
    // Rows of tasks with the same counts ahead of them, and as many chunks from before, give the same.
    let reach = (window / in_row.max(1) + 2) as usize;
    let mut seen = HashSet::new();
    let mut most = 0;
    for row in 0..axes.first().map_or(0, |axis| axis.tasks) {
        let ahead = (row..axes[0].tasks.min(row + reach))
            .map(|at| [begun[0].at[at], ended[0].at[at], within[0].at[at]]);
        let open = begun[0].before[row] - ended[0].before[row];
        if seen.insert((open, ahead.collect::<Vec<_>>())) {
            let first = row as u64 * in_row;
            most = (first..first + in_row).map(waiting).fold(most, u64::max);
        }
    }
    most.saturating_add(written).min(split)
}

/// The first and the last task, along one axis, that touch each chunk.
struct AxisTouch {
    first: Vec<u64>,
    last: Vec<u64>,
    tasks: usize,
}

enum Which {
    First,
    Last,
    /// Chunks that only one task touches.
    Within,
}

impl AxisTouch {
    fn of(cuts: &[u64], grid: &AxisGrid, is_reversed: bool) -> Self {
        let (low, high) = (cuts[0], cuts[cuts.len() - 1]);
        let task = |index: u64| cuts.partition_point(|cut| *cut <= index) as u64 - 1;
        let mut touch = Self {
            first: Vec::new(),
            last: Vec::new(),
            tasks: cuts.len() - 1,
        };
        for chunk in grid.iter() {
            let (start, end) = if is_reversed {
                (grid.extent() - chunk.end(), grid.extent() - chunk.start)
            } else {
                (chunk.start, chunk.end())
            };
            let (start, end) = (start.max(low), end.min(high));
            if start < end {
                touch.first.push(task(start));
                touch.last.push(task(end - 1));
            }
        }
        touch
    }

    fn count(&self, which: Which) -> AxisCount {
        let mut at = vec![0; self.tasks];
        for (first, last) in self.first.iter().zip(&self.last) {
            match which {
                Which::First => at[*first as usize] += 1,
                Which::Last => at[*last as usize] += 1,
                Which::Within if first == last => at[*first as usize] += 1,
                Which::Within => {}
            }
        }
        let before = at.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum - count)
        });
        let before: Vec<u64> = before.collect();
        AxisCount { at, before }
    }
}

/// Chunks by the task along one axis that they are counted at, and at all tasks before it.
struct AxisCount {
    at: Vec<u64>,
    before: Vec<u64>,
}

impl AxisCount {
    fn total(&self) -> u64 {
        self.at.last().unwrap_or(&0) + self.before.last().unwrap_or(&0)
    }
}

/// Chunks counted at tasks before the one at `place`; all of them for no place.
fn before(axes: &[AxisCount], place: &Option<Vec<usize>>) -> u64 {
    let mut rest: u64 = product(axes.iter().map(AxisCount::total));
    let Some(place) = place else { return rest };
    let (mut sum, mut same) = (0u64, 1u64);
    for (axis, at) in axes.iter().zip(place) {
        rest = rest.checked_div(axis.total()).unwrap_or(0);
        sum = sum.saturating_add(same.saturating_mul(axis.before[*at]).saturating_mul(rest));
        same = same.saturating_mul(axis.at[*at]);
    }
    sum
}

/// The place of a task in the task grid; `None` past the end.
fn place(task: u64, lengths: &[u64]) -> Option<Vec<usize>> {
    let mut rest = task;
    let mut place = vec![0; lengths.len()];
    for (at, length) in place.iter_mut().zip(lengths).rev() {
        *at = (rest % length) as usize;
        rest /= length;
    }
    (rest == 0).then_some(place)
}

fn product(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(1, u64::saturating_mul)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grids(extents: &[u64], chunks: &[u64]) -> Vec<AxisGrid> {
        let pairs = extents.iter().zip(chunks);
        pairs
            .map(|(extent, chunk)| AxisGrid::regular(*extent, *chunk).unwrap())
            .collect()
    }

    #[test]
    fn nothing_waits_where_chunks_lie_within_tasks() {
        let cuts = [vec![0, 4, 8], vec![0, 6]];
        assert_eq!(most(&cuts, &grids(&[8, 6], &[2, 3]), None, 2), 0);
        assert_eq!(most(&cuts, &grids(&[8, 6], &[4, 6]), None, 2), 0);
    }

    #[test]
    fn chunks_along_the_cut_axis_all_wait() {
        let cuts = [(0..=8).collect(), vec![0, 6]];
        assert_eq!(most(&cuts, &grids(&[8, 6], &[8, 2]), None, 1), 3);
        assert_eq!(most(&cuts, &grids(&[8, 6], &[8, 2]), None, 3), 3);
    }

    #[test]
    fn chunks_one_after_the_other_do_not_wait_together() {
        let cuts = [(0..=12).collect(), vec![0, 6]];
        assert_eq!(most(&cuts, &grids(&[12, 6], &[2, 6]), None, 1), 1);
        // Tasks 0 to 3 may be under way at once; one more chunk may still be written.
        assert_eq!(most(&cuts, &grids(&[12, 6], &[2, 6]), None, 2), 4);
    }

    #[test]
    fn the_count_is_that_of_every_window_of_tasks() {
        let cuts = [vec![0, 3, 4, 9, 12, 20, 21, 30], vec![0, 2, 5, 6, 11]];
        let grids = grids(&[30, 11], &[4, 3]);
        let overlaps = |cuts: &[u64], task: usize, start: u64, end: u64| {
            cuts[task] < end && start < cuts[task + 1]
        };
        for threads in [1, 2, 5] {
            let window = if threads == 1 { 1 } else { 2 * threads };
            let waits = |first: usize, window: usize| {
                let chunks = grids[0]
                    .iter()
                    .flat_map(|one| grids[1].iter().map(move |two| [one, two]));
                chunks
                    .filter(|chunk| {
                        let touches = (0..28).filter(|task| {
                            overlaps(&cuts[0], task / 4, chunk[0].start, chunk[0].end())
                                && overlaps(&cuts[1], task % 4, chunk[1].start, chunk[1].end())
                        });
                        let touches: Vec<usize> = touches.collect();
                        touches.len() > 1
                            && touches[0] < first + window
                            && touches[touches.len() - 1] >= first
                    })
                    .count()
            };
            let one_by_one = (0..28).map(|first| waits(first, window)).max().unwrap();
            let expected = (one_by_one + threads - 1).min(waits(0, 28));
            assert_eq!(most(&cuts, &grids, None, threads), expected as u64);
        }
    }

    #[test]
    fn no_axes_and_no_indices_have_nothing_to_wait_for() {
        assert_eq!(most(&[], &[], None, 2), 0);
        assert_eq!(most(&[vec![0, 0]], &grids(&[0], &[1]), None, 2), 0);
    }
}
