//! Texts, which are computed whole and handed to their sinks chunk by chunk.

use crate::session::Session;
use craton_core::{Block, DType, Error, Pool, Result, Sink, Strings};
use craton_plan::NodeRef;
use std::sync::Arc;

/// Computes texts together and hands them to their sinks: the engine streams only elements of fixed size.
pub(crate) fn write_held(held: &[(NodeRef, Arc<dyn Sink>)], session: &Session) -> Result<()> {
    let nodes: Vec<NodeRef> = held.iter().map(|(node, _)| node.clone()).collect();
    for ((_, sink), block) in held.iter().zip(super::slabs::compute_all(&nodes, session)?) {
        pollster::block_on(sink.begin())?;
        put_texts(&block, &**sink, session.engine().pool())?;
        pollster::block_on(sink.commit())?;
    }
    Ok(())
}

/// Texts of fixed length as texts of any length.
pub(super) fn to_strings(block: &Block) -> Result<Block> {
    let mut strings = Strings::from_items([]);
    for value in block.scalars() {
        strings.push(value.to_text().unwrap_or_default().as_bytes());
    }
    Block::strings(DType::Utf8, block.shape().to_vec(), strings)
}

/// Hands every chunk of a block of texts to `sink`.
fn put_texts(block: &Block, sink: &dyn Sink, pool: &Pool) -> Result<()> {
    let grid = &sink.chunks().grid;
    let shape = grid.shape();
    for number in 0..grid.len() {
        let mut index = vec![0; shape.len()];
        let mut rest = number;
        for axis in (0..shape.len()).rev() {
            index[axis] = rest % shape[axis];
            rest /= shape[axis];
        }
        let chunk = grid.chunk(&index);
        let lengths: Vec<usize> = chunk.iter().map(|chunk| chunk.length as usize).collect();
        let mut strings = Strings::from_items([]);
        for inner in 0..lengths.iter().product::<usize>() {
            let (mut rest, mut place, mut stride) = (inner, 0, 1);
            for axis in (0..lengths.len()).rev() {
                place += (rest % lengths[axis] + chunk[axis].start as usize) * stride;
                rest /= lengths[axis];
                stride *= block.shape()[axis];
            }
            match (block.as_strings(), block.as_constant()) {
                (Some(strings_of), _) => strings.push(strings_of.get(place)),
                (None, Some(value)) => strings.push(value.bytes()),
                (None, None) => return Err(Error::internal("numbers where texts were computed")),
            }
        }
        let piece = Block::strings(block.dtype(), lengths, strings)?;
        pollster::block_on(sink.put(&index, &piece, pool))?;
    }
    Ok(())
}
