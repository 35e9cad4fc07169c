//! Chains of element-wise operations as a register program over short strips.
//!
//! A strip is a few KiB of consecutive elements, so that all registers stay in the first cache levels
//! and each value is touched once between load and fold. An input that is one value for the whole strip
//! (a broadcast axis, a constant) stays one value until it meets a full strip.

use crate::binary::{Binary, BinaryKernel};
use crate::cast::cast;
use crate::interpolate::{InterpolateKernel, interpolate};
use crate::select::{fill_missing, select};
use crate::unary::{Unary, UnaryKernel};
use crate::weighted::pair;
use craton_core::DType;
use craton_core::block::fill_with;

/// One element-wise operation on operands whose dtypes fit already.
#[derive(Clone, Copy)]
pub struct Operation {
    kind: Kind,
    output: DType,
}

#[derive(Clone, Copy)]
enum Kind {
    Unary(UnaryKernel),
    Binary(BinaryKernel),
    Select,
    FillMissing,
    Interpolate(InterpolateKernel),
    Pair,
    /// No kernel exists; planning refuses such operations before they get here.
    Undefined,
}

impl Operation {
    /// `function` of elements of `operand`.
    #[must_use]
    pub fn unary(function: Unary, operand: DType, output: DType) -> Self {
        Self {
            kind: function
                .kernel(operand)
                .map_or(Kind::Undefined, Kind::Unary),
            output,
        }
    }

    /// `function` of two elements of `operand`.
    #[must_use]
    pub fn binary(function: Binary, operand: DType, output: DType) -> Self {
        Self {
            kind: function
                .kernel(operand)
                .map_or(Kind::Undefined, Kind::Binary),
            output,
        }
    }

    /// Elements of `from` as `to`.
    #[must_use]
    pub fn cast(from: DType, to: DType) -> Self {
        Self {
            kind: cast(from, to).map_or(Kind::Undefined, Kind::Unary),
            output: to,
        }
    }

    /// The second or third operand, by the first.
    #[must_use]
    pub fn select(output: DType) -> Self {
        Self {
            kind: Kind::Select,
            output,
        }
    }

    /// The first operand, or the second where it is missing.
    #[must_use]
    pub fn fill_missing(output: DType) -> Self {
        Self {
            kind: Kind::FillMissing,
            output,
        }
    }

    /// Between the first operand and the second, as far as the third says.
    #[must_use]
    pub fn interpolate(operand: DType) -> Self {
        Self {
            kind: interpolate(operand).map_or(Kind::Undefined, Kind::Interpolate),
            output: DType::Float64,
        }
    }

    /// The first operand and the second, both doubles, as the parts of one complex number.
    #[must_use]
    pub fn pair() -> Self {
        Self {
            kind: Kind::Pair,
            output: DType::Complex128,
        }
    }
}

/// Where an operand's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operand {
    /// An input of the program.
    Input(usize),
    /// The result of an earlier step.
    Step(usize),
}

#[derive(Clone)]
struct Step {
    operation: Operation,
    operands: Vec<Operand>,
}

/// A sequence of operations; the last operand added is the result.
#[derive(Clone, Default)]
pub struct Program {
    inputs: Vec<DType>,
    steps: Vec<Step>,
    result: Option<Operand>,
}

