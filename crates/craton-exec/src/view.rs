//! A leaf's values as one task sees them: an address for each index of the task's box.

use craton_core::block::c_strides;
use craton_core::{Block, Buffer, DType, Error, Result, Scalar};
use craton_kernels::load::{gather_strided, gather_table, swap_bytes, unshuffle, unshuffle_list};
use craton_kernels::program::Strip;
use std::sync::Arc;

/// Elements that are listed at once.
const LISTED: usize = 256;

/// How far apart neighbours along one axis of the task's box lie, in elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Evenly.
    Stride(isize),
    /// At these offsets from the base.
    Table(Arc<[isize]>),
}

impl Step {
    /// Where two axes of the values follow one axis of the box of `length` indices: the sum of their steps.
    pub(crate) fn plus(&self, other: &Self, length: usize) -> Self {
        match (self, other) {
            (Self::Stride(one), Self::Stride(other)) => Self::Stride(one + other),
            (Self::Stride(0), table) | (table, Self::Stride(0)) => table.clone(),
            _ => Self::Table(
                (0..length)
                    .map(|at| self.offset(at) + other.offset(at))
                    .collect(),
            ),
        }
    }

    /// The offset of position `at` from position 0's axis origin.
    pub(crate) fn offset(&self, at: usize) -> isize {
        match self {
            Self::Stride(stride) => at as isize * stride,
            Self::Table(table) => table[at],
        }
    }
}

/// Values with an address for each index of a box.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub dtype: DType,
    pub size: usize,
    pub values: Values,
    /// The element at the box's first index, tables apart.
    pub base: isize,
    /// One per axis of the box.
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) enum Values {
    Constant(Scalar),
    Elements {
        buffer: Buffer,
        is_swapped: bool,
        is_shuffled: bool,
    },
}

impl View {
    /// One value everywhere in a box of `rank` axes.
    pub(crate) fn constant(value: Scalar, rank: usize) -> Self {
        let dtype = value.dtype();
        Self {
            dtype,
            size: dtype.item_size().unwrap_or(1),
            values: Values::Constant(value),
            base: 0,
            steps: vec![Step::Stride(0); rank],
        }
    }

    /// The values of a part of the box: per axis where it begins within the box, and its length.
    pub(crate) fn part(&self, parts: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut part = self.clone();
        for (step, (start, length)) in part.steps.iter_mut().zip(parts) {
            match step {
                Step::Stride(stride) => part.base += start as isize * *stride,
                Step::Table(table) if (start, length) == (0, table.len()) => {}
                Step::Table(table) => *step = Step::Table(table[start..start + length].into()),
            }
        }
        part
    }

    /// The values of a block of the box's own shape.
    pub(crate) fn of_block(block: &Block) -> Result<Self> {
        if let Some(value) = block.as_constant() {
            return Ok(Self::constant(value.clone(), block.shape().len()));
        }
        let (buffer, offset, strides) = block
            .as_dense()
            .ok_or_else(|| Error::unsupported("arithmetic on strings"))?;
        Ok(Self {
            dtype: block.dtype(),
            size: block.dtype().item_size().unwrap_or(1),
            values: Values::Elements {
                buffer: buffer.clone(),
                is_swapped: false,
                is_shuffled: false,
            },
            base: offset as isize,
            steps: strides.iter().map(|stride| Step::Stride(*stride)).collect(),
        })
    }

    /// Whether bytes can be used where they lie.
    pub(crate) fn is_plain(&self) -> bool {
        match &self.values {
            Values::Constant(_) => false,
            Values::Elements {
                is_swapped,
                is_shuffled,
                ..
            } => !is_swapped && !is_shuffled,
        }
    }

    /// All bytes, for plain views.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.values {
            Values::Constant(value) => value.bytes(),
            Values::Elements { buffer, .. } => buffer,
        }
    }

    /// The bytes of a box of `lengths`, where they lie in C order without gaps.
    pub(crate) fn in_c_order(&self, lengths: &[usize]) -> Option<&[u8]> {
        let is_next = |((step, stride), length): ((&Step, isize), &usize)| {
            *length <= 1 && matches!(step, Step::Stride(_)) || *step == Step::Stride(stride)
        };
        let steps = self.steps.iter().zip(c_strides(lengths)).zip(lengths);
        if !self.is_plain() || !steps.into_iter().all(is_next) {
            return None;
        }
        let count: usize = lengths.iter().product();
        let first = usize::try_from(self.base).ok()? * self.size;
        self.bytes().get(first..first + count * self.size)
    }

    /// `count` elements from `from` on along an axis with `step`, where `origin` is the element of position 0.
    pub(crate) fn strip<'a>(
        &'a self,
        origin: isize,
        step: &Step,
        from: usize,
        count: usize,
        scratch: &'a mut [u64],
    ) -> Strip<'a> {
        if matches!(self.values, Values::Constant(_)) {
            return Strip::Uniform(self.bytes());
        }
        let is_uniform = *step == Step::Stride(0);
        let count = if is_uniform { 1 } else { count };
        let bytes = match self.row(origin, step, from, count) {
            Some(row) => row,
            None => {
                let out = &mut bytemuck::cast_slice_mut(scratch)[..count * self.size];
                self.load(origin, step, from, count, out);
                out
            }
        };
        if is_uniform {
            Strip::Uniform(bytes)
        } else {
            Strip::Elements(bytes)
        }
    }

    /// As [`View::strip`], into `out`; false, and nothing done, where one element stands for all.
    pub(crate) fn strip_into(
        &self,
        origin: isize,
        step: &Step,
        from: usize,
        count: usize,
        out: &mut [u8],
    ) -> bool {
        if matches!(self.values, Values::Constant(_)) || *step == Step::Stride(0) {
            return false;
        }
        match self.row(origin, step, from, count) {
            Some(row) => out.copy_from_slice(row),
            None => self.load(origin, step, from, count, out),
        }
        true
    }

    /// The elements where they lie, if they can be used there.
    fn row(&self, origin: isize, step: &Step, from: usize, count: usize) -> Option<&[u8]> {
        let is_row = matches!(step, Step::Stride(1)) || count == 1;
        if !is_row || !self.is_plain() {
            return None;
        }
        let first = (origin + step.offset(from)) as usize * self.size;
        Some(&self.bytes()[first..first + count * self.size])
    }

    /// Brings the elements together in `out`.
    fn load(&self, origin: isize, step: &Step, from: usize, count: usize, out: &mut [u8]) {
        let Values::Elements {
            buffer,
            is_swapped,
            is_shuffled,
        } = &self.values
        else {
            return;
        };
        let size = self.size;
        let first = (origin + step.offset(from)) as usize;
        let is_row = matches!(step, Step::Stride(1)) || count == 1;
        let total = buffer.len() / size.max(1);
        match (is_shuffled, step) {
            (true, _) if is_row => unshuffle(buffer, total, size, first, count, out),
            (false, Step::Stride(stride)) => {
                gather_strided(buffer, first, *stride, count, size, out);
            }
            (false, Step::Table(table)) => {
                gather_table(buffer, origin, &table[from..from + count], size, out);
            }
            _ => {
                let mut positions = [0usize; LISTED];
                for (block, to) in out.chunks_mut(LISTED * size).enumerate() {
                    let positions = &mut positions[..to.len() / size];
                    let from = from + block * LISTED;
                    for (at, position) in positions.iter_mut().enumerate() {
                        *position = (origin + step.offset(from + at)) as usize;
                    }
                    unshuffle_list(buffer, total, size, positions, to);
                }
            }
        }
        if *is_swapped {
            swap_bytes(out, self.dtype.swap_size());
        }
    }
}
