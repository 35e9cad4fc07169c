//! The reduce shape: each task folds its box into a partial state; partials merge in task order.

use crate::stage::Worker;
use crate::store::{Scratch, run_strip};
use crate::view::{Step, View};
use crate::walk::{Axis, Place, STRIP, Walk};
use craton_core::{Block, BufferMut, Result};
use craton_kernels::fold::Fold;
use craton_kernels::program::Program;
use craton_plan::node::Meta;
use craton_plan::operator::ReduceWork;

/// Rows of results that are evaluated before they are folded.
const ROWS: usize = 8;

/// The state of all outputs of one reduction.
pub(crate) struct Accumulator {
    work: ReduceWork,
    output: Meta,
    extents: Vec<u64>,
    state: BufferMut,
    count: usize,
}

/// The state of one task's outputs.
pub(crate) struct Partial {
    state: BufferMut,
    count: usize,
    /// Per axis of the stage's space: where its outputs lie along the output's axis.
    kept: Vec<Kept>,
}

#[derive(Clone)]
enum Kept {
    Folded,
    Range { start: u64, length: u64 },
    Groups(Vec<u64>),
}

impl Kept {
    fn length(&self) -> usize {
        match self {
            Self::Folded => 1,
            Self::Range { length, .. } => *length as usize,
            Self::Groups(groups) => groups.len(),
        }
    }

    fn at(&self, position: usize) -> u64 {
        match self {
            Self::Folded => 0,
            Self::Range { start, .. } => start + position as u64,
            Self::Groups(groups) => groups[position],
        }
    }
}

impl Accumulator {
    /// Nothing folded yet.
    pub(crate) fn new(
        work: &ReduceWork,
        output: &Meta,
        extents: &[u64],
        worker: &Worker<'_>,
    ) -> Result<Self> {
        let count: usize = output.shape.iter().map(|length| *length as usize).product();
        let mut state = worker.take((count * work.fold.words() * 8).max(8))?;
        work.fold.init(words_mut(&mut state), count, 0, count);
        Ok(Self {
            work: work.clone(),
            output: output.clone(),
            extents: extents.to_vec(),
            state,
            count,
        })
    }

    /// Merges a later task's state.
    pub(crate) fn merge(&mut self, partial: &Partial) {
        let strides = self.output_strides();
        let fold = &self.work.fold;
        let (row_axis, row) = match partial
            .kept
            .iter()
            .rposition(|kept| matches!(kept, Kept::Range { .. }))
        {
            Some(axis)
                // A row runs on in both states: nothing varies inside it here, and it is the output's last axis.
                if strides[axis] == 1 && trailing_is_single(&partial.kept[axis + 1..]) =>
            {
                (Some(axis), partial.kept[axis].length())
            }
            _ => (None, 1),
        };
        let mut index = vec![0usize; partial.kept.len()];
        let mut from = 0;
        while from < partial.count {
            let mut to = 0usize;
            for (axis, kept) in partial.kept.iter().enumerate() {
                to += kept.at(index[axis]) as usize * strides[axis];
            }
            fold.merge(
                words(&partial.state),
                partial.count,
                from,
                words_mut(&mut self.state),
                self.count,
                to,
                row,
            );
            from += row;
            let next = (0..index.len()).rev().find(|axis| {
                Some(*axis) != row_axis && index[*axis] + 1 < partial.kept[*axis].length()
            });
            let Some(axis) = next else { return };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }

    /// The output stride of each axis of the space; 0 for folded ones.
    fn output_strides(&self) -> Vec<usize> {
        let mut strides = vec![0; self.extents.len()];
        let mut stride = 1usize;
        for axis in (0..self.extents.len()).rev() {
            if self.work.is_reduced[axis] {
                continue;
            }
            strides[axis] = stride;
            stride *= match &self.work.groups {
                Some(groups) if groups.axis == axis => groups.count,
                _ => self.extents[axis] as usize,
            };
        }
        strides
    }

    /// The finished values.
    pub(crate) fn finish(self, worker: &Worker<'_>) -> Result<Block> {
        let size = self.output.dtype.item_size().unwrap_or(1);
        let mut out = worker.take((self.count * size).max(1))?;
        out.truncate(self.count * size);
        self.work
            .fold
            .finish(words(&self.state), self.count, 0, self.count, &mut out);
        let shape = self
            .output
            .shape
            .iter()
            .map(|length| *length as usize)
            .collect();
        Block::dense(self.output.dtype, shape, out.freeze())
    }
}

fn trailing_is_single(kept: &[Kept]) -> bool {
    kept.iter()
        .all(|kept| matches!(kept, Kept::Folded) || kept.length() == 1)
}

impl Partial {
    /// Nothing folded yet, for a task's box.
    pub(crate) fn new(
        work: &ReduceWork,
        ranges: &[(u64, u64)],
        worker: &Worker<'_>,
    ) -> Result<Self> {
        let kept = kept_of(work, ranges);
        let count = kept.iter().map(Kept::length).product::<usize>();
        let mut state = worker.take((count * work.fold.words() * 8).max(8))?;
        work.fold.init(words_mut(&mut state), count, 0, count);
        Ok(Self { state, count, kept })
    }

