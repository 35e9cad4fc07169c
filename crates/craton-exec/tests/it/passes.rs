//! Work that does not fit at once gives the same in several passes, or is refused before it begins.

use crate::along::{backwards, filled, ranks};
use crate::aside::ModelSpill;
use crate::support::*;
use craton_core::{DType, Error, ErrorKind};
use craton_exec::{Control, Engine};
use craton_kernels::fold::Reduction;
use craton_kernels::order::Ordering;
use craton_kernels::quantile::{QuantileMethod, Quantity};
use craton_kernels::scan::{Cumulation, RollingKind};
use craton_plan::NodeRef;
use craton_plan::ops::{self, Direction, ReduceOptions};
use craton_plan::physical::{Output, Pipelines, Target, lower};
use proptest::prelude::*;
use std::sync::atomic::Ordering::Relaxed;

/// Memory for blocks in KiB, about: what is resident changes with the other tests.
fn small_engine(threads: usize, kibibytes: u64) -> Engine {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    let beside = resident.unwrap_or(32 << 10) + ((threads as u64 + 8) << 10);
    Engine::new(Some(threads), Some((beside + kibibytes) << 10))
}

/// As [`small_engine`]; one of three puts values aside, and one has no room to.
fn any_small_engine(random: &mut Random, kibibytes: u64) -> Engine {
    let engine = small_engine(1 + random.below(3), kibibytes);
    match random.below(3) {
        0 => engine,
        1 => engine.spilling(ModelSpill::with_room(0)),
        _ => engine.spilling(ModelSpill::with_room(u64::MAX)),
    }
}

/// Work may be refused before it begins, with a way out; it must not run out of memory on the way.
fn check_refusal(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Budget, "{error:?}");
    assert!(
        error.to_string().contains("the work needs about"),
        "{error:?}"
    );
}

