//! Values computed per task because they need neighbours or come in pieces: windows and concatenations.

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

/// The local's values for a box of the space that reads it through `maps`.
pub(crate) fn evaluate_local(
    local: &Local,
    maps: &[AxisMap],
    ranges: &[(u64, u64)],
    worker: &Worker<'_>,
) -> Result<View> {
    let size = local
        .meta
        .dtype
        .item_size()
        .ok_or_else(|| Error::unsupported("arithmetic on strings"))?;
    let region = local_region(local, maps, ranges);
    let lengths = lengths_of(&region);
    let strides = c_strides(&lengths);
    let mut out = worker.take(bytes_of(&lengths, size)?)?;
    if !lengths.contains(&0) {
        match &local.kind {
            LocalKind::Rolling { body, axis, .. } => {
                windows(local, body, *axis, &region, &mut out, worker)?
            }
            LocalKind::Concat { axis, pieces } => {
                let target = Target::new(&mut out);
                for (start, body) in pieces {
                    concat_piece(body, *axis, *start, &region, &target, &strides, worker)?;
                }
            }
        }
    }
    let values = View {
        dtype: local.meta.dtype,
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
    Ok(through(&values, maps, ranges, place, |_| true))
}

/// The box of the local's own indices that the reader's box needs.
pub(crate) fn local_region(
    local: &Local,
    maps: &[AxisMap],
    ranges: &[(u64, u64)],
) -> Vec<(u64, u64)> {
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
pub(crate) fn body_region(region: &[(u64, u64)], axis: usize, window: usize) -> Vec<(u64, u64)> {
    let mut inner = region.to_vec();
    let (start, length) = inner[axis];
    let first = start.saturating_sub(window as u64 - 1);
    inner[axis] = (first, start + length - first);
    inner
}

/// The part of a concatenation's box that lies on the piece which begins at `start`, in the piece's own indices.
pub(crate) fn piece_region(
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

/// Calls `visit` with a body's values over a box, in C order.
fn with_body<R>(
    body: &Body,
    region: &[(u64, u64)],
    worker: &Worker<'_>,
    visit: impl FnOnce(&[u8]) -> Result<R>,
) -> Result<R> {
    let size = body
        .dtype
        .item_size()
        .ok_or_else(|| Error::unsupported("arithmetic on strings"))?;
    let lengths = lengths_of(region);
    let bytes = bytes_of(&lengths, size)?;
    let leaves = load_leaves(body, region, worker)?;
    let views: Vec<&View> = body.uses.iter().map(|leaf| &leaves[*leaf]).collect();
    // Values that lie there as they are wanted are not copied.
    let as_wanted = |input: usize| views[input].in_c_order(&lengths);
    if let Some(values) = body.program.as_input().and_then(as_wanted) {
        return visit(values);
    }
    let mut out = worker.take(bytes)?;
    out.truncate(bytes);
    let target = Target::new(&mut out);
    let strides = c_strides(&lengths);
    evaluate(
        &body.program,
        &views,
        &lengths,
        &target,
        0,
        &strides,
        worker,
    )?;
    visit(&out)
}

fn load_leaves(body: &Body, region: &[(u64, u64)], worker: &Worker<'_>) -> Result<Vec<View>> {
    let leaves = body.space.leaves.iter();
    leaves.map(|leaf| load(leaf, region, worker)).collect()
}

fn evaluate_into(
    body: &Body,
    region: &[(u64, u64)],
    target: &Target<'_>,
    first: usize,
    strides: &[isize],
    worker: &Worker<'_>,
) -> Result<()> {
    let leaves = load_leaves(body, region, worker)?;
    let views: Vec<&View> = body.uses.iter().map(|leaf| &leaves[*leaf]).collect();
    evaluate(
        &body.program,
        &views,
        &lengths_of(region),
        target,
        first,
        strides,
        worker,
    )
}

fn concat_piece(
    body: &Body,
    axis: usize,
    start: u64,
    region: &[(u64, u64)],
    target: &Target<'_>,
    strides: &[isize],
    worker: &Worker<'_>,
) -> Result<()> {
    let Some(inner) = piece_region(body, axis, start, region) else {
        return Ok(());
    };
    let first = (inner[axis].0 + start - region[axis].0) as usize * strides[axis] as usize;
    evaluate_into(body, &inner, target, first, strides, worker)
}

fn windows(
    local: &Local,
    body: &Body,
    axis: usize,
    region: &[(u64, u64)],
    out: &mut [u8],
    worker: &Worker<'_>,
) -> Result<()> {
    let LocalKind::Rolling {
        kind,
        window,
        min_periods,
        ..
    } = &local.kind
    else {
        return Ok(());
    };
    let inner_region = body_region(region, axis, *window);
    let (in_size, out_size) = (
        body.dtype.item_size().unwrap_or(1),
        local.meta.dtype.item_size().unwrap_or(1),
    );
    let lengths = lengths_of(&inner_region);
    let (rows, outputs) = (lengths[axis], region[axis].1 as usize);
    let columns: usize = lengths[axis + 1..].iter().product();
    let mut scratch = worker.take(rolling_scratch_len(*window, rows, columns) * 8)?;
    with_body(body, &inner_region, worker, |values| {
        let planes = values.chunks_exact((rows * columns * in_size).max(1));
        for (plane, to) in planes.zip(out.chunks_exact_mut((outputs * columns * out_size).max(1))) {
            worker.check()?;
            rolling(
                *kind,
                body.dtype,
                *window,
                *min_periods,
                plane,
                rows,
                columns,
                inner_region[axis].0,
                region[axis].0,
                outputs,
                bytemuck::cast_slice_mut(&mut scratch),
                to,
            );
        }
        Ok(())
    })
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
