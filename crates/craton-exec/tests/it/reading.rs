//! What is needed is read and decoded once; what is not is left alone.

use crate::support::*;
use craton_core::{DType, Grid};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::scan::RollingKind;
use craton_plan::ops::{self, AxisIndex, ReduceOptions};
use proptest::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_needed_chunk_is_located_once_and_no_other(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape: Vec<usize> = (0..rank).map(|_| 1 + random.below(9)).collect();
        let array = Array::random(random, DType::Int32, &shape);
        let storage = Storage::random(random, &shape);
        let source = Arc::new(ModelSource::new(&array, &storage));
        let (picks, _) = random_index(random, &array);
        let mut node = ops::index(&source.node(), &picks).unwrap();
        let wanted: HashSet<Vec<u64>> = needed(&picks, &storage.grid);
        match random.below(4) {
            // A second, misaligned source beside it.
            0 => {
                let other = Array::random(random, DType::Int32, &shape);
                let other = ops::index(&stored(random, &other).1, &picks).unwrap();
                node = ops::binary(Binary::Add, &node, &other).unwrap();
            }
            1 if !node.shape().is_empty() => {
                let axis = random.below(node.shape().len());
                node = ops::rolling(RollingKind::Sum, &node, axis, 3, 1).unwrap();
            }
            2 if !node.shape().is_empty() => {
                let axes = [random.below(node.shape().len())];
                node = ops::reduce(Reduction::Sum, &node, &axes, ReduceOptions::default()).unwrap();
            }
            _ => {
                let turned = random.order(node.shape().len());
                node = ops::transpose(&node, &turned).unwrap();
            }
        }
        run(&node, 1 + random.below(4));
        let located = source.located();
        let seen: HashSet<Vec<u64>> = located.keys().cloned().collect();
        prop_assert_eq!(seen, wanted);
        prop_assert!(located.values().all(|count| *count == 1), "{:?}", located);
    }
}

fn needed(picks: &[AxisIndex], grid: &Grid) -> HashSet<Vec<u64>> {
    let along = picks
        .iter()
        .zip(&grid.axes)
        .map(|(pick, axis)| match *pick {
            AxisIndex::At(at) => vec![axis.chunk_of(at)],
            AxisIndex::Range {
                start,
                length,
                step,
            } => (0..length as i64)
                .map(|at| axis.chunk_of((start as i64 + at * step) as u64))
                .collect(),
        });
    let mut all: HashSet<Vec<u64>> = HashSet::from([Vec::new()]);
    for positions in along.collect::<Vec<_>>() {
        all = all
            .iter()
            .flat_map(|index| {
                positions.iter().map(move |at| {
                    let mut index = index.clone();
                    index.push(*at);
                    index
                })
            })
            .collect();
    }
    all
}

#[test]
fn a_point_reads_one_chunk() {
    let array = Array::of(DType::Float32, &[100, 100], |at| {
        (at[0] * 100 + at[1]) as f64
    });
    let source = Arc::new(ModelSource::new(
        &array,
        &Storage::plain(&[100, 100], &[10, 10]),
    ));
    let point = ops::index(&source.node(), &[AxisIndex::At(37), AxisIndex::At(84)]).unwrap();
    assert_eq!(run(&point, 4).get(0).unwrap().to_f64(), Some(3784.0));
    assert_eq!(
        source.located().into_iter().collect::<Vec<_>>(),
        [(vec![3, 8], 1)]
    );
}

#[test]
fn a_concatenation_is_cut_at_the_chunks_of_every_piece() {
    let array = Array::of(DType::Int32, &[8, 3], |at| (3 * at[0] + at[1]) as f64);
    let parts: Vec<_> = (0..5)
        .map(|_| Arc::new(ModelSource::new(&array, &Storage::plain(&[8, 3], &[2, 3]))).node())
        .collect();
    let whole = ops::concat(&parts, 0).unwrap();
    let output = craton_plan::physical::Output {
        node: whole,
        target: craton_plan::physical::Target::Keep,
    };
    let stages = craton_plan::physical::lower(&[output]).unwrap().stages;
    assert_eq!(
        stages[0].cuts[0],
        (0..=20).map(|at| at * 2).collect::<Vec<u64>>()
    );
}
