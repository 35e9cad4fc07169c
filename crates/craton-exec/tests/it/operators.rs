//! Each operator equals the naive model, over any storage, on any number of threads.

use crate::support::*;
use craton_core::{AxisGrid, Block, DType, Grid, Order, Scalar};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::scan::{Cumulation, RollingKind};
use craton_kernels::unary::Unary;
use craton_plan::ops::{self, ReduceOptions};
use proptest::prelude::*;
use std::sync::Arc;

fn random_array(random: &mut Random, dtypes: &[DType]) -> Array {
    let rank = random.below(5);
    let shape = random.shape(rank);
    let dtype = *random.pick(dtypes);
    Array::random(random, dtype, &shape)
}

fn options(random: &mut Random) -> ReduceOptions {
    ReduceOptions {
        skip_missing: random.flag(),
        ddof: random.below(2) as u32,
        min_count: random.below(3) as u32,
    }
}

fn tolerance(reduction: Reduction) -> f64 {
    match reduction {
        Reduction::Mean | Reduction::Var | Reduction::Std | Reduction::Prod => 1e-5,
        _ => 0.0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stored_array_is_itself(seed: u64) {
        let random = &mut Random(seed);
        let array = random_array(random, &DTYPES);
        let (_, node) = stored(random, &array);
        Array::from_block(&run(&node, 1 + random.below(4))).check(&array, 0.0, "source");
    }

    #[test]
    fn any_index_takes_what_it_says(seed: u64) {
        let random = &mut Random(seed);
        let array = random_array(random, &DTYPES);
        let (_, node) = stored(random, &array);
        let (picks, taken) = random_index(random, &array);
        let node = ops::index(&node, &picks).unwrap();
        Array::from_block(&run(&node, 1 + random.below(4))).check(&taken, 0.0, "index");
        let again = random_index(random, &taken);
        let node = ops::index(&node, &again.0).unwrap();
        Array::from_block(&run(&node, 1 + random.below(4))).check(&again.1, 0.0, "index of index");
    }

    #[test]
    fn gathers_transposes_and_broadcasts_take_what_they_say(seed: u64) {
        let random = &mut Random(seed);
        let mut array = random_array(random, &DTYPES);
        let (_, mut node) = stored(random, &array);
        for _ in 0..3 {
            let rank = array.shape.len();
            match random.below(4) {
                0 if rank > 0 => {
                    let axis = random.below(rank);
                    let count = if array.shape[axis] == 0 { 0 } else { random.below(12) };
                    let list: Vec<u64> =
                        (0..count).map(|_| random.below(array.shape[axis]) as u64).collect();
                    array = array.gather(axis, &list);
                    node = ops::gather(&node, axis, list).unwrap();
                }
                1 => {
                    let axes = random.order(rank);
                    array = array.transpose(&axes);
                    node = ops::transpose(&node, &axes).unwrap();
                }
                2 if rank < 4 => {
                    let mut shape = array.shape.clone();
                    shape.insert(0, 1 + random.below(3));
                    for length in shape.iter_mut().filter(|length| **length == 1) {
                        *length = 1 + random.below(3);
                    }
                    let ones = Array::of(array.dtype, &shape, |_| 0.0);
                    array = array.zip(&ones, array.dtype, |value, _| value);
                    let extents: Vec<u64> = shape.iter().map(|length| *length as u64).collect();
                    node = ops::broadcast(&node, &extents).unwrap();
                }
                _ => {
                    let (picks, taken) = random_index(random, &array);
                    array = taken;
                    node = ops::index(&node, &picks).unwrap();
                }
            }
        }
        Array::from_block(&run(&node, 1 + random.below(4))).check(&array, 0.0, "views");
    }

    #[test]
    fn concat_and_stack_put_inputs_in_order(seed: u64) {
        let random = &mut Random(seed);
        let dtype = *random.pick(&DTYPES);
        let rank = 1 + random.below(3);
        let mut shape = random.shape(rank);
        let axis = random.below(shape.len());
        let mut parts = Vec::new();
        for _ in 0..1 + random.below(4) {
            shape[axis] = random.below(8);
            parts.push(Array::random(random, dtype, &shape));
        }
        let nodes: Vec<_> = parts.iter().map(|part| stored(random, part).1).collect();
        let whole = parts[1..].iter().fold(parts[0].clone(), |all, part| all.concat(part, axis));
        let node = ops::concat(&nodes, axis).unwrap();
        Array::from_block(&run(&node, 1 + random.below(4))).check(&whole, 0.0, "concat");
        let (picks, taken) = random_index(random, &whole);
        let picked = ops::index(&node, &picks).unwrap();
        Array::from_block(&run(&picked, 1 + random.below(4))).check(&taken, 0.0, "index of concat");
        let mut copy = parts[0].clone();
        copy.values.iter_mut().for_each(|value| *value = rounded(dtype, *value + 1.0));
        let pair = [nodes[0].clone(), stored(random, &copy).1];
        let axis = random.below(copy.shape.len() + 1);
        let mut shape = copy.shape.clone();
        shape.insert(axis, 2);
        let expected = Array::of(dtype, &shape, |index| {
            let mut place = index.to_vec();
            if place.remove(axis) == 0 { parts[0].at(&place) } else { copy.at(&place) }
        });
        let node = ops::stack(&pair, axis).unwrap();
        Array::from_block(&run(&node, 2)).check(&expected, 0.0, "stack");
    }

    #[test]
    fn element_wise_operators_broadcast(seed: u64) {
        let random = &mut Random(seed);
        let dtype = *random.pick(&[DType::Float32, DType::Float64, DType::Int32]);
        let rank = random.below(4);
        let shape = random.shape(rank);
        let array = Array::random(random, dtype, &shape);
        let skip = random.below(shape.len() + 1);
        let other: Vec<usize> = shape[skip..]
            .iter()
            .map(|length| if random.below(3) == 0 { 1 } else { *length })
            .collect();
        let other = Array::random(random, dtype, &other);
        let (left, right) = (stored(random, &array).1, stored(random, &other).1);
        type Function = fn(f64, f64) -> f64;
        let functions: [(Binary, Function); 4] = [
            (Binary::Add, |a, b| a + b),
            (Binary::Subtract, |a, b| a - b),
            (Binary::Multiply, |a, b| a * b),
            (Binary::Maximum, |a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }),
        ];
        let (function, model) = *random.pick(&functions);
        let node = ops::binary(function, &left, &right).unwrap();
        let expected = array.zip(&other, dtype, model);
        Array::from_block(&run(&node, 1 + random.below(4))).check(&expected, 0.0, function.name());
        let swapped = ops::binary(function, &right, &left).unwrap();
        let expected = other.zip(&array, dtype, model);
        Array::from_block(&run(&swapped, 2)).check(&expected, 0.0, "swapped");
        let node = ops::unary(Unary::Negative, &left).unwrap();
        let expected = array.zip(&array, dtype, |value, _| -value);
        Array::from_block(&run(&node, 2)).check(&expected, 0.0, "negative");
        let node = ops::fill_missing(&left, &right).unwrap();
        let expected = array.zip(&other, dtype, |a, b| if a.is_nan() { b } else { a });
        Array::from_block(&run(&node, 2)).check(&expected, 0.0, "fillna");
        let node = ops::binary(Binary::Greater, &left, &right).unwrap();
        let chosen = ops::select(&node, &left, &right).unwrap();
        let expected = array.zip(&other, dtype, |a, b| if a > b { a } else { b });
        Array::from_block(&run(&chosen, 2)).check(&expected, 0.0, "where");
        let node = ops::cast(&left, DType::Float64).unwrap();
        let expected = array.zip(&array, DType::Float64, |value, _| value);
        Array::from_block(&run(&node, 2)).check(&expected, 0.0, "cast");
        let bound = |value| ops::scalar(Scalar::from_f64(dtype, value)).unwrap();
        let node = ops::clip(&left, Some(&bound(-2.0)), Some(&bound(3.0))).unwrap();
        let expected = array.zip(&array, dtype, |value, _| value.clamp(-2.0, 3.0));
        Array::from_block(&run(&node, 2)).check(&expected, 0.0, "clip");
    }

    #[test]
    fn every_reduction_equals_the_model(seed: u64) {
        let random = &mut Random(seed);
        let array = random_array(random, &DTYPES);
        let (_, node) = stored(random, &array);
        let mut axes: Vec<usize> = random.order(array.shape.len());
        axes.truncate(random.below(axes.len() + 1));
        let options = options(random);
        let threads = 1 + random.below(4);
        for reduction in Reduction::ALL {
            let Ok(reduced) = ops::reduce(*reduction, &node, &axes, options) else { continue };
            let is_end = matches!(reduction, Reduction::First | Reduction::Last);
            let is_empty = axes.iter().any(|axis| array.shape[*axis] == 0);
            if is_end && is_empty {
                continue;
            }
            let expected = array.reduce(*reduction, &axes, options, reduced.dtype());
            let block = run(&reduced, threads);
            let what = format!("{} {axes:?} {options:?} {:?}", reduction.name(), array);
            Array::from_block(&block).check(&expected, tolerance(*reduction), &what);
        }
    }

    #[test]
    fn every_group_reduction_equals_the_model(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape = random.shape(rank);
        let dtype = *random.pick(&DTYPES);
        let array = Array::random(random, dtype, &shape);
        let (_, node) = stored(random, &array);
        let axis = random.below(rank);
        let count = 1 + random.below(5);
        let codes: Vec<i64> =
            (0..shape[axis]).map(|_| random.below(count + 1) as i64 - 1).collect();
        let options = options(random);
        let threads = 1 + random.below(4);
        for reduction in Reduction::ALL {
            let has_empty = (0..count).any(|code| !codes.contains(&(code as i64)));
            let needs_one = matches!(
                reduction,
                Reduction::First | Reduction::Last | Reduction::Min | Reduction::Max
            );
            if needs_one && (has_empty || shape[axis] == 0) {
                continue;
            }
            let reduced = ops::group_reduce(*reduction, &node, axis, codes.clone(), count, options);
            let Ok(reduced) = reduced else { continue };
            let expected = array.group(*reduction, axis, &codes, count, options, reduced.dtype());
            let what = format!("{} {axis} {codes:?} {options:?} {array:?}", reduction.name());
            Array::from_block(&run(&reduced, threads))
                .check(&expected, tolerance(*reduction), &what);
        }
    }

    #[test]
    fn scans_and_windows_equal_the_model(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape = random.shape(rank);
        let dtype = *random.pick(&DTYPES);
        let array = Array::random(random, dtype, &shape);
        let (_, node) = stored(random, &array);
        let axis = random.below(rank);
        let threads = 1 + random.below(4);
        let skips = random.flag();
        let sums = ops::cumulate(Cumulation::Sum, &node, axis, skips).unwrap();
        let expected = array.cumulate(Cumulation::Sum, axis, skips, sums.dtype());
        Array::from_block(&run(&sums, threads)).check(&expected, 0.0, "cumsum");
        let window = 1 + random.below(6);
        let min_periods = random.below(window + 1);
        for kind in RollingKind::ALL {
            let rolled = ops::rolling(*kind, &node, axis, window, min_periods).unwrap();
            let expected = array.rolling(*kind, axis, window, min_periods, rolled.dtype());
            let what = format!("rolling {} {window} {min_periods} {axis} {array:?}", kind.name());
            Array::from_block(&run(&rolled, threads)).check(&expected, 1e-6, &what);
        }
    }
}

