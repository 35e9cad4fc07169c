//! Text and bytes of varying length: selected, never computed on.

use crate::fetch::{Encoded, read_encoded};
use crate::load::source_needs;
use crate::stage::Worker;
use craton_core::{Block, Decoded, Error, Result, Source, Strings};
use craton_plan::physical::{Body, Input, Leaf, LocalKind, Stage, StageSink};
use std::collections::HashMap;
use std::sync::Arc;

/// The whole result of a stage whose values vary in length.
pub(crate) fn evaluate_strings(
    stage: &Stage,
    sink: &StageSink,
    worker: &Worker<'_>,
) -> Result<Block> {
    let ranges: Vec<(u64, u64)> = stage
        .space
        .extents
        .iter()
        .map(|extent| (0, *extent))
        .collect();
    let leaf = sink
        .program
        .as_input()
        .map(|input| &stage.space.leaves[sink.uses[input]]);
    let leaf = leaf.ok_or_else(|| Error::unsupported("arithmetic on strings"))?;
    let strings = select(leaf, &ranges, worker)?;
    Block::strings(
        sink.dtype,
        ranges.iter().map(|(_, length)| *length as usize).collect(),
        strings,
    )
}

fn select(leaf: &Leaf, ranges: &[(u64, u64)], worker: &Worker<'_>) -> Result<Strings> {
    let mut out = Strings::from_items([]);
    match &leaf.input {
        Input::Source(source) => {
            let chunks = read_all(leaf, source, ranges, worker)?;
            let grid = &source.meta().grid;
            let fill = source.meta().fill_value.bytes().to_vec();
            visit(leaf, ranges, |index| {
                let at: Vec<u64> = grid
                    .axes
                    .iter()
                    .zip(index)
                    .map(|(axis, index)| axis.chunk_of(*index))
                    .collect();
                let place = grid
                    .chunk(&at)
                    .iter()
                    .zip(index)
                    .fold(0, |place, (chunk, index)| {
                        place * chunk.encoded + index - chunk.start + chunk.skip
                    });
                match chunks.get(&at) {
                    Some(Some(strings)) => out.push(strings.get(place as usize)),
                    _ => out.push(&fill),
                }
                Ok(())
            })?;
        }
        Input::Literal(block) => select_block(block, leaf, ranges, &mut out)?,
        Input::Slot(slot) => select_block(&worker.slot(*slot)?, leaf, ranges, &mut out)?,
        Input::Local(local) => {
            let LocalKind::Concat { axis, pieces } = &local.kind else {
                return Err(Error::unsupported("windows over strings"));
            };
            let whole = concat_pieces(pieces, *axis, &local.meta.shape, worker)?;
            let shape = local
                .meta
                .shape
                .iter()
                .map(|length| *length as usize)
                .collect();
            select_block(
                &Block::strings(local.meta.dtype, shape, whole)?,
                leaf,
                ranges,
                &mut out,
            )?;
        }
    }
    Ok(out)
}

fn concat_pieces(
    pieces: &[(u64, Body)],
    axis: usize,
    shape: &[u64],
    worker: &Worker<'_>,
) -> Result<Strings> {
    let mut parts = Vec::new();
    for (_, body) in pieces {
        let ranges: Vec<(u64, u64)> = body
            .space
            .extents
            .iter()
            .map(|extent| (0, *extent))
            .collect();
        let leaf = body
            .program
            .as_input()
            .map(|input| &body.space.leaves[body.uses[input]]);
        let leaf = leaf.ok_or_else(|| Error::unsupported("arithmetic on strings"))?;
        let inner: u64 = body.space.extents[axis..].iter().product();
        parts.push((select(leaf, &ranges, worker)?, inner as usize));
    }
    let outer: u64 = shape[..axis].iter().product();
    let mut out = Strings::from_items([]);
    for row in 0..outer as usize {
        for (strings, inner) in &parts {
            (row * inner..(row + 1) * inner).for_each(|at| out.push(strings.get(at)));
        }
    }
    Ok(out)
}

fn select_block(
    block: &Block,
    leaf: &Leaf,
    ranges: &[(u64, u64)],
    out: &mut Strings,
) -> Result<()> {
    let constant = block.as_constant().map(|value| value.bytes().to_vec());
    visit(leaf, ranges, |index| {
        let place = block
            .shape()
            .iter()
            .zip(index)
            .fold(0, |place, (length, index)| place * length + *index as usize);
        match (&constant, block.as_strings()) {
            (Some(value), _) => out.push(value),
            (None, Some(strings)) => out.push(strings.get(place)),
            (None, None) => return Err(Error::internal("numbers where strings were planned")),
        }
        Ok(())
    })
}

/// Calls `each` with the input's index for every index of the box, in C order.
fn visit(
    leaf: &Leaf,
    ranges: &[(u64, u64)],
    mut each: impl FnMut(&[u64]) -> Result<()>,
) -> Result<()> {
    if ranges.iter().any(|(_, length)| *length == 0) {
        return Ok(());
    }
    let mut at: Vec<u64> = ranges.iter().map(|(start, _)| *start).collect();
    let mut index = vec![0; leaf.maps.len()];
    loop {
        for (place, map) in index.iter_mut().zip(&leaf.maps) {
            *place = map
                .index(map.axis().map_or(0, |axis| at[axis]))
                .unwrap_or_default();
        }
        each(&index)?;
        let next = (0..at.len())
            .rev()
            .find(|axis| at[*axis] + 1 < ranges[*axis].0 + ranges[*axis].1);
        let Some(axis) = next else { return Ok(()) };
        at[axis] += 1;
        for inner in axis + 1..at.len() {
            at[inner] = ranges[inner].0;
        }
    }
}

/// Every chunk that the box needs, decoded; `None` where it is missing.
fn read_all(
    leaf: &Leaf,
    source: &Arc<dyn Source>,
    ranges: &[(u64, u64)],
    worker: &Worker<'_>,
) -> Result<HashMap<Vec<u64>, Option<Strings>>> {
    let needs = source_needs(leaf, source, ranges);
    let mut chunks = HashMap::new();
    if needs.iter().any(|need| need.segments.is_empty()) {
        return Ok(chunks);
    }
    let mut which = vec![0usize; needs.len()];
    loop {
        worker.check()?;
        let index: Vec<u64> = needs
            .iter()
            .zip(&which)
            .map(|(need, at)| need.segments[*at].position)
            .collect();
        let decoded = decode(source, &index, worker)
            .map_err(|error| error.in_chunk(&index).at(source.url()))?;
        chunks.insert(index, decoded);
        let Some(axis) = (0..which.len())
            .rev()
            .find(|axis| which[*axis] + 1 < needs[*axis].segments.len())
        else {
            return Ok(chunks);
        };
        which[axis] += 1;
        which[axis + 1..].fill(0);
    }
}

fn decode(source: &Arc<dyn Source>, index: &[u64], worker: &Worker<'_>) -> Result<Option<Strings>> {
    let Encoded::Bytes(encoded, decode, _) = read_encoded(source, index, worker)? else {
        return Ok(None);
    };
    let expected: u64 = source
        .meta()
        .grid
        .chunk(index)
        .iter()
        .map(|chunk| chunk.encoded)
        .product();
    match decode.decode(&encoded, &mut [], worker.pool)? {
        Decoded::Strings(strings) if strings.len() as u64 == expected => Ok(Some(strings)),
        Decoded::Strings(strings) => Err(Error::corrupt(format!(
            "the chunk holds {} strings where its shape needs {expected}",
            strings.len()
        ))),
        Decoded::Elements { .. } => Err(Error::corrupt("numbers where strings were promised")),
    }
}
