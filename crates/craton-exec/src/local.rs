//! Values computed tile by tile because they need neighbours or come in pieces: windows and concatenations.

use crate::load::{load, through};
use crate::need::AxisNeed;
use crate::stage::Worker;
use crate::store::{Target, evaluate};
use crate::view::{Step, Values, View};
use craton_core::block::c_strides;
use craton_core::{AxisGrid, Error, ErrorKind, Result};
use craton_kernels::scan::{rolling, rolling_scratch_len};
use craton_plan::AxisMap;
use craton_plan::physical::{Body, Local, LocalKind};

/// What a leaf needs from storage for a task's box, at hand; tiles of the box are computed from it.
pub(crate) enum Loaded<'a> {
    /// The values themselves, and the box they are of.
    View(View, Vec<(u64, u64)>),
    /// What windows or concatenations are computed from.
    Local(LoadedLocal<'a>),
}

impl Loaded<'_> {
    /// The values for a box within the one that was loaded.
    pub(crate) fn tile(&self, ranges: &[(u64, u64)], worker: &Worker<'_>) -> Result<View> {
        match self {
            Self::View(view, loaded) => {
                let axes = ranges.iter().zip(loaded);
                let parts = axes.map(|((start, length), (first, _))| (start - first, *length));
                Ok(view.part(parts.map(|(start, length)| (start as usize, length as usize))))
            }
            Self::Local(local) => local.tile(ranges, worker),
        }
    }
}

/// A window or a concatenation, and what its values are computed from.
pub(crate) struct LoadedLocal<'a> {
    local: &'a Local,
    maps: &'a [AxisMap],
    /// The bodies that the box meets, and where each begins along the axis of a concatenation.
    bodies: Vec<(u64, LoadedBody<'a>)>,
}

struct LoadedBody<'a> {
    body: &'a Body,
    leaves: Vec<Loaded<'a>>,
}

/// Reads what the local needs for a box of the space that reads it through `maps`.
pub(crate) fn load_local<'a>(
    local: &'a Local,
    maps: &'a [AxisMap],
    ranges: &[(u64, u64)],
    worker: &Worker<'_>,
) -> Result<LoadedLocal<'a>> {
    let region = local_region(local, maps, ranges);
    let mut bodies = Vec::new();
    if region.iter().all(|(_, length)| *length > 0) {
        match &local.kind {
            LocalKind::Rolling {
                body, axis, window, ..
            } => {
                let inner = body_region(&region, *axis, *window);
                bodies.push((0, LoadedBody::load(body, &inner, worker)?));
            }
            LocalKind::Concat { axis, pieces } => {
                for (start, body) in pieces {
                    if let Some(inner) = piece_region(body, *axis, *start, &region) {
                        bodies.push((*start, LoadedBody::load(body, &inner, worker)?));
                    }
                }
            }
        }
    }
    Ok(LoadedLocal {
        local,
        maps,
        bodies,
    })
}

impl LoadedLocal<'_> {
    fn tile(&self, ranges: &[(u64, u64)], worker: &Worker<'_>) -> Result<View> {
        let region = local_region(self.local, self.maps, ranges);
        if let Some(piece) = self.single_piece(&region, worker)? {
            let place = |axis: usize, index: u64| {
                piece.steps[axis].offset((index - region[axis].0) as usize)
            };
            let is_even = |axis: usize| matches!(piece.steps[axis], Step::Stride(_));
            return Ok(through(&piece, self.maps, ranges, place, is_even));
        }
        let dtype = self.local.meta.dtype;
        let size = dtype
            .item_size()
            .ok_or_else(|| Error::unsupported("arithmetic on strings"))?;
        let lengths = lengths_of(&region);
        let strides = c_strides(&lengths);
        let mut out = worker.take(bytes_of(&lengths, size)?)?;
        if !lengths.contains(&0) {
            match &self.local.kind {
                LocalKind::Rolling { .. } => self.windows(&region, &mut out, worker)?,
                LocalKind::Concat { axis, .. } => {
                    let target = Target::new(&mut out);
                    for (start, body) in &self.bodies {
                        body.put_piece(*axis, *start, &region, &target, &strides, worker)?;
                    }
                }
            }
        }
        let values = View {
            dtype,
            size,
            values: Values::Elements {
                buffer: out.freeze(),
                is_swapped: false,
                is_shuffled: false,
            },
            base: 0,
            steps: strides.iter().map(|stride| Step::Stride(*stride)).collect(),
        };
        let place =
            |axis: usize, index: u64| index.wrapping_sub(region[axis].0) as isize * strides[axis];
        Ok(through(&values, self.maps, ranges, place, |_| true))
    }

    /// The values of a box of a concatenation where they lie, if it is in one piece that computes nothing.
    fn single_piece(&self, region: &[(u64, u64)], worker: &Worker<'_>) -> Result<Option<View>> {
        let LocalKind::Concat { axis, .. } = &self.local.kind else {
            return Ok(None);
        };
        let meet = |(start, loaded): &(u64, LoadedBody<'_>)| {
            piece_region(loaded.body, *axis, *start, region).is_some()
        };
        let mut met = self.bodies.iter().filter(|body| meet(body));
        let (Some((start, loaded)), None) = (met.next(), met.next()) else {
            return Ok(None);
        };
        let Some(input) = loaded.body.program.as_input() else {
            return Ok(None);
        };
        let Some(inner) = piece_region(loaded.body, *axis, *start, region) else {
            return Ok(None);
        };
        let leaf = &loaded.leaves[loaded.body.uses[input]];
        leaf.tile(&inner, worker).map(Some)
    }

    fn windows(&self, region: &[(u64, u64)], out: &mut [u8], worker: &Worker<'_>) -> Result<()> {
        let (
            LocalKind::Rolling {
                kind,
                axis,
                window,
                min_periods,
                ..
            },
            Some((_, loaded)),
        ) = (&self.local.kind, self.bodies.first())
        else {
            return Err(Error::internal("windows over nothing"));
        };
        let inner_region = body_region(region, *axis, *window);
        let body = loaded.body;
        let (in_size, out_size) = (
            body.dtype.item_size().unwrap_or(1),
            self.local.meta.dtype.item_size().unwrap_or(1),
        );
        let lengths = lengths_of(&inner_region);
        let (rows, outputs) = (lengths[*axis], region[*axis].1 as usize);
        let columns: usize = lengths[axis + 1..].iter().product();
        let mut scratch = worker.take(rolling_scratch_len(*window, rows, columns) * 8)?;
        loaded.with_values(&inner_region, worker, |values| {
            let planes = values.chunks_exact((rows * columns * in_size).max(1));
            let targets = out.chunks_exact_mut((outputs * columns * out_size).max(1));
            for (plane, to) in planes.zip(targets) {
                worker.check()?;
                rolling(
                    *kind,
                    body.dtype,
                    *window,
                    *min_periods,
                    plane,
                    rows,
                    columns,
                    inner_region[*axis].0,
                    region[*axis].0,
                    outputs,
                    bytemuck::cast_slice_mut(&mut scratch),
                    to,
                );
            }
            Ok(())
        })
    }
}

