//! Errors, stops and tight budgets end the work with the right word, and nothing hangs.

use crate::support::*;
use craton_core::{DType, ErrorKind, Scalar};
use craton_exec::{Control, Engine};
use craton_kernels::fold::Reduction;
use craton_kernels::scan::Cumulation;
use craton_plan::NodeRef;
use craton_plan::ops::{self, ReduceOptions};
use craton_plan::physical::{Output, Target, lower};
use std::sync::Arc;

fn works(node: &NodeRef) -> Vec<NodeRef> {
    let options = ReduceOptions::default();
    vec![
        node.clone(),
        ops::reduce(Reduction::Sum, node, &[0], options).unwrap(),
        ops::reduce(Reduction::Max, node, &[0, 1], options).unwrap(),
        ops::cumulate(Cumulation::Sum, node, 0, true).unwrap(),
        ops::cumulate(Cumulation::Sum, node, 1, true).unwrap(),
    ]
}

fn array() -> Array {
    Array::of(DType::Float32, &[12, 10], |at| (at[0] * 10 + at[1]) as f64)
}

#[test]
fn a_damaged_chunk_is_named_by_its_error() {
    within(60, || {
        for threads in 1..6 {
            for chunk in [vec![0, 0], vec![2, 1], vec![5, 4]] {
                let mut source = ModelSource::new(&array(), &Storage::plain(&[12, 10], &[2, 2]));
                source.fails_at = Some(chunk.clone());
                for node in works(&Arc::new(source).node()) {
                    let error = try_run(&node, &engine(threads)).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                    assert_eq!(error.context().chunk, Some(chunk.clone()));
                    assert!(error.context().url.is_some(), "{error}");
                }
            }
        }
    });
}

#[test]
fn a_panic_in_a_source_does_not_hang_the_others() {
    within(60, || {
        for threads in 2..5 {
            let mut source = ModelSource::new(&array(), &Storage::plain(&[12, 10], &[1, 1]));
            source.panics_at = Some(vec![3, 3]);
            for node in works(&Arc::new(source).node()) {
                let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    try_run(&node, &engine(threads))
                }));
                let is_told = match result {
                    Ok(Err(error)) => error.kind() == ErrorKind::Internal,
                    Ok(Ok(_)) => false,
                    Err(_) => true,
                };
                assert!(is_told);
            }
        }
    });
}

#[test]
fn cancelling_stops_the_work() {
    within(60, || {
        for threads in 1..5 {
            let control = Arc::new(Control::default());
            let mut source = ModelSource::new(&array(), &Storage::plain(&[12, 10], &[1, 1]));
            source.on_locate = Some(control.clone());
            let source = Arc::new(source);
            for node in works(&source.node()) {
                let output = Output {
                    node,
                    target: Target::Keep,
                };
                let pipelines = lower(&[output]).unwrap();
                let error = engine(threads).run(&pipelines, &control).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Cancelled);
            }
            assert!(source.located().len() <= threads);
        }
    });
}

#[test]
fn a_budget_too_small_names_the_minimum() {
    let node = ops::full(Scalar::from_f64(DType::Float64, 1.5), &[1 << 20, 64]).unwrap();
    let error = try_run(&node, &Engine::new(Some(2), Some(256 << 20))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Budget);
    assert!(error.hint_text().unwrap().contains("--memory"), "{error}");
    let zero = ops::scalar(Scalar::zero(DType::Float64)).unwrap();
    let huge = ops::broadcast(&zero, &[1 << 19; 3]).unwrap();
    let error = try_run(&huge, &Engine::new(Some(2), Some(256 << 20))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Budget);
    let uncountable = ops::broadcast(&zero, &[1 << 40; 3]).unwrap_err();
    assert_eq!(uncountable.kind(), ErrorKind::Budget);
}

#[test]
fn nothing_is_read_where_a_later_stage_does_not_fit() {
    let source = ModelSource::new(&array(), &Storage::plain(&[12, 10], &[4, 10]));
    let source = Arc::new(source);
    let sum = ops::reduce(
        Reduction::Sum,
        &source.node(),
        &[0, 1],
        ReduceOptions::default(),
    );
    let large = ops::broadcast(&sum.unwrap(), &[1 << 21, 64]).unwrap();
    let engine = Engine::new(Some(1), Some(256 << 20));
    let error = try_run(&large, &engine).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Budget);
    assert!(source.located().is_empty());
}

#[test]
fn many_tiny_tasks_on_many_threads_come_to_an_end() {
    within(120, || {
        for seed in 0..8 {
            let random = &mut Random(seed);
            let shape = [40, 30];
            let array = Array::random(random, DType::Float64, &shape);
            let storage = Storage::plain(&shape, &[1, 1 + seed % 3]);
            let node = Arc::new(ModelSource::new(&array, &storage)).node();
            let outputs: Vec<Output> = works(&node)
                .into_iter()
                .map(|node| Output {
                    node,
                    target: Target::Keep,
                })
                .collect();
            let pipelines = lower(&outputs).unwrap();
            let many = engine(8).run(&pipelines, &Control::default()).unwrap();
            let one = engine(1).run(&pipelines, &Control::default()).unwrap();
            for (many, one) in many.iter().zip(&one) {
                assert_eq!(bits(many.as_ref().unwrap()), bits(one.as_ref().unwrap()));
            }
        }
    });
}
