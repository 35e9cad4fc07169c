//! Composed plans equal the model, with the same bits however they run.

use crate::support::*;
use craton_core::{DType, ErrorKind};
use craton_exec::Engine;
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::scan::{Cumulation, RollingKind};
use craton_plan::NodeRef;
use craton_plan::ops::{self, ReduceOptions};
use craton_plan::rules::optimise;
use proptest::prelude::*;
use std::sync::Arc;

/// A random plan over several sources, and what it gives. All values are whole, so sums are exact.
fn plan(random: &mut Random, depth: usize, leaves: &[(Array, NodeRef)]) -> (Array, NodeRef) {
    if depth == 0 {
        return random.pick(leaves).clone();
    }
    let (array, node) = plan(random, depth - 1, leaves);
    let (dtype, rank) = (array.dtype, array.shape.len());
    let axis = random.below(rank);
    match random.below(11) {
        0 => {
            let (picks, taken) = random_index(random, &array);
            (taken, ops::index(&node, &picks).unwrap())
        }
        1 if rank > 0 && array.shape[axis] > 0 => {
            let count = random.below(10);
            let list: Vec<u64> = (0..count)
                .map(|_| random.below(array.shape[axis]) as u64)
                .collect();
            (
                array.gather(axis, &list),
                ops::gather(&node, axis, list).unwrap(),
            )
        }
        2 => {
            let axes = random.order(rank);
            (
                array.transpose(&axes),
                ops::transpose(&node, &axes).unwrap(),
            )
        }
        3 if rank > 0 && array.values.len() < 2000 => {
            let (first, second) = if random.flag() {
                let list: Vec<u64> = (0..array.shape[axis] as u64).rev().collect();
                (
                    array.gather(axis, &list),
                    ops::gather(&node, axis, list).unwrap(),
                )
            } else {
                (array.clone(), node.clone())
            };
            (
                first.concat(&array, axis),
                ops::concat(&[second, node], axis).unwrap(),
            )
        }
        4 if rank > 0 => {
            let window = 1 + random.below(4);
            let kind = *random.pick(&[RollingKind::Sum, RollingKind::Min, RollingKind::Max]);
            let min_periods = random.below(window + 1);
            let rolled = ops::rolling(kind, &node, axis, window, min_periods).unwrap();
            (
                array.rolling(kind, axis, window, min_periods, rolled.dtype()),
                rolled,
            )
        }
        5 if rank > 0 => {
            let axes = random.order(rank)[..1 + random.below(rank)].to_vec();
            let options = ReduceOptions {
                skip_missing: random.flag(),
                ..Default::default()
            };
            let reduced = ops::reduce(Reduction::Sum, &node, &axes, options).unwrap();
            (
                array.reduce(Reduction::Sum, &axes, options, reduced.dtype()),
                reduced,
            )
        }
        6 if rank > 0 => {
            // An anomaly: what is left of each value without its group's.
            let count = 1 + random.below(3);
            let length = array.shape[axis];
            let codes: Vec<i64> = (0..length).map(|_| random.below(count) as i64).collect();
            let options = ReduceOptions {
                skip_missing: true,
                ..Default::default()
            };
            let sums =
                ops::group_reduce(Reduction::Sum, &node, axis, codes.clone(), count, options)
                    .unwrap();
            let model = array.group(Reduction::Sum, axis, &codes, count, options, sums.dtype());
            let list: Vec<u64> = codes.iter().map(|code| *code as u64).collect();
            let back = ops::gather(&sums, axis, list.clone()).unwrap();
            let anomaly = ops::binary(Binary::Subtract, &node, &back).unwrap();
            let model = array.zip(&model.gather(axis, &list), anomaly.dtype(), |a, b| a - b);
            (model, anomaly)
        }
        7 if rank > 0 => {
            let sums = ops::cumulate(Cumulation::Sum, &node, axis, true).unwrap();
            (
                array.cumulate(Cumulation::Sum, axis, true, sums.dtype()),
                sums,
            )
        }
        8 => {
            let chunks: Vec<u64> = (0..rank).map(|_| 1 + random.below(5) as u64).collect();
            (array, ops::rechunk(&node, &chunks).unwrap())
        }
        _ => {
            let (other, node_of_other) = if random.flag() {
                (array.clone(), node.clone())
            } else {
                let same: Vec<_> = leaves
                    .iter()
                    .filter(|(leaf, _)| leaf.shape == array.shape)
                    .collect();
                match same.len() {
                    0 => (array.clone(), node.clone()),
                    count => same[random.below(count)].clone(),
                }
            };
            let sum = ops::binary(Binary::Add, &node, &node_of_other).unwrap();
            let _ = dtype;
            (array.zip(&other, sum.dtype(), |a, b| a + b), sum)
        }
    }
}