/// A plan whose values do not depend on where tasks begin.
fn plan(random: &mut Random) -> (Array, NodeRef) {
    let rank = 1 + random.below(3);
    let most = [4000, 60, 20][rank - 1];
    let shape: Vec<usize> = (0..rank)
        .map(|_| most / 2 + random.below(most / 2))
        .collect();
    let dtype = *random.pick(&[DType::Float32, DType::Int16]);
    let array = Array::random(random, dtype, &shape);
    let (_, node) = stored(random, &array);
    let axis = random.below(rank);
    match random.below(6) {
        3 => {
            let fill = ops::fill(&node, axis, Direction::Backward, None).unwrap();
            let dtype = fill.dtype();
            let back = |line: &[f64]| backwards(line, |line| filled(line, usize::MAX));
            (array.along(axis, dtype, back), fill)
        }
        4 => {
            let ordered = ops::order(Ordering::Rank, &node, axis).unwrap();
            (array.along(axis, DType::Float64, ranks), ordered)
        }
        0 => {
            let sums = ops::cumulate(Cumulation::Sum, &node, axis, true).unwrap();
            (
                array.cumulate(Cumulation::Sum, axis, true, sums.dtype()),
                sums,
            )
        }
        1 => {
            let rolled = ops::rolling(RollingKind::Max, &node, axis, 3, 1).unwrap();
            (
                array.rolling(RollingKind::Max, axis, 3, 1, rolled.dtype()),
                rolled,
            )
        }
        2 => {
            let axes = random.order(rank);
            (
                array.transpose(&axes),
                ops::transpose(&node, &axes).unwrap(),
            )
        }
        _ => (array, node),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_rechunk_in_any_number_of_passes_writes_the_same(seed: u64) {
        let random = &mut Random(seed);
        let (array, node) = plan(random);
        let grid = Storage::random(random, &array.shape).grid;
        let mean = ops::reduce(Reduction::Mean, &node, &[0], ReduceOptions::default()).unwrap();
        let with_mean = random.flag();
        let mut means = Vec::new();
        for kibibytes in [8 << 20, 700 + random.below(3000) as u64, 1500 + random.below(9000) as u64] {
            let sink = ModelSink::new(grid.clone());
            let mut outputs = vec![Output { node: node.clone(), target: Target::Write(sink.clone()) }];
            if with_mean {
                outputs.push(Output { node: mean.clone(), target: Target::Keep });
            }
            let pipelines = lower(&outputs).unwrap();
            let engine = any_small_engine(random, kibibytes);
            match engine.run(&pipelines, &Control::default()) {
                Ok(blocks) => {
                    let what = node.operator().name();
                    sink.array(array.dtype, &array.shape).check(&array, 0.0, what);
                    prop_assert_eq!(sink.begun.load(Relaxed), 1);
                    prop_assert_eq!(sink.committed.load(Relaxed), 1);
                    means.extend(blocks.into_iter().flatten().map(|block| bits(&block)));
                }
                Err(error) => check_refusal(&error),
            }
        }
        prop_assert!(means.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn quantiles_in_any_number_of_passes_are_the_same(seed: u64) {
        let random = &mut Random(seed);
        let rank = 2 + random.below(2);
        let shape: Vec<usize> = (0..rank).map(|_| [400, 40][rank - 2] + random.below(60)).collect();
        let array = Array::random(random, DType::Float64, &shape);
        let (_, node) = stored(random, &array);
        let axis = random.below(rank);
        let skips = random.flag();
        let quantile = if random.flag() {
            ops::quantile(&Quantity::Quantiles(vec![0.9, 0.25], QuantileMethod::Hazen), &node, &[axis], skips).unwrap()
        } else {
            let codes: Vec<i64> = (0..shape[axis]).map(|_| random.below(4) as i64 - 1).collect();
            ops::group_quantile(&Quantity::Median, &node, axis, codes, 3, skips).unwrap()
        };
        let expected = bits(&run(&quantile, 2));
        for kibibytes in [700 + random.below(3000) as u64, 1500 + random.below(3000) as u64] {
            let engine = any_small_engine(random, kibibytes);
            match try_run(&quantile, &engine) {
                Ok(block) => prop_assert!(bits(&block) == expected),
                Err(error) => check_refusal(&error),
            }
        }
    }
}

/// 30 chunks of 192 kB each to be written, where there is room for about half of them beside one task, and every
/// stored chunk has a part of each.
fn rechunk() -> (
    Array,
    std::sync::Arc<ModelSource>,
    std::sync::Arc<ModelSink>,
    Pipelines,
) {
    let array = Array::of(DType::Float32, &[40, 60, 600], |at| {
        (at[0] * 36000 + at[1] * 600 + at[2]) as f64
    });
    let storage = Storage::plain(&[40, 60, 600], &[2, 60, 10]);
    let source = std::sync::Arc::new(ModelSource::new(&array, &storage));
    let sink = ModelSink::new(Storage::plain(&[40, 60, 600], &[40, 2, 600]).grid);
    let output = Output {
        node: source.node(),
        target: Target::Write(sink.clone()),
    };
    let pipelines = lower(&[output]).unwrap();
    (array, source, sink, pipelines)
}

#[test]
fn a_rechunk_that_does_not_fit_takes_several_passes() {
    let (array, source, sink, pipelines) = rechunk();
    let engine = small_engine(1, 4000);
    let cost = engine.cost(&pipelines.stages[0], &pipelines.slots);
    assert!(cost.passes > 1, "{cost:?}");
    assert_eq!(cost.chunks, 20 * 60 * cost.passes);
    engine.run(&pipelines, &Control::default()).unwrap();
    sink.array(DType::Float32, &[40, 60, 600])
        .check(&array, 0.0, "written");
    assert!(source.located().values().all(|count| *count == cost.passes));
}

#[test]
fn what_many_passes_need_is_computed_once_and_put_aside() {
    let (array, source, sink, pipelines) = rechunk();
    let engine = small_engine(1, 2500).spilling(ModelSpill::with_room(u64::MAX));
    let cost = engine.cost(&pipelines.stages[0], &pipelines.slots);
    assert!(cost.passes > 2, "{cost:?}");
    assert_eq!(
        (cost.chunks, cost.bytes_spilled),
        (20 * 60, 40 * 60 * 600 * 4)
    );
    let control = Control::default();
    engine.run(&pipelines, &control).unwrap();
    sink.array(DType::Float32, &[40, 60, 600])
        .check(&array, 0.0, "written");
    assert!(source.located().values().all(|count| *count == 1));
    let metrics = control.metrics();
    assert_eq!(metrics.tasks_done, metrics.tasks_total);
}

#[test]
fn two_passes_decode_twice_rather_than_put_aside() {
    let (_, _, _, pipelines) = rechunk();
    // What is resident changes with the other tests, so the budget of two passes is looked for.
    let passes: Vec<u64> = (2500..8000)
        .step_by(250)
        .map(|kibibytes| {
            let engine = small_engine(1, kibibytes).spilling(ModelSpill::with_room(u64::MAX));
            let cost = engine.cost(&pipelines.stages[0], &pipelines.slots);
            assert_eq!(cost.bytes_spilled > 0, cost.passes > 2, "{cost:?}");
            cost.passes
        })
        .collect();
    assert!(passes.contains(&2), "{passes:?}");
}

#[test]
fn a_full_disk_ends_the_run_with_nothing_committed() {
    let (_, _, sink, pipelines) = rechunk();
    let engine = small_engine(2, 2500).spilling(ModelSpill::full());
    let error = engine.run(&pipelines, &Control::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
    // The output was asked for before anything was put aside.
    assert_eq!(sink.begun.load(Relaxed), 1);
    assert_eq!(sink.committed.load(Relaxed), 0);
}

#[test]
fn columns_that_lie_in_one_chunk_are_read_once_in_any_number_of_passes() {
    let array = Array::of(DType::Float32, &[500, 4000], |at| {
        (at[0] * 4000 + at[1]) as f64
    });
    let source = std::sync::Arc::new(ModelSource::new(
        &array,
        &Storage::plain(&[500, 4000], &[500, 200]),
    ));
    let median = ops::quantile(&Quantity::Median, &source.node(), &[0], true).unwrap();
    let output = Output {
        node: median,
        target: Target::Keep,
    };
    let pipelines = lower(&[output]).unwrap();
    let engine = small_engine(1, 4000);
    let cost = engine.cost(&pipelines.stages[0], &pipelines.slots);
    assert!(cost.passes > 1, "{cost:?}");
    assert_eq!(cost.chunks, 20);
    let blocks = engine.run(&pipelines, &Control::default()).unwrap();
    let block = blocks[0].as_ref().unwrap();
    assert_eq!(block.get(39).unwrap().to_f64(), Some(249.5 * 4000.0 + 39.0));
    assert!(source.located().values().all(|count| *count == 1));
}
