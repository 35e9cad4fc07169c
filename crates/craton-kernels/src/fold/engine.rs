//! Drives an accumulator over columns, rows, repetitions and merges.

use super::FoldSpec;
use crate::element::{elements, elements_mut, one};
use crate::wide::{Width, wide_if};
use bytemuck::Pod;

/// The most words that a state has.
pub(super) const MOST_WORDS: usize = 4;

/// Columns folded together: their states fit the first-level cache beside the rows that stream through.
const BLOCK: usize = 256;

/// Lanes that one row is dealt to. Part of the definition of every sum: never change it.
const LANES: usize = 16;

/// One kind of state, kept in `WORDS` words.
///
/// `push` is best free of branches, so that loops over columns become vector code.
pub(super) trait Accumulate<const WORDS: usize> {
    /// An element.
    type Value: Width;
    /// A result.
    type Output: Pod;
    /// Whether the loops are compiled for wide vectors too.
    const IS_WIDE: bool = <Self::Value as Width>::IS_WIDE;
    /// Whether the order in which values come matters even between lanes.
    const IN_ORDER: bool = false;
    /// The state of no values.
    const START: [u64; WORDS];

    fn push(state: [u64; WORDS], value: Self::Value, index: u64) -> [u64; WORDS];
    fn merge(earlier: [u64; WORDS], later: [u64; WORDS]) -> [u64; WORDS];
    fn finish(spec: &FoldSpec, state: [u64; WORDS]) -> Self::Output;

    /// What `times` pushes of `value` would give bit for bit, where that is known without doing them.
    fn repeat(
        state: [u64; WORDS],
        value: Self::Value,
        times: u64,
        first_index: u64,
    ) -> Option<[u64; WORDS]>;
}

/// Rows of values and where they lie along the reduced axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    pub(super) row_stride: usize,
    pub(super) rows: usize,
    pub(super) count: usize,
    pub(super) first_index: u64,
    pub(super) index_step: u64,
}

type FoldRows = fn(&[u8], Rows, &mut [u64], usize, usize);
type MergeStates = fn((&[u64], usize, usize), &mut [u64], usize, usize, usize);
type FinishStates = fn(&FoldSpec, &[u64], usize, usize, usize, &mut [u8]);

/// An accumulator's loops.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    pub(super) words: usize,
    pub(super) start: [u64; MOST_WORDS],
    pub(super) columns: FoldRows,
    pub(super) row: FoldRows,
    pub(super) repeated: FoldRows,
    pub(super) merge: MergeStates,
    pub(super) finish: FinishStates,
}

impl Table {
    pub(super) fn of<A: Accumulate<WORDS>, const WORDS: usize>() -> Self {
        let mut start = [0; MOST_WORDS];
        start[..WORDS].copy_from_slice(&A::START);
        Table {
            words: WORDS,
            start,
            columns: columns::<A, WORDS>,
            row: if A::IN_ORDER {
                row_in_order::<A, WORDS>
            } else {
                row_in_lanes::<A, WORDS>
            },
            repeated: repeated::<A, WORDS>,
            merge: merge::<A, WORDS>,
            finish: finish::<A, WORDS>,
        }
    }
}

#[inline(always)]
fn load<const WORDS: usize>(state: &[u64], capacity: usize, at: usize) -> [u64; WORDS] {
    std::array::from_fn(|word| state[word * capacity + at])
}

#[inline(always)]
fn store<const WORDS: usize>(state: &mut [u64], capacity: usize, at: usize, words: [u64; WORDS]) {
    for (word, value) in words.into_iter().enumerate() {
        state[word * capacity + at] = value;
    }
}

fn columns<A: Accumulate<WORDS>, const WORDS: usize>(
    values: &[u8],
    shape: Rows,
    state: &mut [u64],
    capacity: usize,
    offset: usize,
) {
    wide_if(
        A::IS_WIDE,
        #[inline(always)]
        || {
            let values = elements::<A::Value>(values);
            let mut block = [[0; BLOCK]; WORDS];
            let mut start = 0;
            while start < shape.count && shape.rows > 0 {
                let width = (shape.count - start).min(BLOCK);
                for (word, block) in block.iter_mut().enumerate() {
                    let from = word * capacity + offset + start;
                    block[..width].copy_from_slice(&state[from..][..width]);
                }
                fold_block::<A, WORDS, BLOCK>(&values[start..], shape, width, 0, &mut block);
                for (word, block) in block.iter().enumerate() {
                    let to = word * capacity + offset + start;
                    state[to..][..width].copy_from_slice(&block[..width]);
                }
                start += width;
            }
        },
    );
}

