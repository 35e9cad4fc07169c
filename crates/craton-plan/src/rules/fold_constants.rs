//! What is computed from constants alone is a constant.

use crate::node::NodeRef;
use crate::operator::Work;
use crate::ops::full;
use craton_core::{Block, Result, Scalar};
use craton_kernels::program::{Operand, Program, Strip};

/// Exact: the same kernel runs, once instead of once per element.
pub(super) fn rewrite(node: &NodeRef) -> Result<Option<NodeRef>> {
    let values: Option<Vec<Scalar>> = node.inputs().iter().map(constant).collect();
    let Some(values) = values.filter(|values| !values.is_empty()) else {
        return Ok(None);
    };
    match node.work() {
        Work::View => full(values[0].clone(), node.shape()).map(Some),
        Work::Map(operation) => {
            let mut program = Program::default();
            let operands: Vec<Operand> = node
                .inputs()
                .iter()
                .map(|input| program.input(input.dtype()))
                .collect();
            let result = program.step(operation, operands);
            program.finish(result);
            // Words, so that the kernels find every element aligned.
            let words: Vec<[u64; 2]> = values.iter().map(|value| to_words(value.bytes())).collect();
            let sizes = values.iter().map(|value| value.bytes().len().min(16));
            let inputs: Vec<Strip<'_>> = words
                .iter()
                .zip(sizes)
                .map(|(words, size)| Strip::Uniform(&bytemuck::cast_slice(words)[..size]))
                .collect();
            let mut out = [0u64; 2];
            let size = node.dtype().item_size().unwrap_or(1).min(16);
            let bytes = &mut bytemuck::cast_slice_mut(&mut out)[..size];
            program.run(&inputs, 1, &mut program.registers(1), bytes);
            full(Scalar::from_bytes(node.dtype(), bytes), node.shape()).map(Some)
        }
        _ => Ok(None),
    }
}

fn constant(node: &NodeRef) -> Option<Scalar> {
    match node.work() {
        Work::Literal(block) if node.dtype().is_numeric() => Block::as_constant(&block).cloned(),
        _ => None,
    }
}

fn to_words(bytes: &[u8]) -> [u64; 2] {
    let mut words = [0u64; 2];
    let length = bytes.len().min(16);
    bytemuck::cast_slice_mut(&mut words)[..length].copy_from_slice(&bytes[..length]);
    words
}

#[cfg(test)]
mod tests {
    use crate::operator::Work;
    use crate::ops::{binary, full};
    use crate::rules::optimise;
    use craton_core::{DType, Scalar};
    use craton_kernels::binary::Binary;

    #[test]
    fn a_sum_of_constants_is_one_constant() {
        let number = |value| full(Scalar::from_f64(DType::Float64, value), &[5]).unwrap();
        let sum = binary(Binary::Add, &number(1.0), &number(2.0)).unwrap();
        let (optimised, _) = optimise(&sum).unwrap();
        let Work::Literal(block) = optimised.work() else {
            panic!("not a literal")
        };
        assert_eq!(block.as_constant().and_then(Scalar::to_f64), Some(3.0));
    }
}
