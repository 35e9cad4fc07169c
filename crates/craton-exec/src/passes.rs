//! Work of which not all fits at once: several passes over parts of a stage's space, each reading what feeds it.
//!
//! Only stages that put something together are divided: target chunks of which tasks bring parts, and columns.
//! Neither depends on where tasks begin and end, so any number of passes gives the same bits. What is folded
//! beside them would depend on it, and so gets a pass of its own over the undivided space.

use crate::memory::{Held, estimate};
use crate::stage::Uses;
use craton_core::AxisGrid;
use craton_plan::node::Meta;
use craton_plan::physical::stage::StoreTo;
use craton_plan::physical::{SinkKind, Stage, StageSink};
use std::collections::BTreeMap;

/// More passes than these are not looked at one by one before they run.
const CHECKED: usize = 256;
/// More passes than these are no plan.
const MOST_PASSES: usize = 1 << 16;

/// A part of a stage.
#[derive(Clone)]
pub(crate) struct Pass {
    /// The part as a stage: cuts may begin after 0 and end before the extent.
    pub stage: Stage,
    /// Which of the whole stage's sinks it feeds.
    pub sinks: Vec<usize>,
}

/// How a stage runs.
pub(crate) struct Split {
    pub passes: Vec<Pass>,
    pub threads: usize,
    /// Bytes of what is left that hold what is read before it is asked for.
    pub ahead: u64,
}

impl Split {
    /// All at once.
    pub(crate) fn whole(stage: &Stage) -> Self {
        Self {
            passes: vec![pass_of(stage, (0..stage.sinks.len()).collect())],
            threads: 1,
            ahead: 0,
        }
    }

    /// Tasks of all passes together.
    pub(crate) fn task_count(&self) -> u64 {
        self.passes.iter().map(|pass| pass.stage.task_count()).sum()
    }

    /// Chunks located and bytes decoded in all passes together.
    pub(crate) fn wanted(&self) -> (u64, u64) {
        let each = self
            .passes
            .iter()
            .map(|pass| Uses::of_stage(&pass.stage).wanted());
        each.fold((0, 0), |all, pass| {
            (all.0 + pass.0, u64::saturating_add(all.1, pass.1))
        })
    }

    /// The most that a pass holds, for one task and once.
    pub(crate) fn memory(&self, slots: &[Meta]) -> Held {
        let each = self.passes.iter().take(CHECKED);
        let each = each.map(|pass| held(&pass.stage, slots, self.threads));
        each.max_by_key(|held| held.total(self.threads))
            .unwrap_or_default()
    }
}

/// Divides a stage so that each pass fits into `room` bytes, with at most `threads`.
///
/// # Errors
/// The least room that would do.
pub(crate) fn split(
    stage: &Stage,
    slots: &[Meta],
    room: u64,
    threads: usize,
) -> Result<Split, u64> {
    let most = usize::try_from(stage.task_count()).map_or(threads, |tasks| tasks.clamp(1, threads));
    if held(stage, slots, most).total(most) <= room {
        return Ok(Split {
            threads: most,
            ..Split::whole(stage)
        });
    }
    let mut best: Option<(Split, u64)> = None;
    for threads in 1..=most {
        let fits = |part: &Stage| held(part, slots, threads).total(threads) <= room;
        let Some(passes) = passes(stage, fits) else {
            break;
        };
        let split = Split {
            passes,
            threads,
            ahead: 0,
        };
        let (_, bytes) = split.wanted();
        // Reading takes the time, and threads share it.
        let is_better = best.as_ref().is_none_or(|(other, theirs)| {
            u128::from(bytes) * (other.threads as u128) < u128::from(*theirs) * threads as u128
        });
        if is_better {
            best = Some((split, bytes));
        }
    }
    if let Some((split, _)) = best {
        return Ok(split);
    }
    // Slow, as chunks are decoded again for every task that needs them, but better than nothing.
    let fits = |part: &Stage| held(part, slots, 1).least() <= room;
    let passes = passes(stage, fits).ok_or_else(|| least_room(stage, slots))?;
    Ok(Split {
        passes,
        threads: 1,
        ahead: 0,
    })
}

/// The fewest passes that all fit.
fn passes(stage: &Stage, fits: impl Fn(&Stage) -> bool) -> Option<Vec<Pass>> {
    let all: Vec<usize> = (0..stage.sinks.len()).collect();
    if fits(stage) {
        return Some(vec![pass_of(stage, all)]);
    }
    let (folded, alone) = apart(stage)?;
    let mut passes = Vec::new();
    if let Some(folded) = folded {
        if !fits(&folded.stage) {
            return None;
        }
        passes.push(folded);
    }
    let sinks = alone.sinks;
    let parts = match fits(&alone.stage) {
        true => vec![alone.stage],
        false => divide(&alone.stage, fits)?,
    };
    passes.extend(parts.into_iter().map(|stage| Pass {
        stage,
        sinks: sinks.clone(),
    }));
    Some(passes)
}