fn leaves(random: &mut Random) -> Vec<(Array, NodeRef)> {
    let rank = random.below(5);
    let shape = random.shape(rank);
    (0..3)
        .map(|_| {
            let dtype = *random.pick(&[DType::Float64, DType::Int32, DType::Float64]);
            let array = Array::random(random, dtype, &shape);
            let node = stored(random, &array).1;
            (array, node)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_plans_equal_the_model(seed: u64) {
        let random = &mut Random(seed);
        let leaves = leaves(random);
        let depth = 1 + random.below(5);
        let (expected, node) = plan(random, depth, &leaves);
        let block = run(&node, 1);
        let (better, _) = optimise(&node).unwrap();
        Array::from_block(&block).check(&expected, 0.0, &craton_plan::explain::explain_plan(&node));
        prop_assert_eq!(better.meta(), node.meta());
        prop_assert_eq!(bits(&run(&better, 2)), bits(&block));
        for threads in 2..5 {
            prop_assert_eq!(bits(&run(&node, threads)), bits(&block));
        }
    }

    #[test]
    fn the_same_bits_for_any_threads_and_budget(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape: Vec<usize> = (0..rank).map(|_| 1 + random.below(20)).collect();
        let array = Array::of(DType::Float32, &shape, |_| (random.next() as f64 / 1e17) - 30.0);
        let mut array = array;
        array.values.iter_mut().for_each(|value| *value = rounded(DType::Float32, *value));
        let (_, node) = stored(random, &array);
        let mut axes = random.order(rank);
        axes.truncate(1 + random.below(rank));
        let labelled = ops::rechunk(&node, &vec![1 + random.below(6) as u64; rank]).unwrap();
        for reduction in [Reduction::Sum, Reduction::Mean, Reduction::Var, Reduction::Min] {
            let reduced = ops::reduce(reduction, &node, &axes, ReduceOptions::default()).unwrap();
            let block = run(&reduced, 1);
            let again = ops::reduce(reduction, &labelled, &axes, ReduceOptions::default()).unwrap();
            prop_assert_eq!(bits(&run(&again, 3)), bits(&block));
            for (threads, memory) in [(2, 8 << 30), (4, 8 << 30), (3, 1 << 30)] {
                let engine = Engine::new(Some(threads), Some(memory));
                prop_assert_eq!(bits(&try_run(&reduced, &engine).unwrap()), bits(&block));
            }
            // Over another storage of the same values: to the last bits, and extrema exactly.
            let (_, other) = stored(random, &array);
            let other = ops::reduce(reduction, &other, &axes, ReduceOptions::default()).unwrap();
            let other = Array::from_block(&run(&other, 2));
            let tolerance = if reduction == Reduction::Min { 0.0 } else { 2.4e-7 };
            other.check(&Array::from_block(&block), tolerance, reduction.name());
        }
    }
}

#[test]
fn deep_chains_are_computed_or_refused() {
    let array = Array::of(DType::Float64, &[3], |at| at[0] as f64);
    let random = &mut Random(3);
    let (_, leaf) = stored(random, &array);
    let chain = |length: usize| {
        (0..length).fold(leaf.clone(), |node, _| {
            ops::binary(Binary::Add, &node, &leaf).unwrap()
        })
    };
    let sum = run(&chain(10_000), 2);
    assert_eq!(sum.get(1).unwrap().to_f64(), Some(10_001.0));
    let nest = |count: usize| {
        (0..count).fold(leaf.clone(), |node, _| {
            ops::concat(&[node, leaf.clone()], 0).unwrap()
        })
    };
    assert_eq!(run(&nest(300), 2).len(), 903);
    let error = try_run(&nest(3000), &engine(2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_fixed_index_of_windows_of_a_concatenation_is_counted_right() {
    let array = Array::of(DType::Int32, &[6, 4], |at| (10 * at[0] + at[1]) as f64);
    let storage = Storage::plain(&[6, 4], &[2, 4]);
    let source = Arc::new(ModelSource::new(&array, &storage));
    let whole = ops::concat(&[source.node(), source.node()], 0).unwrap();
    let rolled = ops::rolling(RollingKind::Sum, &whole, 0, 2, 2).unwrap();
    let picks = [ops::AxisIndex::At(7), ops::AxisIndex::all(4)];
    let row = ops::index(&rolled, &picks).unwrap();
    let wide = ops::broadcast(&row, &[5, 4]).unwrap();
    let block = run(&wide, 2);
    assert_eq!(block.get(1).unwrap().to_f64(), Some(1.0 + 11.0));
    assert_eq!(
        source.located().into_iter().collect::<Vec<_>>(),
        [(vec![0, 0], 1)]
    );
}