#[test]
fn a_group_alone_in_its_task_lands_in_its_own_place() {
    let array = Array::of(DType::Int32, &[4, 6], |at| (10 * at[0] + at[1]) as f64);
    let storage = Storage::plain(&[4, 6], &[4, 1]);
    let node = Arc::new(ModelSource::new(&array, &storage)).node();
    let codes = [0i64, 1, 2, 0, 1, 2];
    for chunk in [1, 2, 6] {
        let storage = Storage {
            grid: Grid {
                axes: vec![AxisGrid::single(4), AxisGrid::regular(6, chunk).unwrap()],
            },
            order: Order::C,
            ..storage.clone()
        };
        let other = Arc::new(ModelSource::new(&array, &storage)).node();
        for node in [&node, &other] {
            let options = ReduceOptions::default();
            let sums = ops::group_reduce(Reduction::Sum, node, 1, codes, 3, options).unwrap();
            let expected = array.group(Reduction::Sum, 1, &codes, 3, options, DType::Int64);
            Array::from_block(&run(&sums, 2)).check(&expected, 0.0, "groups");
        }
    }
    // Twenty indices of one group to a task, which is more than are folded together.
    let array = Array::of(DType::Int32, &[3, 40], |at| (100 * at[0] + at[1]) as f64);
    let node = Arc::new(ModelSource::new(
        &array,
        &Storage::plain(&[3, 40], &[3, 20]),
    ))
    .node();
    let codes: Vec<i64> = (0..40).map(|at| at / 20).collect();
    let options = ReduceOptions::default();
    let sums = ops::group_reduce(Reduction::Sum, &node, 1, codes.clone(), 2, options).unwrap();
    let expected = array.group(Reduction::Sum, 1, &codes, 2, options, DType::Int64);
    Array::from_block(&run(&sums, 2)).check(&expected, 0.0, "one group to a task");
}