/// The sinks that may not be divided, if there are any, and the one that may.
fn apart(stage: &Stage) -> Option<(Option<Pass>, Pass)> {
    let alone = stage.sinks.iter().position(is_divisible)?;
    let others: Vec<usize> = (0..stage.sinks.len()).filter(|at| *at != alone).collect();
    let folded = (!others.is_empty()).then(|| pass_of(stage, others));
    Some((folded, pass_of(stage, vec![alone])))
}

fn is_divisible(sink: &StageSink) -> bool {
    match &sink.kind {
        SinkKind::Columns { .. } => true,
        SinkKind::Store(to) | SinkKind::Cumulate { to, .. } => matches!(to, StoreTo::Sink(_)),
        SinkKind::Reduce { .. } => false,
    }
}

/// The stage with some of its sinks, and only what they read.
fn pass_of(stage: &Stage, sinks: Vec<usize>) -> Pass {
    let mut part = stage.clone();
    part.sinks = sinks.iter().map(|at| stage.sinks[*at].clone()).collect();
    let mut places = BTreeMap::new();
    for leaf in part.sinks.iter().flat_map(|sink| &sink.uses) {
        places.insert(*leaf, 0);
    }
    for (place, at) in places.values_mut().enumerate() {
        *at = place;
    }
    let mut leaves = std::mem::take(&mut part.space.leaves);
    let mut number = 0;
    leaves.retain(|_| {
        number += 1;
        places.contains_key(&(number - 1))
    });
    part.space.leaves = leaves;
    for leaf in part.sinks.iter_mut().flat_map(|sink| &mut sink.uses) {
        *leaf = places[leaf];
    }
    Pass { stage: part, sinks }
}

/// Memory of a stage with so many threads.
fn held(stage: &Stage, slots: &[Meta], threads: usize) -> Held {
    estimate(stage, &Uses::of_stage(stage), slots, threads)
}

/// The room that the smallest passes need, with one thread.
fn least_room(stage: &Stage, slots: &[Meta]) -> u64 {
    let need = |part: &Stage| held(part, slots, 1).least();
    let Some((folded, alone)) = apart(stage) else {
        return need(stage);
    };
    let folded = folded.map_or(0, |folded| need(&folded.stage));
    let mut finest = bounds_of(&alone.stage);
    for (axis, places) in places(&alone.stage, true).iter().enumerate() {
        finest[axis] = evenly(places, most_pieces(&finest, places, axis));
    }
    let divided = need(&largest(&alone.stage, &finest)).max(folded);
    divided.min(need(stage))
}

/// Where each axis of the stage begins and ends.
fn bounds_of(stage: &Stage) -> Vec<Vec<u64>> {
    let ends = |cuts: &Vec<u64>| match (cuts.first(), cuts.last()) {
        (Some(first), Some(last)) => vec![*first, *last],
        _ => vec![0, 0],
    };
    stage.cuts.iter().map(ends).collect()
}

/// Per axis, where a pass may begin, and the end. Not along an axis that must be whole: columns, running totals.
fn places(stage: &Stage, is_fine: bool) -> Vec<Vec<u64>> {
    let mut places = bounds_of(stage);
    let Some(sink) = stage.sinks.first() else {
        return places;
    };
    for (axis, places) in places.iter_mut().enumerate() {
        match &sink.kind {
            SinkKind::Columns { work, .. } if work.folds(axis) => {}
            // Chunks that are written lie within one pass.
            SinkKind::Columns {
                to: StoreTo::Sink(sink),
                ..
            } => between_chunks(&sink.chunks().grid.axes[axis], places),
            SinkKind::Columns { .. } if is_fine => *places = (places[0]..=places[1]).collect(),
            SinkKind::Columns { .. } => places.clone_from(&stage.cuts[axis]),
            SinkKind::Cumulate { axis: along, .. } if *along == axis => {}
            SinkKind::Store(StoreTo::Sink(sink))
            | SinkKind::Cumulate {
                to: StoreTo::Sink(sink),
                ..
            } => between_chunks(&sink.chunks().grid.axes[axis], places),
            SinkKind::Store(_) | SinkKind::Cumulate { .. } | SinkKind::Reduce { .. } => {}
        }
    }
    places
}

/// Lets passes begin wherever a chunk of `grid` does.
fn between_chunks(grid: &AxisGrid, places: &mut Vec<u64>) {
    if !grid.is_empty() {
        let starts = grid.iter().map(|chunk| chunk.start);
        *places = starts.chain([grid.extent()]).collect();
    }
}

/// The fewest parts that fit, along the axis where they decode least, or along several where one is not enough.
fn divide(stage: &Stage, fits: impl Fn(&Stage) -> bool) -> Option<Vec<Stage>> {
    // First between the stored chunks, so that none feeds two passes.
    divide_at(stage, &places(stage, false), &fits).or_else(|| {
        let is_columns = matches!(stage.sinks[0].kind, SinkKind::Columns { .. });
        is_columns
            .then(|| divide_at(stage, &places(stage, true), &fits))
            .flatten()
    })
}

