//! Boxes that are larger than a tile: windows, concatenations and what follows them equal the model.

use crate::support::*;
use craton_core::{AxisGrid, DType, Grid, Order};
use craton_kernels::binary::Binary;
use craton_kernels::fold::Reduction;
use craton_kernels::scan::RollingKind;
use craton_plan::NodeRef;
use craton_plan::ops::{self, AxisIndex, ReduceOptions};
use std::sync::Arc;

const SHAPE: [usize; 3] = [20, 90, 200];

fn distinct(offset: usize) -> Array {
    Array::of(DType::Float64, &SHAPE, |at| {
        (offset + (at[0] * SHAPE[1] + at[1]) * SHAPE[2] + at[2]) as f64
    })
}

fn node_of(array: &Array, chunks: [u64; 3]) -> NodeRef {
    let axes = array.extents().into_iter().zip(chunks);
    let axes = axes.map(|(extent, chunk)| AxisGrid::regular(extent, chunk).unwrap());
    let storage = Storage {
        grid: Grid {
            axes: axes.collect(),
        },
        order: Order::C,
        ..Storage::plain(&array.shape, &[1, 1, 1])
    };
    Arc::new(ModelSource::new(array, &storage)).node()
}

#[test]
fn windows_along_every_axis_are_put_together_from_tiles() {
    let array = distinct(0);
    for (axis, chunks) in [(0, [7, 90, 200]), (1, [20, 50, 200]), (2, [20, 90, 170])] {
        let node = node_of(&array, chunks);
        let rolled = ops::rolling(RollingKind::Sum, &node, axis, 5, 2).unwrap();
        let expected = array.rolling(RollingKind::Sum, axis, 5, 2, DType::Float64);
        Array::from_block(&run(&rolled, 2)).check(&expected, 0.0, "rolling");

        let picks = [
            AxisIndex::Range {
                start: 19,
                step: -2,
                length: 10,
            },
            AxisIndex::Range {
                start: 3,
                step: 1,
                length: 80,
            },
            AxisIndex::Range {
                start: 199,
                step: -1,
                length: 200,
            },
        ];
        let picked = ops::index(&rolled, &picks).unwrap();
        let expected = Array::of(DType::Float64, &[10, 80, 200], |at| {
            expected.at(&[19 - 2 * at[0], 3 + at[1], 199 - at[2]])
        });
        Array::from_block(&run(&picked, 2)).check(&expected, 0.0, "index of rolling");
    }
}

#[test]
fn folds_and_positions_over_tiles_are_those_of_the_whole() {
    let array = distinct(0);
    let node = node_of(&array, [7, 90, 200]);
    let rolled = ops::rolling(RollingKind::Max, &node, 0, 3, 1).unwrap();
    let rolled_array = array.rolling(RollingKind::Max, 0, 3, 1, DType::Float64);
    let options = ReduceOptions::default();
    for axes in [vec![0], vec![1], vec![1, 2], vec![0, 1, 2]] {
        for reduction in [Reduction::Sum, Reduction::Max, Reduction::ArgMax] {
            if reduction == Reduction::ArgMax && axes.len() > 1 {
                continue;
            }
            let folded = ops::reduce(reduction, &rolled, &axes, options).unwrap();
            let expected = rolled_array.reduce(reduction, &axes, options, folded.dtype());
            Array::from_block(&run(&folded, 2)).check(&expected, 0.0, "fold of rolling");
        }
    }
    let codes: Vec<i64> = (0..SHAPE[1] as i64).map(|at| at % 4 - 1).collect();
    let grouped = ops::group_reduce(Reduction::Sum, &rolled, 1, codes.clone(), 3, options).unwrap();
    let expected = rolled_array.group(Reduction::Sum, 1, &codes, 3, options, grouped.dtype());
    Array::from_block(&run(&grouped, 2)).check(&expected, 0.0, "groups of rolling");
}

#[test]
fn windows_run_across_the_pieces_of_a_concatenation() {
    let (first, second) = (distinct(0), distinct(1 << 20));
    let (one, two) = (
        node_of(&first, [7, 90, 200]),
        node_of(&second, [20, 45, 200]),
    );
    let doubled = ops::binary(Binary::Add, &two, &two).unwrap();
    let second = second.zip(&second, DType::Float64, |value, other| value + other);
    let both = first.concat(&second, 0);
    let node = ops::concat(&[one, doubled], 0).unwrap();
    Array::from_block(&run(&node, 2)).check(&both, 0.0, "concat");
    let rolled = ops::rolling(RollingKind::Sum, &node, 0, 4, 1).unwrap();
    let expected = both.rolling(RollingKind::Sum, 0, 4, 1, DType::Float64);
    Array::from_block(&run(&rolled, 2)).check(&expected, 0.0, "rolling of concat");
}