/// One input of a strip.
#[derive(Clone, Copy)]
pub enum Strip<'a> {
    /// As many elements as the strip is long.
    Elements(&'a [u8]),
    /// One element that stands for all.
    Uniform(&'a [u8]),
}

/// The registers of one worker, made once and used for every strip.
pub struct Registers {
    strip_length: usize,
    registers: Vec<Vec<u64>>,
    is_uniform: Vec<bool>,
    widened: Vec<Vec<u64>>,
}

impl Program {
    /// Adds an input of `dtype`.
    pub fn input(&mut self, dtype: DType) -> Operand {
        self.inputs.push(dtype);
        Operand::Input(self.inputs.len() - 1)
    }

    /// Adds an operation on earlier operands.
    pub fn step(&mut self, operation: Operation, operands: Vec<Operand>) -> Operand {
        self.steps.push(Step {
            operation,
            operands,
        });
        Operand::Step(self.steps.len() - 1)
    }

    /// Says which operand is the result.
    pub fn finish(&mut self, result: Operand) {
        self.result = Some(result);
    }

    /// Operations in the program.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none, so that the result is an input.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The input that is the result as it is, if there is nothing to compute.
    #[must_use]
    pub fn as_input(&self) -> Option<usize> {
        match self.result {
            Some(Operand::Input(input)) => Some(input),
            _ => None,
        }
    }

    /// Bytes of one result element.
    #[must_use]
    pub fn output_size(&self) -> usize {
        self.result
            .map_or(1, |operand| self.dtype(operand).item_size().unwrap_or(1))
    }

    fn dtype(&self, operand: Operand) -> DType {
        match operand {
            Operand::Input(input) => self.inputs[input],
            Operand::Step(step) => self.steps[step].operation.output,
        }
    }

    /// Registers for strips of up to `strip_length` elements.
    #[must_use]
    pub fn registers(&self, strip_length: usize) -> Registers {
        let words = |dtype: DType| (strip_length * dtype.item_size().unwrap_or(1)).div_ceil(8);
        let dtypes = self.inputs.iter().copied();
        let dtypes = dtypes.chain(self.steps.iter().map(|step| step.operation.output));
        let widest = dtypes
            .max_by_key(|dtype| dtype.item_size())
            .unwrap_or(DType::Bool);
        Registers {
            strip_length,
            registers: self
                .steps
                .iter()
                .map(|step| vec![0; words(step.operation.output)])
                .collect(),
            is_uniform: vec![false; self.steps.len()],
            widened: (0..3).map(|_| vec![0; words(widest).max(1)]).collect(),
        }
    }

    /// Runs the program on one strip of `count` elements; writes the result to `out`, which holds `count` elements.
    ///
    /// `inputs` are in the order in which they were added.
    pub fn run(
        &self,
        inputs: &[Strip<'_>],
        count: usize,
        registers: &mut Registers,
        out: &mut [u8],
    ) {
        debug_assert!(count <= registers.strip_length);
        let Some(result) = self.result else { return };
        let last = match result {
            Operand::Step(step) => step,
            Operand::Input(input) => {
                write_strip(inputs[input], out);
                return;
            }
        };
        for step in 0..=last {
            let (done, rest) = registers.registers.split_at_mut(step);
            let operands = &self.steps[step].operands;
            let strip = |operand: &Operand| match operand {
                Operand::Input(input) => inputs[*input],
                Operand::Step(earlier) => {
                    let size = self.steps[*earlier]
                        .operation
                        .output
                        .item_size()
                        .unwrap_or(1);
                    let bytes: &[u8] = bytemuck::cast_slice(&done[*earlier]);
                    if registers.is_uniform[*earlier] {
                        Strip::Uniform(&bytes[..size])
                    } else {
                        Strip::Elements(&bytes[..count * size])
                    }
                }
            };
            let mut strips = [Strip::Uniform(&[]); 3];
            for (place, operand) in strips.iter_mut().zip(operands) {
                *place = strip(operand);
            }
            let strips = &strips[..operands.len().min(3)];
            let all_uniform = strips
                .iter()
                .all(|strip| matches!(strip, Strip::Uniform(_)));
            let length = if all_uniform { 1 } else { count };
            let size = self.steps[step].operation.output.item_size().unwrap_or(1);
            let is_direct = step == last && !all_uniform;
            let target: &mut [u8] = if is_direct {
                &mut out[..length * size]
            } else {
                &mut bytemuck::cast_slice_mut(&mut rest[0])[..length * size]
            };
            self.apply(step, strips, length, &mut registers.widened, target);
            registers.is_uniform[step] = all_uniform;
        }
        if registers.is_uniform[last] {
            let size = self.steps[last].operation.output.item_size().unwrap_or(1);
            let bytes: &[u8] = bytemuck::cast_slice(&registers.registers[last]);
            fill_with(out, &bytes[..size]);
        }
    }

    fn apply(
        &self,
        step: usize,
        strips: &[Strip<'_>],
        length: usize,
        widened: &mut [Vec<u64>],
        out: &mut [u8],
    ) {
        let Step {
            operation,
            operands,
        } = &self.steps[step];
        match (&operation.kind, strips) {
            (Kind::Unary(kernel), [Strip::Elements(values) | Strip::Uniform(values)]) => {
                kernel(values, out)
            }
            (Kind::Binary(kernel), [Strip::Elements(left), Strip::Elements(right)]) => {
                (kernel.both)(left, right, out);
            }
            (Kind::Binary(kernel), [Strip::Elements(left), Strip::Uniform(right)]) => {
                (kernel.scalar_right)(left, right, out);
            }
            (Kind::Binary(kernel), [Strip::Uniform(left), Strip::Elements(right)]) => {
                (kernel.scalar_left)(left, right, out);
            }
            (Kind::Binary(kernel), [Strip::Uniform(left), Strip::Uniform(right)]) => {
                (kernel.both)(left, right, out);
            }
            (Kind::Select, [condition, if_true, if_false]) => {
                let [first, second, third] = widened else {
                    return;
                };
                let size = operation.output.item_size().unwrap_or(1);
                let condition = widen(*condition, length, 1, first);
                let if_true = widen(*if_true, length, size, second);
                let if_false = widen(*if_false, length, size, third);
                select(condition, if_true, if_false, size, out);
            }
            (Kind::FillMissing, [values, replacement]) => {
                let [first, second, _] = widened else { return };
                let size = operation.output.item_size().unwrap_or(1);
                let dtype = self.dtype(operands[0]);
                let values = widen(*values, length, size, first);
                match replacement {
                    Strip::Uniform(item) => fill_missing(values, item, dtype, out),
                    Strip::Elements(items) => {
                        fill_missing_from_each(values, items, size, dtype, second, out);
                    }
                }
            }
            (Kind::Interpolate(kernel), [lower, upper, fraction]) => {
                kernel(*lower, *upper, *fraction, out);
            }
            (Kind::Pair, [values, weights]) => pair(*values, *weights, out),
            // OK because planning checks arities and kernels; nothing sensible could be written here.
            _ => debug_assert!(false, "operation without a kernel"),
        }
    }
}

/// Where a value is missing, the replacement in the same place.
fn fill_missing_from_each(
    values: &[u8],
    replacements: &[u8],
    size: usize,
    dtype: DType,
    scratch: &mut [u64],
    out: &mut [u8],
) {
    let Some(is_valid) = Unary::NotNan.kernel(dtype) else {
        out.copy_from_slice(values);
        return;
    };
    let truth = &mut bytemuck::cast_slice_mut(scratch)[..values.len() / size.max(1)];
    is_valid(values, truth);
    select(truth, values, replacements, size, out);
}

/// The strip with every element written out.
fn widen<'a>(strip: Strip<'a>, length: usize, size: usize, scratch: &'a mut [u64]) -> &'a [u8] {
    match strip {
        Strip::Elements(bytes) => bytes,
        Strip::Uniform(item) => {
            let bytes = &mut bytemuck::cast_slice_mut(scratch)[..length * size];
            fill_with(bytes, item);
            bytes
        }
    }
}

fn write_strip(strip: Strip<'_>, out: &mut [u8]) {
    match strip {
        Strip::Elements(bytes) => out.copy_from_slice(bytes),
        Strip::Uniform(item) => fill_with(out, item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(values: &[f32]) -> &[u8] {
        bytemuck::cast_slice(values)
    }

    #[test]
    fn a_chain_runs_on_strips_and_single_values_alike() {
        let mut program = Program::default();
        let values = program.input(DType::Float32);
        let factor = program.input(DType::Float32);
        let product = program.step(
            Operation::binary(Binary::Multiply, DType::Float32, DType::Float32),
            vec![values, factor],
        );
        let root = program.step(
            Operation::unary(Unary::Sqrt, DType::Float32, DType::Float32),
            vec![product],
        );
        program.finish(root);
        let mut registers = program.registers(4);
        let mut out = [0f32; 4];
        let inputs = [
            Strip::Elements(bytes(&[1.0, 4.0, 9.0, 16.0])),
            Strip::Uniform(bytes(&[4.0])),
        ];
        program.run(
            &inputs,
            4,
            &mut registers,
            bytemuck::cast_slice_mut(&mut out),
        );
        assert_eq!(out, [2.0, 4.0, 6.0, 8.0]);
        let inputs = [Strip::Uniform(bytes(&[9.0])), Strip::Uniform(bytes(&[4.0]))];
        program.run(
            &inputs,
            4,
            &mut registers,
            bytemuck::cast_slice_mut(&mut out),
        );
        assert_eq!(out, [6.0; 4]);
    }

    #[test]
    fn a_choice_mixes_strips_and_single_values() {
        let mut program = Program::default();
        let condition = program.input(DType::Bool);
        let values = program.input(DType::Float32);
        let other = program.input(DType::Float32);
        let chosen = program.step(
            Operation::select(DType::Float32),
            vec![condition, values, other],
        );
        program.finish(chosen);
        let mut out = [0f32; 3];
        let inputs = [
            Strip::Elements(&[1, 0, 1]),
            Strip::Elements(bytes(&[1.0, 2.0, 3.0])),
            Strip::Uniform(bytes(&[-1.0])),
        ];
        program.run(
            &inputs,
            3,
            &mut program.registers(3),
            bytemuck::cast_slice_mut(&mut out),
        );
        assert_eq!(out, [1.0, -1.0, 3.0]);
    }
}