fn divide_at(
    stage: &Stage,
    places: &[Vec<u64>],
    fits: &impl Fn(&Stage) -> bool,
) -> Option<Vec<Stage>> {
    let mut bounds = bounds_of(stage);
    let mut open: Vec<usize> = (0..bounds.len())
        .filter(|axis| places[*axis].len() > 2)
        .collect();
    while !open.is_empty() {
        let along = |axis: &usize| fewest(stage, &bounds, &places[*axis], *axis, fits);
        let found = open.iter().filter_map(along);
        let found = found.min_by_key(|parts| (decoded(parts), parts.len()));
        if found.is_some() {
            return found;
        }
        // No axis is enough alone: cut through the one that makes chunks be read least often, and go on.
        let cost = |axis: &usize| {
            let mut cut = bounds.clone();
            cut[*axis] = evenly(&places[*axis], most_pieces(&bounds, &places[*axis], *axis));
            (decoded(&boxes(stage, &cut)), *axis)
        };
        let next = open.iter().copied().min_by_key(|axis| cost(axis))?;
        bounds[next] = evenly(&places[next], most_pieces(&bounds, &places[next], next));
        open.retain(|axis| *axis != next);
    }
    None
}

/// The fewest pieces along one axis that fit.
fn fewest(
    stage: &Stage,
    bounds: &[Vec<u64>],
    places: &[u64],
    axis: usize,
    fits: &impl Fn(&Stage) -> bool,
) -> Option<Vec<Stage>> {
    let attempt = |pieces: usize| {
        let mut cut = bounds.to_vec();
        cut[axis] = evenly(places, pieces);
        if !fits(&largest(stage, &cut)) {
            return None;
        }
        let parts = boxes(stage, &cut);
        parts.iter().take(CHECKED).all(fits).then_some(parts)
    };
    let (mut low, mut high) = (1, most_pieces(bounds, places, axis));
    let mut found = attempt(high)?;
    while high - low > 1 {
        let middle = low.midpoint(high);
        match attempt(middle) {
            Some(parts) => (high, found) = (middle, parts),
            None => low = middle,
        }
    }
    Some(found)
}

/// Into how many pieces an axis may be cut, so that there are not too many passes in all.
fn most_pieces(bounds: &[Vec<u64>], places: &[u64], axis: usize) -> usize {
    let others = (0..bounds.len()).filter(|other| *other != axis);
    let others = others.fold(1, |all: usize, other| {
        all.saturating_mul((bounds[other].len() - 1).max(1))
    });
    (MOST_PASSES / others).clamp(1, places.len() - 1)
}

/// The bounds of so many pieces.
fn evenly(places: &[u64], pieces: usize) -> Vec<u64> {
    let last = places.len() - 1;
    (0..=pieces).map(|at| places[at * last / pieces]).collect()
}

fn decoded(parts: &[Stage]) -> u64 {
    let each = parts.iter().map(|part| Uses::of_stage(part).wanted().1);
    each.fold(0, u64::saturating_add)
}

/// A part as wide along every axis as the widest.
fn largest(stage: &Stage, bounds: &[Vec<u64>]) -> Stage {
    let widest = |bounds: &Vec<u64>| {
        let widest = bounds.windows(2).max_by_key(|pair| pair[1] - pair[0]);
        widest.map_or((0, 0), |pair| (pair[0], pair[1]))
    };
    let ranges: Vec<(u64, u64)> = bounds.iter().map(widest).collect();
    within(stage, &ranges)
}

/// The parts between bounds, in C order.
fn boxes(stage: &Stage, bounds: &[Vec<u64>]) -> Vec<Stage> {
    let counts: Vec<u64> = bounds
        .iter()
        .map(|bounds| bounds.len() as u64 - 1)
        .collect();
    let total = counts
        .iter()
        .fold(1, |all, count| u64::saturating_mul(all, *count));
    let parts = (0..total).map(|number| {
        let mut rest = number;
        let mut ranges = vec![(0, 0); bounds.len()];
        for axis in (0..bounds.len()).rev() {
            let at = (rest % counts[axis]) as usize;
            rest /= counts[axis];
            ranges[axis] = (bounds[axis][at], bounds[axis][at + 1]);
        }
        within(stage, &ranges)
    });
    parts.collect()
}

/// The part of a stage between two indices along each axis.
fn within(stage: &Stage, ranges: &[(u64, u64)]) -> Stage {
    let mut part = stage.clone();
    for (cuts, (low, high)) in part.cuts.iter_mut().zip(ranges) {
        cuts.retain(|cut| cut > low && cut < high);
        cuts.insert(0, *low);
        cuts.push(*high);
    }
    part
}
