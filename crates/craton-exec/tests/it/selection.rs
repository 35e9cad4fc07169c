//! A part of a result that must be whole is computed from a part, and the values stay.

use crate::support::*;
use craton_core::DType;
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::order::Ordering;
use craton_kernels::quantile::Quantity;
use craton_kernels::scan::{Cumulation, RollingKind};
use craton_plan::NodeRef;
use craton_plan::ops::{self, AxisIndex, ReduceOptions};
use craton_plan::rules::optimise;
use proptest::prelude::*;
use std::sync::Arc;

/// Something that must be whole, with rank at least 1.
fn whole(random: &mut Random, node: &NodeRef) -> NodeRef {
    let rank = node.shape().len();
    let axis = random.below(rank);
    let options = ReduceOptions::default();
    let length = node.shape()[axis];
    let codes: Vec<i64> = (0..length).map(|_| random.below(4) as i64 - 1).collect();
    match random.below(7) {
        0 if rank > 1 => ops::reduce(Reduction::Sum, node, &[axis], options).unwrap(),
        1 => {
            let sums =
                ops::group_reduce(Reduction::Sum, node, axis, codes.clone(), 3, options).unwrap();
            let list: Vec<u64> = codes
                .iter()
                .map(|code| code.max(&0).unsigned_abs())
                .collect();
            let back = ops::gather(&sums, axis, list).unwrap();
            ops::binary(Binary::Subtract, node, &back).unwrap()
        }
        2 => ops::group_quantile(&Quantity::Median, node, axis, codes, 3, true).unwrap(),
        3 => ops::cumulate(Cumulation::Sum, node, axis, true).unwrap(),
        4 => ops::order(Ordering::Rank, node, axis).unwrap(),
        5 => ops::rolling(RollingKind::Sum, node, axis, 2, 1).unwrap(),
        _ => ops::group_reduce(Reduction::Max, node, axis, codes, 3, options)
            .unwrap_or_else(|_| node.clone()),
    }
}

fn part(random: &mut Random, node: &NodeRef) -> NodeRef {
    let shape: Vec<usize> = node.shape().iter().map(|length| *length as usize).collect();
    let array = Array::of(DType::Float64, &shape, |_| 0.0);
    match random.below(4) {
        0 if !shape.is_empty() => {
            let axis = random.below(shape.len());
            let count = if shape[axis] == 0 { 0 } else { random.below(4) };
            let list: Vec<u64> = (0..count)
                .map(|_| random.below(shape[axis]) as u64)
                .collect();
            ops::gather(node, axis, list).unwrap()
        }
        1 => {
            let axes = random.order(shape.len());
            ops::transpose(node, &axes).unwrap()
        }
        _ => ops::index(node, &random_index(random, &array).0).unwrap(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_of_what_must_be_whole_keep_their_values(seed: u64) {
        let random = &mut Random(seed);
        let rank = 1 + random.below(3);
        let shape: Vec<usize> = (0..rank).map(|_| 1 + random.below(7)).collect();
        let array = Array::random(random, DType::Float64, &shape);
        let (_, leaf) = stored(random, &array);
        let mut node = leaf.clone();
        for _ in 0..1 + random.below(4) {
            if !node.shape().is_empty() && random.flag() {
                node = whole(random, &node);
            }
            if random.below(3) == 0 && node.shape() == leaf.shape() {
                node = ops::binary(Binary::Add, &node, &leaf).unwrap();
            }
            node = part(random, &node);
        }
        let (better, _) = optimise(&node).unwrap();
        prop_assert_eq!(better.meta(), node.meta());
        // Whole numbers, so that no order of additions matters.
        prop_assert_eq!(bits(&run(&better, 2)), bits(&run(&node, 2)));
    }
}

#[test]
fn one_point_of_an_anomaly_reads_the_chunks_of_its_point_and_group() {
    let array = Array::of(DType::Float32, &[12, 4, 4], |at| {
        (16 * at[0] * at[0] + 4 * at[1] + at[2]) as f64
    });
    let storage = Storage::plain(&[12, 4, 4], &[1, 2, 2]);
    let source = Arc::new(ModelSource::new(&array, &storage));
    let (codes, options) = ([0, 1, 2].repeat(4), ReduceOptions::default());
    let mean = ops::group_reduce(
        Reduction::Mean,
        &source.node(),
        0,
        codes.clone(),
        3,
        options,
    )
    .unwrap();
    let list: Vec<u64> = codes.iter().map(|code: &i64| code.unsigned_abs()).collect();
    let back = ops::gather(&mean, 0, list).unwrap();
    let anomaly = ops::binary(Binary::Subtract, &source.node(), &back).unwrap();
    let point = [AxisIndex::At(5), AxisIndex::At(3), AxisIndex::At(0)];
    let (point, _) = optimise(&ops::index(&anomaly, &point).unwrap()).unwrap();
    // Indices 2, 5, 8 and 11 are in the group.
    let mean = 16.0 * (4.0 + 25.0 + 64.0 + 121.0) / 4.0;
    assert_eq!(
        run(&point, 2).get(0).unwrap().to_f64(),
        Some(16.0 * 25.0 - mean)
    );
    let mut located: Vec<_> = source.located().into_keys().collect();
    located.sort();
    let expected = [2, 5, 8, 11].map(|time| vec![time, 1, 0]);
    assert_eq!(located, expected);
}