/// Folds rows of `width` values into a block of states, four rows at a time to spare loads and stores of states.
/// Each column takes its values strictly in order. Column `k` is `column_step * k` further along the axis.
#[inline(always)]
fn fold_block<A: Accumulate<WORDS>, const WORDS: usize, const SIZE: usize>(
    values: &[A::Value],
    shape: Rows,
    width: usize,
    column_step: u64,
    block: &mut [[u64; SIZE]; WORDS],
) {
    let width = width.min(SIZE);
    let index = |row: usize| {
        let steps = (row as u64).wrapping_mul(shape.index_step);
        shape.first_index.wrapping_add(steps)
    };
    let mut row = 0;
    while row + 4 <= shape.rows {
        let rows: [&[A::Value]; 4] =
            std::array::from_fn(|ahead| &values[(row + ahead) * shape.row_stride..][..width]);
        let indices: [u64; 4] = std::array::from_fn(|ahead| index(row + ahead));
        for k in 0..width {
            let along = column_step.wrapping_mul(k as u64);
            let mut state: [u64; WORDS] = std::array::from_fn(|word| block[word][k]);
            state = A::push(state, rows[0][k], indices[0].wrapping_add(along));
            state = A::push(state, rows[1][k], indices[1].wrapping_add(along));
            state = A::push(state, rows[2][k], indices[2].wrapping_add(along));
            state = A::push(state, rows[3][k], indices[3].wrapping_add(along));
            for word in 0..WORDS {
                block[word][k] = state[word];
            }
        }
        row += 4;
    }
    while row < shape.rows {
        let values = &values[row * shape.row_stride..][..width];
        let first = index(row);
        for k in 0..width {
            let along = column_step.wrapping_mul(k as u64);
            let state: [u64; WORDS] = std::array::from_fn(|word| block[word][k]);
            let state = A::push(state, values[k], first.wrapping_add(along));
            for word in 0..WORDS {
                block[word][k] = state[word];
            }
        }
        row += 1;
    }
}

fn row_in_lanes<A: Accumulate<WORDS>, const WORDS: usize>(
    values: &[u8],
    shape: Rows,
    state: &mut [u64],
    capacity: usize,
    offset: usize,
) {
    wide_if(
        A::IS_WIDE,
        #[inline(always)]
        || {
            let values = &elements::<A::Value>(values)[..shape.count];
            let mut lanes: [[u64; LANES]; WORDS] = A::START.map(|word| [word; LANES]);
            let rows = shape.count / LANES;
            let step = shape.index_step;
            let dealt = Rows {
                row_stride: LANES,
                rows,
                count: LANES,
                first_index: shape.first_index,
                index_step: step.wrapping_mul(LANES as u64),
            };
            fold_block::<A, WORDS, LANES>(values, dealt, LANES, step, &mut lanes);
            let rest = Rows {
                rows: 1,
                first_index: shape
                    .first_index
                    .wrapping_add(step.wrapping_mul((rows * LANES) as u64)),
                ..dealt
            };
            let tail = &values[rows * LANES..];
            fold_block::<A, WORDS, LANES>(tail, rest, tail.len(), step, &mut lanes);
            let mut half = LANES / 2;
            while half > 0 {
                for lane in 0..half {
                    let first = std::array::from_fn(|word| lanes[word][lane]);
                    let second = std::array::from_fn(|word| lanes[word][lane + half]);
                    let both = A::merge(first, second);
                    for word in 0..WORDS {
                        lanes[word][lane] = both[word];
                    }
                }
                half /= 2;
            }
            let row = std::array::from_fn(|word| lanes[word][0]);
            let before = load(state, capacity, offset);
            store(state, capacity, offset, A::merge(before, row));
        },
    );
}

fn row_in_order<A: Accumulate<WORDS>, const WORDS: usize>(
    values: &[u8],
    shape: Rows,
    state: &mut [u64],
    capacity: usize,
    offset: usize,
) {
    let mut words = load(state, capacity, offset);
    let mut index = shape.first_index;
    for value in &elements::<A::Value>(values)[..shape.count] {
        words = A::push(words, *value, index);
        index = index.wrapping_add(shape.index_step);
    }
    store(state, capacity, offset, words);
}

fn repeated<A: Accumulate<WORDS>, const WORDS: usize>(
    value: &[u8],
    shape: Rows,
    state: &mut [u64],
    capacity: usize,
    offset: usize,
) {
    if shape.rows == 0 {
        return;
    }
    let value: A::Value = one(value);
    let copies = [value; BLOCK];
    for start in (0..shape.count).step_by(BLOCK) {
        let width = (shape.count - start).min(BLOCK);
        let at = |k: usize| offset + start + k;
        let known = |k: usize, state: &[u64]| {
            let words = load(state, capacity, at(k));
            A::repeat(words, value, shape.rows as u64, shape.first_index)
        };
        if (0..width).all(|k| known(k, state).is_some()) {
            for k in 0..width {
                if let Some(words) = known(k, state) {
                    store(state, capacity, at(k), words);
                }
            }
        } else {
            // The same row again and again.
            let same = Rows {
                row_stride: 0,
                count: width,
                ..shape
            };
            let copies = bytemuck::cast_slice(&copies);
            columns::<A, WORDS>(copies, same, state, capacity, offset + start);
        }
    }
}

fn merge<A: Accumulate<WORDS>, const WORDS: usize>(
    (later, later_capacity, later_offset): (&[u64], usize, usize),
    into: &mut [u64],
    capacity: usize,
    offset: usize,
    count: usize,
) {
    for k in 0..count {
        let earlier = load(into, capacity, offset + k);
        let later = load(later, later_capacity, later_offset + k);
        store(into, capacity, offset + k, A::merge(earlier, later));
    }
}

fn finish<A: Accumulate<WORDS>, const WORDS: usize>(
    spec: &FoldSpec,
    state: &[u64],
    capacity: usize,
    offset: usize,
    count: usize,
    out: &mut [u8],
) {
    let out = &mut elements_mut::<A::Output>(out)[..count];
    for (k, out) in out.iter_mut().enumerate() {
        *out = A::finish(spec, load(state, capacity, offset + k));
    }
}
