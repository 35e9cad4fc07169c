//! The loop nest over a task's box: axes that run together are one loop, and the innermost is cut into strips.

use crate::view::{Step, View};

/// Elements in a strip. A constant, because sums along the innermost axis depend on it.
pub(crate) const STRIP: usize = 2048;

/// One loop.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub length: usize,
    /// Per view.
    pub views: Vec<Step>,
    /// Of the result.
    pub out: Step,
    /// Position along the folded axes, for results that are positions.
    pub order: isize,
}

/// Loops from outermost to innermost; never none.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    pub axes: Vec<Axis>,
}

/// Where an iteration stands: one element offset per view, one of the result, and the position.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub views: Vec<isize>,
    pub out: isize,
    pub order: isize,
}

impl Walk {
    /// The loops over `lengths`; `out` and `order` have one entry per axis.
    pub(crate) fn new(lengths: &[usize], views: &[&View], out: &[Step], order: &[isize]) -> Self {
        let mut axes: Vec<Axis> = Vec::new();
        for (axis, length) in lengths.iter().enumerate() {
            let next = Axis {
                length: *length,
                views: views.iter().map(|view| view.steps[axis].clone()).collect(),
                out: out[axis].clone(),
                order: order[axis],
            };
            match axes.last_mut() {
                _ if next.is_trivial() => {}
                Some(last) if last.runs_on_into(&next) => {
                    *last = Axis {
                        length: last.length * next.length,
                        ..next
                    };
                }
                _ => axes.push(next),
            }
        }
        if axes.is_empty() {
            let views = views.iter().map(|_| Step::Stride(0)).collect();
            axes.push(Axis {
                length: 1,
                views,
                out: Step::Stride(1),
                order: 0,
            });
        }
        Self { axes }
    }

    /// Takes loop `axis` out, to be run by the caller.
    pub(crate) fn take(&mut self, axis: usize) -> Axis {
        self.axes.remove(axis)
    }

    /// Calls `visit` for every combination of the remaining loops, in order, until it fails.
    pub(crate) fn for_each<E>(
        &self,
        start: &Place,
        mut visit: impl FnMut(&Place) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.axes.iter().any(|axis| axis.length == 0) {
            return Ok(());
        }
        let mut index = vec![0usize; self.axes.len()];
        let mut place = start.clone();
        loop {
            place.clone_from(start);
            // At index 0 too: the first entry of a table is an offset.
            for (axis, at) in self.axes.iter().zip(&index) {
                place.advance(axis, *at);
            }
            visit(&place)?;
            let Some(axis) = (0..index.len())
                .rev()
                .find(|axis| index[*axis] + 1 < self.axes[*axis].length)
            else {
                return Ok(());
            };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }
}

impl Clone for Place {
    fn clone(&self) -> Self {
        Self {
            views: self.views.clone(),
            ..*self
        }
    }

    /// Keeps the memory that is there: this runs once per strip.
    fn clone_from(&mut self, source: &Self) {
        self.views.clone_from(&source.views);
        (self.out, self.order) = (source.out, source.order);
    }
}

impl Place {
    /// The first place of a box.
    pub(crate) fn first(views: &[&View]) -> Self {
        Self {
            views: views.iter().map(|view| view.base).collect(),
            out: 0,
            order: 0,
        }
    }

    /// Moves to position `at` of a loop.
    pub(crate) fn advance(&mut self, axis: &Axis, at: usize) {
        for (offset, step) in self.views.iter_mut().zip(&axis.views) {
            *offset += step.offset(at);
        }
        self.out += axis.out.offset(at);
        self.order += axis.order * at as isize;
    }
}

impl Axis {
    /// A single index that moves nothing. A table entry is an offset of its own, so it stays a loop.
    fn is_trivial(&self) -> bool {
        let is_stride = |step: &Step| matches!(step, Step::Stride(_));
        self.length == 1 && self.views.iter().all(is_stride) && is_stride(&self.out)
    }

    /// Whether one step of this loop equals a whole run of `inner`, for everything that moves.
    fn runs_on_into(&self, inner: &Self) -> bool {
        let continues = |(outer, inner_step): (&Step, &Step)| match (outer, inner_step) {
            (Step::Stride(outer), Step::Stride(step)) => *outer == step * inner.length as isize,
            _ => false,
        };
        self.views.iter().zip(&inner.views).all(continues)
            && continues((&self.out, &inner.out))
            && self.order == inner.order * inner.length as isize
    }
}