impl<'a> LoadedBody<'a> {
    fn load(body: &'a Body, region: &[(u64, u64)], worker: &Worker<'_>) -> Result<Self> {
        let leaves = body.space.leaves.iter();
        Ok(Self {
            body,
            leaves: leaves
                .map(|leaf| load(leaf, region, worker))
                .collect::<Result<_>>()?,
        })
    }

    /// The program's inputs over a box.
    fn inputs(&self, region: &[(u64, u64)], worker: &Worker<'_>) -> Result<Vec<View>> {
        let uses = self.body.uses.iter();
        uses.map(|leaf| self.leaves[*leaf].tile(region, worker))
            .collect()
    }

    /// Calls `visit` with the values over a box, in C order.
    fn with_values<R>(
        &self,
        region: &[(u64, u64)],
        worker: &Worker<'_>,
        visit: impl FnOnce(&[u8]) -> Result<R>,
    ) -> Result<R> {
        let size = self
            .body
            .dtype
            .item_size()
            .ok_or_else(|| Error::unsupported("arithmetic on strings"))?;
        let lengths = lengths_of(region);
        let bytes = bytes_of(&lengths, size)?;
        let inputs = self.inputs(region, worker)?;
        let views: Vec<&View> = inputs.iter().collect();
        // Values that lie there as they are wanted are not copied.
        let as_wanted = |input: usize| views[input].in_c_order(&lengths);
        if let Some(values) = self.body.program.as_input().and_then(as_wanted) {
            return visit(values);
        }
        let mut out = worker.take(bytes)?;
        out.truncate(bytes);
        let target = Target::new(&mut out);
        let strides = c_strides(&lengths);
        let program = &self.body.program;
        evaluate(program, &views, &lengths, &target, 0, &strides, worker)?;
        visit(&out)
    }

    /// Puts this piece's part of a concatenation's box in its place.
    fn put_piece(
        &self,
        axis: usize,
        start: u64,
        region: &[(u64, u64)],
        target: &Target<'_>,
        strides: &[isize],
        worker: &Worker<'_>,
    ) -> Result<()> {
        let Some(inner) = piece_region(self.body, axis, start, region) else {
            return Ok(());
        };
        let first = (inner[axis].0 + start - region[axis].0) as usize * strides[axis] as usize;
        let inputs = self.inputs(&inner, worker)?;
        let views: Vec<&View> = inputs.iter().collect();
        let program = &self.body.program;
        evaluate(
            program,
            &views,
            &lengths_of(&inner),
            target,
            first,
            strides,
            worker,
        )
    }
}

/// The box of the local's own indices that the reader's box needs.
fn local_region(local: &Local, maps: &[AxisMap], ranges: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let bounds = |(map, extent): (&AxisMap, &u64)| {
        let (start, length) = map.axis().map_or((0, 1), |axis| ranges[axis]);
        let need = AxisNeed::of(map, &AxisGrid::single(*extent), start, length);
        need.segments
            .first()
            .map_or((0, 0), |segment| (segment.first, segment.length()))
    };
    maps.iter().zip(&local.meta.shape).map(bounds).collect()
}

/// The box of a window's body that a box of windows needs.
fn body_region(region: &[(u64, u64)], axis: usize, window: usize) -> Vec<(u64, u64)> {
    let mut inner = region.to_vec();
    let (start, length) = inner[axis];
    let first = start.saturating_sub(window as u64 - 1);
    inner[axis] = (first, start + length - first);
    inner
}

/// The part of a concatenation's box that lies on the piece which begins at `start`, in the piece's own indices.
fn piece_region(
    body: &Body,
    axis: usize,
    start: u64,
    region: &[(u64, u64)],
) -> Option<Vec<(u64, u64)>> {
    let (first, length) = region[axis];
    let low = first.max(start);
    let high = (first + length).min(start + body.space.extents[axis]);
    if low >= high {
        return None;
    }
    let mut inner = region.to_vec();
    inner[axis] = (low - start, high - low);
    Some(inner)
}

fn lengths_of(region: &[(u64, u64)]) -> Vec<usize> {
    region.iter().map(|(_, length)| *length as usize).collect()
}

fn bytes_of(lengths: &[usize], size: usize) -> Result<usize> {
    lengths
        .iter()
        .try_fold(size, |bytes, length| bytes.checked_mul(*length))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Budget,
                "a task's intermediate result is too large",
            )
        })
}