    /// Folds the values of a tile of that box; tiles come in C order.
    pub(crate) fn fold(
        &mut self,
        work: &ReduceWork,
        program: &Program,
        views: &[&View],
        tile: &[(u64, u64)],
        extents: &[u64],
        worker: &Worker<'_>,
    ) -> Result<()> {
        let lengths: Vec<usize> = tile.iter().map(|(_, length)| *length as usize).collect();
        let (out, start) = out_steps(work, &self.kept, tile);
        let (order, first) = order_of(work, tile, extents);
        let folder = Folder {
            fold: &work.fold,
            program,
            views,
            count: self.count,
            first,
        };
        let walk = Walk::new(&lengths, views, &out, &order);
        folder.run(walk, start, words_mut(&mut self.state), worker)
    }
}

fn kept_of(work: &ReduceWork, ranges: &[(u64, u64)]) -> Vec<Kept> {
    let kept = ranges
        .iter()
        .enumerate()
        .map(|(axis, (start, length))| match &work.groups {
            _ if work.is_reduced[axis] => Kept::Folded,
            Some(groups) if groups.axis == axis => Kept::Groups(groups.present(*start, *length)),
            _ => Kept::Range {
                start: *start,
                length: *length,
            },
        });
    kept.collect()
}

/// Marks an index that belongs to no group.
const NO_GROUP: isize = isize::MIN / 4;

/// Per axis of a tile, where its outputs lie in the state of its box; and where the first one lies.
fn out_steps(work: &ReduceWork, kept: &[Kept], tile: &[(u64, u64)]) -> (Vec<Step>, isize) {
    let mut steps = vec![Step::Stride(0); kept.len()];
    let mut first = 0;
    let mut stride = 1isize;
    for axis in (0..kept.len()).rev() {
        let (start, length) = tile[axis];
        steps[axis] = match (&kept[axis], &work.groups) {
            (Kept::Groups(present), Some(groups)) => {
                let place = |code: &i64| {
                    let found = u64::try_from(*code)
                        .ok()
                        .and_then(|code| present.binary_search(&code).ok());
                    found.map_or(NO_GROUP, |position| position as isize * stride)
                };
                let codes = &groups.codes[start as usize..(start + length) as usize];
                Step::Table(codes.iter().map(place).collect())
            }
            (Kept::Range { start: of_box, .. }, _) => {
                first += (start - of_box) as isize * stride;
                Step::Stride(stride)
            }
            _ => Step::Stride(0),
        };
        stride *= kept[axis].length() as isize;
    }
    (steps, first)
}

/// Per axis, how far one index moves along the folded axes taken together; and where the box begins there.
fn order_of(work: &ReduceWork, ranges: &[(u64, u64)], extents: &[u64]) -> (Vec<isize>, u64) {
    let mut order = vec![0isize; ranges.len()];
    let mut first = 0u64;
    let mut stride = 1u64;
    for axis in (0..ranges.len()).rev() {
        let is_grouped = work
            .groups
            .as_ref()
            .is_some_and(|groups| groups.axis == axis);
        if work.is_reduced[axis] || is_grouped {
            order[axis] = stride as isize;
            first += ranges[axis].0 * stride;
            stride *= extents[axis];
        }
    }
    (order, first)
}

struct Folder<'a> {
    fold: &'a Fold,
    program: &'a Program,
    views: &'a [&'a View],
    /// Outputs of the task.
    count: usize,
    /// Position of the tile's first element along the folded axes.
    first: u64,
}