#[test]
fn each_missing_value_is_filled_from_its_own_place() {
    let array = Array::of(DType::Float32, &[5], |at| {
        if at[0] % 2 == 0 { f64::NAN } else { 1.0 }
    });
    let other = Array::of(DType::Float32, &[5], |at| 10.0 + at[0] as f64);
    let random = &mut Random(1);
    let (left, right) = (stored(random, &array).1, stored(random, &other).1);
    let node = ops::fill_missing(&left, &right).unwrap();
    let expected = array.zip(
        &other,
        DType::Float32,
        |a, b| if a.is_nan() { b } else { a },
    );
    Array::from_block(&run(&node, 1)).check(&expected, 0.0, "fillna");
}

#[test]
fn sums_over_no_rows_of_values_at_hand_are_zero() {
    let block = Block::from_bytes(DType::Float64, vec![0, 3], &[]).unwrap();
    let node = ops::literal(block).unwrap();
    let sums = ops::reduce(Reduction::Sum, &node, &[0], ReduceOptions::default()).unwrap();
    assert_eq!(Array::from_block(&run(&sums, 2)).values, [0.0; 3]);
}

#[test]
fn long_fixed_texts_are_picked_whole() {
    let bytes: Vec<u8> = (0..6000 * 20).map(|at| (at % 251) as u8).collect();
    let dtype = DType::FixedBytes(20);
    let node = ops::literal(Block::from_bytes(dtype, vec![6000], &bytes).unwrap()).unwrap();
    let back: Vec<u64> = (0..6000).rev().collect();
    let picked = run(&ops::gather(&node, 0, back).unwrap(), 2);
    let expected: Vec<u8> = bytes.chunks(20).rev().flatten().copied().collect();
    assert!(bits(&picked) == expected);
    let holds = ops::cast(
        &ops::full(Scalar::zero(DType::Int8), &[1]).unwrap(),
        DType::Bool,
    );
    let same = run(&ops::select(&holds.unwrap(), &node, &node).unwrap(), 2);
    assert!(bits(&same) == bytes);
}