impl Folder<'_> {
    fn run(
        &self,
        mut walk: Walk,
        first_output: isize,
        state: &mut [u64],
        worker: &Worker<'_>,
    ) -> Result<()> {
        let inner = walk.take(walk.axes.len() - 1);
        let mut scratch = worker.scratch(self.program, self.views, ROWS);
        let mut start = Place::first(self.views);
        start.out = first_output;
        let mut since_check = 0;
        let mut check = |elements: usize| {
            since_check += elements;
            if since_check > 1 << 20 {
                since_check = 0;
                return worker.check();
            }
            Ok(())
        };
        let done = match &inner.out {
            Step::Stride(0) => walk.for_each(&start, |place| {
                self.fold_inner(
                    &inner,
                    place,
                    place.out,
                    (0, inner.length),
                    &mut scratch,
                    state,
                );
                check(inner.length)
            }),
            Step::Table(groups) => walk.for_each(&start, |place| {
                for (from, to) in runs_of_equal(groups) {
                    let out = place.out + groups[from];
                    self.fold_inner(&inner, place, out, (from, to), &mut scratch, state);
                }
                check(inner.length)
            }),
            Step::Stride(_) => {
                let is_folded =
                    |axis: &Axis| axis.out == Step::Stride(0) || matches!(axis.out, Step::Table(_));
                let rows = match walk.axes.iter().rposition(is_folded) {
                    Some(axis) => walk.take(axis),
                    None => single_row(self.views.len()),
                };
                let runs: Vec<(usize, usize)> = match &rows.out {
                    Step::Table(groups) => runs_of_equal(groups).collect(),
                    Step::Stride(_) if rows.length == 0 => Vec::new(),
                    Step::Stride(_) => vec![(0, rows.length)],
                };
                walk.for_each(&start, |place| {
                    self.fold_rows((&rows, &runs), &inner, place, &mut scratch, state);
                    check(rows.length * inner.length)
                })
            }
        };
        worker.give_back(scratch);
        done
    }

    /// Folds elements `range` of a loop into the one output `out`.
    fn fold_inner(
        &self,
        inner: &Axis,
        place: &Place,
        out: isize,
        range: (usize, usize),
        scratch: &mut Scratch,
        state: &mut [u64],
    ) {
        if out < 0 {
            return;
        }
        let size = self.program.output_size();
        for from in (range.0..range.1).step_by(STRIP) {
            let count = STRIP.min(range.1 - from);
            let position = self.first + (place.order + inner.order * from as isize) as u64;
            let step = inner.order as u64;
            if let Some(values) = self.in_place(place, &inner.views, from, count) {
                self.fold.fold_row(
                    values,
                    count,
                    position,
                    step,
                    state,
                    self.count,
                    out as usize,
                );
                continue;
            }
            let Scratch {
                registers,
                strips,
                tile,
                ..
            } = &mut *scratch;
            let bytes = &mut bytemuck::cast_slice_mut(tile)[..count * size];
            run_strip(
                self.program,
                self.views,
                place,
                &inner.views,
                (from, count),
                (registers, strips),
                bytes,
            );
            self.fold.fold_row(
                bytes,
                count,
                position,
                step,
                state,
                self.count,
                out as usize,
            );
        }
    }

    /// Folds a loop of rows, each a loop of columns that are kept.
    fn fold_rows(
        &self,
        (rows, runs): (&Axis, &[(usize, usize)]),
        inner: &Axis,
        place: &Place,
        scratch: &mut Scratch,
        state: &mut [u64],
    ) {
        for from in (0..inner.length).step_by(STRIP) {
            let columns = (from, STRIP.min(inner.length - from));
            for (first, last) in runs {
                let out = place.out + rows.out.offset(*first);
                if out >= 0 {
                    let out = (out + inner.out.offset(from)) as usize;
                    self.fold_run(
                        rows,
                        inner,
                        place,
                        (*first, *last),
                        columns,
                        out,
                        scratch,
                        state,
                    );
                }
            }
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one place calls this, with what its loops stand at"
    )]
    fn fold_run(
        &self,
        rows: &Axis,
        inner: &Axis,
        place: &Place,
        (first, last): (usize, usize),
        (from, count): (usize, usize),
        out: usize,
        scratch: &mut Scratch,
        state: &mut [u64],
    ) {
        let position = |row: usize| self.first + (place.order + rows.order * row as isize) as u64;
        let step = rows.order as u64;
        if let Some((values, stride)) =
            self.rows_in_place(rows, place, &inner.views, (first, last), (from, count))
        {
            let rows = last - first;
            self.fold.fold_columns(
                values,
                stride,
                rows,
                count,
                position(first),
                step,
                state,
                self.count,
                out,
            );
            return;
        }
        let size = self.program.output_size();
        for batch in (first..last).step_by(ROWS) {
            let height = ROWS.min(last - batch);
            let Scratch {
                registers,
                strips,
                tile,
                place: at,
                ..
            } = &mut *scratch;
            let bytes: &mut [u8] = bytemuck::cast_slice_mut(tile);
            for row in 0..height {
                at.clone_from(place);
                at.advance(rows, batch + row);
                let to = &mut bytes[row * count * size..(row + 1) * count * size];
                run_strip(
                    self.program,
                    self.views,
                    at,
                    &inner.views,
                    (from, count),
                    (registers, strips),
                    to,
                );
            }
            let values = &bytes[..height * count * size];
            self.fold.fold_columns(
                values,
                count,
                height,
                count,
                position(batch),
                step,
                state,
                self.count,
                out,
            );
        }
    }

    /// The values where they lie, if there is nothing to compute and they are contiguous.
    fn in_place(&self, place: &Place, steps: &[Step], from: usize, count: usize) -> Option<&[u8]> {
        let input = self.program.as_input()?;
        let view = self.views[input];
        if !view.is_plain() || steps[input] != Step::Stride(1) {
            return None;
        }
        let first = (place.views[input] as usize + from) * view.size;
        Some(&view.bytes()[first..first + count * view.size])
    }

    /// As [`Folder::in_place`] for several rows, with the distance between them in elements.
    fn rows_in_place(
        &self,
        rows: &Axis,
        place: &Place,
        steps: &[Step],
        (first, last): (usize, usize),
        (from, count): (usize, usize),
    ) -> Option<(&[u8], usize)> {
        let input = self.program.as_input()?;
        let view = self.views[input];
        let Step::Stride(stride) = rows.views[input] else {
            return None;
        };
        let stride = usize::try_from(stride).ok()?;
        if !view.is_plain() || steps[input] != Step::Stride(1) {
            return None;
        }
        let start = place.views[input] as usize + first * stride + from;
        let end = start + (last - first - 1) * stride + count;
        Some((&view.bytes()[start * view.size..end * view.size], stride))
    }
}

fn single_row(views: usize) -> Axis {
    Axis {
        length: 1,
        views: vec![Step::Stride(0); views],
        out: Step::Stride(0),
        order: 0,
    }
}

/// The longest runs of equal entries, as `(first, end)`.
fn runs_of_equal(table: &[isize]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut start = 0;
    table.chunk_by(|one, other| one == other).map(move |run| {
        let range = (start, start + run.len());
        start = range.1;
        range
    })
}

fn words(state: &BufferMut) -> &[u64] {
    bytemuck::cast_slice(state)
}

fn words_mut(state: &mut BufferMut) -> &mut [u64] {
    bytemuck::cast_slice_mut(state)
}
